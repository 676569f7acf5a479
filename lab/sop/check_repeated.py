"""What one run of a campaign leaves in a vessel, the next one finds there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.sop.arguments import BadArgumentError
from lab.sop.expression import ExpressionError
from lab.sop.references import References
from lab.sop.search import find_beyond
from lab.sop.value import CalculationError, Value
from lab.sop.volumes import NOTHING, Amounts, Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.action import CapabilitySpec
    from lab.sop.lab_model import Lab
    from lab.sop.procedure import Box, Procedure, Setting

__all__ = ["Gathering", "gatherings"]

_EFFORT = 4_000
"""How often steps are looked at in the search for the worst parameters."""
_SHARE = 1e-9
"""Of a capacity, what counts as nothing."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """A vessel that fills up run after run, though one run alone fits."""

    container: str
    run: int
    """The first that would overfill it, from 1."""
    each: Quantity
    """What a run leaves in it, more than it found."""
    capacity: Quantity
    words: str
    """The parameters at which it does."""
    fitting: int
    """Trials that all stations together take."""


def _stations(container: str, procedure: Procedure, lab: Lab) -> int:
    """How many stations take turns; 0 where none serves, or each run has a well of its own."""
    kind = procedure.sop.containers[container].kind or container
    serving = [name for name, item in lab.stations.items() if (item.kind or name) == kind]
    return 0 if any(name in lab.plates for name in serving) else len(serving)


def gatherings(
    procedure: Procedure,
    lab: Lab,
    capabilities: Mapping[str, CapabilitySpec],
    box: Box,
    settings: Mapping[str, Setting],
    trials: int,
) -> list[Gathering]:
    """The vessels that the trials together overfill. What overfills in one run is reported with the SOP."""
    sop = procedure.sop
    references = References(procedure.flat, capabilities)
    whole: Box = {**references.box, **box}
    ledger = Ledger(procedure.flat, sop, capabilities)
    found: list[Gathering] = []
    for name, container in sop.containers.items():
        stations = _stations(name, procedure, lab)
        runs = -(-trials // stations) if stations else 1
        if runs == 1:
            continue

        def followed(box: Box, name: str = name, runs: int = runs) -> _Followed:
            amounts = Amounts(box, settings, references)
            return _follow(ledger, name, amounts, runs)

        capacity, unit = container.capacity.base * (1 + _SHARE), container.capacity.unit
        try:
            all_runs = followed(whole)
            if all_runs.most.high <= capacity:
                continue
            boxes = max(1, _EFFORT // all_runs.looks)
            witness = find_beyond(
                lambda box, followed=followed: followed(box).most,
                whole, capacity, above=True, most_boxes=boxes,
            )  # fmt: skip
            if witness is None:
                continue
            worst = followed({**whole, **{key: (at, at) for key, at in witness.parameters.items()}})
        except (BadArgumentError, CalculationError, ExpressionError):
            continue  # a volume that can't be computed is reported where the SOP is checked
        if worst.run > 1:
            each = Quantity(Value(worst.left, NOTHING.dimension).number(unit), unit)
            fitting = (worst.run - 1) * stations
            found.append(
                Gathering(name, worst.run, each, container.capacity, witness.words, fitting)
            )
    return found


@dataclass(frozen=True, slots=True)
class _Followed:
    """A container in one run after the other, all with the same parameters, until it overflows or all are done."""

    run: int
    most: Value
    """The most that is in it in this run."""
    left: float
    """What the run before this one left in it more than it found, in SI base units."""
    looks: int


def _follow(ledger: Ledger, name: str, amounts: Amounts, runs: int) -> _Followed:
    """Keeps the books run by run, and does not look at each run once the same amount is added again and again.

    What a run leaves is a convex function of what it finds, of slope 0 or 1 (it draws what it is asked to, or all
    that is there): two runs that add the same amount are followed by others that do.
    """
    capacity = ledger.sop.containers[name].capacity.base
    nothing = _SHARE * capacity
    upstream = ledger.upstream(name)
    start = ledger.start(name)[1]
    run, looks, last = 1, 0, 0.0
    while True:
        book = ledger.books(amounts.volume, upstream, {name: (NOTHING, start)})[name]
        looks += book.looks or 1
        left = book.final[1].high - start.high
        if book.most.high > capacity + nothing or left <= nothing or run == runs:
            return _Followed(run, book.most, last, looks)
        same = abs(left - last) <= nothing
        more = max(1, int((capacity - book.most.high) / left)) if same else 1
        more = min(more, runs - run)
        start = Value(start.high + more * left, NOTHING.dimension)
        run, last = run + more, left
