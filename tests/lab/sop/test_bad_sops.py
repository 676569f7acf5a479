"""Wrong SOPs: each mistake gives one clear message, at its place, with why or fix."""

from __future__ import annotations

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_sop
from lab.sop.procedure import ancestors, sop_sha256, topological_order
from tests.support.sop_files import changed, example, procedure, sop_findings

SOLVENT = "${total_volume - concentrate_volume - dilute_volume}"


def test_the_example_is_clean():
    found, findings = check_sop(example("sop"), "sop.yaml", CAPABILITIES)
    assert findings == []
    assert found is not None
    assert found.id == "electrolyte_conductivity"
    assert found.steps[0].path == "tare"
    assert found.steps[-1].path == "drain"


@pytest.mark.parametrize(
    ("old", "new", "code", "caret_at", "words"),
    [
        # quantities
        ("minimum: 0.5 mL", "minimum: 0.5", "unit-missing", "0.5", '"0.5 mL"'),
        ("duration: 5 s", "duration: 5", "unit-missing", "5", '"5 s"'),
        ("volume: ${total_volume}", "volume: 10", "unit-missing", "10", '"10 mL"'),
        ("minimum: 0.5 mL", "minimum: 0,5 mL", "decimal-comma", "0,5", '"0.5 mL"'),
        ("rate: 20 mL/min", "rate: 20,5 mL/min", "decimal-comma", "20,5", '"20.5 mL/min"'),
        ("rate: 20 mL/min", "rate: 20 g", "dimension", "20 g", "a mass, but a flow rate"),
        ("capacity: 20 mL", "capacity: 20 g", "dimension", "20 g", "a volume is due"),
        ("maximum: 40 degC", "maximum: 40 delta_degC", "dimension", "40", "a temperature difference"),
        ("tolerance: 0.3 delta_degC", "tolerance: 0.3 degC", "dimension", "0.3", "difference is due"),
        ("speed: 300 rpm", "speed: 5 Hz", "dimension", "5 Hz", "a speed of rotation"),
        ("maximum: 40 degC", "maximum: 40 C", "unit-unknown", "40 C", "degC"),
        ("rate: 20 mL/min", "rate: 20 ± 1 mL/min", "quantity", "20 ±", "nominal"),
        ("unit: degC", "unit: celsius", "unit-unknown", "celsius", "degC"),
        ("timeout: 60 s", "timeout: overnight", "vague", "overnight", "16 h"),
        # keys
        ("timeout: 60 s", "timout: 60 s", "key-unknown", "timout", '"timeout"'),
        ("parameters:", "paramters:", "key-unknown", "paramters", '"parameters"'),
        ("    density: 1.31 g/mL", "    densitiy: 1.31 g/mL", "key-unknown", "densitiy", '"density"'),
        ("status: approved\n", "", "key-missing", "# yaml", "State of approval"),
        ("    timeout: 60 s\n", "", "key-missing", "id: tare", '"timeout" is missing'),
        ("    duration: 5 s\n", "", "key-missing", "id: tare", '"duration" is missing'),
        ("status: approved", "status: aproved", "value", "aproved", '"approved"'),
        ("role: factor", "role: factr", "value", "factr", '"factor"'),
        ("retry: 2", "retry: two", "value", "two", "a whole number"),
        ("retry: 2", "retry: 99", "value", "99", "at most 10"),
        ("retry: 2", "retry: -1", "value", "-1", "at least 0"),
        ("readings: 5", "readings: 5.5", "value", "5.5", "whole number"),
        ("readings: 5", "readings: 0", "range", "0", "below 1"),
        ("title: Stir", "title: 12", "value", "12", "a text is due"),
        ("title: Stir", "title: [a]", "value", "[a]", "a text is due"),
        ("needs: [tare]", "needs: tare", "value", "tare", "a list is due"),
        ("hazards: [H226, H314]", "hazards: [H226, 314]", "value", "314", "text"),
        ("hazards: [H226, H314]", "hazards: [H26]", "hazard", "H26", "GHS"),
        ("id: tare", "id: tare the pan", "value", "tare the", "a name begins"),
        ('version: "1.0.0"', 'version: "one"', "value", '"one"', "three numbers"),
        ('version: "1.0.0"', "version: 1.10", "version", "1.10", '"1.10"'),
        ("sop_format: 1", "sop_format: 2", "value", "2", "only 1 is known"),
        # YAML tricks
        ("title: Stir", "title: *again", "alias", "*again", "write the value out"),
        ("title: Stir", "title: &s Stir", "alias", "&s", "write the value out"),
        ("title: Stir", "title: !!str Stir", "tag", "!!str", "plain"),
        ("  - id: weigh\n", "  - id: weigh\n    id: w2\n", "duplicate-key", "id: w2", "first on line"),
        # references
        ("needs: [tare]", "needs: [tara]", "reference", "tara", '"tare"'),
        ("equipment: balance\n", "equipment: balanc\n", "reference", "balanc\n", '"balance"'),
        ("${concentrate_volume}", "${concentrat_volume}", "reference", "${con", '"concentrate_volume"'),
        ("draws: concentrate", "draws: concentrat", "reference", "concentrat\n", '"concentrate"'),
        ("    at: pot", "    at: pott", "reference", "pott", '"pot"'),
        ("    into: pot", "    into: pott", "reference", "pott", '"pot"'),
        ("from: measure.conductivity", "from: mesure.conductivity", "reference", "mesure", '"measure"'),
        ("from: heat.temperature", "from: heat.temp", "reference", "heat.temp", "temperature"),
        ("concentrate.density", "concentrate.densty", "reference", ">-", "concentrate.density"),
        ("mass - expected_mass", "mas - expected_mass", "reference", "abs(mas", '"mass"'),
        # contracts
        ("capability: weighing", "capability: weighting", "capability", "weighting", '"weighing"'),
        ("action: tare", "action: tar", "action", "tar\n", '"tare"'),
        ("speed: 300 rpm", "sped: 300 rpm", "argument-unknown", "sped", '"speed"'),
        ("      temperature: ${temperature}\n", "", "argument-missing", "id: heat", "temperature"),
        ("speed: 300 rpm", "speed: 3000 rpm", "range", "3000", "above 1500 rpm"),
        ("tolerance: 0.3 delta_degC", "tolerance: 0.001 delta_degC", "range", "0.001", "below 0.05"),
        ("maximum: 40 degC", "maximum: 400 degC", "range", "${temperature}", "400 degC"),
        # order
        ("needs: [tare]", "needs: [weigh]", "cycle", "[weigh]", "dose_dilute needs weigh needs dose"),
        ("needs: [tare]", "needs: [dose_dilute]", "cycle", "[dose", "dose_dilute needs dose_dilute"),
        ("id: weigh", "id: tare", "duplicate-id", "tare\n", "the other on line"),
        # names
        ("  dilute_volume:\n", "  well:\n", "name", "well", "reserved"),
        ("  salt_concentration:", "  total_volume:", "name", "total_volume", "already"),
        # expressions
        ("volume: ${total_volume}", "volume: ${total_volume +}", "expression", "${total", "too early"),
        ("volume: ${total_volume}", "volume: ${temperature}", "dimension", "${temp", "a volume is due"),
        ("volume: ${total_volume}", "volume: ${total_volume + temperature}", "dimension", "${tot", "adds a"),
        ("volume: ${total_volume}", 'volume: ${open("x")}', "expression", "${open", "no function"),
        ("volume: ${total_volume}", "volume: ${total_volume > 1 mL}", "value", "${tot", "not a quantity"),
        ("volume: ${total_volume}", "volume: ${1 mL / dilute_volume * 1 mL}", "division", "${1", "zero"),
        ("< 0.25 g", "< 0.25 mL", "dimension", "abs(mass", "compares"),
        ("abs(mass - expected_mass) < 0.25 g", "mass - 1 g", "expression", "mass -", "not a condition"),
        # ranges
        ("maximum: 7 mL", "maximum: 0.1 mL", "range", "0.1 mL", "below the minimum"),
        ("default: 4 mL", "default: 8 mL", "range", "8 mL", "outside"),
        ("timeout: 60 s", "timeout: 2 s", "range", "2 s", "shorter than the duration"),
        ("maximum: 7 mL", "maximum: 9 mL", "negative", SOLVENT, "-2 mL at concentrate_volume = 9 mL"),
    ],
)  # fmt: skip
def test_each_mistake_gives_one_message_at_its_place(old, new, code, caret_at, words):
    (finding,) = sop_findings((old, new))
    assert finding.code == code, finding.text()
    assert finding.severity == "error"
    assert words in finding.text().replace("\n", " "), finding.text()
    shown = finding.source_line[finding.column - 1 :] + "\n"
    assert shown.startswith(caret_at), finding.text()
    assert finding.hint


