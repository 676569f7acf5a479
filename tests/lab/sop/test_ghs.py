"""GHS statements: which codes exist (against the ranges of the official lists), what they say, what was meant."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab.sop.ghs import (
    Statement,
    all_statements,
    classes,
    known_classes,
    nearest,
    statement,
)

# the official lists as ranges, written down apart from the table
OFFICIAL_H = "200-211 220-232 240-242 250-252 260-261 270-272 280-284 290 300-305 310-320 330-336 340-341 350-351 360-362 370-373 400-402 410-413 420"
OFFICIAL_P = (
    "101-103 201-203 210-212 220-223 230-236 240-244 250-251 260-265 270-273 280-285 301-322 330-338 340-342 "
    "350-354 360-364 370-378 380-381 390-391 401-407 410-413 420 422 501-503"
)
OFFICIAL_EUH = (
    "001 006 014 018 019 029 031 032 044 059 066 070 071 201 201A 202 203 204 205 206 207 208 209 209A 210 211 "
    "212 380 381 401 430 431 440 441 450 451"
)
SUFFIXED = "H350i H360F H360D H360FD H360Fd H360Df H361f H361d H361fd"
CODES = [item.code for item in all_statements()]
SINGLE = [code for code in CODES if "+" not in code]
PRECAUTIONS = [item.code for item in all_statements() if item.kind == "precaution"]


def numbers(ranges: str) -> set[str]:
    found: set[str] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.update(f"{number:03}" for number in range(int(first), int(last or first) + 1))
    return found


def get(code: str) -> Statement:
    found = statement(code)
    assert found is not None, code
    return found


def test_the_h_statements_are_the_official_ones():
    official = {f"H{number}" for number in numbers(OFFICIAL_H)} | set(SUFFIXED.split())
    assert {code for code in SINGLE if code.startswith("H")} == official


def test_the_p_statements_are_the_official_ones():
    assert set(PRECAUTIONS) == {f"P{number}" for number in numbers(OFFICIAL_P)}


def test_the_euh_statements_are_the_official_ones():
    official = {f"EUH{number}" for number in OFFICIAL_EUH.split()}
    assert {code for code in SINGLE if code.startswith("EUH")} == official


def test_acute_toxicity_is_combined_within_a_level_only():
    combined = {code for code in CODES if "+" in code}
    expected = {"H315+H320"}
    for level in "0123":
        mouth, skin, air = f"H30{level}", f"H31{level}", f"H33{level}"
        expected |= {f"{mouth}+{skin}", f"{mouth}+{air}", f"{skin}+{air}", f"{mouth}+{skin}+{air}"}
    assert combined == expected
    assert statement("H300+H311") is None
    assert statement("H301+H315") is None


def test_no_code_is_listed_twice():
    from lab.sop import ghs_table

    rows = [
        *(row[0] for row in ghs_table.HAZARDS),
        *(row[0] for row in ghs_table.COMBINED_HAZARDS),
        *(row[0] for row in ghs_table.EU_HAZARDS),
        *(row[0] for row in ghs_table.PRECAUTIONS),
    ]
    assert len(rows) == len(set(rows)) == len(CODES)
    assert set(rows) >= ghs_table.WITHDRAWN


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("H226", "flammable liquid and vapour"),
        ("H314", "severe skin burns and eye damage"),
        ("H300+H310+H330", "fatal if swallowed, on skin or if inhaled"),
        ("H302 + H332", "harmful if swallowed or inhaled"),
        ("EUH014", "reacts violently with water"),
        ("P280", "wear gloves, protective clothing, eye and face protection"),
        ("P301+P310", "if swallowed: call a poison centre or doctor at once"),
        ("P301+P330+P331", "if swallowed: rinse mouth; do not make vomit"),
        ("P403+P233", "store well ventilated; keep tightly closed"),
        ("P381+P376", "in case of leakage, remove all ignition sources; stop the leak if safe"),
    ],
)
def test_words(code: str, words: str):
    assert get(code).words == words


def test_the_code_comes_back_as_on_the_label():
    assert get("P301 + P310").code == "P301+P310"
    assert get("H300 +H310").code == "H300+H310"


@pytest.mark.parametrize(
    "code",
    [
        *("", "h226", "H 226", "226", "H2226", "H266", " H226", "H226 ", "R11", "GHS02", "P2 80"),
        *("H226+H319", "H310+H300", "H360df", "H360fD", "EUH66", "EUH066+EUH071", "EU066"),
        *("P280+P280", "P280+H226", "P280+", "+P280", "P301++P310", "P301+P999", "P208"),
    ],
)
def test_what_is_no_code_is_refused(code: str):
    assert statement(code) is None


@pytest.mark.parametrize(
    ("code", "pictograms"),
    [
        ("H200", ("GHS01",)),
        ("H205", ()),
        ("H225", ("GHS02",)),
        ("H227", ()),
        ("H241", ("GHS01", "GHS02")),
        ("H270", ("GHS03",)),
        ("H280", ("GHS04",)),
        ("H282", ("GHS02", "GHS04")),
        ("H290", ("GHS05",)),
        ("H314", ("GHS05",)),
        ("H301", ("GHS06",)),
        ("H302", ("GHS07",)),
        ("H304", ("GHS08",)),
        ("H334", ("GHS08",)),
        ("H317", ("GHS07",)),
        ("H410", ("GHS09",)),
        ("H412", ()),
        ("H420", ("GHS07",)),
        ("H300+H310", ("GHS06",)),
        ("EUH066", ()),
        ("P210", ()),
    ],
)
def test_pictograms(code: str, pictograms: tuple[str, ...]):
    assert get(code).pictograms == pictograms


def test_all_nine_pictograms_occur_and_nothing_else():
    drawn = {name for item in all_statements() for name in item.pictograms}
    assert drawn == {f"GHS0{number}" for number in range(1, 10)}


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["H226", "H319"], {"flammable_liquid", "irritant"}),
        (["H271"], {"oxidising"}),
        (["H314"], {"corrosive"}),
        (["H301+H311+H331"], {"acute_toxic"}),
        (["H260", "EUH014"], {"water_reactive"}),
        (["H201"], {"explosive"}),
        (["H242"], {"self_reactive"}),
        (["H250"], {"pyrophoric"}),
        (["H280"], {"gas_under_pressure"}),
        (["H350i"], {"carcinogen"}),
        (["H282"], {"gas_under_pressure", "flammable_aerosol"}),
        (["EUH032"], {"acid_reactive"}),
        (["EUH019"], {"peroxide_former"}),
        (["P280", "EUH210", "H999", "nonsense"], set()),
        ([], set()),
    ],
)
def test_classes(codes: list[str], expected: set[str]):
    assert classes(codes) == expected


def test_every_h_statement_tells_of_a_class():
    assert [
        item.code for item in all_statements() if item.kind == "hazard" and not item.classes
    ] == []
    assert set(known_classes()) == classes(CODES)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in known_classes())


def test_a_combined_statement_tells_what_its_parts_tell():
    for item in all_statements():
        if "+" in item.code:
            assert item.classes == classes(item.code.split("+"))


def test_withdrawn_statements_are_marked():
    assert get("P281").withdrawn
    assert get("EUH059").withdrawn
    assert get("P280+P281").withdrawn
    assert not get("P280").withdrawn
    assert not get("H200").withdrawn


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("H2226", "H226"),
        ("h226", "H226"),
        ("H 226", "H226"),
        ("226", "H226"),
        ("H-226", "H226"),
        ("H.226", "H226"),
        ("H262", "H226"),
        ("H266", "H226"),
        ("2 26", "H226"),
        ("H22O", "H220"),
        ("H226a", "H226"),
        ("Flam. Liq. 3; H226", "H226"),
        ("H373 (lungs)", "H373"),
        ("H314 1B", "H314"),
        ("h360fd", "H360FD"),
        ("H361FD", "H361fd"),
        ("H350I", "H350i"),
        ("H066", "EUH066"),
        ("066", "EUH066"),
        ("EUH66", "EUH066"),
        ("EUH 201 a", "EUH201A"),
        ("EUH226", "H226"),
        ("P208", "P280"),
        ("p301 + p310", "P301+P310"),
        ("P370+P380+P375[+P378]", "P370+P380+P375+P378"),
        ("H330+H300", "H300+H330"),
        ("H226+H319", "H226, H319"),
        ("H226, H319", "H226, H319"),
        ("H226+H226", "H226"),
    ],
)
def test_what_was_probably_meant(written: str, meant: str):
    assert nearest(written) == meant


@pytest.mark.parametrize("written", ["", "flammable", "R11", "GHS02", "H999", "S7/8", "+", "H"])
def test_nothing_is_guessed_from_what_resembles_no_code(written: str):
    assert nearest(written) == ""


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_nearest_to_itself(code: str):
    assert nearest(code) == code
    assert nearest(f" {code} ") == code


@given(st.text(max_size=30) | st.from_regex(r"[A-Za-z]{0,3} ?[0-9]{1,5}[A-Za-z]{0,3}"))
@example("P" * 20 + "+" * 20)
def test_a_suggestion_always_exists(text: str):
    for code in filter(None, nearest(text).split(", ")):
        assert statement(code) is not None


@given(st.lists(st.sampled_from(PRECAUTIONS), min_size=2, max_size=5, unique=True))
def test_p_codes_combine_freely(codes: list[str]):
    found = get(" + ".join(codes))
    assert found.kind == "precaution"
    assert found.code == "+".join(codes)
    assert all(get(code).words in found.words for code in codes)


@given(st.sampled_from(SINGLE), st.integers(0, 10), st.sampled_from("0123456789"))
def test_one_slip_of_a_digit_leads_to_a_code_one_slip_away(code: str, place: int, digit: str):
    match = re.fullmatch(r"([A-Z]+)(\d{3})(\w*)", code)
    assert match
    number = match[2]
    slipped = number[: place % 3] + digit + number[place % 3 + 1 :]
    found = re.fullmatch(r"([A-Z]+)(\d{3})(\w*)", nearest(match[1] + slipped + match[3]))
    assert found
    differing = sum(a != b for a, b in zip(found[2], slipped, strict=True))
    swapped = sorted(found[2]) == sorted(slipped)
    assert differing <= 1 or swapped
