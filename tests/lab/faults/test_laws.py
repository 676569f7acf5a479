"""Each law refuses what it is there for: a true story is bent in one place, and that law notices."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from lab.faults.invariants import evidence_of, violations
from lab.faults.knobs import Knobs, NetworkKnobs, RoomKnobs, StoreKnobs
from lab.faults.laboratory import Laboratory
from lab.faults.laws import LAWS, Evidence
from lab.faults.network import Delivery
from lab.faults.seed import live

if TYPE_CHECKING:
    from lab.faults.room import Act

KNOBS = Knobs(
    frozenset(), 10.0, NetworkKnobs(), StoreKnobs(), RoomKnobs(),
    trials=2, warms=True, interlock=True, dead_man=True,
)  # fmt: skip


@pytest.fixture
def lab():
    laboratory = Laboratory(4, KNOBS)
    laboratory.loop.run(live(laboratory))
    yield laboratory
    laboratory.close()


def found(evidence: Evidence) -> list[str]:
    return [violation for law in LAWS for violation in law(evidence)]


def bent(evidence: Evidence, **change: object) -> set[str]:
    return {text[: text.index(":")] for text in found(dataclasses.replace(evidence, **change))}


def events_without(evidence: Evidence, *kinds: str, last: bool = False) -> list[dict]:
    events = [event for event in evidence.events if event["kind"] not in kinds]
    if last:
        events = list(evidence.events)
        del events[max(n for n, event in enumerate(events) if event["kind"] in kinds)]
    return events


def test_a_true_story_breaks_none(lab):
    assert violations(lab) == []
    assert len(lab.room.acts) == 8


def test_a_crash_is_told(lab):
    lab.crashes.append("engine-1: KeyError()")
    assert violations(lab) == ["crash: engine-1: KeyError()"]


def _again(act: Act, **change: object) -> Act:
    return dataclasses.replace(act, **change)


def test_i1_a_second_act(lab):
    lab.room.acts.append(_again(lab.room.acts[0], at_s=9.0))
    assert "I1" in bent(evidence_of(lab))


def test_i1_an_id_used_twice(lab):
    evidence = evidence_of(lab)
    intent = next(e for e in evidence.events if e["kind"] == "command_intended")
    assert "I1" in bent(evidence, events=[*evidence.events, intent])


def test_i2_a_step_left_out_or_out_of_order_or_short(lab):
    evidence = evidence_of(lab)
    first, second = lab.room.acts[:2]
    first.at_s, second.at_s = second.at_s, first.at_s
    assert bent(evidence_of(lab)) == {"I2"}
    first.at_s, second.at_s = second.at_s, first.at_s
    first.delivered -= 100
    assert {"I2", "I4"} == bent(evidence_of(lab))
    del evidence.room.acts[0]
    assert {"I2", "I4"} == bent(evidence_of(lab))


def test_i3_an_act_before_its_intent_was_durable(lab):
    lab.room.acts[0].rows = 1
    assert bent(evidence_of(lab)) == {"I3"}


def test_i4_an_act_that_is_recorded_nowhere_or_otherwise(lab):
    evidence = evidence_of(lab)
    assert "I4" in bent(evidence, events=events_without(evidence, "command_ended", last=True))
    other = [
        {**e, "outcome": {**e["outcome"], "result": "failed_no_effect"}}
        if e["kind"] == "command_ended" and e["device"] == "pump" else e
        for e in evidence.events
    ]  # fmt: skip
    assert "I4" in bent(evidence, events=other)


def test_i5_a_second_intent_while_one_is_open(lab):
    evidence = evidence_of(lab)
    assert "I5" in bent(evidence, events=events_without(evidence, "command_ended"))


@pytest.mark.parametrize("kind", ["lab_paused", "lab_made_safe", "run_stopping"])
def test_i6_a_step_begins_when_none_may(lab, kind):
    evidence = evidence_of(lab)
    at = next(n for n, e in enumerate(evidence.events) if e["kind"] == "run_started") + 1
    told = {"kind": kind, "run": "faults-1/r001"}
    assert "I6" in bent(evidence, events=[*evidence.events[:at], told, *evidence.events[at:]])


def test_i6_a_cancellation_without_or_with_a_false_word(lab):
    evidence = evidence_of(lab)
    name = next(n for n, (_, c) in evidence.intents.items() if c["device"] == "pump")
    asked = {"kind": "cancel_asked", "command": name}
    assert bent(evidence, events=[*evidence.events, asked]) == {"I6"}
    told = {"kind": "cancel_settled", "command": name, "outcome": "never_started"}
    assert bent(evidence, events=[*evidence.events, asked, told]) == {"I6"}


def test_i7_an_open_lid_and_a_heater_left_alone(lab):
    evidence = evidence_of(lab)
    next(act for act in lab.room.acts if act.device == "pump").lid_open_s = 5.0
    assert bent(evidence) == {"I7"}
    for act in lab.room.acts:
        act.lid_open_s = 0.0
    assert bent(evidence, ended_s=1e6) == {"I7"}
    assert bent(evidence, ended_s=1e6, knobs=dataclasses.replace(KNOBS, dead_man=False)) == set()


def test_i8_a_command_of_an_engine_that_was_replaced(lab):
    evidence = evidence_of(lab)
    to = lab.host_processes["pump"]
    hello = json.dumps({"v": 1, "op": "hello", "epoch": 9}).encode()
    early = Delivery(0.0, to, "labwright/1/room/pump/cmd", hello)
    assert bent(evidence, commands=[early, *evidence.commands]) == {"I8"}
    late = dataclasses.replace(early, at_s=1e6)
    assert bent(evidence, commands=[*evidence.commands, late]) == set()


def test_i9_too_much_in_the_pot(lab):
    lab.room.pour(5000.0)
    assert bent(evidence_of(lab)) == {"I9"}


@pytest.mark.parametrize("field", ["body", "at", "epoch", "seq", "prev_hash", "hash"])
def test_i10_a_changed_row(lab, field):
    evidence = evidence_of(lab)
    row = evidence.rows[5]
    other = {"epoch": 0, "seq": 7}.get(field, "2026")
    rows = [*evidence.rows[:5], dataclasses.replace(row, **{field: other}), *evidence.rows[6:]]
    assert bent(evidence, rows=rows) == {"I10"}


def test_i10_rows_that_fold_to_another_state(lab):
    evidence = evidence_of(lab)
    assert evidence.thorough
    state = dataclasses.replace(lab.state, mode="paused")
    assert bent(evidence, state=state) == {"I10"}


@pytest.mark.parametrize("kind", ["run_finished", "trial_completed"])
def test_i11_what_never_ended(lab, kind):
    evidence = evidence_of(lab)
    assert bent(evidence, events=events_without(evidence, kind, last=True)) == {"I11"}


def test_i11_a_request_that_is_recorded_twice_or_never_answered(lab):
    evidence = evidence_of(lab)
    asked = {"kind": "request_received", "request": "p1"}
    answered = {"kind": "request_answered", "request": "p1"}
    assert bent(evidence, events=[*evidence.events, asked]) == {"I11"}
    assert bent(evidence, events=[*evidence.events, asked, answered]) == set()
    twice = [*evidence.events, asked, answered, asked, answered]
    assert bent(evidence, events=twice) == {"I11"}


def test_i13_values_made_up_doubled_or_lost(lab):
    evidence = evidence_of(lab)
    seen = next(
        e for e in evidence.events if e["kind"] == "observation_recorded" and e["name"] == "mass"
    )
    assert bent(evidence, events=[*evidence.events, seen]) == {"I13"}
    assert bent(evidence, events=[e for e in evidence.events if e is not seen]) == {"I13"}
    lab.room.weighed.clear()
    assert bent(evidence) == {"I13"}
