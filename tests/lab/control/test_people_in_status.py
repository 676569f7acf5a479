"""What is asked of people, as the status shows it, and what they type: the status document, its words, the verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter
from typer.testing import CliRunner

from lab.cli.main import app
from lab.cli.status_text import lab_lines
from lab.control.document import StatusDocument
from lab.control.port import Request
from lab.control.status import status_document
from lab.control.waits import run_waits
from lab.engine import messages as msg
from tests.golden.plays import branch, held, loop, timed, watched
from tests.lab.engine.kit import plan_of, step
from tests.lab.engine.stage import Script, Stage
from tests.support.plays import asked_of_a_person

if TYPE_CHECKING:
    from tests.lab.engine.kit import Mind

RUN = "kit-1/r001"
STATUS: TypeAdapter[StatusDocument] = TypeAdapter(StatusDocument)


def say(mind: Mind, verb: str, actor: str, **args: object) -> None:
    name = f"r{len(mind.state.requests)}"
    mind.tell(msg.Requested(name, verb, actor, "", args))  # pyright: ignore[reportArgumentType]
    assert mind.state.requests[name].accepted, mind.state.requests[name].detail
    mind.settle()


def document(mind: Mind) -> StatusDocument:
    return STATUS.validate_python(status_document(mind.state, mind.now))


def words(mind: Mind) -> str:
    return "\n".join(lab_lines(document(mind)))


def waits(mind: Mind) -> dict[str, tuple[str, str]]:
    found = run_waits(mind.state, mind.now.timestamp()).get(RUN, ())
    return {wait.step: (wait.kind, wait.text) for wait in found}


def test_a_task_says_what_is_asked_since_when_and_what_to_type() -> None:
    mind = asked_of_a_person()
    mind.pass_time(40)
    [task] = document(mind)["tasks"]
    assert (task["run"], task["step"], task["waits_for"]) == (RUN, "read", "performer")
    assert (task["for_s"], task["left_s"]) == (40.0, 260.0)
    assert [(f["name"], f["required"]) for f in task["fields"]] == [
        ("ph", True),
        ("clear", True),
        ("note", False),
    ]
    text = words(mind)
    assert f"TASK {task['id']}: Read the pH meter ({RUN}, read), for 40 s, 4 min 20 s left" in text
    assert "ph: a number of at least 0 and of at most 14" in text
    ph = task["fields"][0]
    assert (ph["minimum"], ph["maximum"], ph["kind"]) == (0, 14, "quantity")
    assert (task["trial"], task["title"], task["at"]) == (1, "read", [])
    typed = f"lab answer {task['id']} ph=... clear=... [note=...] --who NAME, then a witness"
    assert typed in text
    assert waits(mind) == {"read": ("person", "somebody to do it: Read the pH meter")}


def test_an_answered_task_waits_for_somebody_else() -> None:
    mind = asked_of_a_person()
    [task] = mind.state.tasks
    say(mind, "answer", "Ada", question=task, answers={"ph": 7.5, "clear": "no"})
    [shown] = document(mind)["tasks"]
    assert (shown["waits_for"], shown["answered_by"]) == ("witness", "Ada")
    assert shown["answers"] == {"ph": 7.5, "clear": False}
    text = words(mind)
    assert "Ada has done it: ph = 7.5, clear = no" in text
    assert f"lab witness {task} --who NAME" in text
    [(kind, why)] = waits(mind).values()
    assert (kind, why) == ("person", "a witness to what Ada answered: Read the pH meter")
    say(mind, "witness", "Bob", question=task)
    assert document(mind)["tasks"] == []


def test_a_held_run_shows_its_question_and_a_skipped_step_its_flag() -> None:
    mind = Stage(held(), Script({"stir": ("failed_partial",)})).play().mind
    [question] = document(mind)["questions"]
    assert (question["step"], question["command"]) == ("stir", "")
    assert f"lab answer {question['id']} retry|skip|abort --who NAME" in words(mind)
    assert waits(mind)["stir"][0] == "question"
    say(mind, "answer", "Ada", question=question["id"], answer="skip")
    [run] = document(mind)["runs"]
    assert (run["steps_succeeded"], run["steps_skipped"]) == (1, 1)
    assert "done in part only" in run["flags"][0]
    assert "1/3 steps done, 1 skipped" in words(mind)
    assert "FLAG   stir: " in words(mind)


def test_beyond_a_limit_the_whole_run_waits_for_the_answer() -> None:
    mind = Stage(watched("hold"), Script({"weigh": ({"mass": 7.0},)})).play().mind
    found = waits(mind)
    assert found.keys() == {"weigh", "dose"}
    assert all(kind == "question" for kind, _ in found.values())


def test_what_is_not_decided_or_not_due_is_told_apart() -> None:
    mind = Stage(branch(), Script()).mind
    mind.settle()
    mind.propose()
    assert waits(mind) == {}, "steps behind a branch wait for what it needs"
    resting = Stage(timed(), Script()).mind
    resting.settle()
    resting.propose()
    [dose] = resting.state.open_commands()
    resting.end(dose.command.id)
    resting.pass_time(20)
    assert waits(resting)["weigh"] == ("plan", "the rest that its time window asks for, 40 s")


def test_a_window_that_runs_tells_how_long_it_is_open_and_when_it_is_overdue() -> None:
    mind = Stage(timed(), Script()).mind
    mind.settle()
    mind.propose()
    assert document(mind)["runs"][0]["windows"] == []
    [dose] = mind.state.open_commands()
    mind.end(dose.command.id)
    mind.pass_time(20)
    [window] = document(mind)["runs"][0]["windows"]
    assert (window["window"], window["ends"]) == ("reaction", "weigh.end")
    assert (window["for_s"], window["left_s"]) == (20.0, 70.0)
    assert "window reaction closes in 1 min 10 s" in words(mind)
    mind.pass_time(80)
    assert "WINDOW reaction is overdue by 10 s" in words(mind)
    [weigh] = mind.state.open_commands()
    mind.end(weigh.command.id, device="balance", mass=1.0)
    assert not mind.state.open_runs()


def test_a_window_whose_end_was_skipped_is_not_awaited() -> None:
    plan = plan_of(
        step("dose", "pump"),
        step("stir", "balance", ("dose",), on_failure="skip"),
        step("weigh", "balance", ("stir",)),
        stations=(),
        timing=(
            {"name": "w", "from_steps": ["dose"], "from_mark": "end", "to_steps": ["stir"], "to_mark": "end",
             "less_than_s": 60},
        ),
    )  # fmt: skip
    mind = Stage(plan, Script()).mind
    mind.settle()
    mind.propose()
    mind.end(mind.state.open_commands()[0].command.id)
    assert len(document(mind)["runs"][0]["windows"]) == 1
    mind.end(mind.state.open_commands()[0].command.id, "failed_no_effect", device="balance")
    assert document(mind)["runs"][0]["windows"] == []
    assert document(mind)["runs"][0]["steps_skipped"] == 1


def test_the_latest_decisions_are_told_and_all_are_in_the_document() -> None:
    mind = Stage(loop(5), Script()).mind
    mind.settle()
    mind.propose()
    for n in range(1, 5):
        mind.end(mind.state.open_commands()[0].command.id)
        mind.end(mind.state.open_commands()[0].command.id, device="balance", mass=n / 10)
    decided = document(mind)["runs"][0]["decisions"]
    assert decided == [f"until enough (more[{n}]): no" for n in range(1, 5)]
    assert words(mind).count("decided until enough") == 3
    assert "more[1]" not in words(mind)


# -- requests ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("answer", {"question": "q-1", "answer": "done"}),
        ("answer", {"question": "t-1", "answers": {"ph": 7.0}}),
        ("answer", {"question": "t-1", "answers": {}}),
        ("answer", {"question": "t-1", "failed": True}),
        ("witness", {"question": "t-1"}),
        ("pause", {}),
    ],
)
def test_a_complete_request_is_taken(verb: str, args: dict[str, Any]) -> None:
    fields = {"id": "a", "verb": verb, "actor": "Ada", "args": args}
    assert Request.model_validate(fields).args == args


@pytest.mark.parametrize(
    ("verb", "args", "words"),
    [
        ("answer", {"question": "t-1"}, "one of `answer`"),
        ("answer", {"answers": {}}, "needs args `question`"),
        ("answer", {"question": "t-1", "answers": []}, "`answers` (field and value)"),
        ("answer", {"question": "t-1", "failed": False}, "`failed` (true)"),
        ("answer", {"question": "t-1", "answers": {}, "failed": True}, "one of"),
        ("answer", {"question": 1, "answer": "done"}, "a text"),
        ("witness", {}, "a task's id"),
        ("witness", {"question": "t-1", "answer": "yes"}, "a task's id"),
        ("stop", {"question": "t-1"}, "takes no args"),
    ],
)
def test_an_incomplete_request_is_refused(verb: str, args: dict[str, Any], words: str) -> None:
    fields = {"id": "a", "verb": verb, "actor": "Ada", "args": args}
    with pytest.raises(ValueError, match=r"args|arg ") as refused:
        Request.model_validate(fields)
    assert words in str(refused.value)


# -- the command line -------------------------------------------------------------------------------


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the verbs would ask of an engine."""
    found: list[dict[str, Any]] = []

    def note(verb, where, db, actor, reason, *, args=None, as_json=False) -> int:
        found.append(
            {"verb": verb, "where": where and str(where), "who": actor, "why": reason, "args": args}
        )
        return 0

    monkeypatch.setattr("lab.cli.asking.send_request", note)
    return found


