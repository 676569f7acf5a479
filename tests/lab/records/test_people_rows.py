"""What people were asked, answered and signed, in the tables."""

from __future__ import annotations

import json

import pytest

from lab.domain import event as ev
from lab.engine import messages as msg
from lab.records.journal import Journal
from lab.records.reader import open_records
from tests.golden.plays import manual, timed
from tests.lab.engine.stage import Says, Script, Stage
from tests.support.plays import RUN, asked_of_a_person, keep_records, picked, second


def test_a_task_tells_who_did_it_when_and_who_saw_it(opened) -> None:
    with opened("manual_with_witness") as records:
        [task] = records.tasks(RUN)
        assert picked(task, "step", "prompt", "sign", "status", "attempt", "timeout_s") == (
            "read",
            "Read the pH meter",
            "witness",
            "done",
            1,
            300.0,
        )
        assert picked(task, "answered_by", "witnessed_by", "simulated") == ("Ada", "Bob", False)
        assert [second(task, f"{what}_at") for what in ("asked", "answered", "witnessed")] == [
            11.0,
            41.0,
            101.0,
        ]
        assert json.loads(str(task["answers"])) == {"ph": 6.8, "clear": True}
        answers = {str(row["field"]): row for row in records.answers(RUN)}
        assert picked(answers["ph"], "kind", "value", "text", "answered_by") == (
            "quantity",
            6.8,
            None,
            "Ada",
        )
        assert picked(answers["clear"], "value", "text", "witnessed_by") == (None, "yes", "Bob")
        assert picked(answers["note"], "value", "text") == (None, None)
        [seen] = [row for row in records.observations(RUN) if row["name"] == "ph"]
        assert picked(seen, "device", "value", "command", "simulated") == (
            "operator",
            6.8,
            task["task"],
            False,
        )
        assert records.steps(RUN)[1]["attempts"] == 1


def test_a_task_that_failed_and_one_that_was_done_are_two_rows(opened) -> None:
    with opened("manual_unanswered_then_flagged") as records:
        first, again = records.tasks(RUN)
        assert picked(first, "status", "reason", "answers") == (
            "failed",
            "the meter is not calibrated",
            "{}",
        )
        assert picked(again, "status", "attempt", "witnessed_by") == ("done", 2, "")
        assert {row["task"] for row in records.answers(RUN)} == {again["task"]}
        [flag] = records.flags(RUN)
        assert picked(flag, "step", "flag") == ("read", "check")
        assert "too basic" in str(flag["reason"])


def test_a_task_that_nobody_did_is_in_it(opened) -> None:
    with opened("manual_nobody_there") as records:
        assert [row["status"] for row in records.tasks(RUN)] == ["unanswered", "unanswered"]
        assert records.answers(RUN) == []
        assert "nobody answered in time" in str(records.runs()[0]["reason"])


def test_an_open_task_waits_for_the_performer_and_then_for_the_witness(url: str) -> None:
    mind = asked_of_a_person()
    [task] = mind.state.tasks
    asked = len(mind.records)
    mind.tell(msg.Requested("a", "answer", "Ada", "", {"question": task, "answers": {"ph": 7, "clear": True}}))  # fmt: skip
    keep_records(url, mind.records[:asked])
    with open_records(url) as records:
        assert records.tasks(RUN)[0]["status"] == "open"
        assert records.answers(RUN) == []
        journal = Journal(url)
        journal.append([(record.event, record.at) for record in mind.records[asked:]])
        journal.close()
        [row] = records.tasks(RUN)
        assert picked(row, "status", "answered_by", "witnessed_at") == ("unwitnessed", "Ada", None)
        assert {row["witnessed_by"] for row in records.answers(RUN)} == {""}


def test_an_answer_that_nobody_witnessed_in_time_does_not_count_as_done(opened) -> None:
    said = {"read": (Says("Ada", answers={"ph": 7, "clear": True}),)}
    script = Script({"weigh": ({"mass": 1.0},)}, says=said)
    with opened(Stage(manual(), script).play().mind.records) as records:
        assert [row["status"] for row in records.tasks(RUN)] == ["not_witnessed", "unanswered"]
        assert records.steps(RUN)[1]["errors"].startswith("nobody witnessed it in time")


@pytest.mark.parametrize(
    ("play", "row", "ending"),
    [
        ("hold_retry", ("hold", "stir", "answered", "retry", "Ada", ""), "succeeded"),
        ("hold_skip", ("hold", "stir", "answered", "skip", "Ada", "stirred by hand"), "succeeded"),
        ("hold_abort", ("hold", "stir", "answered", "abort", "Ada", ""), "failed"),
        ("limit_hold", ("limit", "weigh", "answered", "continue", "Ada", ""), "succeeded"),
    ],
)
def test_a_hold_tells_what_was_decided_and_by_whom(play, row, ending, opened) -> None:
    with opened(play) as records:
        [question] = records.questions(RUN)
        assert picked(question, "kind", "step", "status", "answer", "answered_by", "reason") == row
        assert second(question, "answered_at") == second(question, "asked_at") + 30
        assert records.runs()[0]["status"] == ending


def test_a_question_about_a_command_names_its_step_and_ends_with_the_devices_word(url: str) -> None:
    mind = Stage(timed(), Script()).mind
    mind.settle()
    mind.propose()
    [entry] = mind.state.open_commands()
    asked = ev.QuestionAsked(
        question="q-1", command=entry.command.id, run=RUN, text="Done?", choices=("done",)
    )
    mind.record(asked)
    keep_records(url, mind.records)
    with open_records(url) as records:
        [row] = records.questions()
        assert picked(row, "kind", "step", "status") == ("outcome", "dose", "open")
        before = len(mind.records)
        mind.end(entry.command.id)
        journal = Journal(url)
        journal.append([(record.event, record.at) for record in mind.records[before:]])
        journal.close()
        assert picked(records.questions()[0], "status", "answered_by") == ("withdrawn", "")


def test_skipping_by_word_gives_the_step_its_reason(opened) -> None:
    with opened("hold_skip") as records:
        [skipped] = [row for row in records.steps(RUN) if row["status"] == "skipped"]
        assert skipped["step"] == "stir"
        assert str(skipped["reason"]).endswith("skipped by Ada: stirred by hand")
        assert [row["flag"] for row in records.flags(RUN)] == ["skipped"]
        assert records.runs()[0]["flags"] == 1


def test_what_people_were_asked_to_do_for_the_laboratory_belongs_to_no_run(url: str) -> None:
    mind = Stage(timed(), Script()).mind
    mind.settle()
    mind.record(
        ev.QuestionAsked(
            question="s-1",
            command="",
            run="",
            text="Please refill water",
            choices=("done", "could_not"),
            service="stock water",
        )
    )
    mind.record(
        ev.QuestionAnswered(question="s-1", answer="could_not", actor="Ada", reason="no water")
    )
    keep_records(url, mind.records)
    with open_records(url) as records:
        [row] = records.questions()
        assert picked(row, "kind", "run", "step", "service") == ("service", "", "", "stock water")
        assert picked(row, "answer", "answered_by", "reason") == ("could_not", "Ada", "no water")
        assert row["simulated"] is False
        assert row["trial"] is None
        assert records.questions(RUN) == []
