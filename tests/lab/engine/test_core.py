"""The core's rules, one by one."""

from __future__ import annotations

import pytest

from lab.bus import envelope as env
from lab.domain import event as ev
from lab.domain.command import Outcome, Settlement
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from lab.engine import messages as msg
from tests.lab.engine.kit import (
    KitContext,
    Mind,
    check,
    command_of,
    plan_of,
    sent,
    step,
    usual_plan,
)


def dosing() -> tuple[Mind, str]:
    """A mind whose first run is dosing, and the command's id."""
    mind = Mind()
    mind.settle()
    return mind, command_of(mind.propose())


def last(mind: Mind, kind: str) -> ev.Event:
    return [event for event in mind.events if event.kind == kind][-1]


def test_the_optimiser_is_asked_once_and_only_for_what_the_budget_allows() -> None:
    mind = Mind(trials=3, parallel=4, batch=2)
    assert mind.settle() == [msg.AskOptimiser("kit-1", 2)]
    assert mind.settle() == []
    effects = mind.propose(2)
    assert msg.AskOptimiser("kit-1", 1) in effects
    assert msg.AskOptimiser("kit-1", 1) not in mind.propose(1)
    assert len(mind.state.campaigns["kit-1"].trials) == 3


def test_no_more_trials_than_the_budget_are_taken_from_the_optimiser() -> None:
    mind = Mind(trials=1)
    mind.settle()
    mind.propose(5)
    assert len(mind.state.campaigns["kit-1"].trials) == 1


def test_an_intent_comes_with_its_command_and_before_it() -> None:
    mind, command = dosing()
    intended = last(mind, "command_intended")
    assert isinstance(intended, ev.CommandIntended)
    assert intended.command.id == command
    assert mind.kinds().index("run_started") < mind.kinds().index("command_intended")


def test_a_run_goes_through_its_steps_to_a_completed_campaign() -> None:
    mind, dose = dosing()
    weigh = command_of(mind.end(dose, volume=1.0))
    mind.end(weigh, device="balance", mass=2.5)
    assert mind.kinds()[-2:] == ["trial_completed", "campaign_finished"]
    campaign = mind.state.campaigns["kit-1"]
    assert campaign.status == "completed"
    assert campaign.trials[1].value == 2.5
    observed = last(mind, "observation_recorded")
    assert isinstance(observed, ev.ObservationRecorded)
    assert (observed.name, observed.value.value, observed.command) == ("mass", 2.5, weigh)


def test_the_station_lets_no_other_run_in_between() -> None:
    mind = Mind(trials=2, parallel=2, batch=2)
    mind.settle()
    first = command_of(mind.propose(2))
    # The pump is free now, but the pot still holds the first sample.
    weighing = mind.end(first)
    assert sent(weighing) == ["weigh"]
    after = mind.end(command_of(weighing), device="balance", mass=1.0)
    assert sent(after) == ["dose"]


def test_without_a_station_the_device_is_used_at_once() -> None:
    free = plan_of(step("dose", "pump"), step("weigh", "balance", ("dose",)), stations=())
    mind = Mind(KitContext(free), trials=2, parallel=2, batch=2)
    mind.settle()
    effects = mind.end(command_of(mind.propose(2)))
    assert sorted(sent(effects)) == ["dose", "weigh"]


def test_a_device_that_is_not_ready_gets_nothing() -> None:
    mind = Mind()
    mind.record(ev.DeviceStateChanged(device="pump", state="fault", detail="stalled"))
    mind.settle()
    assert sent(mind.propose()) == []
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    assert sent(mind.settle()) == ["dose"]


def test_a_failure_without_effect_is_tried_again_as_often_as_allowed() -> None:
    mind, dose = dosing()
    weigh = command_of(mind.end(dose))
    again = mind.end(weigh, "failed_no_effect", device="balance")
    assert sent(again) == ["weigh"]
    assert command_of(again) != weigh
    after = mind.end(command_of(again), "failed_no_effect", device="balance")
    assert sent(after) == ["empty"]
    assert mind.state.runs["kit-1/r001"].status == "stopping"


def test_what_was_done_in_part_is_never_tried_again() -> None:
    mind, dose = dosing()
    after = mind.end(dose, "failed_partial")
    assert sent(after) == ["empty"]
    mind.end(command_of(after))
    run = mind.state.runs["kit-1/r001"]
    assert run.status == "failed"
    assert "in part" in run.reason
    failed = last(mind, "trial_failed")
    assert isinstance(failed, ev.TrialFailed)
    assert mind.state.campaigns["kit-1"].status == "failed"


