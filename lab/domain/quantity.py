"""A number with its unit, as people write it: `2.5 mL`, `25 degC`, `1e-3 mol/L`.

The grammar is strict because a misread dose is a hazard: a decimal comma, `±`, a range or a missing unit is
refused with what would be right. Temperatures on a scale with an offset (degC) and differences (delta_degC)
are different things; kelvin may be either.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from lab.domain.units import DIMENSIONLESS, Unit, UnitError, unit

__all__ = ["Quantity", "QuantityError", "parse_quantity", "tidy"]

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_QUANTITY = re.compile(rf"({_NUMBER})[ \t]+(\S+)")
_GLUED = re.compile(rf"({_NUMBER})([A-Za-zµμ°%]\S*)")
_BARE = re.compile(_NUMBER)
_COMMA = re.compile(r"([+-]?\d+),(\d+)(.*)", re.DOTALL)
_RANGE = re.compile(r"[\d.]\s*(?:\.\.|to|-|\N{EN DASH})\s*\d")
_MAX_LENGTH = 100


class QuantityError(ValueError):
    """A text that is not a quantity, or a quantity of the wrong kind."""

    def __init__(self, code: str, message: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.why = why
        self.hint = hint


def tidy(value: float) -> float:
    """The value without the noise that unit factors leave in the sixteenth digit; never `-0.0`."""
    return float(f"{value:.15g}") + 0.0


@dataclass(frozen=True, slots=True)
class Quantity:
    """A finite number in a unit. Made by `parse_quantity` from text."""

    magnitude: float
    unit: str

    def __post_init__(self) -> None:
        if not math.isfinite(self.magnitude):
            raise QuantityError(
                "number", f"{self.magnitude} is not a finite number", hint="give a number"
            )
        _ = self.definition  # an unknown unit can't be held

    @property
    def definition(self) -> Unit:
        """The unit's dimension and its relation to SI. QuantityError where it is unknown."""
        try:
            return unit(self.unit)
        except UnitError as error:
            raise QuantityError("unit-unknown", str(error), hint=error.hint) from error

    @property
    def words(self) -> str:
        """What it is: `a volume`, `a temperature`."""
        return self.definition.words

    @property
    def base(self) -> float:
        """The magnitude in SI base units (m, kg, s, A, K, mol, cd)."""
        own = self.definition
        return self.magnitude * own.factor + own.offset

    def is_like(self, other: str) -> bool:
        """True where `to(other)` works."""
        own, target = self.definition, unit(other)
        mixed = {own.scale, target.scale} == {"point", "difference"}
        return own.dimension == target.dimension and not mixed

    def to(self, other: str) -> Quantity:
        """The same in another unit. QuantityError where the dimensions differ."""
        target = Quantity(0.0, other).definition
        own = self.definition
        if not self.is_like(other):
            raise QuantityError(
                "dimension",
                f"{self} is {own.words}, not {target.words}",
                hint=f"give it in {other}",
            )
        if own.text == target.text:
            return Quantity(tidy(self.magnitude), other)
        if not own.offset and not target.offset:
            return Quantity(tidy(self.magnitude * own.factor / target.factor), other)
        # 25 degC -> 298.15 K -> 25 degC must come back whole: offsets cost about 1e-13, so round there.
        return Quantity(round(tidy((self.base - target.offset) / target.factor), 9) + 0.0, other)

    def __str__(self) -> str:
        number = f"{self.magnitude:.6g}"
        return number if self.unit == DIMENSIONLESS else f"{number} {self.unit}"


