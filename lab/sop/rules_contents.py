"""Rules about what is in the vessels: volumes, heat, materials that meet, and who watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.vessels import vessel_findings

if TYPE_CHECKING:
    from lab.sop.rules import SopRules

__all__ = ["check_contents"]


def check_contents(rules: SopRules) -> None:
    """Everything that follows from what the steps move, over the whole range of the parameters.

    Choices, texts and yes/no need no settings here: no expression makes a number of them, and of a branch that asks
    for one both ways are followed. So what holds for the default holds for every choice.
    """
    found = vessel_findings(
        rules.flat,
        rules.sop,
        rules.document,
        rules.capabilities,
        rules.box,
        {},
        rules.references,
    )
    rules.findings += [finding.diagnostic for finding in found]
