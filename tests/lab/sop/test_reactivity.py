"""Reactive groups: against the chart of the EPA, known accidents by hand, and the laws of the lookup."""

from __future__ import annotations

import re
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lab.sop import reactive_groups, reactivity_table
from lab.sop.ghs import known_classes, statement
from lab.sop.model_materials import Identifiers
from lab.sop.reactivity import (
    Incompatibility,
    UnknownGroupError,
    all_incompatibilities,
    group_words,
    groups_of,
    incompatibilities,
    known_groups,
)

GROUPS = st.sets(st.sampled_from(known_groups()), max_size=4)
RANK = {"block": 0, "ask": 1, "note": 2}


def only(a: str, b: str, **more) -> Incompatibility:
    found = incompatibilities([a], [b], **more)
    assert len(found) == 1, (a, b, found)
    return found[0]


# -- the chart of the EPA --------------------------------------------------------------------

# EPA-600/2-80-076, the cells between groups that we have, copied from the chart apart from our table
EPA_CHART = """
2-3:HG 1-4:H 2-4:HF 3-4:HP 1-5:HP 2-5:HF 3-5:HP 1-6:H 2-6:HGT 1-7:H 2-7:HGT 3-7:H 5-7:H 1-10:H 2-10:H 3-10:H
5-10:H 1-11:GTGF 2-11:GTGF 3-11:GTGF 1-13:H 2-13:HF 10-13:H 1-14:H 2-14:HF 1-15:GT 2-15:GT 3-15:GT 2-16:HF
1-17:HGT 2-17:HFGT 7-17:HGT 10-17:HGF 11-17:H 1-18:HG 2-18:HFGT 3-18:HG 4-18:HP 7-18:HP 10-18:HGP 11-18:HG
1-19:H 2-19:HF 10-19:H 11-19:H 1-21:HFGF 2-21:HFGF 3-21:HFGF 4-21:HFGF 5-21:HFGF 6-21:HGF 7-21:HGF 10-21:HGF
11-21:HGF 13-21:HGF 17-21:HE 18-21:HGF 19-21:HGF 1-22:HFGF 2-22:HFGF 3-22:FG 10-22:HGF 17-22:HE 18-22:HGF
1-26:HGTGF 2-26:HFGT 3-26:H 21-26:HP 2-27:HFGT 5-27:H 10-27:HE 21-27:HGFE 1-28:H 2-28:HF 5-28:H 22-28:HE
2-29:HF 1-30:HG 2-30:HE 4-30:HF 5-30:HG 7-30:HGT 11-30:HGTE 17-30:HE 18-30:H 19-30:E 21-30:HE 22-30:HG 24-30:HG
26-30:HGTP 28-30:HP 1-33:GTGF 2-33:HFGF 3-33:GT 5-33:H 18-33:H 30-33:HGT 1-101:HG 2-101:HFGT 21-101:HFG
30-101:HFGT 1-102:HE 2-102:HE 3-102:HE 10-102:HE 13-102:HE 21-102:HE 22-102:HE 24-102:E 30-102:HE 33-102:HE
101-102:HE 1-104:HGT 3-104:HGT 4-104:HF 5-104:HF 6-104:HFGT 7-104:HFGT 11-104:HGTE 13-104:HF 14-104:HF 16-104:HF
17-104:HGT 18-104:HFGT 19-104:HF 21-104:HFE 22-104:HFE 26-104:HFGT 27-104:HE 28-104:HF 29-104:HF 30-104:HG
33-104:HFGT 101-104:HFG 1-105:HGF 2-105:HFGT 3-105:HGF 4-105:HFGF 5-105:HFGF 6-105:HGF 7-105:HG 11-105:HGT
16-105:HFE 17-105:HE 18-105:HGF 19-105:HGF 26-105:HGF 27-105:HE 30-105:HE 101-105:HGF 1-106:H 2-106:H 18-106:HG
21-106:HGF 22-106:HGF 33-106:GTGF
"""
LEFT_OUT = {
    "1-28": "alkenes are not told from other hydrocarbons here",
    "5-28": "alkenes are not told from other hydrocarbons here",
    "22-28": "alkenes are not told from other hydrocarbons here",
    "16-105": "hydrides are kept under mineral oil",
    "11-21": "two dry solids",
    "1-101": "what is only known to burn need not react with an acid that does not oxidise",
    "21-101": "alkali metals are kept under mineral oil",
    "101-105": "what is only known to burn need not be reducible",
}
OURS = {number: name for name, _, numbers in reactive_groups.GROUPS for number in numbers.split()}
OURS["15"] = "fluoride_salt"
OURS["105"] = "reducing_agent"


