"""Pull-FIFO: what laboratories do without a plan, to compare with.

Whenever an arm is free, the sample that has waited longest of those whose next station has a place is brought there.
Nothing is reserved, so holds break and nobody notices. A batch station takes samples of the programme that is in it
until it is full, or until no sample is left that will need that programme; then it runs.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.plan.model.solution import Placed, Solution, score

if TYPE_CHECKING:
    from lab.plan.model.problem import Operation, Problem

__all__ = ["pull_fifo"]


@dataclass(slots=True)
class _Lab:
    problem: Problem
    free: list[int]
    """Places of each station."""
    arms: list[int]
    """Until when each carrier is busy (by resource)."""
    loaded: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """Batch station -> operations that stand in it and wait for its start."""
    running: dict[int, int] = field(default_factory=dict[int, int])
    """Batch station -> end of its run."""
    placed: dict[int, Placed] = field(default_factory=dict[int, Placed])


def pull_fifo(problem: Problem) -> Solution:
    """The plan that comes out; ValueError for a problem with alternatives or people, or that gets stuck.

    For samples on chains of operations with one mode and one carrier of capacity 1.
    """
    chains: dict[int, list[int]] = {}
    for number, op in enumerate(problem.operations):
        if len(op.modes) != 1 or len(op.carriers) != 1 or op.modes[0].uses or op.fixed:
            raise ValueError(f"{op.name}: pull-FIFO knows one station and one arm per operation")
        chains.setdefault(op.job, []).append(number)
    lab = _Lab(problem, [r.capacity for r in problem.resources], [0] * len(problem.resources))
    waiting = [(problem.operations[chain[0]].release, job) for job, chain in sorted(chains.items())]
    step = dict.fromkeys(chains, 0)
    events = [(time, 0, -1) for time, _ in waiting]  # (time, kind, number)
    heapq.heapify(events)
    queue: list[tuple[int, int]] = waiting
    while len(lab.placed) < len(problem.operations):
        if not events:
            raise ValueError("pull-FIFO is stuck: samples wait for each other's stations")
        now = events[0][0]
        while events and events[0][0] == now:
            _, kind, number = heapq.heappop(events)
            if kind == _FREE:
                lab.free[number] += 1
            elif kind == _READY:
                job = problem.operations[number].job
                if step[job] < len(chains[job]):
                    queue.append((now, job))
            elif kind == _RUN_END:
                del lab.running[number]
        queue.sort()
        moved = True
        while moved:
            moved = False
            for entry in queue:
                ready, job = entry
                number = chains[job][step[job]]
                if ready <= now and _can_move(lab, number, now):
                    _move(lab, number, now, events)
                    queue.remove(entry)
                    step[job] += 1
                    moved = True
                    break
        _start_batches(lab, chains, step, now, events)
    placed = tuple(lab.placed[number] for number in range(len(problem.operations)))
    return Solution(placed, score(problem, placed))


_FREE, _READY, _RUN_END, _WAKE = range(1, 5)


def _station(op: Operation) -> int | None:
    return op.modes[0].station


def _can_move(lab: _Lab, number: int, now: int) -> bool:
    op = lab.problem.operations[number]
    station = _station(op)
    if lab.arms[op.carriers[0]] > now:
        return False
    if op.comes_from is not None and _station(lab.problem.operations[op.comes_from]) in lab.running:
        blocked = lab.problem.operations[op.comes_from].fetched_by is not None
        if blocked:
            return False
    if station is None:
        return True
    if lab.problem.resources[station].batch:
        others = lab.loaded.get(station, [])
        programmes = {lab.problem.operations[other].programme for other in others}
        if station in lab.running or (programmes and op.programme not in programmes):
            return False
    return lab.free[station] > 0


def _move(lab: _Lab, number: int, now: int, events: list[tuple[int, int, int]]) -> None:
    op = lab.problem.operations[number]
    arrival = now + op.move
    station, carrier = _station(op), op.carriers[0]
    lab.arms[carrier] = arrival
    heapq.heappush(events, (arrival, _WAKE, 0))
    before = op.comes_from
    if before is not None and lab.problem.operations[before].fetched_by is not None:
        left = _station(lab.problem.operations[before])
        if left is not None:
            heapq.heappush(events, (arrival, _FREE, left))
    if station is not None:
        lab.free[station] -= 1
        if lab.problem.resources[station].batch:
            lab.loaded.setdefault(station, []).append(number)
            lab.placed[number] = Placed(0, carrier, now, arrival, arrival)
            return
    _finish(lab, number, Placed(0, carrier, now, arrival, arrival + op.modes[0].duration), events)


def _finish(lab: _Lab, number: int, place: Placed, events: list[tuple[int, int, int]]) -> None:
    lab.placed[number] = place
    op = lab.problem.operations[number]
    station = _station(op)
    if station is not None and op.fetched_by is None:
        heapq.heappush(events, (place.end, _FREE, station))
    heapq.heappush(events, (place.end, _READY, number))


def _start_batches(
    lab: _Lab,
    chains: dict[int, list[int]],
    step: dict[int, int],
    now: int,
    events: list[tuple[int, int, int]],
) -> None:
    for station, group in list(lab.loaded.items()):
        if not group or station in lab.running:
            continue
        arrived = max(lab.placed[number].begin for number in group)
        if arrived > now:
            continue
        programme = lab.problem.operations[group[0]].programme
        waits = any(
            _station(lab.problem.operations[number]) == station
            and lab.problem.operations[number].programme == programme
            for job, chain in chains.items()
            for number in chain[step[job] :]
        )
        if lab.free[station] > 0 and waits:
            continue
        for number in group:
            op, place = lab.problem.operations[number], lab.placed[number]
            end = now + op.modes[0].duration
            _finish(lab, number, place._replace(begin=now, end=end), events)
            lab.running[station] = end
        heapq.heappush(events, (lab.running[station], _RUN_END, station))
        lab.loaded[station] = []
