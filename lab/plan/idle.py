"""When the place that limits a laboratory's throughput will fall idle, from what the open runs still have to do there. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lab.domain.run import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.plan import Plan, Slot

__all__ = ["Bottleneck", "bottleneck", "needed_by"]


class Bottleneck(NamedTuple):
    """The devices or stations, one of which each sample needs, that have most to do for each sample."""

    places: frozenset[str]
    reached_after_s: float
    """From a sample's start, in a laboratory that has nothing else to do."""
    load_s: float
    """Time for which a sample takes one of them, divided by their number."""


def bottleneck(plans: Sequence[Plan]) -> Bottleneck | None:
    """Of a sample with that choice of plans; None where nothing but people is needed.

    Places that serve one role in different plans share its load. A station is taken from the first to the last step
    there, a device while its steps run.
    """
    uses = _uses(plans[0])
    groups: dict[str, set[str]] = {place: {place} for place in uses}
    for role, place in plans[0].bindings.items():
        others = {plan.bindings.get(role, place) for plan in plans}
        if place in groups and len(others) > 1:
            groups[place] |= others
    found = [
        Bottleneck(frozenset(groups[place]), first, taken / len(groups[place]))
        for place, (first, taken) in uses.items()
    ]
    return max(found, key=lambda item: item.load_s, default=None)


def _uses(plan: Plan) -> dict[str, tuple[float, float]]:
    """Place -> when it is first needed and for how long it is taken, if nothing is waited for."""
    ends: dict[str, float] = {}
    spans: dict[str, tuple[float, float]] = {}
    busy: dict[str, float] = {}
    first: dict[str, float] = {}
    for step in plan.steps:
        if step.safe_state:
            continue
        start = max((ends[need] for need in step.needs if need in ends), default=0.0)
        end = ends[step.path] = start + step.duration_s
        for station in step.claims:
            since, until = spans.get(station, (start, end))
            spans[station] = min(since, start), max(until, end)
        if step.device != OPERATOR:
            busy[step.device] = busy.get(step.device, 0.0) + step.duration_s
            first[step.device] = min(start, first.get(step.device, start))
    found = {device: (first[device], busy[device]) for device in busy}
    for station, (since, until) in spans.items():
        if station in plan.stations:  # others are shared: nobody waits for them
            found[station] = since, until - since
    return found


def needed_by(
    neck: Bottleneck, slots: Sequence[Slot], done: Mapping[str, float] | None = None
) -> float:
    """When a sample must begin at the latest so that none of these places falls idle; in the slots' time.

    `done` has places at which nothing is left in the timeline, with the time from which they are free: -inf by default.
    """
    free = dict.fromkeys(neck.places, float("-inf"))
    free.update({name: at for name, at in (done or {}).items() if name in free})
    for slot in slots:
        for name in (slot.device, *slot.claims):
            if name in free:
                free[name] = max(free[name], slot.end_s)
    return min(free.values()) - neck.reached_after_s
