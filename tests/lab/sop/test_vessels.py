"""Heat, materials that meet, and who watches: each rule with a case that it refuses and one that it lets pass."""

from __future__ import annotations

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.attendance import longest_unattended_s
from lab.sop.reactivity import Incompatibility
from lab.sop.vessels import vessel_findings
from tests.support.small_sops import branch, by_hand, dose, loop, parallel, small, step

MATERIALS = {
    "water": {"name": "Water", "role": "solvent", "boiling_point": "100 degC"},
    "acid": {
        "name": "Acid",
        "role": "reagent",
        "boiling_point": "118 degC",
        "flash_point": "40 degC",
    },
}
STIR = step("stir", "stirrer", "stir", with_={"speed": "300 rpm"})
FILL = dose("fill", "water_cell", "5 mL")
OUT = dose("out", "cell_waste", "20 mL", empties=True)


def heat(name="heat", temperature="60 degC"):
    return step(name, "stirrer", "heat", with_={"temperature": temperature})


def findings(procedure, /, extra=(), **changes):
    made = small(procedure, **{"materials": MATERIALS, **changes})
    document = made.flat.steps[0].scope.document
    return vessel_findings(
        made.flat, made.sop, document, CAPABILITIES, made.box, {}, made.references, extra
    )


def codes(procedure, /, extra=(), **changes):
    return [(item.code, item.severity) for item in findings(procedure, extra, **changes)]


def cell(**more):
    return {"containers": {"cell": {"capacity": "20 mL", **more}}}


def override(finding, *between):
    return {
        "finding": finding, "between": list(between), "name": "A. Weber", "reason": "tested",
    }  # fmt: skip


def with_override(*items):
    return {"safety": {"safe_state": [step("off", "stirrer", "stop")], "overrides": list(items)}}


def test_warm_water_is_no_finding():
    assert codes([FILL, STIR, heat()]) == []


def test_boiling():
    assert codes([FILL, STIR, heat(temperature="95 degC")]) == []
    found = findings([FILL, STIR, heat(temperature="96 degC")])
    assert [(item.code, item.severity) for item in found] == [("boiling_point", "safety")]
    assert '"water" in it boils at 100 degC' in found[0].message
    sealed = cell(sealed=True, maximum_pressure="6 bar")
    assert codes([FILL, STIR, heat(temperature="96 degC")], **sealed) == []


def test_boiling_at_the_end_of_a_range():
    assert codes([FILL, STIR, heat(temperature="${80 degC + size * 10 delta_degC}")]) == [
        ("boiling_point", "safety")
    ]


def test_flashing_and_who_answers_for_it():
    steps = [dose("sour", "acid_cell", "5 mL"), STIR, heat(temperature="40 degC")]
    assert codes(steps) == [("flash_point", "safety")]
    found = findings(steps, **with_override(override("flash_point", "acid", "cell")))
    assert [item.severity for item in found] == ["note"]
    assert "A. Weber answers for it: tested" in found[0].message


def test_an_override_for_something_else_does_not_count():
    steps = [dose("sour", "acid_cell", "5 mL"), STIR, heat(temperature="40 degC")]
    assert codes(steps, **with_override(override("flash_point", "water"))) == [
        ("flash_point", "safety"),
        ("override-unused", "warning"),
    ]


def test_materials_come_through_other_containers():
    steps = [dose("sour", "acid_pot", "5 mL"), dose("over", "pot_cell", "5 mL"), STIR, heat()]
    assert codes(steps) == [("flash_point", "safety")]


def test_what_was_emptied_is_not_heated():
    steps = [dose("sour", "acid_cell", "5 mL"), OUT, FILL, STIR, heat()]
    assert codes(steps) == []
    # of what can't be drawn, a residue is heated
    assert codes(steps, **cell(dead_volume="1 mL")) == [("flash_point", "safety")]


def test_what_may_not_be_emptied_is_heated():
    steps = [dose("sour", "acid_cell", "5 mL"), branch("b", [OUT], []), FILL, STIR, heat()]
    assert codes(steps) == [("flash_point", "safety")]


def test_rating_of_the_vessel():
    assert codes([FILL, STIR, heat()], **cell(maximum_temperature="60 degC")) == []
    assert codes([FILL, STIR, heat()], **cell(maximum_temperature="50 degC")) == [
        ("rating", "safety")
    ]


