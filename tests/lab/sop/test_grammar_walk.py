"""What is found in the tree of an expression, and how functions over loops are taken out of it."""

from __future__ import annotations

import pytest

from lab.sop.grammar import parse_expression
from lab.sop.grammar_walk import compared_texts, series_apart, series_calls


def test_calls_are_found_wherever_they_stand():
    node = parse_expression("max(mean(a.x), 2 * sd(b.x)) - slope(l, c.x)").node
    assert [call.function for call in series_calls(node)] == ["mean", "sd", "slope"]
    assert series_calls(parse_expression("max(a, b)").node) == []


def test_texts_are_found_on_either_side():
    node = parse_expression("kind == 'blank' or 'x' != other or n == 1").node
    assert compared_texts(node) == [("kind", "blank"), ("other", "x")]


@pytest.mark.parametrize(
    ("text", "apart", "parts"),
    [
        ("a + b", "a + b", {}),
        ("mean(a.x)", "mean_1", {"mean_1": "mean(a.x)"}),
        (
            "mean(a.x) - mean(b.x)", "mean_1 - mean_2",
            {"mean_1": "mean(a.x)", "mean_2": "mean(b.x)"},
        ),
        # brackets inside, brackets around, units and blanks
        (
            "(sd(max(a.x, (b + 2 mL)) ) / 3 mL) * c", "(sd_1 / 3 mL) * c",
            {"sd_1": "sd(max(a.x, (b + 2 mL)) )"},
        ),
        # the same words stand for the same
        ("sum(a.x) / (1 + sum(a.x))", "sum_1 / (1 + sum_1)", {"sum_1": "sum(a.x)"}),
        # a bracket in a text is none
        (
            "count(a.x == ')') - count(b.x == '(')", "count_1 - count_2",
            {"count_1": "count(a.x == ')')", "count_2": "count(b.x == '(')"},
        ),
        # a name that is taken
        ("mean_1 * mean(a.x)", "mean_1 * mean_1_", {"mean_1_": "mean(a.x)"}),
        ("mean_1 * mean_1_ * mean(a.x)", "mean_1 * mean_1_ * mean_1__", {"mean_1__": "mean(a.x)"}),
    ],
)  # fmt: skip
def test_functions_are_taken_out_and_named(text, apart, parts):
    assert series_apart(parse_expression(text)) == (apart, parts)
    assert series_calls(parse_expression(apart).node) == []
    assert all(len(series_calls(parse_expression(part).node)) == 1 for part in parts.values())
