"""Results of several kinds, the stopping rule, and how a campaign ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.domain import event as ev
from lab.domain.plan import ResultSpec
from lab.engine import messages as msg
from lab.engine.campaigning import end_campaign, record_proposals
from lab.optimize.recorded import first_outcome, history_of
from tests.lab.engine.kit import (
    KitContext,
    Mind,
    campaign_started,
    command_of,
    formula,
    plan_of,
    step,
)

if TYPE_CHECKING:
    from lab.domain.plan import Plan
    from lab.engine.context import Outputs

STOP = ev.StopSpec(within=0.5, probability=0.9, trials=3)


class Seeker(Mind):
    """A mind whose campaign is another one than the kit's."""

    def __init__(self, context: KitContext | None = None, trials: int = 5, **changes: object):
        super().__init__(context, trials)
        finished = ev.CampaignFinished(
            campaign="kit-1", state="stopped", reason="another", best_trial=None
        )
        self.record(finished)
        spec = campaign_started(trials).model_copy(update={"campaign": "kit-2", **changes})
        self.record(spec)

    @property
    def campaign(self):
        return self.state.campaigns["kit-2"]

    def done(self, number: int, value: float, **outcomes: float) -> None:
        self.record(
            ev.TrialProposed(campaign="kit-2", trial=number, factors={"x": 0.1}, origin="model")
        )
        self.record(
            ev.TrialCompleted(campaign="kit-2", trial=number, value=value, outcomes=outcomes)
        )


def _near(probability: float) -> msg.Proposed:
    near = msg.Nearness(2, probability, 0.1)
    return msg.Proposed((msg.Proposal({"x": 0.5}, "model", nearness=near),))


@pytest.mark.parametrize(
    ("done", "probability", "decides", "enough"),
    [(3, 0.95, True, True), (3, 0.85, True, False), (2, 0.95, True, False), (3, 0.95, False, False)],
)  # fmt: skip
def test_the_rule_is_judged_with_each_proposal(
    done: int, probability: float, decides: bool, enough: bool
):
    mind = Seeker(stop=STOP.model_copy(update={"decides": decides}))
    for number in range(1, done + 1):
        mind.done(number, float(number))
    facts = record_proposals(mind.state, _near(probability))
    judged = facts[0]
    assert isinstance(judged, ev.StoppingJudged)
    assert judged.enough is enough
    assert judged.probability == probability
    assert [fact.kind for fact in facts[1:]] == ([] if enough else ["trial_proposed"])


def test_a_campaign_that_is_near_enough_ends_with_its_reason_and_asks_no_more():
    mind = Seeker(stop=STOP)
    for number in (1, 2, 3):
        mind.done(number, float(number))
    mind.tell(_near(0.95))
    assert not any(isinstance(effect, msg.AskOptimiser) for effect in mind.settle())
    assert mind.campaign.status == "completed"
    assert mind.campaign.reason == (
        "trial 2 is within 0.5 g of the optimum with a probability of 95%"
    )
    assert mind.campaign.best_trial == 3


def test_what_runs_is_finished_first():
    mind = Seeker(stop=STOP)
    for number in (1, 2, 3):
        mind.done(number, float(number))
    mind.record(ev.TrialProposed(campaign="kit-2", trial=4, factors={"x": 0.1}, origin="model"))
    mind.tell(_near(0.95))
    mind.settle()
    assert mind.campaign.status == "running"
    assert mind.campaign.enough


def test_without_a_rule_nothing_is_judged():
    mind = Seeker()
    [fact] = record_proposals(mind.state, _near(0.99))
    assert fact.kind == "trial_proposed"


def test_a_run_gives_all_results_that_are_sought_or_the_trial_fails():
    plan = plan_of(step("weigh", "balance", output_units={"mass": "g"}))
    limit = ev.LimitSpec(result="purity", unit="percent", minimum=90)
    mind = Seeker(KitContext(plan), limits=(limit,))
    effects = mind.propose()
    mind.end(command_of(effects), device="balance", mass=2.0)
    assert mind.campaign.trials[1].status == "failed"
    assert mind.campaign.trials[1].reason == "the run has no result 'purity'"

    mass = ev.LimitSpec(result="mass", unit="g", maximum=1.0)
    mind = Seeker(KitContext(plan), trials=1, limits=(mass,))
    effects = mind.propose()
    mind.end(command_of(effects), device="balance", mass=2.0)
    assert mind.campaign.trials[1].outcomes == {"mass": 2.0}
    assert mind.campaign.status == "completed"
    assert mind.campaign.reason == "the budget is used up; no trial has kept all limits"
    assert mind.campaign.best_trial is None


