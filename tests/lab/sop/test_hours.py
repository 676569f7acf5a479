"""Days and hours of people: read, refused, and as times from a start at which nobody is there."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain.errors import InputError
from lab.sop.hours import Hours, away, longest_s, read_hours

MONDAY = datetime(2026, 11, 30)
DAY = 86_400.0
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def test_days_and_hours_are_written_out():
    assert read_hours("Mon-Wed 08:00-12:30") == [Hours(day, 480, 750) for day in (0, 1, 2)]
    assert read_hours("Sat 00:00-24:00") == [Hours(5, 0, 1440)]
    assert [entry.day for entry in read_hours("Sat-Mon 08:00-09:00")] == [5, 6, 0]
    assert len(read_hours("Mon-Sun 08:00-09:00")) == 7


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Mo 08:00-12:00", "no days and hours"),
        ("Mon 8:00-12:00", "no days and hours"),
        ("Mon-Xyz 08:00-12:00", "no days and hours"),
        ("mon 08:00-12:00", "no days and hours"),
        ("Mon 08:00 - 12:00", "no days and hours"),
        ("Mon 12:00-08:00", "earlier to a later"),
        ("Mon 08:00-08:00", "earlier to a later"),
        ("Mon 08:60-12:00", "earlier to a later"),
        ("Mon 08:00-24:01", "earlier to a later"),
        ("Mon 22:00-25:00", "earlier to a later"),
        ("", "no days and hours"),
    ],
)
def test_what_means_nothing_is_refused_with_an_example(text, says):
    with pytest.raises(InputError, match=says) as caught:
        read_hours(text)
    assert caught.value.hint


def hours(*entries: str) -> list[Hours]:
    return [hour for entry in entries for hour in read_hours(entry)]


def test_a_lunch_break_and_the_night():
    week = hours("Mon-Fri 08:00-12:00", "Mon-Fri 13:00-17:00")
    closed = away(week, MONDAY.replace(hour=9), DAY)
    assert closed == ((3 * 3600.0, 4 * 3600.0), (8 * 3600.0, 23 * 3600.0))


def test_over_the_weekend():
    closed = away(hours("Mon-Fri 08:00-17:00"), datetime(2026, 12, 4, 16), 4 * DAY)
    assert closed[0] == (3600.0, 3600.0 + (7 + 48 + 8) * 3600.0)
    assert closed[1] == (3 * DAY + 3600.0, 3 * DAY + 16 * 3600.0)


def test_before_anybody_has_come_and_where_nobody_ever_leaves():
    assert away(hours("Mon 08:00-17:00"), MONDAY, DAY)[0] == (0.0, 8 * 3600.0)
    assert away([], MONDAY, DAY) == ()
    assert away(hours("Mon-Sun 00:00-24:00"), MONDAY, 9 * DAY) == ()


@pytest.mark.parametrize(
    ("entries", "hours_long"),
    [
        (["Mon-Fri 08:00-12:00", "Mon-Fri 13:00-18:00"], 5.0),
        (["Mon 22:00-24:00", "Tue 00:00-06:00"], 8.0),
        (["Sun 22:00-24:00", "Mon 00:00-06:00"], 8.0),
        (["Mon 08:00-12:00", "Mon 10:00-14:00"], 6.0),
        (["Mon-Sun 00:00-24:00"], math.inf),
        ([], math.inf),
    ],
)
def test_the_longest_time_without_a_break(entries, hours_long):
    assert longest_s(hours(*entries)) == hours_long * 3600.0


@st.composite
def some_hours(draw):
    entries = []
    for _ in range(draw(st.integers(1, 5))):
        first, last = draw(st.sampled_from(DAYS)), draw(st.sampled_from(DAYS))
        start = draw(st.integers(0, 23))
        end = draw(st.integers(start + 1, 24))
        entries.append(f"{first}-{last} {start:02d}:00-{end:02d}:00")
    return hours(*entries)


@given(week=some_hours(), offset=st.integers(0, 7 * 24 * 60), days=st.integers(1, 15))
def test_minute_by_minute_somebody_is_there_or_away(week, offset, days):
    start = MONDAY + timedelta(minutes=offset)
    closed = away(week, start, days * DAY)
    for minute in range(0, days * 1440, 37):
        now = start + timedelta(minutes=minute)
        since = now.hour * 60 + now.minute
        there = any(h.day == now.weekday() and h.start_min <= since < h.end_min for h in week)
        gone = any(begin <= minute * 60.0 < end for begin, end in closed)
        assert there != gone
    assert all(begin < end for begin, end in closed)
    assert all(a[1] < b[0] for a, b in pairwise(closed))


@given(week=some_hours())
def test_no_time_between_two_breaks_is_longer_than_the_longest(week):
    closed = away(week, MONDAY, 21 * DAY)
    between = [b[0] - a[1] for a, b in pairwise(closed)]
    longest = longest_s(week)
    if between:
        assert max(between) == longest
    else:
        assert longest == math.inf
