"""Checks a command's arguments and an action's outputs against the capability contract, at the device.

Limits were checked when the plan was made; they are checked again here because a device host must not trust what
comes over a network. Nothing is ever clipped: what is out of range is refused.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.action import ActionSpec, ArgSpec

__all__ = ["checked_args", "finding_in_outputs"]


def checked_args(
    spec: ActionSpec, args: Mapping[str, JsonValue]
) -> tuple[dict[str, JsonValue], list[str]]:
    """Arguments with the contract's defaults filled in, and what is wrong with them (empty when all is well)."""
    findings = [f"{name}: no such argument" for name in args if name not in spec.args]
    checked: dict[str, JsonValue] = {}
    for name, arg in spec.args.items():
        if name not in args:
            if arg.required:
                findings.append(f"{name}: is missing")
            elif arg.default is not None:
                checked[name] = arg.default
            continue
        value, finding = _checked_value(arg, args[name])
        if finding:
            findings.append(f"{name}: {finding}")
        else:
            checked[name] = value
    return checked, findings


def _checked_value(arg: ArgSpec, value: JsonValue) -> tuple[JsonValue, str]:
    if arg.kind == "quantity":
        return value, _finding_in_number(arg, value)
    if arg.kind == "integer":
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return value, f"must be a whole number, not {value!r}"
        return value, _finding_in_number(arg, value)
    if arg.kind == "text":
        good = isinstance(value, str) and value.strip() != "" and value.isprintable()
        return value, "" if good else f"must be a printable text, not {value!r}"
    if arg.kind == "choice":
        good = isinstance(value, str) and value in arg.choices
        return value, "" if good else f"must be one of {', '.join(arg.choices)}, not {value!r}"
    return value, _finding_in_volumes(arg, value)


def _finding_in_volumes(arg: ArgSpec, value: JsonValue) -> str:
    if not isinstance(value, dict) or not value:
        return "must map stock names to volumes"
    for stock, volume in value.items():
        finding = _finding_in_number(arg, volume)
        if finding:
            return f"{stock}: {finding}"
        if isinstance(volume, int | float) and volume < 0:
            return f"{stock}: a volume can't be negative ({volume:g} {arg.unit})"
    return ""


def _finding_in_number(arg: ArgSpec, value: JsonValue) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"must be a number in {arg.unit or 'its unit'}, not {value!r}"
    if not math.isfinite(value):
        return f"must be finite, not {value}"
    if arg.minimum is not None and value < arg.minimum:
        return f"{value:g} {arg.unit} is below the minimum {arg.minimum:g} {arg.unit}"
    if arg.maximum is not None and value > arg.maximum:
        return f"{value:g} {arg.unit} is above the maximum {arg.maximum:g} {arg.unit}"
    return ""


def finding_in_outputs(spec: ActionSpec, outputs: Mapping[str, JsonValue]) -> str:
    """What is wrong with the values that a driver returned; empty when nothing is. Extra values are allowed."""
    for name, output in spec.outputs.items():
        value = outputs.get(name)
        if value is None:
            return f"{name}: the driver returned no value"
        if output.unit and (isinstance(value, bool) or not isinstance(value, int | float)):
            return f"{name}: must be a number in {output.unit}, not {value!r}"
    for name, value in outputs.items():
        if isinstance(value, float) and not math.isfinite(value):
            return f"{name}: {value} is not a measurement"
    return ""
