"""What a lab file says about people: hours that exist, services that somebody can do in them."""

from __future__ import annotations

import pytest

from lab.app.files import driver_traits
from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_lab
from lab.sop.check_lab_people import attended_hours
from tests.support.drivers import CHEMISTRIES, DRIVERS
from tests.support.sop_files import changed, lab

BROKER = "broker: embedded"
WASTE = "  waste: {capacity: 5 L, shared: true}"
POT = "  pot: "
STOCK = "  solvent: {volume: 800 mL}"
HOTPLATE = "driver: ika_hotplate\n"


def findings(*changes):
    found_lab, found = check_lab(
        changed("lab", *changes), "lab.yaml", DRIVERS, capabilities=CAPABILITIES,
        chemistries=CHEMISTRIES, traits=driver_traits(),
    )  # fmt: skip
    assert (found_lab is None) == any(item.blocking for item in found)
    return found_lab, found


def attended(*entries: str) -> tuple[str, str]:
    return BROKER, BROKER + "\nattended: [" + ", ".join(f'"{entry}"' for entry in entries) + "]"


def test_hours_services_and_upkeep_are_taken():
    found_lab, found = findings(
        attended("Mon-Fri 08:00-12:00", "Mon-Fri 13:00-17:00"),
        (WASTE, "  waste: {capacity: 5 L, shared: true, emptying: 5 min}"),
        (STOCK, "  solvent: {volume: 800 mL, refill: 3 min}"),
        (HOTPLATE, f"{HOTPLATE}    calibration_takes: 20 min\n"
                   "    upkeep: {bar: {after: 40, takes: 1 min, actions: stir, task: clean the bar}}\n"),
    )  # fmt: skip
    assert found == []
    assert found_lab is not None
    assert len(attended_hours(found_lab)) == 10
    assert found_lab.devices["hotplate_1"].upkeep["bar"].actions == ["stir"]


def test_a_lab_without_hours_is_always_attended():
    assert attended_hours(lab()) == []


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ([attended("Mon-Fry 08:00-12:00")], "range", "no days and hours"),
        ([attended("Mon 12:00-08:00")], "range", "earlier to a later"),
        ([(WASTE, WASTE.replace("shared: true", "emptying: 5 min"))], "shape", "is not shared"),
        ([(STOCK, "  solvent: {volume: 800 mL, refill: 0 min}")], "range", "can't take 0 min"),
        ([(STOCK, "  solvent: {volume: 800 mL, refill: -3 min}")], "range", "can't take"),
        (
            [(STOCK, "  solvent: {volume: 800 mL, refill: 5 h}"), attended("Mon 08:00-12:00")],
            "range", "longer than anybody is there",
        ),
        (
            [(HOTPLATE, f"{HOTPLATE}    upkeep: {{bar: {{after: 4, takes: 1 min, actions: stirr}}}}\n")],
            "reference", 'no action "stirr"',
        ),
    ],
)  # fmt: skip
def test_what_nobody_could_do_is_told_at_its_place(changes, code, says):
    _, found = findings(*changes)
    [finding] = [item for item in found if says in item.message]
    assert finding.code == code
    assert finding.line > 1
    assert finding.hint
    assert finding.why or "can't take" in says


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([attended("8 to 5")], "attended"),
        ([(STOCK, "  solvent: {volume: 800 mL, refill: 3}")], "refill"),
        ([(HOTPLATE, f"{HOTPLATE}    upkeep: {{bar: {{after: 0, takes: 1 min}}}}\n")], "after"),
        ([(HOTPLATE, f"{HOTPLATE}    upkeep: {{bar: {{takes: 1 min}}}}\n")], "after"),
    ],
)
def test_what_has_the_wrong_form_is_refused(changes, says):
    found_lab, found = findings(*changes)
    assert found_lab is None
    assert any(says in f"{item.message} {item.source_line}" for item in found)
