"""S-LAB: laboratory protocols with limits on the time between marks (Itoh et al., SLAS Technol. 26, 650 (2021)).

An instance is a folder with four tab-separated tables, each with a header line:

    machines.tsv    machine, type, name
    operations.tsv  job, operation, machine type, time[, note]
    dependency.tsv  job, operation before, operation after
    tcmb.tsv        job, operation 1, start|end, operation 2, start|end, limit:  |mark 1 - mark 2| <= limit

Machines of one type are equal, so a type is one resource with their number as capacity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.plan.formats.instance import LARGEST, Instance, bad_line, shortened, whole
from lab.plan.model.problem import Job, Lag, Mark, Mode, Operation, Problem, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TABLES", "read_slab"]

TABLES = ("machines.tsv", "operations.tsv", "dependency.tsv", "tcmb.tsv")
_MARKS: dict[str, Mark] = {"start": "begin", "end": "end"}


def read_slab(tables: Mapping[str, str], name: str) -> Instance:
    """The instance of a folder's tables; InputError with file and line for what is wrong."""
    types: dict[int, list[int]] = {}
    for _, row in _rows(tables, "machines.tsv", name, 2):
        types.setdefault(int(row[1]), []).append(int(row[0]))
    resources = {kind: number for number, kind in enumerate(types)}
    index: dict[tuple[int, int], int] = {}
    jobs: dict[int, int] = {}
    operations: list[Operation] = []
    for line, row in _rows(tables, "operations.tsv", name, 4):
        job, operation, kind, time = map(int, row[:4])
        if kind not in resources:
            where = f"{name}/operations.tsv"
            raise bad_line(where, line, f"machine type {kind}", "machines.tsv has no such type")
        if (job, operation) in index:
            where = f"{name}/operations.tsv"
            raise bad_line(where, line, f"operation {operation} of job {job} again", "name it once")
        index[job, operation] = len(operations)
        mode = Mode(resources[kind], time)
        number = jobs.setdefault(job, len(jobs))
        operations.append(Operation(number, f"{job}.{operation}", (mode,)))
    if not operations:
        raise InputError(f"{name}/operations.tsv: no operation", hint="give at least one")
    lags: list[Lag] = []
    after: dict[int, list[int]] = {}
    for line, row in _rows(tables, "dependency.tsv", name, 3):
        where = f"{name}/dependency.tsv"
        first, second = _pair(index, (row[0], row[1], row[2]), where, line)
        if _leads(after, second, first):
            what = f"operation {row[2]} of job {row[0]} would wait for itself"
            raise bad_line(where, line, what, "what an operation needs can't come after it")
        after.setdefault(first, []).append(second)
        lags.append(Lag(first, second))
    for line, row in _rows(tables, "tcmb.tsv", name, 6):
        where = f"{name}/tcmb.tsv"
        if row[2] not in _MARKS or row[4] not in _MARKS:
            raise bad_line(where, line, f'mark "{row[2]}" or "{row[4]}"', "use start or end")
        first, second = _pair(index, (row[0], row[1], row[3]), where, line)
        limit = int(row[5])
        lags.append(
            Lag(first, second, -limit, limit, _MARKS[row[2]], _MARKS[row[4]], name=f"line {line}")
        )
    problem = Problem(
        name.rstrip("/").rsplit("/", 1)[-1],
        tuple(Resource(f"type {kind}", len(units)) for kind, units in types.items()),
        tuple(operations),
        tuple(lags),
        tuple(Job(str(job)) for job in jobs),
    )
    return Instance(
        problem,
        tuple(job for job, _ in index),
        tuple(operation for _, operation in index),
        tuple(tuple(units) for units in types.values()),
    )


def _leads(after: Mapping[int, list[int]], first: int, second: int) -> bool:
    """Whether one operation is the other, or comes before it by what was read so far."""
    waiting, seen = [first], {first}
    while waiting:
        at = waiting.pop()
        if at == second:
            return True
        new = [number for number in after.get(at, ()) if number not in seen]
        seen.update(new)
        waiting += new
    return False


def _rows(
    tables: Mapping[str, str], table: str, name: str, columns: int
) -> list[tuple[int, list[str]]]:
    """Line number and cells; of those that must be whole numbers, all are."""
    if table not in tables:
        raise InputError(
            f"{name}: no {table}", hint=f"an S-LAB instance is a folder with {', '.join(TABLES)}"
        )
    found: list[tuple[int, list[str]]] = []
    for line, text in enumerate(tables[table].splitlines()[1:], 2):
        cells = [cell.strip() for cell in text.split("\t")]
        if not any(cells):
            continue
        if len(cells) < columns:
            hint = f"{columns} cells with tabs between them"
            raise bad_line(f"{name}/{table}", line, f"{len(cells)} cells", hint)
        for column, cell in enumerate(cells[:columns]):
            if columns == 6 and column in (2, 4):
                continue
            number = whole(cell)
            if number is None or number < 0:
                raise InputError(
                    f'{name}/{table}:{line}:{column + 1}: "{shortened(cell)}" is no number that fits',
                    hint=f"times and numbers are whole, not below 0 and at most {LARGEST}",
                )
        found.append((line, cells))
    return found


def _pair(
    index: Mapping[tuple[int, int], int], row: tuple[str, str, str], where: str, line: int
) -> tuple[int, int]:
    job, first, second = map(int, row)
    for operation in (first, second):
        if (job, operation) not in index:
            what = f"operation {operation} of job {job}"
            raise bad_line(where, line, what, "operations.tsv has no such operation")
    return index[job, first], index[job, second]
