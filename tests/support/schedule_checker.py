"""Judges a timeline. Shares nothing with the planner but the data types.

It knows what a lab can do: a device serves one step at a time, a station holds one sample from the first to the
last step there, a step follows those it needs, nothing starts in the past, what runs goes on where it is.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.plan import Slot
    from lab.plan.snapshot import PlanningSnapshot, RunSnapshot, Schedule

_EPSILON = 1e-6


def violations(snapshot: PlanningSnapshot, schedule: Schedule) -> list[str]:
    """Everything that this timeline does wrong, in words."""
    wrong: list[str] = []
    slots = schedule.timeline.slots
    if list(slots) != sorted(slots, key=lambda slot: slot.start_s):
        wrong.append("the slots are not in order")
    by_run: dict[str, dict[str, Slot]] = {run.run: {} for run in snapshot.runs}
    for slot in slots:
        if slot.step in by_run[slot.run]:
            wrong.append(f"{slot.run} {slot.step} is planned twice")
        by_run[slot.run][slot.step] = slot
    for run in snapshot.runs:
        if run.run not in schedule.blocked:
            wrong += _run(run, by_run[run.run], schedule, snapshot)
        elif by_run[run.run]:
            wrong.append(f"{run.run} is blocked and planned at once")
    for one, two in combinations(slots, 2):
        if one.device == two.device and _overlap(one.start_s, one.end_s, two.start_s, two.end_s):
            wrong.append(f"{one.device} does {one.run} {one.step} and {two.run} {two.step} at once")
    return wrong + _stations(snapshot, schedule, by_run)


def _overlap(a: float, b: float, c: float, d: float) -> bool:
    """What takes no time is in nobody's way."""
    return max(a, c) < min(b, d) - _EPSILON


def _run(
    run: RunSnapshot, slots: dict[str, Slot], schedule: Schedule, snapshot: PlanningSnapshot
) -> list[str]:
    wrong: list[str] = []
    plan = schedule.plans[run.run]
    if plan not in run.plans:
        wrong.append(f"{run.run} has a plan that was no candidate")
    ends = dict(run.finished)
    ends.update({step: slot.end_s for step, slot in slots.items()})
    for step in plan.steps:
        name = f"{run.run} {step.path}"
        slot = slots.get(step.path)
        if step.safe_state or step.path in run.finished:
            if slot is not None:
                wrong.append(f"{name} has no business in the timeline")
            continue
        if slot is None:
            wrong.append(f"{name} has no slot")
            continue
        if slot.device != step.device or slot.claims != step.claims:
            wrong.append(f"{name} is at the wrong place")
        if step.path in run.running:
            if slot.start_s != run.running[step.path][0] or slot.end_s < snapshot.now_s - _EPSILON:
                wrong.append(f"{name} runs already, and was moved")
            continue
        if abs(slot.end_s - slot.start_s - step.duration_s) > _EPSILON:
            wrong.append(f"{name} has the wrong length")
        if slot.start_s < snapshot.now_s - _EPSILON:
            wrong.append(f"{name} starts in the past")
        if slot.start_s < snapshot.device_free_s.get(step.device, -math.inf) - _EPSILON:
            wrong.append(f"{name} starts before {step.device} is free")
        wrong += [
            f"{name} starts before {need} is done"
            for need in step.needs
            if slot.start_s < ends.get(need, -math.inf) - _EPSILON
        ]
    return wrong


def _stations(
    snapshot: PlanningSnapshot, schedule: Schedule, by_run: dict[str, dict[str, Slot]]
) -> list[str]:
    wrong: list[str] = []
    stays: dict[str, list[tuple[str, float, float]]] = {}
    for run in snapshot.runs:
        plan = schedule.plans.get(run.run) or run.plans[0]
        slots = by_run[run.run]
        for station in {station for step in plan.steps for station in step.claims}:
            there = [s.path for s in plan.steps if station in s.claims and not s.safe_state]
            if all(path in run.finished for path in there):
                continue
            entered = any(path in run.finished or path in run.running for path in there)
            if run.run in schedule.blocked:
                if entered:
                    stays.setdefault(station, []).append((run.run, -math.inf, math.inf))
                continue
            planned = [slots[path] for path in there if path in slots]
            start = -math.inf if entered else min(slot.start_s for slot in planned)
            end = max(slot.end_s for slot in planned)
            stays.setdefault(station, []).append((run.run, start, end))
            free = snapshot.stations_free_s.get(station, -math.inf)
            if not entered and start < free - _EPSILON:
                wrong.append(f"{run.run} enters {station} before it is free")
    for station, found in stays.items():
        for (one, a, b), (two, c, d) in combinations(found, 2):
            if _overlap(a, b, c, d):
                wrong.append(f"{one} and {two} are in {station} at once")
    return wrong
