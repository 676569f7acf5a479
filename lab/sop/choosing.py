"""Expressions over names that may be any of some texts: what they come to over all combinations. Pure."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from lab.sop.expression import evaluate
from lab.sop.value import Truth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.sop.expression import Computed, Expression

__all__ = ["answer_over"]

_MOST = 10_000


def answer_over(
    expression: Expression, names: Mapping[str, Computed], choices: Mapping[str, Sequence[str]]
) -> Computed:
    """What an expression comes to where each name of `choices` may be any of its texts.

    A condition may hold if it may in one of the combinations; of more than 10 000 combinations it may do both. Raises
    ExpressionError or CalculationError as `evaluate`.
    """
    used = [name for name in dict.fromkeys(n for n, _ in expression.names) if name in choices]
    one = {name: choices[name][0] for name in used}
    answer = evaluate(expression, {**names, **one})
    if not used or not isinstance(answer, Truth):
        return answer
    if math.prod(len(choices[name]) for name in used) > _MOST:
        return Truth(may_hold=True, may_fail=True)
    hold = fail = False
    for texts in itertools.product(*(choices[name] for name in used)):
        answer = evaluate(expression, {**names, **dict(zip(used, texts, strict=True))})
        if isinstance(answer, Truth):
            hold, fail = hold or answer.may_hold, fail or answer.may_fail
        if hold and fail:
            break
    return Truth(may_hold=hold, may_fail=fail)
