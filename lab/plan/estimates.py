"""What finished runs teach the planner: how long steps take, and how far limits on time must be kept away from. Pure.

Durations: the driver says how long a step takes where it can tell from the arguments, else the SOP does; from `_ENOUGH`
finished ones on the journal knows better. Of an SOP's duration the journal's median takes the place; a driver's, which
differs from sample to sample, is multiplied by the median of measured over expected. Margins: when the step begins from which a limit runs, the plan promises how long the time between the
two marks will be. What was measured less what was promised is the deviation, by whatever it came about: other samples
that were late, a device that waited. A margin of their 98th percentile keeps all but one limit in fifty. It is never
below a tenth of the time that the promise is about, nor below a minute: deviations come in rows, so some dozens that
were small don't promise that the next one is.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lab.plan.board import route_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lab.domain.plan import Plan, PlannedStep, TimeWindow
    from lab.domain.state import RunState

__all__ = ["Estimate", "Learned", "Measured", "Timed", "learn", "with_durations", "without_rounds"]

_ENOUGH = 8
_RECENT = 100
"""So many of the last ones count."""
_ALIKE = 0.05
"""A median that differs from the SOP's duration by less than this share is no news."""
_MARGIN_AT = 0.98
_LEAST_SHARE = 0.1
_LEAST_S = 60.0
_MOST_OF_SLACK = 0.75
"""Share of a limit's slack that a margin may take: with all of it taken no plan would be left."""

_ROUND = re.compile(r"\[[^\]]*\]")


class Estimate(NamedTuple):
    """From the journal, for one step."""

    median_s: float
    low_s: float
    """Nine of ten were within `low_s` and `high_s`."""
    high_s: float
    runs: int


class Measured(NamedTuple):
    """From the journal: seconds, or shares of what the driver expected."""

    median: float
    low: float
    high: float
    runs: int
    of_driver: bool = False


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known beside the SOPs. Equal where it leads to equal plans."""

    durations: Mapping[tuple[str, str, str], Measured] = field(
        default_factory=dict[tuple[str, str, str], Measured]
    )
    """SOP, step (all rounds of a loop together) and device -> what the journal says of it."""
    margins: Mapping[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])
    """SOP and window -> seconds."""

    def duration(self, plan: Plan, step: PlannedStep) -> Estimate | None:
        """What the journal says of a step, where that is not what the SOP or the driver says."""
        found = self.durations.get((plan.sop_id, without_rounds(step.path), step.device))
        if found is None or found.of_driver != (step.duration_from == "driver"):
            return None
        unit = step.duration_s if found.of_driver else 1.0
        median, low, high = (_rounded(value * unit) for value in found[:3])
        if abs(median - step.duration_s) <= _ALIKE * step.duration_s:
            return None
        return Estimate(median, low, high, found.runs)

    def margin(self, plan: Plan, window: TimeWindow) -> float:
        """How far below its longest time a limit is to be planned; seconds, in two significant digits."""
        if window.less_than_s is None:
            return 0.0
        through, least = _between(plan, window)
        known = self.margins.get((plan.sop_id, without_rounds(window.name)), 0.0)
        known = max(known, _LEAST_S, _LEAST_SHARE * through)
        slack = window.less_than_s - max(least, window.more_than_s or 0.0)
        return _rounded(max(0.0, min(known, _MOST_OF_SLACK * slack)))


def learn(runs: Iterable[RunState]) -> Learned:
    """From runs that are over, in the order in which they began. Only first attempts tell how long a step takes."""
    taken: dict[tuple[str, str, str], list[float]] = {}
    expected: dict[tuple[str, str, str], list[float]] = {}
    """The same steps' measured shares of what their driver expected."""
    off: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        if run.status != "succeeded":
            continue
        for planned in run.plan.steps:
            step = run.steps[planned.path]
            if step.status != "succeeded" or step.attempt != 1:
                continue
            if step.started_s is not None and step.ended_s is not None:
                key = run.plan.sop_id, without_rounds(planned.path), planned.device
                seconds = step.ended_s - step.started_s
                if planned.duration_from != "driver":
                    taken.setdefault(key, []).append(seconds)
                elif planned.duration_s > 0.0:
                    expected.setdefault(key, []).append(seconds / planned.duration_s)
        for timing in run.timing.values():
            if timing.promised_s is not None:
                name = run.plan.sop_id, without_rounds(timing.window)
                off.setdefault(name, []).append(timing.lag_s - timing.promised_s)
    return Learned(
        {
            key: _measured(found[-_RECENT:], of_driver)
            for of_driver, group in ((False, taken), (True, expected))
            for key, found in group.items()
            if len(found) >= _ENOUGH
        },
        {
            name: _rounded(max(0.0, _quantile(found[-_RECENT:], _MARGIN_AT)))
            for name, found in off.items()
            if len(found) >= _ENOUGH
        },
    )


