"""Longest times that run: whether they can still be kept, and which devices that takes. Pure.

What a run alone needs is counted, at the times that its plan gives; that other samples are in the way is the planner's
to say. So what is called hopeless here no order of work could save.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.course import begin_of, end_of
from lab.domain.run import OPERATOR

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.plan import Plan, PlannedStep, TimeWindow
    from lab.domain.state import DeviceStatus, RunState

__all__ = ["OUT_OF_USE", "Hold", "devices_away", "holds_of", "needed_for"]

OUT_OF_USE = ("lost", "disconnected", "fault", "manual")
"""States of a device that acts for nobody at present."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A longest time that has begun, or will when the step that runs now is over. Process seconds since the epoch."""

    window: TimeWindow
    first: str
    second: str
    begin_s: float
    deadline_s: float
    earliest_s: float
    """Before when its second mark cannot come."""
    begun: bool

    @property
    def slack_s(self) -> float:
        """For how long the run may still wait; below zero nothing can save it."""
        return self.deadline_s - self.earliest_s


def holds_of(run: RunState, now_s: float) -> list[Hold]:
    """Of a run that is under way, in the order of its plan."""
    found: list[Hold] = []
    times: Mapping[str, tuple[float, float]] | None = None
    for window in run.plan.timing:
        if window.less_than_s is None or window.name in run.timing:
            continue
        if end_of(run, window) is not None:
            continue
        first = _running_or_done(run, window)
        second = next((p for p in window.to_steps if run.steps[p].status != "skipped"), None)
        if first is None or second is None:
            continue
        if times is None:
            times = _earliest(run, now_s)
        begin_s = begin_of(run, window)
        begun = begin_s is not None
        if begin_s is None:
            begin_s = times[first][window.from_mark == "end"]
        earliest_s = min(
            times[path][window.to_mark == "end"]
            for path in window.to_steps
            if run.steps[path].status != "skipped"
        )
        deadline_s = begin_s + window.less_than_s
        found.append(Hold(window, first, second, begin_s, deadline_s, earliest_s, begun))
    return found


def _running_or_done(run: RunState, window: TimeWindow) -> str | None:
    """The last of the steps that it runs from, where that has begun."""
    taken = [path for path in window.from_steps if run.steps[path].status != "skipped"]
    if not taken or run.steps[taken[-1]].status not in ("running", "succeeded"):
        return None
    return taken[-1]


def _earliest(run: RunState, now_s: float) -> dict[str, tuple[float, float]]:
    """Of each main step, the earliest start and end; a step that may still be skipped takes no time."""
    times: dict[str, tuple[float, float]] = {}
    for planned in run.plan.steps:
        if planned.safe_state:
            continue
        step = run.steps[planned.path]
        if step.passed:
            times[planned.path] = (step.started_s or now_s, step.ended_s or now_s)
        elif step.status == "running":
            start = now_s if step.started_s is None else step.started_s
            times[planned.path] = start, max(now_s, start + planned.duration_s)
        else:
            ready = max([now_s, *(times[n][1] for n in planned.needs if n in times)])
            sure = all(run.decisions.get(guard.decision) is guard.value for guard in planned.when)
            times[planned.path] = ready, ready + (planned.duration_s if sure else 0.0)
    return times


def needed_for(plan: Plan, second: str) -> list[PlannedStep]:
    """The step and all that must be done before it."""
    wanted = {second}
    found: list[PlannedStep] = []
    for planned in reversed(plan.steps):
        if planned.path in wanted:
            found.append(planned)
            wanted |= set(planned.needs)
    return found[::-1]


def devices_away(
    run: RunState, second: str, devices: Mapping[str, DeviceStatus]
) -> dict[str, DeviceStatus]:
    """Devices that are out of use and that the run still needs until that step."""
    found: dict[str, DeviceStatus] = {}
    for planned in needed_for(run.plan, second):
        if planned.device == OPERATOR or run.steps[planned.path].passed:
            continue
        status = devices.get(planned.device)
        if status is not None and status.state in OUT_OF_USE:
            found[planned.device] = status
    return found