def parse_quantity(text: str, like: str = "") -> Quantity:
    """Read `number unit`; with `like`, also demand that it measures the same as that unit.

    A bare number is taken only where `like` is dimensionless.

    Raises
    ------
    QuantityError
        With a stable code: unit-missing, decimal-comma, quantity, unit-unknown, dimension.
    """
    clean = text.strip()
    if len(clean) > _MAX_LENGTH:
        raise QuantityError(
            "quantity", f"a quantity of {len(clean)} characters is not one",
            hint=f'write a number, a blank and a unit, e.g. "1.5 {like or "mL"}"',
        )  # fmt: skip
    match = _QUANTITY.fullmatch(clean)
    if match is None:
        if _BARE.fullmatch(clean):
            if like and unit(like).text == DIMENSIONLESS:
                return Quantity(_float(clean), DIMENSIONLESS)
            raise QuantityError(
                "unit-missing",
                f'"{clean}" has no unit',
                why="a number alone can be read in any unit, and a misread dose is a hazard",
                hint=f'write it with its unit, e.g. "{clean} {like or "mL"}"',
            )
        raise _explain(clean, like)
    quantity = Quantity(_float(match[1]), match[2])
    if like and not quantity.is_like(like):
        wanted = unit(like).words
        raise QuantityError(
            "dimension",
            f'"{clean}" is {quantity.words}, but {wanted} is due here',
            hint=f"give {wanted}, for example in {like}",
        )
    return quantity


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise QuantityError(
            "number", f"{text} is too large to be a number", hint="check its exponent"
        )
    return value


def _known(text: str, like: str) -> str:
    """The unit as written, else what is due, else degC (the commonest slip: 25C)."""
    try:
        return unit(text).text
    except UnitError:
        return like or ("degC" if text in ("C", "°C") else text)


def _explain(text: str, like: str) -> QuantityError:
    """Why a text is not a quantity, and what was probably meant."""
    example = like or "mL"
    if comma := _COMMA.fullmatch(text):
        fixed = f"{comma[1]}.{comma[2]}{comma[3]}"
        return QuantityError(
            "decimal-comma",
            f'"{text}" has a decimal comma',
            why="1,5 can be read as 1.5 or as 15",
            hint=f'write a decimal point: "{fixed}"',
        )
    if "±" in text or "+/-" in text:
        return QuantityError(
            "quantity",
            f'"{text}" has an uncertainty; one number with a unit is due',
            hint="give the nominal value here; a tolerance has its own argument or check",
        )
    if _RANGE.search(text):
        return QuantityError(
            "quantity",
            f'"{text}" is a range; one number with a unit is due',
            hint="give one value; ranges belong in minimum and maximum of a parameter",
        )
    if glued := _GLUED.fullmatch(text):
        return QuantityError(
            "quantity",
            f'"{text}" needs a blank between number and unit',
            hint=f'write "{glued[1]} {_known(glued[2], like)}"',
        )
    if re.fullmatch(r"[0-9]{1,3}:[0-9]{2}(?::[0-9]{2})?", text):
        return QuantityError(
            "quantity",
            f'"{text}" is not a quantity',
            why="it may mean hours and minutes, or minutes and seconds",
            hint='write one number with its unit: "12.5 min"',
        )
    if re.fullmatch(r"[0-9]{1,3}(?:['\u2019.,\u00a0\u202f][0-9]{3})+(?:[.,][0-9]+)?\s\S+", text):
        return QuantityError(
            "quantity",
            f'"{text}" has marks between thousands',
            why="in another country the same mark ends the whole number",
            hint='write the digits alone, and a point before decimals: "1000.5 s"',
        )
    if re.fullmatch(rf"{_NUMBER}\s?[A-Za-z]+\s{_NUMBER}\s?[A-Za-z]+", text):
        return QuantityError(
            "quantity",
            f'"{text}" is two quantities; one number with one unit is due',
            hint="add them up: 90 min for 1 h 30 min",
        )
    if re.match(rf"{_NUMBER}\s", text):
        return QuantityError(
            "quantity",
            f'"{text}" is not one number with one unit',
            hint="write units without blanks, like 20 mL/min",
        )
    return QuantityError(
        "quantity",
        f'"{text}" is not a quantity',
        hint=f'write a number, a blank and a unit, e.g. "1.5 {example}"',
    )