def test_a_violated_check_repeats_a_measurement_and_then_fails_the_run() -> None:
    heavy = check("mass < 5", "too heavy")
    mind = Mind(KitContext(usual_plan(retries=1, checks=(heavy,))))
    mind.settle()
    weigh = mind.end(command_of(mind.propose()))
    again = mind.end(command_of(weigh), device="balance", mass=9.0)
    assert sent(again) == ["weigh"]
    after = mind.end(command_of(again), device="balance", mass=9.0)
    assert sent(after) == ["empty"]
    assert "too heavy" in mind.state.runs["kit-1/r001"].reason
    # Both measurements are kept: a value that was refused is data too.
    assert mind.kinds().count("observation_recorded") == 2


def test_a_violated_check_never_repeats_an_act() -> None:
    overdosed = check("mass < 5", "overdosed", "dose.mass")
    acting = plan_of(
        step("dose", "pump", checks=(overdosed,), retry={"max_retries": 3}),
        step("weigh", "balance", ("dose",)),
    )
    mind = Mind(KitContext(acting))
    mind.settle()
    assert sent(mind.end(command_of(mind.propose()), mass=9.0)) == []
    assert mind.state.runs["kit-1/r001"].status == "failed"


def test_a_refusal_that_passes_is_tried_later_and_costs_no_retry() -> None:
    mind, dose = dosing()
    mind.tell(env.Ack(device="pump", id=dose, accepted=False, reason="busy"))
    assert sent(mind.settle()) == []
    again = mind.pass_time(6)
    assert sent(again) == ["dose"]
    assert command_of(again) != dose
    assert mind.state.runs["kit-1/r001"].steps["dose"].retries == 0


@pytest.mark.parametrize("reason", ["stale_seq", "withdrawn", "expired", "retained"])
def test_a_message_that_was_refused_as_too_late_is_a_decision_and_a_new_attempt(
    reason: str,
) -> None:
    mind, dose = dosing()
    mind.tell(env.Ack(device="pump", id=dose, accepted=False, reason=reason, detail="too late"))
    assert sent(mind.settle()) == []
    [failed] = [event for event in mind.events if isinstance(event, ev.StepFailed)]
    assert (failed.retry, failed.counts, failed.attempt) == (True, False, 1)
    assert reason in failed.error
    again = mind.pass_time(6)
    assert sent(again) == ["dose"]
    assert command_of(again) != dose
    mind.end(dose, "failed_partial")
    assert mind.state.runs["kit-1/r001"].status == "running", "the refused id stays closed"


def test_a_refusal_for_bad_arguments_fails_the_run() -> None:
    mind, dose = dosing()
    mind.tell(
        env.Ack(device="pump", id=dose, accepted=False, reason="bad_args", detail="volume < 0")
    )
    mind.settle()
    assert "bad_args" in mind.state.runs["kit-1/r001"].reason


def test_silence_becomes_unknown_and_is_queried_not_repeated() -> None:
    mind, dose = dosing()
    assert mind.pass_time(80) == []
    effects = mind.pass_time(11)
    assert effects == [msg.QueryCommand(dose, "pump")]
    assert mind.state.commands[dose].status == "unknown"
    assert mind.pass_time(5) == []
    assert mind.pass_time(20) == [msg.QueryCommand(dose, "pump")]


@pytest.mark.parametrize(
    ("reply", "follows"),
    [
        ({"status": "never_seen"}, ["dose"]),
        ({"status": "running"}, []),
        ({"status": "ended", "outcome": Outcome(result="succeeded")}, ["weigh"]),
        ({"status": "settled", "settlement": Settlement(verdict="done")}, ["weigh"]),
        ({"status": "settled", "settlement": Settlement(verdict="not_done")}, ["dose"]),
        ({"status": "settled", "settlement": Settlement(verdict="partial")}, ["empty"]),
        ({"status": "settled", "settlement": Settlement(verdict="unknown")}, []),
    ],
)
def test_after_a_restart_the_device_is_asked_and_its_word_counts(
    reply: dict[str, object], follows: list[str]
) -> None:
    mind, dose = dosing()
    mind.restart()
    assert mind.settle() == []
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    mind.tell(env.State(ledger="l1", device="balance", state="ready"))
    assert mind.settle() == [msg.QueryCommand(dose, "pump")]
    mind.tell(env.QueryReply.model_validate({"device": "pump", "id": dose, **reply}))
    assert sent(mind.settle()) == follows


def test_what_the_device_cannot_tell_is_put_to_a_person() -> None:
    mind, dose = dosing()
    mind.restart()
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    mind.settle()
    settlement = Settlement(verdict="unknown", detail="power was lost")
    mind.tell(env.QueryReply(device="pump", id=dose, status="settled", settlement=settlement))
    assert mind.settle() == []
    [question] = mind.state.questions.values()
    assert "pump" in question.text
    assert "power was lost" in question.text
    assert mind.pass_time(3600) == [], "an open question is not asked of the device again"
    wrong = msg.Requested("a1", "answer", "Ada", args={"question": question.id, "answer": "maybe"})
    mind.tell(wrong)
    assert not mind.state.requests["a1"].accepted
    mind.tell(
        msg.Requested("a2", "answer", "Ada", args={"question": question.id, "answer": "not_done"})
    )
    assert sent(mind.settle()) == ["dose"]
    assert not mind.state.questions


