"""What comes to pass in one container, followed through a procedure with branches, loops and parallel lanes.

The steps that touch a container form a tree: a decision stands where its guard stands, and holds what happens in
either case. A list of steps that are all in order is followed one by one; the two cases of a decision are followed
each by itself and joined. Steps whose order is open are taken in the worst order: what makes the result greater (for
the most that can be there, additions; for the least, removals) is taken last, and counts for every step beside it.
That is sound because a removal takes at most a fixed amount: taking it earlier never leaves less.

What is taken last does not depend on what is there, so it is summed up beforehand, over blocks of neighbours: hundreds
of steps in parallel lanes cost little more than as many in a row.
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
    later: Sequence[int]
    """For each step the set of steps after it."""
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
    later = [0] * len(flat.steps)
    for number in reversed(range(len(flat.steps))):
        for name in flat.steps[number].needs:
            need = index.get(name, number)
            if need < number:
                later[need] |= later[number] | 1 << number
    parents = {decision.path: _innermost(decision.when) for decision in flat.decisions}
    return Order(flat.steps, index, before, later, parents)


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
    later: int = -1
    """The steps that are after all of its steps."""
    before: int = 0
    """Of its group, the steps of the units that are before it."""
    beside: int = 0
    """Of its group, the steps of the units that may come before or after it."""
    open: bool = False
    """True where it is open which comes first: this, or something that does the opposite."""


@dataclass(slots=True)
class _Group:
    """Units whose order is partly open."""

    units: list[_Unit]
    by_step: dict[int, _Unit] = field(default_factory=dict[int, _Unit])

    def relate(self) -> None:
        """Which of them are before each other, and which beside."""
        everything = adds = removes = 0
        for unit in self.units:
            everything |= unit.own
            adds |= unit.own if unit.adds else 0
            removes |= unit.own if unit.removes else 0
            self.by_step[unit.own.bit_length() - 1] = unit
        several = [unit for unit in self.units if unit.cases]
        for unit in self.units:
            before, later = unit.earlier & everything, unit.later & everything
            for other in several:
                # all of its steps, or none of them
                before &= ~other.own
                later &= ~other.own
                if not other.own & ~unit.earlier:
                    before |= other.own
                elif not unit.own & ~other.earlier:
                    later |= other.own
            unit.before, unit.beside = before, everything & ~(unit.own | before | later)
            opposed = (adds if unit.removes else 0) | (removes if unit.adds else 0)
            unit.open = bool(unit.beside & opposed)


@dataclass(slots=True)
class Tree:
    """Groups of units in order; the order within a group is open."""

    units: list[_Unit] = field(default_factory=list[_Unit])
    groups: list[_Group] = field(default_factory=list[_Group])


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
        bit, earlier, later = 1 << first, order.before[first], order.later[first]
        unit = _Unit(first, touch, {}, touch.adds, touch.removes, bit, earlier, later)
        tree_at(order.guard(first)).units.append(unit)
    for _, unit in reversed(made):
        for case in unit.cases.values():
            for inner in case.units:
                unit.own |= inner.own
                unit.earlier &= inner.earlier
                unit.later &= inner.later
                unit.adds |= inner.adds
                unit.removes |= inner.removes
    for tree in (root, *trees.values()):
        tree.groups = [_Group(units) for units in _groups(tree.units)]
        for group in tree.groups:
            if len(group.units) > 1:
                group.relate()
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
    """What is kept of a container: its most, its least, or the substances in it.

    An amount is what steps that are taken last do to it, whatever is there: a volume, or substances.
    """

    additions_last: bool
    """True where additions make the result greater (most, substances); False for the least."""
    nothing: State
    """The amount of no steps."""

    def add(self, state: State, step: int) -> State: ...

    def remove(self, state: State, step: int) -> State: ...

    def join(self, first: State, second: State) -> State:
        """What may be there after either case of a decision."""
        ...

    def late(self, step: int) -> State:
        """The amount of a step that is taken last."""
        ...

    def both(self, first: State, second: State) -> State:
        """The amount of one and of the other."""
        ...

    def either(self, first: State, second: State) -> State:
        """An amount that neither of two exceeds."""
        ...

    def apply(self, state: State, amount: State) -> State:
        """What an amount leaves of what was there."""
        ...


@dataclass(slots=True)
class Walk(Generic[State]):
    """What was found: step -> state just before and after it; and the state at the end of the run."""

    before: dict[int, State]
    after: dict[int, State]
    final: State
    looks: int
    """How often a step was looked at: what it cost."""


def walk(tree: Tree, account: Account[State], start: State) -> Walk[State]:
    """Follow a container through the procedure."""
    walker = _Walker(account)
    final = walker.run(tree, start, account.nothing, record=True)
    return Walk(walker.before, walker.after, final, walker.looks)


class _Sums(Generic[State]):
    """Amounts of the units of a group, summed over halves, quarters ... of them."""

    def __init__(
        self, account: Account[State], units: Sequence[_Unit], amounts: Sequence[State]
    ) -> None:
        self._account = account
        self._halves: tuple[_Sums[State], _Sums[State]] | None = None
        self.own, self.amount = 0, account.nothing
        if len(units) == 1:
            self.own, self.amount = units[0].own, amounts[0]
        elif units:
            middle = len(units) // 2
            first = _Sums(account, units[:middle], amounts[:middle])
            second = _Sums(account, units[middle:], amounts[middle:])
            self._halves = first, second
            self.own = first.own | second.own
            self.amount = account.both(first.amount, second.amount)

    def of(self, steps: int) -> State:
        """The amount of the units with these steps."""
        if not self.own & ~steps:
            return self.amount
        if not self.own & steps or self._halves is None:
            return self._account.nothing
        first, second = self._halves
        if not steps & second.own:
            return first.of(steps)
        if not steps & first.own:
            return second.of(steps)
        return self._account.both(first.of(steps), second.of(steps))


class _Walker(Generic[State]):
    def __init__(self, account: Account[State]) -> None:
        self._account = account
        self._amounts: dict[int, State] = {}
        self.before: dict[int, State] = {}
        self.after: dict[int, State] = {}
        self.looks = 0

    def run(self, tree: Tree, state: State, beside: State, *, record: bool) -> State:
        """`beside`: the amount of what may be done at the same time."""
        ends: list[State] = []
        following: Tree | None = tree
        while following is not None:
            tree, following = following, None
            for number, group in enumerate(tree.groups):
                unit = group.units[0]
                if len(group.units) > 1:
                    state = self._together(group, state, beside, record=record)
                elif number == len(tree.groups) - 1 and len(unit.cases) == 1:
                    # the next round of a loop: there may be hundreds, too many to nest calls
                    ends.append(state)
                    following = next(iter(unit.cases.values()))
                else:
                    state = self._unit(unit, state, beside, record=record)
        for end in reversed(ends):
            state = self._account.join(end, state)
        return state

    def _unit(self, unit: _Unit, state: State, beside: State, *, record: bool) -> State:
        self.looks += 1
        if unit.touch is not None:
            done = self._step(unit.touch, state)
            if record:
                self.before[unit.first] = self._account.apply(state, beside)
                self.after[unit.first] = self._account.apply(done, beside)
            return done
        ends = [
            self.run(unit.cases[value], state, beside, record=record)
            if value in unit.cases
            else state
            for value in (True, False)
        ]
        return self._account.join(*ends)

    def _step(self, touch: Touch, state: State) -> State:
        last = self._account.additions_last
        if touch.adds and (last or not touch.optional):
            state = self._account.add(state, touch.step)
        if touch.removes and (not last or not touch.optional):
            state = self._account.remove(state, touch.step)
        return state

    def _counts(self, unit: _Unit) -> bool:
        return unit.adds if self._account.additions_last else unit.removes

    def _amount(self, unit: _Unit) -> State:
        """What a unit does where it is taken last."""
        key = id(unit)
        if key not in self._amounts:
            self._amounts[key] = self._late(unit)
        return self._amounts[key]

    def _late(self, unit: _Unit) -> State:
        account = self._account
        if not self._counts(unit):
            return account.nothing
        if unit.touch is not None:
            return account.late(unit.first)
        # of a loop each round holds the next: not by nested calls, as there may be hundreds
        levels: list[State] = []
        cases = list(unit.cases.values())
        while len(cases) == 1:
            tree, total = cases[0], account.nothing
            cases = []
            for inner in tree.units:
                if inner is tree.units[-1] and len(inner.cases) == 1:
                    cases = list(inner.cases.values())
                else:
                    total = account.both(total, self._amount(inner))
            levels.append(total)
        deepest = account.nothing
        for tree in cases:
            total = account.nothing
            for inner in tree.units:
                total = account.both(total, self._amount(inner))
            deepest = account.either(deepest, total)
        for total in reversed(levels):
            deepest = account.either(account.nothing, account.both(total, deepest))
        return deepest

    def _together(self, group: _Group, state: State, beside: State, *, record: bool) -> State:
        self.looks += len(group.units)
        late = self._sums([unit for unit in group.units if self._counts(unit) and unit.open])
        if record:
            self._record(group, state, beside, late)
        for unit in group.units:
            if not unit.own & late.own:
                state = self._unit(unit, state, self._account.nothing, record=False)
        return self._account.apply(state, late.amount)

    def _sums(self, units: Sequence[_Unit]) -> _Sums[State]:
        return _Sums(self._account, units, [self._amount(unit) for unit in units])

    def _record(self, group: _Group, start: State, beside: State, late: _Sums[State]) -> None:
        """Each unit as if all that is certainly before it, and what counts most beside it, had been done."""
        account = self._account
        counting = self._sums([unit for unit in group.units if self._counts(unit)])
        certain: dict[int, State] = {0: start}
        for unit in group.units:
            if unit.before not in certain:
                certain[unit.before] = self._certain(group, unit.before, certain, late.own)
            entry = account.apply(certain[unit.before], late.of(unit.before))
            around = account.both(beside, counting.of(unit.beside))
            self._unit(unit, entry, around, record=True)

    def _certain(self, group: _Group, steps: int, known: Mapping[int, State], late: int) -> State:
        """The state when the units with these steps are done, but for those that are taken last."""
        last = group.by_step[steps.bit_length() - 1]
        units = [last]
        state = known.get(last.before)
        if state is None or last.before | last.own != steps:
            units, state = [unit for unit in group.units if not unit.own & ~steps], known[0]
        for unit in units:
            if not unit.own & late:
                state = self._unit(unit, state, self._account.nothing, record=False)
        return state
