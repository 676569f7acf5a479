"""Why nothing happens: the status document says what each waiting run waits for, and since when."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from lab.control.status import status_document
from lab.control.waits import run_waits, station_holders, step_title
from lab.domain import event as ev
from lab.domain.command import Command, Outcome
from lab.domain.ids import command_id, run_id
from lab.domain.plan import Slot
from lab.domain.reduce import reduce
from lab.domain.state import LabState
from tests.support.sample_journal import CAMPAIGN, START, UNTIL_S, make_plan, sample_events

T0 = START.timestamp()
ONE, TWO, THREE = (run_id(CAMPAIGN, n) for n in (1, 2, 3))


class Bench:
    """A lab with two runs that have just started, told one event after the other."""

    def __init__(self) -> None:
        self.state = LabState()
        self.now_s = 0.0
        for event, _ in sample_events():
            if event.kind in (
                "engine_started",
                "device_described",
                "device_state_changed",
                "campaign_started",
            ):
                self.tell(event)
            if event.kind == "trial_proposed" and event.trial <= 2:
                self.tell(event)
        self.now_s = 10.0
        for number, run in ((1, ONE), (2, TWO)):
            plan = make_plan((4.0, 1.0), number)
            self.tell(ev.RunStarted(campaign=CAMPAIGN, run=run, trial=number, plan=plan))

    def tell(self, event: ev.Event) -> None:
        record = ev.Recorded(
            seq=self.state.seq + 1, epoch=1, at=START + timedelta(seconds=self.now_s), event=event
        )
        self.state = reduce(self.state, record)

    def begin(self, run: str, step: str, attempt: int = 1) -> Command:
        planned = self.state.runs[run].plan.step(step)
        command = Command(
            id=command_id("j1", run, step, attempt),
            run=run,
            step=step,
            attempt=attempt,
            device=planned.device,
            action=planned.action,
            effect=planned.effect,
            settle=planned.settle,
            timeout_s=60,
        )
        self.tell(ev.CommandIntended(command=command))
        return command

    def finish(self, run: str, *steps: str) -> None:
        for step in steps:
            command = self.begin(run, step)
            done = Outcome(result="succeeded")
            self.tell(ev.CommandEnded(command=command.id, device=command.device, outcome=done))
            self.tell(ev.StepSucceeded(run=run, step=step, outputs={}))

    def wait(self, run: str, step: str):
        found = run_waits(self.state, T0 + self.now_s).get(run, ())
        return next(wait for wait in found if wait.step == step)


@pytest.fixture
def bench():
    return Bench()


def test_paused_by_name(bench):
    bench.now_s = 60.0
    bench.tell(ev.LabPaused(actor="Ada", reason="refilling"))
    wait = bench.wait(ONE, "tare")
    assert (wait.kind, wait.text) == ("paused", "resuming: paused by Ada (refilling)")
    assert wait.since_s == T0 + 60.0


def test_stopping_and_safe(bench):
    bench.tell(ev.LabStopping(actor="Ada"))
    assert bench.wait(ONE, "tare").kind == "stopping"
    bench.tell(ev.LabMadeSafe(actor="Bo", reason="smoke"))
    assert "the lab was made safe by Bo (smoke)" in bench.wait(ONE, "tare").text


def test_a_device_that_is_busy_with_another_run(bench):
    bench.now_s = 20.0
    bench.begin(ONE, "tare")
    wait = bench.wait(TWO, "tare")
    assert wait.kind == "busy"
    assert wait.text == f"balance, busy with run {ONE}: Tare the balance with the empty pot"
    assert wait.since_s == T0 + 20.0


def test_a_station_that_another_run_holds(bench):
    bench.now_s = 20.0
    bench.finish(ONE, "tare")
    assert station_holders(bench.state) == {"pot": (ONE, T0 + 20.0)}
    wait = bench.wait(TWO, "tare")
    assert (wait.kind, wait.text) == ("station", f"pot, held by run {ONE}")
    bench.finish(ONE, "dose_concentrate", "dose_dilute", "dose_solvent", "weigh", "transfer")
    assert station_holders(bench.state) == {"cell_1": (ONE, T0 + 20.0)}
    assert bench.wait(TWO, "tare").kind == "engine"


def test_the_own_station_holds_nobody_back(bench):
    bench.finish(ONE, "tare")
    assert bench.wait(ONE, "dose_dilute").kind == "engine"


@pytest.mark.parametrize("condition", ["disconnected", "lost", "manual", "fault", "safe"])
def test_a_device_that_is_not_ready(bench, condition):
    bench.now_s = 30.0
    bench.tell(ev.DeviceStateChanged(device="balance", state=condition, detail="the door is open"))
    wait = bench.wait(ONE, "tare")
    assert wait.kind == "device"
    assert wait.text == f"balance, which is {condition} (the door is open)"
    assert wait.since_s == T0 + 30.0
    bench.tell(ev.DeviceStateChanged(device="balance", state="ready"))
    assert bench.wait(ONE, "tare").kind == "engine"


def test_a_retry_that_is_due_later(bench):
    bench.begin(ONE, "tare")
    failed = ev.StepFailed(
        run=ONE, step="tare", attempt=1, error="drift", retry=True, retry_delay_s=30
    )
    bench.tell(failed)
    bench.now_s += 10
    wait = bench.wait(ONE, "tare")
    assert (wait.kind, wait.text) == ("retry", "its retry in 20 s, after: drift")
    bench.now_s += 21
    assert bench.wait(ONE, "tare").kind != "retry"


def test_a_persons_answer(bench):
    command = bench.begin(ONE, "tare")
    bench.tell(ev.CommandUnknown(command=command.id, device="balance", reason="no word for 60 s"))
    wait = bench.wait(ONE, "tare")
    assert (wait.kind, wait.text) == (
        "unknown",
        "word from balance of what became of the command (no word for 60 s)",
    )
    bench.now_s = 90.0
    bench.tell(
        ev.QuestionAsked(
            question="q", command=command.id, run=ONE, text="Is it zero?", choices=("yes",)
        )
    )
    wait = bench.wait(ONE, "tare")
    assert (wait.kind, wait.text, wait.since_s) == (
        "question",
        "a person's answer: Is it zero?",
        T0 + 90,
    )


def test_steps_whose_needs_are_not_done_wait_for_nothing_else(bench):
    assert {wait.step for wait in run_waits(bench.state, T0)[ONE]} == {"tare"}
    bench.finish(ONE, "tare")
    steps = {wait.step for wait in run_waits(bench.state, T0)[ONE]}
    assert steps == {"dose_concentrate", "dose_dilute", "dose_solvent"}


def test_waiting_begins_when_the_last_need_is_done(bench):
    bench.now_s = 50.0
    bench.finish(ONE, "tare")
    bench.now_s = 80.0
    assert bench.wait(ONE, "dose_dilute").since_s == T0 + 50.0


def test_the_plan(bench):
    slots = (
        Slot(run=TWO, step="tare", device="balance", start_s=100, end_s=105),
        Slot(run=ONE, step="tare", device="balance", start_s=200, end_s=205),
        Slot(run=THREE, step="tare", device="balance", claims=("pot",), start_s=300, end_s=305),
    )
    bench.tell(ev.TimelinePlanned(campaign=CAMPAIGN, origin=START, reason="test", slots=slots))
    bench.now_s = 40.0
    assert bench.wait(TWO, "tare").text == "its planned start in 60 s"
    assert bench.wait(ONE, "tare").text == (
        f"its turn: balance serves run {TWO} first (Tare the balance with the empty pot)"
    )
    assert bench.wait(THREE, "tare").kind == "plan"  # planned, not started, yet explained
    bench.finish(TWO, "tare")
    assert bench.wait(THREE, "tare").text == f"pot, held by run {TWO}"
    document = status_document(bench.state, START + timedelta(seconds=40))
    assert [entry["run"] for entry in document["queued"]] == [THREE]


def test_a_run_that_ends_badly_waits_only_for_its_safe_state(bench):
    bench.finish(ONE, "tare")
    bench.tell(ev.RunStopping(run=ONE, outcome="failed", reason="spilled"))
    bench.tell(ev.LabPaused(actor="Ada"))
    assert [wait.step for wait in run_waits(bench.state, T0)[ONE]] == ["heater_off"]
    assert bench.wait(ONE, "heater_off").kind == "engine"  # it runs although the lab is paused
    bench.begin(TWO, "heater_off")
    bench.tell(ev.DeviceStateChanged(device="hotplate_1", state="lost"))
    assert bench.wait(ONE, "heater_off").kind == "device"


def test_every_open_run_that_does_nothing_says_why(bench):
    """At any moment of the sample: a run without a running step has at least one reason to wait."""
    state = LabState()
    checked = 0
    for seq, (event, at_s) in enumerate(sample_events(), 1):
        at = START + timedelta(seconds=at_s)
        state = reduce(state, ev.Recorded(seq=seq, epoch=1, at=at, event=event))
        document = status_document(state, at)
        for run in document["runs"]:
            if run["steps_succeeded"] < run["steps"] and run["status"] == "running":
                failed = any(s.status == "failed" for s in state.runs[run["run"]].steps.values())
                assert run["current"] or run["waits"] or failed
                checked += 1
    assert checked > 300


def test_the_document_is_plain_json_and_complete(bench):
    bench.now_s = UNTIL_S
    bench.begin(ONE, "tare")
    document = status_document(bench.state, START + timedelta(seconds=UNTIL_S + 5))
    assert json.loads(json.dumps(document)) == document
    run = document["runs"][0]
    assert run["current"][0]["for_s"] == 5.0
    assert run["current"][0]["title"] == "Tare the balance with the empty pot"
    assert run["waits"] == []
    assert document["runs"][1]["waits"][0]["kind"] == "busy"
    balance = next(d for d in document["devices"] if d["device"] == "balance")
    assert balance["busy_with"]["run"] == ONE  # pyright: ignore[reportOptionalSubscript]
    assert balance["serial_number"] == "B829414902"
    assert document["now"] == "2026-03-02T08:24:25.000Z"


def test_times_never_count_backwards(bench):
    document = status_document(bench.state, START)  # a reader's clock that lags behind
    assert all(run["for_s"] == 0 for run in document["runs"])


def test_an_empty_lab():
    document = status_document(LabState(), START)
    assert document["mode_text"] == "nothing has run yet"
    assert document["last_event"] is None
    assert document["runs"] == document["devices"] == []


def test_an_idle_lab_says_idle(bench):
    state = replace(bench.state, campaigns={})
    assert status_document(state, START)["mode_text"] == "idle: no campaign is open"


def test_titles_of_steps(bench):
    assert step_title(bench.state, ONE, "heat") == "Bring to temperature"
    assert step_title(bench.state, ONE, "unheard") == "unheard"
    assert step_title(bench.state, "nobody", "heat") == "heat"
