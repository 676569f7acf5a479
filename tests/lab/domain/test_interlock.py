"""A condition on a live value: it holds, it does not, or the value is too old to say so."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain.interlock import Interlock, Reading, judge

COVER = Interlock(
    name="cover",
    device="enclosure",
    signal="gap",
    unit="mm",
    minimum=-0.5,
    maximum=2.0,
    max_age_s=15.0,
    blocks=("laser", "stage"),
    actions=("shine",),
)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (-0.5, "holds"),
        (0.0, "holds"),
        (2.0, "holds"),
        (2.0001, "open"),
        (-0.51, "open"),
        (math.nan, "open"),
        (math.inf, "open"),
        (-math.inf, "open"),
    ],
)
def test_the_limits_themselves_still_hold_and_nonsense_does_not(value: float, state: str) -> None:
    verdict = judge(COVER, Reading(value, 100.0), 100.0)
    assert verdict.state == state
    assert "gap of enclosure" in verdict.detail
    assert "at least -0.5 and at most 2 mm" in verdict.detail


@pytest.mark.parametrize(
    ("age_s", "state"), [(0.0, "holds"), (15.0, "holds"), (15.001, "stale"), (1e6, "stale")]
)
def test_a_value_that_is_too_old_fulfils_nothing(age_s: float, state: str) -> None:
    verdict = judge(COVER, Reading(1.0, 100.0), 100.0 + age_s)
    assert verdict.state == state
    assert verdict.until_s == (115.0 if state == "holds" else None)


def test_without_a_value_nothing_holds() -> None:
    verdict = judge(COVER, None, 100.0)
    assert (verdict.state, verdict.until_s) == ("stale", None)
    assert "nothing has been heard" in verdict.detail


@pytest.mark.parametrize(
    ("minimum", "maximum", "value", "state"),
    [
        (None, 5.0, -1e9, "holds"),
        (None, 5.0, 5.1, "open"),
        (5.0, None, 1e9, "holds"),
        (5.0, None, 4.9, "open"),
    ],
)
def test_one_limit_is_enough(
    minimum: float | None, maximum: float | None, value: float, state: str
) -> None:
    lock = COVER.model_copy(update={"minimum": minimum, "maximum": maximum})
    assert judge(lock, Reading(value, 0.0), 0.0).state == state


@given(st.floats(allow_nan=True), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_it_holds_only_for_a_young_value_within_its_limits(
    value: float, at_s: float, age_s: float
) -> None:
    verdict = judge(COVER, Reading(value, at_s), at_s + age_s)
    young = at_s + age_s <= at_s + 15.0
    assert (verdict.state == "holds") == (young and -0.5 <= value <= 2.0)
    assert verdict.detail


def test_it_blocks_what_it_names() -> None:
    assert COVER.concerns("laser", "shine")
    assert not COVER.concerns("laser", "stop")
    assert not COVER.concerns("enclosure", "shine")
    every = COVER.model_copy(update={"actions": ()})
    assert every.concerns("stage", "move")
