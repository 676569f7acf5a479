"""What a campaign says of earlier campaigns and of several ways to measure, judged by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.domain.quantity import Quantity
from lab.sop.check import check_campaign
from lab.sop.check_options import measured_variants, option_findings
from lab.sop.document import read_document

PLAIN = (Path(__file__).parents[2] / "support" / "plain" / "campaign.yaml").read_text()
EARLIER = "earlier:\n  - {name: spring, file: spring.csv}\n  - {name: before, campaign: dyes-1}\n"
WAYS = "fidelities:\n  - {name: cool, cost: 1, set: {temperature: 20 degC}}\n  - {name: warm, cost: 4, set: {temperature: 25 degC}}\n"


def _campaign(more: str, *changes: tuple[str, str]):
    text = PLAIN.replace("fixed:\n  temperature: 25 degC\n", f"{more}fixed:\n", 1)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    campaign, found = check_campaign(text, "campaign.yaml")
    assert campaign is not None, found
    return campaign, option_findings(campaign, read_document(text, "campaign.yaml"))


@pytest.mark.parametrize("more", ["", EARLIER, WAYS, EARLIER + WAYS])
def test_what_is_right_is_not_complained_of(more: str):
    assert _campaign(more)[1] == []


def test_a_budget_of_cost_that_pays_for_one_trial_is_enough():
    assert _campaign(WAYS, ("budget:\n", "budget:\n  cost: 4\n"))[1] == []


def test_each_way_is_a_campaign_with_its_own_fixed_values():
    campaign, _ = _campaign(WAYS)
    variants = measured_variants(campaign)
    assert [item.fixed["temperature"] for item in variants] == [Quantity(20.0, "degC"), Quantity(25.0, "degC")]  # fmt: skip
    assert all(item.fixed["total_volume"] == campaign.fixed["total_volume"] for item in variants)
    plain, _ = _campaign("")
    assert measured_variants(plain) == [plain]


@pytest.mark.parametrize(
    ("more", "changes", "code", "words"),
    [
        (EARLIER, (("file: spring.csv", "file: a.csv, campaign: b"),), "earlier", "both a file and a campaign"),
        (EARLIER, ((", file: spring.csv", ""),), "earlier", "neither a file nor a campaign"),
        (EARLIER, (("before", "spring"),), "earlier", '"spring" is listed twice'),
        (EARLIER, (("bayesian", "sobol"),), "earlier", "beside the method sobol"),
        (WAYS, (("cost: 1", "cost: 4"),), "fidelity", '"cool" costs as much as "warm"'),
        (WAYS, (("20 degC", "25 degC"),), "fidelity", '"warm" measures just as "cool"'),
        (WAYS, (("temperature: 20 degC", "total_volume: 10 mL"),), "fidelity", "under `fixed` as well"),
        (WAYS, (("bayesian", "bayesian\n  per: time"),), "fidelity", "beside gain per cost or time"),
        (WAYS, (("budget:\n", "budget:\n  cost: 3.9\n"),), "fidelity", '3.9 pays for no trial by "warm"'),
        (WAYS, (("direction: maximize", "direction: maximize\n  zeros: true"),), "fidelity", "beside many zeros"),
        ("", (("budget:\n", "budget:\n  cost: 3\n"),), "fidelity", "no fidelity that says what a trial costs"),
    ],
)  # fmt: skip
def test_what_can_not_be_had_is_told(
    more: str, changes: tuple[tuple[str, str], ...], code: str, words: str
):
    (found,) = _campaign(more, *changes)[1]
    assert (found.code, found.severity) == (code, "error")
    assert words in found.message
    assert found.hint
