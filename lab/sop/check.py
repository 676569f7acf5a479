"""Checks of the three files. Text in, a model and diagnostics out; nothing is read or raised.

Levels, each only when the one before holds: syntax, shape, references and units, then what follows from numbers
(ranges, volumes).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.campaign_model import Campaign
from lab.sop.check_aim import shape_of_aim
from lab.sop.check_lab import check_lab
from lab.sop.diagnostics import sorted_diagnostics, validate
from lab.sop.document import read_document
from lab.sop.model import Sop
from lab.sop.procedure import Procedure, sop_sha256
from lab.sop.rules import SopRules
from lab.sop.rules_calls import check_calls
from lab.sop.rules_contents import check_contents
from lab.sop.rules_quality import check_quality, check_signals
from lab.sop.rules_steps import check_steps
from lab.sop.rules_structure import check_structure, check_unused
from lab.sop.rules_timing import check_timing
from lab.sop.rules_values import check_values
from lab.sop.rules_words import check_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.action import CapabilitySpec
    from lab.domain.diagnostic import Diagnostic
    from lab.sop.document import Document

__all__ = ["check_campaign", "check_lab", "check_sop"]


def check_sop(
    text: str,
    filename: str,
    capabilities: Mapping[str, CapabilitySpec],
    called: Mapping[str, Procedure] | None = None,
    document: Document | None = None,
) -> tuple[Procedure | None, list[Diagnostic]]:
    """A SOP, checked over the whole range of its parameters against the capability contracts.

    `called`: path as written in a `call` -> that procedure (`lab.sop.load.load_sop` reads them). `document`: what the
    text was read as, where that has been done. The procedure is None where any finding blocks.
    """
    document = document or read_document(text, filename)
    sop, findings = validate(Sop, document)
    if sop is None:
        return None, findings
    others = called or {}
    rules = SopRules(sop, document, capabilities)
    rules.check_header()
    rules.check_names()
    rules.check_parameters()
    rules.check_options()
    rules.check_equipment()
    rules.check_amounts()
    rules.check_safety()
    check_words(rules)
    check_structure(rules, others)
    if rules.clean:
        check_calls(rules)
    if rules.clean:
        check_steps(rules)
        expressions = check_values(rules)
        check_quality(rules, expressions)
        check_signals(rules)
        check_timing(rules)
    if rules.clean:
        check_unused(rules)
        check_contents(rules)
    found = sorted_diagnostics(rules.findings)
    if not rules.clean:
        return None, found
    return Procedure(sop, sop_sha256(sop), document, rules.flat, others), found


def check_campaign(text: str, filename: str) -> tuple[Campaign | None, list[Diagnostic]]:
    """A campaign file by itself; `lab.sop.check_together` compares it with its SOP and lab."""
    document = read_document(text, filename)
    campaign, findings = validate(Campaign, document)
    if campaign is None:
        return None, findings
    findings += shape_of_aim(campaign, document)
    if campaign.budget.parallel > campaign.budget.trials:
        findings.append(
            document.finding(
                ("budget", "parallel"), "range", "more runs at once than trials in all",
                hint=f"at most {campaign.budget.trials}", severity="warning",
            )
        )  # fmt: skip
    return campaign, sorted_diagnostics(findings)