def cells() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for cell in EPA_CHART.split():
        pair, letters = cell.split(":")
        found[pair] = set(re.findall(r"GT|GF|[HFGEP]", letters))
    return found


@pytest.mark.parametrize(
    ("pair", "letters"),
    cells().items(),
    ids=lambda item: "".join(sorted(item)) if isinstance(item, set) else item,
)
def test_we_warn_of_all_that_the_chart_warns_of(pair: str, letters: set[str]):
    a, b = (OURS[number] for number in pair.split("-"))
    found = incompatibilities([a], [b])
    if pair in LEFT_OUT:
        assert not found or {"H"} == letters
        return
    effects = {reactivity_table.EFFECTS[letter] for letter in letters}
    told = set(found[0].effects)
    # a flammable or toxic gas is a gas, too
    if told & {"toxic_gas", "flammable_gas"}:
        told.add("gas")
    assert effects <= told


def test_the_chart_knows_the_groups_that_we_say():
    assert set(OURS) >= {number for pair in cells() for number in pair.split("-")}
    assert set(LEFT_OUT) <= set(cells())


# -- known accidents -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "gas"),
    [
        ("143-33-9", "7647-01-0", "hydrogen cyanide"),  # cyanide and acid
        ("1313-82-2", "64-19-7", "hydrogen sulfide"),
        ("7681-52-9", "7647-01-0", "chlorine"),  # bleach and toilet cleaner
        ("7681-52-9", "1336-21-6", "chloramines"),  # bleach and ammonia
        ("26628-22-8", "7664-93-9", "hydrazoic acid"),
        ("21324-40-3", "7732-18-5", "hydrogen fluoride"),  # battery salt and water
        ("7789-23-3", "7664-93-9", "hydrogen fluoride"),
        ("7632-00-0", "7647-01-0", "nitrogen dioxide"),
        ("7722-64-7", "7647-01-0", "chlorine"),
        ("7681-57-4", "7647-01-0", "toxic gas"),
    ],
)
def test_deadly_gases(one: str, other: str, gas: str):
    worst = incompatibilities(groups_of(cas=one), groups_of(cas=other))[0]
    assert worst.severity == "block"
    assert "toxic_gas" in worst.effects
    assert gas in worst.gas
    assert gas in worst.text()


@pytest.mark.parametrize(
    ("one", "other", "effect"),
    [
        ("7697-37-2", "64-17-5", "explosion"),  # nitric acid and ethanol
        ("7697-37-2", "64-18-6", "gas"),  # nitric acid in the bottle for organic acids
        ("7722-84-1", "67-64-1", "explosion"),  # hydrogen peroxide and acetone
        ("26628-22-8", "75-09-2", "explosion"),  # azide and dichloromethane
        ("26628-22-8", "301-04-2", "explosion"),  # azide and lead
        ("7440-23-5", "67-66-3", "explosion"),  # sodium and chloroform
        ("7440-23-5", "7732-18-5", "fire"),
        ("16853-85-3", "7732-18-5", "fire"),
        ("109-72-8", "7732-18-5", "fire"),
        ("7719-09-7", "7732-18-5", "toxic_gas"),
        ("7722-64-7", "56-81-5", "fire"),  # permanganate and glycerol
        ("75-52-5", "1310-73-2", "explosion"),  # nitromethane and caustic soda
        ("94-36-0", "62-53-3", "explosion"),  # benzoyl peroxide and aniline
        ("302-01-2", "7722-84-1", "explosion"),  # a rocket
        ("6484-52-2", "7632-00-0", "explosion"),
        ("88-89-1", "1310-73-2", "explosion"),
    ],
)
def test_fires_and_explosions(one: str, other: str, effect: str):
    found = incompatibilities(groups_of(cas=one), groups_of(cas=other))
    assert any(item.severity == "block" and effect in item.effects for item in found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("7732-18-5", "64-17-5"),  # water and ethanol
        ("7732-18-5", "7732-18-5"),
        ("96-49-1", "616-38-6"),  # solvents of one electrolyte
        ("21324-40-3", "96-49-1"),  # a salt in its solvent
        ("75-05-8", "67-56-1"),
        ("109-99-9", "109-72-8"),  # butyllithium in THF
        ("7646-69-7", "109-99-9"),
        ("497-19-8", "7732-18-5"),
        ("108-88-3", "110-54-3"),
        ("7440-23-5", "108-88-3"),
    ],
)
def test_everyday_pairs_are_left_alone(one: str, other: str):
    assert groups_of(cas=one)
    assert incompatibilities(groups_of(cas=one), groups_of(cas=other)) == ()


