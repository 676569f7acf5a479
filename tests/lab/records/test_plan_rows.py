"""Rows of plans and of longest times in danger: what was followed, what was dropped and why, in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from lab.cli.run_text import run_lines
from lab.domain import event as ev
from lab.domain.ids import run_id, run_number
from lab.records.facts_plans import PlanFacts
from lab.records.reader import open_records
from tests.lab.engine.test_holds import in_the_hold, to_the_wake
from tests.support.plays import RUN, keep_records, picked
from tests.support.sample_journal import CAMPAIGN, START, UNTIL_S, SampleLab

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOLD = ev.HoldJudged(
    campaign=CAMPAIGN,
    run=run_id(CAMPAIGN, 7),
    window="fresh",
    first="transfer",
    second="measure",
    state="endangered",
    by_s=40.0,
    reason="the plan takes 40 s too long from transfer to measure",
)
JUDGED = ev.PlanJudged(
    campaign=CAMPAIGN,
    plan=3,
    source="solver",
    adopted=False,
    reason="it is no better by now",
    gain_s=-2.0,
    makespan_gain_s=0.0,
)


def timeline(reason: str = "improved", **more: object) -> ev.TimelinePlanned:
    return ev.TimelinePlanned.model_validate(
        {"campaign": CAMPAIGN, "origin": START, "reason": reason, "slots": (), **more}
    )


@pytest.fixture
def sample(tmp_path: Path) -> Iterator[SampleLab]:
    lab = SampleLab(tmp_path / "lab.db")
    yield lab
    lab.close()


def facts_of(*events: ev.Event) -> PlanFacts:
    facts = PlanFacts()
    for seq, event in enumerate(events, 1):
        facts.apply(ev.Recorded(seq=seq, epoch=1, at=START, event=event))
    return facts


def test_every_timeline_has_a_row_and_one_that_was_dropped_says_why(sample: SampleLab) -> None:
    with open_records(sample.path) as records:
        before = records.plans()
        assert len(before) == 6  # one for each trial that was proposed
        assert {
            picked(row, "followed", "source", "gain_s", "holds_not_kept") for row in before
        } == {(True, "reservation", None, 0)}
        [recorded] = sample.add(JUDGED)
        *same, dropped = records.plans()
    assert same == before
    assert picked(dropped, "followed", "source", "reason", "gain_s", "holds_not_kept") == (
        False,
        "solver",
        "it is no better by now",
        -2.0,
        None,
    )
    assert dropped["seq"] == recorded.seq
    assert dropped["at"] == START + timedelta(seconds=UNTIL_S)


def test_one_that_was_adopted_is_one_row_with_its_gain() -> None:
    taken = JUDGED.model_copy(
        update={"adopted": True, "reason": "", "gain_s": 90.0, "makespan_gain_s": 30.0}
    )
    limit = ev.BrokenLimit(run=HOLD.run, window="fresh", by_s=40.0)
    facts = facts_of(taken, timeline(source="solver", broken=(limit,)), timeline("replanned"))
    first, second = facts.plans
    assert (first.seq, first.followed, first.source, first.reason) == (
        2,
        True,
        "solver",
        "improved",
    )
    assert (first.gain_s, first.makespan_gain_s, first.holds_not_kept) == (90.0, 30.0, 1)
    # The gain is not given twice.
    assert (second.gain_s, second.makespan_gain_s, second.holds_not_kept) == (None, None, 0)


def test_a_verdict_on_one_campaign_says_nothing_of_another() -> None:
    taken = JUDGED.model_copy(update={"adopted": True, "campaign": "other"})
    [fact] = facts_of(taken, timeline()).plans
    assert fact.gain_s is None


def test_plans_of_one_campaign_alone(sample: SampleLab) -> None:
    sample.add(JUDGED)
    with open_records(sample.path) as records:
        assert records.plans(CAMPAIGN) == records.plans()
        assert records.plans("none") == []
        assert records.plans("none").columns == records.plans().columns


def test_a_danger_is_told_also_of_a_sample_that_has_not_begun(sample: SampleLab) -> None:
    due = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    sample.add(HOLD, HOLD.model_copy(update={"away": ("probe_1", "hotplate_1"), "until": due}))
    with open_records(sample.path) as records:
        assert run_id(CAMPAIGN, 7) not in records.state().runs
        first, second = records.holds(run_id(CAMPAIGN, 7))
        assert records.holds(run_id(CAMPAIGN, 1)) == []
        assert records.tables()["holds"] == records.holds()
    assert picked(first, "campaign", "trial", "window", "first", "second", "status", "by_s") == (
        CAMPAIGN,
        7,
        "fresh",
        "transfer",
        "measure",
        "endangered",
        40.0,
    )
    assert picked(first, "away", "due_at") == ("", None)
    assert picked(second, "away", "due_at") == ("probe_1 | hotplate_1", due)


def test_a_real_danger_is_kept_from_the_first_word_to_the_last(tmp_path: Path) -> None:
    mind = in_the_hold("wait")
    to_the_wake(mind)
    keep_records(f"sqlite:///{tmp_path / 'lab.db'}", mind.records)
    with open_records(tmp_path / "lab.db") as records:
        rows = records.holds(RUN)
        lines = run_lines(records.tables(RUN))
    assert [row["status"] for row in rows] == ["endangered", "hopeless"]
    assert rows[0]["away"] == "balance"
    assert "longest times in danger" in lines
    assert "  00:00:05  fresh (dose to weigh) endangered: balance is fault (no response)" in lines


def test_a_run_without_danger_has_no_heading(tmp_path: Path) -> None:
    mind = in_the_hold("wait")
    calm = [r for r in mind.records if not isinstance(r.event, ev.HoldJudged)]
    keep_records(f"sqlite:///{tmp_path / 'lab.db'}", calm)
    with open_records(tmp_path / "lab.db") as records:
        assert "longest times in danger" not in run_lines(records.tables(RUN))


@pytest.mark.parametrize("number", [1, 7, 999, 1000, 12345])
def test_the_number_of_a_run_is_in_its_id(number: int) -> None:
    assert run_number(run_id("a/rather-odd/r1", number)) == number


@pytest.mark.parametrize("text", ["", "x", "a/r", "a/rx1", "a/r-1", "a/r²"])
def test_what_is_no_run_has_no_number(text: str) -> None:
    assert run_number(text) == 0
