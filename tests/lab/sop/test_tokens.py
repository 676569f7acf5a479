"""From text to words: kinds, places, units after numbers, texts in quotes."""

from __future__ import annotations

import pytest

from lab.sop.tokens import ExpressionError, tokens


def kinds(text: str) -> list[tuple[str, str]]:
    return [(token.kind, token.text) for token in tokens(text)]


def test_each_kind_of_word():
    assert kinds("a.b <= 2.5e-3 mL ** 'x y'") == [
        ("name", "a.b"),
        ("operator", "<="),
        ("number", "2.5e-3"),
        ("operator", "**"),
        ("text", "'x y'"),
    ]


@pytest.mark.parametrize(
    "text", ["'and'", '"and"', "'('", "'2'", "''", "'it \"is\"'", "'}'", "'µ ✓'"]
)
def test_a_text_keeps_its_quotes_so_it_is_no_operator(text):
    assert kinds(text) == [("text", text)]


def test_two_texts_are_two_words():
    assert kinds("'a''b'") == [("text", "'a'"), ("text", "'b'")]


def test_places_are_those_of_the_words_without_blanks():
    text = "  mass  <   2 mL  "
    found = list(tokens(text))
    assert [text[token.offset : token.end] for token in found] == ["mass", "<", "2 mL"]


@pytest.mark.parametrize(
    ("text", "unit_name"),
    [
        ("2 mL", "mL"),
        ("2 mL/min", "mL/min"),
        ("2 mL*a", "mL"),
        ("2 mol/L*b.c", "mol/L"),
        ("2 g/mL*min(a, b)", "g/mL"),
        ("2 cm^2", "cm^2"),
        ("2 %", "%"),
        ("2 and", "dimensionless"),
        ("2 or", "dimensionless"),
        ("2 true", "dimensionless"),
        ("2", "dimensionless"),
    ],
)
def test_the_unit_after_a_number(text, unit_name):
    first = next(tokens(text))
    assert first.quantity is not None
    assert first.quantity.unit == unit_name


@pytest.mark.parametrize(
    ("text", "offset", "code", "words"),
    [
        ("a == 'water", 5, "expression", "does not end"),
        ('a == "water', 5, "expression", "does not end"),
        ("a == 'wa\nter'", 5, "expression", "does not end"),
        ("a = b", 2, "expression", '"=" has no place'),
        ("a   $", 4, "expression", "has no place"),
        ("1 + 2 mass", 6, "unit-unknown", "mass"),
        ("1 + 1e999", 4, "number", "not a finite number"),
        ("1 + 1e308 km", 4, "number", "too large"),
    ],
)
def test_what_is_no_word_is_refused_at_its_place(text, offset, code, words):
    with pytest.raises(ExpressionError, match=words) as caught:
        list(tokens(text))
    assert (caught.value.offset, caught.value.code) == (offset, code)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("a = b", "write =="),
        ("a ! b", "write !="),
        ("a & b", "`and`"),
        ("a | b", "`or`"),
        ("a ^ 2", "**"),
        ("a[0]", "dots"),
        ("a == \N{LEFT SINGLE QUOTATION MARK}x", "straight quotes"),
        ("a == 'x", "end it with '"),
        ('a == "x', 'end it with "'),
        ("a ; b", "functions such as"),
    ],
)
def test_the_hint_says_what_was_probably_meant(text, hint):
    with pytest.raises(ExpressionError) as caught:
        list(tokens(text))
    assert hint in caught.value.hint