def typed(*words: str) -> Any:
    return CliRunner().invoke(app, list(words))


@pytest.mark.parametrize(
    ("words", "args", "where"),
    [
        (("q-1", "done"), {"answer": "done"}, None),
        (("q-1", "done", "x/campaign.yaml"), {"answer": "done"}, "x/campaign.yaml"),
        (("h-1", "skip"), {"answer": "skip"}, None),
        (("t-1", "ph=7", "note=a=b c"), {"answers": {"ph": "7", "note": "a=b c"}}, None),
        (("t-1", "note=see campaign.yaml"), {"answers": {"note": "see campaign.yaml"}}, None),
        (("t-1",), {"answers": {}}, None),
        (("t-1", "failed"), {"failed": True}, None),
    ],
)
def test_an_answer_is_typed_as_a_choice_or_as_fields(
    sent: list[dict[str, Any]], words: tuple[str, ...], args: dict[str, Any], where: str | None
) -> None:
    result = typed("answer", *words, "--who", "Ada")
    assert result.exit_code == 0, result.output
    assert [(one["args"], one["where"], one["who"]) for one in sent] == [
        ({"question": words[0], **args}, where, "Ada")
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("answer", "t-1", "ph=7"),
        ("answer", "t-1", "7", "--who", "Ada"),
        ("answer", "t-1", "=7", "--who", "Ada"),
        ("answer", "t-1", "ph=7", "ph=8", "--who", "Ada"),
        ("answer", "q-1", "--who", "Ada"),
        ("answer", "q-1", "done", "not_done", "--who", "Ada"),
        ("answer", "q-1", "done", "a.yaml", "b.yaml", "--who", "Ada"),
        ("witness", "t-1"),
        ("witness", "t-1", "--who", " "),
    ],
)
def test_what_is_not_a_whole_answer_asks_nothing(
    sent: list[dict[str, Any]], words: tuple[str, ...]
) -> None:
    assert typed(*words).exit_code == 2
    assert not sent


def test_a_witness_is_sent_by_name(sent: list[dict[str, Any]]) -> None:
    assert typed("witness", "t-1", "--who", "Bob").exit_code == 0
    assert (sent[0]["verb"], sent[0]["args"], sent[0]["who"]) == (
        "witness",
        {"question": "t-1"},
        "Bob",
    )
