"""Golden bytes, round trips and rubbish for the NAMUR codec."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ika_hotplate import wire
from drivers.ika_hotplate.wire import Channel, Request
from lab.devices.line import TerminatedLines


@pytest.mark.parametrize(
    ("made", "golden"),
    [
        (wire.ask_name(), b"IN_NAME \r\n"),
        (wire.ask_value(Channel.PROBE), b"IN_PV_1 \r\n"),
        (wire.ask_value(Channel.SPEED), b"IN_PV_4 \r\n"),
        (wire.ask_setpoint(Channel.SAFETY), b"IN_SP_3 \r\n"),
        (wire.set_value(Channel.PROBE, 60), b"OUT_SP_1 60.0 \r\n"),
        (wire.set_value(Channel.SPEED, 300), b"OUT_SP_4 300 \r\n"),
        (wire.start(Channel.PROBE), b"START_1 \r\n"),
        (wire.stop(Channel.SPEED), b"STOP_4 \r\n"),
        (wire.reset(), b"RESET \r\n"),
        (wire.watchdog(300), b"OUT_WD1@300 \r\n"),
        (wire.encode_reading(25.3, Channel.PROBE), b"25.3 1 \r\n"),
        (wire.encode_text("RCT digital"), b"RCT digital \r\n"),
    ],
)
def test_golden_bytes(made, golden):
    assert made == golden


@pytest.mark.parametrize("end", [b" \r\n", b"\r\n", b" \r", b""])
def test_a_request_is_understood_with_any_client_s_line_end(end):
    assert wire.decode_request(b"OUT_SP_1 60" + end) == Request("OUT_SP", 1, 60.0)
    assert wire.decode_request(b"IN_PV_1" + end) == Request("IN_PV", 1)


@pytest.mark.parametrize(
    "line",
    [b"", b"in_pv_1", b"OUT_SP_1", b"OUT_SP_1  60", b"OUT_SP_3 60", b"OUT_SP_1 1e3", b"START", b"\xff",
     b"OUT_WD3@60", b"SET_MODE_C", b"IN_PV_1 2"],
)  # fmt: skip
def test_what_is_no_command_is_refused(line):
    with pytest.raises(wire.WireError):
        wire.decode_request(line)


@pytest.mark.parametrize("seconds", [0, 19, 1501])
def test_a_watchdog_out_of_range_is_refused(seconds):
    with pytest.raises(wire.WireError, match="20 to 1500"):
        wire.watchdog(seconds)


@pytest.mark.parametrize(
    "line", [b"25.3 2", b"25.3", b"", b"warm 1", b"25.3 1 x", b"nan 1", b"inf 1", b"2\xb5.3 1"]
)
def test_a_reply_that_is_no_reading_of_the_channel_is_refused(line):
    with pytest.raises(wire.WireError):
        wire.decode_reading(line, Channel.PROBE)


@given(st.floats(-50, 400), st.sampled_from(list(Channel)))
def test_readings_survive_the_wire(value, channel):
    assert wire.decode_reading(wire.encode_reading(value, channel), channel) == pytest.approx(
        value, abs=0.051
    )


@given(st.integers(20, 1500))
def test_watchdogs_survive_the_wire(seconds):
    assert wire.decode_request(wire.watchdog(seconds)) == Request("OUT_WD", 1, float(seconds))
    assert wire.decode_echo(wire.encode_echo(seconds)) == seconds


@given(st.binary(max_size=40))
def test_rubbish_raises_nothing_but_wire_errors(data):
    for decode in (
        wire.decode_request,
        wire.decode_echo,
        lambda line: wire.decode_reading(line, Channel.PROBE),
    ):
        with suppress(wire.WireError):
            decode(data)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_replies_are_found_however_the_bytes_are_cut(cuts):
    stream = b"25.3 1 \r\n300.0 4 \r\n"
    lines, pieces, at = TerminatedLines(b"\n"), [], 0
    for size in [*cuts, len(stream)]:
        pieces += lines.feed(stream[at : at + size])
        at += size
    assert [
        wire.decode_reading(p, c)
        for p, c in zip(pieces, (Channel.PROBE, Channel.SPEED), strict=True)
    ] == [25.3, 300.0]
