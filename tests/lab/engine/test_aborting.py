"""An abort stops what is under way, says honestly what came of it, and lets the safe-state steps run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from lab.bus import envelope as env
from lab.domain import event as ev
from lab.domain.command import CancelOutcome, Outcome, Settlement
from lab.engine import messages as msg
from tests.lab.engine.kit import KitContext, Mind, command_of, plan_of, sent, step
from tests.lab.engine.test_core_never_forgets import ask, dosing

if TYPE_CHECKING:
    from pydantic import JsonValue

FIRST, SECOND = "kit-1/r001", "kit-1/r002"


def abort(mind: Mind, run: str = "", actor: str = "Ada", reason: str = "") -> list[msg.Effect]:
    name = f"x{len(mind.state.requests)}"
    args: dict[str, JsonValue] = {"run": run} if run else {}
    mind.tell(msg.Requested(name, "abort", actor, reason, args))
    return mind.settle()


def answered(mind: Mind) -> ev.RequestAnswered:
    return list(mind.state.requests.values())[-1]


def cancels(effects: list[msg.Effect]) -> list[tuple[str, str]]:
    return [(e.command, e.actor) for e in effects if isinstance(e, msg.CancelCommand)]


def words(mind: Mind) -> list[CancelOutcome]:
    return [event.outcome for event in mind.events if isinstance(event, ev.CancelSettled)]


def side_by_side() -> Mind:
    """Two runs under way: one doses, one weighs."""
    plan = plan_of(
        step("dose", "pump", effect="once"), step("weigh", "balance", ("dose",)), stations=()
    )
    mind = Mind(KitContext(plan), trials=3, parallel=2, batch=2)
    mind.settle()
    first = command_of(mind.propose(2))
    assert len(mind.end(first)) == 2
    return mind


def test_one_run_is_aborted_and_the_campaign_goes_on() -> None:
    mind = side_by_side()
    weigh, dose = (entry.command.id for entry in mind.state.open_commands())
    effects = abort(mind, FIRST, "Ada", "spilled")
    assert cancels(effects) == [(weigh, "Ada")]
    assert answered(mind).accepted
    assert "one command" in answered(mind).detail
    assert mind.state.runs[FIRST].status == "stopping"
    assert "aborted by Ada: spilled" in mind.state.runs[FIRST].reason
    assert mind.state.runs[SECOND].status == "running"
    assert mind.state.mode == "running"
    mind.end(weigh, "failed_no_effect", "balance")
    assert mind.state.runs[FIRST].status == "aborted"
    assert sent(mind.end(dose)) == ["weigh"], "the other one goes on"


def test_all_are_aborted_and_the_campaign_stops() -> None:
    mind = side_by_side()
    commands = {entry.command.id for entry in mind.state.open_commands()}
    effects = abort(mind)
    assert {command for command, _ in cancels(effects)} == commands
    assert mind.state.mode == "stopping"
    for entry in mind.state.open_commands():
        mind.end(entry.command.id, "failed_no_effect", entry.command.device)
    assert mind.state.campaigns["kit-1"].status == "stopped"
    assert {run.status for run in mind.state.runs.values()} == {"aborted"}


def test_a_stop_may_become_an_abort_and_asks_each_command_once() -> None:
    mind, dose = dosing()
    ask(mind, "stop")
    assert cancels(abort(mind)) == [(dose, "Ada")]
    assert cancels(abort(mind, "", "Bob")) == []
    stops = [event for event in mind.events if isinstance(event, ev.LabStopping)]
    assert len(stops) == 1


def test_safe_state_steps_run_after_it_and_are_not_aborted() -> None:
    mind, dose = dosing()
    abort(mind, FIRST)
    emptying = mind.end(dose, "failed_partial")
    assert sent(emptying) == ["empty"]
    assert cancels(abort(mind, FIRST)) == []
    assert not answered(mind).accepted
    assert "being ended already" in answered(mind).detail
    mind.end(command_of(emptying))
    assert mind.state.runs[FIRST].status == "aborted"


def test_the_request_is_repeated_until_the_command_is_closed() -> None:
    mind, dose = dosing()
    assert cancels(abort(mind, FIRST)) == [(dose, "Ada")]
    assert cancels(mind.pass_time(1)) == []
    assert cancels(mind.pass_time(20)) == [(dose, "Ada")]
    mind.end(dose, "failed_no_effect")
    assert cancels(mind.pass_time(100)) == []


def test_the_next_engine_goes_on_asking_and_settles_it() -> None:
    mind, dose = dosing()
    abort(mind, FIRST)
    mind.restart()
    assert cancels(mind.settle()) == [], "the device has not been heard of yet"
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    assert cancels(mind.settle()) == [(dose, "Ada")]
    mind.tell(env.QueryReply(device="pump", id=dose, status="never_seen"))
    mind.settle()
    assert words(mind) == ["never_started"]


def test_nothing_begins_after_an_accepted_abort() -> None:
    mind = side_by_side()
    abort(mind)
    mind.tell(msg.Proposed((msg.Proposal({"x": 0.1}, "sobol"),)))
    for _ in range(20):
        assert sent(mind.pass_time(30)) == []


# -- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("run", "says"), [("kit-1/r009", "no open run 'kit-1/r009'"), ("nonsense", FIRST)]
)
def test_a_run_that_is_not_open_can_not_be_aborted(run: str, says: str) -> None:
    mind, _ = dosing()
    assert abort(mind, run) == []
    assert not answered(mind).accepted
    assert says in answered(mind).detail
    assert mind.state.runs[FIRST].status == "running"


def test_a_safe_lab_has_nothing_to_abort() -> None:
    mind, _ = dosing()
    ask(mind, "safe")
    abort(mind)
    assert not answered(mind).accepted
    assert "safe" in answered(mind).detail


def test_without_a_campaign_there_is_nothing_to_abort() -> None:
    mind, dose = dosing()
    ask(mind, "stop")
    mind.end(command_of(mind.end(dose)))
    assert mind.state.active_campaign is None
    abort(mind)
    assert not answered(mind).accepted


# -- five honest words ------------------------------------------------------------------------------


def ended(dose: str, result: str, cancelled: str | None = None) -> env.OutcomeMessage:
    outcome = Outcome.model_validate({"result": result, "cancelled": cancelled})
    return env.OutcomeMessage(device="pump", id=dose, outcome=outcome)


@pytest.mark.parametrize(
    ("result", "told", "word"),
    [
        ("failed_partial", "halted", "halted"),
        ("failed_partial", "halted_at_boundary", "halted_at_boundary"),
        ("failed_no_effect", "never_started", "never_started"),
        ("failed_partial", "unconfirmed", "unconfirmed"),
        ("succeeded", "ran_to_completion", "ran_to_completion"),
        # It had ended before the cancellation came.
        ("succeeded", None, "ran_to_completion"),
        ("failed_no_effect", None, "never_started"),
        ("failed_partial", None, "halted_at_boundary"),
    ],
)
def test_the_host_s_word_counts(result: str, told: str | None, word: CancelOutcome) -> None:
    mind, dose = dosing()
    abort(mind, FIRST)
    mind.tell(ended(dose, result, told))
    assert words(mind) == [word]
    mind.tell(ended(dose, result, told))
    assert words(mind) == [word], "once"


def test_a_command_that_never_came_never_started() -> None:
    mind, dose = dosing()
    abort(mind, FIRST)
    mind.tell(env.Ack(device="pump", id=dose, accepted=False, reason="withdrawn"))
    assert words(mind) == ["never_started"]
    mind.settle()
    assert mind.state.runs[FIRST].status == "stopping"


def test_an_unknown_outcome_leaves_the_cancellation_open() -> None:
    mind, dose = dosing()
    abort(mind, FIRST)
    mind.tell(ended(dose, "unknown", "unconfirmed"))
    assert words(mind) == []
    assert mind.state.commands[dose].open


@pytest.mark.parametrize(
    ("verdict", "word"),
    [
        ("done", "ran_to_completion"),
        ("not_done", "never_started"),
        ("partial", "halted"),
    ],
)
def test_the_device_s_later_word_counts(
    verdict: Literal["done", "not_done", "partial"], word: CancelOutcome
) -> None:
    mind, dose = dosing()
    abort(mind, FIRST)
    mind.tell(msg.DeviceLost("pump"))
    settlement = Settlement(verdict=verdict)
    mind.tell(env.QueryReply(device="pump", id=dose, status="settled", settlement=settlement))
    assert words(mind) == [word]


@pytest.mark.parametrize(
    ("choice", "word"),
    [
        ("done", "ran_to_completion"),
        ("not_done", "never_started"),
        ("partial", "unconfirmed"),
        ("discarded", "unconfirmed"),
    ],
)
def test_what_a_person_saw_is_not_what_a_device_confirmed(choice: str, word: CancelOutcome) -> None:
    mind, dose = dosing()
    abort(mind, FIRST)
    mind.tell(msg.DeviceLost("pump"))
    unknown = Settlement(verdict="unknown", detail="the diary is wet")
    mind.tell(env.QueryReply(device="pump", id=dose, status="settled", settlement=unknown))
    [question] = mind.state.questions
    args: dict[str, JsonValue] = {"question": question, "answer": choice}
    mind.tell(msg.Requested("a", "answer", "Grace", "looked", args))
    assert words(mind) == [word]
    mind.settle()
    assert mind.state.runs[FIRST].status in ("stopping", "failed", "aborted")


def test_who_was_not_cancelled_gets_no_word() -> None:
    mind, dose = dosing()
    ask(mind, "stop")
    mind.end(dose)
    assert words(mind) == []
