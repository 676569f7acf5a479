"""A device dies while a sample is inside a longest time: it is told at once, and the campaign's policy decides."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.bus import envelope as env
from lab.cli.status_text import _hold
from lab.control.status import status_document
from lab.domain import event as ev
from lab.domain.command import Outcome
from lab.domain.holds import devices_away, holds_of, needed_for
from lab.domain.plan import Plan, TimeWindow
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from lab.engine import messages as msg
from tests.lab.engine.kit import (
    START,
    KitContext,
    Mind,
    campaign_started,
    plan_of,
    sent,
    step,
    when,
)
from tests.support.closed_loop import PlannedContext

RUN = "kit-1/r001"
AT_MOST_S = 60.0


def held_plan(on_violation: str = "scrap", to_mark: str = "start", **more: object) -> Plan:
    """Dosed on the pump, it must be on the balance within a minute."""
    fresh = TimeWindow(
        name="fresh",
        from_steps=("dose",),
        from_mark="end",
        to_steps=("weigh",),
        to_mark=to_mark,  # pyright: ignore[reportArgumentType]
        less_than_s=AT_MOST_S,
        on_violation=on_violation,  # pyright: ignore[reportArgumentType]
    )
    return plan_of(
        step("dose", "pump", claims=("pot",)),
        step("weigh", "balance", ("dose",), claims=("pot",), output_units={"mass": "g"}, **more),
        step("empty", "pump", safe_state=True, claims=("pot",), draws_from=("pot",)),
        timing=(fresh,),
    )


def in_the_hold(policy: str = "wait", plan: Plan | None = None) -> Mind:
    """The sample has been dosed and the balance has died while that went on."""
    mind = Mind(KitContext(plan or held_plan()))
    spec = campaign_started(1).model_copy(update={"hopeless_holds": policy})
    entry = mind.state.campaigns["kit-1"]
    mind.state = replace(mind.state, campaigns={"kit-1": replace(entry, spec=spec)})
    effects = mind.settle()
    effects = mind.propose()
    [dose] = [e.command.id for e in effects if isinstance(e, msg.SendCommand)]
    mind.pass_time(5.0)
    die(mind)
    mind.pass_time(5.0)
    mind.end(dose)
    return mind


def die(mind: Mind) -> None:
    mind.record(ev.DeviceStateChanged(device="balance", state="fault", detail="no response"))
    mind.settle()


def back(mind: Mind) -> list[msg.Effect]:
    mind.record(ev.DeviceStateChanged(device="balance", state="ready", ledger="l1"))
    return mind.settle()


def judged(mind: Mind) -> list[tuple[str, float]]:
    return [(e.state, e.by_s) for e in mind.events if isinstance(e, ev.HoldJudged)]


def to_the_wake(mind: Mind) -> None:
    assert mind.wake_s is not None, "it must look again by itself, nobody will call"
    mind.pass_time(mind.wake_s - mind.now.timestamp())


def finish(mind: Mind, effects: list[msg.Effect]) -> None:
    for effect in effects:
        if isinstance(effect, msg.SendCommand):
            outputs = {"mass": 1.0} if effect.command.step == "weigh" else {}
            mind.pass_time(10.0)
            finish(mind, mind.end(effect.command.id, "succeeded", effect.command.device, **outputs))


def test_the_danger_is_told_at_once_by_name_and_with_the_time_that_is_left():
    mind = in_the_hold()
    told = next(e for e in mind.events if isinstance(e, ev.HoldJudged))
    assert (told.run, told.window, told.first, told.second) == (RUN, "fresh", "dose", "weigh")
    assert told.state == "endangered"
    assert told.away == ("balance",)
    assert told.reason == "balance is fault (no response)"
    assert told.until is not None
    # dosing ends ten seconds after it began, a minute later the balance is due
    assert (told.until - START).total_seconds() == pytest.approx(10 + AT_MOST_S)
    [shown] = status_document(mind.state, mind.now)["holds"]
    assert (shown["state"], shown["away"]) == ("endangered", ["balance"])
    assert "is in danger: balance is fault (no response); due by" in _hold(shown)


def test_a_device_that_is_back_in_time_leaves_no_trace_on_the_sample():
    mind = in_the_hold("scrap")
    mind.pass_time(30.0)
    finish(mind, back(mind))
    assert [state for state, _ in judged(mind)] == ["endangered", "safe"]
    run = mind.state.runs[RUN]
    assert (run.status, run.flags) == ("succeeded", ())
    assert status_document(mind.state, mind.now)["holds"] == []


def test_wait_flags_the_sample_and_goes_on_when_the_device_is_back():
    mind = in_the_hold("wait", held_plan("flag"))
    to_the_wake(mind)
    assert [state for state, _ in judged(mind)] == ["endangered", "hopeless"]
    run = mind.state.runs[RUN]
    assert [flag.kind for flag in run.flags] == ["timing"]
    assert "fresh can't be kept any more: at most 60 s from dose to weigh" in run.flags[0].reason
    assert "balance is fault" in run.flags[0].reason
    assert run.status == "running"
    [shown] = status_document(mind.state, mind.now)["holds"]
    assert shown["state"] == "hopeless"
    assert _hold(shown) == (
        "  LIMIT fresh of kit-1/r001 (dose to weigh) can't be kept, by 2 s; "
        "the sample is flagged and goes on when it can"
    )
    mind.pass_time(600.0)
    assert len(judged(mind)) == 2, "it is told once"
    finish(mind, back(mind))
    assert mind.state.runs[RUN].status == "succeeded"
    assert not mind.state.runs[RUN].timing["fresh"].kept


def test_wait_leaves_what_follows_to_the_sop():
    mind = in_the_hold("wait", held_plan("scrap"))
    mind.pass_time(300.0)
    assert mind.state.runs[RUN].status == "running"
    finish(mind, back(mind))
    assert mind.state.runs[RUN].status == "aborted"


@pytest.mark.parametrize("on_violation", ["flag", "scrap", "abort"])
def test_scrap_gives_the_sample_up_at_once_and_frees_its_place(on_violation):
    mind = in_the_hold("scrap", held_plan(on_violation))
    assert mind.state.runs[RUN].status == "running"
    to_the_wake(mind)
    run = mind.state.runs[RUN]
    assert run.status == "stopping"
    assert "can't be kept any more" in run.reason
    [emptying] = [e for e in mind.effects if isinstance(e, msg.SendCommand)][-1:]
    assert emptying.command.step == "empty"
    mind.end(emptying.command.id)
    run = mind.state.runs[RUN]
    assert run.status == "aborted"
    assert [flag.kind for flag in run.flags] == ["timing"]
    assert (mind.now - START).total_seconds() < 10 + AT_MOST_S + 5, (
        "not only when the device is back"
    )


def ask(mind: Mind) -> ev.QuestionAsked:
    to_the_wake(mind)
    [question] = [e for e in mind.events if isinstance(e, ev.QuestionAsked)]
    assert question.choices == ("continue", "abort")
    assert RUN in question.text
    assert "dose to weigh" in question.text
    return question


def answer(mind: Mind, question: str, word: str, reason: str = "") -> None:
    args = {"question": question, "answer": word}
    mind.tell(msg.Requested(f"r-{word}", "answer", "Ada", reason, args))


def test_ask_holds_the_run_until_a_person_lets_it_go_on_and_the_sop_does_not_scrap_it_then():
    mind = in_the_hold("ask", held_plan("scrap"))
    question = ask(mind)
    assert sent(back(mind)) == [], "held"
    answer(mind, question.question, "continue", "it is only a test")
    finish(mind, mind.settle())
    run = mind.state.runs[RUN]
    assert run.status == "succeeded"
    assert [flag.kind for flag in run.flags] == ["timing", "timing"]
    assert [state for state, _ in judged(mind)] == ["endangered", "hopeless", "excused"]
    assert mind.state.questions == {}


def test_ask_gives_it_up_on_a_person_s_word():
    mind = in_the_hold("ask")
    question = ask(mind)
    answer(mind, question.question, "abort", "the salt is wet")
    mind.settle()
    run = mind.state.runs[RUN]
    assert run.status == "stopping"
    assert run.reason.endswith("given up by Ada: the salt is wet")


def test_ask_takes_no_other_answer():
    mind = in_the_hold("ask")
    question = ask(mind)
    answer(mind, question.question, "retry")
    assert mind.state.questions
    assert mind.state.runs[RUN].status == "running"


def test_nothing_with_a_longest_time_begins_while_a_device_that_it_takes_is_away():
    mind = Mind(KitContext(held_plan()))
    mind.settle()
    die(mind)
    mind.propose()
    assert "command_intended" not in mind.kinds()
    [run] = status_document(mind.state, mind.now)["runs"]
    [wait] = run["waits"]
    assert wait["kind"] == "device"
    assert wait["waits_for"].startswith(
        "balance, which is fault: a longest time that runs from here"
    )
    assert sent(back(mind)) == ["dose"]


def test_without_a_longest_time_it_begins():
    free = held_plan().model_copy(update={"timing": ()})
    mind = Mind(KitContext(free))
    mind.settle()
    die(mind)
    assert sent(mind.propose()) == ["dose"]


def test_a_restart_in_the_hold_forgets_nothing():
    mind = in_the_hold("scrap")
    mind.restart()
    mind.record(ev.DeviceStateChanged(device="pump", state="ready", ledger="l1"))
    mind.settle()
    mind.pass_time(AT_MOST_S + 5.0)
    assert mind.state.runs[RUN].status in ("stopping", "aborted")
    assert judged(mind)[-1][0] == "hopeless"


def test_in_a_lab_that_is_made_safe_nothing_is_judged():
    mind = in_the_hold("ask")
    mind.record(ev.LabMadeSafe(actor="Ada", reason="smoke"))
    mind.pass_time(600.0)
    assert not any(isinstance(e, ev.QuestionAsked) and e.step == "weigh" for e in mind.events)


def test_what_the_plan_cannot_keep_is_named_before_the_sample_has_begun():
    """Two samples of one balance: heated together, the second would wait too long. A limit of zero seconds shows it."""
    slow = held_plan("flag")
    steps = (*slow.steps[:1], slow.steps[1].model_copy(update={"needs": ("rest",)}), slow.steps[2])
    rest = step("rest", "stirrer", ("dose",), duration_s=100.0, claims=("pot",))
    impossible = slow.model_copy(update={"steps": (steps[0], rest, *steps[1:])})
    mind = Mind(PlannedContext((impossible,)))
    mind.record(ev.DeviceStateChanged(device="stirrer", state="ready", ledger="l1"))
    mind.settle()
    mind.tell(msg.Proposed((msg.Proposal({"x": 0.5}, "sobol"),)))
    mind.settle()
    told = next(e for e in mind.events if isinstance(e, ev.HoldJudged))
    assert (told.state, told.first, told.second) == ("endangered", "dose", "weigh")
    assert told.by_s == pytest.approx(100 - AT_MOST_S)
    assert told.reason == "the plan takes 40 s too long from dose to weigh"
    [shown] = status_document(mind.state, mind.now)["holds"]
    assert shown["by_s"] == pytest.approx(40.0)


def test_replayed_records_give_the_same_judgements():
    mind = in_the_hold("wait")
    mind.pass_time(100.0)
    first = mind.records[1].model_copy(update={"event": mind.state.campaigns["kit-1"].spec})
    assert reduce_all(LabState(), [mind.records[0], first, *mind.records[2:]]) == mind.state


# -- the bound itself --------------------------------------------------------------------------------


def dosed(mind: Mind):
    return mind.state.runs[RUN]


def test_slack_counts_what_the_run_itself_must_still_do():
    mind = in_the_hold(plan=held_plan(to_mark="end", duration_s=25.0))
    [hold] = holds_of(dosed(mind), mind.now.timestamp())
    assert hold.begun
    assert hold.slack_s == pytest.approx(AT_MOST_S - 25.0)
    [later] = holds_of(dosed(mind), mind.now.timestamp() + 30.0)
    assert later.slack_s == pytest.approx(AT_MOST_S - 25.0 - 30.0)


def test_a_step_that_may_be_skipped_takes_no_time():
    maybe = held_plan(to_mark="end", duration_s=500.0, when=when(heavy=True))
    mind = in_the_hold(plan=held_plan(to_mark="end"))
    run = replace(dosed(mind), plan=maybe)
    [hold] = holds_of(run, mind.now.timestamp())
    assert hold.slack_s == pytest.approx(AT_MOST_S)
    [taken] = holds_of(replace(run, decisions={"heavy": True}), mind.now.timestamp())
    assert taken.slack_s == pytest.approx(AT_MOST_S - 500.0)


def test_a_limit_that_has_not_begun_is_none_yet():
    mind = Mind(KitContext(held_plan()))
    mind.settle()
    mind.record(ev.DeviceStateChanged(device="pump", state="ready", ledger="l1"))
    mind.propose()
    run = mind.state.runs[RUN]
    [hold] = holds_of(run, mind.now.timestamp())
    assert not hold.begun, "dosing still runs"
    waiting = replace(
        run, steps={**run.steps, "dose": replace(run.steps["dose"], status="waiting")}
    )
    assert holds_of(waiting, mind.now.timestamp()) == []


def test_only_devices_that_are_still_needed_count():
    mind = in_the_hold()
    assert [planned.path for planned in needed_for(held_plan(), "weigh")] == ["dose", "weigh"]
    assert list(devices_away(dosed(mind), "weigh", mind.state.devices)) == ["balance"]
    pump_down = {**mind.state.devices, "pump": replace(mind.state.devices["pump"], state="lost")}
    assert list(devices_away(dosed(mind), "weigh", pump_down)) == ["balance"], "dosing is over"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0.5, 40.0), min_size=1, max_size=8),
    st.sampled_from(["wait", "scrap", "ask"]),
)
def test_whatever_happens_when_the_verdict_is_right(pauses, policy):
    """Hopeless is only said of a limit that the step, begun at that very moment, would break; and it is said in time."""
    mind = in_the_hold(policy, held_plan("flag"))
    ended = mind.now.timestamp()
    for pause in pauses:
        mind.pass_time(pause)
        said = any(e.state == "hopeless" for e in mind.events if isinstance(e, ev.HoldJudged))
        late = mind.now.timestamp() - ended - AT_MOST_S
        assert said == (late > 1.0) or 0.0 < late <= 1.0
    finish(mind, back(mind))
    timing = mind.state.runs[RUN].timing.get("fresh")
    if timing is not None and timing.kept:
        assert not any(state == "hopeless" for state, _ in judged(mind))


def test_an_outcome_after_all_ends_the_danger():
    """The balance answers what it was asked before it died: the limit was kept, and nothing more is said."""
    mind = Mind(KitContext(held_plan()))
    mind.settle()
    effects = mind.propose()
    [dose] = [e.command.id for e in effects if isinstance(e, msg.SendCommand)]
    mind.pass_time(10.0)
    effects = mind.end(dose)
    assert sent(effects) == ["weigh"]
    die(mind)
    [weigh] = [e.command.id for e in effects if isinstance(e, msg.SendCommand)]
    outcome = Outcome(result="succeeded", outputs={"mass": 1.0})
    mind.tell(env.OutcomeMessage(device="balance", id=weigh, outcome=outcome))
    mind.settle()
    assert judged(mind) == []
