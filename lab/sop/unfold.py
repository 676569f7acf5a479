"""A procedure written out flat: loops unrolled, calls inlined, branches as guards.

Loops are bounded (`max_iterations` is mandatory), so every way through a procedure fits into one finite graph of
steps. What may not happen carries guards: `(decision, answer)` pairs, all of which must have come true. So the checks
of volumes and times, the planner and the engine all look at the same plain list of steps.

A step of a loop has the path `measure[2]` in the second round (`measure[2,1]` in a loop within a loop), a step of a
called SOP `rinse.fill`. Ids are unique in one SOP, so the names of blocks need not be part of a path.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lab.domain.plan import Guard
from lab.sop.model_steps import (
    BranchBlock,
    CallBlock,
    ForEachBlock,
    Item,
    ManualStep,
    ParallelBlock,
    RepeatBlock,
    SafeStep,
    Stage,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lab.sop.document import Document, Path
    from lab.sop.model import Sop
    from lab.sop.model_steps import Block, Call, LoopValue

__all__ = [
    "MAX_STEPS",
    "FlatCall",
    "FlatDecision",
    "FlatStep",
    "Scope",
    "TooManyStepsError",
    "Unfolded",
    "all_items",
    "children",
    "unfold",
]

MAX_STEPS = 3000
"""Of a procedure that is written out flat."""

Guards = tuple[Guard, ...]


class TooManyStepsError(Exception):
    """Loops within loops make more steps than a run can have. `place` is the innermost block that does not fit."""

    def __init__(self, place: Path) -> None:
        super().__init__(f"more than {MAX_STEPS} steps")
        self.place = place


@dataclass(frozen=True, slots=True)
class Scope:
    """Where names have their meaning: one SOP, possibly called from another, in certain rounds of its loops."""

    sop: Sop
    document: Document
    prefix: str = ""
    """Of the paths of its steps."""
    rounds: tuple[tuple[str, int], ...] = ()
    """(id of the loop, round from 1), the outermost first."""
    values: Mapping[str, LoopValue] = field(default_factory=dict[str, "LoopValue"])
    """Names of `for_each` loops -> value in this round."""
    outer: Scope | None = None
    call: Call | None = None

    def path(self, name: str) -> str:
        """The path of a step or block in this scope."""
        rounds = ",".join(str(number) for _, number in self.rounds)
        return f"{self.prefix}{name}[{rounds}]" if rounds else f"{self.prefix}{name}"

    def role(self, name: str) -> str:
        """The outermost SOP's role for one of this SOP."""
        if self.outer is None or self.call is None:
            return name
        return self.outer.role(self.call.equipment.get(name, name))

    def container(self, name: str) -> str:
        """The outermost SOP's container for one of this SOP."""
        if self.outer is None or self.call is None:
            return name
        return self.outer.container(self.call.containers.get(name, name))

    def material(self, name: str) -> str:
        """The outermost SOP's material for one of this SOP."""
        if self.outer is None or self.call is None:
            return name
        return self.outer.material(self.call.materials.get(name, name))

    def sees(self, other: Scope) -> bool:
        """Can a name used here mean a step of `other`? The same SOP, and the same round of every common loop."""
        if other.prefix != self.prefix:
            return False
        mine = dict(self.rounds)
        return all(mine.get(name, number) == number for name, number in other.rounds)


@dataclass(frozen=True, slots=True)
class FlatStep:
    """One step as it is written out."""

    path: str
    step: Step | ManualStep | SafeStep
    place: Path
    """Where it stands in `scope.document`."""
    scope: Scope
    needs: tuple[str, ...] = ()
    when: Guards = ()
    safe_state: bool = False
    compensates: str = ""
    """Path of the step whose failure calls for it."""

    @property
    def manual(self) -> bool:
        return isinstance(self.step, ManualStep)

    @property
    def role(self) -> str:
        """The outermost SOP's role that does it; empty for a person."""
        return "" if isinstance(self.step, ManualStep) else self.scope.role(self.step.equipment)


@dataclass(frozen=True, slots=True)
class FlatDecision:
    """A branch, or the end of a round of a loop."""

    path: str
    block: RepeatBlock | BranchBlock
    expression: str
    """As written."""
    place: Path
    scope: Scope
    needs: tuple[str, ...]
    when: Guards
    last: bool = False
    """True for the last round of a loop."""


