"""Job shops (`jsp`: text or JSON) and flexible job shops (`fjsp`: text).

Text of a job shop: a line `jobs machines`, then a line per job with `machine time` pairs. Of a flexible one: a line
`jobs machines [mean alternatives]`, then a line per job: the number of operations, and for each the number of
alternatives and their `machine time` pairs. Lines that begin with `#` are comments. Machines count from 0, or from 1
where no 0 and the number of machines itself appears. JSON: objects with `name`, `duration_matrix` and
`machines_matrix`, alone, in a list or as the values of an object.
"""

from __future__ import annotations

import json
from typing import Any, cast

from lab.domain.errors import InputError
from lab.plan.formats.instance import LARGEST, Instance, bad_line, numbers, shortened, whole
from lab.plan.model.problem import Job, Lag, Mode, Operation, Problem, Resource

__all__ = ["read_flexible_job_shop", "read_job_shop"]

_MOST_MACHINES = 100_000

_Shop = list[list[list[tuple[int, int]]]]
"""Job -> operation -> alternatives (machine as in the file, time)."""


def read_job_shop(text: str, name: str) -> list[Instance]:
    """The job shop of a text, or all those of a JSON document; InputError where it is neither."""
    if text.lstrip()[:1] in ("{", "["):
        return _from_json(text, name)
    jobs: _Shop = []
    rows, (count, machines) = _rows(text, name)
    for row, line in rows:
        values = numbers(line, name, row)
        if len(values) % 2:
            raise bad_line(
                name, row, f"{len(values)} numbers", "a job has pairs of machine and time"
            )
        jobs.append([[pair] for pair in zip(values[::2], values[1::2], strict=True)])
    return [_instance(jobs, count, machines, _stem(name), name)]


def read_flexible_job_shop(text: str, name: str) -> list[Instance]:
    """The flexible job shop of a text; InputError where a line does not add up."""
    jobs: _Shop = []
    rows, (count, machines) = _rows(text, name)
    for row, line in rows:
        values = iter(numbers(line, name, row))
        try:
            job = [
                [(next(values), next(values)) for _ in range(next(values))]
                for _ in range(next(values))
            ]
        except (StopIteration, RuntimeError):
            hint = (
                "a job has its number of operations, then of each the alternatives and their pairs"
            )
            raise bad_line(name, row, "the line ends too early", hint) from None
        if next(values, None) is not None:
            raise bad_line(
                name, row, "numbers are left over", "the counts must fit what stands behind them"
            )
        jobs.append(job)
    return [_instance(jobs, count, machines, _stem(name), name)]


def _stem(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _rows(text: str, name: str) -> tuple[list[tuple[int, str]], tuple[int, int]]:
    lines = [
        (row, line)
        for row, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise InputError(f"{name}: the file is empty", hint="give an instance of that format")
    row, first = lines[0]
    jobs, machines = [*map(whole, first.split()[:2]), None, None][:2]
    if jobs is None or machines is None or jobs < 1 or not 1 <= machines <= _MOST_MACHINES:
        hint = f"the first line holds the number of jobs and of machines, from 1 (machines to {_MOST_MACHINES})"
        raise bad_line(name, row, f'"{shortened(first)}" is no header', hint)
    return lines[1:], (jobs, machines)


def _instance(jobs: _Shop, count: int, machines: int, name: str, file: str) -> Instance:
    if not any(jobs):
        raise InputError(f"{file}: no operation", hint="give at least one job that has one")
    if len(jobs) != count:
        raise InputError(
            f"{file}: {len(jobs)} jobs where the header says {count}",
            hint="each job has a line of its own",
        )
    used = {machine for job in jobs for operation in job for machine, _ in operation}
    base = 1 if 0 not in used and machines in used else 0
    wrong = sorted(machine for machine in used if not 0 <= machine - base < machines)
    if wrong:
        raise InputError(
            f"{file}: machine {wrong[0]} of {machines}",
            hint=f"machines go from {base} to {machines - 1 + base}",
        )
    operations: list[Operation] = []
    lags: list[Lag] = []
    positions: list[int] = []
    for number, job in enumerate(jobs):
        for position, alternatives in enumerate(job):
            if not alternatives or any(time < 0 for _, time in alternatives):
                raise InputError(
                    f"{file}: job {number}, operation {position}: no alternative, or a time below 0",
                    hint="each operation needs a machine and a time of at least 0",
                )
            if position:
                lags.append(Lag(len(operations) - 1, len(operations)))
            modes = tuple(Mode(machine - base, time) for machine, time in alternatives)
            operations.append(Operation(number, f"{number}.{position}", modes))
            positions.append(position)
    problem = Problem(
        name,
        tuple(Resource(f"machine {machine + base}") for machine in range(machines)),
        tuple(operations),
        tuple(lags),
        tuple(Job(str(number)) for number in range(len(jobs))),
    )
    units = tuple((machine + base,) for machine in range(machines))
    return Instance(problem, tuple(op.job for op in operations), tuple(positions), units)


def _from_json(text: str, name: str) -> list[Instance]:
    try:
        document: Any = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}",
            hint="give a job shop as text or as JSON",
        ) from None
    except (RecursionError, ValueError) as error:
        raise InputError(
            f"{name}: not read: {error}", hint="an instance is a flat table of numbers"
        ) from None
    if isinstance(document, dict) and "duration_matrix" not in document:
        document = list(cast("dict[str, Any]", document).values())
    items = cast("list[Any]", document if isinstance(document, list) else [document])
    if not items:
        raise InputError(f"{name}: no instance", hint="give a job shop, or a list of them")
    return [
        _from_item(item, _stem(name) if len(items) == 1 else str(number), name, number)
        for number, item in enumerate(items)
    ]


def _from_item(given: object, title: str, name: str, number: int) -> Instance:
    item = cast("Any", given)
    try:
        times = cast("list[list[object]]", item["duration_matrix"])
        machines = cast("list[list[object]]", item["machines_matrix"])
        title = str(item.get("name", title))
        pairs = [
            list(zip(row, time, strict=True)) for row, time in zip(machines, times, strict=True)
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise InputError(
            f"{name}: instance {number} is no job shop",
            hint="it needs `duration_matrix` and `machines_matrix`, a row of equal length per job",
        ) from None
    jobs: _Shop = []
    for job, row in enumerate(pairs):
        jobs.append([])
        for position, (cell, length) in enumerate(row):
            machine, time = whole(cell), whole(length)
            if machine is None or time is None or not 0 <= machine < _MOST_MACHINES:
                shown = shortened(f"machine {cell!r}, time {length!r}")
                raise InputError(
                    f"{name}: instance {number}, job {job}, operation {position}: {shown}",
                    hint=f"machines are whole numbers from 0, times whole numbers up to {LARGEST}",
                )
            jobs[-1].append([(machine, time)])
    used = [m for job in jobs for alternatives in job for m, _ in alternatives]
    size = 1 + max(used, default=0)
    return _instance(jobs, len(jobs), size, title, f"{name} ({title})")