def test_neutralisation_is_asked_not_forbidden():
    assert only("acid_nonoxidising", "base").severity == "ask"
    assert only("acid_organic", "base").severity == "note"


def test_water_where_it_matters():
    with_water = {
        name
        for item in all_incompatibilities()
        if "water" in item.groups and item.severity in ("block", "ask")
        for name in item.groups
    } - {"water"}
    assert with_water == {
        "alkali_metal",
        "complex_fluoride",
        "cyanide",
        "isocyanate",
        "metal_hydride",
        "metal_powder",
        "pyrophoric",
        "sulfide",
        "water_reactive",
    }


# -- the table -------------------------------------------------------------------------------


def test_every_group_is_in_some_pair():
    paired = {name for item in all_incompatibilities() for name in item.groups}
    assert paired == set(known_groups())


@pytest.mark.parametrize("item", all_incompatibilities(), ids=lambda item: "+".join(item.groups))
def test_every_pair_says_what_happens_and_who_says_so(item: Incompatibility):
    assert item.effects
    assert item.words
    assert item.words[0].islower()
    assert not item.words.endswith(".")
    assert item.source
    assert bool(item.gas) == bool({"gas", "toxic_gas", "flammable_gas"} & set(item.effects))
    if item.severity == "block":
        assert {"toxic_gas", "fire", "explosion"} & set(item.effects)
    if item.severity == "note":
        assert not {"fire", "explosion"} & set(item.effects)


def test_a_doubled_pair_would_be_noticed():
    seen: set[frozenset[str]] = set()
    for line in filter(None, reactivity_table.ROWS.splitlines()):
        columns = [column.strip() for column in line.split("|")]
        assert len(columns) == 7, line
        for partner in columns[1].split():
            pair = frozenset((columns[0], partner))
            assert pair not in seen, line
            seen.add(pair)
    assert len(seen) == len(all_incompatibilities())


def test_the_whole_table_has_the_gravest_first():
    ranks = [RANK[item.severity] for item in all_incompatibilities()]
    assert ranks == sorted(ranks)
    assert all_incompatibilities()[0].effects[0] == "explosion"


# -- lookup ----------------------------------------------------------------------------------


@given(GROUPS, GROUPS)
def test_the_order_does_not_count(a: set[str], b: set[str]):
    assert incompatibilities(a, b) == incompatibilities(b, a)
    assert incompatibilities(sorted(a), sorted(b)) == incompatibilities(a, b)


@given(GROUPS, GROUPS)
def test_all_pairs_are_found_the_gravest_first(a: set[str], b: set[str]):
    found = incompatibilities(a, b)
    expected = {
        item
        for item in all_incompatibilities()
        if any(set(item.groups) == {x, y} for x, y in product(a, b))
    }
    assert set(found) == expected
    assert len(found) == len(expected)
    ranks = [RANK[item.severity] for item in found]
    assert ranks == sorted(ranks)


@given(GROUPS, GROUPS, st.sampled_from(known_groups()))
def test_more_groups_never_make_it_safer(a: set[str], b: set[str], more: str):
    assert set(incompatibilities(a, b)) <= set(incompatibilities({*a, more}, b))


def rule(a: str, b: str, severity: Any = "ask", effects: Any = ("heat",), gas: str = ""):
    return Incompatibility((a, b), severity, effects, "our rule", gas, "our lab")


def test_a_rule_of_a_lab_adds_a_pair():
    assert incompatibilities(["water"], ["alcohol"]) == ()
    found = only("alcohol", "water", extra=[rule("water", "alcohol")])
    assert found.groups == ("alcohol", "water")
    assert found.words == "our rule"
    assert found.source == "our lab"


def test_a_rule_of_a_lab_may_be_about_one_group():
    assert only("peroxide", "peroxide", extra=[rule("peroxide", "peroxide", "block")]).severity == (
        "block"
    )


