"""Expressions: `${total_volume - 1.5 mL}`, `abs(mass - expected_mass) < 0.25 g`, `sd(weigh.mass) < 2 mg`.

The language is its own small grammar, not Python: numbers, quantity literals, texts in quotes, `true` and `false`,
names, dotted names, + - * /, `**` with a whole exponent up to 4, comparisons, and/or/not, functions of numbers, and
functions over the iterations of a loop. There is nothing else in it, so there is nothing to escape from. Each
expression is evaluated with units, over numbers or over ranges, and its uncertainty can be propagated.

This module is the door: tokens, grammar, evaluation, series and uncertainty stand behind it.
"""

from lab.sop.evaluation import evaluate
from lab.sop.grammar import FUNCTIONS, SERIES_FUNCTIONS, Expression, parse_expression, unwrap
from lab.sop.tokens import WORDS, ExpressionError
from lab.sop.uncertainty import propagate
from lab.sop.value import Computed

__all__ = [
    "FUNCTIONS",
    "SERIES_FUNCTIONS",
    "WORDS",
    "Computed",
    "Expression",
    "ExpressionError",
    "evaluate",
    "parse_expression",
    "propagate",
    "unwrap",
]
