"""The values of a procedure's parameters in one run, within the SOP's limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.errors import InputError, RefusedError
from lab.domain.quantity import Quantity, QuantityError
from lab.sop.diagnostics import did_you_mean
from lab.sop.model import Option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.sop.model import Parameter
    from lab.sop.procedure import Box, Procedure, Setting

__all__ = ["ROUNDING", "Given", "Parameters", "bind_parameters"]

ROUNDING = 1e-9
"""A number that misses a limit by less (relative to it) is put on the limit."""

Given = float | Quantity | str | bool


@dataclass(frozen=True, slots=True)
class Parameters:
    """Quantities in their declared units; settings are choices, texts and yes/no."""

    quantities: Mapping[str, Quantity]
    settings: Mapping[str, Setting]

    @property
    def box(self) -> Box:
        return {name: (value, value) for name, value in self.quantities.items()}

    @property
    def words(self) -> str:
        """`a = 4 mL, solvent = water`"""
        return ", ".join(
            f"{name} = {value}" for name, value in {**self.quantities, **self.settings}.items()
        )


def bind_parameters(
    procedure: Procedure, factors: Mapping[str, float | str | Quantity], fixed: Mapping[str, Given]
) -> Parameters:
    """Plain numbers are in the parameter's declared unit. A parameter in neither mapping has its default.

    Raises
    ------
    InputError
        An unknown parameter, one in a wrong unit or of a wrong kind, a factor that is none.
    RefusedError
        A parameter outside the SOP's limits.
    """
    declared = procedure.sop.parameters
    for name in {**fixed, **factors}:
        if name not in declared:
            raise InputError(
                f'"{name}" is not a parameter of {procedure.sop.id}',
                hint=did_you_mean(name, declared),
            )
    for name in factors:
        item = declared[name]
        if isinstance(item, Option) and item.type != "choice":
            raise InputError(
                f'"{name}" is a {item.type.replace("_", "/")}, and only quantities and choices can be varied',
                hint="set it under `fixed`",
            )
    given: dict[str, Given] = {**fixed, **factors}
    quantities: dict[str, Quantity] = {}
    settings: dict[str, Setting] = {}
    for name, item in declared.items():
        value = given.get(name, item.default)
        if isinstance(item, Option):
            settings[name] = _setting(name, value, item)
        else:
            quantities[name] = _quantity(procedure, name, value, item)
    return Parameters(quantities, settings)


def _setting(name: str, value: Given, item: Option) -> Setting:
    if item.type == "yes_no":
        if isinstance(value, bool):
            return value
        raise InputError(f"{name}: {value} stands where yes or no is due", hint="true or false")
    if isinstance(value, Quantity):
        value = str(value)  # a text that reads like a quantity
    if not isinstance(value, str):
        raise InputError(f"{name}: {value} stands where a text is due", hint="give a text")
    if item.type == "choice" and value not in item.choices:
        raise InputError(
            f'{name}: "{value}" is not one of the choices', hint=did_you_mean(value, item.choices)
        )
    return value


def _quantity(procedure: Procedure, name: str, value: Given, item: Parameter) -> Quantity:
    if isinstance(value, str | bool):
        raise InputError(
            f"{name}: {value} stands where a quantity is due", hint=f"give it in {item.unit}"
        )
    try:
        quantity = value if isinstance(value, Quantity) else Quantity(float(value), item.unit)
        quantity = quantity.to(item.unit)
    except QuantityError as error:
        raise InputError(f"{name}: {error.message}", hint=error.hint) from error
    low, high = item.minimum.to(item.unit), item.maximum.to(item.unit)
    slack = ROUNDING * max(1.0, abs(low.magnitude), abs(high.magnitude))
    if not low.magnitude - slack <= quantity.magnitude <= high.magnitude + slack:
        message = f"{name} = {quantity} is outside"
        finding = procedure.document.finding(
            ("parameters", name),
            "range",
            f"{message} {low} to {high}",
            hint="choose a value within the limits",
            severity="safety",
        )
        raise RefusedError(
            f"{message} the SOP's limits {low} to {high}",
            hint="choose a value within them, or have the SOP changed and approved",
            diagnostics=[finding],
        )
    return Quantity(min(max(quantity.magnitude, low.magnitude), high.magnitude), item.unit)
