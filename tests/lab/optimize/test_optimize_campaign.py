"""The stateful campaign: ask, tell, correct, save, and go on after a restart."""

from __future__ import annotations

import json
import math
import textwrap
from pathlib import Path

import pytest

from lab.domain.errors import InputError
from lab.optimize import Campaign, Factor, Space
from lab.optimize import campaign as campaign_module

SPACE = Space(
    factors=(
        Factor(name="a", unit="mL", minimum=0, maximum=4),
        Factor(name="b", unit="degC", minimum=20, maximum=80),
    )
)


def _value(factors: dict[str, float]) -> float:
    return -((factors["a"] - 1) ** 2) - ((factors["b"] - 50) / 30) ** 2


def _told(batches: int, *, seed: int = 3) -> Campaign:
    campaign = Campaign(SPACE, "maximize", seed=seed, initial=4)
    for _ in range(batches):
        for suggestion in campaign.ask(2):
            campaign.tell(suggestion.number, _value(suggestion.factors), 0.01)
    return campaign


def test_asked_trials_are_pending_until_told():
    campaign = Campaign(SPACE, seed=1)
    first, second = campaign.ask(2)
    assert [record.status for record in campaign.history] == ["pending", "pending"]
    campaign.tell(second.number, 2.5, 0.1)
    campaign.tell(first.number, failed=True)
    one, two = campaign.history
    assert (one.status, one.value) == ("failed", None)
    assert (two.status, two.value, two.standard_deviation) == ("done", 2.5, 0.1)
    assert two.factors == second.factors
    assert campaign.best == two


def test_numbers_go_on_and_never_repeat():
    campaign = Campaign(SPACE, seed=1)
    numbers = [item.number for _ in range(3) for item in campaign.ask(2)]
    assert numbers == [1, 2, 3, 4, 5, 6]


def test_a_trial_can_be_corrected():
    campaign = Campaign(SPACE, seed=1)
    (item,) = campaign.ask()
    campaign.tell(item.number, 1.0)
    campaign.tell(item.number, failed=True)
    assert campaign.history[0].status == "failed"
    assert campaign.best is None


@pytest.mark.parametrize(
    ("value", "failed", "words"),
    [
        (None, False, "no value"),
        (1.0, True, "failed, but with a value"),
        (math.nan, False, "a value of nan"),
        (math.inf, False, "a value of inf"),
    ],
)
def test_an_outcome_is_either_a_number_or_a_failure(value: float | None, failed: bool, words: str):
    campaign = Campaign(SPACE, seed=1)
    (item,) = campaign.ask()
    with pytest.raises(InputError, match=words):
        campaign.tell(item.number, value, failed=failed)
    assert campaign.history[0].status == "pending"


def test_an_unknown_trial_cannot_be_told():
    with pytest.raises(InputError, match="trial 9 was never asked for"):
        Campaign(SPACE, seed=1).tell(9, 1.0)


def test_trials_of_ones_own_can_be_added():
    campaign = Campaign(SPACE, seed=1)
    assert campaign.add({"a": 1.0, "b": 50.0}, 3.0) == 1
    assert campaign.add({"a": 5.0, "b": 50.0}, failed=True) == 2
    assert [item.number for item in campaign.ask()] == [3]
    assert campaign.best is not None
    assert campaign.best.number == 1


def test_a_refused_addition_leaves_no_trace():
    campaign = Campaign(SPACE, seed=1)
    with pytest.raises(InputError, match="no value for factor b"):
        campaign.add({"a": 1.0}, 3.0)
    with pytest.raises(InputError, match="standard deviation"):
        campaign.add({"a": 1.0, "b": 50.0}, 3.0, -1.0)
    with pytest.raises(InputError, match="no value"):
        campaign.add({"a": 1.0, "b": 50.0})
    assert campaign.history == ()


def test_initial_trials_by_default_are_two_per_factor_and_at_least_four():
    assert Campaign(SPACE).initial == 4
    wide = Space(
        factors=tuple(Factor(name=f"x{i}", unit="1", minimum=0, maximum=1) for i in range(6))
    )
    assert Campaign(wide).initial == 12


def test_a_saved_campaign_goes_on_where_it_stood():
    campaign = _told(3)
    campaign.ask(1)  # one is under way while the process dies
    again = Campaign.from_json(campaign.to_json())
    assert again.history == campaign.history
    assert again.ask(2) == campaign.ask(2)
    assert again.to_json() == campaign.to_json()


def test_it_finds_the_optimum_of_a_hill():
    campaign = _told(10)
    assert campaign.best is not None
    assert campaign.best.value is not None
    assert campaign.best.value > -0.01


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"optimisation_format": 2}, "optimisation_format"),
        ({"direction": "up"}, "direction"),
        ({"surprise": 1}, "surprise"),
        ({"space": {}}, "space.factors"),
    ],
)
def test_a_document_of_another_kind_is_refused(change: dict[str, object], words: str):
    document = {**json.loads(_told(1).to_json()), **change}
    with pytest.raises(InputError, match=words) as caught:
        Campaign.from_json(json.dumps(document))
    assert caught.value.exit_code == 2


def test_text_that_is_no_json_is_refused():
    with pytest.raises(InputError, match="not a saved campaign: the document"):
        Campaign.from_json("{")


def test_a_saved_history_that_does_not_fit_its_space_is_refused():
    document = json.loads(_told(1).to_json())
    document["history"][0]["factors"] = {"c": 1.0}
    with pytest.raises(InputError, match="trial 1: no value for factor a"):
        Campaign.from_json(json.dumps(document))


def test_the_example_in_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    document = campaign_module.__doc__ or ""
    example = textwrap.dedent(
        "\n".join(line for line in document.splitlines() if line.startswith("    "))
    )
    names: dict[str, object] = {
        "Campaign": Campaign,
        "Factor": Factor,
        "Space": Space,
        "Path": Path,
        "measure": lambda temperature: -abs(temperature - 60.0),
    }
    exec(example, names)
    saved = Campaign.from_json((tmp_path / "campaign.json").read_text())
    assert [record.status for record in saved.history] == ["done", "done"]
