"""Golden lines, digits and rubbish for the EZO codec."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.atlas_ezo_ec import wire
from lab.devices.line import TerminatedLines


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        (b"*OK", wire.Status("OK")),
        (b"*ER", wire.Status("ER")),
        (b"*WA", wire.Status("WA")),
        (b"?I,EC,2.16", wire.Query("I", ("EC", "2.16"))),
        (b"?i,EC,2.10", wire.Query("I", ("EC", "2.10"))),
        (b"?CAL,2", wire.Query("CAL", ("2",))),
        (b"?Cal,2", wire.Query("CAL", ("2",))),
        (b"?K,1.00", wire.Query("K", ("1.00",))),
        (b"?O,EC,TDS,S,SG", wire.Query("O", ("EC", "TDS", "S", "SG"))),
        (b"?STATUS,P,5.038", wire.Query("STATUS", ("P", "5.038"))),
        (b"1413", wire.Data((1413.0,))),
        (b"500.0,250", wire.Data((500.0, 250.0))),
        (b"\n9.56", wire.Data((9.56,))),
    ],
)
def test_golden_lines(line, meaning):
    assert wire.decode(line) == meaning


def test_golden_commands():
    assert wire.encode("C,0") == b"C,0\r"
    assert wire.encode("Cal,one,1413") == b"Cal,one,1413\r"


@pytest.mark.parametrize(
    "line", [b"", b"*", b"*NO", b"?", b"warm", b"1,,2", b"1e3", b"\xb5", b"nan"]
)
def test_what_is_no_line_is_refused(line):
    with pytest.raises(wire.WireError):
        wire.decode(line)


@pytest.mark.parametrize("text", ["", "R\rR", "25 \xb0C"])
def test_what_would_not_be_one_line_is_not_sent(text):
    with pytest.raises(wire.WireError):
        wire.encode(text)


@pytest.mark.parametrize("frame", [wire.Status("OK"), wire.Data(()), wire.Data((1.0, 2.0))])
def test_only_a_single_number_is_a_conductivity(frame):
    with pytest.raises(wire.WireError):
        wire.decode_conductivity(frame)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0.00"), (0.07, "0.07"), (99.99, "99.99"), (99.999, "100.0"), (100.12, "100.1"),
     (999.96, "1000"), (1413.4, "1413"), (9130.2, "9130"), (12884.0, "12880"), (499_960.0, "500000")],
)  # fmt: skip
def test_digits_become_fewer_as_the_value_rises(value, shown):
    assert wire.format_conductivity(value) == shown


@given(st.floats(0.0, 500_000.0))
def test_a_shown_value_is_within_half_its_last_digit(value):
    shown = wire.decode_conductivity(wire.decode(wire.format_conductivity(value).encode()))
    assert abs(shown - value) <= wire.resolution_us_cm(shown) / 2 + 1e-6


@given(st.binary(max_size=40))
def test_rubbish_raises_nothing_but_wire_errors(data):
    with suppress(wire.WireError):
        wire.decode_conductivity(wire.decode(data))


@given(st.lists(st.integers(1, 5), max_size=20))
def test_lines_are_found_however_the_bytes_are_cut(cuts):
    stream, lines, found, at = b"*RS\r*RE\r1413\r*OK\r", TerminatedLines(wire.END), [], 0
    for size in [*cuts, len(stream)]:
        found += lines.feed(stream[at : at + size])
        at += size
    assert [wire.decode(line) for line in found] == [
        wire.Status("RS"), wire.Status("RE"), wire.Data((1413.0,)), wire.Status("OK")
    ]  # fmt: skip
