"""Messages survive the wire unchanged; anything else is refused, however it is malformed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lab.bus.envelope import (
    Ack,
    CancelMessage,
    CommandMessage,
    EngineBeat,
    Heartbeat,
    Held,
    Hello,
    OutcomeMessage,
    ProgressMessage,
    QueryMessage,
    QueryReply,
    SafeMessage,
    SafeReply,
    State,
    Telemetry,
    parse_downstream,
    parse_upstream,
)
from lab.bus.topics import cmd, data, split, status_of_all
from lab.bus.wildcards import matches
from lab.domain.command import Outcome, Settlement

words = st.text(max_size=20)
identities = st.text(min_size=1, max_size=40)
numbers = st.integers(min_value=0, max_value=2**53)
reals = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | reals | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
mappings = st.dictionaries(words, values, max_size=4)
outcomes = st.builds(Outcome, outputs=mappings, error=words, error_code=words)
settlements = st.builds(Settlement, outputs=mappings, detail=words)
states = st.sampled_from(["ready", "busy", "manual", "fault", "safe", "disconnected"])

downstream = st.one_of(
    st.builds(
        Hello,
        journal=identities,
        epoch=numbers,
        lifts=st.tuples(words),
        takes=st.none() | st.builds(Held, journal=words, epoch=numbers),
    ),
    st.builds(
        CommandMessage,
        id=words,
        journal=identities,
        epoch=numbers,
        seq=numbers,
        args=mappings,
        timeout_s=reals,
        sent_at=reals,
        expires_s=reals,
    ),
    st.builds(QueryMessage, id=words, journal=identities, epoch=numbers, ledger=words),
    st.builds(CancelMessage, id=words, journal=identities, epoch=numbers, ledger=words),
    st.builds(SafeMessage, id=words, journal=identities, epoch=numbers, actor=words),
    st.builds(EngineBeat, journal=identities, epoch=numbers, sent_at=reals, leaving=st.booleans()),
)
upstream = st.one_of(
    st.builds(Ack, device=words, id=words, accepted=st.booleans(), reason=words),
    st.builds(State, device=words, state=states, detail=words, ledger=words),
    st.builds(
        Heartbeat,
        device=words,
        boot=words,
        epoch=numbers,
        journal=words,
        free=st.booleans(),
        state=states,
    ),
    st.builds(ProgressMessage, device=words, id=words, values=mappings),
    st.builds(OutcomeMessage, device=words, id=words, outcome=outcomes),
    st.builds(
        QueryReply, device=words, id=words, outcome=st.none() | outcomes, settlement=settlements
    ),
    st.builds(SafeReply, device=words, id=words, confirmed=st.booleans()),
)


@given(message=downstream)
def test_what_is_asked_survives_the_wire(message):
    assert parse_downstream(message.model_dump_json().encode()) == message


@given(message=upstream)
def test_what_is_answered_survives_the_wire(message):
    assert parse_upstream(message.model_dump_json().encode()) == message


COMMAND = CommandMessage(
    id="c1",
    journal="j1",
    ledger="l1",
    epoch=1,
    seq=1,
    run="r",
    step="s",
    attempt=1,
    action="dispense",
    args={"volume": 1.0},
    effect="once",
    settle="query",
    timeout_s=1.0,
    sent_at=0.0,
    expires_s=30.0,
    actor="ada",
    horizon=0,
).model_dump(mode="json")


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": None},
        {"op": "explode"},
        {"op": None},
        {"epoch": "one"},
        {"epoch": 1.5},
        {"journal": ""},
        {"journal": None},
        {"ledger": 1},
        {"seq": None},
        {"effect": "twice"},
        {"args": [1]},
        {"args": None},
        {"sent_at": "now"},
        {"unknown_field": 1},
        {"id": 7},
    ],
)
def test_a_malformed_command_is_refused(change):
    parse_downstream(json.dumps(COMMAND).encode())
    with pytest.raises(ValidationError):
        parse_downstream(json.dumps(COMMAND | change).encode())


@pytest.mark.parametrize("field", [name for name in COMMAND if name not in ("v", "args")])
def test_a_command_without_one_of_its_fields_is_refused(field):
    rest = {name: value for name, value in COMMAND.items() if name != field}
    with pytest.raises(ValidationError):
        parse_downstream(json.dumps(rest).encode())


@given(payload=st.binary(max_size=200))
def test_noise_is_refused_and_nothing_else_happens(payload):
    for parse in (parse_downstream, parse_upstream):
        with pytest.raises(ValidationError):
            parse(payload)


def test_answers_are_no_questions():
    with pytest.raises(ValidationError):
        parse_downstream(Ack(device="d", id="x", accepted=True).model_dump_json().encode())
    with pytest.raises(ValidationError):
        parse_upstream(Hello(journal="j1", epoch=1).model_dump_json().encode())


def test_telemetry_is_apart():
    batch = Telemetry(
        device="d", boot="b1", channel="p", unit="bar", sent_at=5.0, samples=[(1.0, 2.0)]
    )
    payload = batch.model_dump_json().encode()
    assert Telemetry.model_validate_json(payload) == batch
    with pytest.raises(ValidationError):
        parse_upstream(payload)


# -- topics -------------------------------------------------------------------------------------


def test_topics_are_taken_apart_as_they_were_put_together():
    assert split(cmd("lab1", "pump")) == ("lab1", "pump", "cmd")
    assert split(data("lab1", "pump", "pressure")) == ("lab1", "pump", "data/pressure")


@pytest.mark.parametrize(
    "topic",
    ["", "labwright/1/lab1", "labwright/2/lab1/pump/cmd", "other/1/lab1/pump/cmd", "a/b/c/d"],
)
def test_foreign_topics_are_refused(topic):
    with pytest.raises(ValueError, match="not a labwright topic"):
        split(topic)


def test_the_engine_hears_answers_and_no_commands_or_telemetry():
    heard = status_of_all("lab1")
    for leaf, expected in (("ack", True), ("evt", True), ("hb", True), ("cmd", False)):
        topic = f"labwright/1/lab1/pump/{leaf}"
        assert any(matches(pattern, topic) for pattern in heard) is expected
    assert not any(matches(pattern, data("lab1", "pump", "x")) for pattern in heard)
    assert not any(matches(pattern, "labwright/1/lab2/pump/ack") for pattern in heard)
