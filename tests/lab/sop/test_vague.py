"""Vague words: found where a machine would have to guess, left alone where a number settles it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lab.domain.quantity import parse_quantity
from lab.sop.vague import VagueWord, find_vague, vague_entries


def prose(text: str) -> list[str]:
    return [hit.word for hit in find_vague(text, value=False)]


def value(text: str) -> list[str]:
    return [hit.word for hit in find_vague(text, value=True)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Stir overnight at room temperature.", ["overnight", "room temperature"]),
        ("Stir over night at RT", ["over night", "RT"]),
        ("Stir over-night at r.t. and wait", ["over-night", "r.t."]),
        ("Leave o/n.", ["o/n"]),
        ("Leave it for some time", ["for some time"]),
        ("Wait a little while", ["a little while"]),
        ("Rinse briefly", ["briefly"]),
        ("ROOM TEMPERATURE", ["ROOM TEMPERATURE"]),
        ("a room-temperature bath", ["room-temperature"]),
        ("room\n  temperature", ["room\n  temperature"]),
        ("at ambient temperature", ["ambient temperature"]),
        ("Dry at ambient.", ["ambient"]),
        ("Add 5 mL slowly", ["slowly"]),
        ("slow addition of the base", ["slow addition"]),
        ("Add drop-wise", ["drop-wise"]),
        ("Add dropwise 5 mL of acid", ["dropwise"]),
        ("Quickly pour it", ["Quickly"]),
        ("Swirl gently", ["gently"]),
        ("Stir vigorously for 10 min", ["vigorously"]),
        ("Add some water", ["some"]),
        ("a few drops of acid", ["a few"]),
        ("the next few minutes", ["few"]),
        ("several times", ["several"]),
        ("a little bit of base", ["a little bit of"]),
        ("a spatula tip of iodine", ["a spatula tip of"]),
        ("an excess of base", ["excess"]),
        ("a catalytic amount of acid", ["catalytic amount"]),
        ("a suitable volume", ["suitable volume"]),
        ("Keep it warm, then cold.", ["warm", "cold"]),
        ("ice-cold water", ["ice-cold"]),
        ("lukewarm water", ["lukewarm"]),
        ("Heat until done", ["until done"]),
        ("until the solid is completely dissolved", ["until the solid is completely dissolved"]),
        ("Evaporate to dryness", ["to dryness"]),
        ("approximately 5 mL", ["approximately"]),
        ("about 5 mL, ca. 3 g, ca 2 g, ~7 mL", ["about", "ca.", "ca", "~"]),
        ("Add water as needed", ["as needed"]),
        ("If necessary, filter.", ["If necessary"]),
        ("Shake from time to time", ["from time to time"]),
        ("Quench immediately", ["immediately"]),
        ("Shortly after, filter as soon as possible", ["Shortly", "as soon as possible"]),
        ("water q.s. to the mark", ["q.s."]),
        ("quantum satis", ["quantum satis"]),
        ("sometimes some", ["some"]),
        ("under standard conditions", ["standard conditions"]),
    ],
)
def test_vague_prose(text: str, words: list[str]):
    assert prose(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Dispense 5 mL and stir for 10 min at 22 degC.",
        "someone made it warmer in the cold trap",
        "the cold finger, a cold-trap, a cold_trap and the cold room",
        "warm up the lamp; a warm-white lamp",
        "information about hazards; around the flask",
        "California, cat. no. 12",
        "RT 3.2 min, RT = 4 min",
        "art, start, ort",
        "ambient light",
        "tomato and otto",  # o/n needs its stroke
        "Add all at once",
        "colder, warmly, slower, excessive, fewer, severally, drops",
        "in portions of 5 mL",
        "Room temperatures2",
    ],
)
def test_plain_prose(text: str):
    assert prose(text) == []


@pytest.mark.parametrize(
    ("settled", "not_settled"),
    [
        ("Stir overnight (16 h)", "Stir overnight (22 degC)"),
        ("Stir overnight, 16 h", "Stir overnight, then filter within 16 h"),
        ("16 h (overnight)", "16 degC (overnight)"),
        ("room temperature (22 degC)", "room temperature (22 h)"),
        ("22 degC (room temperature)", "room temperature for 2 h"),
        ("at RT, i.e. 22 °C", "at RT, i.e. the usual"),
        ("Warm to 40 degC", "Warm for 40 min"),
        ("Add slowly (1 mL/min)", "Add slowly (5 mL)"),
        ("Add slowly over 10 min", "Add slowly 10 mL"),
        ("Add dropwise at 1.5 mL/min", "Add dropwise. Stir for 10 min"),
        ("slowly heat to 60 degC over 20 min", "slowly heat to 60 degC"),
        ("Cool slowly to 22 degC at 2 K/min", "Cool slowly to 22 degC"),
        ("stir vigorously at 800 rpm", "stir vigorously for 800 s"),
        ("Rinse briefly (10 s)", "Rinse briefly, then stir for 10 min"),
        ("a 10 % excess", "10 mL with excess base"),
        ("in excess of 5 mL", "in excess"),
        ("1.2 equiv excess", "excess"),
        ("wash several times (3 times)", "wash several times (with water)"),
        ("occasionally, every 10 min", "occasionally, with care"),
        ("immediately (within 60 s)", "immediately (mind the heat)"),
        ("slowly over ${hold}", "slowly over the hold"),
        ("overnight (${duration})", "overnight (duration)"),
    ],
)
def test_a_number_of_the_right_kind_settles_it(settled: str, not_settled: str):
    assert prose(settled) == []
    assert len(prose(not_settled)) == 1
    # where a quantity is due, the text is no quantity all the same
    assert value(settled) != [] or "${" in settled


@pytest.mark.parametrize(
    "text", ["about 5 mL", "if necessary (5 mL)", "until done (10 min)", "approximately (5 mL)"]
)
def test_a_number_does_not_settle_everything(text: str):
    assert len(prose(text)) == 1


def test_expressions_are_no_prose():
    assert prose("Add ${some} and ${excess * about}") == []
    assert prose("Add ${some} some") == ["some"]


@pytest.mark.parametrize(
    ("text", "word", "instead"),
    [
        ("overnight", "overnight", "16 h"),
        ("o/n", "o/n", "16 h"),
        ("room temperature", "room temperature", "22 degC"),
        ("RT", "RT", "22 degC"),
        ("rt", "rt", "22 degC"),
        ("r.t.", "r.t.", "22 degC"),
        ("ambient", "ambient", "22 degC"),
        ("slow", "slow", "1 mL/min"),
        ("very slowly", "slowly", "1 mL/min"),
        ("some", "some", "5 mL"),
        ("warm", "warm", "40 degC"),
        ("ca. 5 mL", "ca.", "minimum and maximum"),
        ("~5 mL", "~", "minimum and maximum"),
        ("5 mL or as needed", "as needed", "check"),
        ("qs", "qs", "100 mL"),
        ("until dry", "until dry", "timeout"),
        ("until it turns blue", "until", "timeout"),
        ("high", "high", "unit"),
        ("a few minutes", "a few", "5 min"),
    ],
)
def test_where_a_quantity_is_due(text: str, word: str, instead: str):
    found = find_vague(text, value=True)
    assert [hit.word for hit in found] == [word]
    assert instead in found[0].instead


@pytest.mark.parametrize(
    "text", ["5 mL", "22 degC", "1e-3 mol/L", "${total - 1 mL}", "16 h", "on", "", "0.5 delta_degC"]
)
def test_quantities_are_not_vague(text: str):
    assert value(text) == []


def test_words_that_are_vague_only_as_a_value():
    for text in ("a slow pump", "a high flask", "the short tube", "the normal case"):
        assert prose(text) == []
        assert len(value(text)) == 1


def test_a_hit_says_where_and_why():
    text = "First stir it gently."
    assert find_vague(text, value=False) == (
        VagueWord(
            14,
            "gently",
            "force",
            "a stirrer or shaker needs a number, and what is enough differs between vessels",
            "a speed: 100 rpm; a temperature: 40 degC",
        ),
    )


def test_of_overlapping_words_the_longest_counts():
    assert prose("for some time") == ["for some time"]
    assert prose("a little while") == ["a little while"]
    assert prose("at ambient temperature") == ["ambient temperature"]


@pytest.mark.parametrize("entry", vague_entries(), ids=lambda entry: entry.word)
def test_every_entry_is_found_and_explained(entry):
    text = entry.word if entry.word not in ("about", "~") else f"{entry.word} 5 mL"
    assert [hit.instead for hit in find_vague(text, value=True)] == [entry.instead]
    in_prose = "at ambient" if entry.word == "ambient" else text
    if entry.everywhere:
        assert [hit.instead for hit in find_vague(in_prose, value=False)] == [entry.instead]
    assert entry.why
    assert entry.instead


@pytest.mark.parametrize("text", ["16 h", "22 degC", "4 degC", "40 degC", "35 degC", "37 degC"])
def test_what_to_write_instead_is_a_quantity(text: str):
    assert any(text in entry.instead for entry in vague_entries())
    parse_quantity(text, "degC" if "degC" in text else "s")


WORDS = [entry.word for entry in vague_entries()]


@given(st.lists(st.sampled_from([*WORDS, "mL", "5", "(", ")", ",", "cold trap", "${x}"])))
def test_hits_are_in_order_and_as_written(parts: list[str]):
    text = " ".join(parts)
    for is_value in (False, True):
        found = find_vague(text, value=is_value)
        end = 0
        for hit in found:
            assert hit.offset >= end
            end = hit.offset + len(hit.word)
            assert text[hit.offset : end] == hit.word


@settings(deadline=None)  # a busy machine is no finding
@given(st.text(max_size=200))
@example("${" * 5000)
@example("about " * 5000)
@example("until " * 3000 + "it is fully " * 3000)
@example("overnight " + "(" * 5000)
@example("slowly " + "1." * 5000)
def test_any_text_is_judged(text: str):
    assert isinstance(find_vague(text, value=False), tuple)
    assert isinstance(find_vague(text, value=True), tuple)