def test_a_late_outcome_ends_an_unknown_command() -> None:
    mind, dose = dosing()
    mind.pass_time(91)
    assert sent(mind.end(dose)) == ["weigh"]


def test_nothing_settled_is_changed_by_a_late_word() -> None:
    mind, dose = dosing()
    mind.pass_time(91)
    mind.tell(env.QueryReply(device="pump", id=dose, status="never_seen"))
    again = mind.settle()
    before = mind.state
    assert mind.end(dose, "failed_partial") == []
    assert mind.state == before
    assert sent(again) == ["dose"]


def test_a_lost_device_makes_its_open_command_unknown_and_is_asked_when_it_is_back() -> None:
    mind, dose = dosing()
    mind.tell(msg.DeviceLost("pump"))
    assert mind.settle() == []
    assert mind.state.commands[dose].status == "unknown"
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    assert mind.settle() == [msg.QueryCommand(dose, "pump")]


def test_pause_lets_running_steps_end_and_starts_none() -> None:
    mind, dose = dosing()
    mind.tell(msg.Requested("p", "pause", "Ada", "lunch"))
    assert sent(mind.end(dose)) == []
    mind.tell(msg.Requested("r", "resume", "Ada"))
    assert sent(mind.settle()) == ["weigh"]


def test_stop_runs_the_safe_state_and_ends_the_campaign_as_stopped() -> None:
    mind, dose = dosing()
    mind.tell(msg.Requested("s", "stop", "Ada", "fire drill"))
    assert mind.settle() == []
    ending = mind.end(dose)
    assert sent(ending) == ["empty"]
    mind.end(command_of(ending))
    assert mind.state.campaigns["kit-1"].status == "stopped"
    assert mind.state.runs["kit-1/r001"].status == "aborted"
    assert "fire drill" in mind.state.runs["kit-1/r001"].reason


def test_safe_stops_everything_until_a_named_person_rearms() -> None:
    mind, dose = dosing()
    mind.tell(msg.Requested("s", "safe", "Ada", "smoke"))
    assert mind.settle() == [msg.MakeSafe("Ada", f"safe-j1-{mind.state.mode_seq}")]
    assert mind.settle() == []
    assert mind.end(dose, "failed_partial") == []
    assert mind.state.runs["kit-1/r001"].status == "stopping"
    nobody = msg.Requested("n", "rearm", " ")
    mind.tell(nobody)
    assert not mind.state.requests["n"].accepted
    order = f"safe-j1-{mind.state.mode_seq}"
    mind.tell(env.State(ledger="l1", device="pump", state="safe", safe_requests=(order,)))
    assert mind.settle() == []
    mind.tell(msg.Requested("r", "rearm", "Grace"))
    assert mind.settle()[0] == msg.Rearm("pump", (order,))


def test_a_repeated_request_changes_nothing() -> None:
    mind, _ = dosing()
    assert mind.tell(msg.Requested("p", "pause", "Ada"))
    assert mind.tell(msg.Requested("p", "pause", "Ada")) == []


@pytest.mark.parametrize("verb", ["resume", "rearm", "explode"])
def test_a_request_out_of_place_is_refused_with_a_reason(verb: str) -> None:
    mind, _ = dosing()
    mind.tell(msg.Requested("x", verb, "Ada"))
    answer = mind.state.requests["x"]
    assert not answer.accepted
    assert answer.detail


def test_an_optimiser_that_fails_ends_the_campaign_with_its_reason() -> None:
    mind = Mind()
    mind.settle()
    mind.tell(msg.Proposed((), "matrix is singular"))
    mind.settle()
    assert mind.state.campaigns["kit-1"].status == "failed"
    assert "singular" in mind.state.campaigns["kit-1"].reason


def test_the_safe_state_waits_for_a_device_that_is_away_but_not_for_ever() -> None:
    mind, dose = dosing()
    mind.tell(msg.DeviceLost("pump"))
    mind.tell(msg.Requested("s", "stop", "Ada"))
    mind.settle()
    mind.end(dose, "failed_partial")
    assert mind.state.runs["kit-1/r001"].status == "stopping"
    mind.pass_time(121)
    assert mind.state.runs["kit-1/r001"].steps["empty"].status == "failed"
    [question] = mind.state.questions.values()
    assert "can't be reached" in question.text
    assert mind.state.runs["kit-1/r001"].steps["empty"].status == "failed"


def test_folding_the_journal_again_gives_the_same_state() -> None:
    mind, dose = dosing()
    mind.end(command_of(mind.end(dose)), device="balance", mass=1.0)
    assert reduce_all(LabState(), mind.records) == mind.state
