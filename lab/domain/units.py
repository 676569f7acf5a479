"""The units a person may write, and what they measure. pint holds the definitions; it never sees a whole quantity.

What it says of the usual ones stands in a table (`lab.domain.unit_table`), so that a start need not wait for pint.

A unit text is made of symbols from a fixed list, `*`, `/` and small integer powers (`mL/min`, `mol/L`, `cm^2`).
The list exists because pint reads more than a laboratory means: `C` is coulomb there, `pH` picohenry and `a.u.` a
year times a mass. Standard gas flow (sccm) and rotation (rpm) get dimensions of their own, so that neither turns
silently into a volume flow or into radians per second.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, cast

from lab.domain.unit_table import MEASURED

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DIMENSIONLESS",
    "UNIT_PATTERN",
    "Dimension",
    "Scale",
    "Unit",
    "UnitError",
    "combine",
    "dimension_words",
    "is_symbol",
    "measured_by_pint",
    "pint_symbols",
    "unit",
]

Dimension = tuple[tuple[str, float], ...]
"""Base dimension and exponent, sorted by name, e.g. `(("[length]", 3.0),)` for a volume."""

Scale = Literal["plain", "point", "difference"]
"""point: a reading on a scale with an offset (degC). difference: a distance on it (delta_degC)."""

DIMENSIONLESS = "dimensionless"

_PREFIXED: Mapping[str, tuple[str, ...]] = {
    "L": ("", "d", "c", "m", "u", "µ", "n"),
    "l": ("", "d", "c", "m", "u", "µ", "n"),
    "g": ("", "k", "m", "u", "µ", "n"),
    "m": ("", "k", "c", "m", "u", "µ", "n"),
    "s": ("", "m", "u", "µ", "n"),
    "mol": ("", "k", "m", "u", "µ", "n"),
    "M": ("", "m", "u", "µ", "n"),
    "A": ("", "m", "u", "µ", "n"),
    "V": ("", "k", "m", "u", "µ"),
    "W": ("", "k", "m"),
    "J": ("", "k", "m"),
    "Pa": ("", "h", "k", "M", "m"),
    "bar": ("", "m"),
    "S": ("", "m", "u", "µ", "n"),
    "Hz": ("", "k", "M", "G", "m"),
    "ohm": ("", "k", "M", "m"),
    "Ohm": ("", "k", "M", "m"),
    "K": ("", "m"),
    "N": ("", "k", "m"),
    "F": ("", "m", "u", "µ", "n", "p"),
    "Ah": ("", "m"),
    "Wh": ("", "k", "m"),
    "eV": ("", "k", "m"),
    "P": ("", "c", "m"),
}
_SINGLE = (
    *("min", "h", "day", "d", "week", "degC", "degF", "delta_degC", "delta_degF"),
    *("rpm", "percent", "%", "ppm", "ppb", "dimensionless", "count", "psi", "atm", "torr", "Torr"),
    *("sccm", "slm", "lx", "lm", "cd", "rad", "deg", "T", "inch"),
)
_SPELLING = {"%": "percent", "Ohm": "ohm", "rpm": "lab_rpm", "Torr": "torr", "d": "day"}
_SCALES: Mapping[str, Scale] = {
    "degC": "point",
    "degF": "point",
    "delta_degC": "difference",
    "delta_degF": "difference",
}
_DEFINITIONS = (
    "lab_revolution = [lab_rotation]",
    "lab_rpm = lab_revolution / minute",
    "lab_standard_volume = [lab_standard_volume]",
    "sccm = lab_standard_volume / minute",
    "slm = 1000 * sccm",
)
_BASE = {
    "[length]": "m",
    "[mass]": "kg",
    "[time]": "s",
    "[current]": "A",
    "[temperature]": "K",
    "[substance]": "mol",
    "[luminosity]": "cd",
    "[lab_rotation]": "revolution",
    "[lab_standard_volume]": "standard mL",
}
"""Dimension -> the unit that it is shown in where it has no name of its own."""
_ADVICE = {
    "C": "degC",
    "°C": "degC",
    "℃": "degC",
    "celsius": "degC",
    "F": "F for farad, degF for a temperature",
    "sec": "s",
    "secs": "s",
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "minutes": "min",
    "mins": "min",
    "hour": "h",
    "hours": "h",
    "hr": "h",
    "hrs": "h",
    "days": "day",
    "cc": "mL",
    "mLs": "mL",
    "liter": "L",
    "litre": "L",
    "gram": "g",
    "grams": "g",
    "gr": "g",
    "RPM": "rpm",
    "1/min": "rpm",
    "pH": "the number alone (pH has no unit)",
    "cm2": "cm^2",
    "cm3": "cm^3",
    "m2": "m^2",
    "m3": "m^3",
    "microliter": "uL",
    "microlitre": "uL",
}


def _symbols() -> dict[str, str]:
    table = {name: _SPELLING.get(name, name) for name in _SINGLE}
    for base, prefixes in _PREFIXED.items():
        for prefix in prefixes:
            pint_prefix = "u" if prefix == "µ" else prefix
            table[prefix + base] = pint_prefix + _SPELLING.get(base, base)
    return table


_SYMBOLS = _symbols()
_SYMBOL = r"[A-Za-zµμ°%_][A-Za-zµμ%_]*"
_FACTOR = rf"{_SYMBOL}(?:\^-?[1-4])?"
UNIT_PATTERN = re.compile(rf"(?:1/)?{_FACTOR}(?:[*/]{_FACTOR})*")
"""The shape of a unit text, without blanks."""


class UnitError(ValueError):
    """A unit that isn't known, with what would be right in `hint`."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as a straight line to SI base units: base = value * factor + offset."""

    text: str
    dimension: Dimension
    factor: float
    offset: float
    scale: Scale

    @property
    def words(self) -> str:
        """What it measures, with its article: `a volume`."""
        return dimension_words(self.dimension, self.scale)