@dataclass(frozen=True, slots=True)
class FlatCall:
    """A called SOP: `inner` is the scope of its steps."""

    block: CallBlock
    place: Path
    scope: Scope
    inner: Scope


@dataclass(slots=True)
class Unfolded:
    """All steps in an order that can be executed (but for cycles, which are found elsewhere)."""

    steps: list[FlatStep] = field(default_factory=list[FlatStep])
    safe: list[FlatStep] = field(default_factory=list[FlatStep])
    decisions: list[FlatDecision] = field(default_factory=list[FlatDecision])
    calls: list[FlatCall] = field(default_factory=list[FlatCall])


def children(item: Item) -> Iterator[tuple[Path, list[Item]]]:
    """(place inside the item, list of items) of each list that a block holds."""
    match item:
        case Stage():
            yield ("stage",), item.stage
        case ParallelBlock():
            for index, branch in enumerate(item.parallel):
                yield ("parallel", index), branch
        case RepeatBlock():
            yield ("repeat", "steps"), item.repeat.steps
        case ForEachBlock():
            yield ("for_each", "steps"), item.for_each.steps
        case BranchBlock():
            yield ("branch", "then"), item.branch.then
            yield ("branch", "else"), item.branch.otherwise
        case Step() | ManualStep() | CallBlock():
            pass


def all_items(items: Sequence[Item], place: Path = ("procedure",)) -> Iterator[tuple[Path, Item]]:
    """Every step and block of a SOP as written, each with its place in the document."""
    for index, item in enumerate(items):
        here = (*place, index)
        yield here, item
        for inside, inner in children(item):
            yield from all_items(inner, (*here, *inside))


def unfold(sop: Sop, document: Document, library: Mapping[str, tuple[Sop, Document]]) -> Unfolded:
    """Write a SOP out. `library`: path as written in `call` -> that SOP (a call that is not there is left out).

    TooManyStepsError where it would have more than `MAX_STEPS` steps. Calls must not lead back to the caller.
    """
    work = _Unfolder(library)
    scope = Scope(sop, document)
    work.sequence(sop.procedure, ("procedure",), scope, (), ())
    for index, step in enumerate(sop.safety.safe_state):
        place = ("safety", "safe_state", index)
        work.found.safe.append(FlatStep(step.id, step, place, scope, safe_state=True))
    return work.found


def _list_needs(items: Sequence[Block]) -> dict[str, tuple[str, ...]]:
    """Of one list: an item without `needs` needs the one before it; unknown names are left out."""
    known = {item.id for item in items}
    needs: dict[str, tuple[str, ...]] = {}
    previous: tuple[str, ...] = ()
    for item in items:
        wanted = previous if item.needs is None else tuple(dict.fromkeys(item.needs))
        needs[item.id] = tuple(name for name in wanted if name in known and name != item.id)
        previous = (item.id,)
    return needs


