"""The first plan, and the search around it: tier 1 and tier 2 of the planner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.plan.model.solution import Placed, Score, Solution
from lab.plan.search.arrays import compile_problem
from lab.plan.search.columns import AFTER, AFTER_END, MEMBERS, MEMBERS_END
from lab.plan.search.decode import decode

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lab.plan.model.problem import Problem
    from lab.plan.search.columns import Tables

    Ints = NDArray[np.int64]

__all__ = ["Constructor", "Unplaced"]


_FULL = 1 << 30
"""A patience that only a full batch ends."""


class Unplaced(Exception):  # noqa: N818
    """Some operations never find what they need: a place that is never given back, or more than there is."""

    def __init__(self, operations: tuple[int, ...]) -> None:
        super().__init__(f"{len(operations)} operations have no place")
        self.operations = operations


@dataclass(frozen=True, slots=True)
class _Keys:
    """What a plan is made from; see `lab.plan.search.decode`."""

    weight: int
    keys: Ints
    patience: Ints


class Constructor:
    """Makes plans of one problem. The best plan so far stands; `improve` replaces it by better ones."""

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        self.problem = problem
        self._tables = compile_problem(problem)
        self._random: Any = np.random.default_rng(seed)
        self._job = _job_of_segment(problem, self._tables)
        self.plans = 0
        """Plans made so far."""
        self.tries = 0
        """Of these, since the best one."""
        self._unplaced: tuple[int, ...] = ()
        self._from, self.best = self._first()

    def _first(self) -> tuple[_Keys, Solution]:
        """The best of a few plain orders; Unplaced if none of them is a whole plan."""
        found: list[tuple[Score, int, _Keys, Solution]] = []
        for number, keys in enumerate(self._orders()):
            plan = self._plan(keys)
            if plan is not None:
                found.append((plan.score, number, keys, plan))
        if not found:
            raise Unplaced(self._unplaced)
        _, _, keys, plan = min(found, key=lambda item: item[:2])
        return keys, plan

    def _orders(self) -> list[_Keys]:
        """First come first served, samples one after the other, and begun at even distances; most work remaining.

        Before all else come samples that stand on a station and must be fetched. The distance is what the busiest
        station needs for a sample, or half of it: so nobody waits in front of it who is not needed there yet.
        """
        zero = np.where(self._standing(), -_FULL, 0)
        spans = [mode.duration for op in self.problem.operations for mode in op.modes]
        half = max(spans, default=0) // 2
        orders = [_Keys(1, zero, self._patience(half))]
        if not len(self._tables.class_size):
            rank, takt = self._rank(), self._takt()
            spread = (_Keys(1, zero + rank * takt // part, self._patience(0)) for part in (1, 2))
            return [*orders, _Keys(0, zero + rank * (1 << 20), self._patience(0)), *spread]
        tails = self._tails()
        orders.append(_Keys(1, zero, self._patience(_FULL)))
        for rest in (0, self._rest()):
            full = self._patience(_FULL, rest)
            orders += [_Keys(1, zero - (tails * part) // 4, full) for part in (2, 4)]
        return orders

    def _standing(self) -> NDArray[np.bool_]:
        """Segments that fetch a sample from where a fixed operation left it."""
        operations = self.problem.operations
        fetching = {op.fetched_by for op in operations if op.fixed and op.fetched_by is not None}
        return np.array(
            [
                any(int(n) in fetching for n in self._tables.link[row[MEMBERS] : row[MEMBERS_END]])
                for row in self._tables.segment
            ],
            dtype=np.bool_,
        )

    def _rank(self) -> Ints:
        """Samples one after the other, those that are worth more first."""
        jobs = self.problem.jobs
        order = sorted(range(len(jobs)), key=lambda job: (-jobs[job].weight, job))
        rank = np.zeros(len(jobs), dtype=np.int64)
        rank[order] = np.arange(len(jobs))
        return rank[self._job]

    def _takt(self) -> int:
        """Time per sample that no plan can go below, of the station or arm with most to do."""
        load = np.zeros(len(self.problem.resources), dtype=np.int64)
        for op in self.problem.operations:
            mode = min(op.modes, key=lambda mode: mode.duration)
            if mode.station is not None:
                load[mode.station] += op.move + mode.duration
            if op.carriers:
                load[op.carriers[0]] += op.move
        capacity = np.array([resource.capacity for resource in self.problem.resources])
        return int((load // capacity).max(initial=0)) // max(1, len(self.problem.jobs))

    def _tails(self) -> Ints:
        """Of each segment, the work of its job that is left."""
        segments = self._tables.segment
        work = np.array(
            [
                sum(
                    min(mode.duration for mode in self.problem.operations[int(n)].modes)
                    for n in self._tables.link[row[MEMBERS] : row[MEMBERS_END]]
                )
                for row in segments
            ],
            dtype=np.int64,
        )
        tails = work.copy()
        for s in reversed(np.argsort(self._depth(), kind="stable")):
            following = self._tables.link[segments[s, AFTER] : segments[s, AFTER_END]]
            if len(following):
                tails[s] += tails[following].max()
        return tails

    def _depth(self) -> Ints:
        depth = np.zeros(len(self._tables.segment), dtype=np.int64)
        changed = True
        while changed:
            changed = False
            for s, row in enumerate(self._tables.segment):
                for after in self._tables.link[row[AFTER] : row[AFTER_END]]:
                    if depth[after] <= depth[s]:
                        depth[after], changed = depth[s] + 1, True
        return depth

    def _patience(self, wait: int, rest: int = 0) -> Ints:
        classes = max(1, len(self._tables.class_size))
        return np.array([[wait] * classes, [rest] * classes], dtype=np.int64)

    def _rest(self) -> int:
        """Time in which the biggest batch can be loaded."""
        move = max((op.move for op in self.problem.operations), default=0)
        return int(self._tables.class_size.max(initial=0)) * move

    def _plan(self, keys: _Keys) -> Solution | None:
        self.plans += 1
        rows, worth = decode(self._tables, keys.weight, keys.keys, keys.patience)
        if not rows[:, 5].all():
            self._unplaced = tuple(int(n) for n in np.flatnonzero(rows[:, 5] == 0))
            return None
        placed = tuple(
            Placed(mode, None if carrier < 0 else carrier, start, begin, end)
            for mode, carrier, start, begin, end, _ in rows.tolist()
        )
        return Solution(placed, Score(*(int(part) for part in worth)))

    def improve(self, going: Callable[[], bool]) -> None:
        """Try changed keys as long as `going()` is true; nothing where all stands already."""
        if not len(self._job):
            return
        current, worth = self._from, self._score(self._from)
        while going():
            keys = self._changed(current)
            rows, score = decode(self._tables, keys.weight, keys.keys, keys.patience)
            self.plans += 1
            self.tries += 1
            if not rows[:, 5].all() or score > worth:
                continue
            current, worth = keys, score
            if score < self.best.score:
                better = self._plan(keys)
                if better is not None:
                    self._from, self.best = keys, better
                    self.tries = 0

    def _score(self, keys: _Keys) -> tuple[int, int, int]:
        return decode(self._tables, keys.weight, keys.keys, keys.patience)[1]

    def _changed(self, current: _Keys) -> _Keys:
        """A neighbour: some samples, some segments or a patience changed, by little or much."""
        random = self._random
        keys, patience = current.keys.copy(), current.patience.copy()
        span = max(2, int(self.best.makespan * 0.5 ** random.integers(2, 9)))
        kind = random.random()
        if kind < 0.2 and len(self._tables.class_size):
            chosen = random.integers(len(self._tables.class_size))
            if random.random() < 0.5:
                patience[1, chosen] = random.integers(2 * self._rest() + 1)
            else:
                wait = patience[0, chosen] + random.integers(-span, span + 1)
                patience[0, chosen] = max(0, wait)
            return _Keys(current.weight, keys, patience)
        if kind < 0.5:
            job = random.choice(self._job)
            keys[self._job == job] += random.integers(-span, span + 1)
        else:
            many = min(len(keys), int(random.choice((1, 2, 4, 8))))
            chosen = random.integers(len(keys), size=many)
            keys[chosen] += random.integers(-span, span + 1, size=many)
        if current.weight == 0:
            keys = np.argsort(np.argsort(keys, kind="stable"), kind="stable").astype(np.int64)
        return _Keys(current.weight, keys, patience)


def _job_of_segment(problem: Problem, tables: Tables) -> Ints:
    jobs = [problem.operations[int(tables.link[row[MEMBERS]])].job for row in tables.segment]
    return np.array(jobs, dtype=np.int64)
