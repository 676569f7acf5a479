"""The codes of findings that stand in the source of the checker, so that none of them goes without a case."""

from __future__ import annotations

import ast
from pathlib import Path

__all__ = ["codes_in_source"]

_SOURCE = Path(__file__).parents[2] / "lab" / "sop"
_PLACES = {
    # function or class -> which of its arguments is the code
    **dict.fromkeys(("report", "_report", "finding", "at", "_stop", "_finding"), 1),
    **dict.fromkeys(("_refused",), 2),
    **dict.fromkeys(
        ("RuleFinding", "BadArgumentError", "CalculationError", "ExpressionError", "QuantityError"),
        0,
    ),
}
_NOT_OF_THE_CHECKER = (
    "assignment.py",
    "cwl.py",
    "diff.py",
    "graph.py",
    "handbook.py",
    "templates.py",
    "uncertainty.py",
)


def codes_in_source() -> set[str]:
    """Each code that is written out where something is reported."""
    found: set[str] = set()
    for file in sorted(_SOURCE.glob("*.py")):
        if file.name in _NOT_OF_THE_CHECKER:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found |= _codes_of(node)
    return found


def _codes_of(call: ast.Call) -> set[str]:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    place = _PLACES.get(name)
    given = call.args[place : place + 1] if place is not None else []
    given += [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    return {text for argument in given for text in _texts(argument)}


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return _texts(node.body) + _texts(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
