"""Many samples at one moment: all whose turn it is begin in one look, and acceptances share a disk write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.app.overhead_lab import NoOpContext
from lab.bus import envelope as env
from lab.domain import event as ev
from lab.domain.command import Outcome
from lab.engine import messages as msg
from lab.engine.core import decide
from lab.engine.translate import can_wait
from tests.lab.engine.kit import KitContext, Mind, plan_of, sent, step

if TYPE_CHECKING:
    from lab.engine.look import Decision


def many(count: int, steps: int = 2) -> Mind:
    """Samples that were just proposed, each with a device of its own."""
    mind = Mind(NoOpContext(count, steps), trials=count, parallel=count, batch=count)  # pyright: ignore[reportArgumentType]
    for number in range(1, count + 1):
        mind.record(ev.DeviceStateChanged(device=f"d{number}", state="ready", ledger="l1"))
    mind.tell(msg.Proposed(tuple(msg.Proposal({"x": 0.5}, "sobol") for _ in range(count))))
    return mind


def looked(mind: Mind) -> Decision:
    decision = decide(mind.state, mind.inflight, mind.context, mind.now.timestamp())
    for event in decision.events:
        mind.record(event)
    return decision


def test_all_samples_begin_in_two_looks_and_go_on_in_one():
    mind = many(20)
    looked(mind)  # the timeline
    assert [event.kind for event in looked(mind).events] == ["run_started"] * 20
    first = looked(mind)
    assert [event.kind for event in first.events] == ["command_intended"] * 20
    assert sent(list(first.effects)) == ["step1"] * 20
    assert looked(mind).effects == (), "nothing begins twice"
    for command in [entry.command for entry in mind.state.open_commands()]:
        ended = env.OutcomeMessage(
            device=command.device, id=command.id, outcome=Outcome(result="succeeded", outputs={})
        )
        mind.tell(ended)
    assert [event.kind for event in looked(mind).events] == ["step_succeeded"] * 20
    assert sent(list(looked(mind).effects)) == ["step2"] * 20


def test_one_device_and_one_vessel_still_serve_one_sample_at_a_time():
    """Steps that need the same thing are held back by the first of them within the look itself."""
    plan = plan_of(
        step("dose", "pump", claims=("pot",)), step("weigh", "balance", ("dose",), claims=("pot",))
    )
    mind = Mind(KitContext(plan), trials=3, parallel=3, batch=3)
    effects = mind.propose(3)
    assert sent(effects) == ["dose"]
    assert len(mind.state.open_commands()) == 1
    [dose] = mind.state.open_commands()
    assert sent(mind.end(dose.command.id)) == ["weigh"], "the pot is not free yet"


def test_an_argument_that_cannot_be_had_ends_the_look(monkeypatch):
    from lab.engine import gate
    from lab.engine.start import Starts

    mind = many(4)
    looked(mind)
    looked(mind)
    real, calls = gate.begin_step, []

    def fails_at_second(look, run, planned) -> Starts:
        calls.append(run.id)
        if len(calls) != 2:
            return real(look, run, planned)
        failed = ev.StepFailed(
            run=run.id, step=planned.path, attempt=0, error="no number", retry=False
        )
        return Starts([failed])

    monkeypatch.setattr(gate, "begin_step", fails_at_second)
    kinds = [event.kind for event in looked(mind).events]
    assert kinds == ["command_intended", "step_failed"], "what follows from that is decided first"


ACK = env.Ack(device="d1", id="c1", accepted=True)
BUSY = env.State(device="d1", ledger="l1", state="busy")


@pytest.mark.parametrize(
    ("batch", "waits"),
    [
        ([ACK], True),
        ([ACK, BUSY, ACK], True),
        ([BUSY], False),
        ([], False),
        ([ACK, env.Ack(device="d1", id="c2", accepted=False, reason="busy")], False),
        ([ACK, env.State(device="d1", ledger="l1", state="fault")], False),
        ([ACK, msg.Tick()], False),
        ([ACK, msg.Requested("r", "safe", "Ada", "", {})], False),
        ([ACK, msg.DeviceLost("d2")], False),
        (
            [ACK, env.OutcomeMessage(device="d1", id="c1", outcome=Outcome(result="succeeded"))],
            False,
        ),
    ],
)
def test_only_an_acceptance_by_itself_waits_for_company(batch, waits):
    assert can_wait(batch) is waits
