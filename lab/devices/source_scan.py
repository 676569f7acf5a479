"""Reads the source of drivers: what a signature can't tell. Used by the conformance suite alone."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

__all__ = ["does_nothing", "error_codes", "methods_that_begin", "only_raises"]


def methods_that_begin(driver_class: type) -> set[str]:
    """Methods that call `.begin()`, themselves or through other methods or functions of their module."""
    calls: dict[str, set[str]] = {}
    for kind in reversed(driver_class.__mro__[:-1]):
        for function in _functions(ast.walk(_tree_of(kind))):
            calls[function.name] = set(_called(function))
    for function in _functions(ast.walk(_tree_of(sys.modules[driver_class.__module__]))):
        calls.setdefault(function.name, set(_called(function)))
    beginning = {name for name, called in calls.items() if "begin" in called}
    while True:
        more = {name for name, called in calls.items() if called & beginning} - beginning
        if not more:
            return beginning
        beginning |= more


def only_raises(function: Callable[..., object]) -> bool:
    """Whether a function does nothing but raise, its docstring aside."""
    body = _body(function)
    return bool(body) and all(isinstance(statement, ast.Raise) for statement in body)


def does_nothing(driver_class: type, method: str) -> bool:
    """Whether a method is there and does nothing, its docstring aside."""
    function = getattr(driver_class, method, None)
    return callable(function) and _body(function) == []


def _body(function: Callable[..., object]) -> list[ast.stmt] | None:
    """A function's statements without docstrings, `...` and `pass`; None where there is no source."""
    definitions = _functions(ast.walk(_tree_of(function)))
    if not definitions:
        return None
    return [
        statement
        for statement in definitions[0].body
        if not isinstance(statement, ast.Pass)
        and not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]


def error_codes(driver_class: type) -> set[str]:
    """Codes written out in `DeviceError("code", ...)` in the driver's module, in its package for `*.driver`, and in the
    parts of `lab.devices` that the module is built on, such as `EzoLine`."""
    codes: set[str] = set()
    for module in _modules(driver_class.__module__):
        for node in ast.walk(_tree_of(module)):
            if isinstance(node, ast.Call) and _name(node.func) == "DeviceError" and node.args:
                code = node.args[0]
                if isinstance(code, ast.Constant) and isinstance(code.value, str):
                    codes.add(code.value)
    return codes


def _modules(name: str) -> Iterator[ModuleType]:
    package, _, last = name.rpartition(".")
    for part in {getattr(used, "__module__", None) for used in vars(sys.modules[name]).values()}:
        if isinstance(part, str) and part.startswith("lab.devices.") and part in sys.modules:
            yield sys.modules[part]
    for other, module in sorted(sys.modules.items()):
        sibling = last == "driver" and other.startswith(f"{package}.")
        if (other == name or sibling) and getattr(module, "__file__", None):
            yield module


def _tree_of(thing: type | ModuleType | Callable[..., object]) -> ast.AST:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError):
        return ast.Module([], [])  # built in, or made without a file


def _functions(nodes: Iterator[ast.AST]) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def _called(function: ast.AST) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            yield _name(node.func)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
