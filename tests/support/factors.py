"""Factors of campaigns that vary quantities only, as such; a choice among them fails the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["numbers", "ranges"]


def numbers(factors: Mapping[str, ev.FactorValue]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in factors.items():
        assert not isinstance(value, str), f"{name} is a choice"
        found[name] = value
    return found


def ranges(factors: Iterable[ev.FactorSpec | ev.ChoiceSpec]) -> list[ev.FactorSpec]:
    found: list[ev.FactorSpec] = []
    for factor in factors:
        assert isinstance(factor, ev.FactorSpec), f"{factor.name} is a choice"
        found.append(factor)
    return found
