"""What a well-formed SOP must also fulfil: its header, its names, its parameters and its roles."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean
from lab.sop.model_steps import ForEachBlock, ManualStep, Step
from lab.sop.procedure import WELL, full_box, planned_names
from lab.sop.references import References
from lab.sop.unfold import Unfolded, all_items
from lab.sop.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lab.domain.action import CapabilitySpec
    from lab.domain.diagnostic import Diagnostic, Severity
    from lab.sop.document import Document, Path
    from lab.sop.model import Sop
    from lab.sop.procedure import Box, Names
    from lab.sop.search import Witness
    from lab.sop.unfold import Scope

__all__ = ["SopRules", "at_words"]

_RESERVED = (
    "abs", "and", "clamp", "count", "exp", "false", "first", "greatest", "intercept", "last", "least", "ln", "log10",
    "max", "mean", "median", "min", "not", "or", "parameters", "r_squared", "sd", "slope", "sqrt", "sum", "true", WELL,
)  # fmt: skip


def at_words(witness: Witness) -> str:
    """` at a = 7 mL, b = 3 mL`, and whether it is certain."""
    point = ", ".join(f"{name} = {value}" for name, value in witness.parameters.items())
    certain = "" if witness.proven else "; it could not be shown that it stays within"
    return (f" at {point}" if point else "") + certain


def _shown(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else value


class SopRules:
    """Collects findings about one SOP. `flat` and `references` are there once its structure is sound."""

    def __init__(
        self, sop: Sop, document: Document, capabilities: Mapping[str, CapabilitySpec]
    ) -> None:
        self.sop = sop
        self.document = document
        self.capabilities = capabilities
        self.findings: list[Diagnostic] = []
        self.flat = Unfolded()
        self.references = References(self.flat, capabilities)
        self.box: Box = full_box(sop)
        self._planned: dict[tuple[object, ...], Names] = {}

    def take(self, flat: Unfolded) -> None:
        """Go on with the procedure written out; outputs with limits join the box."""
        self.flat = flat
        self.references = References(flat, self.capabilities)
        self.box = {**self.box, **self.references.box}
        self._planned.clear()

    def planned(self, scope: Scope) -> Names:
        """`planned_names` over the whole box, computed once for each set of values.

        A derived value that can't be computed is some value in its unit: it is reported at its own place, not again
        wherever its name is used.
        """
        key = (scope.prefix, *scope.values.items())
        if key not in self._planned:
            names = planned_names(scope, self.box)
            for name, item in scope.sop.derived.items():
                if name not in names:
                    names[name] = Value.of(Quantity(1.0, item.unit))
            self._planned[key] = names
        return self._planned[key]

    def place(self, scope: Scope, path: Path) -> Path:
        """Where to report what is wrong at a place of a scope: in a called SOP, at the call."""
        found = path
        while scope.outer is not None:
            found = next(
                (c.place for c in self.flat.calls if c.inner.prefix == scope.prefix), found
            )
            found = (*found, "call")
            scope = scope.outer
        return found

    def report(
        self,
        path: Path,
        code: str,
        message: str,
        *,
        why: str = "",
        hint: str = "",
        severity: Severity = "error",
        at_key: bool = False,
    ) -> None:
        self.findings.append(
            self.document.finding(
                path, code, message, why=why, hint=hint, severity=severity, at_key=at_key
            )
        )

    @property
    def clean(self) -> bool:
        return not any(finding.blocking for finding in self.findings)

    def check_names(self) -> None:
        """Each name means one thing."""
        groups = ("parameters", "materials", "containers", "derived")
        owner: dict[str, str] = {}
        for group in groups:
            for name in getattr(self.sop, group):
                path = (group, name)
                if name in _RESERVED:
                    self.report(
                        path,
                        "name",
                        f'"{name}" is a reserved word',
                        hint="choose another name",
                        at_key=True,
                    )
                elif name in owner:
                    self.report(
                        path,
                        "name",
                        f'"{name}" is already the name of something in {owner[name]}',
                        hint="rename one of the two",
                        at_key=True,
                    )
                owner.setdefault(name, group)
        self._check_ids()

    def _check_ids(self) -> None:
        """Each step, block and value of a loop has a name of its own in the whole SOP."""
        places: list[tuple[Path, str]] = []
        for index, step in enumerate(self.sop.safety.safe_state):
            places.append((("safety", "safe_state", index, "id"), step.id))
        owned = {
            **self.sop.parameters,
            **self.sop.materials,
            **self.sop.containers,
            **self.sop.derived,
        }
        for path, item in all_items(self.sop.procedure):
            places.append(((*path, "id"), item.id))
            if isinstance(item, Step | ManualStep):
                for index, undo in enumerate(item.on_error.compensate):
                    places.append(((*path, "on_error", "compensate", index, "id"), undo.id))
            if isinstance(item, ForEachBlock) and (
                item.for_each.name in owned or item.for_each.name in _RESERVED
            ):
                self.report(
                    (*path, "for_each", "name"),
                    "name",
                    f'"{item.for_each.name}" already has a meaning here',
                    hint="choose another name for the value of the loop",
                )
        seen: dict[str, int] = {}
        for place, name in places:
            if name in seen:
                self.report(
                    place,
                    "duplicate-id",
                    f'there are two steps "{name}" (the other on line {seen[name]})',
                    hint="give each step an id of its own",
                )
            seen.setdefault(name, self.document.position(place).line)

    def check_header(self) -> None:
        """What an approved SOP must say of itself."""
        sop = self.sop
        if sop.status == "approved" and not sop.approved_by:
            self.report(
                ("status",), "approval", "it is approved, but `approved_by` does not say by whom",
                why="a signature without a name is none", hint="add `approved_by`, or set `status: draft`",
                severity="warning",
            )  # fmt: skip
        if sop.supersedes and sop.supersedes == sop.version:
            self.report(
                ("supersedes",), "version", f"version {sop.version} can't replace itself",
                hint="give the version before this one",
            )  # fmt: skip
        versions = [entry.version for entry in sop.change_log]
        if versions and sop.version not in versions:
            self.report(
                ("change_log",), "version", f"the change log has no entry for version {sop.version}",
                why="who reads it later wants to know what this version changed",
                hint=f'add an entry with `version: "{sop.version}"`', severity="warning",
            )  # fmt: skip

    def check_options(self) -> None:
        """Choices have choices, and their defaults are among them."""
        for name, item in self.sop.options.items():
            path: Path = ("parameters", name)
            if item.type == "choice" and not item.choices:
                self.report(
                    path, "shape", f'"{name}" is a choice without `choices`', at_key=True,
                    hint="add `choices: [...]`",
                )  # fmt: skip
            elif item.type == "choice" and item.default not in item.choices:
                self.report(
                    (*path, "default"), "value", f'"{_shown(item.default)}" is not one of the choices',
                    hint=did_you_mean(_shown(item.default), item.choices),
                )  # fmt: skip
            elif (item.type == "yes_no") != isinstance(item.default, bool):
                due = "true or false" if item.type == "yes_no" else "a text"
                self.report(
                    (*path, "default"), "value", f'"{_shown(item.default)}" stands where {due} is due',
                    hint=f"give {due}",
                )  # fmt: skip
            if item.role == "factor" and item.type != "choice":
                kind = item.type.replace("_", "/")
                self.report(
                    (*path, "role"), "factor", f'"{name}" is a {kind}, and of options only choices can be varied',
                    hint="make it `type: choice` with `choices: [...]`, or give it the role fixed",
                )  # fmt: skip

    def check_parameters(self) -> None:
        """Limits and default measure what the unit says, and are in order."""
        for name, item in self.sop.quantities.items():
            path: Path = ("parameters", name)
            fine = True
            for key in ("minimum", "maximum", "default"):
                quantity = getattr(item, key)
                if quantity.unit == DIMENSIONLESS and not quantity.is_like(item.unit):
                    fine = False
                    self.report(
                        (*path, key),
                        "unit-missing",
                        f"{quantity} has no unit",
                        why="a number alone can be read in any unit",
                        hint=f'write "{quantity} {item.unit}"',
                    )
                elif not quantity.is_like(item.unit):
                    fine = False
                    self.report(
                        (*path, key),
                        "dimension",
                        f'{quantity} is {quantity.words}, but "{name}" is measured in {item.unit}',
                        hint=f"give it in {item.unit}",
                    )
            if not fine:
                continue
            if item.minimum.base > item.maximum.base:
                self.report(
                    (*path, "maximum"),
                    "range",
                    f"the maximum {item.maximum} is below the minimum {item.minimum}",
                    hint="swap them",
                )
            elif not item.minimum.base <= item.default.base <= item.maximum.base:
                self.report(
                    (*path, "default"),
                    "range",
                    f"the default {item.default} is outside {item.minimum} to {item.maximum}",
                    hint="choose a default within the limits",
                )

    def check_amounts(self) -> None:
        """What can't be negative or nothing is not."""
        for group in ("materials", "containers"):
            for name, item in getattr(self.sop, group).items():
                for key in ("density", "capacity", "shelf_life"):
                    self._positive((group, name, key), getattr(item, key, None), zero=False)
                for key in ("concentration", "amount", "dead_volume"):
                    self._positive((group, name, key), getattr(item, key, None), zero=True)
                for key in ("density_uncertainty", "concentration_uncertainty"):
                    self._positive((group, name, key), getattr(item, key, None), zero=True)
        for name, item in self.sop.containers.items():
            if item.dead_volume is not None and item.dead_volume.base >= item.capacity.base > 0:
                self.report(
                    ("containers", name, "dead_volume"), "range",
                    f"the dead volume {item.dead_volume} is not below the capacity {item.capacity}",
                    hint="give what a line can not draw from it",
                )  # fmt: skip

    def check_safety(self) -> None:
        """What is said about safety is about something that is there; else it would guard nothing."""
        safety = self.sop.safety
        for index, item in enumerate(safety.incompatible_materials):
            for number, name in enumerate(item.materials):
                self._declared(
                    ("safety", "incompatible_materials", index, "materials", number), name,
                    "material", self.sop.materials,
                )  # fmt: skip
        known = [*self.sop.materials, *self.sop.containers]
        stations = [role.into for role in self.sop.equipment.values() if role.into]
        for index, item in enumerate(safety.overrides):
            for number, name in enumerate(item.between):
                if name not in stations:
                    self._declared(
                        ("safety", "overrides", index, "between", number), name,
                        "material or container", known,
                    )  # fmt: skip
        self._positive(("safety", "max_unattended"), safety.max_unattended, zero=False)

    def _declared(self, path: Path, name: str, what: str, known: Iterable[str]) -> None:
        if name not in known:
            self.report(
                path, "reference", f'there is no {what} "{name}"', hint=did_you_mean(name, known)
            )

    def _positive(self, path: Path, value: Quantity | None, *, zero: bool) -> None:
        if value is None or value.base > 0 or (zero and value.base == 0):
            return
        word = str(path[-1]).replace("_", " ")
        self.report(
            path, "range", f"{word} can't be {value}",
            hint=f"give a value {'from' if zero else 'above'} 0 {value.unit}",
        )  # fmt: skip

    def check_equipment(self) -> None:
        """Capabilities exist; places and liquids are declared."""
        declared = [*self.sop.containers, *self.sop.materials]
        for name, role in self.sop.equipment.items():
            path: Path = ("equipment", name)
            if role.capability not in self.capabilities:
                self.report(
                    (*path, "capability"),
                    "capability",
                    f'there is no capability "{role.capability}"',
                    hint=did_you_mean(role.capability, self.capabilities),
                )
            self._place((*path, "at"), role.at, list(self.sop.containers), shared=False)
            self._place((*path, "into"), role.into, list(self.sop.containers), shared=True)
            for index, source in enumerate(role.draws):
                listed = (*path, "draws", index)
                spot = listed if listed in self.document.values else (*path, "draws")
                self._place(spot, source, declared, shared=False)

    def _place(self, path: Path, name: str, known: Sequence[str], *, shared: bool) -> None:
        if not name or name in known:
            return
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        if shared and not close:
            # `waste` and the like belong to the lab; whether it is there is seen with the lab file
            return
        self.report(
            path,
            "reference",
            f'there is no container or material "{name}"',
            hint=did_you_mean(name, known),
        )