def test_a_rule_of_a_lab_sharpens_a_pair_and_loses_nothing():
    known = only("acid_nonoxidising", "base")
    sharper = rule("base", "acid_nonoxidising", "block", ("gas",), gas="steam")
    found = only("acid_nonoxidising", "base", extra=[sharper])
    assert found.severity == "block"
    assert found.words == "our rule"
    assert set(found.effects) == {"gas", *known.effects}
    assert found.gas == "steam"
    assert found.source == f"our lab; {known.source}"


def test_a_rule_as_severe_as_the_table_speaks_for_the_lab():
    found = only("cyanide", "acid_organic", extra=[rule("cyanide", "acid_organic", "block")])
    assert found.words == "our rule"
    assert found.gas == "hydrogen cyanide"
    assert found.effects == ("toxic_gas", "flammable_gas", "heat")


@pytest.mark.parametrize("severity", ["ask", "note"])
def test_a_rule_cannot_weaken_a_pair(severity):
    known = only("cyanide", "acid_organic")
    milder = rule("cyanide", "acid_organic", severity)
    assert only("cyanide", "acid_organic", extra=[milder]) == known


def test_rules_about_other_pairs_do_not_matter():
    assert incompatibilities(["water"], ["alcohol"], [rule("water", "ether")]) == ()


@given(
    GROUPS,
    GROUPS,
    st.lists(
        st.builds(
            rule,
            st.sampled_from(known_groups()),
            st.sampled_from(known_groups()),
            st.sampled_from(sorted(RANK)),
        ),
        max_size=4,
    ),
)
def test_rules_only_ever_sharpen(a, b, rules):
    before = {item.groups: item for item in incompatibilities(a, b)}
    after = {item.groups: item for item in incompatibilities(a, b, rules)}
    assert incompatibilities(b, a, rules) == incompatibilities(a, b, rules)
    assert set(before) <= set(after)
    for pair, item in before.items():
        assert RANK[after[pair].severity] <= RANK[item.severity]
        assert set(after[pair].effects) >= set(item.effects)
    for item in rules:
        if any(set(item.groups) == {x, y} for x, y in product(a, b)):
            assert RANK[after[item.groups].severity] <= RANK[item.severity]


# -- what a material says of itself ----------------------------------------------------------


def test_nothing_said_nothing_known():
    assert groups_of() == frozenset()
    assert groups_of(cas="25956-17-6", hazards=["H319", "P280"]) == frozenset()


@pytest.mark.parametrize(
    ("hazards", "groups"),
    [
        (["H271"], {"oxidiser"}),
        (["H272", "H302"], {"oxidiser"}),
        (["H270"], {"oxidiser"}),
        (["H260"], {"water_reactive"}),
        (["H261"], {"water_reactive"}),
        (["EUH014"], {"water_reactive"}),
        (["EUH029"], {"water_reactive"}),
        (["EUH031"], {"toxic_gas_with_acid"}),
        (["EUH032", "H300+H310+H330"], {"toxic_gas_with_acid"}),
        (["H250", "H260"], {"pyrophoric", "water_reactive"}),
        (["H242"], {"peroxide"}),
        (["H242", "H225"], {"peroxide"}),
        (["H201"], {"explosive"}),
        (["EUH204"], {"isocyanate"}),
        (["H226", "H314"], {"combustible"}),
        (["H228"], {"combustible"}),
        (["H314"], set()),  # acid or base?
        (["H999", "P210"], set()),
    ],
)
def test_groups_from_statements(hazards: list[str], groups: set[str]):
    assert groups_of(hazards=hazards) == groups


def test_all_sources_count_together():
    assert groups_of(["water"], cas="151-50-8", hazards=["H300+H310+H330", "EUH032"]) == {
        "water",
        "cyanide",
        "toxic_gas_with_acid",
    }
    # an explicit group does not hide what the CAS number says
    assert "cyanide" in groups_of(["base"], cas="143-33-9")


def test_who_says_the_kind_of_acid_or_oxidiser_decides():
    assert groups_of(cas="7664-93-9") == {"acid_oxidising"}
    assert groups_of(["acid_nonoxidising"], cas="7664-93-9") == {"acid_nonoxidising"}
    assert groups_of(["water"], cas="7664-93-9") == {"water", "acid_oxidising"}
    assert groups_of(["mild_oxidiser"], cas="7722-84-1", hazards=["H272"]) == {
        "mild_oxidiser",
        "water",
    }
    assert groups_of(cas="7553-56-2", hazards=["H272"]) == {"mild_oxidiser"}


