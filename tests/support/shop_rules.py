"""Dispatching rules in plain Python, and shops by chance. Slow, and without a line of the planner's."""

from __future__ import annotations

import random

from lab.plan.model.problem import Job, Lag, Mode, Operation, Problem, Resource
from lab.plan.model.solution import Placed, Solution, score

PUBLISHED = "first come", "shortest", "most work"
"""Rules that every plan has to be at least as good as."""
OTHERS = "most operations", "longest"


def rule_plan(problem: Problem, rule: str, *, active: bool) -> Solution:
    """Non-delay: what can start first. Active: what can start before the first possible end, on that machine."""
    count = range(len(problem.operations))
    before = {n: [lag.first for lag in problem.lags if lag.second == n] for n in count}
    after = {n: [lag.second for lag in problem.lags if lag.first == n] for n in count}
    work, many = _left(problem, after, work=True), _left(problem, after, work=False)
    placed: dict[int, Placed] = {}
    free: dict[int | None, int] = dict.fromkeys(range(len(problem.resources)), 0)
    while len(placed) < len(count):
        chances = []
        for n in count:
            if n in placed or any(other not in placed for other in before[n]):
                continue
            ready = max((placed[other].end for other in before[n]), default=0)
            ends = []
            for number, mode in enumerate(problem.operations[n].modes):
                start = max(ready, free[mode.station])
                ends.append((start + mode.duration, number, start, mode.station))
            end, way, start, station = min(ends, key=lambda item: item[:2])
            chances.append((n, ready, way, start, end, station))
        soonest = min(start for *_, start, _, _ in chances)
        if active:
            first = min(chances, key=lambda item: (item[4], item[0]))
            chances = [
                item
                for item in chances
                if item[5] == first[5] and (item is first or item[3] < max(first[4], soonest + 1))
            ]
        else:
            chances = [item for item in chances if item[3] == soonest]

        def key(item):
            n, ready, _, start, end, _ = item
            return {
                "first come": ready,
                "shortest": end - start,
                "most work": -work[n],
                "most operations": -many[n],
                "longest": start - end,
            }[rule], n

        n, _, way, start, end, station = min(chances, key=key)
        placed[n] = Placed(way, None, start, start, end)
        free[station] = end
    rows = [placed[n] for n in count]
    return Solution(tuple(rows), score(problem, rows))


def _left(problem, after, *, work):
    """Along the longest chain from each operation on; operations come behind what they wait for."""
    left: dict[int, int] = {}
    for n in reversed(range(len(problem.operations))):
        own = min(mode.duration for mode in problem.operations[n].modes) if work else 1
        left[n] = own + max((left[other] for other in after[n]), default=0)
    return left


def best_rule(problem: Problem) -> Solution:
    """The best plan of the published rules, each in both ways."""
    plans = [rule_plan(problem, rule, active=a) for rule in PUBLISHED for a in (False, True)]
    return min(plans, key=lambda plan: plan.score)


def random_shop(seed: int) -> Problem:
    """Small: some alternatives, some equal times and times of 0, some orders that are no chains."""
    chance = random.Random(seed)
    machines = chance.randint(1, 4)
    flexible, net = chance.random() < 0.6, chance.random() < 0.3
    least = chance.choice((0, 1, 1))
    operations: list[Operation] = []
    lags: list[Lag] = []
    jobs = chance.randint(1, 5)
    for job in range(jobs):
        first = len(operations)
        for position in range(chance.randint(1, 5)):
            many = chance.randint(1, machines) if flexible else 1
            modes = tuple(
                Mode(machine, chance.randint(least, 9))
                for machine in chance.sample(range(machines), many)
            )
            number = len(operations)
            operations.append(Operation(job, f"{job}.{position}", modes))
            if position:
                earlier = range(first, number)
                wanted = chance.sample(earlier, chance.randint(0, len(earlier))) if net else []
                lags += [Lag(other, number) for other in (wanted or [number - 1])]
    return Problem(
        f"shop {seed}",
        tuple(Resource(f"machine {n}") for n in range(machines)),
        tuple(operations),
        tuple(lags),
        tuple(Job(str(n)) for n in range(jobs)),
    )
