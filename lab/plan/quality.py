"""Standards, blanks and replicates: judged when the run ends."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.units import DIMENSIONLESS
from lab.plan.formula import bound, measured
from lab.sop.expression import ExpressionError, evaluate, parse_expression
from lab.sop.value import CalculationError, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.plan import Plan, QualityCheck

__all__ = ["QualityOutcome", "evaluate_quality"]


@dataclass(frozen=True, slots=True)
class QualityOutcome:
    """How one quality check came out."""

    name: str
    kind: str
    """`standard`, `blank` or `replicates`."""
    value: float | None
    """What was found, in `unit`; None where there is nothing to judge. Of replicates the mean."""
    unit: str
    expected: float | None
    """Certified value of a standard."""
    accepted: bool
    detail: str
    """For people: what was judged against which limit."""


def evaluate_quality(
    plan: Plan, outputs_by_step: Mapping[str, Mapping[str, JsonValue]]
) -> list[QualityOutcome]:
    """Each quality check of the plan. What was not measured is not accepted."""
    return [
        _replicates(check, outputs_by_step)
        if check.kind == "replicates"
        else _single(check, outputs_by_step)
        for check in plan.quality
    ]


def _outcome(
    check: QualityCheck, value: float | None, detail: str, *, accepted: bool
) -> QualityOutcome:
    return QualityOutcome(
        check.name, check.kind, value, check.unit, check.certified_value, accepted, detail
    )


def _single(check: QualityCheck, outputs: Mapping[str, Mapping[str, JsonValue]]) -> QualityOutcome:
    found = measured(check.formula, outputs)
    try:
        value = None if found is None else found[0].number(check.unit or DIMENSIONLESS)
    except CalculationError:
        value = None
    if value is None:
        return _outcome(check, None, "nothing was measured", accepted=False)
    judged, what = value, "found"
    if check.certified_value is not None:
        judged, what = value - check.certified_value, "deviation"
    limits = _limit_words(check, check.unit)
    return _outcome(
        check, value, f"{what} {judged:.6g} {check.unit}".rstrip() + f"; {limits}",
        accepted=_within(check, judged),
    )  # fmt: skip


def _replicates(
    check: QualityCheck, outputs: Mapping[str, Mapping[str, JsonValue]]
) -> QualityOutcome:
    """The relative standard deviation of what the rounds gave."""
    numbers = _numbers(check, outputs)
    if len(numbers) < max(2, check.least or 2):
        detail = f"{len(numbers)} of at least {max(2, check.least or 2)} replicates were measured"
        mean = statistics.fmean(numbers) if numbers else None
        return _outcome(check, mean, detail, accepted=False)
    mean = statistics.fmean(numbers)
    deviation = statistics.stdev(numbers)
    if mean == 0.0:
        relative = 0.0 if deviation == 0.0 else math.inf
    else:
        relative = 100.0 * deviation / abs(mean)
    detail = f"relative standard deviation {relative:.3g} % of {len(numbers)}; {_limit_words(check, '%')}"
    return _outcome(check, mean, detail, accepted=_within(check, relative))


def _numbers(check: QualityCheck, outputs: Mapping[str, Mapping[str, JsonValue]]) -> list[float]:
    expression = parse_expression(check.formula.expression)
    common, rows = bound(check.formula, outputs)
    numbers: list[float] = []
    for row in rows or ():
        try:
            value = evaluate(expression, {**common.names, **row.names})
            if isinstance(value, Value):
                numbers.append(value.number(check.unit or DIMENSIONLESS))
        except (ExpressionError, CalculationError):
            continue
    return numbers


def _within(check: QualityCheck, number: float) -> bool:
    slack = 1e-9 * max(abs(check.minimum or 0.0), abs(check.maximum or 0.0))
    low = -math.inf if check.minimum is None else check.minimum - slack
    high = math.inf if check.maximum is None else check.maximum + slack
    return low <= number <= high


def _limit_words(check: QualityCheck, unit: str) -> str:
    if check.minimum is None and check.maximum is None:
        return "no limit"
    if check.minimum is not None and check.maximum is not None:
        if check.minimum == -check.maximum:
            return f"allowed up to {check.maximum:.6g} {unit}".rstrip()
        return f"allowed {check.minimum:.6g} to {check.maximum:.6g} {unit}".rstrip()
    if check.minimum is not None:
        return f"allowed from {check.minimum:.6g} {unit}".rstrip()
    return f"allowed up to {check.maximum:.6g} {unit}".rstrip()
