"""What people answer: read against the fields, refused with words, and who may witness what."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain import event as ev
from lab.domain.answers import AnswerError, read_answers, simulated_answers
from lab.domain.plan import ManualField, ManualTask
from lab.engine import messages as msg
from tests.golden.plays import held, manual
from tests.lab.engine.kit import KitContext, Mind
from tests.lab.engine.stage import Script, Stage

FIELDS = {
    "mass": ManualField(kind="quantity", unit="g", minimum=0, maximum=50),
    "drops": ManualField(kind="integer", minimum=1, required=False),
    "clear": ManualField(kind="yes_no", required=False),
    "colour": ManualField(kind="choice", choices=("red", "blue"), required=False),
    "note": ManualField(kind="text", prompt="What did you see?", required=False),
}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"mass": 12.5}, {"mass": 12.5}),
        ({"mass": "12.5"}, {"mass": 12.5}),
        ({"mass": " 12500 mg "}, {"mass": 12.5}),
        ({"mass": 1, "drops": "3"}, {"mass": 1, "drops": 3}),
        ({"mass": 1, "drops": 3.0}, {"mass": 1, "drops": 3}),
        ({"mass": 1, "clear": "Yes"}, {"mass": 1, "clear": True}),
        ({"mass": 1, "clear": False}, {"mass": 1, "clear": False}),
        ({"mass": 1, "colour": "red"}, {"mass": 1, "colour": "red"}),
        ({"note": " warm ", "mass": 0}, {"mass": 0, "note": "warm"}),
        ({"mass": 1, "note": "  "}, {"mass": 1}),
    ],
)
def test_answers_are_kept_in_the_units_of_their_fields(
    given: dict[str, Any], kept: dict[str, Any]
) -> None:
    assert read_answers(FIELDS, given) == kept


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "'mass' is missing: a number in g of at least 0 g and of at most 50 g"),
        ({"mass": None}, "'mass' is missing"),
        ({"mass": 51}, "'mass' must be a number in g of at least 0 g and of at most 50 g, not 51"),
        ({"mass": -0.1}, "at least 0 g"),
        ({"mass": True}, "not true"),
        ({"mass": math.nan}, "not nan"),
        ({"mass": "1e999"}, "not '1e999'"),
        ({"mass": "1_0"}, "must be a number"),
        ({"mass": "1,5"}, "decimal comma"),
        ({"mass": "3 mL"}, "is a volume"),
        ({"mass": [1]}, "not [1]"),
        ({"mass": 1, "drops": 2.5}, "'drops' must be a whole number of at least 1, not 2.5"),
        ({"mass": 1, "drops": 0}, "at least 1"),
        ({"mass": 1, "clear": "maybe"}, "yes or no, not 'maybe'"),
        ({"mass": 1, "clear": 1}, "yes or no, not 1"),
        ({"mass": 1, "colour": "green"}, "one of: red, blue, not 'green'"),
        ({"mass": 1, "note": 5}, "a text, not 5"),
        ({"mass": 1, "weight": 5}, "there is no field 'weight'; fields: mass, drops"),
    ],
)
def test_a_wrong_answer_is_refused_with_what_would_be_right(
    given: dict[str, Any], words: str
) -> None:
    with pytest.raises(AnswerError) as refused:
        read_answers(FIELDS, given)
    assert words in str(refused.value)


_JSON = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)


@given(st.dictionaries(st.sampled_from(list(FIELDS)), _JSON))
def test_whatever_is_answered_is_kept_within_the_fields_or_refused(given: dict[str, Any]) -> None:
    try:
        kept = read_answers(FIELDS, given)
    except AnswerError:
        return
    assert kept.keys() <= FIELDS.keys()
    assert 0 <= float(kept["mass"]) <= 50  # pyright: ignore[reportArgumentType]
    assert isinstance(kept.get("drops", 1), int)
    assert kept.get("colour", "red") in FIELDS["colour"].choices
    assert read_answers(FIELDS, kept) == kept, "what is kept is itself an answer"


def test_a_task_without_fields_takes_a_confirmation_and_nothing_else() -> None:
    assert read_answers({}, {}) == {}
    with pytest.raises(AnswerError, match="confirmation only"):
        read_answers({}, {"mass": 1})


def test_simulated_people_need_an_answer_for_what_is_required_only() -> None:
    task = ManualTask(prompt="Weigh it", fields=FIELDS, simulated_answers={"mass": "2 g"})
    assert simulated_answers(task) == {"mass": 2.0}
    with pytest.raises(AnswerError, match="give mass under 'simulate'"):
        simulated_answers(ManualTask(prompt="Weigh it", fields=FIELDS))


# -- requests ---------------------------------------------------------------------------------------


def asked(sign: str = "witness") -> tuple[Mind, str]:
    """A mind that has asked somebody to read the pH."""
    stage = Stage(manual(sign), Script({"weigh": ({"mass": 1.0},)}))
    mind = stage.mind
    mind.settle()
    weigh = next(iter(mind.propose()))
    assert isinstance(weigh, msg.SendCommand)
    mind.end(weigh.command.id, device="balance", mass=1.0)
    return mind, next(iter(mind.state.tasks))


def say(
    mind: Mind, verb: str, task: str, actor: str, reason: str = "", **args: object
) -> ev.RequestAnswered:
    name = f"r{len(mind.state.requests)}"
    mind.tell(msg.Requested(name, verb, actor, reason, {"question": task, **args}))  # pyright: ignore[reportArgumentType]
    mind.settle()
    return mind.state.requests[name]


GOOD = {"ph": 7.0, "clear": True}


def test_only_the_first_answer_counts_and_a_second_person_confirms_it() -> None:
    mind, task = asked()
    assert "nothing to witness" in say(mind, "witness", task, "Bob").detail
    assert "'ph' must be" in say(mind, "answer", task, "Ada", answers={"ph": 15}).detail
    assert say(mind, "answer", task, "Ada", answers=GOOD).accepted
    assert "Ada has answered" in say(mind, "answer", task, "Eve", answers=GOOD).detail
    for same in ("Ada", " aDA ", "a d a"):
        assert "somebody else" in say(mind, "witness", task, same).detail
    assert mind.state.runs["kit-1/r001"].steps["read"].status == "running"
    assert say(mind, "witness", task, "Bob").accepted
    assert mind.state.runs["kit-1/r001"].steps["read"].status == "succeeded"
    assert "no open task" in say(mind, "witness", task, "Bob").detail
    assert "no open question or task" in say(mind, "answer", task, "Bob").detail


def test_a_task_without_a_witness_refuses_one() -> None:
    mind, task = asked("performer")
    assert "needs no witness" in say(mind, "witness", task, "Bob").detail
    assert say(mind, "answer", task, "Ada", answers=GOOD).accepted
    assert not mind.state.tasks


def test_the_numbers_that_a_person_read_are_observations() -> None:
    mind, task = asked("performer")
    say(mind, "answer", task, "Ada", answers=GOOD)
    seen = [event for event in mind.events if isinstance(event, ev.ObservationRecorded)]
    assert (seen[-1].name, seen[-1].value.value, seen[-1].command) == ("ph", 7.0, task)
    assert seen[-1].device == "operator"


def test_a_failed_task_wants_a_reason_and_no_witness() -> None:
    mind, task = asked()
    assert "say in the reason" in say(mind, "answer", task, "Ada", failed=True).detail
    assert "field and value" in say(mind, "answer", task, "Ada", answers=[1]).detail
    assert say(mind, "answer", task, "Ada", "the meter fell", answers={"failed": True}).accepted
    step = mind.state.runs["kit-1/r001"].steps["read"]
    assert step.retries == 1
    assert step.attempt == 2, "asked again, as the retry rules say"
    assert task not in mind.state.tasks


@pytest.mark.parametrize("verb", ["stop", "safe"])
def test_whoever_stops_the_lab_withdraws_what_was_asked(verb: str) -> None:
    mind, task = asked()
    assert say(mind, verb, "", "Ada").accepted
    assert not mind.state.tasks
    assert not mind.state.open_runs()
    assert not say(mind, "answer", task, "Ada", answers=GOOD).accepted


def test_a_witness_has_no_more_time_than_the_performer() -> None:
    mind, task = asked()
    say(mind, "answer", task, "Ada", answers=GOOD)
    mind.pass_time(301)
    failed = [event for event in mind.events if isinstance(event, ev.StepFailed)]
    assert failed[-1].error == "nobody witnessed it in time"


# -- holds ------------------------------------------------------------------------------------------


def test_a_held_run_takes_one_of_its_choices_only() -> None:
    stage = Stage(held(), Script({"stir": ("failed_partial",)})).play()
    [question] = stage.mind.state.questions.values()
    assert question.choices == ("retry", "skip", "abort")
    wrong = say(stage.mind, "answer", question.id, "Ada", answer="done")
    assert "one of: retry, skip, abort" in wrong.detail
    assert not say(stage.mind, "answer", question.id, " ", answer="skip").accepted
    assert say(stage.mind, "answer", question.id, "Ada", answer="skip").accepted
    assert not stage.mind.state.questions


def test_what_acts_once_and_has_acted_is_not_offered_again() -> None:
    plan = held().model_copy(deep=True)
    steps = tuple(
        step.model_copy(
            update={"effect": "once", "retry": step.retry.model_copy(update={"max_retries": 0})}
        )
        if step.path == "stir"
        else step
        for step in plan.steps
    )
    plan = plan.model_copy(update={"steps": steps})
    for result, choices in (
        ("failed_partial", ("skip", "abort")),
        ("failed_no_effect", ("retry", "skip", "abort")),
    ):
        stage = Stage(
            type(plan).model_validate(plan.model_dump()), Script({"stir": (result,)})
        ).play()
        [question] = stage.mind.state.questions.values()
        assert question.choices == choices


def test_a_hold_is_asked_anew_after_another_failure_and_forgotten_with_the_run() -> None:
    stage = Stage(held(), Script({"stir": ("failed_no_effect",)})).play()
    [first] = stage.mind.state.questions
    say(stage.mind, "answer", first, "Ada", answer="retry")
    stage._heard = len(stage.mind.events)
    [again] = stage.mind.state.open_commands()
    stage.mind.end(again.command.id, "failed_no_effect", device="balance")
    [second] = stage.mind.state.questions
    assert second != first
    say(stage.mind, "stop", "", "Ada")
    assert not stage.mind.state.questions


def test_a_stopped_lab_holds_nothing() -> None:
    mind = Mind(KitContext(held()))
    mind.settle()
    mind.propose()
    say(mind, "stop", "", "Ada")
    [dose] = mind.state.open_commands()
    mind.end(dose.command.id)
    assert mind.state.campaigns["kit-1"].status == "stopped"
    assert "question_asked" not in mind.kinds()
