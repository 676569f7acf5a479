"""Reading a simulator's settings: a clear error instead of a traceback for a value of the wrong kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

__all__ = ["boolean", "number", "text"]


def number(settings: Mapping[str, JsonValue], key: str, default: float) -> float:
    """A number of the `simulate:` mapping."""
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"simulate: {key} must be a number, not {value!r}")
    return float(value)


def text(settings: Mapping[str, JsonValue], key: str, default: str) -> str:
    """A text of the `simulate:` mapping."""
    value = settings.get(key, default)
    if not isinstance(value, str):
        raise InputError(f"simulate: {key} must be text, not {value!r}")
    return value


def boolean(settings: Mapping[str, JsonValue], key: str, default: bool) -> bool:
    """A yes or no of the `simulate:` mapping."""
    value = settings.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"simulate: {key} must be true or false, not {value!r}")
    return value
