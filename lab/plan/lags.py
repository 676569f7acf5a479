"""Times between steps in a plan: least ones are waited for, longest ones are kept where a later start helps.

While a run is planned, all of its steps count as taken. A finished step's start is taken to be its usual duration
before its end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.plan import Plan, TimeWindow

__all__ = [
    "BrokenWindow",
    "Times",
    "broken_windows",
    "least_start",
    "least_windows",
    "time_taken",
]

_EPSILON_S = 1e-6


class BrokenWindow(NamedTuple):
    """A limit on time that the timeline does not keep."""

    run: str
    window: str
    by_s: float
    """How far beyond the limit."""


class Times(NamedTuple):
    """Step -> start and end, in process seconds, of what is done or placed."""

    starts: Mapping[str, float]
    ends: Mapping[str, float]

    def mark(self, step: str, mark: str, plan: Plan) -> float | None:
        """The time of a step's start or end; None where it has no place yet."""
        if mark == "end":
            return self.ends.get(step)
        start = self.starts.get(step)
        if start is None and step in self.ends:
            return self.ends[step] - plan.step(step).duration_s
        return start


def least_windows(plan: Plan) -> dict[str, tuple[TimeWindow, ...]]:
    """Step -> windows with a shortest time that end at it."""
    found: dict[str, list[TimeWindow]] = {}
    for window in plan.timing:
        if window.more_than_s is not None:
            for step in window.to_steps:
                found.setdefault(step, []).append(window)
    return {step: tuple(windows) for step, windows in found.items()}


def least_start(
    step: str, windows: Mapping[str, tuple[TimeWindow, ...]], times: Times, plan: Plan
) -> float | None:
    """The earliest start that the windows allow; None where none of them says anything."""
    least: float | None = None
    for window in windows.get(step, ()):
        if window.more_than_s is None or any(other in times.ends for other in window.to_steps):
            continue  # the first step that it was for has a place
        begun = _latest(window, times, plan)
        if begun is None:
            continue
        start = begun[1] + window.more_than_s
        if window.to_mark == "end":
            start -= plan.step(step).duration_s
        least = start if least is None else max(least, start)
    return least


def broken_windows(plan: Plan, times: Times) -> list[tuple[TimeWindow, str, float]]:
    """(window, the step that it runs from, seconds beyond its limit) of each that is not kept."""
    found: list[tuple[TimeWindow, str, float]] = []
    for window in plan.timing:
        measured = time_taken(window, times, plan)
        if measured is None:
            continue
        since, _, took = measured
        beyond = -1.0
        if window.less_than_s is not None:
            beyond = took - window.less_than_s
        if window.more_than_s is not None:
            beyond = max(beyond, window.more_than_s - took)
        if beyond > _EPSILON_S:
            found.append((window, since, beyond))
    return found


def time_taken(window: TimeWindow, times: Times, plan: Plan) -> tuple[str, str, float] | None:
    """(step from, step to, seconds between their marks); None where one of them has no place yet."""
    begun = _latest(window, times, plan)
    if begun is None:
        return None
    for step in window.to_steps:
        time = times.mark(step, window.to_mark, plan)
        if time is not None:
            return begun[0], step, time - begun[1]
    return None


def _latest(window: TimeWindow, times: Times, plan: Plan) -> tuple[str, float] | None:
    """The last of the steps that it runs from, and when its mark is."""
    for step in reversed(window.from_steps):
        time = times.mark(step, window.from_mark, plan)
        if time is not None:
            return step, time
    return None
