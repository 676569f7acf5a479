"""The reader's codec: both sides agree, and neither believes rubbish."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.teaching_plate_reader import wire


def test_a_measurement_as_specified() -> None:
    assert wire.encode_measure("A1", (450.0, 520.0, 630.0)) == b"MEAS:ABS? A1,450,520,630\n"
    assert wire.encode_measure("H12", (450.25,)) == b"MEAS:ABS? H12,450.2\n"
    assert wire.decode_absorbances(b"8.09000E-01,-0.34900\r", 2) == (0.809, -0.349)


def test_a_failed_measurement_is_not_a_number() -> None:
    assert wire.encode_absorbances((math.nan, 0.5)) == b"9.91E+37,0.50000\n"
    first, second = wire.decode_absorbances(b"9.91E+37,5.00000E-01", 2)
    assert math.isnan(first)
    assert second == 0.5


@given(st.lists(st.floats(-0.1, 4.0), min_size=1, max_size=4))
def test_values_survive_the_line(values: list[float]) -> None:
    line = wire.encode_absorbances(tuple(values)).removesuffix(wire.END)
    assert wire.decode_absorbances(line, len(values)) == pytest.approx(values, abs=6e-6)


@pytest.mark.parametrize("well", ["", "A0", "A25", "Q1", "a1", "A01", "A1,450", "A1\n*RST"])
def test_no_other_well_is_sent(well: str) -> None:
    with pytest.raises(wire.WireError):
        wire.encode_measure(well, (450.0,))


@pytest.mark.parametrize("wavelengths", [(), (1.0,) * 5, (math.nan,), (math.inf,)])
def test_no_other_wavelengths_are_sent(wavelengths: tuple[float, ...]) -> None:
    with pytest.raises(wire.WireError):
        wire.encode_measure("A1", wavelengths)


@pytest.mark.parametrize(
    "line", [b"", b"0.5", b"0.5,0.6,0.7", b"0.5,x", b"0.5,nan", b"0.5,inf", b"0.5,1e999", b"\xff,1"]
)
def test_rubbish_is_no_absorbance(line: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode_absorbances(line, 2)


def test_errors_and_identity() -> None:
    assert wire.encode_error(-222) == b'-222,"Data out of range"\n'
    assert wire.decode_error(b'-222,"Data out of range"') == (-222, "Data out of range")
    assert wire.decode_error(b'+0,"No error"') == (0, "No error")
    for line in (b"", b"0", b"No error", b'0,"No error', b'x,"y"'):
        with pytest.raises(wire.WireError):
            wire.decode_error(line)
    assert wire.decode_identity(b"LABWRIGHT,TPR-3,7,1.0") == ("LABWRIGHT", "TPR-3", "7", "1.0")
    with pytest.raises(wire.WireError):
        wire.decode_identity(b"LABWRIGHT,TPR-3")


def test_commands_as_the_instrument_reads_them() -> None:
    command = wire.decode_command(b"meas:abs?  B3, 450 ,520\r")
    assert command == wire.Command("MEAS:ABS?", ("B3", "450", "520"))
    assert command.query
    assert not wire.decode_command(b"*CLS").query
    with pytest.raises(wire.WireError):
        wire.decode_command(b"\xff\xfe")
    with pytest.raises(wire.WireError):
        wire.encode("two\nlines")
