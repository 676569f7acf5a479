"""Rules for what is in each container: it must fit, and what is drawn must be there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.sop.arguments import BadArgumentError
from lab.sop.expression import ExpressionError
from lab.sop.finding import RuleFinding
from lab.sop.model_steps import RepeatBlock
from lab.sop.search import Witness, find_beyond
from lab.sop.value import CalculationError, Value
from lab.sop.volumes import (
    NOTHING,
    Amounts,
    Ledger,
    drawn,
    emptied_by_hand,
    filled_by_hand,
    transfers_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lab.domain.action import CapabilitySpec
    from lab.domain.diagnostic import Severity
    from lab.sop.document import Path
    from lab.sop.model import Sop
    from lab.sop.procedure import Box, Setting
    from lab.sop.references import References
    from lab.sop.unfold import FlatDecision, FlatStep, Unfolded
    from lab.sop.volumes import Book, Line, Transfer

__all__ = ["check_levels", "dose_place", "final_levels", "levels", "levels_for", "round_words"]

_SHARE = 1e-9
"""Of a capacity, what counts as nothing."""
_EFFORT = 4_000
"""How often steps are looked at in the search for the worst parameters, in all: a third of a second."""
_MOST_BOXES = 2000
_REMEMBERED = 64
"""Sets of parameters whose books are kept: one search and the words about it ask for the same ones again."""


def levels_for(
    flat: Unfolded,
    sop: Sop,
    capabilities: Mapping[str, CapabilitySpec],
    box: Box,
    settings: Mapping[str, Setting],
    references: References,
) -> list[RuleFinding]:
    """All that is wrong with volumes for some parameters in the box (which may be one point).

    `sop` is the outermost one, whose steps `flat` holds. Outputs of steps that have limits stand for all values
    between them, unless the box says more. A volume that can't be computed or has no limits is a finding, too, and
    counts as nothing elsewhere.
    """
    return check_levels(
        flat, Ledger(flat, sop, capabilities), capabilities, box, settings, references
    )[0]


def check_levels(
    flat: Unfolded,
    ledger: Ledger,
    capabilities: Mapping[str, CapabilitySpec],
    box: Box,
    settings: Mapping[str, Setting],
    references: References,
) -> tuple[list[RuleFinding], dict[str, Book]]:
    """As `levels_for`, and the books of all containers, for whoever goes on with them."""
    check = _Check(flat, ledger, {**references.box, **box}, settings, references)
    check.compute()
    for name in ledger.sop.containers:
        # a vessel that runs over is not emptied by what was meant to empty it: one mistake, not two
        check.is_there(name, empties=check.fits(name))
    check.safe_pours(capabilities)
    return check.findings, check.books


def levels(
    flat: Unfolded,
    sop: Sop,
    capabilities: Mapping[str, CapabilitySpec],
    box: Box,
    settings: Mapping[str, Setting],
    references: References,
    found: Mapping[str, tuple[Value, Value]] | None = None,
) -> dict[str, list[tuple[str, Value, Value]]]:
    """Container -> (path of a step that adds or removes, least and most in it afterwards), in order of the steps.

    What runs at the same time counts as if it could be done already, or not yet. `found`: least and most in a
    container when the run begins, where that is known. BadArgumentError, ExpressionError or CalculationError where a
    volume can't be computed.
    """
    ledger = Ledger(flat, sop, capabilities)
    amounts = Amounts({**references.box, **box}, settings, references)
    return {
        name: [(flat.steps[step].path, line.least, line.most) for step, line in book.lines.items()]
        for name, book in ledger.books(amounts.volume, found=found).items()
    }


def final_levels(
    flat: Unfolded,
    sop: Sop,
    capabilities: Mapping[str, CapabilitySpec],
    box: Box,
    settings: Mapping[str, Setting],
    references: References,
    found: Mapping[str, tuple[Value, Value]] | None = None,
) -> dict[str, tuple[Value, Value]]:
    """Container -> least and most in it when the run is over; takes and raises what `levels` does."""
    amounts = Amounts({**references.box, **box}, settings, references)
    books = Ledger(flat, sop, capabilities).books(amounts.volume, found=found)
    return {name: book.final for name, book in books.items()}


def round_words(step: FlatStep) -> str:
    """` in round 7 of "titrate"`; empty outside loops."""
    return "".join(
        f' in round {number} of "{name}"' for name, number in reversed(step.scope.rounds)
    )


def dose_place(transfer: Transfer) -> Path:
    """Where the volume of a transfer is written."""
    return (*transfer.step.place, "with", transfer.argument)


@dataclass(slots=True)
class _Check:
    flat: Unfolded
    ledger: Ledger
    box: Box
    settings: Mapping[str, Setting]
    references: References
    books: dict[str, Book] = field(default_factory=dict[str, "Book"])
    findings: list[RuleFinding] = field(default_factory=list[RuleFinding])
    effort: int = _EFFORT
    _whole: Amounts | None = None
    _known: dict[object, tuple[dict[str, Book], Amounts]] = field(
        default_factory=dict[object, "tuple[dict[str, Book], Amounts]"]
    )

    def compute(self) -> None:
        """Fill the books; what can't be computed is reported and left out."""
        amounts = self._amounts(self.box)
        seen: set[Path] = set()
        for moves in self.ledger.transfers:
            for move in list(moves):
                try:
                    amounts.volume(move)
                except (BadArgumentError, CalculationError, ExpressionError) as problem:
                    moves.remove(move)
                    place = dose_place(move)
                    if place not in seen:
                        self._report(
                            move, problem.code, f"the volume {problem.message}", hint=problem.hint,
                            why="what is in the containers afterwards can't be told",
                        )  # fmt: skip
                    seen.add(place)
        self.books = self.ledger.books(amounts.volume)

    def _amounts(self, box: Box) -> Amounts:
        if box != self.box:
            return Amounts(box, self.settings, self.references)
        if self._whole is None:
            self._whole = Amounts(box, self.settings, self.references)
        return self._whole

    def _line(self, box: Box, name: str, step: int) -> tuple[Line, Amounts]:
        if box == self.box:
            return self.books[name].lines[step], self._amounts(box)
        key = (name, *box.items())
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                del self._known[next(iter(self._known))]
            amounts = self._amounts(box)
            upstream = self.ledger.upstream(name)
            self._known[key] = self.ledger.books(amounts.volume, upstream), amounts
            self.effort -= self._cost(name)
        books, amounts = self._known[key]
        return books[name].lines[step], amounts

    def _cost(self, name: str) -> int:
        """Of computing what is in a container, in looks at steps."""
        return sum(self.books[item].looks for item in self.ledger.upstream(name)) or 1

    def _search(self, name: str, compute: Callable[[Box], Value], limit: float) -> Witness | None:
        """Parameters for which something about a container goes above a limit.

        Where that would cost too much, the bound itself counts: what may be, without the parameters that lead there.
        """
        if self.effort < self._cost(name):
            value = compute(self.box)
            if value.high <= limit:
                return None
            return Witness(value.high, {}, proven=value.exact)
        boxes = min(_MOST_BOXES, self.effort // self._cost(name))
        return find_beyond(compute, self.box, limit, above=True, most_boxes=boxes)

    def _nothing(self, name: str) -> float:
        return self.ledger.sop.containers[name].capacity.base * _SHARE

    def _moves(self, name: str, *, into: bool) -> Iterator[tuple[int, Line, Transfer]]:
        for step, line in self.books[name].lines.items():
            for move in self.ledger.transfers[step]:
                if (move.target if into else move.source) == name:
                    yield step, line, move

    def fits(self, name: str) -> bool:
        """The container can't be filled above its capacity; only the first step that could is reported."""
        capacity = self.ledger.sop.containers[name].capacity
        limit = capacity.base
        for step, line, move in self._moves(name, into=True):
            if line.most.high <= limit + self._nothing(name):
                continue
            witness = self._search(
                name, lambda box, step=step: self._line(box, name, step)[0].most, limit
            )
            if witness is None:
                continue
            depends = self._depends(name, step, self._at(witness))
            left, hint = "", "lower a maximum, empty it before, or use a larger container"
            earlier = self.books[name].start[1]
            if witness.value - earlier.high <= limit + self._nothing(name):
                left = f" with the {self._volume(name, earlier.high)} that a run before this one leaves in it"
                hint = "dose less, or let a person empty and dry it first (`empties: true`)"
            self._report(
                move,
                "overfill",
                f'"{name}" would hold {self._volume(name, witness.value)}{round_words(move.step)}{left}, but its '
                f"capacity is {capacity}{witness.words}{depends}",
                why="the vessel runs over onto the device and the bench",
                hint=hint,
                severity="safety",
            )
            return False
        return True

    def is_there(self, name: str, *, empties: bool) -> None:
        """What is drawn is there, and what shall empty the container does; one finding for each step as written."""
        reported: set[Path] = set()
        amounts = self._amounts(self.box)
        for step, line, move in self._moves(name, into=False):
            place = dose_place(move)
            if place in reported:
                continue
            before = len(self.findings)
            if move.empties and not empties:
                continue
            if move.empties:
                self._empties(name, step, line, move, amounts)
            else:
                self._drawn(name, step, line, move, amounts)
            if len(self.findings) > before:
                reported.add(place)

    def _drawn(self, name: str, step: int, line: Line, move: Transfer, amounts: Amounts) -> None:
        volume, nothing = amounts.volume(move), self._nothing(name)
        above_dead = self._above_dead(name, line.most_before)
        if line.least_before.high <= nothing and above_dead.high <= nothing:
            by_hand = filled_by_hand(self.ledger.sop, self.flat.steps, name)
            if volume.high > nothing and not by_hand:
                self._report(
                    move,
                    "overdraw",
                    f'"{name}" is empty here{round_words(move.step)}',
                    why="the line draws air",
                    hint="fill it before, or leave this step out",
                )
            return
        if (volume - self._above_dead(name, line.least_before)).high <= nothing:
            return
        certain = (volume - self._above_dead(name, line.most_before)).low > nothing

        def missing(box: Box) -> Value:
            found, computed = self._line(box, name, step)
            return computed.volume(move) - self._above_dead(name, found.least_before)

        witness = self._search(name, missing, nothing)
        if witness is None:
            return
        point = self._at(witness)
        there, computed = self._line(point, name, step)
        asked = self._volume(name, computed.volume(move).high)
        held = line.most_before.high if certain else there.least_before.low
        degree = "never holds more than" if certain else "may hold only"
        self._report(
            move,
            "overdraw",
            f"this draws {asked}{round_words(move.step)}, but "
            f'"{name}" {degree} {self._volume(name, held)}{self._dead_words(name)}'
            f"{witness.words}{'' if certain else self._depends(name, step, point)}",
            why="the line draws air, and less arrives than the procedure counts upon",
            hint="draw less, or write `empties: true` where the rest shall be taken, air included",
        )

    def _empties(self, name: str, step: int, line: Line, move: Transfer, amounts: Amounts) -> None:
        volume, nothing = amounts.volume(move), self._nothing(name)
        if (self._above_dead(name, line.most_before) - volume).high <= nothing:
            return

        def left(box: Box) -> Value:
            found, computed = self._line(box, name, step)
            return self._above_dead(name, found.most_before) - computed.volume(move)

        witness = self._search(name, left, nothing)
        if witness is None:
            return
        point = self._at(witness)
        there, computed = self._line(point, name, step)
        self._report(
            move,
            "empties",
            f'this does not empty "{name}"{round_words(move.step)}: '
            f"{self._volume(name, computed.volume(move).low)} are drawn, but it may hold "
            f"{self._volume(name, there.most_before.high)}{self._dead_words(name)}"
            f"{witness.words}{self._depends(name, step, point)}",
            why="what follows counts on an empty container",
            hint="draw more: at least what can be in it",
        )

    def _above_dead(self, name: str, volume: Value) -> Value:
        return (volume - self.ledger.dead_volume(name)).extreme(NOTHING, max)

    def _dead_words(self, name: str) -> str:
        dead = self.ledger.sop.containers[name].dead_volume
        return f", {dead} of which can't be drawn" if dead is not None and dead.base > 0 else ""

    def _at(self, witness: Witness) -> Box:
        return {**self.box, **{name: (value, value) for name, value in witness.parameters.items()}}

    def _depends(self, name: str, step: int, point: Box) -> str:
        """What else decides how much is there, where the parameters alone do not."""
        line = self._line(point, name, step)[0]
        if (line.most_before - line.least_before).high <= self._nothing(name):
            return ""
        order, taken = self.ledger.order, self.ledger.order.implied(step)
        decisions = {decision.path: decision for decision in self.flat.decisions}
        causes: dict[str, None] = {}
        beside = False
        for container in self.ledger.upstream(name):
            for other in self.books[container].lines if container in self.books else ():
                moves = self.ledger.transfers[other]
                if other == step or order.is_before(step, other) or not moves:
                    continue
                implied = order.implied(other)
                if any(taken.get(key, value) != value for key, value in implied.items()):
                    continue
                for key in implied:
                    if key not in taken:
                        causes[_decision_words(decisions[key])] = None
                if moves[0].optional:
                    causes[f'whether "{moves[0].step.step.id}" succeeds'] = None
                beside = beside or not order.is_before(other, step)
        if not causes and beside:
            causes["the order of steps that may run at the same time"] = None
        return f"; it depends on {' and '.join(list(causes)[:3])}" if causes else ""

    def _volume(self, name: str, base: float) -> str:
        unit_name = self.ledger.sop.containers[name].capacity.unit
        return f"{Value(base, NOTHING.dimension).number(unit_name):.6g} {unit_name}"

    def _report(
        self, move: Transfer, code: str, message: str, *, why: str = "", hint: str = "",
        severity: Severity = "error",
    ) -> None:  # fmt: skip
        self.findings.append(
            RuleFinding(
                code, message, dose_place(move), move.step.scope.document, why, hint, severity
            )
        )

    def safe_pours(self, capabilities: Mapping[str, CapabilitySpec]) -> None:
        """What is poured to make a run safe must fit, too: alone in any case, and on top of what may be there.

        A run ends badly with its vessels in any state. The steps that undo one step come before the safe state, in
        their own order; then each step of the safe state after the other.
        """
        start = {name: book.most for name, book in self.books.items()}
        groups: dict[str, list[FlatStep]] = {}
        for step in self.flat.safe:
            groups.setdefault(step.compensates, []).append(step)
        amounts = self._amounts(self.box)
        after = dict(start)
        for path, steps in groups.items():
            if not path:
                continue
            for name, level in self._pour(steps, dict(start), capabilities, amounts).items():
                after[name] = max(after[name], level, key=lambda value: value.high)
        self._pour(groups.get("", []), after, capabilities, amounts)

    def _pour(
        self,
        steps: Iterable[FlatStep],
        there: dict[str, Value],
        capabilities: Mapping[str, CapabilitySpec],
        amounts: Amounts,
    ) -> dict[str, Value]:
        """The most that is in each container after these steps."""
        for step in steps:
            there |= {name: NOTHING for name in [emptied_by_hand(step)] if name in there}
            for move in transfers_of(step, self.ledger.sop, capabilities):
                try:
                    volume = amounts.volume(move)
                except (BadArgumentError, CalculationError, ExpressionError):
                    continue  # reported with the arguments of the step
                if move.source in there:
                    held = there[move.source]
                    there[move.source] = drawn(held, volume, self.ledger.dead_volume(move.source))
                    if move.empties:
                        volume = volume.extreme(held, min)
                if move.target in there:
                    self._check_pour(move, volume, there[move.target])
                    there[move.target] = there[move.target] + volume
        return there

    def _check_pour(self, move: Transfer, volume: Value, there: Value) -> None:
        capacity = self.ledger.sop.containers[move.target].capacity
        limit = capacity.base * (1 + _SHARE)
        alone = volume.high > limit
        if not alone and (there + volume).high <= limit:
            return
        amount = Quantity(volume.bounds(capacity.unit)[1], capacity.unit)
        on_top = "" if alone else " on top of what may be in it"
        finding = RuleFinding(
            "overfill",
            f'this pours up to {amount} into "{move.target}"{on_top}, which holds {capacity}',
            move.step.place,
            move.step.scope.document,
            why="a run ends badly with its vessels in any state",
            hint="empty the vessel first (with `empties: true`), or pour less",
            severity="safety" if alone else "warning",
        )
        if finding not in self.findings:
            self.findings.append(finding)


def _decision_words(decision: FlatDecision) -> str:
    if isinstance(decision.block, RepeatBlock):
        return f'the number of rounds of "{decision.block.id}"'
    return f'the branch "{decision.block.id}"'