def test_sealed_without_a_pressure():
    assert codes([FILL, STIR, heat()], **cell(sealed=True)) == [("sealed", "safety")]


def test_nothing_in_it():
    assert codes([STIR, heat()]) == [("heated-empty", "safety")]
    assert codes([FILL, OUT, STIR, heat()]) == [("heated-empty", "safety")]
    assert codes([STIR, heat()], samples={"inputs": ["a sol"]}) == []


def test_stirring_first():
    late = [FILL, heat(), STIR]
    assert codes(late) == [("stir-before-heat", "warning")]
    assert codes([FILL, branch("b", [STIR], []), heat()]) == [("stir-before-heat", "warning")]
    stop = step("stop", "stirrer", "stop")
    assert codes([FILL, STIR, stop, heat()]) == [("stir-before-heat", "warning")]
    still = step("still", "stirrer", "stir", with_={"speed": "0 rpm"})
    assert codes([FILL, STIR, still, heat()]) == [("stir-before-heat", "warning")]
    assert codes([FILL, STIR, branch("b", [stop], [heat()])]) == []


def never(*pair):
    return {"safety": {
        "safe_state": [step("off", "stirrer", "stop")],
        "incompatible_materials": [{"materials": list(pair), "reason": "chlorine is set free"}],
    }}  # fmt: skip


MIX = [dose("a", "acid_pot", "1 mL"), dose("w", "water_pot", "1 mL")]


def test_materials_that_may_never_meet():
    found = findings(MIX, **never("water", "acid"))
    assert [(item.code, item.severity) for item in found] == [("incompatible", "safety")]
    assert found[0].place == ("procedure", 1)
    assert (
        '"acid" and "water" may meet in "pot": this procedure says that they may never'
        in found[0].message
    )
    assert codes([MIX[0], dose("w", "water_cell", "1 mL")], **never("water", "acid")) == []


def test_materials_apart_in_two_ways_do_not_meet():
    assert codes([branch("b", [MIX[0]], [MIX[1]])], **never("water", "acid")) == []
    assert codes([parallel("p", [MIX[0]], [MIX[1]])], **never("water", "acid")) != []


def test_emptying_in_between_separates_them_in_the_vessel_but_not_in_the_waste():
    out = dose("out", "pot_waste", "20 mL", empties=True)
    assert codes([MIX[0], out, MIX[1]], **never("water", "acid")) == []
    again = {**out, "id": "again"}
    found = findings([MIX[0], out, MIX[1], again], **never("water", "acid"))
    assert ['may meet in "waste"' in item.message for item in found] == [True]
    assert found[0].place == ("procedure", 3)


def test_a_residue_is_said():
    out = dose("out", "pot_waste", "20 mL", empties=True)
    dead = {"containers": {"pot": {"capacity": "20 mL", "dead_volume": "1 mL"}}}
    found = findings([MIX[0], out, MIX[1]], **never("water", "acid"), **dead)
    assert "where what can't be drawn of one is left" in found[0].message


def test_what_an_earlier_run_has_left_meets_what_comes_first():
    """The run ends with acid in the pot; the next begins with water."""
    run = [
        MIX[0],
        by_hand("dry", "pot", empties=True),
        MIX[1],
        dose("out", "pot_waste", "20 mL", empties=True),
    ]
    dead = {"containers": {"pot": {"capacity": "20 mL", "dead_volume": "1 mL"}}}
    found = findings(run, **never("water", "acid"), **dead)
    assert [(item.code, item.place) for item in found] == [("incompatible", ("procedure", 0))]
    assert 'may meet in "pot", where what can\'t be drawn of one is left' in found[0].message
    assert (
        codes([*run, by_hand("clean", "pot", empties=True)], **never("water", "acid"), **dead) == []
    )
    assert codes(run, **never("water", "acid")) == []


def test_materials_meet_in_the_safe_state():
    steps = [MIX[0], dose("w", "water_cell", "1 mL")]
    over = dose("rescue", "pot_cell", "1 mL")
    changes = never("water", "acid")
    changes["safety"]["safe_state"].append(over)
    assert [item.place for item in findings(steps, **changes)] == [("safety", "safe_state", 1)]


