"""Why trials were proposed and how they failed, as the status tells it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.control.evidence import (
    evidence_lines,
    failed_documents,
    failed_words,
    failure_line,
    outside_document,
    proposed_documents,
)
from lab.domain import event as ev
from lab.domain.state import CampaignState, TrialState

SPEC = ev.CampaignStarted(
    campaign="c-1", title="C", file="c.yaml", sop_id="s", sop_version="1.0.0", sop_sha256="0", lab_id="l",
    factors=(
        ev.FactorSpec(name="t", unit="degC", minimum=0, maximum=100),
        ev.FactorSpec(name="r", unit="dimensionless", minimum=0, maximum=1),
        ev.ChoiceSpec(name="s", choices=("water", "oil")),
    ),
    fixed={}, objective=ev.ObjectiveSpec(result="y", unit="percent", direction="maximize"),
    method="bayesian", initial=2, batch=1, trials=9, parallel=2, seed=1,
)  # fmt: skip
DONE = TrialState(1, {"t": 20.0, "r": 0.5, "s": "water"}, "sobol", "done", 61.25)
FAILED = TrialState(2, {"t": 90.0, "r": 0.5, "s": "oil"}, "sobol", "failed", reason="it boiled")
OPEN = TrialState(
    3, {"t": 30.0, "r": 0.25, "s": "oil"}, "model", predicted_mean=70.0, predicted_sd=5.0, nearest_trial=1,
    note="explores", better=0.96, chance=0.8, explores="t above 20 degC",
)  # fmt: skip
CAMPAIGN = CampaignState(SPEC, 0.0, trials={1: DONE, 2: FAILED, 3: OPEN})


def with_open(trial: TrialState, *, approval: bool = False) -> CampaignState:
    spec = SPEC.model_copy(update={"approval": approval})
    return replace(CAMPAIGN, spec=spec, trials={**CAMPAIGN.trials, 3: trial})


def test_an_open_trial_comes_with_its_evidence():
    (item,) = proposed_documents(CAMPAIGN)
    assert (item["trial"], item["predicted_mean"], item["better"], item["chance"]) == (
        3,
        70,
        0.96,
        0.8,
    )
    near = item["nearest"]
    assert near is not None
    assert (near["trial"], near["status"], near["value"]) == (1, "done", 61.25)
    assert near["differs"] == ["s oil instead of water", "r 0.25 less", "t 10 degC more"]
    assert evidence_lines(item, "percent") == [
        "expects 70 percent ± 5; 96% to be better than the best; 80% to succeed",
        "nearest is trial 1 (61.25 percent); here s oil instead of water, r 0.25 less, t 10 degC more",
        "explores t above 20 degC",
    ]


def test_beside_a_failed_trial_its_reason_is_told():
    (item,) = proposed_documents(with_open(replace(OPEN, nearest_trial=2, explores="")))
    lines = evidence_lines(item, "percent")
    assert lines[1].startswith("nearest is trial 2 (failed: it boiled); here t 60 degC less")
    assert len(lines) == 2


@pytest.mark.parametrize("nearest", [None, 77])
def test_of_an_even_spread_there_is_little_to_tell(nearest: int | None):
    bare = TrialState(3, dict(OPEN.factors), "sobol", nearest_trial=nearest)
    (item,) = proposed_documents(with_open(bare))
    assert item["nearest"] is None
    assert evidence_lines(item, "percent") == []


def test_the_same_point_differs_in_nothing():
    (item,) = proposed_documents(with_open(replace(OPEN, factors=DONE.factors)))
    assert item["nearest"] is not None
    assert item["nearest"]["differs"] == []


@pytest.mark.parametrize(
    ("approval", "approved", "run", "waits", "begun"),
    [(False, "", "", False, False), (True, "", "", True, False), (True, "Ada", "c-1/r003", False, True)],
)  # fmt: skip
def test_whether_it_waits_or_has_begun(approval: bool, approved: str, run: str, waits: bool, begun: bool):  # fmt: skip
    trial = replace(OPEN, approved=approved, run=run)
    (item,) = proposed_documents(with_open(trial, approval=approval))
    assert (item["waits_for_approval"], item["begun"]) == (waits, begun)


def test_the_latest_failures_come_first():
    many = {n: replace(FAILED, number=n, reason=f"reason {n}") for n in range(1, 9)}
    found = failed_documents(replace(CAMPAIGN, trials=many))
    assert [item["trial"] for item in found] == [8, 7, 6, 5, 4]
    assert found[0]["reason"] == "reason 8"
    assert failed_documents(replace(CAMPAIGN, trials={1: DONE})) == []


def test_a_withdrawn_result_is_told_with_who_withdrew_it():
    gone = replace(FAILED, number=3, status="withdrawn", reason="withdrawn by Ada: it leaked")
    first, second = failed_documents(replace(CAMPAIGN, trials={2: FAILED, 3: gone}))
    assert (first["trial"], first["withdrawn"], second["withdrawn"]) == (3, True, False)
    assert failure_line(first) == "withdrawn by Ada: it leaked"
    assert failure_line(second) == f"gave no value: {FAILED.reason}"


def test_what_was_withdrawn_from_outside_is_counted_neither_way():
    told = [replace(DONE, number=-1), replace(FAILED, number=-2)]
    gone = replace(DONE, number=-3, status="withdrawn", value=None)
    document = outside_document(replace(CAMPAIGN, outside=(*told, gone)))
    assert (document["done"], document["failed"]) == (1, 1)


def test_what_a_failed_trial_measured_before_is_told():
    part = replace(FAILED, outcomes={"y": 61.0, "cost": 2.0})
    (item,) = failed_documents(replace(CAMPAIGN, trials={2: part}))
    assert item["outcomes"] == {"y": 61.0, "cost": 2.0}
    assert failed_words(item["outcomes"]) == "failed after y, cost was measured"
    assert failed_words({}) == "gave no value"
