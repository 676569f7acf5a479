"""What people may do with proposed trials, and what is refused, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lab.domain import event as ev
from lab.engine import messages as msg
from lab.engine.simulated_people import due_people, simulated_requests
from tests.lab.engine.kit import KitContext, Mind, campaign_started, sent

if TYPE_CHECKING:
    from lab.domain.state import CampaignState, TrialState

FACTORS = (
    ev.FactorSpec(name="x", unit="mL", minimum=0, maximum=1),
    ev.FactorSpec(name="y", unit="mL", minimum=0, maximum=1),
)


class People(Mind):
    """A mind whose campaign has two factors with a constraint, and waits for approval if told so."""

    def __init__(
        self,
        *,
        approval: bool = False,
        trials: int = 3,
        parallel: int = 2,
        factors: tuple[ev.FactorSpec | ev.ChoiceSpec, ...] = FACTORS,
    ) -> None:
        super().__init__(KitContext(), trials, parallel=parallel)
        spec = campaign_started(trials, parallel).model_copy(
            update={
                "campaign": "kit-2",
                "factors": factors,
                "constraints": ("x + y <= 1.5 mL",),
                "approval": approval,
            }
        )
        self.record(
            ev.CampaignFinished(
                campaign="kit-1", state="stopped", reason="another one", best_trial=None
            )
        )
        self.record(spec)
        self.said = 0

    @property
    def campaign(self) -> CampaignState:
        return self.state.campaigns["kit-2"]

    def trial(self, number: int) -> TrialState:
        return self.campaign.trials[number]

    def suggest(self, **factors: float | str) -> list[msg.Effect]:
        self.tell(msg.Proposed((msg.Proposal({"x": 0.5, "y": 0.5, **factors}, "model"),)))
        return self.settle()

    def say(self, do: str, reason: str = "a hunch", **args: Any) -> tuple[bool, str]:
        self.said += 1
        given = {"do": do, **args}
        self.tell(msg.Requested(f"r{self.said}", "trial", "Ada", reason, given))
        answer = self.events[-1]
        assert isinstance(answer, ev.RequestAnswered)
        return answer.accepted, answer.detail


def test_a_trial_waits_for_approval_and_then_begins():
    mind = People(approval=True)
    assert sent(mind.suggest()) == []
    assert mind.pass_time(3600) == []
    assert mind.say("approve", "", trial=1) == (True, "trial 1 is approved")
    assert sent(mind.settle()) == ["dose"]
    assert mind.trial(1).approved == "Ada"


def test_without_approval_it_begins_at_once_and_can_not_be_taken_back():
    mind = People()
    assert sent(mind.suggest()) == ["dose"]
    edit: dict[str, Any] = {"factors": {"x": 0.1}}
    nothing: dict[str, Any] = {}
    for do, more in (("approve", nothing), ("reject", nothing), ("edit", edit)):
        accepted, detail = mind.say(do, **{"trial": 1, **more})
        assert not accepted
        assert "has begun: `lab abort kit-2/r001`" in detail


def test_a_rejected_trial_is_never_made_and_the_campaign_goes_on():
    mind = People(approval=True)
    mind.suggest()
    assert mind.say("reject", "no solvent", trial=1)[0]
    effects = mind.settle()
    assert sent(effects) == []
    assert any(isinstance(effect, msg.AskOptimiser) for effect in effects + mind.effects)
    assert mind.trial(1).reason == "rejected by Ada: no solvent"
    assert not mind.say("approve", trial=1)[0]


def test_an_edited_trial_is_made_as_edited_and_needs_no_other_approval():
    mind = People(approval=True)
    mind.suggest()
    assert mind.say("edit", trial=1, factors={"x": "200 uL"})[0]
    assert mind.trial(1).factors == {"x": 0.2, "y": 0.5}
    assert mind.trial(1).approved == "Ada"
    assert sent(mind.settle()) == ["dose"]


def test_a_pinned_trial_is_the_next_and_counts_as_one_of_the_budget():
    mind = People(trials=1)
    assert mind.say("pin", factors={"x": 0.25, "y": "0.75 mL"}) == (True, "it is trial 1")
    assert (mind.trial(1).origin, mind.trial(1).note) == ("person", "asked for by Ada: a hunch")
    assert sent(mind.settle()) == ["dose"]
    accepted, detail = mind.say("pin", factors={"x": 0.25, "y": 0.5})
    assert not accepted
    assert "budget is used up" in detail


def test_a_veto_refuses_what_the_optimiser_proposes_there():
    from lab.engine.proposals import unlawful

    mind = People(approval=True)
    assert mind.say("veto", "the tube leaks", condition="x > 800 uL")[0]
    proposal = msg.Proposal({"x": 0.9, "y": 0.1}, "model")
    problem = unlawful(mind.campaign.spec, (proposal,), mind.campaign.vetoes)
    assert "Ada has vetoed (x > 800 uL: the tube leaks)" in problem
    lawful = msg.Proposal({"x": 0.8, "y": 0.1}, "model")
    assert unlawful(mind.campaign.spec, (lawful,), mind.campaign.vetoes) == ""
    assert not mind.say("pin", factors={"x": 0.9, "y": 0.1})[0]


@pytest.mark.parametrize(
    ("do", "args", "words"),
    [
        ("pin", {"factors": {"x": 0.9, "y": 0.9}}, "x = 0.9, y = 0.9, which breaks x + y <= 1.5 mL"),
        ("pin", {"factors": {"x": 1.2, "y": 0.1}}, "its range is 0 to 1 mL"),
        ("pin", {"factors": {"x": 0.2}}, "no value for y"),
        ("pin", {"factors": {"x": 0.2, "z": 1}}, "z is no factor"),
        ("pin", {"factors": {"x": "0.2 g", "y": 0.1}}, "is a mass; give it in mL"),
        ("pin", {"factors": {"x": "0,2 mL", "y": 0.1}}, "x:"),
        ("pin", {"factors": {"x": True, "y": 0.1}}, "x:"),
        ("pin", {"factors": {}}, "give factors"),
        ("edit", {"trial": 1, "factors": {"x": 5}}, "refused, and not moved to fit"),
        ("reject", {"trial": 9}, "there is no trial 9; not begun: 1"),
        ("approve", {"trial": "one"}, "there is no trial one"),
        ("veto", {"condition": "x > 2 mL"}, "holds nowhere"),
        ("veto", {"condition": "x >= 0 mL"}, "holds everywhere"),
        ("veto", {"condition": "x + y"}, "is a value"),
        ("veto", {"condition": "z > 2 mL"}, "z"),
        ("veto", {"condition": "x > 2 g"}, "compares"),
        ("wish", {}, "approve, reject, edit, withdraw, pin, veto, context or add"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_words(do: str, args: dict[str, Any], words: str):
    mind = People(approval=True)
    mind.suggest()
    before = mind.campaign
    accepted, detail = mind.say(do, **args)
    assert not accepted
    assert words in detail
    assert mind.campaign == before


def test_a_reason_and_an_open_campaign_are_due():
    mind = People(approval=True)
    mind.suggest()
    assert "say why" in mind.say("reject", "  ", trial=1)[1]
    mind.record(ev.CampaignFinished(campaign="kit-2", state="stopped", reason="", best_trial=None))
    assert mind.say("approve", trial=1) == (False, "no campaign is open")


def test_trials_that_need_no_approval_are_not_approved():
    mind = People(approval=False)
    mind.record(
        ev.TrialProposed(campaign="kit-2", trial=1, factors={"x": 0.1, "y": 0.1}, origin="model")
    )
    assert "need no approval" in mind.say("approve", trial=1)[1]


def test_simulated_people_approve_what_waits():
    mind = People(approval=True)
    mind.suggest()
    [(name, due_s)] = due_people(mind.state, None).items()
    assert due_s == 0.0
    for request in simulated_requests(mind.state, name):
        mind.tell(request)
    assert mind.trial(1).approved == "simulated operator"
    assert due_people(mind.state, None) == {}


WITH_CHOICE = (*FACTORS, ev.ChoiceSpec(name="s", choices=("water", "oil")))


def test_people_choose_among_the_choices():
    mind = People(approval=True, factors=WITH_CHOICE)
    mind.suggest(s="water")
    assert mind.say("edit", trial=1, factors={"s": "oil"})[0]
    assert mind.trial(1).factors == {"x": 0.5, "y": 0.5, "s": "oil"}
    for value in ("wine", 1, "1 mL", True):
        accepted, detail = mind.say("pin", factors={"x": 0.1, "y": 0.1, "s": value})
        assert not accepted
        assert "none of its choices (water, oil)" in detail
    assert mind.say("pin", factors={"x": 0.1, "y": 0.1, "s": "water"})[0]


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("s == 'oil'", ""),
        ("s == 'oil' and x > 0.5 mL", ""),
        ("s == 'wine'", "holds nowhere"),
        ("s == 'oil' or s == 'water'", "holds everywhere"),
        ("s > 1 mL", "compares a text"),
    ],
)
def test_a_veto_may_name_choices(condition: str, words: str):
    mind = People(factors=WITH_CHOICE)
    accepted, detail = mind.say("veto", condition=condition)
    assert accepted == (not words), detail
    assert words in detail
