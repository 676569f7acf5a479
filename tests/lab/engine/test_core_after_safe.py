"""What a lab that was made safe leaves behind: full vessels, halted commands, devices that acted by themselves."""

from __future__ import annotations

import pytest

from lab.bus import envelope as env
from lab.domain import event as ev
from lab.domain.command import Outcome
from lab.domain.stations import left_full
from lab.engine import messages as msg
from tests.lab.engine.kit import (
    MASS,
    KitContext,
    Mind,
    command_of,
    formula,
    plan_of,
    sent,
    step,
)
from tests.lab.engine.test_core_never_forgets import ask, dosing, kept_safe, lifted

FIRST, SECOND = "kit-1/r001", "kit-1/r002"
OWN = "dead-man-b1-1"


def answer(mind: Mind, word: str, actor: str = "Grace") -> list[msg.Effect]:
    [question] = mind.state.questions
    name = f"a{len(mind.state.requests)}"
    args = {"question": question, "answer": word}
    mind.tell(msg.Requested(name, "answer", actor, "looked", args=dict(args)))
    assert mind.state.requests[name].accepted, mind.state.requests[name].detail
    return mind.settle()


def status(mind: Mind, run: str = FIRST) -> str:
    return mind.state.runs[run].status


def stopped(mind: Mind, command: str, result: str = "failed_partial") -> list[msg.Effect]:
    """The host halted it to make the device safe."""
    outcome = Outcome.model_validate(
        {"result": result, "error": "stopped to make the device safe", "error_code": "stopped"}
    )
    device = mind.state.commands[command].command.device
    mind.tell(env.OutcomeMessage(device=device, id=command, outcome=outcome))
    return mind.settle()


# -- full vessels -----------------------------------------------------------------------------------


def test_the_next_sample_waits_until_the_vessel_was_emptied_after_re_arming() -> None:
    mind, dose = dosing(trials=2)
    ask(mind, "safe", "Ada", "smoke")
    assert sent(stopped(mind, dose)) == []
    assert status(mind) == "stopping", "the pot is full, and the run keeps it"
    assert sent(mind.pass_time(3600)) == []
    rearmed = ask(mind, "rearm", "Grace")
    assert sent(rearmed) == ["empty"]
    mind.propose()
    assert mind.state.runs.keys() == {FIRST}
    assert sent(mind.end(command_of(rearmed))) == ["dose"]
    assert status(mind) == "aborted"
    assert "smoke" in mind.state.runs[FIRST].reason
    assert status(mind, SECOND) == "running"


@pytest.mark.parametrize("result", ["failed_no_effect", "refused"])
def test_a_run_into_whose_vessel_nothing_came_asks_nobody(result: str) -> None:
    mind, dose = dosing()
    ask(mind, "safe")
    if result == "refused":
        mind.tell(env.Ack(device="pump", id=dose, accepted=False, reason="safe"))
        mind.settle()
    else:
        stopped(mind, dose, "failed_no_effect")
    assert left_full(mind.state, mind.state.runs[FIRST]) == {}
    mind.end(command_of(ask(mind, "rearm")), "failed_no_effect")
    assert status(mind) == "aborted"
    assert not mind.state.questions


def test_without_steps_that_empty_it_a_person_is_asked_and_named() -> None:
    plan = plan_of(
        step("dose", "pump", claims=("pot",)), step("weigh", "balance", ("dose",), claims=("pot",))
    )
    mind = Mind(KitContext(plan), trials=2)
    mind.settle()
    dose = command_of(mind.propose())
    ask(mind, "safe")
    mind.end(dose)
    assert not mind.state.questions, "while the lab is safe nobody is sent to the bench"
    assert sent(ask(mind, "rearm")) == []
    [question] = mind.state.questions.values()
    assert question.choices == ("emptied",)
    assert "pot" in question.text
    mind.propose()
    assert mind.pass_time(600) == []
    assert sent(answer(mind, "emptied", "Grace Hopper")) == ["dose"]
    assert status(mind) == "aborted"
    assert "emptied by Grace Hopper" in mind.state.runs[FIRST].reason


