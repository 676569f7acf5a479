"""Factors that nobody chooses: no trial is proposed before their values are known, and each tells for which it was made."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.cli.event_text import event_text
from lab.cli.status_text import lab_lines
from lab.control.status import status_document
from lab.domain import event as ev
from lab.domain.errors import EmptySpaceError
from lab.engine import messages as msg
from lab.engine.proposals import refused
from lab.engine.surroundings import context_signals
from tests.lab.engine.kit import START, Mind, campaign_started

if TYPE_CHECKING:
    from lab.domain.state import CampaignState

LIVE = ev.ContextSpec(device="balance", signal="temperature", unit="K", max_age_s=15.0)
X = ev.FactorSpec(name="x", unit="mL", minimum=0, maximum=1)
NAME = "kit-2"


def room(rule: ev.ContextSpec) -> ev.FactorSpec:
    return ev.FactorSpec(name="room", unit="degC", minimum=15, maximum=30, context=rule)


class Surrounded(Mind):
    """A mind whose campaign has a factor that nobody chooses."""

    def __init__(self, *more: ev.FactorSpec | ev.ChoiceSpec, **changes: Any) -> None:
        super().__init__(trials=4)
        self.record(ev.CampaignFinished(campaign="kit-1", state="stopped", reason="another one"))
        spec = campaign_started(4)
        update: dict[str, Any] = {"campaign": NAME, "factors": (X, *more), **changes}
        self.record(spec.model_copy(update=update))
        self.said = 0

    @property
    def campaign(self) -> CampaignState:
        return self.state.campaigns[NAME]

    def asks(self) -> int:
        """So many trials are asked for now."""
        return sum(e.count for e in self.settle() if isinstance(e, msg.AskOptimiser))

    def feel(self, kelvin: float, late_s: float = 0.0) -> None:
        told_s = self.now.timestamp() - late_s
        self.tell(msg.Signal("balance", "temperature", "K", kelvin, "b1", told_s, late_s))

    def say(self, do: str = "context", reason: str = "", **factors: Any) -> str:
        """The answer; "" in place of an acceptance."""
        self.said += 1
        args: dict[str, Any] = {"do": do, "factors": factors}
        self.tell(msg.Requested(f"r{self.said}", "trial", "Ada", reason, args))
        answer = self.state.requests[f"r{self.said}"]
        return "" if answer.accepted else answer.detail

    def answer(self, **factors: float | str) -> None:
        self.tell(msg.Proposed((msg.Proposal({"x": 0.5, **factors}, "model"),)))

    def awaited(self) -> list[tuple[str, str]]:
        return [(e.problem, e.detail) for e in self.events if isinstance(e, ev.ContextAwaited)]

    def told(self) -> list[ev.ContextValue]:
        return [event.told for event in self.events if isinstance(event, ev.ContextTold)]

    def status(self) -> str:
        return "\n".join(lab_lines(status_document(self.state, self.now)))


def test_a_signal_is_recorded_in_the_factors_unit_before_the_optimiser_is_asked() -> None:
    mind = Surrounded(room(LIVE))
    assert context_signals(mind.state) == {("balance", "temperature")}
    assert mind.asks() == 0
    assert mind.awaited() == [("missing", "nothing has been heard of temperature of balance")]
    assert "NOTHING IS PROPOSED" in mind.status()
    assert "nothing has been heard of temperature of balance" in mind.status()
    mind.feel(295.15, late_s=3.0)
    assert mind.asks() == 1
    [told] = mind.told()
    assert told.value == pytest.approx(22.0)
    assert (told.source, told.actor) == ("temperature of balance", "")
    assert told.at == START - timedelta(seconds=3)
    assert mind.campaign.awaited is None
    assert "NOTHING IS PROPOSED" not in mind.status()
    mind.answer(room=told.value)
    assert mind.campaign.trials[1].context == {"room": told}
    assert "room is 22 degC, by temperature of balance" in mind.status()


def test_an_old_value_is_none_and_is_waited_for_once() -> None:
    mind = Surrounded(room(LIVE))
    mind.feel(295.15)
    mind.now += timedelta(seconds=16)
    assert mind.asks() == 0
    mind.feel(295.15, late_s=20.0)
    assert mind.asks() == 0, "one that was long under way is old too"
    assert [problem for problem, _ in mind.awaited()] == ["stale"]
    assert "more than 15 s ago" in mind.awaited()[0][1]
    mind.feel(295.65)
    assert mind.asks() == 1


@pytest.mark.parametrize("kelvin", [310.0, 280.0])
def test_beyond_the_range_nothing_is_proposed_and_nothing_clipped(kelvin: float) -> None:
    mind = Surrounded(room(LIVE))
    mind.feel(kelvin)
    assert mind.asks() == 0
    mind.feel(kelvin + 0.1)
    assert mind.asks() == 0
    [(problem, detail)] = mind.awaited()
    assert problem == "outside"
    assert "its range is 15 to 30 degC" in detail
    assert mind.told() == []
    mind.feel(293.15)
    assert mind.asks() == 1


def test_what_is_no_number_is_no_value() -> None:
    mind = Surrounded(room(LIVE))
    mind.feel(math.nan)
    assert mind.asks() == 0
    assert mind.awaited()[0][0] == "missing"


def test_a_new_engine_believes_no_old_signal() -> None:
    mind = Surrounded(room(LIVE))
    mind.feel(295.15)
    assert mind.asks() == 1
    mind.restart()
    assert mind.asks() == 0
    assert mind.awaited()[0][0] == "missing"


def test_people_tell_it_and_it_holds_for_what_comes() -> None:
    mind = Surrounded(room(ev.ContextSpec()))
    assert mind.asks() == 0
    assert mind.awaited() == [("missing", "nobody has told what room is")]
    assert "lab trial context --set room=... --who NAME" in mind.status()
    assert mind.say(room="295.15 K", reason="thermometer at the window") == ""
    assert mind.asks() == 1
    told = mind.campaign.context["room"]
    assert (told.value, told.actor, told.reason) == (22.0, "Ada", "thermometer at the window")
    assert told.at == START
    mind.answer(room=22.0)
    assert mind.say(room=25) == ""
    mind.settle()
    assert mind.campaign.trials[1].factors["room"] == 22.0
    mind.answer(room=25.0)
    assert mind.campaign.trials[2].context["room"].value == 25.0
    assert "by Ada at 2026-01-01" in mind.status()


def test_the_files_value_holds_until_people_tell_another() -> None:
    mind = Surrounded(room(ev.ContextSpec(value=21.0)))
    assert mind.campaign.context["room"].source == "the campaign's file"
    assert mind.campaign.context["room"].at == START
    assert mind.asks() == 1
    assert mind.told() == []


def test_what_people_told_may_grow_old_too() -> None:
    mind = Surrounded(room(ev.ContextSpec(value=21.0, max_age_s=3600.0)))
    mind.now += timedelta(hours=2)
    assert mind.asks() == 0
    assert mind.awaited() == [("stale", "room was last told more than 3600 s ago")]
    assert mind.say(room=21.0) == ""
    assert mind.asks() == 1


def test_what_was_thought_out_for_another_value_is_dropped_and_asked_for_anew() -> None:
    mind = Surrounded(room(ev.ContextSpec(value=21.0)))
    assert mind.asks() == 1
    assert mind.say(room=24.0) == ""
    mind.answer(room=21.0)
    assert mind.campaign.trials == {}
    assert mind.asks() == 1
    mind.answer(room=24.0)
    assert list(mind.campaign.trials) == [1]


def test_an_optimiser_that_chooses_it_is_refused() -> None:
    mind = Surrounded(room(ev.ContextSpec(value=0.5 + 20)))
    wrong = msg.Proposal({"x": 0.5, "room": 22.0}, "model")
    assert (
        refused(mind.campaign, (wrong,))
        == "it proposed other values than room = 20.5, which nobody chooses"
    )
    assert refused(mind.campaign, (msg.Proposal({"x": 0.5, "room": 20.5}, "model"),)) == ""
    assert "its range" in refused(mind.campaign, (msg.Proposal({"x": 5, "room": 20.5}, "model"),))


@pytest.mark.parametrize(
    ("rule", "factors", "words"),
    [
        (LIVE, {"room": 20.0}, "is told by temperature of balance, and by nobody else"),
        (ev.ContextSpec(), {"room": 31.0}, "its range is 15 to 30 degC"),
        (ev.ContextSpec(), {"room": "20 mL"}, "give it in degC"),
        (ev.ContextSpec(), {"x": 0.5}, "x is chosen by the optimiser"),
        (ev.ContextSpec(), {"mood": 1.0}, "mood is no factor"),
        (ev.ContextSpec(), {}, "give factors with their values"),
    ],
)
def test_what_can_not_be_is_not_taken_from_people(
    rule: ev.ContextSpec, factors: dict[str, Any], words: str
) -> None:
    mind = Surrounded(room(rule))
    assert words in mind.say(**factors)
    assert mind.told() == []


def test_a_lot_is_one_of_its_names() -> None:
    lot = ev.ChoiceSpec(name="lot", choices=("a", "b"), context=ev.ContextSpec())
    mind = Surrounded(lot)
    assert mind.asks() == 0
    assert "none of its choices" in mind.say(lot="c")
    assert mind.say(lot="b") == ""
    assert mind.asks() == 1
    mind.answer(lot="b")
    assert mind.campaign.trials[1].factors["lot"] == "b"


def test_all_of_several_are_waited_for() -> None:
    other = room(ev.ContextSpec()).model_copy(update={"name": "door"})
    mind = Surrounded(room(LIVE), other)
    mind.feel(295.15)
    assert mind.asks() == 0
    assert [detail for _, detail in mind.awaited()] == ["nobody has told what door is"]
    assert mind.say(door=20) == ""
    assert mind.asks() == 1


def test_a_constraint_that_no_trial_can_keep_with_it_is_waited_out() -> None:
    tied = (
        "x >= 0.5 mL or room <= 20 degC",
        "x <= 0.4 mL or room <= 25 degC",
        "room * x >= 0 degC * mL",
    )
    mind = Surrounded(room(ev.ContextSpec(value=21.0)), constraints=tied[:2])
    assert mind.asks() == 1
    mind = Surrounded(
        room(ev.ContextSpec(value=21.0)), constraints=("x + 2 mL >= 4 mL or room < 20 degC",)
    )
    assert mind.asks() == 0
    [(problem, detail)] = mind.awaited()
    assert problem == "forbidden"
    assert detail == "no trial keeps x + 2 mL >= 4 mL or room < 20 degC with room = 21"
    assert mind.say(room=19) == ""
    assert mind.asks() == 1


def test_what_the_optimiser_finds_no_trial_for_waits_for_another_value() -> None:
    mind = Surrounded(room(LIVE))
    mind.feel(295.15)
    assert mind.asks() == 1
    empty = msg.Proposed.none(EmptySpaceError("the space is empty, with room held at 22"))
    mind.tell(empty)
    assert mind.asks() == 0
    assert mind.awaited() == [("forbidden", "the space is empty, with room held at 22")]
    mind.now += timedelta(seconds=5)
    mind.feel(295.15)
    assert mind.asks() == 0, "it is as it was"
    mind.feel(294.15)
    assert mind.asks() == 1
    mind.tell(empty)
    assert mind.asks() == 0
    assert len(mind.awaited()) == 2


def test_other_errors_of_the_optimiser_end_a_campaign_as_ever() -> None:
    mind = Surrounded(room(ev.ContextSpec(value=21.0)))
    mind.tell(msg.Proposed.none(ValueError("a fault")))
    assert (mind.campaign.status, mind.awaited()) == ("failed", [])
    assert "ValueError: a fault" in mind.campaign.reason
    mind = Surrounded()
    mind.tell(msg.Proposed.none(EmptySpaceError("the space is empty")))
    assert mind.campaign.status == "failed"


def test_a_veto_of_what_it_is_holds_proposals() -> None:
    mind = Surrounded(room(ev.ContextSpec(value=28.0)))
    args: dict[str, Any] = {"do": "veto", "condition": "room > 27 degC"}
    mind.tell(msg.Requested("v", "trial", "Ada", "too hot to work", args))
    assert mind.asks() == 0
    assert "room > 27 degC" in mind.awaited()[0][1]
    assert mind.say(room=26.0) == ""
    assert mind.asks() == 1


def test_a_trial_that_a_person_asks_for_is_made_with_what_people_told() -> None:
    mind = Surrounded(room(ev.ContextSpec(value=21.0)))
    assert mind.say("pin", "curious", x=0.25) == ""
    assert mind.campaign.trials[1].factors == {"x": 0.25, "room": 21.0}
    assert mind.campaign.trials[1].context["room"].source == "the campaign's file"
    assert mind.say("pin", "curious", x=0.25, room=23.0) == ""
    assert mind.campaign.trials[2].factors["room"] == 23.0
    assert mind.campaign.trials[2].context == {}


@pytest.mark.parametrize("rule", [LIVE, ev.ContextSpec(value=21.0, max_age_s=60.0)])
def test_but_not_with_what_may_have_changed(rule: ev.ContextSpec) -> None:
    mind = Surrounded(room(rule))
    mind.feel(295.15)
    mind.settle()
    assert mind.say("pin", "curious", x=0.25) == "no value for room"
    assert mind.say("pin", "curious", x=0.25, room=22.0) == ""


def test_who_edits_it_is_its_source_from_then_on() -> None:
    mind = Surrounded(room(ev.ContextSpec(value=21.0)), approval=True)
    mind.asks()
    mind.answer(room=21.0)
    args: dict[str, Any] = {"do": "edit", "trial": 1, "factors": {"room": 22.0}}
    mind.tell(msg.Requested("e", "trial", "Ada", "it was warmer", args))
    assert mind.campaign.trials[1].factors["room"] == 22.0
    assert mind.campaign.trials[1].context == {}


def test_it_is_told_in_words_to_those_who_watch() -> None:
    mind = Surrounded(room(ev.ContextSpec()))
    mind.asks()
    mind.say(room=22.25, reason="by the window")
    texts = [event_text(event) for event in mind.events]
    assert "kit-2 proposes nothing: nobody has told what room is" in texts
    assert "kit-2 room is 22.25, by Ada (by the window)" in texts


def test_without_such_factors_nothing_is_waited_for_or_told() -> None:
    mind = Surrounded()
    assert mind.asks() == 1
    mind.answer()
    assert mind.campaign.trials[1].context == {}
    assert context_signals(mind.state) == set()
    [proposed] = [event for event in mind.events if isinstance(event, ev.TrialProposed)]
    assert "context" not in proposed.model_dump_json()