class Timed:
    """Plans with what was learned put in; the same plan gives the same object each time."""

    def __init__(self, learned: Learned) -> None:
        self.learned = learned
        self._known: dict[tuple[int, frozenset[str]], tuple[Plan, Plan]] = {}

    def plan(self, plan: Plan, begun: frozenset[str] = frozenset()) -> Plan:
        """The plan as it is to be timed. Of `begun` limits the promise is given; they keep their full time."""
        known = self._known.get((id(plan), begun))
        if known is None:
            # the plan is kept with it, so that its id stays its own
            known = self._known[id(plan), begun] = plan, self._timed(plan, begun)
        return known[1]

    def _timed(self, plan: Plan, begun: frozenset[str]) -> Plan:
        plan = with_durations(plan, self.learned)
        changes: dict[str, object] = {}
        if any(w.less_than_s is not None and w.name not in begun for w in plan.timing):
            changes["timing"] = tuple(
                window
                if window.less_than_s is None or window.name in begun
                else window.model_copy(
                    update={"less_than_s": window.less_than_s - self.learned.margin(plan, window)}
                )
                for window in plan.timing
            )
        return plan.model_copy(update=changes) if changes else plan


def with_durations(plan: Plan, learned: Learned) -> Plan:
    """The plan with what the journal says of its steps; the same object where it says nothing new."""
    estimates = {
        step.path: found
        for step in plan.steps
        if not step.safe_state and (found := learned.duration(plan, step))
    }
    if not estimates:
        return plan
    steps = tuple(
        step.model_copy(
            update={
                "duration_s": found.median_s,
                "duration_from": "journal",
                "duration_runs": found.runs,
            }
        )
        if (found := estimates.get(step.path)) is not None
        else step
        for step in plan.steps
    )
    return plan.model_copy(update={"steps": steps})


def _between(plan: Plan, window: TimeWindow) -> tuple[float, float]:
    """Seconds from the start of the step that a limit runs from to the limit's end, if nothing waits; and of the limit
    itself."""
    main = route_of(plan).main
    first, second = window.from_steps[-1], window.to_steps[0]
    since: dict[str, float] = {}
    for step in main:
        if step.path == first:
            since[first] = step.duration_s
        elif before := [since[need] for need in step.needs if need in since]:
            since[step.path] = max(before) + step.duration_s
    if second not in since:
        return plan.step(first).duration_s, 0.0
    through = since[second]
    if window.to_mark == "start":
        through -= plan.step(second).duration_s
    return through, through - (since[first] if window.from_mark == "end" else 0.0)


def without_rounds(path: str) -> str:
    """A step's or limit's name, the same in all rounds of a loop: `wash[2].fill` is `wash.fill`."""
    return _ROUND.sub("", path)


def _measured(found: Sequence[float], of_driver: bool) -> Measured:
    median, low, high = (_rounded(_quantile(found, part)) for part in (0.5, 0.05, 0.95))
    return Measured(median, low, high, len(found), of_driver)


def _quantile(found: Sequence[float], part: float) -> float:
    """The smallest value that is not exceeded by that part of (one more than) all."""
    ordered = sorted(found)
    return ordered[min(len(ordered), max(1, math.ceil(part * (len(ordered) + 1)))) - 1]


def _rounded(seconds: float) -> float:
    """To two significant digits, so that plans don't change with each further run."""
    if seconds <= 0.0:
        return 0.0
    digits = 1 - math.floor(math.log10(seconds))
    return round(seconds, digits)
