"""People in the loop, and data frames: pin, reject, edit, veto, whole tables in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from lab.domain.errors import InputError, RefusedError
from lab.optimize import Campaign, Category, Factor, Space

if TYPE_CHECKING:
    from collections.abc import Callable

SPACE = Space(
    factors=(Factor("a", "mL", 0, 4), Category("s", ("water", "oil"))),
    constraints=("s != 'oil' or a <= 3 mL",),
)


def _campaign(trials: int = 0) -> Campaign:
    campaign = Campaign(SPACE, "maximize", seed=3, initial=4)
    for _ in range(trials):
        (item,) = campaign.ask()
        campaign.tell(item.number, -((item.factors["a"] - 1) ** 2))
    return campaign


def test_a_pinned_point_comes_first_and_once():
    campaign = _campaign(2)
    number = campaign.pin({"a": 2.0, "s": "oil"}, "a hunch")
    first, second = campaign.ask(2)
    assert (first.number, first.origin) == (number, "person")
    assert first.factors == {"a": 2.0, "s": "oil"}
    assert second.origin == "sobol"
    assert all(item.origin != "person" for item in campaign.ask(2))
    assert campaign.remarks[0].reason == "a hunch"


def test_a_pinned_point_that_breaks_a_rule_is_refused_and_not_moved():
    campaign = _campaign()
    for factors, words in (
        ({"a": 3.5, "s": "oil"}, "not s != 'oil' or a <= 3 mL"),
        ({"a": 5.0, "s": "water"}, "outside 0 to 4 mL"),
    ):
        with pytest.raises(RefusedError, match="not lawful") as caught:
            campaign.pin(factors, "a hunch")
        assert words in caught.value.message
        assert caught.value.exit_code == 4
    assert campaign.history == ()
    assert campaign.remarks == ()


def test_a_rejected_trial_teaches_nothing_and_keeps_its_number():
    campaign = _campaign(4)
    (item,) = campaign.ask()
    campaign.reject(item.number, "no solvent left")
    assert campaign.history[-1].status == "aborted"
    assert campaign.ask()[0].number == item.number + 1
    with pytest.raises(InputError, match="is done and can't be rejected"):
        campaign.reject(1, "late")


def test_an_edited_trial_teaches_what_was_really_set():
    campaign = _campaign(5)
    campaign.edit(2, {"a": 3.9}, "the pump slipped")
    assert campaign.history[1].factors["a"] == 3.9
    assert campaign.remarks[-1].text.startswith("a=")
    with pytest.raises(InputError, match="s is 'mud'"):
        campaign.edit(2, {"s": "mud"}, "typo")


def test_a_veto_holds_from_then_on():
    campaign = _campaign(6)
    campaign.veto("s == 'water'", "no water in the glove box")
    for _ in range(3):
        (item,) = campaign.ask()
        assert item.factors["s"] == "oil"
    with pytest.raises(InputError, match="no point was found"):
        campaign.veto("s == 'oil'", "nor oil")
    assert len(campaign.remarks) == 1
    assert len(campaign.space.constraints) == 2


def test_a_veto_that_makes_no_sense_changes_nothing():
    campaign = _campaign()
    with pytest.raises(InputError, match="nothing called"):
        campaign.veto("b > 2 mL", "why not")
    assert campaign.space == SPACE


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        ("pin", lambda campaign: campaign.pin({"a": 1.0, "s": "oil"}, "")),
        ("reject", lambda campaign: campaign.reject(2, " ")),
        ("edit", lambda campaign: campaign.edit(1, {"a": 1.0}, "")),
        ("veto", lambda campaign: campaign.veto("a > 3 mL", "")),
    ],
)
def test_everything_needs_a_reason(kind: str, act: Callable[[Campaign], object]):
    campaign = _campaign(1)
    campaign.ask()
    before = campaign.to_json()
    with pytest.raises(InputError, match=f"to {kind} without a reason"):
        act(campaign)
    assert campaign.to_json() == before


def test_all_of_it_is_saved_and_goes_on_to_the_bit():
    campaign = _campaign(5)
    campaign.edit(2, {"a": 3.9}, "the pump slipped")
    campaign.pin({"a": 2.0, "s": "oil"}, "a hunch")
    campaign.veto("a > 3.5 mL", "overflows")
    again = Campaign.from_json(campaign.to_json())
    assert again.remarks == campaign.remarks
    assert again.to_json() == campaign.to_json()
    assert again.ask(3) == campaign.ask(3)
    assert again.to_json() == campaign.to_json()


def test_an_objective_without_a_direction_is_refused():
    with pytest.raises(InputError, match="direction 'up'"):
        Campaign(SPACE, "up")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="direction ''"):
        Campaign(SPACE, "")  # pyright: ignore[reportArgumentType]


def test_a_frame_out_and_in():
    campaign = _campaign()
    batch = campaign.ask_frame(3)
    assert batch.index.tolist() == [1, 2, 3]
    assert list(batch.columns[:2]) == ["a", "s"]
    batch["value"] = [1.0, None, 3.0]
    batch["failed"] = [False, True, False]
    campaign.tell_frame(batch)
    table = campaign.frame
    assert table["status"].tolist() == ["done", "failed", "done"]
    assert table["value"].tolist()[::2] == [1.0, 3.0]


def test_a_frame_with_a_column_of_trials_and_deviations():
    campaign = _campaign()
    campaign.ask(2)
    campaign.tell_frame(pd.DataFrame({"trial": [2, 1], "value": [5, 6], "sd": [0.1, None]}))
    assert campaign.frame["value"].tolist() == [6.0, 5.0]
    assert campaign.history[1].standard_deviation == 0.1


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (pd.DataFrame({"value": [1.0, None]}, index=[1, 2]), "trial 2: the value is missing"),
        (pd.DataFrame({"value": [1.0, 2.0]}, index=[1, 9]), "trial 9 was never asked for"),
        (pd.DataFrame({"value": [1.0, "much"]}, index=[1, 2]), "value is 'much'"),
        (pd.DataFrame({"value": [1.0, float("inf")]}, index=[1, 2]), "a value of inf"),
        (pd.DataFrame({"yield": [1.0, 2.0]}, index=[1, 2]), "no column `value`"),
        (pd.DataFrame({"value": [1.0, 2.0]}, index=["x", "y"]), "names no trial"),
    ],
)
def test_a_bad_row_leaves_no_trace_of_the_good_ones(frame: pd.DataFrame, words: str):
    campaign = _campaign()
    campaign.ask(2)
    with pytest.raises(InputError) as caught:
        campaign.tell_frame(frame)
    assert words in caught.value.message
    assert [record.status for record in campaign.history] == ["pending", "pending"]


def test_earlier_experiments_come_in_as_a_table():
    campaign = _campaign()
    table = pd.DataFrame(
        {"s": ["oil", "water"], "a": [1, 5], "value": [2, None], "failed": [None, True]}
    )
    assert campaign.add_frame(table) == [1, 2]
    assert campaign.history[0].factors == {"a": 1.0, "s": "oil"}
    assert campaign.history[1].status == "failed"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"a": [1.0], "value": [1.0]}, "no column for factor s"),
        ({"a": ["x"], "s": ["oil"], "value": [1.0]}, "row 0: a is 'x'"),
        ({"a": [1.0], "s": ["mud"], "value": [1.0]}, "row 0: factor s is 'mud'"),
        ({"a": [float("nan")], "s": ["oil"], "value": [1.0]}, "row 0: factor a is nan"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(columns: dict[str, list[object]], words: str):
    campaign = _campaign()
    with pytest.raises(InputError) as caught:
        campaign.add_frame(pd.DataFrame(columns))
    assert words in caught.value.message
    assert campaign.history == ()


def test_a_factor_named_like_a_column_is_not_hidden():
    campaign = Campaign(Space(factors=(Factor("value", "mL", 0, 4),)))
    with pytest.raises(InputError, match="would hide a column"):
        campaign.ask_frame()
