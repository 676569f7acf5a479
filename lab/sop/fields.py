"""Field types that the three file models share: names, quantities, hazards, identifiers."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic.functional_validators import PlainValidator
from pydantic.types import StringConstraints
from pydantic_core import PydanticCustomError

from lab.domain.quantity import Quantity, QuantityError, parse_quantity
from lab.domain.units import DIMENSIONLESS, UnitError, unit
from lab.sop.vague import explained

__all__ = [
    "AnyQuantity",
    "Date",
    "Density",
    "Duration",
    "Expr",
    "FileModel",
    "Identifier",
    "LongText",
    "Name",
    "Names",
    "Temperature",
    "Text",
    "UnitText",
    "Version",
    "Volume",
    "quantity_error",
]


class FileModel(BaseModel):
    """What every part of a file is: fixed once read, no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=False)


def quantity_error(error: QuantityError) -> PydanticCustomError:
    """The same finding in the form that pydantic carries through a validation."""
    return PydanticCustomError(
        "quantity",
        "{text}",
        {"text": error.message, "code": error.code, "why": error.why, "hint": error.hint},
    )


def _quantity(like: str) -> PlainValidator:
    def read(value: object) -> Quantity:
        if isinstance(value, Quantity):
            return value
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            example = f"1.5 {like or 'mL'}"
            raise quantity_error(
                QuantityError("quantity", "a quantity is due here", hint=f'write e.g. "{example}"')
            )
        try:
            # a bare number stays dimensionless where any unit may come; the check compares it later
            return parse_quantity(str(value), like or DIMENSIONLESS if _bare(value) else like)
        except QuantityError as error:
            raise quantity_error(explained(error, str(value))) from error

    return PlainValidator(read)


def _bare(value: object) -> bool:
    return not isinstance(value, str)


def _text(quantity: Quantity) -> str:
    return f"{quantity.magnitude!r} {quantity.unit}"


def _schema(examples: list[str], *, number: bool = False) -> WithJsonSchema:
    kind: dict[str, object] = {"type": ["string", "number"] if number else "string"}
    return WithJsonSchema({**kind, "examples": examples})


_Serialised = PlainSerializer(_text, return_type=str)

AnyQuantity = Annotated[
    Quantity, _quantity(""), _Serialised, _schema(["1.5 mL", "25 degC"], number=True)
]
"""`number unit` of any dimension; a bare number is dimensionless."""
Volume = Annotated[Quantity, _quantity("mL"), _Serialised, _schema(["20 mL", "200 uL"])]
Duration = Annotated[Quantity, _quantity("s"), _Serialised, _schema(["30 s", "5 min"])]
Density = Annotated[Quantity, _quantity("g/mL"), _Serialised, _schema(["1.05 g/mL"])]
Temperature = Annotated[Quantity, _quantity("degC"), _Serialised, _schema(["22 degC"])]


@lru_cache(maxsize=256)
def _check_unit(text: str) -> str:
    try:
        unit(text)
    except UnitError as error:
        raise quantity_error(QuantityError("unit-unknown", str(error), hint=error.hint)) from error
    return text


def _unit(value: object) -> object:
    return _check_unit(value) if isinstance(value, str) else value


UnitText = Annotated[str, BeforeValidator(_unit), StringConstraints(max_length=60)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=64)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_\-]*$", max_length=64)]
Version = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+(?:-[0-9A-Za-z.\-]+)?$")]
Date = Annotated[
    str, StringConstraints(pattern=r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$")
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=300)]
LongText = Annotated[str, StringConstraints(max_length=5000)]
Expr = Annotated[str, StringConstraints(min_length=1, max_length=1000)]


def _names(value: object) -> object:
    """One name stands for a list of one."""
    return [value] if isinstance(value, str) else value


Names = Annotated[
    list[Name],
    BeforeValidator(_names),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}}),
]
"""One name or a list of them."""