def test_a_failed_emptying_is_tried_again_only_if_it_did_nothing() -> None:
    mind, dose = dosing(trials=2)
    emptying = mind.end(dose, "failed_partial")
    assert sent(emptying) == ["empty"]
    mind.end(command_of(emptying), "failed_no_effect")
    [question] = mind.state.questions.values()
    assert question.choices == ("emptied", "try_again")
    again = answer(mind, "try_again")
    assert sent(again) == ["empty"]
    assert command_of(again) != command_of(emptying)
    mind.end(command_of(again), "failed_partial")
    [question] = mind.state.questions.values()
    assert question.choices == ("emptied",), "some of it has moved: only eyes can tell"
    answer(mind, "emptied")
    assert status(mind) == "failed"


def test_a_question_about_a_full_vessel_outlives_the_engine() -> None:
    mind, dose = dosing()
    emptying = command_of(mind.end(dose, "failed_partial"))
    mind.end(emptying, "failed_partial")
    [question] = mind.state.questions
    mind.restart()
    mind.settle()
    assert list(mind.state.questions) == [question]
    assert status(mind) == "stopping"


def test_what_a_main_step_drew_may_have_been_a_sample_only() -> None:
    plan = plan_of(
        step("dose", "pump", claims=("pot",)),
        step("sample", "pump", ("dose",), claims=("pot",), draws_from=("pot",)),
        step("weigh", "balance", ("sample",), claims=("pot",)),
    )
    mind = Mind(KitContext(plan))
    mind.settle()
    sample = command_of(mind.end(command_of(mind.propose())))
    weigh = command_of(mind.end(sample))
    mind.end(weigh, "failed_no_effect", "balance")
    assert left_full(mind.state, mind.state.runs[FIRST]) == {"pot": "dose"}
    [question] = mind.state.questions.values()
    assert question.choices == ("emptied",)


def test_what_was_moved_on_is_asked_about_where_it_is_now() -> None:
    plan = plan_of(
        step("dose", "pump", claims=("pot",)),
        step("move", "pump", ("dose",), claims=("pot", "cell"), draws_from=("pot",)),
        step("weigh", "balance", ("move",), claims=("cell",)),
        stations=("pot", "cell"),
        results=(MASS.model_copy(update={"formula": formula("mass", "weigh.mass")}),),
    )
    mind = Mind(KitContext(plan))
    mind.settle()
    moved = mind.end(command_of(mind.end(command_of(mind.propose()))))
    mind.end(command_of(moved), "failed_no_effect", "balance")
    assert left_full(mind.state, mind.state.runs[FIRST]) == {"cell": "move"}


# -- halted commands --------------------------------------------------------------------------------


def test_making_safe_ends_every_run_even_if_re_armed_in_one_breath() -> None:
    mind, dose = dosing()
    mind.tell(msg.Requested("1", "safe", "Ada"))
    mind.settle()
    mind.tell(msg.Requested("2", "rearm", "Grace"))
    mind.settle()
    again = stopped(mind, dose, "failed_no_effect")
    assert sent(again) == ["empty"], "the dose is not tried again"
    mind.end(command_of(again))
    assert status(mind) == "aborted"


# -- a host that acted by itself ---------------------------------------------------------------------


def test_the_host_s_own_request_is_recorded_and_then_lifted() -> None:
    mind, _ = dosing()
    effects = kept_safe(mind, "balance", OWN)
    assert lifted(effects) == [("balance", (OWN,))]
    [changed] = [e for e in mind.events if isinstance(e, ev.DeviceStateChanged) and e.safe_requests]
    assert changed.safe_requests == (OWN,)
    assert lifted(mind.pass_time(21)) == [("balance", (OWN,))], "told until it has heard"
    mind.tell(env.State(ledger="l1", device="balance", state="ready"))
    assert lifted(mind.pass_time(100)) == []


def test_a_person_s_request_is_not_lifted_with_the_host_s_own() -> None:
    mind, _ = dosing()
    assert lifted(kept_safe(mind, "balance", "safe-3", OWN)) == [("balance", (OWN,))]


