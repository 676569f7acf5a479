"""Volume bookkeeping: what each step moves, and what that leaves in each container.

When a run begins, a container holds nothing (it is new, or somebody has dried it) up to its dead volume (what an
earlier run could not draw from it). A removal takes what it asks for, but never more than is there above the dead
volume; what a line takes from one container is what the other gets. A person who empties a container leaves nothing
in it. Stations that are no containers of the SOP (the waste) are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.sop.arguments import BadArgumentError, resolve
from lab.sop.expression import parse_expression, unwrap
from lab.sop.flow import Touch, order_of, tree_of, walk
from lab.sop.model_steps import ManualStep, Step
from lab.sop.procedure import planned_names, topological_order
from lab.sop.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lab.domain.action import ActionSpec, ArgSpec, CapabilitySpec
    from lab.sop.expression import Expression
    from lab.sop.flow import Order, Tree, Walk
    from lab.sop.model import Sop
    from lab.sop.model_materials import Equipment
    from lab.sop.model_steps import Argument
    from lab.sop.procedure import Box, Names, Setting
    from lab.sop.references import References
    from lab.sop.unfold import FlatStep, Scope, Unfolded

__all__ = [
    "NOTHING",
    "Amounts",
    "Book",
    "Ledger",
    "Line",
    "Movement",
    "Transfer",
    "action_of",
    "drawn",
    "emptied_by_hand",
    "filled_by_hand",
    "place_of",
    "transfers_of",
]

NOTHING = Value(0.0, (("[length]", 3.0),))
"""No volume."""
_ALL = Value(1e30, NOTHING.dimension)
"""What a person takes who empties a container: all that is there, and what a line can't draw."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Liquid that one step moves. `source` and `target` are names of the outermost SOP; empty where unknown."""

    step: FlatStep
    source: str
    target: str
    volume: Value
    empties: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """A movement whose volume is not computed yet."""

    step: FlatStep
    source: str
    target: str
    raw: Argument
    spec: ArgSpec
    argument: str = ""
    """Name of the argument, as in the contract."""

    @property
    def empties(self) -> bool:
        return self.step.step.empties

    @property
    def optional(self) -> bool:
        """True where the run goes on without it."""
        return isinstance(self.step.step, Step) and self.step.step.on_error.then == "skip"


def action_of(
    step: FlatStep, sop: Sop, capabilities: Mapping[str, CapabilitySpec]
) -> ActionSpec | None:
    """The contract of what a step does; None for a person, or where there is none. `sop` is the outermost."""
    role = sop.equipment.get(step.role)
    capability = capabilities.get(role.capability) if role else None
    if capability is None or isinstance(step.step, ManualStep):
        return None
    return capability.actions.get(step.step.action)


def _role_of(step: FlatStep, sop: Sop) -> tuple[Equipment | None, Scope | None]:
    """The role as its own SOP describes it, and the scope of the names in there (None: the outermost)."""
    if isinstance(step.step, ManualStep):
        return None, None
    own = step.scope.sop.equipment.get(step.step.equipment)
    if own is not None and (own.at or own.into or own.draws):
        return own, step.scope
    return sop.equipment.get(step.role), None


def place_of(step: FlatStep, sop: Sop) -> str:
    """The outermost SOP's container that a step works at (not the one that it fills); empty where there is none."""
    if isinstance(step.step, ManualStep):
        return step.scope.container(step.step.at) if step.step.at else ""
    role, scope = _role_of(step, sop)
    return "" if role is None or not role.at else _outermost(role.at, scope)


def filled_by_hand(sop: Sop, steps: Iterable[FlatStep], container: str) -> bool:
    """May something be in it that no step of a device has put there: a sample, or what a person fills in?"""
    return bool(sop.samples.inputs) or any(
        isinstance(step.step, ManualStep)
        and not step.step.empties
        and place_of(step, sop) == container
        for step in steps
    )


def emptied_by_hand(step: FlatStep) -> str:
    """The outermost SOP's container that a person leaves empty and dry; empty where there is none."""
    done = step.step
    by_hand = isinstance(done, ManualStep) and done.empties and bool(done.at)
    return step.scope.container(done.at) if by_hand and isinstance(done, ManualStep) else ""


def _outermost(name: str, scope: Scope | None) -> str:
    """The outermost SOP's name for a container or material."""
    if scope is None or not name:
        return name
    if name in scope.sop.containers:
        return scope.container(name)
    return scope.material(name) if name in scope.sop.materials else name


def transfers_of(
    step: FlatStep, sop: Sop, capabilities: Mapping[str, CapabilitySpec]
) -> list[Transfer]:
    """What a step moves, by its contract's `doses`."""
    action = action_of(step, sop, capabilities)
    role, scope = _role_of(step, sop)
    if action is None or not action.doses or role is None or isinstance(step.step, ManualStep):
        return []
    spec = action.args[action.doses]
    raw = step.step.arguments.get(action.doses, spec.default)
    target = _outermost(role.into or role.at, scope)
    if raw is None:
        return []
    if not isinstance(raw, dict):
        source = _outermost(role.draws[0], scope) if role.draws else ""
        return [Transfer(step, source, target, raw, spec, action.doses)]
    single = spec.model_copy(update={"kind": "quantity"})
    return [
        Transfer(step, _outermost(name, step.scope), target, volume, single, action.doses)
        for name, volume in raw.items()
    ]