def test_a_dose_above_the_capacity_is_a_matter_of_safety():
    (finding,) = sop_findings(("capacity: 20 mL", "capacity: 11 mL"))
    assert (finding.code, finding.severity) == ("overfill", "safety")
    assert '"pot" would hold 12 mL, but its capacity is 11 mL' in finding.message
    assert "total_volume = 12 mL" in finding.message
    assert finding.source_line.strip() == "volume: ${concentrate_volume}"


def test_the_capacity_may_be_met_exactly():
    assert sop_findings(("capacity: 20 mL", "capacity: 12 mL")) == []


def test_several_mistakes_are_shown_together_in_order():
    findings = sop_findings(
        ("minimum: 0.5 mL", "minimum: 0.5"),
        ("role: solvent", "role: solvnt"),
        ("timeout: 60 s", "timeout: 60"),
    )
    # shape comes first; what the shape hides (a bare number in a parameter) is found when it holds
    assert [item.code for item in findings] == ["value", "unit-missing"]
    assert [item.line for item in findings] == sorted(item.line for item in findings)


def test_both_directions_of_a_temperature_mix_up():
    findings = sop_findings(
        ("minimum: 20 degC", "minimum: 20 delta_degC"), ("maximum: 40 degC", "maximum: 40 g")
    )
    assert [item.code for item in findings] == ["dimension", "dimension"]


