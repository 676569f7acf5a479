"""A problem as tables of integers, which is what the construction of plans works on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lab.plan.model.problem import FOREVER, ORIGIN, STORAGE
from lab.plan.search.columns import NONE, OPERATION_COLUMNS, Tables
from lab.plan.search.segments import segments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lab.plan.model.problem import Problem
    from lab.plan.search.segments import Segments

    Ints = NDArray[np.int64]

__all__ = ["compile_problem"]

_MARKS = {"start": 0, "begin": 1, "end": 2}


class _Links:
    """Lists of different lengths in one row."""

    def __init__(self) -> None:
        self.items: list[int] = []

    def add(self, group: Sequence[int]) -> tuple[int, int]:
        """Where it begins and ends."""
        self.items += group
        return len(self.items) - len(group), len(self.items)


def compile_problem(problem: Problem) -> Tables:
    """The tables of a problem."""
    links = _Links()
    cut = segments(problem)
    families = sorted({op.family for op in problem.operations})
    modes, uses = _ways(problem)
    return Tables(
        resource=_table([(r.capacity, r.batch, bool(r.setup)) for r in problem.resources], 3),
        operation=_operations(problem, cut, families, links),
        mode=modes,
        use=uses,
        lag=_lags(problem),
        segment=_table(
            [
                (*links.add(members), *links.add(after), waits, kind)
                for members, after, waits, kind in zip(
                    cut.members, cut.after, cut.waits, cut.batch_class, strict=True
                )
            ],
            6,
        ),
        class_size=np.array(cut.class_size, dtype=np.int64),
        link=np.array(links.items, dtype=np.int64),
        setup=_setup(problem, families),
        travel=_travel(problem),
        closed=_table(
            [
                (number, *closed)
                for number, r in enumerate(problem.resources)
                for closed in r.closed
            ],
            4,
        ),
        job=_table(
            [
                (job.weight, FOREVER if job.due is None else job.due, job.tardiness)
                for job in problem.jobs
            ],
            3,
        ),
        rows=_rows(problem),
    )


def _table(rows: Sequence[Sequence[int]], columns: int) -> Ints:
    return np.array(rows, dtype=np.int64).reshape(len(rows), columns)


def _operations(problem: Problem, cut: Segments, families: Sequence[str], links: _Links) -> Ints:
    fetches = [NONE] * len(problem.operations)
    for number, op in enumerate(problem.operations):
        if op.fetched_by is not None:
            fetches[op.fetched_by] = number
    touch: list[list[int]] = [[] for _ in problem.operations]
    for number, lag in enumerate(problem.lags):
        touch[lag.second].append(number)
        if lag.first != ORIGIN:
            touch[lag.first].append(number)
    rows: list[list[int]] = []
    mode = 0
    for number, op in enumerate(problem.operations):
        fixed = (NONE,) * 5
        if op.fixed is not None:
            fixed = (op.fixed.mode, _or_none(op.fixed.carrier), *op.fixed[2:])
        row = [
            op.job,
            op.release,
            op.move,
            _or_none(op.comes_from),
            _or_none(op.fetched_by),
            fetches[number],
            families.index(op.family),
            cut.offset[number],
            *fixed,
            *links.add(op.carriers),
            mode,
            mode + len(op.modes),
            *links.add(touch[number]),
        ]
        mode += len(op.modes)
        rows.append(row + [0] * (OPERATION_COLUMNS - len(row)))
    return _table(rows, OPERATION_COLUMNS)


def _ways(problem: Problem) -> tuple[Ints, Ints]:
    modes: list[tuple[int, int, int, int]] = []
    uses: list[tuple[int, int, int, int]] = []
    for op in problem.operations:
        for mode in op.modes:
            first = len(uses)
            uses += [(use.resource, use.amount, use.begin, _or_none(use.end)) for use in mode.uses]
            modes.append((_or_none(mode.station), mode.duration, first, len(uses)))
    return _table(modes, 4), _table(uses, 4)


def _lags(problem: Problem) -> Ints:
    return _table(
        [
            (
                lag.first,
                _MARKS[lag.first_mark],
                lag.second,
                _MARKS[lag.second_mark],
                -FOREVER if lag.least is None else lag.least,
                FOREVER if lag.most is None else lag.most,
                lag.penalty,
                0,
            )
            for lag in problem.lags
        ],
        8,
    )


def _setup(problem: Problem, families: Sequence[str]) -> Ints:
    if not any(resource.setup for resource in problem.resources):
        return np.zeros((0, 0, 0), dtype=np.int64)
    setup = np.zeros((len(problem.resources), len(families), len(families)), dtype=np.int64)
    for number, resource in enumerate(problem.resources):
        for (before, after), time in resource.setup.items():
            if before in families and after in families:
                setup[number, families.index(before), families.index(after)] = time
    return setup


def _travel(problem: Problem) -> Ints:
    if not problem.travel:
        return np.zeros((0, 0), dtype=np.int64)
    size = len(problem.resources) + 1
    travel = np.full((size, size), NONE, dtype=np.int64)
    for (here, there), time in problem.travel.items():
        travel[here - STORAGE, there - STORAGE] = time
    return travel


def _rows(problem: Problem) -> int:
    """Steps that a row of the profile can have: each use begins one and ends one, each wait as well."""
    demands = [len(resource.closed) for resource in problem.resources]
    for op in problem.operations:
        taken = [mode.station for mode in op.modes if mode.station is not None]
        touched = [*set(taken), *set(taken), *op.carriers]
        touched += [use.resource for mode in op.modes for use in mode.uses]
        for resource in touched:
            demands[resource] += 1
    return 2 * max(demands, default=0) + 8


def _or_none(value: int | None) -> int:
    return NONE if value is None else value
