"""Control charts: what a row of results of the same standard says, though each of them is within its tolerance.

The chart has target limits: the tolerance of the standard is the action limit, three control standard deviations from
the certified value (Hovind et al., Internal Quality Control, Nordtest Report TR 569, 5th edition (2018), chapter 8).
The rules are those of Westgard, Barry, Hunt and Groth, Clin. Chem. 27, 493 (1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.domain.plan import Plan, QualityCheck

__all__ = ["WARNING_RULES", "broken_rules", "deviation", "instruments", "meaning"]

WARNING_RULES = frozenset({"1_2s"})
"""Rules that warn: the sample is flagged, the run does not fail by them."""


@dataclass(frozen=True, slots=True)
class _Rule:
    meaning: str
    length: int
    """How many of the last results it looks at."""
    broken: Callable[[Sequence[float]], bool]


def _beyond(limit: float) -> Callable[[Sequence[float]], bool]:
    """All of them beyond that many standard deviations, on one side."""
    return lambda row: all(item > limit for item in row) or all(item < -limit for item in row)


_RULES = {
    "1_2s": _Rule("one result beyond 2 s", 1, _beyond(2.0)),
    "1_3s": _Rule("one result beyond 3 s", 1, _beyond(3.0)),
    "2_2s": _Rule("two in a row beyond 2 s on one side", 2, _beyond(2.0)),
    "R_4s": _Rule(
        "two in a row beyond 2 s on opposite sides",
        2,
        lambda row: min(row) < -2.0 and max(row) > 2.0,
    ),
    "4_1s": _Rule("four in a row beyond 1 s on one side", 4, _beyond(1.0)),
    "10_x": _Rule("ten in a row on one side of the certified value", 10, _beyond(0.0)),
}


def deviation(check: QualityCheck, value: float) -> float:
    """What a standard was found to be, in control standard deviations from its certified value.

    ValueError for a check that is no standard with a tolerance.
    """
    if check.certified_value is None or not check.maximum:
        raise ValueError(f"{check.name} has no certified value with a tolerance")
    return 3.0 * (value - check.certified_value) / check.maximum


def broken_rules(deviations: Sequence[float], rules: Sequence[str]) -> list[str]:
    """Which of the rules the last of the deviations breaks (oldest first). KeyError for an unknown rule."""
    return [
        name
        for name in rules
        if len(deviations) >= (rule := _RULES[name]).length
        and rule.broken(deviations[-rule.length :])
    ]


def meaning(rule: str) -> str:
    """In words."""
    return _RULES[rule].meaning


def instruments(plan: Plan, check: QualityCheck) -> frozenset[str]:
    """The devices that a check's values come from: each set of them has a chart of its own."""
    paths = {
        output.rpartition(".")[0]
        for names in (check.formula.names, *(check.formula.rows or ()))
        for binding in names.values()
        for output in binding.outputs
    }
    return frozenset(plan.step(path).device for path in paths)
