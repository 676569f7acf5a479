"""Messages that are lost, late or come at a bad moment must not leave anybody waiting for ever."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lab.bus import envelope as env
from lab.domain import event as ev
from lab.domain.command import Outcome, Settlement
from lab.engine import messages as msg
from tests.lab.engine.kit import DEVICES, KitContext, Mind, command_of, plan_of, sent, step


def dosing(trials: int = 1) -> tuple[Mind, str]:
    """A mind whose first run is dosing, and the command's id."""
    mind = Mind(trials=trials)
    mind.settle()
    return mind, command_of(mind.propose())


def ask(mind: Mind, verb: str, actor: str = "Ada", reason: str = "") -> list[msg.Effect]:
    name = f"r{len(mind.state.requests)}"
    mind.tell(msg.Requested(name, verb, actor, reason))
    assert mind.state.requests[name].accepted, mind.state.requests[name].detail
    return mind.settle()


def safe_orders(effects: list[msg.Effect]) -> list[str]:
    return [effect.id for effect in effects if isinstance(effect, msg.MakeSafe)]


def test_after_a_query_the_core_asks_to_be_woken_for_the_next_one() -> None:
    mind, dose = dosing()
    mind.pass_time(91)
    asked_s: list[float] = []
    while len(asked_s) < 3:
        assert mind.wake_s is not None
        effects = mind.pass_time(mind.wake_s - mind.now.timestamp())
        if effects:  # in between it wakes to plan anew, as the step is late
            assert effects == [msg.QueryCommand(dose, "pump")]
            asked_s.append(mind.now.timestamp())
    assert [b - a for a, b in pairwise(asked_s)] == [20.0, 20.0]


@pytest.mark.parametrize(("batch", "parallel", "asked"), [(4, 2, 2), (2, 4, 2), (3, 1, 1)])
def test_a_batch_is_never_larger_than_what_may_run_at_once(
    batch: int, parallel: int, asked: int
) -> None:
    mind = Mind(trials=8, batch=batch, parallel=parallel)
    assert mind.settle() == [msg.AskOptimiser("kit-1", asked)]


def test_a_quick_reboot_is_asked_about_at_once() -> None:
    mind, dose = dosing()
    mind.tell(env.Ack(device="pump", id=dose, accepted=True))
    mind.settle()
    # The gateway tells both in one breath, so the core never looks in between.
    mind.tell(msg.DeviceLost("pump"))
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    assert mind.settle() == [msg.QueryCommand(dose, "pump")]
    assert "lost" in mind.state.commands[dose].reason


def test_losing_a_device_says_nothing_of_the_commands_of_others() -> None:
    mind, dose = dosing()
    mind.tell(msg.DeviceLost("balance"))
    assert mind.state.commands[dose].status == "intent"


def test_a_question_is_withdrawn_when_the_device_s_late_word_answers_it() -> None:
    mind, dose = dosing()
    mind.pass_time(91)
    unknown = Settlement(verdict="unknown", detail="no counter")
    mind.tell(env.QueryReply(device="pump", id=dose, status="settled", settlement=unknown))
    assert len(mind.state.questions) == 1
    assert sent(mind.end(dose)) == ["weigh"]
    assert not mind.state.questions


def test_an_optimiser_that_fails_does_not_end_the_campaign_under_a_sample() -> None:
    mind, dose = dosing(trials=2)
    assert mind.inflight.asking, "asked while the first sample is on the bench"
    mind.tell(msg.Proposed((), "singular"))
    assert mind.settle() == []
    assert not mind.inflight.asking, "and not asked again at once"
    weigh = command_of(mind.end(dose))
    after = mind.end(weigh, device="balance", mass=1.0)
    assert after == [msg.AskOptimiser("kit-1", 1)], "with the new result it may succeed"
    mind.tell(msg.Proposed((), "singular"))
    mind.settle()
    campaign = mind.state.campaigns["kit-1"]
    assert (campaign.status, campaign.trials[1].status) == ("failed", "done")


