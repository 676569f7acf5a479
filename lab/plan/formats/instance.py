"""An instance that was read, and how its file numbers things."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.plan.model.problem import Problem
    from lab.plan.model.solution import Placed

__all__ = ["LARGEST", "Instance", "bad_line", "numbers", "shortened", "whole"]

LARGEST = 1_000_000_000
"""Times and numbers of jobs and machines; sums of a million of them still fit into 64 bits."""

_WORD = re.compile(r"\S+")
_WHOLE = re.compile(r"[+-]?[0-9]{1,12}")
_SHOWN = 60
"""Letters of a line or word that is wrong."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A problem with the names of its file."""

    problem: Problem
    jobs: tuple[int, ...]
    """Operation -> job, as the file numbers it."""
    operations: tuple[int, ...]
    """Operation -> its number within the job."""
    machines: tuple[tuple[int, ...], ...]
    """Resource -> numbers of its equal machines."""

    @property
    def name(self) -> str:
        return self.problem.name

    def schedule(self, placed: Sequence[Placed]) -> list[dict[str, int]]:
        """Rows {job, operation, machine, start, end}, numbered as in the file, by start.

        Equal machines share a resource in the problem; each operation takes the first that is free.
        """
        free: dict[int, list[int]] = {
            resource: [0] * len(numbers) for resource, numbers in enumerate(self.machines)
        }
        rows: list[dict[str, int]] = []
        order = sorted(range(len(placed)), key=lambda number: (placed[number].start, number))
        for number in order:
            place = placed[number]
            station = self.problem.operations[number].modes[place.mode].station
            machine = -1
            if station is not None:
                units = free[station]
                unit = next((u for u, until in enumerate(units) if until <= place.start), 0)
                units[unit] = max(units[unit], place.end)
                machine = self.machines[station][unit]
            rows.append(
                {
                    "job": self.jobs[number],
                    "operation": self.operations[number],
                    "machine": machine,
                    "start": place.start,
                    "end": place.end,
                }
            )
        return rows


def numbers(line: str, name: str, row: int) -> list[int]:
    """The integers of a line."""
    found: list[int] = []
    for word in _WORD.finditer(line):
        number = whole(word[0])
        if number is None:
            raise InputError(
                f'{name}:{row}:{word.start() + 1}: "{shortened(word[0])}" is not a whole number',
                hint=f"an instance holds whole numbers up to {LARGEST}, separated by blanks",
            )
        found.append(number)
    return found


def whole(cell: object) -> int | None:
    """A whole number that the planner can count with, out of text or JSON; None for anything else."""
    if isinstance(cell, str) and _WHOLE.fullmatch(cell):
        cell = int(cell)
    if not isinstance(cell, int) or isinstance(cell, bool) or abs(cell) > LARGEST:
        return None
    return cell


def bad_line(name: str, row: int, what: str, hint: str) -> InputError:
    """An error at a line of an instance."""
    return InputError(f"{name}:{row}:1: {what}", hint=hint)


def shortened(text: str) -> str:
    """What is shown of a line or word: files of another format have long ones."""
    text = text.strip()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
