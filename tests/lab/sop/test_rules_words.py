"""Words that leave somebody guessing: found where they stand, and not where a number settles them."""

from __future__ import annotations

import pytest

from tests.support.sop_files import sop_findings

TITLE = "title: Stir\n"


def instruction(text: str) -> tuple[str, str]:
    return TITLE, f"{TITLE}    instruction: {text}\n"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Stir overnight.", "overnight"),
        ("Cool to room temperature.", "room temperature"),
        ("Add the base slowly, then stir vigorously.", "slowly"),
        ("Add some water.", "some"),
        ("Heat until it is dissolved.", "until it is dissolved"),
    ],
)
def test_the_caret_is_under_the_word(text, word):
    found = sop_findings(instruction(text))[0]
    assert (found.code, found.severity) == ("vague", "warning")
    assert found.source_line[found.column - 1 :].startswith(word)
    assert found.why
    assert found.hint


@pytest.mark.parametrize(
    "text",
    [
        "Stir overnight, for 16 h.",
        "Add it slowly (1 mL/min).",
        "Stir at ${temperature} until the duration is over.",
        "Empty the cold trap.",
    ],
)
def test_what_a_number_settles_is_no_finding(text):
    assert sop_findings(instruction(text)) == []


def test_a_text_over_several_lines():
    folded = ">-\n      The mixture is stirred\n      over night, as everybody knows,\n      and then gently cooled."
    first, second = sop_findings(instruction(folded))
    assert first.source_line.strip() == "over night, as everybody knows,"
    assert second.source_line[second.column - 1 :] == "gently cooled."
    assert (second.line, first.column) == (first.line + 1, 7)


def test_a_word_that_the_folding_cuts_in_two():
    (found,) = sop_findings(instruction(">-\n      Cool to room\n      temperature."))
    assert found.source_line.strip() == "Cool to room"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("title: Stir\n", "title: Stir gently\n"), "gently"),
        (("title: Switch heater and motor off", "title: Cool down slowly"), "slowly"),
        (("    density: 1.05 g/mL", "    density: 1.05 g/mL\n    storage: keep cold"), "cold"),
    ],
)
def test_titles_and_stores(change, word):
    (found,) = sop_findings(change)
    assert found.code == "vague"
    assert found.message == f'"{word}" says too little'


@pytest.mark.parametrize(
    ("change", "instead"),
    [
        (("timeout: 60 s", "timeout: overnight"), "16 h"),
        (("rate: 20 mL/min", "rate: dropwise"), "1 mL/min"),
        (("    default: 25 degC", "    default: room temperature"), "22 degC"),
        (("capacity: 20 mL", "capacity: large"), "a number with its unit"),
    ],
)
def test_a_vague_word_where_a_quantity_is_due_is_an_error(change, instead):
    (found,) = sop_findings(change)
    assert (found.code, found.severity) == ("vague", "error")
    assert instead in found.hint
