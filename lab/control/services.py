"""What people are asked to do for the laboratory, what they will be asked for, and what is left. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.control.moments import iso

if TYPE_CHECKING:
    from lab.control.document import ServiceDocument, SupplyDocument
    from lab.domain.state import LabState

__all__ = ["service_documents", "supply_documents"]

_NL_PER_ML = 1e6


def service_documents(state: LabState) -> list[ServiceDocument]:
    """Those of the timeline in order; of what somebody is at now, since when and until when that is planned."""
    campaign = state.active_campaign
    if campaign is None:
        return []
    found: list[ServiceDocument] = []
    for slot in campaign.services:
        entry = state.services.get(slot.service)
        found.append(
            {
                "service": slot.service,
                "task": slot.task,
                "question": "" if entry is None else entry.question,
                "devices": list(slot.devices),
                "start": iso(campaign.origin_s + slot.start_s),
                "end": iso(campaign.origin_s + slot.end_s),
                "run": slot.run,
                "step": slot.step,
            }
        )
    return found


def supply_documents(state: LabState) -> list[SupplyDocument]:
    """Of all that is used up, how much there was, how much is surely left, and who saw to it last."""
    found: list[SupplyDocument] = []
    for name, entry in state.services.items():
        if not entry.room and entry.done_s is None:
            continue
        volume = name.startswith(("stock ", "station "))
        per_unit = _NL_PER_ML if volume else 1.0
        found.append(
            {
                "service": name,
                "room": entry.room / per_unit,
                "left": max(0, entry.room - entry.taken) / per_unit,
                "unit": "mL" if volume else "",
                "done": None if entry.done_s is None else iso(entry.done_s),
                "done_by": entry.done_by,
            }
        )
    return found
