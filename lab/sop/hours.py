"""When people are there: the hours of a lab file as times at which nobody can be asked. Pure; local times."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Hours", "away", "longest_s", "read_hours"]

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PATTERN = re.compile(
    r"(?P<first>[A-Z][a-z]{2})(?:-(?P<last>[A-Z][a-z]{2}))? "
    r"(?P<start>\d{2}:\d{2})-(?P<end>\d{2}:\d{2})"
)
_DAY_MIN = 24 * 60


class Hours(NamedTuple):
    """A weekday (Monday is 0) and minutes since midnight."""

    day: int
    start_min: int
    end_min: int


def read_hours(text: str) -> list[Hours]:
    """`Mon-Fri 08:00-12:00`: those days, that time, at most until 24:00. InputError for anything else."""
    match = _PATTERN.fullmatch(text)
    if match is None or match["first"] not in _DAYS or (match["last"] or "Mon") not in _DAYS:
        raise InputError(
            f'"{text}" is no days and hours',
            hint='write e.g. "Mon-Fri 08:00-12:00" or "Sat 09:00-13:00"',
        )
    start, end = _minutes(match["start"]), _minutes(match["end"])
    if start is None or end is None or start >= end:
        raise InputError(
            f'"{text}" does not go from an earlier to a later time of one day',
            hint="write a night shift as two entries: until 24:00, and from 00:00 of the next day",
        )
    first = _DAYS.index(match["first"])
    last = _DAYS.index(match["last"]) if match["last"] else first
    count = (last - first) % 7 + 1
    return [Hours((first + number) % 7, start, end) for number in range(count)]


def _minutes(text: str) -> int | None:
    hours, minutes = (int(part) for part in text.split(":"))
    total = 60 * hours + minutes
    return total if minutes < 60 and total <= _DAY_MIN else None


def away(
    hours: Sequence[Hours], start: datetime, horizon_s: float
) -> tuple[tuple[float, float], ...]:
    """Seconds from `start` between which nobody is there, as far as the horizon; no hours at all: always there."""
    if not hours:
        return ()
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    days = int(horizon_s // 86_400.0) + 2
    there = _joined(
        (
            _apart_s(midnight + timedelta(days=day, minutes=entry.start_min), start),
            _apart_s(midnight + timedelta(days=day, minutes=entry.end_min), start),
        )
        for day in range(days)
        for entry in hours
        if entry.day == (midnight + timedelta(days=day)).weekday()
    )
    found: list[tuple[float, float]] = []
    since = 0.0
    for begin, end in [*there, (horizon_s, horizon_s)]:
        if end <= 0.0:
            continue
        if begin > since:
            found.append((since, min(begin, horizon_s)))
        since = max(since, end)
        if since >= horizon_s:
            break
    return tuple(found)


def _apart_s(moment: datetime, start: datetime) -> float:
    """With a zone, real seconds: a night in which the clocks change is longer or shorter than it looks."""
    if start.tzinfo is None:
        return (moment - start).total_seconds()
    return moment.timestamp() - start.timestamp()


def longest_s(hours: Sequence[Hours]) -> float:
    """The longest time without a break, in seconds; a shift through midnight is one. Infinite where nobody ever goes."""
    if not hours:
        return float("inf")
    week = 7 * _DAY_MIN
    spans = _joined(
        (60.0 * (shift * week + entry.day * _DAY_MIN + entry.start_min),
         60.0 * (shift * week + entry.day * _DAY_MIN + entry.end_min))
        for shift in (0, 1)
        for entry in hours
    )  # fmt: skip
    longest = max(end - begin for begin, end in spans)
    return float("inf") if longest >= 2 * 60.0 * week else longest


def _joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """In order, those that touch or overlap as one."""
    found: list[tuple[float, float]] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    return found
