"""Quantities as people write them: what is taken, what is refused and what is suggested instead."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain.quantity import Quantity, QuantityError, parse_quantity, tidy
from lab.domain.units import UnitError, is_symbol, unit


@pytest.mark.parametrize(
    ("text", "magnitude", "unit_name", "words"),
    [
        ("1.5 mL", 1.5, "mL", "a volume"),
        ("  20   mL/min ", 20.0, "mL/min", "a flow rate"),
        ("-5 degC", -5.0, "degC", "a temperature"),
        ("0.3 delta_degC", 0.3, "delta_degC", "a temperature difference"),
        ("1e-3 mol/L", 1e-3, "mol/L", "a concentration"),
        (".5 M", 0.5, "M", "a concentration"),
        ("2. g", 2.0, "g", "a mass"),
        ("300 rpm", 300.0, "rpm", "a speed of rotation"),
        ("50 %", 50.0, "%", "a plain number"),
        ("12 mA/cm^2", 12.0, "mA/cm^2", "a current density"),
        ("3 1/s", 3.0, "1/s", "a frequency"),
        ("10 sccm", 10.0, "sccm", "a standard gas flow"),
        ("1.31 g/mL", 1.31, "g/mL", "a density"),
        ("9.13 mS/cm", 9.13, "mS/cm", "a conductivity"),
        ("5 µL", 5.0, "µL", "a volume"),
        ("5 \N{GREEK SMALL LETTER MU}L", 5.0, "\N{GREEK SMALL LETTER MU}L", "a volume"),
        ("5 min", 5.0, "min", "a duration"),
        ("7 count", 7.0, "count", "a plain number"),
    ],
)
def test_good_quantities(text, magnitude, unit_name, words):
    quantity = parse_quantity(text)
    assert (quantity.magnitude, quantity.unit, quantity.words) == (magnitude, unit_name, words)


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("1,5 mL", "decimal-comma", '"1.5 mL"'),
        ("1,500.0 mL", "decimal-comma", "decimal point"),
        ("25", "unit-missing", '"25 mL"'),
        ("1e3", "unit-missing", '"1e3 mL"'),
        ("25 C", "unit-unknown", "degC"),
        ("25 °C", "unit-unknown", "degC"),
        ("25C", "quantity", '"25 degC"'),
        ("5mL", "quantity", '"5 mL"'),
        ("3 ± 1 mL", "quantity", "nominal"),
        ("(3 +/- 1) mL", "quantity", "nominal"),
        ("1-3 mL", "quantity", "one value"),
        ("1 to 3 mL", "quantity", "one value"),
        ("1..3 mL", "quantity", "one value"),
        ("20 mL / min", "quantity", "without blanks"),
        ("5 minuts", "unit-unknown", "min"),
        ("5 ML", "unit-unknown", "mL"),
        ("5 Mol/L", "unit-unknown", "mol"),
        ("5 cm2", "unit-unknown", "cm^2"),
        ("7 pH", "unit-unknown", "no unit"),
        ("3 a.u.", "unit-unknown", ""),
        ("1 degC/min", "unit-unknown", "delta_degC"),
        ("overnight", "quantity", "number"),
        ("room temperature", "quantity", "number"),
        ("", "quantity", "number"),
        ("nan mL", "quantity", "number"),
        ("1e999 mL", "number", ""),
        ("1e400 mL", "number", ""),
        ("0x10 mL", "quantity", ""),
        ("1_000 mL", "quantity", ""),
        ("1 " + "m" * 200, "quantity", ""),
        ("1 __import__('os')", "unit-unknown", ""),
    ],
)
def test_bad_quantities_say_what_would_be_right(text, code, hint):
    with pytest.raises(QuantityError) as caught:
        parse_quantity(text)
    assert caught.value.code == code
    assert hint in caught.value.hint


def test_a_bare_number_is_fine_where_no_unit_is_due():
    assert parse_quantity("0.5", "dimensionless") == Quantity(0.5, "dimensionless")
    with pytest.raises(QuantityError, match="no unit"):
        parse_quantity("0.5", "mL")


def test_the_wrong_dimension_is_named_in_words():
    with pytest.raises(QuantityError, match='"5 g" is a mass, but a volume is due here') as caught:
        parse_quantity("5 g", "mL")
    assert caught.value.code == "dimension"
    assert "mL" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "to", "magnitude"),
    [
        ("4 mL", "uL", 4000.0),
        ("0.1 L", "mL", 100.0),
        ("25 degC", "K", 298.15),
        ("298.15 K", "degC", 25.0),
        ("77 degF", "degC", 25.0),
        ("9 delta_degF", "delta_degC", 5.0),
        ("0.3 K", "delta_degC", 0.3),
        ("6 min", "s", 360.0),
        ("2 M", "mol/L", 2.0),
        ("1 g/mL", "g/L", 1000.0),
        ("50 percent", "dimensionless", 0.5),
        ("1 slm", "sccm", 1000.0),
        ("913 mS/m", "mS/cm", 9.13),
        ("1 mL/min", "mL/min", 1.0),
    ],
)
def test_conversion_is_clean(text, to, magnitude):
    assert parse_quantity(text).to(to).magnitude == magnitude


@pytest.mark.parametrize(
    ("text", "to"),
    [
        ("25 degC", "delta_degC"),
        ("0.3 delta_degC", "degC"),
        ("300 rpm", "Hz"),  # pint would answer 31.4
        ("300 rpm", "1/s"),
        ("10 sccm", "mL/min"),  # a standard volume is no volume
        ("1 mL", "g"),
        ("1 mol/L", "g/L"),
    ],
)
def test_what_can_not_be_converted(text, to):
    quantity = parse_quantity(text)
    assert not quantity.is_like(to)
    with pytest.raises(QuantityError) as caught:
        quantity.to(to)
    assert caught.value.code == "dimension"


def test_a_quantity_is_finite_and_of_a_known_unit():
    with pytest.raises(QuantityError, match="finite"):
        Quantity(math.nan, "mL")
    with pytest.raises(QuantityError, match="unknown unit"):
        Quantity(1.0, "furlong")


def test_quantities_read_well():
    assert str(Quantity(2.50, "mL")) == "2.5 mL"
    assert str(Quantity(7.0, "dimensionless")) == "7"


@given(st.floats(-1e6, 1e6), st.sampled_from(["mL", "degC", "mol/L", "mS/cm", "rpm", "degF"]))
def test_there_and_back_again(magnitude, unit_name):
    other = {
        "mL": "L",
        "degC": "K",
        "mol/L": "mmol/L",
        "mS/cm": "S/m",
        "rpm": "rpm",
        "degF": "degC",
    }
    back = Quantity(magnitude, unit_name).to(other[unit_name]).to(unit_name).magnitude
    assert back == pytest.approx(magnitude, rel=1e-9, abs=1e-8)


@given(st.text(max_size=30))
def test_no_text_raises_anything_else(text):
    try:
        quantity = parse_quantity(text)
    except QuantityError:
        return
    assert math.isfinite(quantity.magnitude)


@given(st.text(max_size=20))
def test_no_unit_text_raises_anything_else(text):
    try:
        found = unit(text)
    except UnitError:
        return
    assert found.factor > 0.0


def test_tidy_removes_noise_and_keeps_numbers():
    assert tidy(0.1 + 0.2) == 0.3
    assert math.copysign(1.0, tidy(-0.0)) == 1.0
    assert tidy(1.23456789012345) == 1.23456789012345


def test_symbols_are_single():
    assert is_symbol("mL")
    assert not is_symbol("mL/min")
    assert not is_symbol("density")


def test_pint_knows_every_symbol():
    from lab.domain import units

    for symbol in units._SYMBOLS:  # pyright: ignore[reportPrivateUsage]
        assert unit(symbol).factor > 0.0, symbol
