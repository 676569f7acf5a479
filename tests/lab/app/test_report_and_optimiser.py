"""What a campaign reports, and what the optimiser is told of it."""

from __future__ import annotations

from lab.app.optimiser import suggest_from_state
from lab.app.report import best_document, report_document, report_lines
from lab.domain import event as ev
from lab.optimize import Factor
from lab.optimize.recorded import history_of, space_of
from tests.lab.app.electrolyte import FACTORS, NAME, HandMade
from tests.support.factors import numbers, ranges


def finish(lab: HandMade, number: int, outcome: str, value: float | None = None) -> None:
    lab.propose(number)
    run = lab.begin(number, choice=0)
    results = {} if value is None else {"conductivity": {"value": value, "unit": "mS/cm"}}
    lab.add(
        ev.RunFinished.model_validate(
            {"run": run, "outcome": outcome, "reason": "because", "results": results}
        )
    )
    if value is None:
        lab.add(ev.TrialFailed(campaign=NAME, trial=number, reason="because"))
    else:
        lab.add(
            ev.TrialCompleted(campaign=NAME, trial=number, value=value, standard_deviation=0.01)
        )


def busy_lab() -> HandMade:
    lab = HandMade()
    finish(lab, 1, "succeeded", 7.5)
    finish(lab, 2, "failed")
    finish(lab, 3, "aborted")
    lab.propose(4)
    return lab


def test_the_report_counts_runs_and_names_the_best_trial() -> None:
    lab = busy_lab()
    finish(lab, 5, "succeeded", 8.25)
    document = report_document(
        lab.state, NAME, events=9, head="ab", virtual_seconds=1.23456, wall_seconds=0.5
    )
    assert document["runs"] == {"succeeded": 2, "failed": 1, "aborted": 1}
    assert document["trials"] == 5
    assert document["journal"] == {"events": 9, "head": "ab"}
    assert document["virtual_seconds"] == 1.235
    best = document["best"]
    assert isinstance(best, dict)
    assert set(best) == {"factors", "objective", "unit", "standard_deviation"}
    assert (best["objective"], best["unit"]) == (8.25, "mS/cm")
    assert best["factors"] == FACTORS
    words = "\n".join(report_lines(lab.state, NAME))
    assert "2 succeeded, 1 failed, 1 aborted" in words
    assert "8.25 mS/cm (trial 5" in words
    # 3 mL of 2 mol/L and 1 mL of 0.5 mol/L in 10 mL.
    assert "salt_concentration = 0.65 mol/L" in words
    assert "9.13 mS/cm" in words


def test_without_a_measured_trial_there_is_no_best() -> None:
    lab = HandMade()
    finish(lab, 1, "failed")
    assert best_document(lab.campaign) is None


def test_an_aborted_trial_teaches_nothing_and_a_failed_one_that_it_failed() -> None:
    lab = busy_lab()
    history = history_of(lab.campaign, lab.state)
    assert [record.status for record in history] == ["done", "failed", "aborted", "pending"]
    assert [record.value for record in history] == [7.5, None, None, None]


def test_the_space_is_that_of_the_campaign_s_start() -> None:
    lab = HandMade()
    space = space_of(lab.campaign)
    assert space.factors == tuple(
        Factor(f.name, f.unit, f.minimum, f.maximum) for f in ranges(lab.files.factors)
    )


def test_a_suggestion_is_a_function_of_the_state_within_the_space() -> None:
    first = suggest_from_state(busy_lab().state, NAME, 2)
    assert suggest_from_state(busy_lab().state, NAME, 2) == first
    assert len(first) == 2
    for proposal in first:
        factors = numbers(proposal.factors)
        for factor in ranges(busy_lab().files.factors):
            assert factor.minimum <= factors[factor.name] <= factor.maximum
    assert suggest_from_state(HandMade().state, NAME, 2) != first