def is_symbol(text: str) -> bool:
    """True for one unit symbol, such as `mL`; false for `mL/min` and for unknown ones."""
    return text.replace("μ", "µ") in _SYMBOLS


@cache
def _registry() -> Any:  # noqa: ANN401  # pint's registry type is generic over what it makes
    import pint

    registry = cast("Any", pint.UnitRegistry(cache_folder=None))
    for definition in _DEFINITIONS:
        registry.define(definition)
    if "ppb" not in registry:
        registry.define("ppb = 1e-9")
    return registry


_INSTEAD = {
    **dict.fromkeys(("drop", "drops"), "drops differ in size; give a volume, e.g. 50 uL"),
    **dict.fromkeys(
        ("equiv", "equivalents", "eq"),
        "give a volume, as an expression of the amounts: ${1.2 * acid_volume * acid.concentration / base.concentration}",
    ),
    **dict.fromkeys(
        ("wt%", "vol%", "mol%", "w%"), "write percent, and say of what in the description"
    ),
    "MM": "write mM (millimolar) or mol/L",
    "M%": "write percent, and say of what in the description",
}
"""What people write for a unit that is none, and what to write instead."""


def _suggestion(symbol: str) -> str:
    if symbol in _INSTEAD:
        return _INSTEAD[symbol]
    if symbol in _ADVICE:
        return f"did you mean {_ADVICE[symbol]}?"
    lowered = {name.lower(): name for name in reversed(list(_SYMBOLS))}
    if symbol.lower() in lowered:
        return f"did you mean {lowered[symbol.lower()]}?"
    close = difflib.get_close_matches(symbol, list(_SYMBOLS), n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else "units look like mL, mol/L, mL/min, degC"


@cache
def unit(text: str) -> Unit:
    """The unit of that name. UnitError, with a suggestion, where there is none."""
    clean = text.replace("μ", "µ")
    if clean in _ADVICE and clean not in _SYMBOLS:
        raise UnitError(f'unknown unit "{text}"', f"did you mean {_ADVICE[clean]}?")
    if clean == "1":
        clean = DIMENSIONLESS
    if len(clean) > 60 or not UNIT_PATTERN.fullmatch(clean):
        hint = "write units without blanks, like mL/min" if " " in text else _suggestion(clean)
        raise UnitError(f'"{text[:60]}" is not a unit', hint)
    spelled = clean
    for symbol in sorted(set(re.findall(_SYMBOL, clean)), key=len, reverse=True):
        if symbol not in _SYMBOLS:
            raise UnitError(f'unknown unit "{symbol}"', _suggestion(symbol))
        if symbol in _SCALES and symbol != clean and _SCALES[symbol] == "point":
            raise UnitError(
                f'"{symbol}" can\'t be part of "{text}"', f"use delta_{symbol} (a difference) there"
            )
    spelled = re.sub(_SYMBOL, lambda match: _SYMBOLS[match.group()], clean)
    return _measure(text, spelled, _SCALES.get(clean, "plain"))


def pint_symbols() -> tuple[str, ...]:
    """Every symbol that a unit may be made of, as pint spells it."""
    return tuple(_SYMBOLS.values())


def _measure(text: str, spelled: str, scale: Scale) -> Unit:
    known = MEASURED.get(spelled)
    if known is None:
        return Unit(text, *measured_by_pint(spelled), scale)
    dimension, factor, offset = known
    return Unit(text, tuple(dimension.items()), factor, offset, scale)


def measured_by_pint(spelled: str) -> tuple[Dimension, float, float]:
    """Dimension, factor and offset to SI base units; `spelled` as pint does."""
    registry = _registry()
    parsed = registry.Unit(spelled)
    zero = float(registry.Quantity(0.0, parsed).to_base_units().magnitude)
    one = float(registry.Quantity(1.0, parsed).to_base_units().magnitude)
    factor = _fahrenheit_or(spelled, one - zero)
    raw: Mapping[str, float] = dict(parsed.dimensionality)
    dimension = tuple(sorted((name, float(power)) for name, power in raw.items() if power))
    return dimension, factor, zero


def _fahrenheit_or(spelled: str, factor: float) -> float:
    """Offset scales lose digits in `one - zero`; their factors are exact by definition."""
    return {"degC": 1.0, "degF": 5.0 / 9.0}.get(spelled, factor)


def combine(left: Dimension, right: Dimension, power: float) -> Dimension:
    """left * right**power, as dimensions."""
    total = dict(left)
    for name, exponent in right:
        total[name] = total.get(name, 0.0) + exponent * power
    return tuple(sorted((name, exponent) for name, exponent in total.items() if exponent))


_WORDS = {
    "mL": "a volume",
    "g": "a mass",
    "s": "a duration",
    "m": "a length",
    "cm^2": "an area",
    "mol": "an amount of substance",
    "mol/L": "a concentration",
    "g/L": "a density",
    "g/mol": "a molar mass",
    "mol/g": "a molality",
    "mL/min": "a flow rate",
    "g/min": "a mass flow",
    "sccm": "a standard gas flow",
    "rpm": "a speed of rotation",
    "K": "a temperature",
    "K/min": "a temperature ramp",
    "mS/cm": "a conductivity",
    "S": "a conductance",
    "A": "a current",
    "V": "a voltage",
    "ohm": "a resistance",
    "W": "a power",
    "J": "an energy",
    "J/mol": "a molar energy",
    "bar": "a pressure",
    "Hz": "a frequency",
    "Pa*s": "a viscosity",
    "A/m^2": "a current density",
    "Ah": "a charge",
    "F": "a capacitance",
    "N": "a force",
    "lx": "an illuminance",
    "m/s": "a speed",
    "dimensionless": "a plain number",
}


@cache
def _words_by_dimension() -> dict[Dimension, str]:
    table: dict[Dimension, str] = {}
    for text, words in _WORDS.items():
        table.setdefault(unit(text).dimension, words)
    return table


def dimension_words(dimension: Dimension, scale: Scale = "plain") -> str:
    """In words of the bench: `a volume`, `a temperature difference`, else the base units."""
    words = _words_by_dimension().get(dimension)
    if words == "a temperature" and scale == "difference":
        return "a temperature difference"
    if words is not None:
        return words
    parts = [f"{_BASE.get(name, name.strip('[]'))}^{power:g}" for name, power in dimension]
    return "a quantity in " + " ".join(part.removesuffix("^1") for part in parts)