def test_combustible_is_for_what_is_known_no_better():
    assert groups_of(cas="64-17-5", hazards=["H225"]) == {"alcohol"}
    assert groups_of(["ester"], hazards=["H226"]) == {"ester"}
    assert groups_of(["water"], hazards=["H226"]) == {"water", "combustible"}


@given(GROUPS, st.sampled_from([row[0] for row in reactive_groups.SUBSTANCES]))
def test_explicit_groups_always_stand(explicit: set[str], cas: str):
    assert groups_of(explicit, cas=cas) >= explicit


@pytest.mark.parametrize("row", reactive_groups.SUBSTANCES, ids=lambda row: row[1])
def test_substances(row: tuple[str, str, str]):
    cas, name, groups = row
    assert Identifiers(cas=cas).cas == cas  # its check digit is right
    assert groups_of(cas=cas) == set(groups.split()) <= set(known_groups())
    assert name == name.strip()


def test_a_wrong_cas_number_would_be_noticed():
    with pytest.raises(ValidationError, match="check digit"):
        Identifiers(cas="7732-18-6")


def test_there_are_enough_substances_and_each_once():
    numbers = [row[0] for row in reactive_groups.SUBSTANCES]
    names = [row[1] for row in reactive_groups.SUBSTANCES]
    assert len(numbers) >= 60
    assert len(set(numbers)) == len(set(names)) == len(numbers)
    used = {name for row in reactive_groups.SUBSTANCES for name in row[2].split()}
    assert set(known_groups()) - used == {"combustible"}


def test_statements_and_families_are_known():
    for sign, group in reactive_groups.BY_STATEMENT:
        assert sign in known_classes() or statement(sign) is not None
        assert group in known_groups()
    for names in (*reactive_groups.EXCLUSIVE, reactive_groups.FUELS):
        assert names <= set(known_groups())
    assert not any(a & b for a, b in combinations(reactive_groups.EXCLUSIVE, 2))


# -- names -----------------------------------------------------------------------------------


def test_groups_have_words():
    assert list(known_groups()) == sorted(set(known_groups()))
    assert group_words("cyanide").startswith("inorganic cyanides")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("oxidizer", 'did you mean "oxidiser"?'),
        ("acid_organics", 'did you mean "acid_organic"?'),
        ("Water", 'did you mean "water"?'),
        ("acids", '"acid_nonoxidising" or "acid_oxidising" or "acid_organic"?'),
        ("bleach", 'did you mean "hypochlorite"?'),
        ("LiPF6", 'did you mean "complex_fluoride"?'),
        ("ketones", 'did you mean "carbonyl"?'),
        ("solvent", "known are: acid_nonoxidising, "),
        ("", "known are: acid_nonoxidising, "),
    ],
)
def test_an_unknown_group_is_refused_with_a_hint(name: str, hint: str):
    for attempt in (
        lambda: groups_of([name]),
        lambda: incompatibilities([name], ["water"]),
        lambda: incompatibilities(["water"], [name]),
        lambda: incompatibilities([name], []),
        lambda: group_words(name),
        lambda: rule(name, "water"),
    ):
        with pytest.raises(UnknownGroupError) as caught:
            attempt()
        assert caught.value.name == name
        assert hint in caught.value.hint
        assert str(caught.value).startswith(f'there is no reactive group "{name}"; ')


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"severity": "forbid"}, '"forbid" is no severity; known are: block, ask, note'),
        ({"effects": ("explosions",)}, 'no effect; did you mean "explosion"?'),
    ],
)
def test_a_malformed_rule_is_refused(more, message: str):
    with pytest.raises(ValueError, match=re.escape(message)):
        rule("water", "alcohol", **more)


def test_a_rule_says_what_happens():
    with pytest.raises(ValueError, match="alcohol and water: say what happens"):
        Incompatibility(("water", "alcohol"), "ask", (), " ")
    said = Incompatibility(("water", "alcohol"), "ask", (), "one line for both")
    assert said.text() == "one line for both"


def test_a_rule_in_words():
    assert rule("water", "alcohol").text() == "heat: our rule"
    found = rule("water", "alcohol", effects=("heat", "toxic_gas", "heat"), gas="phosgene")
    assert found.effects == ("toxic_gas", "heat")
    assert found.text() == "toxic gas (phosgene), heat: our rule"
