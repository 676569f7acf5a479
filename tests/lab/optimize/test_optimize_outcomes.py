"""What a person tells of a trial: numbers, ends of ranges, grades, and several outcomes as they come."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lab.domain.errors import InputError
from lab.optimize import Aim, Campaign, Factor, Goal, Options, Space, TrialRecord, suggest
from lab.optimize.outcomes import read_value
from lab.optimize.pool import Pool

SPACE = Space((Factor("a", "1", 0.0, 1.0), Factor("b", "1", 0.0, 1.0)))
LEVELS = ("clear", "hazy", "precipitate")
GRADED = Options(levels=LEVELS)


def _hill(factors) -> float:
    return 10.0 - 40.0 * (factors["a"] - 0.7) ** 2 - 20.0 * (factors["b"] - 0.3) ** 2


def _run(campaign: Campaign, trials: int, outcome, size: int = 2) -> Campaign:
    while len(campaign.history) < trials:
        for item in campaign.ask(size):
            campaign.tell(item.number, outcome(item.factors))
    return campaign


# -- reading ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (3, (3.0, None)),
        ("4.5", (4.5, None)),
        ("> 100", (100.0, "above")),
        (">1e3", (1000.0, "above")),
        (" < 0.1 ", (0.1, "below")),
    ],
)
def test_numbers_and_ends_of_ranges_are_read(given, found):
    assert read_value(given, "trial 1") == found


@pytest.mark.parametrize("given", ["much", ">", "> much", "100 <", None, [1.0]])
def test_what_is_no_reading_is_refused(given):
    with pytest.raises(InputError, match="trial 1: y is") as caught:
        read_value(given, "trial 1", "y")
    assert caught.value.hint == (
        'give a number, or "> 100" where it is beyond the range of the instrument'
    )


def test_a_grade_is_its_place_and_nothing_else_is_a_grade():
    assert read_value("hazy", "trial 1", levels=LEVELS) == (1.0, None)
    for given in (1.0, "Hazy", "> clear"):
        with pytest.raises(InputError, match="the value is") as caught:
            read_value(given, "trial 1", levels=LEVELS)
        assert caught.value.hint == "the grades are: clear, hazy, precipitate"


# -- grades ----------------------------------------------------------------------------------------


def _grade(factors) -> str:
    return LEVELS[int(np.searchsorted([1.0, 5.0], 10.0 - _hill(factors)))]


def test_a_campaign_told_grades_finds_the_best_one_and_says_so():
    campaign = _run(Campaign(SPACE, "minimize", seed=1, initial=8, options=GRADED), 20, _grade)
    best = campaign.best
    assert best is not None
    assert best.value == 0.0
    late = [_grade(record.factors) for record in campaign.history[8:]]
    assert late.count("clear") > len(late) / 2
    found = campaign.recommend()
    assert found is not None
    assert _hill(found.trial.factors) > 9.3
    assert 0.0 <= found.mean < 0.3
    (item,) = campaign.ask()
    assert item.better == 0.0  # nothing is better than the best grade
    assert item.predicted_mean is not None
    assert 0.0 <= item.predicted_mean <= 2.0
    assert campaign.frame["value"].tolist()[:-1] == [
        _grade(record.factors) for record in campaign.history[:-1]
    ]


def test_grades_go_through_tables_lists_and_files_and_the_order_does_not_matter():
    grid = np.linspace(0.0, 1.0, 7)
    pool = Pool.from_columns({"a": np.repeat(grid, 7), "b": np.tile(grid, 7)})
    campaign = Campaign.of(pool, "minimize", seed=1, initial=6, options=GRADED)
    for _ in range(2):
        batch = campaign.ask_frame(5)
        batch["value"] = [_grade(row) for _, row in batch.iterrows()]
        campaign.tell_frame(batch)
    again = Campaign.from_json(campaign.to_json())
    assert again.ask(3) == campaign.ask(3)
    told = pd.DataFrame({"a": [0.1, 0.2], "b": [0.5, 0.6], "value": ["hazy", "cloudy"]})
    with pytest.raises(InputError, match="row 1: value is 'cloudy'"):
        again.add_frame(told)
    assert len(again.history) == 13
    again.add_frame(told.iloc[:1])
    assert again.history[-1].value == 1.0
    space = Campaign(SPACE, "minimize", seed=1, initial=6, options=GRADED)
    history = _run(space, 10, _grade).history
    one, other = (
        suggest(SPACE, "minimize", h, 2, seed=1, initial=6, options=GRADED)
        for h in (history, history[::-1])
    )
    assert one == other


def test_numbers_in_a_campaign_of_grades_are_refused():
    campaign = Campaign(SPACE, "minimize", seed=1, initial=4, options=GRADED)
    (item,) = campaign.ask()
    with pytest.raises(InputError, match=r"trial 1: the value is 1\.0"):
        campaign.tell(item.number, 1.0)
    with pytest.raises(InputError, match="is no grade"):
        campaign.tell(item.number, "hazy", sd=0.5)
    assert campaign.history[0].status == "pending"
    for value in (0.5, 3.0, -1.0):
        record = TrialRecord(number=1, factors=item.factors, status="done", value=value)
        with pytest.raises(InputError, match="is no grade"):
            suggest(SPACE, "minimize", [record], 1, seed=1, initial=4, options=GRADED)
    campaign.tell(item.number, "hazy")
    with pytest.raises(InputError, match="a distance to the optimum of a grade"):
        campaign.stopping(0.5)


# -- zeros -----------------------------------------------------------------------------------------


def _starts(factors) -> float:
    """A reaction that does not start where a is above 0.75, and is best beside that edge."""
    return 0.0 if factors["a"] > 0.75 else 50.0 + _hill(factors)


def test_zeros_with_reasons_of_their_own_are_avoided_and_the_best_beside_them_is_found():
    options = Options(zeros=True)
    campaign = _run(Campaign(SPACE, "maximize", seed=2, initial=8, options=options), 22, _starts)
    assert campaign.best is not None
    assert (campaign.best.value or 0.0) > 59.5
    assert sum(record.value == 0.0 for record in campaign.history[8:]) <= 4
    (item,) = campaign.ask()
    assert item.chance is not None
    assert 0.3 < item.chance <= 1.0
    assert item.better is not None
    assert 0.0 <= item.better <= item.chance
    assert item.predicted_mean is not None
    assert item.predicted_mean <= 61.0
    left = campaign.stopping(0.5)
    assert 0.0 <= left.probability <= 1.0
    assert left.expected_gain >= 0.0


def test_while_all_are_zero_they_are_values_like_others():
    campaign = Campaign(SPACE, "maximize", seed=2, initial=3, options=Options(zeros=True))
    _run(campaign, 4, lambda _: 0.0)
    assert campaign.ask()[0].chance is None
    campaign.tell(5, 3.0)
    campaign.add({"a": 0.2, "b": 0.2}, 4.0)
    assert campaign.ask()[0].chance is not None


def test_what_can_not_be_where_zeros_are_the_least_is_refused():
    campaign = Campaign(SPACE, "maximize", seed=2, initial=3, options=Options(zeros=True))
    (item,) = campaign.ask()
    for value in (-1.0, "> 0"):
        with pytest.raises(InputError, match="nothing is below zero"):
            campaign.tell(item.number, value)
    with pytest.raises(InputError, match="many zeros, where less is better"):
        Campaign(SPACE, "minimize", options=Options(zeros=True))


# -- beyond the range ------------------------------------------------------------------------------


def _meter(factors):
    """An instrument that shows no more than 6."""
    return "> 6" if _hill(factors) > 6.0 else _hill(factors)


def test_behind_the_end_of_the_range_the_best_is_still_sought():
    """Taken as values, results of "> 6" are a plateau, on which any place is as good as another."""
    ends: list[list[float]] = []
    for seed in range(2):
        row: list[float] = []
        for beyond in (True, False):
            campaign = Campaign(SPACE, "maximize", seed=seed, initial=8)
            _run(campaign, 14, _meter if beyond else lambda f: min(6.0, _hill(f)))
            found = campaign.recommend()
            assert found is not None
            row.append(10.0 - _hill(found.trial.factors))
        ends.append(row)
    told, plain = np.mean(ends, axis=0)
    assert told < plain
    assert told < 1.5


def test_ends_of_ranges_are_kept_shown_and_asked_on_from_to_the_bit():
    campaign = _run(Campaign(SPACE, "maximize", seed=1, initial=6), 10, _meter)
    beyond = [record for record in campaign.history if record.side == "above"]
    assert beyond
    assert campaign.best is not None
    assert campaign.best.value == 6.0
    assert "> 6" in campaign.frame["value"].tolist()
    again = Campaign.from_json(campaign.to_json())
    assert again.history == campaign.history
    assert again.ask(2) == campaign.ask(2)
    other = Campaign(SPACE, "maximize", seed=1, initial=6)
    for record in campaign.history[:10]:
        other.add(record.factors, record.value)
    assert other.ask(2)[0].factors != campaign.history[10].factors
    campaign.tell(beyond[0].number, 7.5)  # diluted and measured again
    assert campaign.history[beyond[0].number - 1].side is None


def test_a_side_without_an_end_is_refused():
    with pytest.raises(InputError, match="without the range's end"):
        TrialRecord(number=1, factors={"a": 0.1}, status="failed", side="above")
    with pytest.raises(InputError, match="y beyond the range"):
        TrialRecord(number=1, factors={"a": 0.1}, status="done", outcomes={"z": 1}, sides={"y": "above"})  # fmt: skip


# -- several outcomes ------------------------------------------------------------------------------

AIM = Aim((Goal("y", "maximize", worst=0.0), Goal("z", "minimize", worst=2.0)))


def test_outcomes_come_one_by_one_and_beyond_the_range_too():
    campaign = Campaign(SPACE, AIM, seed=1, initial=5)
    _run(campaign, 5, lambda f: {"y": _meter(f), "z": f["b"]}, size=1)
    sided = [record for record in campaign.history if record.sides]
    assert all(record.sides == {"y": "above"} for record in sided)
    (item,) = campaign.ask()
    campaign.tell(item.number, {"z": "< 0.05"})
    assert campaign.history[-1].status == "pending"
    assert campaign.history[-1].sides == {"z": "below"}
    saved = Campaign.from_json(campaign.to_json())
    assert saved.history == campaign.history
    campaign.tell(item.number, {"y": 3.0})
    assert campaign.history[-1].status == "done"
    assert campaign.history[-1].sides == {"z": "below"}
    campaign.tell(item.number, {"z": 0.04})
    assert campaign.history[-1].sides == {}
    plain = saved.history[-1].model_copy(update={"sides": {}})
    asked = [
        suggest(SPACE, AIM, [*saved.history[:-1], last], 1, seed=1, initial=5)
        for last in (saved.history[-1], plain)
    ]
    assert asked[0] != asked[1]


def test_tables_with_gaps_and_ends_of_ranges():
    campaign = Campaign(SPACE, AIM, seed=1, initial=4)
    batch = campaign.ask_frame(3)
    batch["y"] = ["> 6", 4.0, None]
    batch["z"] = [0.3, None, 0.5]
    campaign.tell_frame(batch)
    assert [record.status for record in campaign.history] == ["done", "pending", "pending"]
    assert campaign.history[0].sides == {"y": "above"}
    shown = campaign.frame
    assert shown["y"].tolist()[:2] == ["> 6", 4.0]
    assert shown["z"].dtype == float
    batch["y"] = ["> 6", "four", None]
    with pytest.raises(InputError, match="trial 2: y is 'four'"):
        campaign.tell_frame(batch)