def one_behind_the_other() -> tuple[Mind, str, str]:
    """One sample is weighed in the cell, the next one is dosed into the pot; the mind and both commands."""
    plan = plan_of(
        step("dose", "pump", claims=("pot",)),
        step("transfer", "pump", ("dose",), claims=("pot", "cell"), draws_from=("pot",)),
        step("weigh", "balance", ("transfer",), claims=("cell",)),
        step("empty_pot", "pump", safe_state=True, claims=("pot",), draws_from=("pot",)),
        step("empty_cell", "pump", safe_state=True, claims=("cell",), draws_from=("cell",)),
        stations=("pot", "cell"),
    )
    mind = Mind(KitContext(plan), trials=2, parallel=2, batch=2)
    mind.settle()
    effects = mind.end(command_of(mind.end(command_of(mind.propose(2)))))
    commands = {e.command.step: e.command.id for e in effects if isinstance(e, msg.SendCommand)}
    return mind, commands["weigh"], commands["dose"]


def emptied(mind: Mind) -> set[tuple[str, str]]:
    """Which run emptied what; ends all that is open with success."""
    for _ in range(6):
        for entry in mind.state.open_commands():
            mind.end(entry.command.id, device=entry.command.device, mass=1.0)
    commands = [e.command for e in mind.events if isinstance(e, ev.CommandIntended)]
    return {(c.run[-1], c.step) for c in commands if "empty" in c.step}


def test_a_run_that_fails_does_not_wait_for_the_place_of_the_next_one_nor_empty_it() -> None:
    mind, weigh, _dose = one_behind_the_other()
    mind.end(weigh, "failed_partial", device="balance")
    assert emptied(mind) == {("1", "empty_cell")}
    assert [run.status for run in mind.state.runs.values()] == ["failed", "succeeded"]


def test_runs_that_stop_together_each_empty_their_own_place() -> None:
    mind, weigh, dose = one_behind_the_other()
    ask(mind, "stop")
    mind.end(weigh, "failed_partial", device="balance")
    mind.end(dose)
    done = emptied(mind)
    assert {("1", "empty_cell"), ("2", "empty_pot")} <= done
    assert ("1", "empty_pot") not in done
    assert not mind.state.open_runs()
    assert mind.state.campaigns["kit-1"].status == "stopped"


def test_a_run_whose_last_step_ends_after_the_stop_has_succeeded() -> None:
    mind, weigh, dose = one_behind_the_other()
    ask(mind, "stop")
    mind.end(weigh, device="balance", mass=1.0)
    mind.end(dose)
    emptied(mind)
    assert [run.status for run in mind.state.runs.values()] == ["succeeded", "aborted"]
    assert mind.state.campaigns["kit-1"].best_trial == 1


# -- safe -------------------------------------------------------------------------------------------


def kept_safe(mind: Mind, device: str, *requests: str) -> list[msg.Effect]:
    mind.tell(env.State(ledger="l1", device=device, state="safe", safe_requests=requests))
    return mind.settle()


def lifted(effects: list[msg.Effect]) -> list[tuple[str, tuple[str, ...]]]:
    return [(effect.device, effect.lifts) for effect in effects if isinstance(effect, msg.Rearm)]


def test_a_device_that_has_not_heard_of_safe_is_told_again_until_it_has() -> None:
    mind, _ = dosing()
    [order] = safe_orders(ask(mind, "safe"))
    assert mind.wake_s is not None
    assert safe_orders(mind.pass_time(21)) == [order]
    for device in DEVICES:
        mind.tell(env.SafeReply(device=device, id=order, confirmed=True))
    assert safe_orders(mind.pass_time(100)) == []


def test_a_second_request_to_be_safe_is_a_second_order() -> None:
    mind, _ = dosing()
    first, second = safe_orders(ask(mind, "safe")), safe_orders(ask(mind, "safe"))
    assert len(first) == len(second) == 1
    assert first != second


def test_a_new_engine_tells_a_safe_lab_to_be_safe() -> None:
    mind, _ = dosing()
    [order] = safe_orders(ask(mind, "safe"))
    mind.restart()
    assert safe_orders(mind.settle()) == [order]


def test_a_new_engine_does_not_re_arm_by_itself() -> None:
    mind, _ = dosing()
    ask(mind, "safe")
    ask(mind, "rearm")
    mind.restart()
    for device in DEVICES:
        mind.tell(
            env.State(ledger="l1", device=device, state="safe", safe_requests=("somebody-else-s",))
        )
    assert lifted(mind.settle()) == []
    # It is kept safe by what nobody here has lifted: a person may ask once more, although the lab runs.
    assert lifted(ask(mind, "rearm", "Grace")) == [
        (device, ("somebody-else-s",)) for device in DEVICES
    ]


