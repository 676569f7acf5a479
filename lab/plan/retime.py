"""The standing plan with its times corrected: same order, same bindings. Pure, and fast enough for every deviation.

What people must do in between is put in anew each time: before the step that can't go on without it, calibrations before
they are due, and, where that is better, before people leave.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.plan.order import Order
from lab.plan.services import Point
from lab.plan.worth import worth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.plan import Plan, Slot
    from lab.plan.services import ServicesNow
    from lab.plan.snapshot import PlanningSnapshot, Schedule
    from lab.plan.upkeep import Need

__all__ = ["retime", "served"]

_ROUNDS_OF_CALIBRATION = 8
_ROUNDS_OF_EARLINESS = 3
_FUZZ_S = 1e-9


def retime(
    snapshot: PlanningSnapshot, slots: Sequence[Slot], plans: Mapping[str, Plan]
) -> Schedule | None:
    """The standing plan's order from now on; None where it is no order for what is to be done now.

    `plans` are those of the standing plan. There is none where a run or a step has no slot, where something has begun
    out of turn, or where a step would wait for a device or a station that never comes free. Runs that are over are left
    out. What people must do in between comes before the step that needs it. Limits that this order breaks are reported.
    """
    work = Order(snapshot, plans)
    if not (work.read(slots) and work.settle()):
        return None
    if snapshot.services is None or snapshot.services.idle:
        return work.schedule()
    return _with_people(snapshot, slots, plans, snapshot.services)


def served(snapshot: PlanningSnapshot, planned: Schedule) -> Schedule:
    """A timeline that knows nothing of services, with all that people must do in between."""
    if snapshot.services is None or snapshot.services.idle or not planned.timeline.slots:
        return planned
    runs = tuple(run for run in snapshot.runs if run.run not in planned.blocked)
    found = retime(replace(snapshot, runs=runs), planned.timeline.slots, planned.plans)
    if found is None:
        return planned  # nothing begins without what it needs: the gate asks for it then
    return replace(found, plans=planned.plans, blocked=planned.blocked)


def _with_people(
    snapshot: PlanningSnapshot,
    slots: Sequence[Slot],
    plans: Mapping[str, Plan],
    now: ServicesNow,
) -> Schedule | None:
    """With calibrations before they are due, and services before people leave where that is better."""
    points = frozenset[Point]()

    def placed(points: frozenset[Point]) -> Order | None:
        """With calibrations at these points and wherever else they come too late."""
        for _ in range(_ROUNDS_OF_CALIBRATION):
            work = Order(snapshot, plans, points)
            if not (work.read(slots) and work.settle()):
                return None
            late = _uncalibrated(work, now)
            if not late:
                return work
            names = {point.need for point in late}
            points = frozenset(p for p in points if p.need not in names) | late
        return None

    work = placed(points)
    if work is None:
        return None
    best = work.schedule()
    for _ in range(_ROUNDS_OF_EARLINESS):
        early = _before_people_leave(work)
        if not early:
            break
        points |= early
        work = placed(points)
        if work is None:
            break
        other = work.schedule()
        if not worth(snapshot, other) < worth(snapshot, best):
            break
        best = other
    return best


def _uncalibrated(work: Order, now: ServicesNow) -> frozenset[Point]:
    """Of each device that is to be calibrated, the first step there that comes too late and has no calibration before it."""
    devices = {
        need.devices[0] for need in now.rules.needs.values() if need.name.startswith("calibration ")
    }
    found: dict[str, Point] = {}
    done = {need.name for n, (need, _, _) in work.needs.items() if work.running(n)}
    for n, (run, step) in enumerate(work.steps):
        if n in work.needs:
            done.add(work.needs[n][0].name)
        elif step.device in devices and step.path not in run.running:
            due = now.due_s(work.plans[run.run], step.device)
            if due is None or due[0].name in done or due[0].name in found:
                continue
            if work.ends[n] > due[1] + _FUZZ_S:
                found[due[0].name] = Point(due[0].name, run.run, step.path)
    return frozenset(found.values())


def _before_people_leave(work: Order) -> frozenset[Point]:
    """Of services that wait until people come back, the last points at which they could be done before they leave."""
    found: dict[str, Point] = {}
    for n, (need, _, _) in work.needs.items():
        if work.running(n) or need.name in found or not work.breaks or not need.room:
            continue
        ready = max([work.askable(need), *(work.ends[m] for m in work.before[n])])
        leaving = next(
            (b for b, e in work.breaks[n] if e > ready and b < ready + need.takes_s), None
        )
        if leaving is None:
            continue
        point = _last_before(work, n, need, leaving)
        if point is not None:
            found[need.name] = point
    return frozenset(found.values())


def _last_before(work: Order, until: int, need: Need, leaving_s: float) -> Point | None:
    """The last step that takes of it, before that service, in front of which there is time for it."""
    found: Point | None = None
    free = work.askable(need)
    services = work.snapshot.services
    for n, (run, step) in enumerate(work.steps[:until]):
        served = work.needs.get(n)
        if served is not None:
            if served[0].name == need.name:
                found = None  # it has just been done
            if need.devices and set(served[0].devices) & set(need.devices):
                free = max(free, work.ends[n])
        elif step.device in need.devices:
            takes = services is not None and need.name in services.rules.uses(step)
            if takes and step.path not in run.running and free + need.takes_s <= leaving_s:
                found = Point(need.name, run.run, step.path)
            free = max(free, work.ends[n])
    return found
