"""The dispatch gate: which steps start now. Pure.

The timeline is executed as an order, not as a timetable: on each device and each station the slots' order holds,
and a step starts as soon as everything before it is done. So an early end is used at once, and a late one delays only
what truly waits for it. Only steps that begin a hold with a maximum also wait for their planned time.
"""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.course import begins_limit, earliest_start
from lab.domain.holds import devices_away
from lab.domain.ids import run_id
from lab.domain.run import OPERATOR
from lab.domain.stations import safe_steps
from lab.engine.replanning import fresh, planned_anew
from lab.engine.serving import ask, needed_first, served_devices, still_due, there_from
from lab.engine.start import Starts, begin_step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.domain.plan import PlannedStep, Slot
    from lab.domain.state import CampaignState, RunState
    from lab.engine.look import Look
    from lab.plan.upkeep import Need

__all__ = ["next_safe_step", "next_starts"]

_GONE = ("lost", "disconnected", "fault")
_PATIENCE_S = 120.0
"""Process seconds that a run's end waits for a device that is away, before it ends without it."""


class _Bench:
    """What is taken, and what is kept for slots that come first in the plan."""

    def __init__(self, look: Look) -> None:
        self._state = look.state
        self._served = served_devices(look)
        self._busy = {entry.command.device for entry in look.open_commands}
        self._held = {
            station: run.id
            for run in look.state.open_runs()
            for station in look.course(run).stations
        }
        self._passed_devices: set[tuple[str, str]] = set()
        self._kept_devices: dict[str, str] = {}
        self._passed_stations: dict[str, str] = {}

    def free(self, device: str) -> bool:
        """Is the device ready and idle? People always are; a run asks them for one thing at a time."""
        if device == OPERATOR:
            return True
        status = self._state.devices.get(device)
        if status is None or status.state != "ready":
            return False
        return device not in self._busy and device not in self._served

    def idle(self, devices: Iterable[str]) -> bool:
        """Does nothing happen there, and is nothing to happen there first?"""
        return not any(
            device in self._busy
            or (device, "") in self._passed_devices
            or device in self._kept_devices
            for device in devices
        )

    def busy(self, devices: Iterable[str]) -> bool:
        """Does something happen there?"""
        return any(device in self._busy for device in devices)

    def begin(self, device: str) -> None:
        """A step begins there."""
        self._busy.add(device)

    def serve(self, devices: Iterable[str]) -> None:
        """A person is to be there first."""
        for device in devices:
            self._served.add(device)
            self._passed_devices.add((device, ""))

    def passed(self, slot: Slot) -> bool:
        """Is there nothing to be said of it, because something comes before it on its device and it has no station to keep?"""
        return not slot.claims and self._lane(slot) in self._passed_devices

    def blocked(self, slot: Slot) -> bool:
        """Is somebody else there, or to be there first?"""
        return (
            self._lane(slot) in self._passed_devices
            or self._kept_devices.get(slot.device, slot.run) != slot.run
            or any(self._held.get(place, slot.run) != slot.run for place in slot.claims)
            or any(self._passed_stations.get(place, slot.run) != slot.run for place in slot.claims)
        )

    def keep(self, slot: Slot, *, undecided: bool) -> None:
        """Whatever is not started yet keeps its place: nothing planned later overtakes it here.

        A step that may still be skipped keeps it against other runs only, as what decides it may need the device.
        """
        if not undecided:
            self._passed_devices.add(self._lane(slot))
        elif slot.device != OPERATOR:
            self._kept_devices.setdefault(slot.device, slot.run)
        for station in slot.claims:
            self._passed_stations.setdefault(station, slot.run)

    def _lane(self, slot: Slot) -> tuple[str, str]:
        return slot.device, slot.run if slot.device == OPERATOR else ""


def next_starts(look: Look, campaign: CampaignState) -> Starts:
    """All whose turn it is: runs that start, and intents of steps. Steps of a run that starts come in the next round.

    What begins keeps its device and its stations for the rest of this look as for the next one (`_Bench.keep`).
    """
    state = look.state
    bench = _Bench(look)
    on_hold = {question.run for question in state.questions.values() if question.holds_run}
    asking = {run.id for run in state.open_runs() if look.course(run).asking}
    wakes: list[float] = []
    found = Starts()
    started: set[str] = set()
    for slot in _turns(look, campaign):
        if isinstance(slot, ev.ServiceSlot):
            wakes += _serve(look, campaign, slot, bench, found)
            continue
        if bench.passed(slot):
            continue
        run = state.runs.get(slot.run)
        if run is not None and (run.status != "running" or _over(run, slot)):
            continue
        step = None if run is None else run.steps[slot.step]
        planned = None if run is None else run.plan.step(slot.step)
        undecided = (
            run is not None and planned is not None and not (look.course(run).holds(planned.when))
        )
        blocked = bench.blocked(slot)
        bench.keep(slot, undecided=undecided)
        if blocked or undecided or not bench.free(slot.device):
            continue
        if run is None or step is None or planned is None:
            if slot.run not in started:
                started.add(slot.run)
                found.add(_start_run(look, campaign, slot))
            continue
        if step.status == "running" or run.id in on_hold:
            continue
        if planned.manual is not None and run.id in asking:
            continue
        if not look.course(run).passed(planned.needs):
            continue
        if look.state.interlocked(planned.device, planned.action) is not None:
            continue
        if planned.manual is not None and (at := there_from(look, planned.duration_s)) > look.now_s:
            wakes.append(at)
            continue
        need = needed_first(look, run, planned)
        if need is not None:
            wakes += _ask(look, need, slot.run, slot.step, bench, found)
            continue
        earliest = step.not_before_s
        if run.plan.timing:
            slot_s = campaign.origin_s + slot.start_s
            earliest = max(earliest, earliest_start(run, slot.step, slot_s))
        if earliest > look.now_s:
            wakes.append(earliest)
            continue
        if begins_limit(run.plan, slot.step) and _ends_nowhere(look, run, slot.step):
            continue
        if begins_limit(run.plan, slot.step) and not fresh(look, campaign):
            # What was found stands on the old plan; the next round makes the new one.
            return found if found.events else Starts([planned_anew(look, campaign)])
        begun = begin_step(look, run, planned)
        bench.begin(planned.device)
        found.add(begun)
        if not begun.effects and planned.manual is None:
            return found  # it failed, and the run may end of that
    found.wake_s = min(wakes, default=None)
    return found


