"""What is optimised in a benchmark: a test function with noise, or the rows of a table of experiments."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import InputError
from lab.optimize.bench.functions import FUNCTIONS
from lab.optimize.pool import Pool
from lab.optimize.sobol import derived_seed, sobol_points
from lab.optimize.space import Factor, Space
from lab.sop.descriptors import SMILES
from lab.sop.molecules import describe, molecule_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lab.optimize.domain import Array
    from lab.optimize.history import Direction
    from lab.optimize.space import Setting

__all__ = ["Task", "first_points", "function_task", "read_table", "row_of", "table_task"]

_COMPUTED = Path(SMILES)
"""In place of a file of descriptors: the column holds molecules."""


@dataclass(frozen=True)
class Task:
    """`truth` gives the value without noise; `optimum` is known for functions, `top` (the best 5 % of
    the rows, at least one) for tables."""

    name: str
    space: Space
    direction: Direction
    truth: Callable[[Mapping[str, Setting]], float]
    noise: float
    optimum: float | None = None
    works: Callable[[Mapping[str, Setting]], bool] | None = None
    """Whether a trial gives a value; None where every one does. No method is told."""
    pool: Pool | None = None
    top: frozenset[int] = frozenset()

    @property
    def sought(self) -> Direction:
        """What a method is told of it."""
        return self.direction

    @property
    def sign(self) -> float:
        return 1.0 if self.direction == "maximize" else -1.0

    def first(self, seed: int, count: int) -> list[dict[str, Setting]]:
        """The points that every method is given: scrambled Sobol points, or rows drawn at random."""
        return first_points(self.space, self.pool, seed, count)


def first_points(
    space: Space, pool: Pool | None, seed: int, count: int
) -> list[dict[str, Setting]]:
    """Scrambled Sobol points, or rows drawn at random, the same for every method."""
    if pool is None:
        return [space.from_unit(point) for point in sobol_points(seed, 0, count, space.dimension)]
    generator = np.random.Generator(np.random.PCG64(derived_seed("first", seed)))
    rows = generator.permutation(len(pool))[:count]
    return [pool.values(int(row)) for row in rows]


def _works(
    rule: Callable[[Array], bool],
    point: Callable[[Mapping[str, Setting]], Array],
    values: Mapping[str, Setting],
) -> bool:
    return rule(point(values))


def function_task(name: str) -> Task:
    """A test function by name; InputError for another name."""
    if name not in FUNCTIONS:
        raise InputError(
            f"{name} is no test function", hint=f"the functions are: {', '.join(FUNCTIONS)}"
        )
    given = FUNCTIONS[name]
    space = Space(tuple(Factor(f"x{i}", "1", 0.0, 1.0) for i in range(given.dimension)))

    def point(values: Mapping[str, Setting]) -> Array:
        return np.array([values[key] for key in space.names], dtype=np.float64)

    return Task(
        name,
        space,
        given.direction,
        lambda values: given.value(point(values)),
        given.noise,
        optimum=given.optimum,
        works=None if given.works is None else partial(_works, given.works, point),
    )


def table_task(
    path: Path,
    objective: str,
    direction: Direction,
    *,
    ignore: Sequence[str] = (),
    descriptors: Mapping[str, Path] | None = None,
) -> Task:
    """The rows of a CSV file as candidates, as `read_table` has them."""
    pool, found = read_table(path, (objective,), ignore=ignore, descriptors=descriptors)
    means = [row[0] for row in found]
    sign = 1.0 if direction == "maximize" else -1.0
    order = np.argsort(-sign * np.array(means), kind="stable")
    top = frozenset(order[: max(1, round(0.05 * len(means)))].tolist())

    def truth(values: Mapping[str, Setting]) -> float:
        return means[row_of(pool, values)]

    return Task(path.stem, pool.space, direction, truth, 0.0, pool=pool, top=top)


def row_of(pool: Pool, values: Mapping[str, Setting]) -> int:
    """The row with these settings; InputError if there is none."""
    row = pool.find(values)
    if row is None:
        raise InputError(
            f"{dict(values)} is no row of the table", hint="ask for its candidates alone"
        )
    return row


def read_table(
    path: Path,
    objectives: Sequence[str],
    *,
    ignore: Sequence[str] = (),
    descriptors: Mapping[str, Path] | None = None,
) -> tuple[Pool, list[tuple[float, ...]]]:
    """The rows of a CSV file as candidates with the outcomes of each; replicates (rows with equal inputs) are averaged.

    A column that numbers the rows is no input, and a second row that names the kind of each column no trial (Summit's
    files have one). `descriptors`: for a text column, a CSV file with a row for each choice: the column whose
    header ends with the input's name (or else the first that holds all choices) is the key, every column of finite
    numbers a descriptor; or `smiles` where the column itself holds molecules, whose descriptors are computed (a text
    column whose heading ends so needs no word).
    """
    header, rows = _read(path)
    if rows[0][0] == "TYPE":
        rows = rows[1:]
    for name in (*objectives, *ignore, *(descriptors or {})):
        if name not in header:
            raise InputError(
                f"{path}: no column {name}", hint=f"the columns are: {', '.join(header)}"
            )
    outcomes: list[list[float]] = []
    for name in objectives:
        numbers = _numbers([row[header.index(name)] for row in rows])
        if numbers is None:
            raise InputError(f"{path}: {name} is not a finite number in every row")
        outcomes.append(numbers)
    columns: dict[str, list[Setting]] = {}
    for name in header:
        if name in objectives or name in ignore:
            continue
        texts = [row[header.index(name)] for row in rows]
        numbers = _numbers(texts)
        if numbers is not None and name not in (descriptors or {}):
            if numbers in (list(range(len(rows))), list(range(1, len(rows) + 1))):
                continue
            columns[name] = list(numbers)
        else:
            columns[name] = list(texts)
    groups: dict[tuple[Setting, ...], list[tuple[float, ...]]] = {}
    for key, told in zip(
        zip(*columns.values(), strict=True), zip(*outcomes, strict=True), strict=True
    ):
        groups.setdefault(key, []).append(told)
    means = [
        tuple(math.fsum(column) / len(column) for column in zip(*values, strict=True))
        for values in groups.values()
    ]
    table = {name: [key[k] for key in groups] for k, name in enumerate(columns)}
    known: dict[str, dict[str, tuple[float, ...]]] = {}
    for name, values in table.items():
        where = (descriptors or {}).get(name)
        texts = [value for value in values if isinstance(value, str)]
        if where == _COMPUTED or (where is None and texts and name.lower().endswith(SMILES)):
            known[name] = _molecules(path, name, [row[header.index(name)] for row in rows])
        elif where is not None:
            known[name] = read_descriptors(where, name, set(texts))
    return Pool.from_columns(table, known), means


def _molecules(path: Path, name: str, texts: Sequence[str]) -> dict[str, tuple[float, ...]]:
    choices = {text: text for text in sorted(set(texts))}
    for text in choices:
        problem = molecule_problem(text)
        if problem:
            raise InputError(
                f"{path}:{texts.index(text) + 2}: {name}: no molecule in {text!r}: {problem}",
                hint="correct it, or give --descriptors COLUMN=FILE",
            )
    return describe(choices)[1]


def read_descriptors(path: Path, name: str, choices: set[str]) -> dict[str, tuple[float, ...]]:
    """The numbers of each choice of the factor `name`."""
    header, rows = _read(path)
    by_column = {key: [row[k] for row in rows] for k, key in enumerate(header)}
    holding = [key for key, values in by_column.items() if choices <= set(values)]
    holding.sort(key=lambda key: not key.lower().endswith(name.lower()))
    if not holding:
        raise InputError(
            f"{path}: no column has all {len(choices)} choices of {name}",
            hint=f"for instance {sorted(choices)[0]}",
        )
    place = {value: k for k, value in enumerate(by_column[holding[0]])}
    numbers = [found for key in header if (found := _numbers(by_column[key])) is not None]
    if not numbers:
        raise InputError(f"{path}: no column holds finite numbers alone")
    return {choice: tuple(column[place[choice]] for column in numbers) for choice in choices}


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: can't be read: {error}", hint="give a CSV file") from None
    if len(lines) < 3:
        raise InputError(f"{path}: no table", hint="a CSV file with a header and at least two rows")
    for number, row in enumerate(lines, start=1):
        if len(row) != len(lines[0]):
            raise InputError(
                f"{path}:{number}: {len(row)} fields under {len(lines[0])} headers",
                hint="each row has one field per column, with commas between",
            )
    return lines[0], lines[1:]


def _numbers(texts: Sequence[str]) -> list[float] | None:
    try:
        values = [float(text) for text in texts]
    except ValueError:
        return None
    return values if all(math.isfinite(value) for value in values) else None
