"""What comes to pass in one container, followed through a procedure with branches, loops and parallel lanes.

The steps that touch a container form a tree: a decision stands where its guard stands, and holds what happens in
either case. A list of steps that are all in order is followed one by one; the two cases of a decision are followed
each by itself and joined. Steps whose order is open are taken in the worst order: what makes the result greater (for
the most that can be there, additions; for the least, removals) is taken last, and counts for every step beside it.
That is sound because a removal takes at most a fixed amount: taking it earlier never leaves less.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lab.domain.plan import Guard
    from lab.sop.unfold import FlatStep, Unfolded

__all__ = ["Account", "Order", "Touch", "Tree", "Walk", "order_of", "tree_of", "walk"]

State = TypeVar("State")
_Key = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class Order:
    """Which steps are certainly done before which, and under which guard each stands. Steps are numbers."""

    steps: Sequence[FlatStep]
    index: Mapping[str, int]
    before: Sequence[int]
    """For each step the set of steps before it, one bit each."""
    parents: Mapping[str, _Key | None]
    """Decision -> the guard that it stands under itself."""

    def is_before(self, first: int, second: int) -> bool:
        return bool(self.before[second] >> first & 1)

    def guard(self, step: int) -> _Key | None:
        return _innermost(self.steps[step].when)

    def implied(self, step: int) -> dict[str, bool]:
        """All decisions that have been taken, and how, where a step is done."""
        found: dict[str, bool] = {}
        key = self.guard(step)
        while key is not None:
            found[key[0]] = key[1]
            key = self.parents.get(key[0])
        return found


def _innermost(when: Sequence[Guard]) -> _Key | None:
    """Guards are written from the outermost in, so the last one implies the others."""
    return (when[-1].decision, when[-1].value) if when else None


def order_of(flat: Unfolded) -> Order:
    """The order of the main steps of a procedure without cycles."""
    index = {step.path: number for number, step in enumerate(flat.steps)}
    before: list[int] = []
    for number, step in enumerate(flat.steps):
        bits = 0
        for name in step.needs:
            need = index.get(name, number)
            if need < number:
                bits |= before[need] | 1 << need
        before.append(bits)
    parents = {decision.path: _innermost(decision.when) for decision in flat.decisions}
    return Order(flat.steps, index, before, parents)


@dataclass(frozen=True, slots=True)
class Touch:
    """A step that adds to a container, removes from it, or (with neither) only looks at it."""

    step: int
    adds: bool = False
    removes: bool = False
    optional: bool = False
    """True where the procedure goes on if the step fails, so that it may not happen."""


@dataclass(slots=True)
class _Unit:
    """A step, or a decision with all that happens in either case."""

    first: int
    touch: Touch | None = None
    cases: dict[bool, Tree] = field(default_factory=dict[bool, "Tree"])
    adds: bool = False
    removes: bool = False
    own: int = 0
    """Its steps, one bit each."""
    earlier: int = -1
    """The steps that are before all of its steps."""
    open: bool = False
    """True where it is open which comes first: this, or something that does the opposite."""

    def is_before(self, other: _Unit) -> bool:
        return not self.own & ~other.earlier

    def is_beside(self, other: _Unit) -> bool:
        return self is not other and not self.is_before(other) and not other.is_before(self)


@dataclass(slots=True)
class Tree:
    """Groups of units in order; the order within a group is open."""

    units: list[_Unit] = field(default_factory=list[_Unit])
    groups: list[list[_Unit]] = field(default_factory=list[list[_Unit]])


def tree_of(order: Order, touches: Iterable[Touch]) -> Tree:
    """The steps that touch a container, under the decisions that they depend on."""
    root = Tree()
    trees: dict[_Key, Tree] = {}
    decisions: dict[str, _Unit] = {}
    made: list[tuple[Tree, _Unit]] = []

    def tree_at(key: _Key | None) -> Tree:
        chain: list[_Key] = []
        while key is not None and key not in trees:
            chain.append(key)
            key = order.parents.get(key[0])
        tree = root if key is None else trees[key]
        for decision, value in reversed(chain):
            unit = decisions.get(decision)
            if unit is None:
                unit = decisions[decision] = _Unit(first)
                tree.units.append(unit)
                made.append((tree, unit))
            tree = trees[decision, value] = unit.cases.setdefault(value, Tree())
        return tree

    for touch in sorted(touches, key=lambda item: item.step):
        first = touch.step
        bit, earlier = 1 << first, order.before[first]
        unit = _Unit(first, touch, {}, touch.adds, touch.removes, bit, earlier)
        tree_at(order.guard(first)).units.append(unit)
    for _, unit in reversed(made):
        for case in unit.cases.values():
            for inner in case.units:
                unit.own |= inner.own
                unit.earlier &= inner.earlier
                unit.adds |= inner.adds
                unit.removes |= inner.removes
    for tree in (root, *trees.values()):
        tree.groups = list(_groups(tree.units))
        for group in tree.groups:
            for unit in group:
                unit.open = any(_matters(unit, other) for other in group)
    return root


def _groups(units: Sequence[_Unit]) -> Iterator[list[_Unit]]:
    """Cut a list wherever all before the cut is certainly done before all after it."""
    needed: list[int] = []
    common = -1
    for unit in reversed(units):
        common &= unit.earlier
        needed.append(common)
    needed.reverse()
    group: list[_Unit] = []
    done = 0
    for number, unit in enumerate(units):
        if group and not done & ~needed[number]:
            yield group
            group = []
        group.append(unit)
        done |= unit.own
    if group:
        yield group


class Account(Protocol[State]):
    """What is kept of a container: its most, its least, or the substances in it."""

    additions_last: bool
    """True where additions make the result greater (most, substances); False for the least."""

    def add(self, state: State, step: int) -> State: ...

    def remove(self, state: State, step: int) -> State: ...

    def join(self, first: State, second: State) -> State: ...


@dataclass(slots=True)
class Walk(Generic[State]):
    """What was found: step -> state just before and after it; and the state at the end of the run."""

    before: dict[int, State]
    after: dict[int, State]
    final: State


def walk(tree: Tree, account: Account[State], start: State) -> Walk[State]:
    """Follow a container through the procedure."""
    walker = _Walker(account)
    final = walker.run(tree, start, beside=(), record=True)
    return Walk(walker.before, walker.after, final)


class _Walker(Generic[State]):
    def __init__(self, account: Account[State]) -> None:
        self._account = account
        self.before: dict[int, State] = {}
        self.after: dict[int, State] = {}

    def run(
        self,
        tree: Tree,
        state: State,
        *,
        beside: tuple[_Unit, ...] = (),
        record: bool = False,
        late_only: bool = False,
    ) -> State:
        """`beside`: what may be done at the same time; `late_only`: leave out all but what counts most."""
        ends: list[State] = []
        following: Tree | None = tree
        while following is not None:
            tree, following = following, None
            for number, group in enumerate(tree.groups):
                unit = group[0]
                if len(group) > 1 and not late_only:
                    state = self._together(group, state, beside, record=record)
                elif len(group) > 1:
                    state = self._late(group, state)
                elif number == len(tree.groups) - 1 and len(unit.cases) == 1:
                    # the next round of a loop: there may be hundreds, too many to nest calls
                    ends.append(state)
                    following = next(iter(unit.cases.values()))
                else:
                    state = self._unit(
                        unit, state, beside=beside, record=record, late_only=late_only
                    )
        for end in reversed(ends):
            state = self._account.join(end, state)
        return state

    def _unit(
        self,
        unit: _Unit,
        state: State,
        *,
        beside: tuple[_Unit, ...] = (),
        record: bool = False,
        late_only: bool = False,
    ) -> State:
        if unit.touch is not None:
            done = self._step(unit.touch, state, late_only=late_only)
            if record:
                self.before[unit.first] = self._late(beside, state)
                self.after[unit.first] = self._late(beside, done)
            return done
        ends = [
            self.run(unit.cases[value], state, beside=beside, record=record, late_only=late_only)
            if value in unit.cases
            else state
            for value in (True, False)
        ]
        return self._account.join(*ends)

    def _step(self, touch: Touch, state: State, *, late_only: bool) -> State:
        last = self._account.additions_last
        if touch.adds and (last or not (late_only or touch.optional)):
            state = self._account.add(state, touch.step)
        if touch.removes and (not last or not (late_only or touch.optional)):
            state = self._account.remove(state, touch.step)
        return state

    def _late(self, units: Iterable[_Unit], state: State) -> State:
        for unit in units:
            state = self._unit(unit, state, late_only=True)
        return state

    def _together(
        self, group: Sequence[_Unit], state: State, beside: tuple[_Unit, ...], *, record: bool
    ) -> State:
        for unit in group if record else ():
            entry = self._sequence([other for other in group if other.is_before(unit)], state)
            others = tuple(other for other in group if other.is_beside(unit))
            self._unit(unit, entry, beside=(*beside, *others), record=True)
        return self._sequence(group, state)

    def _sequence(self, units: Sequence[_Unit], state: State) -> State:
        """The state when all of these are done, whose order is partly open."""
        late: list[_Unit] = []
        for unit in units:
            counts = unit.adds if self._account.additions_last else unit.removes
            if counts and unit.open:
                late.append(unit)
            else:
                state = self._unit(unit, state)
        return self._late(late, state)


def _matters(first: _Unit, second: _Unit) -> bool:
    """Is it open which of two comes first, and does that make a difference?"""
    opposed = (first.adds and second.removes) or (first.removes and second.adds)
    return opposed and first.is_beside(second)
