"""From words to a tree: precedence, places of errors, names inside and outside loops, bounds on size."""

from __future__ import annotations

import pytest

from lab.sop.grammar import (
    FUNCTIONS,
    SERIES_FUNCTIONS,
    Constant,
    Expression,
    Name,
    Operation,
    Series,
    parse_expression,
)
from lab.sop.tokens import ExpressionError
from lab.sop.value import Truth


def shape(text: str) -> str:
    """The tree with all its brackets written."""

    def write(node: object) -> str:
        if isinstance(node, Constant):
            return str(node.quantity) if node.quantity is not None else repr(node.content)
        if isinstance(node, Name):
            return node.name
        assert isinstance(node, Operation | Series)
        word = node.operator if isinstance(node, Operation) else node.function
        return f"{word}({', '.join(write(operand) for operand in node.operands)})"

    return write(parse_expression(text).node)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a or b and not c == d", "or(a, and(b, not(==(c, d))))"),
        ("a < b + c * d ** 2", "<(a, +(b, *(c, power2(d))))"),
        ("a - b - c", "-(-(a, b), c)"),
        ("-a ** 2", "negative(power2(a))"),
        ("- - a", "a"),
        ("-2 mL", "-2 mL"),
        ("--2", "2"),
        ("-(2)", "-2"),
        ("kind == 'water'", "==(kind, 'water')"),
        ('kind == "it\'s"', '==(kind, "it\'s")'),
        ("clamp(x, 0, 1)", "clamp(x, 0, 1)"),
        ("slope(v, log10(c))", "slope(v, log10(c))"),
        ("mean", "mean"),
        ("mean * 2", "*(mean, 2)"),
    ],
)
def test_trees(text, expected):
    assert shape(text) == expected


def test_constants():
    assert parse_expression("true").node == Constant(Truth.of(True), 0)
    assert parse_expression(" false").node == Constant(Truth.of(False), 1)
    assert parse_expression("'a b'").node == Constant("a b", 0)
    assert parse_expression("''").node == Constant("", 0)


def test_names_inside_of_loop_functions_stand_apart():
    found = parse_expression("tare + mean(scale.mass - blank) / sd(scale.mass) < tare")
    assert found.names == (("tare", 0), ("tare", 51))
    assert found.series_names == (("scale.mass", 12), ("blank", 25), ("scale.mass", 37))
    assert found.uses_series
    assert not parse_expression("a + abs(b)").uses_series
    assert parse_expression("count(true)").uses_series


def test_names_after_a_loop_function_are_outside_again():
    found = parse_expression("mean(a) + b")
    assert (found.names, found.series_names) == ((("b", 10),), (("a", 5),))


def test_what_was_read_is_kept():
    assert parse_expression("a + 2 mL") is parse_expression("a + 2 mL")
    for _ in range(2):
        with pytest.raises(ExpressionError):
            parse_expression("a +")


def test_an_expression_can_be_made_as_before():
    node = parse_expression("a").node
    assert Expression("a", node, (("a", 0),)) == parse_expression("a")


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ("a == 'x' 'y'", 9, "'y' is not expected here"),
        ("'a' b", 4, '"b" is not expected'),
        ("a 'and' b", 2, "'and' is not expected"),
        ("a ** '2'", 5, "whole number from 1 to 4"),
        ("a ** 2 mL", 5, "whole number from 1 to 4"),
        ("a ** 5", 5, "whole number from 1 to 4"),
        ("a **", 4, "whole number from 1 to 4"),
        ("a + true b", 9, '"b" is not expected'),
        ("true(a)", 4, '"\\(" is not expected'),
        ("abs '(' a)", 4, "is not expected"),
        ("1 + means(a)", 4, 'no function "means"'),
        ("mean(a, b)", 0, "takes 1 value, not 2"),
        ("b + slope(a)", 4, "takes 2 values, not 1"),
        ("clamp(a, b)", 0, "takes 3 values, not 2"),
        ("min(a)", 0, "takes 2 to 8 values, not 1"),
        ("mean()", 5, "is not expected"),
        ("mean(a", 6, "closing bracket"),
        ("mean(a + sd(b))", 9, "sd can't stand within mean"),
        ("slope(a, count(b))", 9, "count can't stand within slope"),
        ("'it's'", 5, "does not end"),
    ],
)
def test_errors_say_what_and_where(text, offset, words):
    with pytest.raises(ExpressionError, match=words) as caught:
        parse_expression(text)
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("means(a)", "did you mean mean?"),
        ("stdev(a)", "functions are abs, sqrt"),
        ("5mL", 'write a blank: "5 mL"'),
        ("2x + 1", "for a product, a *"),
        ("a < b < c", "`and`"),
        ("a b", "operator between"),
        ("mean(sd(a))", "side by side"),
    ],
)
def test_errors_say_what_would_be_right(text, hint):
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert hint in caught.value.hint


def test_a_loop_function_within_another_has_a_code_of_its_own():
    with pytest.raises(ExpressionError) as caught:
        parse_expression("mean(sd(a))")
    assert caught.value.code == "series"
    parse_expression("mean(a) - sd(a)")
    parse_expression("abs(mean(abs(a)))")


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("a" * 1001, 1000),
        ("(" * 60 + "a" + ")" * 60, 39),
        ("abs(" * 60 + "a" + ")" * 60, 159),
        ("+".join("a" * 400), 601),
    ],
)
def test_sizes_are_bounded_and_the_place_is_told(text, offset):
    with pytest.raises(ExpressionError) as caught:
        parse_expression(text)
    assert caught.value.offset == offset


def test_functions_over_loops_count_as_operations():
    parse_expression("+".join(["sd(a)"] * 150))
    with pytest.raises(ExpressionError, match="more than 300 operations"):
        parse_expression("+".join(["sd(a)"] * 151))


def test_every_function_is_called_by_its_name_only_with_brackets():
    for name, (least, most) in {**FUNCTIONS, **SERIES_FUNCTIONS}.items():
        for number in (least, most):
            parse_expression(f"{name}({', '.join('a' * number)})")
        assert parse_expression(name).names == ((name, 0),)
    assert not set(FUNCTIONS) & set(SERIES_FUNCTIONS)