def test_a_loop_brings_them_together():
    out = dose("out", "pot_waste", "20 mL", empties=True)
    apart = loop("t", 3, [*MIX[:1], out])
    assert codes([apart, MIX[1]], **never("water", "acid")) == []
    assert codes([loop("t", 2, [MIX[1], out, MIX[0]])], **never("water", "acid")) != []


TABLE = {
    "water": {**MATERIALS["water"], "reactive_groups": ["hypochlorite"]},
    "acid": {**MATERIALS["acid"], "reactive_groups": ["acid_nonoxidising"]},
}


def test_the_table_of_reactive_groups():
    found = findings(MIX, materials=TABLE)
    assert [(item.code, item.severity) for item in found] == [("incompatible", "safety")]
    assert "toxic gas" in found[0].message
    answered = with_override(override("incompatible", "acid", "water"))
    assert codes(MIX, materials=TABLE, **answered) == [("incompatible", "note")]


def test_groups_that_do_not_exist():
    wrong = {**TABLE, "acid": {**MATERIALS["acid"], "reactive_groups": ["acid_oxidizing"]}}
    found = findings(MIX, materials=wrong)
    assert [(item.code, item.severity) for item in found] == [("reference", "error")]
    assert found[0].place == ("materials", "acid", "reactive_groups", 0)
    assert "acid_oxidising" in found[0].hint


SALTS = {
    "water": {**MATERIALS["water"], "reactive_groups": ["ammonium_salt"]},
    "acid": {**MATERIALS["acid"], "reactive_groups": ["fluoride_salt"]},
}


def rule(severity):
    return [Incompatibility(("ammonium_salt", "fluoride_salt"), severity, ("heat",), "house rule")]


@pytest.mark.parametrize(
    ("severity", "counts_as"), [("block", "safety"), ("ask", "warning"), ("note", "note")]
)
def test_rules_of_a_lab(severity, counts_as):
    assert codes(MIX, materials=SALTS) == []
    found = findings(MIX, rule(severity), materials=SALTS)
    assert [(item.code, item.severity) for item in found] == [("incompatible", counts_as)]
    assert "heat: house rule" in found[0].message


def test_nobody_overrides_what_the_procedure_itself_forbids():
    changes = never("water", "acid")
    changes["safety"]["overrides"] = [override("incompatible", "acid", "water")]
    assert codes(MIX, materials=TABLE, **changes) == [
        ("incompatible", "safety"),
        ("override-unused", "warning"),
    ]


def manual(name):
    return {
        "id": name, "title": name, "manual": {"prompt": "Look"},
        "duration": "5 s", "timeout": "5 min",
    }  # fmt: skip


def alone(limit):
    return {"safety": {"max_unattended": limit}}


def test_how_long_nobody_comes_by():
    rounds = loop("t", 10, [step("weigh", "balance", "weigh")])
    assert longest_unattended_s(small([rounds]).flat) == 100.0
    assert codes([rounds], **alone("100 s")) == []
    found = findings([rounds], **alone("99 s"))
    assert [(item.code, item.severity) for item in found] == [("unattended", "safety")]
    assert "there may be 100 s without a manual step, but 99 s are allowed" in found[0].message
    twice = [rounds, manual("look"), {**rounds, "id": "u", "repeat": {
        "max_iterations": 5, "steps": [step("again", "balance", "weigh")]}}]  # fmt: skip
    assert longest_unattended_s(small(twice).flat) == 100.0


def test_heat_with_nobody_there():
    none = {"safety": {"supervision": "none"}}
    assert codes([FILL, STIR, heat()], **none) == [("unattended", "warning")]
    assert codes([FILL, STIR], **none) == []


def test_heaters_are_switched_off_in_the_safe_state():
    found = findings([FILL, STIR, heat()], safety={"safe_state": []})
    assert [(item.code, item.severity) for item in found] == [("safe-state", "error")]
    assert found[0].place == ("equipment", "stirrer")


def test_sealed_vessels_are_seen_to_in_the_safe_state():
    sealed = cell(sealed=True, maximum_pressure="6 bar")
    assert codes([FILL], **sealed, safety={"safe_state": []}) == [("safe-state", "error")]
    assert codes([FILL], **sealed, safety={"safe_state": [OUT]}) == []


def test_without_volumes_no_more_is_said():
    late = dose("a", "water_cell", "${weigh.mass * 1 mL / 1 g}")
    assert codes([step("weigh", "balance", "weigh"), late, heat()]) == [("unbounded", "error")]