SPAN = ResultSpec(
    name="mass", unit="g", formula=formula("mass", "weigh.mass"), minimum=0.1, maximum=4.0
)


@pytest.mark.parametrize(
    ("read", "value", "side", "shown"),
    [
        (4.2, 4.0, "above", "> "), (4.0, 4.0, "above", "> "), (3.9, 3.9, None, ""),
        (0.1, 0.1, "below", "< "), (-0.3, 0.1, "below", "< "),
    ],
)  # fmt: skip
def test_beyond_the_range_the_run_keeps_what_was_read_and_the_trial_what_is_known(
    read: float, value: float, side: str | None, shown: str
):
    plan = plan_of(step("weigh", "balance", output_units={"mass": "g"}), results=(SPAN,))
    mind = Seeker(KitContext(plan))
    mind.end(command_of(mind.propose()), device="balance", mass=read)
    result = mind.state.runs["kit-2/r001"].results["mass"]
    assert (result.value, result.beyond) == (read, side)
    trial = mind.campaign.trials[1]
    assert (trial.value, trial.beyond.get("mass"), trial.mark("mass")) == (value, side, shown)
    [record] = history_of(mind.campaign, mind.state)
    assert (record.value, record.side) == (value, side)


def test_of_several_results_each_has_its_own_range():
    plan = plan_of(
        step("weigh", "balance", output_units={"mass": "g"}),
        results=(SPAN, SPAN.model_copy(update={"name": "same", "maximum": None})),
    )
    limit = ev.LimitSpec(result="same", unit="g", maximum=9)
    mind = Seeker(KitContext(plan), limits=(limit,))
    mind.end(command_of(mind.propose()), device="balance", mass=5.0)
    trial = mind.campaign.trials[1]
    assert trial.outcomes == {"mass": 4.0, "same": 5.0}
    assert trial.beyond == {"mass": "above"}
    [record] = history_of(mind.campaign, mind.state)
    assert (record.outcomes, record.sides) == ({"mass": 4.0, "same": 5.0}, {"mass": "above"})
    [one] = first_outcome(mind.campaign, mind.state)[1]
    assert (one.value, one.side, one.outcomes) == (4.0, "above", {})


def test_what_is_known_of_a_value_beyond_has_no_standard_deviation():
    class Precise(KitContext):
        def results(self, plan: Plan, outputs: Outputs) -> dict[str, ev.Value]:
            found = super().results(plan, outputs)["mass"]
            return {"mass": found.model_copy(update={"standard_deviation": 0.02})}

    plan = plan_of(step("weigh", "balance", output_units={"mass": "g"}), results=(SPAN,))
    for read, sd in ((5.0, None), (3.0, 0.02)):
        mind = Seeker(Precise(plan))
        mind.end(command_of(mind.propose()), device="balance", mass=read)
        assert mind.campaign.trials[1].standard_deviation == sd


def test_a_campaign_of_rejected_withdrawn_and_failed_trials_has_failed():
    mind = Seeker(trials=3)
    mind.done(3, 4.0)
    mind.record(ev.TrialWithdrawn(campaign="kit-2", trial=3, actor="Ada", reason="spoilt"))
    for number, event in (
        (1, ev.TrialFailed(campaign="kit-2", trial=1, reason="spilt")),
        (2, ev.TrialRejected(campaign="kit-2", trial=2, actor="Ada", reason="no solvent")),
    ):
        mind.record(
            ev.TrialProposed(campaign="kit-2", trial=number, factors={"x": 0.1}, origin="model")
        )
        mind.record(event)
    from lab.engine.look import Look

    look = Look(mind.state, mind.inflight, mind.context, mind.now.timestamp())
    [ended] = end_campaign(look).events
    assert isinstance(ended, ev.CampaignFinished)
    assert (ended.state, ended.reason) == (
        "failed",
        "every trial failed or was rejected or withdrawn",
    )
