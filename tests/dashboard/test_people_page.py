"""The page of tasks through Streamlit's own test runner, with the engine's own judgement behind a real control server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from dashboard import markup
from dashboard.views.people import given_answers
from lab.control.status import status_document
from lab.domain import event as ev
from lab.domain.answers import describe
from lab.domain.plan import ManualField, ManualTask
from lab.records.database import database_url
from tests.dashboard.test_markup import text_of
from tests.lab.engine.kit import plan_of, step
from tests.lab.engine.stage import Script, Stage
from tests.support.fake_engine import EngineThread
from tests.support.plays import asked_of_a_person, keep_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.engine.kit import Mind
    from tests.support.fake_engine import FakeEngine


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "lab.db"
    monkeypatch.setenv("LABWRIGHT_DB", str(path))
    monkeypatch.setattr("sys.argv", ["app.py"])
    st.cache_data.clear()
    yield path
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.fixture
def mind() -> Mind:
    return asked_of_a_person()


@pytest.fixture
def engine(database, mind) -> Iterator[FakeEngine]:
    keep_records(database_url(str(database)), mind.records)
    with EngineThread(database, mind.records) as port:
        yield port


def page(name: str = "people") -> AppTest:
    script = f"from dashboard.views import {name}\n{name}.show()"
    return AppTest.from_string(script, default_timeout=20).run()


def again(at: AppTest) -> AppTest:
    """A second later."""
    st.cache_data.clear()
    return at.run()


def html(at: AppTest) -> str:
    return " ".join(text_of(element.proto.body) for element in at.get("html"))


def fill(at: AppTest, task: str, *, who: str, ph: float | None = 7.2, clear: str = "yes") -> None:
    at.number_input(key=f"{task}-ph").set_value(ph)
    at.segmented_control(key=f"{task}-clear").set_value(clear)
    at.text_input(key=f"who-{task}").set_value(who)


def press(at: AppTest, key: str) -> AppTest:
    at.button(key=key).click()
    return again(at)


def task_of(engine: FakeEngine) -> str:
    [task] = engine.state().tasks
    return task


def test_a_task_shows_sample_prompt_time_and_typed_inputs(engine) -> None:
    at = page()
    assert not at.exception
    text = html(at)
    assert "Sample 1: read" in text
    assert "Read the pH meter" in text
    assert "5 min left" in text
    labels = [
        element.label for element in [*at.number_input, *at.segmented_control, *at.text_input]
    ]
    assert labels == [
        "ph (0 to 14)",
        "clear",
        "note (may be left out)",
        "Signed by",
        "Why",
        "Reported by",
    ]
    assert at.segmented_control[0].options == ["yes", "no"]
    assert at.number_input[0].value is None


def test_a_task_is_answered_signed_and_witnessed_by_two_people(engine) -> None:
    at = page()
    task = task_of(engine)
    fill(at, task, who="Ada")
    at.text_input(key=f"{task}-note").set_value("a little foam")
    press(at, f"send-{task}")
    assert at.success[0].value == "Accepted: recorded; a second person must witness it"
    [asked] = engine.asked
    assert (asked.verb, asked.actor) == ("answer", "Ada")
    assert asked.args == {"question": task, "answers": {"ph": 7.2, "clear": "yes", "note": "a little foam"}}  # fmt: skip
    assert "Ada has done it: ✔ ph 7.2 ✔ clear yes ✔ note a little foam" in html(at)
    assert at.text_input(key=f"witness-who-{task}").value == ""
    at.text_input(key=f"witness-who-{task}").set_value("ADA ")
    press(at, f"witness-{task}")
    assert at.error[0].value == "Refused: Ada did it: a witness must be somebody else"
    assert engine.state().tasks
    at.text_input(key=f"witness-who-{task}").set_value("Bob")
    press(at, f"witness-{task}")
    assert engine.state().tasks == {}
    assert at.success[0].value == "Sample 1, read: recorded: witnessed by Bob".replace("Sample", "Accepted: Sample", 1)  # fmt: skip
    assert "Nobody is asked for anything." in at.info[0].value
    assert len({request.id for request in engine.asked}) == 3


def test_what_is_beyond_its_limits_is_refused_in_words_and_what_was_typed_stays(engine) -> None:
    at = page()
    task = task_of(engine)
    fill(at, task, who="Ada", ph=15.0)
    press(at, f"send-{task}")
    assert (
        "Refused: 'ph' must be a number of at least 0 and of at most 14, not 15"
        in at.error[0].value
    )
    assert at.number_input(key=f"{task}-ph").value == 15.0
    assert at.text_input(key=f"who-{task}").value == "Ada"
    fill(at, task, who="Ada", ph=None)
    press(at, f"send-{task}")
    assert "'ph' is missing" in at.error[0].value
    assert engine.state().tasks[task].answer is None


def test_nobody_signs_without_a_name(engine) -> None:
    at = page()
    task = task_of(engine)
    fill(at, task, who="  ")
    press(at, f"send-{task}")
    assert "Write your name first" in at.warning[0].value
    assert engine.asked == []


def test_the_name_in_the_side_bar_signs_for_the_performer_and_never_for_the_witness(engine) -> None:
    script = "from dashboard.views import people\npeople.show()"
    at = AppTest.from_string(script, default_timeout=20)
    at.session_state["who"] = "Ada"
    at.run()
    task = task_of(engine)
    assert at.text_input(key=f"who-{task}").value == "Ada"
    fill(at, task, who="Ada")
    press(at, f"send-{task}")
    press(at, f"witness-{task}")
    assert "Write your name first" in at.warning[0].value
    assert [request.verb for request in engine.asked] == ["answer"]


def test_a_task_that_could_not_be_done_needs_a_reason(engine) -> None:
    at = page()
    task = task_of(engine)
    at.text_input(key=f"fail-who-{task}").set_value("Ada")
    press(at, f"fail-{task}")
    assert "say in the reason why the task failed" in at.error[0].value
    at.text_input(key=f"why-{task}").set_value("the meter is not calibrated")
    press(at, f"fail-{task}")
    answer = next(r.event for r in engine.records if isinstance(r.event, ev.TaskAnswered))
    assert (answer.failed, answer.reason) == (True, "the meter is not calibrated")


def test_the_same_drawing_of_a_button_answers_once(engine) -> None:
    at = page()
    task = task_of(engine)
    fill(at, task, who="Ada")
    request = at.session_state[f"id-send-{task}"]
    press(at, f"send-{task}")
    assert [asked.id for asked in engine.asked] == [request]
    assert f"id-send-{task}" not in at.session_state


def test_an_engine_that_goes_away_keeps_what_was_typed_and_the_id(database, mind) -> None:
    keep_records(database_url(str(database)), mind.records)
    with EngineThread(database, mind.records) as engine:
        at = page()
        task = task_of(engine)
        fill(at, task, who="Ada")
        request = at.session_state[f"id-send-{task}"]
    press(at, f"send-{task}")
    assert "Nobody knows whether it was taken" in at.error[0].value
    assert at.session_state[f"id-send-{task}"] == request
    assert at.number_input(key=f"{task}-ph").value == 7.2
    assert at.button(key=f"send-{task}").disabled


def test_a_held_run_is_decided_here_too(engine) -> None:
    asked = ev.QuestionAsked(
        question="h-1", command="", run="kit-1/r001", step="read", text="Go on?", choices=("skip", "abort")
    )  # fmt: skip
    engine.tell(asked)
    at = page()
    assert "Go on?" in at.warning[0].value
    at.session_state["who"] = "Ada"
    at.text_input(key="reason").set_value("it is fine")
    press(at, "answer-h-1-skip")
    assert engine.asked[-1].args == {"question": "h-1", "answer": "skip"}
    assert engine.asked[-1].reason == "it is fine"
    assert at.success


def test_nobody_is_asked_for_anything_and_that_is_said(database) -> None:
    keep_records(database_url(str(database)), asked_of_a_person().records[:3])
    at = page()
    assert "Nobody is asked for anything." in at.info[0].value


def test_the_overview_says_that_people_are_needed_and_shows_flags_and_windows(engine) -> None:
    flag = ev.SampleFlagged(run="kit-1/r001", step="", flag="timing", reason="took <b>62 s</b>")
    engine.tell(flag)
    text = html(page("overview"))
    assert "People are needed : see the page Tasks" in text
    assert "Sample 1, read waits for somebody to do it" in text
    assert "flagged: took <b>62 s</b>" in text


# -- pieces -----------------------------------------------------------------------------------------


def task_document(field: ManualField, claims: tuple[str, ...] = ()) -> Any:
    task = ManualTask(prompt="Do <it>", fields={"x": field})
    plan = plan_of(
        step("work", "operator", manual=task, claims=claims, timeout_s=100.0), results=()
    )
    mind = Stage(plan, Script()).mind
    mind.settle()
    mind.propose()
    mind.pass_time(85)
    return status_document(mind.state, mind.now)["tasks"][0]


@pytest.mark.parametrize(
    ("field", "state", "given"),
    [
        (ManualField(kind="integer"), 3, 3),
        (ManualField(kind="quantity"), 0.0, 0.0),
        (ManualField(kind="choice", choices=("a", "b")), "b", "b"),
        (ManualField(kind="text"), "", None),
        (ManualField(kind="quantity"), None, None),
    ],
)
def test_what_stands_in_a_widget_is_given_and_what_is_empty_is_not(field, state, given) -> None:
    task = task_document(field)
    answers = given_answers(task, {f"{task['id']}-x": state, "other": 1})
    assert answers == ({} if given is None else {"x": given})
    assert task["fields"][0]["takes"] == describe(field)


def test_the_head_names_place_and_time_and_escapes_what_people_write() -> None:
    task = task_document(ManualField(kind="text"), ("pot",))
    shown = markup.task_head(task)
    assert "Do &lt;it&gt;" in shown
    assert "color:#b42318" in shown, "the last fifth of the time is told in red"
    text = text_of(shown)
    assert "Sample 1: work" in text
    assert "at pot" in text
    assert "15 s left" in text


def test_trials_that_wait_are_approved_and_rejected_on_the_page(database):
    from tests.lab.engine.test_people_trials import People

    mind = People(approval=True)
    mind.suggest()
    mind.suggest(x=0.25)
    keep_records(database_url(str(database)), mind.records)
    with EngineThread(database, mind.records) as engine:
        at = page()
        at.session_state["who"] = "Ada"
        at.session_state["reason"] = "no solvent"
        at.run()
        assert [h.value for h in at.subheader] == ["Trials to approve"]
        at.button(key="approve-trial-1").click().run()
        at.session_state["reason"] = "no solvent"
        at.run()
        at.button(key="reject-trial-2").click().run()
        assert not at.exception
    asked = [(r.verb, r.actor, dict(r.args)) for r in engine.asked]
    assert asked == [
        ("trial", "Ada", {"do": "approve", "trial": 1}),
        ("trial", "Ada", {"do": "reject", "trial": 2}),
    ]


def test_what_nobody_chooses_is_told_on_the_page(database):
    from lab.domain import event as ev
    from tests.lab.engine.test_surroundings import LIVE, Surrounded, room

    block = room(LIVE).model_copy(update={"name": "block"})
    mind = Surrounded(room(ev.ContextSpec()), block)
    mind.settle()
    keep_records(database_url(str(database)), mind.records)
    with EngineThread(database, mind.records) as engine:
        at = page()
        at.session_state["who"] = "Ada"
        at.run()
        assert [h.value for h in at.subheader] == ["What nobody chooses"]
        assert [w.value for w in at.warning] == [
            "Nothing is proposed: nobody has told what room is."
        ]
        assert [b.key for b in at.button if "context" in str(b.key)] == ["tell-context-room"]
        assert at.button(key="tell-context-room").disabled
        at.text_input(key="context-room").input("22 degC").run()
        at.button(key="tell-context-room").click().run()
        assert not at.exception
    asked = [(r.verb, r.actor, dict(r.args)) for r in engine.asked]
    assert asked == [("trial", "Ada", {"do": "context", "factors": {"room": "22 degC"}})]
    assert mind.say(room="22 degC") == "", "and the engine takes just that"
