"""What a suggestion explores, and its chance to be better, in words and numbers that can be checked by hand."""

from __future__ import annotations

import math
import statistics

import pytest

from lab.optimize import Campaign
from lab.optimize.explain import explained, explores
from lab.optimize.history import Suggestion, TrialRecord
from lab.optimize.space import Category, Factor, Levels, Space

SPACE = Space(
    (
        Factor("t", "degC", 0.0, 100.0),
        Levels("n", "", (1.0, 2.0, 10.0)),
        Category("s", ("water", "oil", "DMF")),
    )
)


def record(number: int, t: float, n: float = 1.0, s: str = "water", value: float | None = None):
    status = "pending" if value is None else "done"
    return TrialRecord(number=number, factors={"t": t, "n": n, "s": s}, status=status, value=value)


TRIED = [record(1, 20.0), record(2, 50.0, 2.0, "oil")]


@pytest.mark.parametrize(
    ("t", "n", "s", "words"),
    [
        (20.0, 1.0, "water", ""),
        (50.0, 2.0, "oil", ""),
        (30.0, 1.0, "water", "t between 20 and 50 degC"),
        (5.0, 1.0, "water", ""),  # 15 of 100 is near enough
        (0.0, 1.0, "water", "t below 20 degC"),
        (75.0, 1.0, "water", "t above 50 degC"),
        (20.0, 10.0, "water", "n above 2"),
        (20.0, 1.0, "DMF", "s = DMF, which was not tried"),
        (90.0, 1.0, "DMF", "t above 50 degC; s = DMF, which was not tried"),
    ],
)
def test_gaps_and_new_choices_are_named(t: float, n: float, s: str, words: str):
    assert explores(SPACE, TRIED, {"t": t, "n": n, "s": s}) == words


def test_the_order_of_the_history_changes_nothing():
    point = {"t": 30.0, "n": 10.0, "s": "DMF"}
    assert explores(SPACE, TRIED, point) == explores(SPACE, TRIED[::-1], point)


def test_before_the_first_trial_all_choices_are_new_and_no_gap_is_told():
    assert explores(SPACE, [], {"t": 30.0, "n": 1.0, "s": "oil"}) == "s = oil, which was not tried"


def test_a_model_of_one_value_tells_the_chance_to_be_better():
    history = [record(1, 20.0, value=1.0), record(2, 50.0, value=3.0)]
    item = Suggestion(number=3, factors={"t": 30.0, "n": 1.0, "s": "water"}, origin="model", predicted_mean=3.5, predicted_sd=0.5)  # fmt: skip
    (up,) = explained(SPACE, "maximize", history, [item])
    normal = statistics.NormalDist()
    assert up.better == pytest.approx(normal.cdf(1.0))
    (down,) = explained(SPACE, "minimize", history, [item])
    assert down.better == pytest.approx(normal.cdf(-5.0))
    (none,) = explained(SPACE, "maximize", [record(1, 20.0)], [item])
    assert none.better is None
    plain = item.model_copy(update={"predicted_sd": None})
    assert explained(SPACE, "maximize", history, [plain])[0].better is None
    assert up.model_copy(update={"better": None, "explores": ""}) == item


def test_over_many_functions_the_chance_is_the_frequency():
    """Of suggestions that are said to be better with a mean chance p, a share near p is."""
    told: list[float] = []
    came: list[bool] = []
    space = Space((Factor("a", "", 0.0, 1.0), Factor("b", "", 0.0, 1.0)))
    for seed in range(12):
        campaign = Campaign(space, "maximize", seed=seed, initial=5)
        for _ in range(16):
            (item,) = campaign.ask()
            a, b = (float(item.factors[name]) for name in "ab")
            value = math.sin(3 * a + seed) * math.cos(2 * b - seed) + 0.3 * a * b
            best = campaign.best
            if item.better is not None and best is not None and best.value is not None:
                told.append(item.better)
                came.append(value > best.value)
            campaign.tell(item.number, value)
    assert len(told) == 12 * 11
    assert abs(statistics.mean(told) - statistics.mean(came)) < 0.1


def test_why_a_trial_failed_is_kept_and_saved():
    campaign = Campaign(SPACE, "maximize", seed=1)
    (item, other) = campaign.ask(2)
    campaign.tell(item.number, failed=True, reason="it foamed over")
    campaign.reject(other.number, "no oil left")
    added = campaign.add({"t": 1.0, "n": 1.0, "s": "oil"}, failed=True, reason="solid")
    again = Campaign.from_json(campaign.to_json())
    reasons = {record.number: record.reason for record in again.history}
    assert reasons == {item.number: "it foamed over", other.number: "no oil left", added: "solid"}
    assert again.ask(1) == campaign.ask(1)
