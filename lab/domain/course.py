"""Where a run stands in its plan: what waits, what is decided, and when a step may start for its time windows. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lab.domain.stations import held_stations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from pydantic import JsonValue

    from lab.domain.plan import Guard, Plan, Slot, TimeWindow
    from lab.domain.state import RunState, StepState

__all__ = [
    "TIME_TOLERANCE_S",
    "Course",
    "Verdict",
    "begin_of",
    "begins_limit",
    "earliest_start",
    "end_of",
    "promises",
    "tolerance_s",
]

TIME_TOLERANCE_S = 0.001
"""Time stamps of one moment may differ by this much."""

_DEVIATION_S = 15.0
_DEVIATION_SHARE = 0.25

Verdict = Literal["holds", "fails", "open"]


class Course:
    """Where an open run stands in its plan; worked out in one pass over its steps.

    `waiting` and `failed` hold main steps only, `running` also safe-state ones, all in the plan's order.
    """

    def __init__(self, run: RunState) -> None:
        self.run = run
        self.waiting: list[str] = []
        self.running: list[str] = []
        self.failed: list[str] = []
        self.acting = False
        """A device is at work for the run; a person's work does not hold up its end."""
        self.asking = False
        """A person works for the run, or is to."""
        for planned in run.plan.steps:
            status = run.steps[planned.path].status
            if status == "running":
                self.running.append(planned.path)
                if planned.manual is None:
                    self.acting = True
                else:
                    self.asking = True
            elif planned.safe_state:
                continue
            elif status == "waiting":
                self.waiting.append(planned.path)
            elif status == "failed":
                self.failed.append(planned.path)
        self._void: set[str] | None = None
        self._stations: frozenset[str] | None = None
        self._outputs: dict[str, Mapping[str, JsonValue]] | None = None

    @property
    def void(self) -> AbstractSet[str]:
        """Decisions that will never be taken, because what leads to them was decided otherwise."""
        if self._void is None:
            self._void = set()
            changed = True
            while changed:  # seldom more than twice: a plan names decisions in the order in which they are taken
                changed = False
                for decision in self.run.plan.decisions:
                    if decision.path not in self._void and self.verdict(decision.when) == "fails":
                        self._void.add(decision.path)
                        changed = True
        return self._void

    def verdict(self, guards: Iterable[Guard]) -> Verdict:
        """Do guards hold? `open` while a decision that they name is still to be taken."""
        known: Verdict = "holds"
        for guard in guards:
            value = self.run.decisions.get(guard.decision)
            if value is None and guard.decision not in self.void:
                known = "open"
            elif value is not guard.value:
                return "fails"
        return known

    def holds(self, guards: Sequence[Guard]) -> bool:
        """The short way where only that is asked: of a loop's many guards the last is the likeliest to be open."""
        taken = self.run.decisions
        return all(taken.get(guard.decision) is guard.value for guard in reversed(guards))

    def excluded(self) -> dict[str, str]:
        """Waiting main step -> the decision that excludes it."""
        guarded, waiting = self.run.plan.guarded, set(self.waiting)
        wrong = [(name, not value) for name, value in self.run.decisions.items()]
        wrong += [(name, value) for name in self.void for value in (True, False)]
        found: dict[str, str] = {}
        for decision, value in wrong:
            for path in guarded.get((decision, value), ()):
                if path in waiting:
                    found.setdefault(path, decision)
        return {path: found[path] for path in self.waiting if path in found}

    def passed(self, needs: Iterable[str]) -> bool:
        """Are these steps done or skipped?"""
        steps = self.run.steps
        return all(steps[need].passed for need in needs)

    @property
    def outputs(self) -> Mapping[str, Mapping[str, JsonValue]]:
        """Step -> outputs, of all steps that succeeded."""
        if self._outputs is None:
            self._outputs = {
                path: step.outputs
                for path, step in self.run.steps.items()
                if step.status == "succeeded"
            }
        return self._outputs

    @property
    def stations(self) -> frozenset[str]:
        """The stations that the run occupies now."""
        if self._stations is None:
            self._stations = held_stations(self.run)
        return self._stations

    @property
    def complete(self) -> bool:
        """Every main step is done or skipped, and nothing is left to decide."""
        if self.waiting or self.running or self.failed:
            return False
        taken, void = self.run.decisions, self.void
        return all(d.path in taken or d.path in void for d in self.run.plan.decisions)


def tolerance_s(slot: Slot) -> float:
    """A step that ends further than this from its slot's end calls for a new timeline. Process seconds."""
    return max(_DEVIATION_S, _DEVIATION_SHARE * (slot.end_s - slot.start_s))


# -- time windows -----------------------------------------------------------------------------------


def _mark(step: StepState, mark: str) -> float | None:
    if mark == "start":
        return None if step.status == "waiting" else step.started_s
    return step.ended_s if step.status == "succeeded" else None


def begin_of(run: RunState, window: TimeWindow) -> float | None:
    """When the last of the steps that were taken began or ended; None while one may still be taken."""
    last: float | None = None
    for path in window.from_steps:
        step = run.steps[path]
        if step.status == "skipped":
            continue
        last = _mark(step, window.from_mark)
        if last is None:
            return None
    return last


def end_of(run: RunState, window: TimeWindow) -> float | None:
    """When the first of the steps that were taken began or ended; None before that."""
    for path in window.to_steps:
        if run.steps[path].status != "skipped":
            return _mark(run.steps[path], window.to_mark)
    return None


def begins_limit(plan: Plan, path: str) -> bool:
    """Does a longest time run from this step?"""
    return any(w.less_than_s is not None and path in w.from_steps for w in plan.timing)


def promises(run: RunState, path: str, places: Mapping[tuple[str, str], Slot]) -> dict[str, float]:
    """Of windows with a longest time that run from this step: how long they are in a timeline; seconds."""
    found: dict[str, float] = {}
    begin = places.get((run.id, path))
    if begin is None:
        return found
    for window in run.plan.timing:
        if window.less_than_s is None or path not in window.from_steps:
            continue
        ends = (places.get((run.id, step)) for step in window.to_steps)
        end = next((slot for slot in ends if slot is not None), None)
        if end is not None:
            until = end.start_s if window.to_mark == "start" else end.end_s
            since = begin.start_s if window.from_mark == "start" else begin.end_s
            found[window.name] = until - since
    return found


def earliest_start(run: RunState, path: str, slot_s: float) -> float:
    """Before when a step may not start for the sake of its time windows; process seconds since the epoch.

    A step that ends a window waits for its minimum. A step that begins a window with a maximum waits for its planned
    start `slot_s`: begun earlier, on a device that happens to be free, it would only make the sample wait too long.
    """
    earliest = 0.0
    for window in run.plan.timing:
        if window.less_than_s is not None and path in window.from_steps:
            earliest = max(earliest, slot_s - TIME_TOLERANCE_S)
        if window.more_than_s is None or window.to_mark != "start" or path not in window.to_steps:
            continue
        begin = begin_of(run, window)
        if begin is not None and end_of(run, window) is None:
            earliest = max(earliest, begin + window.more_than_s)
    return earliest
