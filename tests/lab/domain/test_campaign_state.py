"""What a campaign's events make of it: what is sought, the front, approval, vetoes, and when it is enough."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lab.domain import event as ev
from lab.domain.reduce import reduce
from lab.domain.state import CampaignState, LabState
from tests.lab.engine.kit import START, campaign_started

YIELD = ev.ObjectiveSpec(result="yield", unit="percent", direction="maximize", worst=0.0)
COST = ev.ObjectiveSpec(result="cost", unit="dimensionless", direction="minimize", worst=10.0)
PURE = ev.LimitSpec(result="impurity", unit="percent", maximum=2.0)
VALUES = {1: (50.0, 5.0, 1.0), 2: (60.0, 8.0, 1.0), 3: (40.0, 6.0, 1.0), 4: (90.0, 1.0, 3.0)}


def _campaign(*more: ev.Event, **changes: object) -> CampaignState:
    state = LabState()
    started = campaign_started(6).model_copy(update={"objective": YIELD, **changes})
    events: list[ev.Event] = [started]
    for number, (yielded, cost, impurity) in VALUES.items():
        events += [
            ev.TrialProposed(campaign="kit-1", trial=number, factors={"x": 0.1}, origin="model"),
            ev.TrialCompleted(
                campaign="kit-1",
                trial=number,
                value=yielded,
                outcomes={"yield": yielded, "cost": cost, "impurity": impurity},
            ),
        ]
    for event in (*events, *more):
        at = START + timedelta(seconds=state.seq)
        state = reduce(state, ev.Recorded(seq=state.seq + 1, epoch=1, at=at, event=event))
    return state.campaigns["kit-1"]


def test_one_value_has_no_aim():
    campaign = _campaign()
    assert campaign.aim is None
    best = campaign.best()
    assert best is not None
    assert best.number == 4
    assert [trial.number for trial in campaign.front()] == [4]


def test_objectives_that_pull_apart_have_a_front_and_no_best():
    campaign = _campaign(further=(COST,), limits=(PURE,))
    assert campaign.best() is None
    assert [trial.number for trial in campaign.front()] == [1, 2]
    aim = campaign.aim
    assert aim is not None
    assert aim.volume(campaign.trials.values()) == pytest.approx(50 * 5 + 10 * 2)


def test_one_objective_under_a_limit_has_the_best_of_what_keeps_it():
    best = _campaign(limits=(PURE,)).best()
    assert best is not None
    assert best.number == 2
    nothing = _campaign(limits=(PURE.model_copy(update={"maximum": 0.5}),))
    assert nothing.best() is None
    assert nothing.front() == ()
    assert nothing.measured


def test_a_target_has_the_nearest():
    target = YIELD.model_copy(update={"direction": "target", "target": 42.0, "worst": 10.0})
    best = _campaign(objective=target).best()
    assert best is not None
    assert best.number == 3


PROPOSED = ev.TrialProposed(
    campaign="kit-1", trial=5, factors={"x": 0.5}, origin="model", predicted_mean=3.0, chance=0.7
)


def test_trials_wait_for_approval_where_the_campaign_says_so():
    assert [t.number for t in _campaign(PROPOSED).ready_trials] == [5]
    assert _campaign(PROPOSED, approval=True).ready_trials == ()
    approved = ev.TrialApproved(campaign="kit-1", trial=5, actor="Ada")
    campaign = _campaign(PROPOSED, approved, approval=True)
    assert [t.number for t in campaign.ready_trials] == [5]
    assert campaign.trials[5].approved == "Ada"


def test_an_edited_trial_is_the_persons_and_has_no_prediction():
    edited = ev.TrialEdited(
        campaign="kit-1", trial=5, factors={"x": 0.9}, actor="Ada", reason="a hunch"
    )
    trial = _campaign(PROPOSED, edited).trials[5]
    assert trial.factors == {"x": 0.9}
    assert (trial.origin, trial.predicted_mean, trial.chance) == ("person", None, None)
    assert trial.note == "edited by Ada: a hunch"
    assert trial.status == "pending"


def test_a_rejected_trial_is_closed_and_counts():
    rejected = ev.TrialRejected(campaign="kit-1", trial=5, actor="Ada", reason="no solvent")
    campaign = _campaign(PROPOSED, rejected)
    assert campaign.open_trials == ()
    assert campaign.trials[5].status == "rejected"
    assert not campaign.enough
    last = PROPOSED.model_copy(update={"trial": 6})
    assert _campaign(PROPOSED, rejected, last).enough


WITHDRAWN = ev.TrialWithdrawn(campaign="kit-1", trial=4, actor="Ada", reason="the vial leaked")


def test_a_withdrawn_result_is_never_the_best_and_its_trial_stays_spent():
    campaign = _campaign(WITHDRAWN)
    trial = campaign.trials[4]
    assert (trial.status, trial.reason) == ("withdrawn", "withdrawn by Ada: the vial leaked")
    assert (trial.value, trial.standard_deviation, dict(trial.outcomes)) == (None, None, {})
    best = campaign.best()
    assert best is not None
    assert (best.number, len(campaign.trials)) == (2, 4)
    front = _campaign(WITHDRAWN.model_copy(update={"trial": 1}), further=(COST,), limits=(PURE,))
    assert [trial.number for trial in front.front()] == [2, 3]


def test_a_campaign_that_had_enough_by_a_withdrawn_result_goes_on():
    judged = ev.StoppingJudged(
        campaign="kit-1", trial=4, within=1.0, probability=0.97, expected_gain=0.1, enough=True
    )
    assert _campaign(judged).enough
    campaign = _campaign(judged, WITHDRAWN)
    assert not campaign.enough
    assert campaign.nearness is None


def test_a_result_from_outside_may_be_withdrawn_too():
    results = tuple(ev.OutsideResult(factors={"x": 0.1 * k}, value=float(k)) for k in (1, 2, 3))
    added = ev.ResultsAdded(campaign="kit-1", results=results, actor="Ada", reason="a paper")
    campaign = _campaign(added, WITHDRAWN.model_copy(update={"trial": -2}))
    assert [(t.number, t.value, t.status) for t in campaign.outside] == [
        (-1, 1.0, "done"),
        (-2, None, "withdrawn"),
        (-3, 3.0, "done"),
    ]


@pytest.mark.parametrize("enough", [True, False])
def test_nothing_more_is_tried_once_the_rule_is_met(enough: bool):
    judged = ev.StoppingJudged(
        campaign="kit-1", trial=4, within=1.0, probability=0.97, expected_gain=0.1, enough=enough
    )
    campaign = _campaign(judged)
    assert campaign.nearness == judged
    assert campaign.enough is enough


def test_vetoes_are_kept_in_order():
    vetoes = [
        ev.SpaceVetoed(campaign="kit-1", condition=f"x > {k} mL", actor="Ada", reason="hot")
        for k in (0.8, 0.5)
    ]
    assert list(_campaign(*vetoes).vetoes) == vetoes


WAYS = (
    ev.FidelitySpec(name="quick", cost=1.0, settings={"readings": 1.0}),
    ev.FidelitySpec(name="real", cost=4.0),
)


def _by(way: str, number: int, value: float | None = None) -> tuple[ev.Event, ...]:
    proposed = ev.TrialProposed(
        campaign="kit-1", trial=number, factors={"x": 0.2}, origin="model", fidelity=way
    )
    if value is None:
        return (proposed,)
    return proposed, ev.TrialCompleted(campaign="kit-1", trial=number, value=value)


def test_of_several_fidelities_the_last_counts():
    told = (*_by("quick", 5, 95.0), *_by("real", 6, 20.0), *_by("real", 7, 30.0), *_by("real", 8))
    campaign = _campaign(*told, fidelities=WAYS)
    assert campaign.target == "real"
    assert [trial.number for trial in campaign.counting] == [6, 7, 8]
    best = campaign.best()
    assert best is not None
    assert best.number == 7
    assert campaign.trials[5].settings == {"x": 0.2, "readings": 1.0}
    assert campaign.trials[6].settings == {"x": 0.2}


def test_without_fidelities_every_trial_counts_and_costs_nothing():
    campaign = _campaign()
    assert campaign.target == ""
    assert [trial.number for trial in campaign.counting] == [1, 2, 3, 4]
    assert campaign.cost_left == float("inf")
    assert campaign.affordable
    assert campaign.trials[1].settings == {"x": 0.1}


@pytest.mark.parametrize(("budget", "left", "enough"), [(13.0, 4.0, False), (12.9, 3.9, True)])
def test_a_campaign_is_enough_when_no_trial_that_counts_can_be_paid(
    budget: float, left: float, enough: bool
):
    told = (*_by("quick", 5), *_by("real", 6), *_by("real", 7))
    campaign = _campaign(*told, trials=20, fidelities=WAYS, cost_budget=budget)
    assert campaign.cost_left == pytest.approx(left)
    assert campaign.enough is enough


def test_a_journal_says_nothing_of_what_a_campaign_has_not():
    said = campaign_started(2).model_dump_json() + _by("", 1)[0].model_dump_json()
    for key in ("earlier", "fidelities", "cost_budget", "fidelity"):
        assert f'"{key}"' not in said
    started = campaign_started(2).model_copy(update={"fidelities": WAYS, "cost_budget": 9.0})
    assert ev.CampaignStarted.model_validate_json(started.model_dump_json()) == started
    (proposed,) = _by("quick", 1)
    assert ev.TrialProposed.model_validate_json(proposed.model_dump_json()) == proposed


def test_a_cost_of_nought_is_kept():
    """It was left out as if nobody had said a cost."""
    failed = ev.TrialFailed(campaign="c-1", trial=1, reason="it spilled", cost=0.0)
    assert ev.TrialFailed.model_validate_json(failed.model_dump_json()) == failed
    assert '"cost"' not in failed.model_copy(update={"cost": None}).model_dump_json()
