"""The balance's codec: lines from the manual and round trips."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mettler_toledo_sics.wire import (
    UNITS_G,
    Reply,
    encode_line,
    format_decimal,
    format_weight,
    parse_decimal,
    parse_reply,
    parse_weight,
    quote,
    reply_identifier,
)


def test_a_line_ends_with_carriage_return_and_line_feed():
    assert encode_line("S") == b"S\r\n"
    for text in ("S\r\nZ", "S\tS", "\x02"):
        with pytest.raises(ValueError, match="not one line"):
            encode_line(text)


def test_a_weight_is_right_aligned_in_ten_characters():
    assert format_weight("S", "S", 100.0, 2, "g") == "S S     100.00 g"
    assert format_weight("S", "D", -0.0051, 4, "g") == "S D    -0.0051 g"
    assert format_weight("TA", "A", 12.3456, 4, "g") == "TA A    12.3456 g"


def test_zero_has_no_sign():
    assert format_decimal(-0.00001, 4) == "0.0000"
    assert format_decimal(-0.0001, 4) == "-0.0001"


def test_a_weight_brings_its_readability_in_grams():
    weight = parse_weight(parse_reply(b"S S     100.00 g"))
    assert (weight.mass_g, weight.readability_g) == (100.0, 0.01)
    weight = parse_weight(parse_reply(b"S S     1234.5 mg"))
    assert weight.mass_g == pytest.approx(1.2345)
    assert weight.readability_g == pytest.approx(1e-4)
    assert parse_weight(parse_reply(b"S D   -0.01000 kg")).mass_g == pytest.approx(-10.0)


@pytest.mark.parametrize(
    "line", [b"S S Error 6b", b"S I", b"S S 100.00", b"S S 1e2 g", b"S S 100.00 G", b"S S -- g"]
)
def test_what_is_no_weight_is_refused(line):
    with pytest.raises(ValueError, match=r"no weight|plain decimal"):
        parse_weight(parse_reply(line))


def test_texts_in_quotes_are_one_field():
    reply = parse_reply(b'I2 A "XPR205 Excellence 220.0000 g"')
    assert reply == Reply("I2", "A", ("XPR205 Excellence 220.0000 g",))
    assert parse_reply(b'I1 A "0123" "" "2.30"').fields == ("0123", "", "2.30")
    assert quote('say "x"') == "\"say 'x'\""


def test_general_errors_are_whole_lines():
    assert "syntax" in (parse_reply(b"ES").error or "")
    assert "parity" in (parse_reply(b"ET").error or "")
    assert "logical" in (parse_reply(b"EL").error or "")
    assert parse_reply(b"S I").error is None
    assert parse_reply(b"XX").error is None


def test_an_empty_line_is_no_reply():
    with pytest.raises(ValueError, match="empty"):
        parse_reply(b"  ")


@pytest.mark.parametrize(
    ("command", "identifier"),
    [("S", "S"), ("SI", "S"), ("SIR", "S"), ("@", "I4"), ("TA 10.0 g", "TA"), ('D "x"', "D")],
)
def test_a_reply_starts_with_its_command_with_four_exceptions(command, identifier):
    assert reply_identifier(command) == identifier


@given(
    st.floats(-9999.0, 9999.0),
    st.integers(0, 4),
    st.sampled_from(sorted(set(UNITS_G))),
    st.sampled_from("SD"),
)
def test_a_weight_survives_the_wire(value, decimals, unit, status):
    line = encode_line(format_weight("S", status, value, decimals, unit)).removesuffix(b"\r\n")
    reply = parse_reply(line)
    assert (reply.identifier, reply.status) == ("S", status)
    weight = parse_weight(reply)
    assert weight.mass_g == pytest.approx(
        round(value, decimals) * UNITS_G[unit], abs=1e-9 * UNITS_G[unit] + 1e-12
    )


@given(st.binary(max_size=60))
def test_no_line_makes_the_codec_fail_otherwise_than_by_a_value_error(line):
    with contextlib.suppress(ValueError):
        parse_weight(parse_reply(line))


@pytest.mark.parametrize("text", ["", "1e5", "1,5", "nan", "inf", ".5", "5.", "1_0", "--1"])
def test_only_plain_decimals_are_numbers(text):
    with pytest.raises(ValueError, match="plain decimal"):
        parse_decimal(text)