def test_an_ambiguous_name_must_say_which():
    extra = (
        "    duration: 6 min\n    timeout: 30 min\n",
        "    duration: 6 min\n    timeout: 30 min\n    checks:\n"
        "      - expect: abs(temperature - 25 degC) < 1 delta_degC\n        message: too far\n",
    )
    (finding,) = sop_findings(extra)
    assert finding.code == "name"
    assert "heat.temperature or parameters.temperature" in finding.hint
    fixed = extra[1].replace("temperature - 25 degC", "heat.temperature - parameters.temperature")
    assert sop_findings((extra[0], fixed)) == []


def test_results_are_read_or_computed_never_both():
    (both,) = sop_findings(
        ("from: weigh.mass", "from: weigh.mass\n    value: ${weigh.mass}"),
    )
    assert both.code == "shape"
    (neither,) = sop_findings(("    from: weigh.mass\n", ""))
    assert neither.code == "shape"
    computed = ("from: weigh.mass", "value: ${weigh.mass / total_volume}")
    (wrong,) = sop_findings(computed)
    assert wrong.code == "dimension"
    assert "a density" in wrong.message
    text = changed("sop", computed)
    head, tail = text.rsplit("unit: g", 1)
    found, findings = check_sop(head + "unit: g/mL" + tail, "sop.yaml", CAPABILITIES)
    assert (findings, found is not None) == ([], True)


def test_a_measuring_range_has_an_end_in_the_unit_of_its_result():
    def of(span: str):
        return sop_findings(("from: weigh.mass", f"from: weigh.mass\n    range: {span}"))

    assert of("{maximum: 220 g}") == []
    assert of("{minimum: 1 mg, maximum: 0.2 kg}") == []
    (empty,) = of("{}")
    assert (empty.code, empty.message) == ("shape", "a measuring range without an end")
    (wrong,) = of("{minimum: 1 mL, maximum: 220 g}")
    assert (wrong.code, wrong.hint) == ("dimension", "give it in g")
    (turned,) = of("{minimum: 220 g, maximum: 1 mg}")
    assert (turned.code, turned.severity) == ("range", "error")
    (bare,) = of("{maximum: 220}")
    assert bare.code in ("unit-missing", "dimension")


def test_representative_numbers_are_no_findings():
    """Outputs are unknown before the run: that two of them could be equal is not a mistake."""
    text = (
        "from: weigh.mass",
        "value: ${weigh.mass * weigh.mass_sd / (weigh.mass - weigh.mass)}",
    )
    assert sop_findings(text) == []


def test_a_safe_state_step_is_checked_like_any_other():
    (finding,) = sop_findings(("      action: stop\n", "      action: stopp\n"))
    assert finding.code == "action"
    assert finding.source_line.strip() == "action: stopp"


def test_cas_numbers_are_checked_by_their_last_digit():
    good = ("    role: solvent\n", "    role: solvent\n    identifiers: {cas: 96-49-1}\n")
    assert sop_findings(good) == []
    (finding,) = sop_findings((good[0], good[1].replace("49-1", "49-2")))
    assert finding.code == "identifier"
    (finding,) = sop_findings((good[0], good[1].replace("96-49-1", "none")))
    assert finding.code == "identifier"


def test_the_hash_is_of_the_content_not_of_the_layout():
    same = changed("sop", ("# yaml-language-server", "# another comment, yaml-language-server"))
    moved, _ = check_sop(same.replace("\n\nparameters:", "\n\n\n\nparameters:"), "b", CAPABILITIES)
    other, _ = check_sop(changed("sop", ("maximum: 7 mL", "maximum: 6.9 mL")), "c", CAPABILITIES)
    assert moved is not None
    assert other is not None
    assert moved.sha256 == procedure().sha256 == sop_sha256(moved.sop)
    assert other.sha256 != moved.sha256


def test_a_step_without_needs_needs_the_one_before():
    needs = {step.path: step.needs for step in procedure().steps}
    assert needs["tare"] == ()
    assert needs["dose_concentrate"] == ("tare",)
    assert needs["weigh"] == ("dose_concentrate", "dose_dilute", "dose_solvent")
    changed_sop, _ = check_sop(
        changed("sop", ("needs: [tare]", "needs: []")), "sop.yaml", CAPABILITIES
    )
    assert changed_sop is not None
    needs = {step.path: step.needs for step in changed_sop.steps}
    assert needs["dose_dilute"] == ()


def test_order_and_ancestors():
    needs = {"d": ("b", "c"), "a": (), "b": ("a",), "c": ("a",)}
    order, stuck = topological_order(needs)
    assert (order, stuck) == (("a", "b", "c", "d"), ())
    assert ancestors(needs, order)["d"] == frozenset("abc")
    assert topological_order({"a": ("b",), "b": ("a",), "c": ()}) == (("c",), ("a", "b"))