@dataclass(slots=True)
class Amounts:
    """Computes what transfers move, for parameters and outputs in a box. What is the same is computed once."""

    box: Box
    settings: Mapping[str, Setting]
    references: References
    _names: dict[object, Names] = field(default_factory=dict[object, "Names"])
    _values: dict[object, Value] = field(default_factory=dict[object, Value])
    _parsed: dict[str, Expression] = field(default_factory=dict[str, "Expression"])
    _volumes: dict[tuple[str, str], Value] = field(default_factory=dict[tuple[str, str], Value])

    def volume(self, transfer: Transfer) -> Value:
        """BadArgumentError, ExpressionError or CalculationError where it can't be computed, or has no limits."""
        key = transfer.step.path, transfer.source
        if key not in self._volumes:
            self._volumes[key] = self.value(transfer.raw, transfer.spec, transfer.step.scope)
        return self._volumes[key]

    def value(self, raw: Argument, spec: ArgSpec, scope: Scope) -> Value:
        """Any quantity among the arguments of a step."""
        scope_key = (scope.prefix, tuple(scope.values.items()))
        text = unwrap(raw) if isinstance(raw, str) else None
        if text is None:
            return _quantity(raw, spec, {})
        names = self._names.get(scope_key)
        if names is None:
            names = self._names[scope_key] = planned_names(scope, self.box, self.settings)
        expression = self._parsed.get(text)
        if expression is None:
            expression = self._parsed[text] = parse_expression(text)
        unknown = [name for name, _ in expression.names if name not in names]
        if unknown:
            names = self.references.with_outputs(names, unknown, scope, self.box, bounded=True)
            return _quantity(raw, spec, names)
        key = (str(raw), spec.unit, scope_key)
        if key not in self._values:
            self._values[key] = _quantity(raw, spec, names)
        return self._values[key]


def _quantity(raw: Argument, spec: ArgSpec, names: Names) -> Value:
    value = resolve(raw, spec, names)  # pyright: ignore[reportArgumentType]
    if not isinstance(value, Value):
        raise BadArgumentError("value", f"{raw} is not a quantity")
    return value


@dataclass(frozen=True, slots=True)
class Line:
    """What is in a container at one step: (least, most) before and after it."""

    least_before: Value
    most_before: Value
    least: Value
    most: Value


@dataclass(frozen=True, slots=True)
class Book:
    """What is in one container all through the procedure."""

    lines: Mapping[int, Line]
    """Number of the step in `Order.steps` -> line, for each step that touches or looks at the container."""
    final: tuple[Value, Value]
    start: tuple[Value, Value] = (NOTHING, NOTHING)
    """Least and most in it when the run begins."""
    looks: int = 0
    """How often a step was looked at for it: what it cost."""

    @property
    def most(self) -> Value:
        """The most that is ever in it."""
        highest = [self.start[1], *(line.most for line in self.lines.values())]
        return max(highest, key=lambda value: value.high)


