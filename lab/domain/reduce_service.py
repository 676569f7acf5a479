"""What is left of that which people give back, and what they say of it: the tally of stocks, vessels, upkeep, calibrations. Pure.

An intent takes at once; only what surely was not done is given back. Nothing is drawn while somebody is at it, so when it
is done, all that was taken before is there again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.replacing import replace
from lab.domain.state import LabState, ServiceState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain import event as ev

__all__ = [
    "DONE",
    "SERVICE_CHOICES",
    "given_back",
    "service_answered",
    "service_asked",
    "services_begun",
    "services_over",
    "taken",
]

DONE = "done"
SERVICE_CHOICES = (DONE, "could_not")
"""What a person may answer who was asked to do something for the laboratory."""

_AGAIN_S = 600.0
"""Process seconds after which somebody is asked again for what a person could not do."""

_FRESH = ("stock ", "station ")
"""What the lab file tells the amount of at a campaign's start; the upkeep of a device goes on through campaigns."""


def services_begun(state: LabState, supplies: Mapping[str, int]) -> LabState:
    """A campaign begins, with so much of everything."""
    services = {
        name: replace(entry, taken=0) if name.startswith(_FRESH) else entry
        for name, entry in state.services.items()
    }
    for name, room in supplies.items():
        services[name] = replace(services.get(name, ServiceState()), room=room)
    return replace(state, services=services) if services else state


def services_over(state: LabState) -> LabState:
    """A campaign has ended: nobody is asked any more."""
    left = {name: q for name, q in state.questions.items() if not q.service}
    if len(left) == len(state.questions):
        return state
    services = {name: replace(entry, question="") for name, entry in state.services.items()}
    return replace(state, questions=left, services=services)


def taken(state: LabState, takes: Mapping[str, int], sign: int = 1) -> LabState:
    """A command is to take so much."""
    if not takes:
        return state
    services = dict(state.services)
    for name, amount in takes.items():
        entry = services.get(name, ServiceState())
        services[name] = replace(entry, taken=max(0, entry.taken + sign * amount))
    return replace(state, services=services)


def given_back(state: LabState, takes: Mapping[str, int]) -> LabState:
    """A command surely has taken nothing."""
    return taken(state, takes, -1)


def service_asked(state: LabState, event: ev.QuestionAsked, at_s: float) -> LabState:
    """A person is asked."""
    entry = state.services.get(event.service, ServiceState())
    entry = replace(
        entry,
        asked=entry.asked + 1,
        question=event.question,
        since_s=at_s,
        taken_before=entry.taken,
    )
    return replace(state, services={**state.services, event.service: entry})


def service_answered(
    state: LabState, name: str, event: ev.QuestionAnswered, at_s: float
) -> LabState:
    """A person has done it, or could not."""
    entry = replace(state.services[name], question="")
    if event.answer == DONE:
        left = max(0, entry.taken - entry.taken_before)
        entry = replace(entry, taken=left, done_s=at_s, done_by=event.actor, not_before_s=0.0)
    else:
        entry = replace(entry, not_before_s=at_s + _AGAIN_S)
    return replace(state, services={**state.services, name: entry})
