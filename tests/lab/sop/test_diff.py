"""Differences are told as a chemist would tell them, and what is no difference is not told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.sop.diff import difference
from tests.support.procedures import FULL, changed_full, read_sop_text

RAISED = ('version: "1.2.0"', 'version: "1.3.0"')


def told(*changes: tuple[str, str]) -> list[str]:
    return [item.text for item in difference(changed_full(), changed_full(*changes)).changes]


def test_a_file_does_not_differ_from_itself():
    found = difference(changed_full(), changed_full())
    assert found.is_same
    assert found.wording == ()
    assert found.warning == ""
    assert found.hashes[0] == found.hashes[1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("temperature: 25 degC", "temperature: 30 degC", "step warm: temperature 25 degC -> 30 degC"),
        ("maximum: 12 mL", "maximum: 15 mL", "parameter total_volume: maximum 12 mL -> 15 mL"),
        ("choices: [ethanol, methanol]", "choices: [ethanol]",
         "parameter solvent: choices ethanol, methanol -> ethanol"),
        ("density: 0.789 g/mL", "density: 0.79 g/mL",
         "material alcohol: density 0.789 g/mL -> 0.79 g/mL"),
        ("hazards: [H314]", "hazards: [H314, H290]", "material base: hazards H314 -> H314, H290"),
        ("capacity: 50 mL", "capacity: 60 mL", "container flask: capacity 50 mL -> 60 mL"),
        ("draws: alcohol,", "draws: base,", "equipment pump: draws alcohol -> base"),
        ("supervision: present", "supervision: none", "safety: supervision present -> none"),
        ("maximum: 70 degC", "maximum: 80 degC",
         "safety: limit stirrer.temperature maximum 70 degC -> 80 degC"),
        ("action: stop", "action: set_temperature",
         "safe-state step heater_off: action stop -> set_temperature"),
        ("sign: witness", "sign: performer", "manual step look: manual sign witness -> performer"),
        ("clean and dry?", "dry?",
         "manual step look: manual prompt Is the flask clean and dry? -> Is the flask dry?"),
        ("retry: 2", "retry: 0", "step dose: on error retry 2 -> 0"),
        ("then: hold", "then: abort", "step dose: on error then hold -> abort"),
        ("    ramp: 5 K/min\n", "", "step warm: ramp 5 K/min removed"),
        ("    settle: 30 s", "    settle: 30 s\n    tolerance: 1 K", "step warm: tolerance 1 K added"),
        ("settle: 30 s", "settle: 60 s", "step warm: settle 30 s -> 60 s"),
        ("max_iterations: 5", "max_iterations: 6", "loop titrate: max iterations 5 -> 6"),
        ("until: ${measure.conductivity > 2 mS/cm}", "until: ${measure.conductivity > 3 mS/cm}",
         "loop titrate: until ${measure.conductivity > 2 mS/cm} -> ${measure.conductivity > 3 mS/cm}"),
        ("in: [1 mL, 2 mL]", "in: [1 mL, 3 mL]", "loop over values levels: in 1 mL, 2 mL -> 1 mL, 3 mL"),
        ("conductivity > 0.01 mS/cm", "conductivity > 0.1 mS/cm",
         "step measure: check 1 expect conductivity > 0.01 mS/cm -> conductivity > 0.1 mS/cm"),
        ("severity: warn", "severity: fail", "step measure: check 1 severity warn -> fail"),
        ("uncertainty: 1 percent", "uncertainty: 2 percent",
         "step measure: outputs conductivity uncertainty 1 percent -> 2 percent"),
        ("when: ${last_reading.conductivity > 10 mS/cm}", "when: ${last_reading.conductivity > 9 mS/cm}",
         "branch dilute: when ${last_reading.conductivity > 10 mS/cm} -> ${last_reading.conductivity > 9 mS/cm}"),
        ("critical: false", "critical: true", "step last_reading: critical no -> yes"),
        ("equipment: {pump: drain_pump}", "equipment: {pump: base_pump}",
         "call rinse: call equipment pump drain_pump -> base_pump"),
        ("less_than: 5 min", "less_than: 6 min", "time limit quench: less than 5 min -> 6 min"),
        ("tolerance: 0.02 mS/cm", "tolerance: 0.03 mS/cm",
         "quality: standards kcl tolerance 0.02 mS/cm -> 0.03 mS/cm"),
        ("${total_volume * alcohol.density}", "${total_volume * 0.8 g/mL}",
         "derived value expected_mass: value ${total_volume * alcohol.density} -> ${total_volume * 0.8 g/mL}"),
        ("required: false\n", "required: true\n", "result ratio: required no -> yes"),
        ("unit: dimensionless", "unit: percent", "result ratio: unit dimensionless -> percent"),
    ],
)  # fmt: skip
def test_one_change_is_told_once(old, new, said):
    text = (
        FULL.replace(old, new, 1) if old != "required: false\n" else new.join(FULL.rsplit(old, 1))
    )
    found = difference(changed_full(), read_sop_text(text))
    assert [item.text for item in found.changes] == [said]
    assert "raise it" in found.warning


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("less_than: 5 min", "less_than: 300 s"),
        ("maximum: 12 mL", "maximum: 12000 uL"),
        ("temperature: 25 degC", "temperature: 298.15 K"),
        ("volume: 0.5 mL", "volume: 500 uL"),
        ("in: [1 mL, 2 mL]", "in: [ 1 mL, 2 mL ]"),
        ("${total_volume * alcohol.density}", "${total_volume*alcohol.density}"),
        ("${measure.conductivity > 2 mS/cm}", "${ measure.conductivity > 2000 uS/cm }"),
        ("conductivity > 0.01 mS/cm", "conductivity > 10 uS/cm"),
        ("title: Warm it", "title: Make it warm  # a remark"),
        ("description: Round flask", "description: A round flask"),
        ("message: the probe hangs in air", "message: no liquid at the probe"),
        ("simulate: {clean: true, mass: 40}", "simulate: {clean: true, mass: 41}"),
        ("    duration: 10 min\n    timeout: 1 h\n", "    timeout: 1 h\n    duration: 10 min\n    needs: [preparation]\n"),
    ],
)  # fmt: skip
def test_what_is_no_change_of_the_procedure(old, new):
    assert told((old, new)) == []


def test_words_and_header_are_told_apart():
    found = difference(
        changed_full(), changed_full(("title: Warm it", "title: Heat it"), ("A. Weber", "C. Diaz"), RAISED)
    )  # fmt: skip
    assert found.is_same
    texts = [item.text for item in found.wording]
    assert "step warm: title Warm it -> Heat it" in texts
    assert "header: version 1.2.0 -> 1.3.0" in texts
    assert any(text.startswith("header: author A. Weber") for text in texts)
    assert found.hashes[0] != found.hashes[1]


STEP = """\
  - id: {id}
    title: New
    equipment: stirrer
    action: stop
    duration: 2 s
    timeout: 30 s
