"""Advice on how to optimise, from a table of experiments."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.optimize.advise import Advice
    from lab.optimize.history import TrialRecord
    from lab.optimize.space import AnyFactor, Space

__all__ = ["advise_from_table", "read_experiments"]


def advise_from_table(
    path: Path,
    objective: str,
    direction: str,
    *,
    ignore: Sequence[str] = (),
    evenly_spread: int | None = None,
    repeats: int = 20,
    seed: int = 0,
) -> Advice:
    """`lab.optimize.advise` for a CSV file with a column per factor. `evenly_spread`: so many rows at the top were
    spread without looking at results; all where left out. InputError names the line of what can't be read.
    """
    from lab.optimize.advise import advise

    space, records = read_experiments(path, objective, ignore)
    if evenly_spread is not None and not 0 <= evenly_spread <= len(records):
        raise InputError(
            f"{evenly_spread} evenly spread rows of {len(records)}",
            hint="count the rows at the top of the table that were spread without looking at results",
        )
    spread = None if evenly_spread is None else range(1, evenly_spread + 1)
    return advise(
        space,
        "maximize" if direction == "max" else "minimize",
        records,
        evenly_spread=spread,
        repeats=repeats,
        seed=seed,
    )


def read_experiments(
    path: Path, objective: str, ignore: Sequence[str] = ()
) -> tuple[Space, list[TrialRecord]]:
    """The space that a table spans, and its rows as trials. A column of numbers is a factor with their range, one of
    words a category; a column with one value is left out.
    """
    from lab.optimize.history import TrialRecord
    from lab.optimize.space import Category, Factor, Space

    names, rows = _rows(path)
    for name in (objective, *ignore):
        if name not in names:
            raise InputError(
                f"{path} has no column {name}", hint=f"its columns are: {', '.join(names)}"
            )
    place = names.index(objective)
    values = [_number(row[place], path, line, objective) for line, row in rows]
    factors: list[AnyFactor] = []
    columns: dict[str, list[float | str]] = {}
    for k, name in enumerate(names):
        texts = [row[k] for _, row in rows]
        if name == objective or name in ignore or len(set(texts)) < 2:
            continue
        numbers = [_maybe(text) for text in texts]
        if None in numbers:
            if any(number is not None for number in numbers):
                line, row = rows[numbers.index(None)]
                raise InputError(
                    f'{path}, line {line}: "{row[k]}" stands among the numbers of {name}',
                    hint="correct it, or leave the column out with --ignore",
                )
            factors.append(Category(name, tuple(dict.fromkeys(texts))))
            columns[name] = list(texts)
        else:
            found = [number for number in numbers if number is not None]
            factors.append(Factor(name, "1", min(found), max(found)))
            columns[name] = list(found)
    space = Space(factors=tuple(factors))
    return space, [
        TrialRecord(
            number=k + 1,
            factors={name: column[k] for name, column in columns.items()},
            status="done",
            value=value,
        )
        for k, value in enumerate(values)
    ]


def _rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.reader(file)
            empty: list[str] = []
            names = [name.strip() for name in next(table, empty)]
            rows = [(table.line_num, [text.strip() for text in row]) for row in table if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path} can't be read: {error}", hint="give a CSV file in UTF-8"
        ) from error
    if not rows:
        raise InputError(f"{path} holds no experiments", hint="a header and a row for each is due")
    for line, row in rows:
        if len(row) != len(names):
            raise InputError(
                f"{path}, line {line}: {len(row)} cells under {len(names)} names",
                hint="give each row a cell for each column",
            )
    return names, rows


def _maybe(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _number(text: str, path: Path, line: int, name: str) -> float:
    number = _maybe(text)
    if number is None:
        raise InputError(
            f'{path}, line {line}: {name} is "{text}"',
            hint="give a finite number, or leave out experiments that failed",
        )
    return number