class Ledger:
    """The bookkeeping of one procedure: made once, computed for as many boxes as needed."""

    def __init__(
        self,
        flat: Unfolded,
        sop: Sop,
        capabilities: Mapping[str, CapabilitySpec],
        looks: Iterable[tuple[str, str]] = (),
    ) -> None:
        """`looks`: (path of a step, container) whose contents are asked for though the step moves none of it."""
        self.sop = sop
        self.order: Order = order_of(flat)
        self.transfers: list[list[Transfer]] = [
            [move for move in transfers_of(step, sop, capabilities) if move.source != move.target]
            for step in flat.steps
        ]
        self.by_hand: dict[int, str] = {}
        """Number of a step -> container that a person empties in it."""
        self._looks: dict[str, set[int]] = {}
        for path, container in looks:
            self._looks.setdefault(container, set()).add(self.order.index[path])
        self.trees: dict[str, Tree] = {}
        self.sources: dict[str, set[str]] = {}
        self._plant()

    def _plant(self) -> None:
        touched: dict[str, dict[int, tuple[bool, bool, bool]]] = {}
        for number, moves in enumerate(self.transfers):
            for move in moves:
                for name, adds in ((move.target, True), (move.source, False)):
                    old = touched.setdefault(name, {}).get(number, (False, False, False))
                    new = (old[0] or adds, old[1] or not adds, move.optional)
                    touched[name][number] = new
                if move.target in self.sop.containers and move.source in self.sop.containers:
                    self.sources.setdefault(move.target, set()).add(move.source)
        for number, step in enumerate(self.order.steps):
            name = emptied_by_hand(step)
            if name:
                self.by_hand[number] = name
                optional = isinstance(step.step, ManualStep) and step.step.on_error.then == "skip"
                touched.setdefault(name, {})[number] = (False, True, optional)
        for name in self.sop.containers:
            steps = touched.get(name, {})
            touches = [Touch(number, *kind) for number, kind in steps.items()]
            touches += [
                Touch(number) for number in self._looks.get(name, ()) if number not in steps
            ]
            self.trees[name] = tree_of(self.order, touches)
        needs = {name: sorted(self.sources.get(name, ())) for name in self.sop.containers}
        self.sequence, self.circular = topological_order(needs)

    def movements(self, amounts: Amounts) -> list[Movement]:
        """All that the main steps move, by their arguments."""
        return [
            Movement(move.step, move.source, move.target, amounts.volume(move), move.empties)
            for moves in self.transfers
            for move in moves
        ]

    def upstream(self, container: str) -> set[str]:
        """The container and all from which something gets into it."""
        found: set[str] = set()
        waiting = [container]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.sources.get(name, ())
        return found

    def books(
        self,
        compute: Callable[[Transfer], Value],
        only: Iterable[str] | None = None,
        found: Mapping[str, tuple[Value, Value]] | None = None,
    ) -> dict[str, Book]:
        """What is in each container; of a circle of containers, each is told without looking at the others.

        `found`: container -> least and most in it when the run begins; nothing to its dead volume if left out.
        """
        wanted = set(self.sop.containers if only is None else only)
        told: dict[str, Book] = {}
        for name in (*self.sequence, *self.circular):
            if name in wanted:
                start = (found or {}).get(name) or self.start(name)
                told[name] = self._book(name, compute, told, start)
        return told

    def _book(
        self,
        name: str,
        compute: Callable[[Transfer], Value],
        known: Mapping[str, Book],
        start: tuple[Value, Value],
    ) -> Book:
        least = _Amount(self, name, compute, known, additions_last=False)
        most = _Amount(self, name, compute, known, additions_last=True)
        low = walk(self.trees[name], least, start[0])
        high = walk(self.trees[name], most, start[1])
        return _bound(low, high, start)

    def start(self, container: str) -> tuple[Value, Value]:
        """Least and most in it when a run begins."""
        return NOTHING, self.dead_volume(container)

    def dead_volume(self, container: str) -> Value:
        """What can't be drawn from it."""
        dead = self.sop.containers[container].dead_volume
        return NOTHING if dead is None else Value.of(dead)


def _bound(low: Walk[Value], high: Walk[Value], start: tuple[Value, Value]) -> Book:
    lines = {
        step: Line(low.before[step], high.before[step], low.after[step], high.after[step])
        for step in sorted(high.after)
    }
    return Book(lines, (low.final, high.final), start, low.looks + high.looks)


@dataclass(slots=True)
class _Amount:
    """The most (or the least) volume in a container; see `flow.Account`."""

    ledger: Ledger
    name: str
    compute: Callable[[Transfer], Value]
    known: Mapping[str, Book]
    additions_last: bool
    nothing: Value = NOTHING

    def add(self, state: Value, step: int) -> Value:
        for move in self.ledger.transfers[step]:
            if move.target == self.name:
                state = state + self._arriving(move, step)
        return state

    def late(self, step: int) -> Value:
        if self.additions_last:
            return self.add(NOTHING, step)
        if self.ledger.by_hand.get(step) == self.name:
            return _ALL
        moves = (move for move in self.ledger.transfers[step] if move.source == self.name)
        return sum(map(self.compute, moves), NOTHING)

    def both(self, first: Value, second: Value) -> Value:
        if first is NOTHING or second is NOTHING:
            return first if second is NOTHING else second
        return first + second

    def either(self, first: Value, second: Value) -> Value:
        return first if first is second else first.extreme(second, max)

    def apply(self, state: Value, amount: Value) -> Value:
        if amount is NOTHING:
            return state
        if self.additions_last:
            return state + amount
        if amount.high >= _ALL.high:
            return NOTHING
        return drawn(state, amount, self.ledger.dead_volume(self.name))

    def _arriving(self, move: Transfer, step: int) -> Value:
        """What a line takes from a container may be less than it was asked for."""
        volume = self.compute(move)
        book = self.known.get(move.source)
        if book is not None:
            line = book.lines[step]
            there = line.most_before if self.additions_last else line.least_before
            dead = self.ledger.dead_volume(move.source)
            return volume.extreme((there - dead).extreme(NOTHING, max), min)
        if move.source in self.ledger.circular and not self.additions_last:
            return NOTHING
        return volume

    def remove(self, state: Value, step: int) -> Value:
        if self.ledger.by_hand.get(step) == self.name:
            return NOTHING
        dead = self.ledger.dead_volume(self.name)
        for move in self.ledger.transfers[step]:
            if move.source == self.name:
                state = drawn(state, self.compute(move), dead)
        return state

    def join(self, first: Value, second: Value) -> Value:
        return first.extreme(second, max if self.additions_last else min)


def drawn(state: Value, volume: Value, dead: Value) -> Value:
    """What a removal leaves."""
    return (state - volume).extreme(state.extreme(dead, min), max)