@dataclass(slots=True)
class _Unfolder:
    library: Mapping[str, tuple[Sop, Document]]
    found: Unfolded = field(default_factory=Unfolded)

    def sequence(
        self, items: Sequence[Item], place: Path, scope: Scope, entry: tuple[str, ...], when: Guards
    ) -> tuple[str, ...]:
        """Write a list out; returns the steps after whose end all of it is done."""
        needs = _list_needs(items)
        exits: dict[str, tuple[str, ...]] = {}
        waiting = list(enumerate(items))
        while waiting:
            ready = next(
                (pair for pair in waiting if all(n in exits for n in needs[pair[1].id])), None
            )
            if ready is None:
                ready = waiting[0]  # a cycle: reported by the rules, which look at the lists
            waiting.remove(ready)
            index, item = ready
            before = [exits[name] for name in needs[item.id] if name in exits]
            start = tuple(dict.fromkeys(path for group in before for path in group)) or entry
            exits[item.id] = self._item(item, (*place, index), scope, start, when)
        needed = {name for names in needs.values() for name in names}
        last = [exits[item.id] for item in items if item.id not in needed]
        return tuple(dict.fromkeys(path for group in last for path in group)) or entry

    def _item(
        self, item: Item, place: Path, scope: Scope, entry: tuple[str, ...], when: Guards
    ) -> tuple[str, ...]:
        match item:
            case Step() | ManualStep():
                return self._step(item, place, scope, entry, when)
            case Stage():
                return self.sequence(item.stage, (*place, "stage"), scope, entry, when)
            case ParallelBlock():
                exits: list[str] = []
                for index, branch in enumerate(item.parallel):
                    inside = (*place, "parallel", index)
                    exits += self.sequence(branch, inside, scope, entry, when)
                return tuple(dict.fromkeys(exits))
            case RepeatBlock():
                return self._repeat(item, place, scope, entry, when)
            case ForEachBlock():
                return self._for_each(item, place, scope, entry, when)
            case BranchBlock():
                return self._branch(item, place, scope, entry, when)
            case CallBlock():
                return self._call(item, place, scope, entry, when)

    def _step(
        self,
        step: Step | ManualStep,
        place: Path,
        scope: Scope,
        entry: tuple[str, ...],
        when: Guards,
    ) -> tuple[str, ...]:
        if len(self.found.steps) >= MAX_STEPS:
            raise TooManyStepsError(place)
        path = scope.path(step.id)
        self.found.steps.append(FlatStep(path, step, place, scope, entry, when))
        for index, undo in enumerate(step.on_error.compensate):
            inside = (*place, "on_error", "compensate", index)
            self.found.safe.append(
                FlatStep(
                    scope.path(undo.id), undo, inside, scope, safe_state=True, compensates=path
                )
            )
        return (path,)

    def _repeat(
        self,
        block: RepeatBlock,
        place: Path,
        scope: Scope,
        entry: tuple[str, ...],
        when: Guards,
    ) -> tuple[str, ...]:
        count, until = block.repeat.max_iterations, block.repeat.until
        guards = when
        for number in range(1, count + 1):
            inner = replace(scope, rounds=(*scope.rounds, (block.id, number)))
            inside = (*place, "repeat", "steps")
            entry = self.sequence(block.repeat.steps, inside, inner, entry, guards)
            if until:
                path = inner.path(block.id)
                where = (*place, "repeat", "until")
                self.found.decisions.append(
                    FlatDecision(path, block, until, where, inner, entry, guards, number == count)
                )
                guards = (*when, Guard(decision=path, value=False))
        return entry

    def _for_each(
        self,
        block: ForEachBlock,
        place: Path,
        scope: Scope,
        entry: tuple[str, ...],
        when: Guards,
    ) -> tuple[str, ...]:
        for number, value in enumerate(block.for_each.values, start=1):
            inner = replace(
                scope,
                rounds=(*scope.rounds, (block.id, number)),
                values={**scope.values, block.for_each.name: value},
            )
            inside = (*place, "for_each", "steps")
            entry = self.sequence(block.for_each.steps, inside, inner, entry, when)
        return entry

    def _branch(
        self,
        block: BranchBlock,
        place: Path,
        scope: Scope,
        entry: tuple[str, ...],
        when: Guards,
    ) -> tuple[str, ...]:
        path = scope.path(block.id)
        where = (*place, "branch", "when")
        self.found.decisions.append(
            FlatDecision(path, block, block.branch.when, where, scope, entry, when)
        )
        exits: list[str] = []
        for key, value, items in (
            ("then", True, block.branch.then),
            ("else", False, block.branch.otherwise),
        ):
            guards = (*when, Guard(decision=path, value=value))
            exits += self.sequence(items, (*place, "branch", key), scope, entry, guards)
        return tuple(dict.fromkeys(exits))

    def _call(
        self, block: CallBlock, place: Path, scope: Scope, entry: tuple[str, ...], when: Guards
    ) -> tuple[str, ...]:
        called = self.library.get(block.call.sop)
        if called is None:
            return entry
        sop, document = called
        inner = Scope(
            sop, document, prefix=f"{scope.path(block.id)}.", outer=scope, call=block.call
        )
        self.found.calls.append(FlatCall(block, place, scope, inner))
        return self.sequence(sop.procedure, ("procedure",), inner, entry, when)
