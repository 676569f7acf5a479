"""What one run of a campaign leaves in a vessel, the next one finds there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.arguments import BadArgumentError
from lab.sop.contents import check_levels
from lab.sop.expression import ExpressionError
from lab.sop.references import References
from lab.sop.value import CalculationError, Value
from lab.sop.volumes import Amounts, Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.action import CapabilitySpec
    from lab.domain.diagnostic import Diagnostic
    from lab.sop.lab_model import Lab
    from lab.sop.procedure import Box, Procedure, Setting

__all__ = ["repeated_findings"]

_MOST_RUNS = 50
"""How many runs are followed one after the other: what gathers in a vessel shows in the first few."""


def repeated_findings(
    procedure: Procedure,
    lab: Lab,
    capabilities: Mapping[str, CapabilitySpec],
    box: Box,
    settings: Mapping[str, Setting],
    trials: int,
) -> list[Diagnostic]:
    """What is wrong with volumes from the second run on, where a run ends with more in a vessel than it can't draw.

    A plate has a new well for each run. Of several stations of one kind each gets its share of the trials.
    """
    sop = procedure.sop
    runs = {name: _runs(name, procedure, lab, trials) for name in sop.containers}
    references = References(procedure.flat, capabilities)
    amounts = Amounts({**references.box, **box}, settings, references)
    found: dict[str, tuple[Value, Value]] = {}
    told: set[tuple[object, ...]] = set()
    findings: list[Diagnostic] = []
    for number in range(2, min(max(runs.values(), default=0), _MOST_RUNS) + 1):
        ledger = Ledger(procedure.flat, sop, capabilities, found=found)
        try:
            books = ledger.books(amounts.volume)
        except (BadArgumentError, CalculationError, ExpressionError):
            return []  # a volume that can't be computed is reported where the SOP is checked
        if number == 2:
            told = _told(check_levels(procedure.flat, ledger, capabilities, box, settings, references)[0])
        more = {
            name: (books[name].start[0], books[name].final[1])
            for name in sop.containers
            if runs[name] >= number
            and books[name].final[1].high > books[name].start[1].high + 1e-9 * sop.containers[name].capacity.base
        }
        if not more:
            break
        found |= more
        ledger = Ledger(procedure.flat, sop, capabilities, found=found)
        said = check_levels(procedure.flat, ledger, capabilities, box, settings, references)[0]
        new = [item for item in said if (item.code, item.place) not in told]
        if new:
            return [item.diagnostic for item in new]
    return findings


def _runs(container: str, procedure: Procedure, lab: Lab, trials: int) -> int:
    """How many runs one station sees at most; 0 for the wells of a plate, of which each run has its own."""
    kind = procedure.sop.containers[container].kind or container
    serving = [name for name, item in lab.stations.items() if (item.kind or name) == kind]
    if not serving or any(name in lab.plates for name in serving):
        return 0
    return -(-trials // len(serving))
