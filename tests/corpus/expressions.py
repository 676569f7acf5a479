"""Expressions that can't be read or computed, and places where they are not due."""

from __future__ import annotations

from tests.corpus.cases import Case, edit

__all__ = ["CASES"]

_DOSE = "volume: ${total_volume}"
_DERIVED = "    value: ${salt_volume * salt.density + water_volume * water.density}"
_CALLED = 'with: {volume: "${water_volume / 2}"}'


def _dose(name: str, raises: str, inner: str) -> Case:
    """Another expression for a volume."""
    return edit(name, "plain", raises, _DOSE, f"volume: '${{{inner}}}'")


def _result(name: str, raises: str, inner: str, unit: str = "mS/cm") -> Case:
    """Another expression for a result over the rounds of a loop."""
    return edit(name, "rich", raises, "    value: ${mean(read.conductivity)}\n    unit: mS/cm", f"    value: '${{{inner}}}'\n    unit: {unit}")  # fmt: skip


_WRITTEN = (
    _dose("an open bracket", "expression", "(total_volume + 1 mL"),
    _dose("a text that does not end", "expression", 'mode == "careful'),
    _dose("a function with too many values", "expression", "abs(total_volume, 1 mL)"),
    _dose("a function with too few values", "expression", "clamp(total_volume, 1 mL)"),
    _dose("more than 300 operations", "expression", "(1" + "+1" * 320 + ") * 1 mL"),
    _dose("an unknown unit in an expression", "unit-unknown", "total_volume + 1 mll"),
    _dose("a number that is too large", "number", "total_volume * 1e308 L/mL"),
    _dose("a sum of a condition", "expression", "total_volume + (1 > 0)"),
    _dose("a condition of a number", "expression", "total_volume and 1 > 0"),
    _dose("a text that is more", "expression", '"a" > "b"'),
)  # fmt: skip

_COMPUTED = (
    _dose("an exponential of a volume", "dimension", "exp(total_volume) * 1 mL"),
    _dose("an exponential beyond all numbers", "range", "exp(9999) * 1 mL"),
    _dose("a logarithm of nothing", "range", "ln(dilute_volume / 1 mL) * 1 mL"),
    _dose("limits in the wrong order", "range", "clamp(total_volume, 5 mL, 1 mL)"),
    _dose("a square root below zero", "range", "sqrt(dilute_volume / 1 mL - 9) * 1 mL"),
    _dose("two temperatures added", "dimension", "(temperature + temperature) / 1 degC * 1 mL"),
    _dose("a temperature times two", "dimension", "temperature * 2 / 1 K * 1 mL"),
    _dose("a volume compared with a mass", "dimension", "max(total_volume, 1 g)"),
    _dose("a smallest of two kinds", "dimension", "min(total_volume, temperature)"),
    _result("a sum of temperatures", "dimension", "sum(25 degC + 0 * speed / 1 rpm * 1 K)", "K"),
    _result("a mean within a mean", "series", "mean(mean(read.conductivity))"),
    _result("a mean of answers", "expression", "mean(read.conductivity > 1 mS/cm)"),
    _result("a condition for a result", "expression", "mean(read.conductivity) > 1 mS/cm"),
)  # fmt: skip

_PLACES = (
    edit("a result without ${}", "rich", "expression", "value: ${mean(read.conductivity)}", "value: mean(read.conductivity)"),
    edit("a derived value that is a condition", "rich", "expression", _DERIVED, "    value: ${salt_volume > 1 mL}"),
    edit("a choice for a derived value", "rich", "expression", _DERIVED, "    value: ${mode}"),
    edit("a choice for a volume", "rich", "value", '"${salt_volume}"', '"${mode}"'),
    edit("a yes/no as the default of a choice", "rich", "value", "default: careful", "default: true"),
    edit("a text as the default of a yes/no", "rich", "value", "type: choice\n    choices: [careful, quick]\n    default: careful", "type: yes_no\n    default: careful"),
    edit("a name of a parameter and of an output", "plain", "name", "parameters:\n", "parameters:\n  mass: {unit: g, minimum: 0 g, maximum: 1 g, default: 0 g, role: fixed}\n"),
    edit("a reported parameter of a call", "rich", "reference", _CALLED, "with: {volume: 3 mL, rinses: 2 dimensionless}"),
    edit("a text for a volume in a call", "rich", "vague", _CALLED, "with: {volume: a few drops}"),
    edit("a choice for a volume in a call", "rich", "expression", _CALLED, 'with: {volume: "${mode}"}'),
    edit("an unknown name in a call", "rich", "reference", _CALLED, 'with: {volume: "${watr_volume / 2}"}'),
    edit("limits of a yes/no", "rich", "shape", "{type: yes_no, prompt", "{type: yes_no, minimum: 1 g, prompt"),
    edit("a simulated answer without its unit", "rich", "quantity", "room: 22}", 'room: "warm, 22"}'),
    edit("a list of stocks for one pump", "rich", "value", '"${salt_volume}"', "{salt: 1 mL, water: 2 mL}"),
)  # fmt: skip

CASES = (*_WRITTEN, *_COMPUTED, *_PLACES)