"""


def test_a_new_step_is_told_with_its_place_and_its_neighbours_are_not():
    new = STEP.format(id="blow")
    assert told(("  - id: warm\n", new + "  - id: warm\n")) == ["step blow added after preparation"]
    assert told(("procedure:\n", "procedure:\n" + new)) == ["step blow added at the beginning"]
    inner = new.replace("\n", "\n      ").rstrip(" ").replace("  - id", "        - id", 1)
    assert told(("        - id: add\n", inner + "        - id: add\n")) == [
        "step blow added at the beginning of titrate"
    ]


def test_removed_moved_and_turned_into_another_kind():
    before, rest = FULL.split("  - id: warm\n")
    warm, after = rest.split("  - id: titrate\n")
    warm = "  - id: warm\n" + warm
    without = read_sop_text(before + "  - id: titrate\n" + after)
    texts = [item.text for item in difference(changed_full(), without).changes]
    assert texts == ["step warm removed"]
    head, tail = after.split("  - id: levels\n")
    moved = read_sop_text(before + "  - id: titrate\n" + head + warm + "  - id: levels\n" + tail)
    (change,) = difference(changed_full(), moved).changes
    assert change.kind == "moved"
    assert {change.part} <= {"step warm", "loop titrate"}
    manual = read_sop_text(
        FULL.replace(warm, "  - id: warm\n    title: Warm it\n    duration: 10 min\n    timeout: 1 h\n"
                     "    manual: {prompt: Put it on the plate.}\n")
    )  # fmt: skip
    texts = [item.text for item in difference(changed_full(), manual).changes]
    assert "manual step warm: kind step -> manual step" in texts


def test_a_step_that_moves_into_a_block_is_moved_not_added():
    text = FULL.replace("      - id: dose\n", "      - id: warm2\n", 1)
    assert {c.kind for c in difference(changed_full(), read_sop_text(text)).changes} >= {
        "added",
        "removed",
    }
    rest = FULL[FULL.index("  - id: warm\n") : FULL.index("  - id: titrate\n")]
    inner = "".join(f"      {line}\n" for line in rest.splitlines())
    text = FULL.replace(rest, "").replace("        - id: add\n", inner + "        - id: add\n", 1)
    (change,) = difference(changed_full(), read_sop_text(text)).changes
    assert change.text == "step warm moved after preparation -> at the beginning of titrate"


def test_an_order_that_changes_by_itself_is_told():
    assert told(("    settle: 30 s", "    settle: 30 s\n    needs: []")) == [
        "step warm: needs preparation -> nothing"
    ]


def test_the_version_must_be_raised_with_the_procedure():
    change = ("max_iterations: 5", "max_iterations: 6")
    before = changed_full()
    assert difference(before, changed_full(change, RAISED)).warning == ""
    assert "raise it" in difference(before, changed_full(change)).warning
    older = changed_full(change, ('version: "1.2.0"', 'version: "1.2.0-rc.1"'))
    assert "older" in difference(before, older).warning
    assert difference(before, changed_full(("title: Warm it", "title: Heat it"))).warning == ""


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.1, 40.0),
    st.sampled_from((("uL", 1000.0), ("mL", 1.0), ("L", 0.001), ("cm^3", 1.0))),
)
def test_equal_volumes_in_other_units_are_equal(volume, to):
    unit, factor = to
    one = changed_full(("capacity: 50 mL", f"capacity: {volume!r} mL"))
    other = changed_full(("capacity: 50 mL", f"capacity: {volume * factor!r} {unit}"))
    assert difference(one, other).is_same
    third = changed_full(("capacity: 50 mL", f"capacity: {volume * 1.001 * factor!r} {unit}"))
    assert not difference(one, third).is_same