def test_nothing_is_lifted_while_the_lab_is_safe() -> None:
    mind, _ = dosing()
    ask(mind, "safe")
    assert lifted(kept_safe(mind, "balance", OWN)) == []
    assert lifted(ask(mind, "rearm")) == [("balance", (OWN,))]


@pytest.mark.parametrize(
    ("effect", "result"), [("once", "failed_no_effect"), ("none", "failed_no_effect")]
)
def test_what_was_halted_before_it_began_is_a_new_attempt_and_no_failure(
    effect: str, result: str
) -> None:
    mind = Mind(KitContext(plan_of(step("dose", "pump", effect=effect), stations=())))
    mind.settle()
    dose = command_of(mind.propose())
    kept_safe(mind, "pump", OWN)
    assert sent(stopped(mind, dose, result)) == [], "the device is still safe"
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    assert sent(mind.settle()) == ["dose"]
    assert mind.state.runs[FIRST].steps["dose"].retries == 0


def test_a_dose_that_was_halted_in_the_middle_is_never_repeated() -> None:
    mind, dose = dosing()
    kept_safe(mind, "pump", OWN)
    stopped(mind, dose, "failed_partial")
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    assert sent(mind.settle()) == ["empty"]
    assert status(mind) == "stopping"


def heated(done: str = "heat") -> tuple[Mind, str]:
    """A run that has heated and weighs now, or is still heating."""
    plan = plan_of(
        step("heat", "pump", effect="absolute"),
        step("weigh", "balance", ("heat",)),
        step("look", "balance", ("weigh",)),
        stations=(),
    )
    mind = Mind(KitContext(plan))
    mind.settle()
    heat = command_of(mind.propose())
    return (mind, heat) if done != "heat" else (mind, command_of(mind.end(heat)))


def test_a_run_that_counts_on_what_it_had_set_is_held_for_a_person() -> None:
    mind, weigh = heated()
    kept_safe(mind, "pump", OWN)
    assert [flag.kind for flag in mind.state.runs[FIRST].flags] == ["interrupted"]
    [question] = mind.state.questions.values()
    assert question.holds_run
    assert "heat" in question.text
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    assert sent(mind.end(weigh, device="balance", mass=1.0)) == []
    assert sent(answer(mind, "continue")) == ["look"]


def test_a_person_may_end_a_run_that_was_left_alone() -> None:
    mind, weigh = heated()
    kept_safe(mind, "pump", OWN)
    mind.end(weigh, device="balance", mass=1.0)
    answer(mind, "abort")
    assert status(mind) == "aborted"


def test_the_same_silence_asks_once_and_the_next_one_again() -> None:
    mind, _ = heated()
    kept_safe(mind, "pump", OWN)
    answer(mind, "continue")
    mind.tell(msg.DeviceLost("pump"))
    kept_safe(mind, "pump", OWN)
    assert not mind.state.questions
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    kept_safe(mind, "pump", "dead-man-b1-2")
    assert mind.state.questions


def test_a_silence_found_by_the_next_engine_is_recorded_by_it() -> None:
    mind, weigh = heated()
    mind.restart()
    mind.settle()
    effects = kept_safe(mind, "pump", OWN)
    assert lifted(effects) == [("pump", (OWN,))]
    assert mind.state.questions
    assert mind.state.commands[weigh].status == "unknown"


@pytest.mark.parametrize("silent", ["balance", "pump"])
def test_who_counts_on_nothing_there_is_not_held(silent: str) -> None:
    if silent == "balance":
        mind, _ = heated()  # nothing was set at the balance
    else:
        mind, _ = dosing()  # a dose leaves nothing behind that a safe state would undo
    kept_safe(mind, silent, OWN)
    assert not mind.state.questions
    assert not mind.state.runs[FIRST].flags


def test_a_setting_that_was_halted_is_set_again_and_asks_nobody() -> None:
    mind, heat = heated(done="nothing")
    kept_safe(mind, "pump", OWN)
    assert not mind.state.questions
    stopped(mind, heat)
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    assert sent(mind.settle()) == ["heat"]
