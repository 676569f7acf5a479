"""What differs between two versions of an SOP: in the procedure, and apart from it in the words around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel

from lab.sop.diff_steps import Placed, moved, order_changes, placed
from lab.sop.leaves import leaves, same, shown
from lab.sop.procedure import sop_sha256
from lab.sop.versions import compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.sop.model import Sop

__all__ = ["Change", "Difference", "difference"]

Kind = Literal["added", "removed", "moved", "changed"]

_WORDING = frozenset(
    {"title", "description", "display name", "message", "annotations", "keywords", "simulate"}
)
"""Words for readers; a person at the bench does the same whatever they say."""
_HEADER = (
    "id", "title", "version", "status", "supersedes", "authors", "approved_by", "effective_date", "license",
    "based_on", "intended_use", "keywords", "change_log",
)  # fmt: skip
_BODY = (
    "parameters", "samples", "materials", "containers", "equipment", "safety", "procedure", "timing", "quality",
    "derived", "results",
)  # fmt: skip
_CHILDREN = ("stage", "parallel", "repeat", "for_each", "branch")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `what` is empty where a whole part is concerned; `before` and `after` are for people."""

    kind: Kind
    part: str
    """`step heat`, `parameter total_volume`, `safety` ..."""
    what: str = ""
    before: str = ""
    after: str = ""

    @property
    def text(self) -> str:
        """One line: `parameter total_volume: maximum 12 mL -> 15 mL`."""
        if not self.what:
            place = {"added": self.after, "removed": "", "moved": f"{self.before} -> {self.after}"}
            said = place.get(self.kind, f"{self.before} -> {self.after}")
            return f"{self.part} {self.kind} {said}".rstrip()
        if self.kind == "added":
            return f"{self.part}: {self.what} {self.after} added"
        if self.kind == "removed":
            return f"{self.part}: {self.what} {self.before} removed"
        return f"{self.part}: {self.what} {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Difference:
    """`changes` are those of the procedure; `wording` those of titles, descriptions and the header."""

    changes: tuple[Change, ...]
    wording: tuple[Change, ...]
    versions: tuple[str, str]
    hashes: tuple[str, str]
    """`sop_sha256` of the two."""

    @property
    def is_same(self) -> bool:
        """True where whoever follows either text does the same and reports the same."""
        return not self.changes

    @property
    def warning(self) -> str:
        """What is wrong with the second version's number; empty where it fits."""
        before, after = self.versions
        order = compare(after, before)
        if order < 0:
            return f"the second version {after} is older than the first, {before}"
        if self.changes and not order:
            return f"the procedure has changed, but the version is {after} in both: raise it"
        return ""


def difference(before: Sop, after: Sop) -> Difference:
    """Compare two SOPs. Steps are matched by id wherever they stand; equal quantities in other units are equal."""
    found = [
        *_named("parameter", before.parameters, after.parameters),
        *_compared("samples", before.samples, after.samples),
        *_named("material", before.materials, after.materials),
        *_named("container", before.containers, after.containers),
        *_named("equipment", before.equipment, after.equipment),
        *_compared("safety", before.safety, after.safety, ("safe_state",)),
        *_named("safe-state step", *({s.id: s for s in sop.safety.safe_state} for sop in (before, after))),
        *_order_of_safe_state(before, after),
        *_steps(before, after),
        *_named("time limit", *(_timing(sop) for sop in (before, after))),
        *_compared("quality", before.quality, after.quality),
        *_named("derived value", before.derived, after.derived),
        *_named("result", before.results, after.results),
    ]  # fmt: skip
    wording = [item for item in found if _is_wording(item)]
    return Difference(
        changes=tuple(item for item in found if item not in wording),
        wording=(*_compared("header", before, after, _BODY), *wording),
        versions=(before.version, after.version),
        hashes=(sop_sha256(before), sop_sha256(after)),
    )


def _is_wording(change: Change) -> bool:
    return any(change.what == word or change.what.endswith(f" {word}") for word in _WORDING) or (
        change.what.startswith(("annotations ", "manual simulate "))
    )


def _named(
    kind: str, before: Mapping[str, BaseModel], after: Mapping[str, BaseModel]
) -> Iterator[Change]:
    for name, item in before.items():
        if name not in after:
            yield Change("removed", f"{kind} {name}")
        else:
            yield from _compared(f"{kind} {name}", item, after[name])
    for name in after:
        if name not in before:
            yield Change("added", f"{kind} {name}")


def _compared(
    part: str, before: BaseModel, after: BaseModel, without: tuple[str, ...] = ()
) -> Iterator[Change]:
    old, new = leaves(before, without), leaves(after, without)
    for name, value in old.items():
        if name not in new:
            yield Change("removed", part, name, before=shown(value))
        elif not same(name, value, new[name]):
            yield Change("changed", part, name, shown(value), shown(new[name]))
    for name, value in new.items():
        if name not in old:
            yield Change("added", part, name, after=shown(value))


def _timing(sop: Sop) -> dict[str, BaseModel]:
    return {limit.id or f"{limit.start} to {limit.to}": limit for limit in sop.timing}


def _order_of_safe_state(before: Sop, after: Sop) -> Iterator[Change]:
    old, new = ([step.id for step in sop.safety.safe_state] for sop in (before, after))
    one, other = [name for name in old if name in new], [name for name in new if name in old]
    if one != other:
        yield Change(
            "changed", "safety", "order of the safe state", ", ".join(one), ", ".join(other)
        )


def _steps(before: Sop, after: Sop) -> Iterator[Change]:
    old, new = placed(before.procedure), placed(after.procedure)
    elsewhere = moved(old, new)
    for name, item in old.items():
        if name not in new:
            yield Change("removed", item.name)
    for name, item in new.items():
        if name not in old:
            yield Change("added", item.name, after=item.where)
            continue
        if name in elsewhere:
            yield Change("moved", item.name, before=old[name].where, after=item.where)
        yield from _one_step(old[name], item)
    for name, needs_before, needs_after in order_changes(old, new, elsewhere):
        said = [", ".join(sorted(needs)) or "nothing" for needs in (needs_before, needs_after)]
        yield Change("changed", new[name].name, "needs", *said)


def _one_step(before: Placed, after: Placed) -> Iterator[Change]:
    if before.kind != after.kind:
        yield Change("changed", after.name, "kind", before.kind, after.kind)
    yield from _compared(after.name, before.item, after.item, ("needs", *_CHILDREN))
    for key in ("repeat", "for_each", "branch"):
        one, other = getattr(before.item, key, None), getattr(after.item, key, None)
        if isinstance(one, BaseModel) and isinstance(other, BaseModel):
            yield from _compared(after.name, one, other, ("steps", "then", "otherwise"))
    if before.kind == after.kind == "parallel block":
        counts = [str(getattr(item, "branches", 0)) for item in (before, after)]
        if counts[0] != counts[1]:
            yield Change("changed", after.name, "branches", *counts)
