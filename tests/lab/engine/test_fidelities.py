"""Several ways to measure: what is proposed, what counts, what it may cost, and what people may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lab.domain import event as ev
from lab.engine import messages as msg
from lab.engine.campaigning import record_proposals
from lab.optimize.recorded import history_of
from tests.lab.engine.kit import KitContext
from tests.lab.engine.test_campaigning import STOP, Seeker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.plan import Plan

WAYS = (
    ev.FidelitySpec(name="quick", cost=1.0, settings={"readings": 1.0, "dry": True}),
    ev.FidelitySpec(name="real", cost=4.0),
)


class Ways(Seeker):
    """A campaign with two fidelities."""

    def __init__(self, trials: int = 9, context: KitContext | None = None, **changes: object):
        super().__init__(context, trials, fidelities=WAYS, **changes)
        self.said = 0

    def gave(self, number: int, value: float, fidelity: str) -> None:
        self.record(
            ev.TrialProposed(
                campaign="kit-2", trial=number, factors={"x": 0.1 * number}, origin="model", fidelity=fidelity
            )
        )  # fmt: skip
        self.record(ev.TrialCompleted(campaign="kit-2", trial=number, value=value))

    def say(self, do: str, **args: Any) -> tuple[bool, str]:
        self.said += 1
        self.tell(msg.Requested(f"w{self.said}", "trial", "Ada", "a hunch", {"do": do, **args}))
        answer = self.events[-1]
        assert isinstance(answer, ev.RequestAnswered)
        return answer.accepted, answer.detail


def _proposed(*ways: str) -> msg.Proposed:
    return msg.Proposed(tuple(msg.Proposal({"x": 0.5}, "model", fidelity=way) for way in ways))


def test_a_proposal_says_how_it_is_measured_and_its_plan_is_made_for_that():
    asked: list[Mapping[str, ev.SettingValue]] = []

    class Listening(KitContext):
        def candidates(self, trial: int, settings: Mapping[str, ev.SettingValue]) -> tuple[Plan, ...]:  # fmt: skip
            asked.append(settings)
            return super().candidates(trial, settings)

    mind = Ways(context=Listening())
    mind.tell(_proposed("quick"))
    mind.settle()
    trial = mind.campaign.trials[1]
    assert trial.fidelity == "quick"
    assert trial.settings == {"x": 0.5, "readings": 1.0, "dry": True}
    assert asked[-1] == trial.settings
    assert trial.run
    assert [record.fidelity for record in history_of(mind.campaign, mind.state)] == ["quick"]


def test_only_trials_by_the_last_way_are_the_best():
    mind = Ways()
    mind.gave(1, 9.0, "quick")
    assert mind.campaign.best() is None
    assert not mind.campaign.measured
    mind.gave(2, 3.0, "real")
    best = mind.campaign.best()
    assert best is not None
    assert best.number == 2
    assert [trial.number for trial in mind.campaign.front()] == [2]


@pytest.mark.parametrize(
    ("budget", "ways", "taken"),
    [
        (None, ("real", "real", "real"), 3),
        (8.0, ("real", "real", "real"), 2),
        (7.0, ("quick", "real", "quick", "quick", "quick"), 4),
        (4.0, ("quick", "real"), 1),
        (4.0, ("real", "quick"), 1),
    ],
)
def test_no_more_is_taken_than_the_budget_pays_for(budget: float | None, ways: tuple[str, ...], taken: int):  # fmt: skip
    mind = Ways(cost_budget=budget)
    assert len(record_proposals(mind.state, _proposed(*ways))) == taken


def test_a_campaign_ends_when_no_trial_that_counts_can_be_paid():
    mind = Ways(cost_budget=8.5)
    mind.gave(1, 2.0, "real")
    assert not mind.campaign.enough
    assert mind.campaign.cost_left == 4.5
    mind.gave(2, 1.0, "quick")
    assert mind.campaign.enough
    mind.settle()
    assert mind.campaign.status == "completed"
    assert mind.campaign.reason == "the budget is used up"
    assert mind.campaign.best_trial == 1


def test_a_campaign_without_a_trial_that_counts_has_failed():
    mind = Ways(trials=1)
    mind.gave(1, 9.0, "quick")
    mind.settle()
    assert mind.campaign.status == "failed"
    assert mind.campaign.reason == "no trial by real, which counts, has given a value"
    assert mind.campaign.best_trial is None


@pytest.mark.parametrize(("last", "enough"), [("real", True), ("quick", False)])
def test_the_stopping_rule_counts_trials_by_the_last_way_alone(last: str, enough: bool):
    mind = Ways(stop=STOP)
    mind.gave(1, 1.0, "real")
    mind.gave(2, 2.0, "real")
    mind.gave(3, 3.0, last)
    near = msg.Nearness(2, 0.95, 0.1)
    told = msg.Proposed((msg.Proposal({"x": 0.5}, "model", fidelity="real", nearness=near),))
    judged = record_proposals(mind.state, told)[0]
    assert isinstance(judged, ev.StoppingJudged)
    assert judged.enough is enough


def test_a_trial_of_a_person_is_a_real_one_unless_they_say_otherwise():
    mind = Ways()
    assert mind.say("pin", factors={"x": 0.2}) == (True, "it is trial 1")
    assert mind.say("pin", factors={"x": 0.3}, fidelity="quick") == (True, "it is trial 2")
    assert [trial.fidelity for trial in mind.campaign.trials.values()] == ["real", "quick"]
    accepted, words = mind.say("pin", factors={"x": 0.4}, fidelity="slow")
    assert not accepted
    assert words == "slow is no fidelity; there are quick, real"


def test_results_from_elsewhere_are_of_the_way_that_is_named():
    mind = Ways()
    objective = mind.campaign.spec.objective
    row = {"factors": {"x": 0.2}, "values": {objective.result: f"2 {objective.unit}"}}
    assert mind.say("add", results=[row])[0]
    assert mind.say("add", results=[row], fidelity="quick")[0]
    assert not mind.say("add", results=[row], fidelity="quick")[0], "the same once more"
    assert not mind.say("add", results=[row], fidelity="slow")[0]
    assert [item.fidelity for item in mind.campaign.outside] == ["real", "quick"]
    plain = Seeker()
    plain.tell(
        msg.Requested("r1", "trial", "Ada", "why", {"do": "add", "results": [row], "fidelity": "quick"})
    )  # fmt: skip
    answer = plain.events[-1]
    assert isinstance(answer, ev.RequestAnswered)
    assert answer.detail == "fidelity quick: this campaign has one way to measure"


def test_a_change_of_factors_leaves_the_way_as_it_is():
    mind = Ways(approval=True)
    mind.tell(_proposed("quick"))
    mind.settle()
    assert mind.say("edit", trial=1, factors={"x": 0.7})[0]
    trial = mind.campaign.trials[1]
    assert trial.settings == {"x": 0.7, "readings": 1.0, "dry": True}
