"""The dispatch gate: which steps start now. Pure.

The timeline is executed as an order, not as a timetable: on each device and each station the slots' order holds,
and a step starts as soon as everything before it is done. So an early end is used at once, and a late one delays only
what truly waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.command import Command
from lab.domain.ids import command_id, run_id
from lab.domain.stations import concerns, held_stations
from lab.engine import messages as msg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.domain.plan import Plan, PlannedStep, Slot
    from lab.domain.state import CampaignState, LabState, RunState, StepState

__all__ = ["Starts", "next_starts", "ready_safe_steps"]


_GONE = ("lost", "disconnected", "fault")
_PATIENCE_S = 120.0
"""Process seconds that a run's end waits for a device that is away, before it ends without it."""


@dataclass(slots=True)
class Starts:
    """What begins: intents first, then the commands."""

    events: list[ev.Event] = field(default_factory=list["ev.Event"])
    effects: list[msg.Effect] = field(default_factory=list["msg.Effect"])
    wake_s: float | None = None
    finished: bool = False


def _intend(run: RunState, planned: PlannedStep, step: StepState) -> Starts:
    attempt = step.attempt + 1
    command = Command(
        id=command_id(run.id, planned.path, attempt),
        run=run.id,
        step=planned.path,
        attempt=attempt,
        device=planned.device,
        action=planned.action,
        args=planned.args,
        effect=planned.effect,
        settle=planned.settle,
        timeout_s=planned.timeout_s,
    )
    return Starts([ev.CommandIntended(command=command)], [msg.SendCommand(command)])


def _device_free(state: LabState, device: str) -> bool:
    status = state.devices.get(device)
    if status is None or status.state != "ready":
        return False
    return all(entry.command.device != device for entry in state.open_commands())


def next_starts(
    state: LabState,
    campaign: CampaignState,
    candidates: Callable[[int, Mapping[str, float]], tuple[Plan, ...]],
    now_s: float,
) -> Starts:
    """The first step whose turn it is, as one run's start and one intent; the next round finds the next one."""
    held = {station: run.id for run in state.open_runs() for station in held_stations(run)}
    passed_devices: set[str] = set()
    passed_stations: dict[str, str] = {}
    wakes: list[float] = []
    for slot in campaign.slots:
        run = state.runs.get(slot.run)
        if run is not None and (run.status != "running" or _done(run, slot)):
            continue
        blocked = (
            slot.device in passed_devices
            or any(held.get(station, slot.run) != slot.run for station in slot.claims)
            or any(passed_stations.get(station, slot.run) != slot.run for station in slot.claims)
        )
        # Whatever is not started yet keeps its place: nothing planned later overtakes it here.
        passed_devices.add(slot.device)
        for station in slot.claims:
            passed_stations.setdefault(station, slot.run)
        if blocked or (run is not None and run.steps[slot.step].status == "running"):
            continue
        if not _device_free(state, slot.device):
            continue
        if run is None:
            return _start_run(campaign, slot, candidates)
        step = run.steps[slot.step]
        planned = run.plan.step(slot.step)
        if any(run.steps[need].status != "succeeded" for need in planned.needs):
            continue
        if step.not_before_s > now_s:
            wakes.append(step.not_before_s)
            continue
        return _intend(run, planned, step)
    return Starts(wake_s=min(wakes, default=None))


def _done(run: RunState, slot: Slot) -> bool:
    return run.steps[slot.step].status in ("succeeded", "failed")


def _start_run(
    campaign: CampaignState,
    slot: Slot,
    candidates: Callable[[int, Mapping[str, float]], tuple[Plan, ...]],
) -> Starts:
    for trial in campaign.open_trials:
        if run_id(campaign.spec.campaign, trial.number) == slot.run:
            plan = candidates(trial.number, trial.factors)[campaign.choices.get(slot.run, 0)]
            return Starts(
                [
                    ev.RunStarted(
                        campaign=campaign.spec.campaign,
                        run=slot.run,
                        trial=trial.number,
                        plan=plan,
                    )
                ]
            )
    return Starts()


def ready_safe_steps(state: LabState, run: RunState, now_s: float) -> Starts:
    """The next safe-state step of a run that is stopping. Each that concerns the sample where it is now is tried;
    one that fails doesn't stop the rest.

    A step waits for a place that another run still occupies: that run moves on or is emptied first, since liquid
    flows one way. `finished` when none is left, or when what is left needs a device that is gone: the operator sees
    it in the run's steps, and the device's own safe state has been asked for.
    """
    others = {
        station
        for other in state.open_runs()
        if other.id != run.id
        for station in held_stations(other)
    }
    for planned in run.plan.steps:
        step = run.steps[planned.path]
        if not planned.safe_state or not concerns(run, planned):
            continue
        if step.status in ("succeeded", "failed"):
            continue
        device = state.devices.get(planned.device)
        if device is not None and device.state in _GONE and now_s - device.since_s < _PATIENCE_S:
            return Starts(wake_s=device.since_s + _PATIENCE_S)
        if device is None or device.state in _GONE:
            failed = ev.StepFailed(
                run=run.id,
                step=planned.path,
                attempt=step.attempt,
                error=f"{planned.device} can't be reached for the safe state",
                retry=False,
            )
            return Starts([failed])
        if step.not_before_s > now_s:
            return Starts(wake_s=step.not_before_s)
        if not _device_free(state, planned.device) or any(c in others for c in planned.claims):
            return Starts()
        return _intend(run, planned, step)
    return Starts(finished=True)