def _turns(look: Look, campaign: CampaignState) -> Iterable[Slot | ev.ServiceSlot]:
    """Steps and services in the timeline's order; of both at once, the service first."""
    slots = _ahead(look, campaign)
    if not campaign.services:
        return slots
    return merge(campaign.services, slots, key=lambda slot: slot.start_s)


def _serve(
    look: Look, campaign: CampaignState, slot: ev.ServiceSlot, bench: _Bench, found: Starts
) -> list[float]:
    """A planned service: asked for when nothing is to happen first where it is done. Nothing planned later overtakes it."""
    rules = look.context.services
    need = None if rules is None else rules.needs.get(slot.service)
    if need is None or not still_due(look.state, campaign, slot):
        return []
    if bench.idle(need.devices):
        return _ask(look, need, slot.run, slot.step, bench, found)
    bench.serve(need.devices)
    return []


def _ask(look: Look, need: Need, run: str, step: str, bench: _Bench, found: Starts) -> list[float]:
    """Ask for it as soon as nothing is under way there; when to look again."""
    if bench.busy(need.devices):
        return []
    asked = ask(look, need, run, step)
    found.add(asked)
    bench.serve(need.devices)
    return [] if asked.wake_s is None else [asked.wake_s]


def _ends_nowhere(look: Look, run: RunState, path: str) -> bool:
    """Does a longest time run from this step to one for which a device is out of use?"""
    return any(
        devices_away(run, window.to_steps[0], look.state.devices)
        for window in run.plan.timing
        if window.less_than_s is not None and path in window.from_steps
    )


def _ahead(look: Look, campaign: CampaignState) -> list[Slot]:
    """The timeline without what is over for good, in its order: of a long one that is most."""
    known, ahead = look.inflight.ahead
    if known is not campaign.slots:
        ahead = list(campaign.slots)
    runs = look.state.runs
    gone = {name for name in {slot.run for slot in ahead} if name in runs and not runs[name].open}
    begun = {run.id: run.steps for run in look.state.open_runs()}
    ahead = [
        slot
        for slot in ahead
        if slot.run not in gone and (slot.run not in begun or not begun[slot.run][slot.step].passed)
    ]
    look.inflight.ahead = campaign.slots, ahead
    return ahead


def _over(run: RunState, slot: Slot) -> bool:
    return run.steps[slot.step].status in ("succeeded", "failed", "skipped")


def _start_run(look: Look, campaign: CampaignState, slot: Slot) -> Starts:
    for trial in campaign.ready_trials:
        if run_id(campaign.spec.campaign, trial.number) == slot.run:
            plans = look.context.candidates(trial.number, trial.settings)
            started = ev.RunStarted(
                campaign=campaign.spec.campaign,
                run=slot.run,
                trial=trial.number,
                plan=plans[campaign.choices.get(slot.run, 0)],
            )
            return Starts([started])
    return Starts()


def next_safe_step(look: Look, run: RunState) -> Starts:
    """The next safe-state step of a run that is stopping. Each that concerns the sample where it is now is tried;
    one that fails doesn't stop the rest.

    A step waits for a place that another run still occupies: that run moves on or is emptied first, since liquid
    flows one way. `finished` when none is left, or when what is left needs a device that is gone: the operator sees
    it in the run's steps, and the device's own safe state has been asked for.
    """
    others = {
        station
        for other in look.state.open_runs()
        if other.id != run.id
        for station in look.course(other).stations
    }
    for planned in safe_steps(run):
        step = run.steps[planned.path]
        if step.status in ("succeeded", "failed"):
            continue
        away = _away(look, run, planned)
        if away is not None:
            return away
        if step.not_before_s > look.now_s:
            return Starts(wake_s=step.not_before_s)
        if any(claim in others for claim in planned.claims):
            return Starts()
        bench = _Bench(look)
        if not bench.free(planned.device):
            return Starts()
        if look.state.interlocked(planned.device, planned.action) is not None:
            return Starts()
        if planned.manual is not None and (at := there_from(look, planned.duration_s)) > look.now_s:
            return Starts(wake_s=at)
        need = needed_first(look, run, planned)
        if need is not None:
            return Starts() if bench.busy(need.devices) else ask(look, need, run.id, planned.path)
        return begin_step(look, run, planned)
    return Starts(finished=True)


def _away(look: Look, run: RunState, planned: PlannedStep) -> Starts | None:
    """Waiting for a device that is gone, or the step's failure when that took too long; None while it is there."""
    if planned.manual is not None:
        return None
    device = look.state.devices.get(planned.device)
    if device is not None and device.state not in _GONE:
        return None
    if device is not None and look.now_s - device.since_s < _PATIENCE_S:
        return Starts(wake_s=device.since_s + _PATIENCE_S)
    failed = ev.StepFailed(
        run=run.id,
        step=planned.path,
        attempt=run.steps[planned.path].attempt,
        error=f"{planned.device} can't be reached for the safe state",
        retry=False,
    )
    return Starts([failed])
