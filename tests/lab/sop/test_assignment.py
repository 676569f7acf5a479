"""Which station, stock and device fits: places, range, resolution, calibration, lots."""

from __future__ import annotations

from datetime import date

import pytest

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError
from lab.sop.assignment import assignments
from tests.support.flat_sops import EQUIPMENT, LAB, RESULTS, lab_of, read, weigh

ABLE = {"scale": ("weighing",), "spare": ("weighing",), "pump": ("liquid_dosing",)}
SCALE = 'scale: {driver: mettler_toledo_sics, url: "sim:", at: pot'


def sop(role: str = "", container: str = "", material: str = ""):
    text = EQUIPMENT.replace(
        "{capability: weighing, at: pot}", f"{{capability: weighing, at: pot{role}}}"
    )
    text = text.replace("{capacity: 100 mL}", f"{{capacity: 100 mL{container}}}")
    text = text.replace("    role: solvent\n", f"    role: solvent\n{material}")
    return read(text + f"\nprocedure:\n  - {weigh()}\n" + RESULTS)


def found(procedure, lab: str = LAB, today: date | None = None) -> list[dict[str, str]]:
    there = lab_of(lab)
    able = {name: ABLE[name] for name in there.devices}
    return list(assignments(procedure, there, CAPABILITIES, able, today))


def refused(procedure, lab: str = LAB, today: date | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        found(procedure, lab, today)
    assert caught.value.hint
    return caught.value


def scale(extra: str) -> str:
    assert SCALE in LAB
    return LAB.replace(SCALE, f"{SCALE}, {extra}")


ASKS = ", range: {mass: {minimum: 0 g, maximum: 200 g}}"


def test_without_wishes_any_device_fits():
    assert found(sop()) == [{"pot": "pot", "water": "water", "balance": "scale", "pump": "pump"}]


@pytest.mark.parametrize(
    "there", ["{minimum: 0 g, maximum: 220 g}", "{minimum: -1 g, maximum: 0.2 kg}"]
)
def test_a_range_that_covers_what_is_asked(there):
    assert found(sop(ASKS), scale(f"range: {{mass: {there}}}"))


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ("", "is not known"),
        ("range: {mass: {maximum: 220 g}}", "its minimum of mass is not known"),
        ("range: {mass: {minimum: 0 g, maximum: 120 g}}", "must reach 200 g, and it reaches 120 g"),
        ("range: {mass: {minimum: 1 g, maximum: 220 g}}", "must reach 0 g"),
        ("range: {mass: {minimum: 0 mL, maximum: 220 mL}}", "is a volume, but a mass is asked"),
    ],
)
def test_a_range_that_does_not(there, words):
    error = refused(sop(ASKS), scale(there) if there else LAB)
    assert words in error.message
    assert "scale" in f"{error.message} {error.hint}"
    assert error.diagnostics[0].code == "capability"
    if "not known" in words:
        assert "`range: {mass: {m" in error.hint


@pytest.mark.parametrize(
    ("there", "fits"),
    [("1 mg", True), ("0.1 mg", True), ("0.01 g", False), ("", False), ("1 mL", False)],
)
def test_resolution(there, fits):
    lab = scale(f"resolution: {{mass: {there}}}") if there else LAB
    if fits:
        assert found(sop(", resolution: {mass: 1 mg}"), lab)
    else:
        assert "resol" in refused(sop(", resolution: {mass: 1 mg}"), lab).message


@pytest.mark.parametrize(
    ("there", "today", "words"),
    [
        ('calibrated: "2026-11-01"', date(2026, 11, 20), ""),
        ('calibrated: "2026-11-01"', date(2026, 12, 1), ""),
        ('calibrated: "2026-11-01"', date(2026, 12, 2), "31 days ago, and 30 day is allowed"),
        ('calibrated: "2026-11-01"', date(2026, 10, 1), "still to come"),
        ('calibrated: "2026-02-30"', date(2026, 10, 1), "is not a day"),
        ("", date(2026, 10, 1), "is not known"),
        ("", None, ""),
    ],
)
def test_calibrations_grow_old(there, today, words):
    procedure = sop(", calibration_max_age: 30 day")
    lab = scale(there) if there else LAB
    if words:
        error = refused(procedure, lab, today)
        assert words in error.message
        assert "calibrated" in error.hint
    else:
        assert found(procedure, lab, today)


def test_the_device_that_is_good_enough_is_chosen():
    spare = (
        '\n  spare: {driver: mettler_toledo_sics, url: "sim:", at: pot, resolution: {mass: 1 mg}}\n'
    )
    choices = found(sop(", resolution: {mass: 1 mg}"), LAB.rstrip() + spare)
    assert [choice["balance"] for choice in choices] == ["spare"]


@pytest.mark.parametrize(
    ("container", "station", "words"),
    [
        (", maximum_temperature: 80 degC", ", maximum_temperature: 120 degC", ""),
        (", maximum_temperature: 80 degC", ", maximum_temperature: 60 degC", "stands 60 degC"),
        (", maximum_temperature: 80 degC", "", ""),
        (", dead_volume: 1 mL", ", dead_volume: 2 mL", "keeps back 2 mL"),
        (", dead_volume: 1 mL", ", dead_volume: 1 mL", ""),
        (", sealed: true", ", sealed: false", "is open"),
        ("", ", sealed: true", "is sealed"),
        (", sealed: true", "", ""),
    ],
)
def test_what_a_container_counts_on(container, station, words):
    lab = LAB.replace("pot: {capacity: 200 mL}", f"pot: {{capacity: 200 mL{station}}}")
    if words:
        assert words in refused(sop(container=container), lab).message
    else:
        assert found(sop(container=container), lab)


def test_a_lot_that_must_be_known():
    needs = sop(material="    lot_required: true\n")
    assert found(needs)[0]["water"] == "water"
    error = refused(needs, LAB.replace(", lot: W-1", ""))
    assert "the lot of" in error.message
    assert "`lot: ...`" in error.hint
    assert "lot_required" in error.diagnostics[0].source_line
