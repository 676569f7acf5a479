"""State out of events: replays, sharing, frozen values, and every kind of event."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain import event as ev
from lab.domain.command import Outcome, Settlement
from lab.domain.ids import run_id
from lab.domain.plan import Slot
from lab.domain.reduce import reduce, reduce_all
from lab.domain.state import LabState
from tests.lab.domain.story import RUN, SAMPLE, Story
from tests.support.sample_journal import CAMPAIGN, START


def recorded(events: list[tuple[ev.Event, float]], first: int = 1) -> list[ev.Recorded]:
    return [
        ev.Recorded(seq=first + n, epoch=1, at=START + timedelta(seconds=at_s), event=event)
        for n, (event, at_s) in enumerate(events)
    ]


def test_the_sample_uses_most_kinds_and_the_rest_are_told_here():
    kinds = {
        get_args(kind.model_fields["kind"].annotation)[0]
        for kind in get_args(get_args(ev.Event)[0])
    }
    seen = {record.event.kind for record in SAMPLE}
    assert kinds - seen == {
        "cancel_asked",
        "plan_judged",
        "hold_judged",
        "results_added",
        "cancel_settled",
        "interlock_changed",
        "command_refused",
        "command_unknown",
        "command_settled",
        "device_made_safe",
        "lab_made_safe",
        "lab_paused",
        "lab_rearmed",
        "lab_resumed",
        "lab_stopping",
        "question_asked",
        "question_answered",
        "request_received",
        "request_answered",
        "decision_made",
        "steps_skipped",
        "sample_flagged",
        "task_asked",
        "task_answered",
        "task_witnessed",
        "timing_recorded",
        "quality_recorded",
        "trial_approved",
        "trial_edited",
        "trial_rejected",
        "trial_withdrawn",
        "space_vetoed",
        "context_told",
        "context_awaited",
        "stopping_judged",
    }


def test_what_a_run_finds_is_kept_with_it(story):
    story.tell(ev.DecisionMade(run=RUN, decision="clear", value=False, detail="turbid"))
    story.tell(ev.SampleFlagged(run=RUN, step="weigh", flag="check", reason="light"))
    timing = ev.TimingRecorded(run=RUN, window="quench", lag_s=3.0, kept=True)
    story.tell(timing)
    judged = ev.QualityRecorded(
        run=RUN, name="blank", check="blank", value=0.1, unit="g", accepted=True
    )
    story.tell(judged)
    run = story.state.runs[RUN]
    assert run.decisions == {"clear": False}
    assert [(flag.kind, flag.step, flag.reason) for flag in run.flags] == [
        ("check", "weigh", "light")
    ]
    assert run.timing == {"quench": timing}
    assert run.quality == {"blank": judged}


def asked(task="t-1", step="weigh"):
    return ev.TaskAsked(
        task=task, run=RUN, step=step, attempt=1, prompt="Look", sign="witness", timeout_s=60
    )


def test_a_task_ends_with_its_witness_and_goes_with_its_step(story):
    story.tell(asked())
    assert story.state.runs[RUN].steps["weigh"].status == "running"
    assert not story.state.tasks["t-1"].ended
    story.tell(ev.TaskAnswered(task="t-1", run=RUN, step="weigh", actor="Ada"))
    assert not story.state.tasks["t-1"].ended
    story.tell(ev.TaskWitnessed(task="t-1", run=RUN, step="weigh", actor="Bob"))
    assert story.state.tasks["t-1"].ended
    story.tell(ev.StepSucceeded(run=RUN, step="weigh", outputs={}))
    assert not story.state.tasks


def test_nobody_is_asked_for_a_run_that_is_being_ended(story):
    story.tell(asked())
    story.tell(
        ev.QuestionAsked(
            question="h-1", command="", run=RUN, step="tare", text="?", choices=("skip", "abort")
        )
    )
    story.tell(ev.RunStopping(run=RUN, outcome="aborted", reason="fire drill"))
    assert not story.state.tasks
    assert not story.state.questions
    step = story.state.runs[RUN].steps["weigh"]
    assert step.status == "failed"
    assert "withdrawn" in step.error


def test_skipped_steps_let_others_pass_and_ask_for_a_new_timeline(story):
    story.tell(ev.StepFailed(run=RUN, step="weigh", attempt=1, error="jammed", retry=False))
    story.tell(ev.TimelinePlanned(campaign=CAMPAIGN, origin=START, reason="now", slots=()))
    assert not story.state.campaigns[CAMPAIGN].plan_stale
    story.tell(ev.StepsSkipped(run=RUN, steps=("weigh", "stir"), reason="it failed"))
    steps = story.state.runs[RUN].steps
    assert [steps[name].passed for name in ("weigh", "stir", "heat")] == [True, True, False]
    assert (steps["weigh"].error, steps["stir"].error) == ("jammed", "")
    assert story.state.campaigns[CAMPAIGN].plan_stale


def test_a_doubt_is_remembered_when_the_device_has_spoken(story):
    command = story.intend()
    story.tell(ev.CommandUnknown(command=command.id, device="balance", reason="silence"))
    ended = ev.CommandEnded(
        command=command.id, device="balance", outcome=Outcome(result="succeeded")
    )
    story.tell(ended)
    assert story.state.commands[command.id].doubted
    assert story.state.commands[command.id].status == "done"


def test_every_kind_of_event_is_handled(story):
    command = story.intend()
    for event in (
        ev.InterlockChanged(interlock="x", state="open", detail="hot", blocks=("balance",)),
        ev.CancelAsked(
            command=command.id, device="balance", run=RUN, step=command.step, actor="Ada"
        ),
        ev.CancelSettled(
            command=command.id,
            device="balance",
            run=RUN,
            step=command.step,
            outcome="unconfirmed",
        ),
        ev.CommandUnknown(command=command.id, device="balance", reason="silence"),
        ev.QuestionAsked(
            question="q1", command=command.id, run=RUN, text="Is it empty?", choices=("yes", "no")
        ),
        ev.QuestionAnswered(question="q1", answer="yes", actor="Ada"),
        ev.CommandSettled(
            command=command.id,
            device="balance",
            settlement=Settlement(verdict="done"),
            by="person",
            actor="Ada",
        ),
        ev.CommandRefused(command=command.id, device="balance", reason="expired"),
        ev.DeviceMadeSafe(device="balance", confirmed=True),
        ev.RequestReceived(request="a", verb="pause", actor="Ada"),
        ev.RequestAnswered(request="a", accepted=True, detail="paused"),
        ev.LabPaused(actor="Ada"),
        ev.LabResumed(actor="Ada"),
        ev.LabStopping(actor="Ada"),
        ev.LabMadeSafe(actor="Ada"),
        ev.LabRearmed(actor="Ada"),
    ):
        assert isinstance(story.tell(event), LabState)  # an unhandled kind would give None


def test_replaying_gives_the_same_state():
    assert reduce_all(LabState(), SAMPLE) == reduce_all(LabState(), SAMPLE)


@given(st.integers(0, len(SAMPLE)))
def test_a_restart_anywhere_changes_nothing(cut):
    half = reduce_all(LabState(), SAMPLE[:cut])
    assert reduce_all(half, SAMPLE[cut:]) == _WHOLE


_WHOLE = reduce_all(LabState(), SAMPLE)


def test_reducing_leaves_the_old_state_as_it_was():
    state = reduce_all(LabState(), SAMPLE[:100])
    again = reduce_all(LabState(), SAMPLE[:100])
    reduce_all(state, SAMPLE[100:])
    assert state == again


def test_what_does_not_change_is_shared():
    state = reduce_all(LabState(), SAMPLE[:100])
    after = reduce(state, recorded([(ev.LabPaused(actor="Ada"), 0)], first=101)[0])
    assert after.runs is state.runs
    assert after.campaigns is state.campaigns


def test_states_are_frozen():
    state = reduce_all(LabState(), SAMPLE)
    run = state.runs[RUN]
    for value, name in ((state, "mode"), (run, "status"), (run.steps["tare"], "status")):
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, "running")


def test_the_end_of_the_sample():
    campaign = _WHOLE.campaigns[CAMPAIGN]
    assert campaign.status == "completed"
    assert campaign.ended_s is not None
    assert _WHOLE.active_campaign is None
    assert _WHOLE.open_runs() == ()
    assert _WHOLE.open_commands() == ()
    assert campaign.open_trials == ()
    assert [t.status for t in campaign.trials.values()].count("failed") == 1
    assert _WHOLE.runs[run_id(CAMPAIGN, 3)].status == "failed"
    assert _WHOLE.seq == len(SAMPLE)
    assert len(_WHOLE.devices) == 12


def test_best_follows_the_direction_and_skips_failures():
    campaign = _WHOLE.campaigns[CAMPAIGN]
    values = {t.number: t.value for t in campaign.trials.values() if t.value is not None}
    best = campaign.best()
    assert best is not None
    assert best.value == max(values.values())
    objective = campaign.spec.objective.model_copy(update={"direction": "minimize"})
    turned = replace(campaign, spec=campaign.spec.model_copy(update={"objective": objective}))
    worst = turned.best()
    assert worst is not None
    assert worst.value == min(values.values())
    assert replace(campaign, trials={}).best() is None


def test_equal_values_keep_the_earlier_trial():
    campaign = _WHOLE.campaigns[CAMPAIGN]
    same = {n: replace(t, value=1.0) for n, t in campaign.trials.items()}
    best = replace(campaign, trials=same).best()
    assert best is not None
    assert best.number == 1


@pytest.mark.parametrize(
    ("event", "mode", "reason"),
    [
        (ev.LabPaused(actor="Ada", reason="lunch"), "paused", "lunch"),
        (ev.LabStopping(actor="Ada", reason="enough"), "stopping", "enough"),
        (ev.LabMadeSafe(actor="Ada", reason="smoke"), "safe", "smoke"),
        (ev.LabResumed(actor="Ada"), "running", ""),
    ],
)
def test_modes_remember_who_and_why(story, event, mode, reason):
    story.tell(ev.LabPaused(actor="Bo", reason="earlier"), 5.0)
    state = story.tell(event, 10.0)
    assert (state.mode, state.mode_actor, state.mode_reason) == (mode, "Ada", reason)
    assert state.mode_since_s == START.timestamp() + 10.0


def test_re_arming_ends_safe_and_nothing_else(story):
    story.tell(ev.LabMadeSafe(actor="Bo", reason="smoke"), 5.0)
    state = story.tell(ev.LabRearmed(actor="Ada"), 10.0)
    assert (state.mode, state.mode_actor, state.mode_reason) == ("running", "Ada", "")
    story.tell(ev.LabPaused(actor="Bo", reason="lunch"), 20.0)
    state = story.tell(ev.LabRearmed(actor="Ada"), 30.0)
    assert (state.mode, state.mode_actor, state.mode_reason) == ("paused", "Bo", "lunch")


def test_what_was_asked_to_stop_is_remembered_while_the_lab_is_safe(story):
    assert story.state.stop_asked is None
    story.tell(ev.LabStopping(actor="Ada", reason="enough"))
    state = story.tell(ev.LabMadeSafe(actor="Bo"))
    assert state.mode == "safe"
    assert state.stop_asked == ("Ada", "enough")


def test_a_new_campaign_does_not_re_arm_the_lab():
    told = Story()
    told.tell(ev.LabMadeSafe(actor="Ada"))
    started = next(r.event for r in SAMPLE if r.event.kind == "campaign_started")
    assert told.tell(started).mode == "safe"
    told = Story()
    told.tell(ev.LabPaused(actor="Ada"))
    assert told.tell(started).mode == "running"


def test_a_step_from_intent_to_success(story):
    command = story.intend(at_s=1.0)
    step = story.state.runs[RUN].steps["tare"]
    assert (step.status, step.attempt, step.command) == ("running", 1, command.id)
    assert story.state.open_commands()[0].status == "intent"
    story.tell(ev.CommandAccepted(command=command.id, device="balance"))
    outcome = Outcome(result="succeeded", outputs={"mass": 0.0})
    story.tell(ev.CommandEnded(command=command.id, device="balance", outcome=outcome), 2.0)
    assert story.state.commands[command.id].status == "done"
    assert story.state.commands[command.id].outcome == outcome
    state = story.tell(ev.StepSucceeded(run=RUN, step="tare", outputs={"mass": 0.0}), 2.0)
    step = state.runs[RUN].steps["tare"]
    assert (step.status, step.outputs) == ("succeeded", {"mass": 0.0})
    assert step.started_s == START.timestamp() + 1.0
    assert step.ended_s == START.timestamp() + 2.0


def test_a_retry_waits_and_counts(story):
    story.intend(at_s=1.0)
    failed = ev.StepFailed(
        run=RUN, step="tare", attempt=1, error="drift", retry=True, retry_delay_s=5
    )
    step = story.tell(failed, 2.0).runs[RUN].steps["tare"]
    assert (step.status, step.retries, step.error) == ("waiting", 1, "drift")
    assert step.not_before_s == START.timestamp() + 7.0
    second = story.intend(attempt=2, at_s=7.0)
    step = story.state.runs[RUN].steps["tare"]
    assert (step.status, step.attempt, step.command, step.error) == ("running", 2, second.id, "")
    assert step.started_s == START.timestamp() + 1.0  # since the first try
    lost = ev.StepFailed(run=RUN, step="tare", attempt=2, error="crash", retry=True, counts=False)
    assert story.tell(lost, 8.0).runs[RUN].steps["tare"].retries == 1
    last = ev.StepFailed(run=RUN, step="tare", attempt=3, error="drift", retry=False)
    step = story.tell(last, 9.0).runs[RUN].steps["tare"]
    assert (step.status, step.ended_s) == ("failed", START.timestamp() + 9.0)


def test_runs_end_as_they_are_told(story):
    state = story.tell(ev.RunStopping(run=RUN, outcome="aborted", reason="stopped by Ada"))
    assert (state.runs[RUN].status, state.runs[RUN].ending) == ("stopping", "aborted")
    assert state.runs[RUN].open
    state = story.tell(ev.RunFinished(run=RUN, outcome="aborted", reason="stopped by Ada"), 9.0)
    assert not state.runs[RUN].open
    assert state.runs[RUN].ended_s == START.timestamp() + 9.0


def test_a_run_belongs_to_its_trial(story):
    assert story.state.campaigns[CAMPAIGN].trials[1].run == RUN


def test_what_deviates_makes_the_timeline_stale(story):
    origin = START
    slots = (Slot(run=RUN, step="tare", device="balance", start_s=7, end_s=12),)
    planned = ev.TimelinePlanned(campaign=CAMPAIGN, origin=origin, reason="test", slots=slots)

    def stale_after(at_s: float) -> bool:
        story.tell(planned)
        assert not story.state.campaigns[CAMPAIGN].plan_stale
        story.intend(at_s=at_s - 5)
        done = ev.StepSucceeded(run=RUN, step="tare", outputs={})
        return story.tell(done, at_s).campaigns[CAMPAIGN].plan_stale

    assert not stale_after(14.0)
    assert stale_after(40.0)
    story.tell(planned)
    broken = ev.DeviceStateChanged(device="balance", state="lost")
    assert story.tell(broken).campaigns[CAMPAIGN].plan_stale


def test_devices_say_since_when(story):
    state = story.tell(
        ev.DeviceStateChanged(device="balance", state="fault", detail="overload"), 30.0
    )
    device = state.devices["balance"]
    assert (device.state, device.detail, device.since_s) == (
        "fault",
        "overload",
        START.timestamp() + 30,
    )
    assert device.description is not None  # kept from before


def test_a_device_is_safe_when_it_says_so_while_the_lab_is(story):
    story.tell(ev.DeviceStateChanged(device="balance", state="ready"), 30.0)
    late = ev.DeviceMadeSafe(device="balance", confirmed=True)
    assert story.tell(late, 30.5).devices["balance"].state == "ready"  # from before the re-arming
    story.tell(ev.LabMadeSafe(actor="Ada"), 30.8)
    state = story.tell(ev.DeviceMadeSafe(device="balance", confirmed=True), 31.0)
    assert state.devices["balance"].state == "safe"
    state = story.tell(
        ev.DeviceMadeSafe(device="balance", confirmed=False, detail="no answer"), 32.0
    )
    assert state.devices["balance"].state == "fault"
    assert (
        story.tell(ev.DeviceStateChanged(device="new", state="ready")).devices["new"].state
        == "ready"
    )


def test_questions_stand_until_answered(story):
    command = story.intend()
    asked = ev.QuestionAsked(
        question="q", command=command.id, run=RUN, text="Full?", choices=("yes",)
    )
    assert story.tell(asked, 3.0).questions["q"].since_s == START.timestamp() + 3.0
    assert story.tell(ev.QuestionAnswered(question="q", answer="yes", actor="Ada")).questions == {}


def test_requests_keep_their_answers(story):
    story.tell(ev.RequestReceived(request="r1", verb="pause", actor="Ada"))
    assert story.state.requests == {}
    story.tell(ev.RequestAnswered(request="r1", accepted=False, detail="no"))
    assert story.state.requests["r1"].detail == "no"


@pytest.mark.parametrize(
    "event",
    [
        ev.RunFinished(run="nobody/r001", outcome="succeeded"),
        ev.CommandAccepted(command="nothing", device="balance"),
        ev.StepSucceeded(run="nobody/r001", step="tare", outputs={}),
        ev.TrialCompleted(campaign="none", trial=1, value=1.0),
    ],
)
def test_events_about_what_never_began_are_refused(story, event):
    with pytest.raises(KeyError):
        story.tell(event)
