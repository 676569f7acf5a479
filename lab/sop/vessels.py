"""All rules about what is in the vessels: volumes, heat, materials that meet, who watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.attendance import check_attendance, check_safe_state
from lab.sop.contents import check_levels
from lab.sop.heat import check_heat, heated_steps
from lab.sop.mixing import check_mixing, meetings
from lab.sop.overrides import Overrides
from lab.sop.presence import presence_of
from lab.sop.volumes import Amounts, Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.action import CapabilitySpec
    from lab.sop.document import Document
    from lab.sop.finding import RuleFinding
    from lab.sop.model import Sop
    from lab.sop.procedure import Box, Setting
    from lab.sop.reactivity import Incompatibility
    from lab.sop.references import References
    from lab.sop.unfold import Unfolded

__all__ = ["lab_rule_findings", "vessel_findings"]


def vessel_findings(
    flat: Unfolded,
    sop: Sop,
    document: Document,
    capabilities: Mapping[str, CapabilitySpec],
    box: Box,
    settings: Mapping[str, Setting],
    references: References,
    extra: Sequence[Incompatibility] = (),
) -> list[RuleFinding]:
    """All findings, for all parameters in the box (which may be one point). `document` is that of `sop`; `extra` are
    a lab's own rules for materials that must not meet.

    Without the volumes there is no telling what is heated and what meets: where one can't be computed, that is all
    that is reported of vessels.
    """
    overrides = Overrides(sop, document)
    kinds = ["unattended"]
    looks = heated_steps(flat.steps, sop, capabilities)
    ledger = Ledger(flat, sop, capabilities, looks)
    findings, books = check_levels(flat, ledger, capabilities, box, settings, references)
    if all(finding.code in ("overfill", "overdraw", "empties") for finding in findings):
        amounts = Amounts({**references.box, **box}, settings, references)
        presence = presence_of(ledger, books)
        findings += check_heat(ledger.order, sop, capabilities, amounts, books, presence, overrides)
        found = meetings(flat, sop, capabilities, ledger, presence)
        findings += check_mixing(found, sop, document, overrides, extra)
        kinds += ["boiling_point", "flash_point", "sealed", "incompatible"]
    findings += check_attendance(flat, sop, document, capabilities, overrides)
    findings += check_safe_state(flat, sop, document, capabilities)
    return [*findings, *overrides.unused(kinds)]


def lab_rule_findings(
    flat: Unfolded,
    sop: Sop,
    document: Document,
    capabilities: Mapping[str, CapabilitySpec],
    box: Box,
    settings: Mapping[str, Setting],
    references: References,
    extra: Sequence[Incompatibility],
) -> list[RuleFinding]:
    """What a lab's own rules find beyond the built-in table. All volumes of the procedure can be computed."""
    ledger = Ledger(flat, sop, capabilities)
    amounts = Amounts({**references.box, **box}, settings, references)
    presence = presence_of(ledger, ledger.books(amounts.volume))
    met = meetings(flat, sop, capabilities, ledger, presence)
    known = check_mixing(met, sop, document, Overrides(sop, document))
    found = check_mixing(met, sop, document, Overrides(sop, document), extra)
    return [finding for finding in found if finding not in known]