def test_a_re_arming_names_what_it_lifts_and_lifts_nothing_newer() -> None:
    mind, _ = dosing()
    [first] = safe_orders(ask(mind, "safe"))
    kept_safe(mind, "balance", "an-old-one", first)
    ask(mind, "rearm", "Grace")
    [rearmed] = [event for event in mind.events if isinstance(event, ev.LabRearmed)]
    assert set(rearmed.lifts) == {first, "an-old-one"}
    [second] = safe_orders(ask(mind, "safe"))
    effects = kept_safe(mind, "balance", first, second)
    assert lifted(effects) == [], "nothing is lifted while the lab is safe"
    ask(mind, "rearm", "Grace")
    assert lifted(mind.effects)[-1] == ("balance", (first, second))


def test_a_device_that_missed_its_re_arming_is_told_again_and_so_by_the_next_engine() -> None:
    mind, _ = dosing()
    [order] = safe_orders(ask(mind, "safe"))
    ask(mind, "rearm")
    assert lifted(kept_safe(mind, "pump", order)) == [("pump", (order,))]
    assert lifted(mind.pass_time(1)) == []
    assert lifted(mind.pass_time(20)) == [("pump", (order,))]
    mind.restart()
    assert lifted(kept_safe(mind, "pump", order)) == [("pump", (order,))]
    mind.tell(env.State(ledger="l1", device="pump", state="ready"))
    assert lifted(mind.pass_time(100)) == []


def test_without_a_safe_device_there_is_nothing_to_re_arm() -> None:
    mind, _ = dosing()
    mind.tell(msg.Requested("x", "rearm", "Ada"))
    assert not mind.state.requests["x"].accepted


def test_re_arming_a_device_does_not_end_a_pause() -> None:
    mind, dose = dosing()
    mind.tell(env.State(ledger="l1", device="balance", state="safe"))
    ask(mind, "pause")
    ask(mind, "rearm")
    assert mind.state.mode == "paused"
    assert sent(mind.end(dose)) == []


def test_a_late_word_of_being_safe_does_not_take_a_re_armed_device_away() -> None:
    mind, _ = dosing()
    [order] = safe_orders(ask(mind, "safe"))
    ask(mind, "rearm")
    mind.tell(env.State(ledger="l1", device="balance", state="ready"))
    mind.tell(env.SafeReply(device="balance", id=order, confirmed=True))
    assert mind.kinds()[-1] == "device_made_safe", "the fact is recorded"
    assert mind.state.devices["balance"].state == "ready"


@pytest.mark.parametrize("stopped", [True, False])
def test_a_stop_before_safe_is_still_a_stop_after_it(stopped: bool) -> None:
    mind, dose = dosing(trials=2)
    if stopped:
        ask(mind, "stop", "Ada", "enough")
    ask(mind, "safe", "Bob", "smoke")
    mind.end(dose, "failed_partial")
    mind.end(command_of(ask(mind, "rearm", "Grace")))
    campaign = mind.state.campaigns["kit-1"]
    assert campaign.status == ("stopped" if stopped else "running")
    assert ("enough" in campaign.reason) == stopped
    stopping = [event for event in mind.events if isinstance(event, ev.LabStopping)]
    assert {event.actor for event in stopping} <= {"Ada"}


def test_the_next_campaign_is_not_stopped_by_the_last_one_s_stop() -> None:
    mind, dose = dosing()
    ask(mind, "stop")
    ending = mind.end(dose)
    mind.end(command_of(ending))
    assert mind.state.campaigns["kit-1"].status == "stopped"
    started = mind.state.campaigns["kit-1"].spec.model_copy(update={"campaign": "kit-2"})
    mind.record(started)
    ask(mind, "safe")
    ask(mind, "rearm")
    assert mind.state.mode == "running"


def test_an_outcome_that_contradicts_a_refusal_changes_nothing() -> None:
    mind, dose = dosing()
    mind.tell(env.Ack(device="pump", id=dose, accepted=False, reason="busy"))
    outcome = Outcome(result="succeeded")
    assert mind.tell(env.OutcomeMessage(device="pump", id=dose, outcome=outcome)) == []
