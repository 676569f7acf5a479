"""Events on one line: in words for what belongs to a run's course, as fields for the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from lab.cli.event_text import answers_text, course_text, event_text, plan_text
from lab.cli.progress import ProgressLines
from lab.domain import event as ev
from tests.golden.plays import PLAYS
from tests.lab.engine.stage import Stage

TASK: dict[str, Any] = {"task": "t-1", "run": "a/r001", "step": "read"}
HOLD: dict[str, Any] = {
    "campaign": "a", "run": "a/r001", "window": "fresh", "first": "dose", "second": "read",
}  # fmt: skip
LIMIT = "a/r001 limit fresh (dose to read)"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ev.DecisionMade(run="a/r001", decision="more[2]", value=True, detail="'mass > 4' is true"),
         "a/r001 more[2]: 'mass > 4' is true"),
        (ev.StepsSkipped(run="a/r001", steps=("x", "y"), reason="it was decided with no"),
         "a/r001 skips x, y: it was decided with no"),
        (ev.SampleFlagged(run="a/r001", step="read", flag="check", reason="too basic"),
         "a/r001 flagged (check, step read): too basic"),
        (ev.SampleFlagged(run="a/r001", step="", flag="timing", reason="late"),
         "a/r001 flagged (timing): late"),
        (ev.TaskAnswered(**TASK, answers={"ph": 6.8, "clear": False}, actor="Ada"),
         "Ada did t-1 (a/r001): ph = 6.8, clear = no"),
        (ev.TaskAnswered(**TASK, actor="Ada"), "Ada did t-1 (a/r001)"),
        (ev.TaskAnswered(**TASK, failed=True, actor="Ada", reason="no meter"),
         "Ada could not do t-1 (a/r001): no meter"),
        (ev.TaskWitnessed(**TASK, actor="Bob"), "Bob witnessed t-1 (a/r001)"),
        (ev.TimingRecorded(run="a/r001", window="fresh", lag_s=115, less_than_s=90, slack_s=-25, kept=False),
         "a/r001 window fresh BROKEN by 25 s: it took 115 s"),
        (ev.TimingRecorded(run="a/r001", window="fresh", lag_s=80, less_than_s=90, slack_s=10, kept=True),
         "a/r001 window fresh kept: 80 s, 10 s to spare"),
        (ev.TimingRecorded(run="a/r001", window="fresh", lag_s=80, kept=True),
         "a/r001 window fresh took 80 s"),
        (ev.HoldJudged(**HOLD, state="endangered", by_s=0, reason="meter is lost", until=datetime(2026, 1, 1, 12, 4, 10, tzinfo=UTC)),
         f"{LIMIT} is in danger: meter is lost; due by 12:04:10"),
        (ev.HoldJudged(**HOLD, state="endangered", by_s=40, reason="the plan takes 40 s too long"),
         f"{LIMIT} is in danger: the plan takes 40 s too long"),
        (ev.HoldJudged(**HOLD, state="hopeless", by_s=2, reason="meter is lost"),
         f"{LIMIT} is hopeless, by 2 s: meter is lost"),
        (ev.HoldJudged(**HOLD, state="safe", by_s=0, reason=""), f"{LIMIT} is no longer in danger"),
        (ev.HoldJudged(**HOLD, state="excused", by_s=2, reason="let go on by Ada"),
         f"{LIMIT} is broken; the sample is let go on by Ada"),
        (ev.QualityRecorded(run="a/r001", name="buffer", check="standard", value=7.1, unit="", accepted=False, detail="deviation 0.1"),
         "a/r001 standard buffer not accepted: deviation 0.1"),
        (ev.QuestionAnswered(question="h-1", answer="skip", actor="Ada", reason="by hand"),
         "Ada answered h-1: skip (by hand)"),
        (ev.RunFinished(run="a/r001", outcome="succeeded"), "a/r001 succeeded"),
        (ev.RunStopping(run="a/r001", outcome="failed", reason="spilt"), "a/r001 is being ended (failed): spilt"),
    ],
)  # fmt: skip
def test_an_event_of_the_course_is_told_in_words(event: ev.Event, words: str) -> None:
    assert event_text(event) == course_text(event) == words


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ev.PlanJudged(campaign="a", plan=7, source="solver", adopted=True, gain_s=840.4, makespan_gain_s=-120.0),
         "a follows a better plan, from solver: the samples end 840 s earlier in all, by their weight; the last one 120 s later"),
        (ev.PlanJudged(campaign="a", plan=7, source="search", adopted=False, reason="it is no better by now"),
         "a drops a plan from search: it is no better by now"),
        (ev.TimelinePlanned(campaign="a", origin=datetime(2026, 1, 1, tzinfo=UTC), reason="replanned", slots=(), source="order"),
         "a replanned, from order"),
        (ev.TimelinePlanned(campaign="a", origin=datetime(2026, 1, 1, tzinfo=UTC), reason="first plan", slots=(), partial=True,
                            broken=(ev.BrokenLimit(run="a/r001", window="fresh", by_s=9),)),
         "a first plan, from reservation; limits not kept: 1; more samples get a place next"),
    ],
)  # fmt: skip
def test_plans_are_told_in_words(event: ev.Event, words: str) -> None:
    assert event_text(event) == plan_text(event) == words
    assert course_text(event) == ""


def test_progress_tells_of_plans_that_are_better_and_not_of_each(capsys) -> None:
    stage = Stage(*PLAYS["manual_with_witness"]).play()
    lines, record = ProgressLines(), stage.mind.records[-1]
    for adopted in (True, False):
        judged = ev.PlanJudged(campaign="a", plan=1, source="solver", adopted=adopted)
        lines.watch(stage.mind.state, record.model_copy(update={"event": judged}))
    assert capsys.readouterr().err.count("plan") == 1


def test_any_other_event_is_told_by_its_fields() -> None:
    event = ev.LabPaused(actor="Ada", reason="")
    assert course_text(event) == ""
    assert event_text(event) == "actor=Ada"


def test_what_devices_do_is_told_with_arguments_and_outcome() -> None:
    stage = Stage(*PLAYS["branch_taken"]).play()
    texts = [event_text(event) for event in stage.mind.events]
    assert "kit-1/r001 top_up: pump act (rate = 5.0, volume = 0.75)" in texts
    retried = Stage(*PLAYS["hold_retry"]).play()
    texts = [event_text(event) for event in retried.mind.events]
    assert "kit-1/r001 stir: balance act, try 3" in texts


def test_answers_have_their_units() -> None:
    answers = {"room": 22.5, "clear": True, "note": "a = b", "count": 3}
    units = {"room": "degC", "count": ""}
    assert answers_text(answers, units) == "room = 22.5 degC, clear = yes, note = a = b, count = 3"
    assert answers_text({}) == ""


@pytest.mark.parametrize("play", PLAYS)
def test_every_event_of_every_play_is_one_line(play: str) -> None:
    for event in Stage(*PLAYS[play]).play().mind.events:
        text = event_text(event)
        assert text
        assert "\n" not in text
        assert not text.startswith("kind=")


def test_progress_tells_people_what_they_did_and_not_each_skip(capsys) -> None:
    stage = Stage(*PLAYS["manual_with_witness"]).play()
    lines = ProgressLines()
    for record in stage.mind.records:
        lines.watch(stage.mind.state, record)
    said = capsys.readouterr().err
    assert "Ada did t-" in said
    assert "Bob witnessed t-" in said
    skipping = Stage(*PLAYS["loop_ends_early"]).play()
    for record in skipping.mind.records:
        lines.watch(skipping.mind.state, record)
    said = capsys.readouterr().err
    assert "more[2]: 'mass > 4' is true" in said
    assert "skips" not in said
