"""YAML to a tree with positions: YAML 1.2 values, and every trick refused before it costs anything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.sop.document import Document, Position, read_document


def refusal(text: str) -> tuple[str, int, int]:
    document = read_document(text, "x.yaml")
    assert document.data is None
    (finding,) = document.diagnostics
    assert finding.blocking
    return finding.code, finding.line, finding.column


def data(text: str) -> dict:
    document = read_document(text, "x.yaml")
    assert document.diagnostics == []
    assert document.data is not None
    return document.data


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("12:30", "12:30"),
        ("12:30:45", "12:30:45"),
        ("010", 10),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e3", 1000.0),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("-3", -3),
        ("+3", 3),
        ("1_000", "1_000"),
        ("2026-11-21", "2026-11-21"),
        ("5 mL", "5 mL"),
        ("${a + b}", "${a + b}"),
        ('"1.0"', "1.0"),
        ("'true'", "true"),
        ('""', ""),
        ("{}", {}),
        ("[]", []),
        ("[1, a]", [1, "a"]),
        (">-\n  one\n  two", "one two"),
        ("|\n  one\n  two", "one\ntwo\n"),
        ("a # comment", "a"),
    ],
)
def test_scalars_are_read_by_yaml_1_2(scalar, value):
    found = data(f"key: {scalar}\n")["key"]
    assert found == value
    assert type(found) is type(value)


def test_positions_of_keys_and_values():
    document = read_document("a: 1\nb:\n  - c: x\n    d: {e: y}\n", "x.yaml")
    assert document.data == {"a": 1, "b": [{"c": "x", "d": {"e": "y"}}]}
    assert document.position(("a",), at_key=True) == Position(1, 1)
    assert document.position(("a",)) == Position(1, 4)
    assert document.position(("b", 0, "c")) == Position(3, 8)
    assert document.position(("b", 0, "d", "e"), at_key=True) == Position(4, 9)
    assert document.position(("b", 0, "d", "e")) == Position(4, 12)
    # what is not there is shown at its parent's key
    assert document.position(("b", 0, "d", "missing")) == Position(4, 5)
    assert document.position(("nothing",)) == Position(1, 1)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: &x 1\n", "alias", 1, 4),
        ("a: 1\nb: *x\n", "alias", 2, 4),
        ("a: &x\n  b: 1\n", "alias", 1, 4),
        ("<<: *x\n", "alias", 1, 1),
        ("*x : 1\n", "alias", 1, 1),
        ("a: !!python/object 1\n", "tag", 1, 4),
        ("a: !local [1]\n", "tag", 1, 4),
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", 3, 1),
        ("a:\n  b: 1\n  b: 1\n", "duplicate-key", 3, 3),
        ("version: 1.10\n", "version", 1, 10),
        ("sop_version: 1\n", "version", 1, 14),
        ("a:\nb: 1\n", "empty", 1, 1),
        ("a: ~\n", "empty", 1, 4),
        ("a: null\n", "empty", 1, 4),
        ("a: .inf\n", "number", 1, 4),
        ("a: .nan\n", "number", 1, 4),
        ("a: 1e999\n", "number", 1, 4),
        ("a: " + "9" * 5000 + "\n", "number", 1, 4),
        ("a: 1\n---\nb: 2\n", "syntax", 2, 1),
        ("%YAML 1.1\n---\na: 1\n", "syntax", 2, 1),
        ("a: [1, 2\nb: 3\n", "syntax", 2, 2),
        ("a: b: c\n", "syntax", 1, 5),
        ("a:\n\t- b\n", "syntax", 2, 1),
        ("? [a, b]\n: 1\n", "syntax", 1, 3),
        ("- a\n- b\n", "shape", 1, 1),
        ("just words\n", "shape", 1, 1),
        ("", "empty", 1, 1),
        ("a: \x01\n", "syntax", 1, 4),
    ],
)
def test_refusals_have_a_code_and_a_place(text, code, line, column):
    assert refusal(text) == (code, line, column)


def test_an_expression_in_braces_gets_the_right_advice():
    document = read_document("with: {volume: ${x}}\n", "x.yaml")
    assert document.data is None
    assert '"${...}"' in document.diagnostics[0].hint


def test_tabs_get_the_right_advice():
    document = read_document("a:\n\t- b\n", "x.yaml")
    assert "not with tabs" in document.diagnostics[0].hint


def test_size_depth_and_count_are_bounded():
    assert refusal("a: " + "x" * 1_000_001)[0] == "too-large"
    assert refusal("a: " + "[" * 60 + "]" * 60)[0] == "too-deep"
    assert refusal("a: " + "[" * 100_000)[0] == "too-deep"
    assert refusal("".join(f"{'  ' * n}k:\n" for n in range(60)))[0] == "too-deep"
    assert refusal("a: [" + "1," * 100_001 + "]")[0] == "too-large"
    assert data("a: " + "[" * 40 + "1" + "]" * 40)
    assert len(data("a: [" + "1," * 10_000 + "]")["a"]) == 10_000


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor():
    levels = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    levels += [
        f"{b}: &{b} [{','.join(['*' + a] * 9)}]"
        for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    assert refusal("\n".join(levels)) == ("alias", 1, 4)


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\r"])
def test_a_hidden_line_break_is_shown_where_it_stands(mark):
    document = read_document(f"a: 1\nb: x{mark}y\n", "x.yaml")
    (found,) = document.diagnostics
    assert (found.code, found.line, found.column) == ("syntax", 2, 5)
    assert f"U+{ord(mark):04X}" in found.message
    assert document.data is None


def test_line_ends_of_windows_are_no_hidden_breaks():
    assert read_document("a: 1\r\nb: 2\r\n", "x.yaml").data == {"a": 1, "b": 2}


def test_a_character_that_no_text_has_is_shown_where_it_stands():
    (found,) = read_document("a: 1\nbc: \x07\n", "x.yaml").diagnostics
    assert (found.line, found.column) == (2, 5)
    assert "U+0007" in found.message


def test_merge_keys_are_refused_and_quoted_ones_are_keys():
    assert refusal("a:\n  <<: {b: 1}") == ("alias", 2, 3)
    assert read_document('"<<": 1', "x.yaml").data == {"<<": 1}


def test_a_finding_beyond_the_text_has_no_source_line():
    document = Document("x.yaml", "a: 1")
    assert document.at(Position(9, 1), "c", "m").source_line == ""


@given(st.text(max_size=200))
def test_no_text_raises(text):
    document = read_document(text, "x.yaml")
    assert (document.data is None) == bool(document.diagnostics)


@given(st.text(alphabet="ab:-[]{}&*!|>'\"%#?,\n\t 1.~<\\", max_size=60))
def test_no_punctuation_raises(text):
    document = read_document(text, "x.yaml")
    assert (document.data is None) == bool(document.diagnostics)
