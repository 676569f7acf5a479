"""What people are asked for, what they will be asked for and what is left: document, words, dashboard, what waits."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from dashboard import markup
from lab.cli.event_text import event_text
from lab.cli.status_text import lab_lines
from lab.control.document import StatusDocument
from lab.control.status import status_document
from lab.control.waits import run_waits
from lab.domain import event as ev
from lab.domain.ids import service_id
from tests.lab.engine.kit import START
from tests.support.served_lab import ServedLoop, lab_of, plan_for, rules_of

STATUS: TypeAdapter[StatusDocument] = TypeAdapter(StatusDocument)
QUESTION = service_id("stock water", 1)


def loop_of(samples: int = 7, until_s: float = 3600.0, answer_after: float = 1e9) -> ServedLoop:
    loop = ServedLoop(
        (plan_for(),),
        samples,
        seed=1,
        rules=rules_of(lab_of(water={"refill": "3 min"})),
        says=lambda _question: ("done", answer_after),
    )
    started = loop.journal[1][1].model_copy(update={"supplies": {"stock water": 50_000_000}})
    loop._record(started)
    return loop.run(until_s=until_s)


def document(loop: ServedLoop) -> StatusDocument:
    at = START.fromtimestamp(loop.now_s, START.tzinfo)
    return STATUS.validate_python(status_document(loop.state, at))


def lines(loop: ServedLoop) -> str:
    return "\n".join(lab_lines(document(loop)))


def test_what_will_be_asked_for_stands_in_the_status_with_when_and_why() -> None:
    loop = loop_of(until_s=60.0)
    [service] = document(loop)["services"]
    assert (service["service"], service["task"]) == ("stock water", "refill water")
    assert (service["question"], service["devices"]) == ("", ["pump"])
    assert (service["run"], service["step"]) == ("kit-1/r006", "dose")
    assert f"NEXT refill water, about {service['start']}, before kit-1/r006 dose" in lines(loop)
    assert "QUESTION" not in lines(loop)


def test_what_is_left_is_what_surely_is() -> None:
    loop = loop_of(until_s=60.0)
    [supply] = document(loop)["supplies"]
    assert (supply["left"], supply["room"], supply["unit"]) == (40.0, 50.0, "mL")
    assert supply["done"] is None
    assert "stock water          40 of 50 mL left" in lines(loop)


def test_what_is_asked_is_a_question_and_says_what_to_type() -> None:
    loop = loop_of()
    text = lines(loop)
    assert f"QUESTION {QUESTION}: Please refill water: 0 mL of 50 mL are left." in text
    assert f"lab answer {QUESTION} done|could_not --who NAME" in text
    assert "NEXT" not in text
    [service] = document(loop)["services"]
    assert service["question"] == QUESTION
    [question] = document(loop)["questions"]
    assert (question["service"], question["run"]) == ("stock water", "")


def test_what_waits_for_a_person_says_so() -> None:
    loop = loop_of()
    waits = run_waits(loop.state, loop.now_s)
    [wait] = waits["kit-1/r006"]
    assert wait.kind == "person"
    assert wait.text == f"somebody to say that it is done: refill water (question {QUESTION})"


def test_before_it_is_asked_the_run_says_what_comes_first() -> None:
    loop = loop_of(until_s=60.0)
    [wait] = run_waits(loop.state, loop.now_s)["kit-1/r006"]
    assert wait.text.startswith(("somebody to refill water first, planned in", "pump, busy"))


def test_who_did_it_is_told_afterwards() -> None:
    loop = loop_of(answer_after=1.0)
    [supply] = document(loop)["supplies"]
    assert supply["done_by"] == "Ada"
    assert "seen to by Ada at 2026-01-01T" in lines(loop)
    assert supply["left"] == 30.0


@pytest.mark.parametrize(("until_s", "words"), [(60.0, "before kit-1/r006"), (3600.0, "asked for")])
def test_the_dashboard_shows_both(until_s: float, words: str) -> None:
    told = document(loop_of(until_s=until_s))
    html = markup.services(told["services"], told["supplies"])
    assert "refill water" in html
    assert words in html
    assert "of 50 mL left" in html


def test_names_from_files_are_escaped() -> None:
    told = document(loop_of())
    told["services"][0]["task"] = "refill <b>"
    told["supplies"][0]["done_by"] = "<Ada>"
    told["supplies"][0]["done"] = told["now"]
    html = markup.services(told["services"], told["supplies"])
    assert "<b>refill &lt;b&gt;</b>" in html
    assert "&lt;Ada&gt;" in html


def test_the_line_of_progress_names_what_is_asked_and_who_answered() -> None:
    loop = loop_of(answer_after=1.0)
    texts = [event_text(event) for _, event in loop.journal]
    assert any(f"QUESTION {QUESTION}: Please refill water" in (text or "") for text in texts)
    assert f"Ada answered {QUESTION}: done (because)" in texts


def test_nothing_is_said_where_nobody_is_asked_for_anything() -> None:
    loop = ServedLoop((plan_for(),), 2, seed=1).run(until_s=60.0)
    told = document(loop)
    assert (told["services"], told["supplies"]) == ([], [])
    assert isinstance(loop.journal[0][1], ev.EngineStarted)
