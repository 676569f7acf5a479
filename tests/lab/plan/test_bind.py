"""From a procedure and numbers to plans: every number in its contract's unit, every choice lawful."""

from __future__ import annotations

import pytest

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError, RefusedError
from lab.domain.plan import Plan
from lab.domain.quantity import Quantity
from lab.plan.bind import bind, well_name
from lab.sop.check import check_lab, check_sop
from tests.support.sop_files import (
    DRIVERS,
    ROOT,
    changed,
    device_capabilities,
    example,
    lab,
    plans,
    procedure,
)


def bound(sop: str, lab_text: str, factors=None, number: int = 1) -> tuple[Plan, ...]:
    found, findings = check_sop(sop, "sop.yaml", CAPABILITIES)
    assert found is not None, [item.text() for item in findings]
    there, findings = check_lab(lab_text, "lab.yaml", DRIVERS)
    assert there is not None, [item.text() for item in findings]
    return bind(found, factors or {}, {}, there, CAPABILITIES, number, device_capabilities(there))


def test_both_cells_are_candidates_in_the_order_of_the_lab_file():
    first, second = plans()
    assert (first.bindings["cell"], second.bindings["cell"]) == ("cell_1", "cell_2")
    assert first.bindings["transfer_pump"] == "transfer_pump_1"
    assert second.bindings["transfer_pump"] == "transfer_pump_2"
    assert second.bindings["stirrer"] == "hotplate_2"
    assert first.stations == ("pot", "cell_1")


def test_arguments_are_numbers_in_the_contracts_units():
    plan = plans(concentrate_volume=4.0, dilute_volume=1.0)[0]
    assert plan.step("dose_solvent").args == {"volume": 5.0, "rate": 20.0}
    assert plan.step("drain").args == {"volume": 11.0, "rate": 20.0}
    assert plan.step("heat").args == {"temperature": 25.0, "tolerance": 0.3}
    assert plan.step("measure").args == {"readings": 5}
    assert plan.step("heat").duration_s == 360.0
    assert plan.step("heat").timeout_s == 1800.0
    assert plan.step("weigh").retry.max_retries == 2
    assert plan.step("dose_solvent").effect == "once"


def test_defaults_of_the_contract_are_written_out():
    sop = changed("sop", ("      volume: ${concentrate_volume}\n      rate: 20 mL/min\n",
                          "      volume: ${concentrate_volume}\n"))  # fmt: skip
    assert bound(sop, example("lab"))[0].step("dose_concentrate").args["rate"] == 10.0


def test_parameters_and_derived_values_are_kept_with_units():
    plan = plans(concentrate_volume=4.0, dilute_volume=1.0)[0]
    assert plan.parameters == {
        "concentrate_volume": 4.0,
        "dilute_volume": 1.0,
        "total_volume": 10.0,
        "temperature": 25.0,
    }
    assert plan.parameter_units["temperature"] == "degC"
    assert plan.values["expected_mass"] == pytest.approx(4 * 1.31 + 1.11 + 5 * 1.05)
    assert plan.values["salt_concentration"] == pytest.approx(0.85)
    assert plan.sop_sha256 == procedure().sha256


def test_a_plan_survives_json():
    plan = plans()[1]
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_claims_are_the_places_that_the_device_touches():
    plan = plans()[0]
    assert plan.step("tare").claims == ("pot",)
    assert plan.step("transfer").claims == ("pot", "cell_1")
    assert plan.step("drain").claims == ("cell_1",)  # the waste bottle is shared
    assert plan.step("dose_dilute").claims == ("pot",)  # a stock is no station


def test_safe_steps_follow_the_others():
    plan = plans()[0]
    safe = ["heater_off", "clear_pot", "clear_cell"]
    assert [step.path for step in plan.steps if step.safe_state] == safe
    assert [step.path for step in plan.steps][-3:] == safe
    assert plan.step("heater_off").device == "hotplate_1"
    assert plan.step("heater_off").needs == ()


def test_quantities_and_numbers_are_both_taken():
    by_number = plans(concentrate_volume=4.0)[0]
    by_quantity = bind(
        procedure(),
        {"concentrate_volume": Quantity(4000.0, "uL"), "dilute_volume": 1.0},
        {"temperature": Quantity(298.15, "K")},
        lab(),
        CAPABILITIES,
        1,
        device_capabilities(lab()),
    )[0]
    assert by_quantity == by_number


@pytest.mark.parametrize(
    ("factors", "kind", "words"),
    [
        ({"concentrate_volume": 8.0}, RefusedError, "outside the SOP's limits 0.5 mL to 7 mL"),
        ({"concentrate_volume": 0.4}, RefusedError, "outside"),
        ({"dilute_volume": -0.1}, RefusedError, "outside"),
        ({"temperature": 60.0}, RefusedError, "60 degC is outside"),
        ({"concentrate_volume": float("nan")}, InputError, "not a finite number"),
        ({"concentrate": 4.0}, InputError, "not a parameter"),
        ({"concentrate_volume": Quantity(4.0, "g")}, InputError, "a mass"),
    ],
)
def test_numbers_outside_the_sop_are_refused(factors, kind, words):
    with pytest.raises(kind, match=words) as caught:
        plans(**factors)
    assert caught.value.hint


@pytest.mark.parametrize(("value", "expected"), [(7.0 + 1e-12, 7.0), (0.5 - 1e-12, 0.5)])
def test_rounding_at_a_limit_is_forgiven_and_put_on_it(value, expected):
    assert plans(concentrate_volume=value)[0].parameters["concentrate_volume"] == expected


def test_a_dose_of_nothing_is_zero_and_never_negative():
    plan = plans(concentrate_volume=7.0, dilute_volume=3.0)[0]
    assert plan.step("dose_solvent").args["volume"] == 0.0
    # thirds leave noise in the last digits
    plan = plans(concentrate_volume=10 - 8 / 3 - 1 / 3 - 1e-16, dilute_volume=8 / 3 + 1 / 3)[0]
    volume = plan.step("dose_solvent").args["volume"]
    assert isinstance(volume, float)
    assert volume >= 0.0


def test_a_stock_smaller_than_one_dose_is_refused():
    small = changed("lab", ("concentrate: {volume: 400 mL}", "concentrate: {volume: 3 mL}"))
    with pytest.raises(RefusedError, match='3 mL of "concentrate"'):
        bound(example("sop"), small, {"concentrate_volume": 4.0})
    assert bound(example("sop"), small, {"concentrate_volume": 2.9})


def test_two_bottles_of_one_material_are_two_choices():
    more = changed(
        "lab",
        ("stock:\n", "stock:\n  second: {volume: 100 mL, material: dilute}\n"),
        ("    draws: dilute\n", "    draws: [dilute, second]\n"),
    )
    found = bound(example("sop"), more)
    assert [(plan.bindings["dilute"], plan.bindings["cell"]) for plan in found] == [
        ("second", "cell_1"),
        ("dilute", "cell_1"),
        ("second", "cell_2"),
        ("dilute", "cell_2"),
    ]


def test_a_spare_device_is_a_choice_too():
    spare = changed("lab", ("  balance:\n", "  spare_balance:\n    driver: mettler_toledo_sics\n"
                            '    url: "sim:"\n    at: pot\n  balance:\n'))  # fmt: skip
    found = bound(example("sop"), spare)
    assert [plan.bindings["balance"] for plan in found] == ["spare_balance", "balance"] * 2


def test_the_number_of_candidates_is_bounded():
    device = '  b{}:\n    driver: mettler_toledo_sics\n    url: "sim:"\n    at: pot\n'
    many = changed(
        "lab", ("  balance:\n", "".join(map(device.format, range(300))) + "  balance:\n")
    )
    assert len(bound(example("sop"), many)) == 256


def test_a_missing_capability_is_wrong_input_at_its_place():
    with pytest.raises(InputError) as caught:
        bind(procedure(), {}, {}, lab(), CAPABILITIES, 1, {})
    (finding,) = caught.value.diagnostics
    assert finding.code == "capability"
    assert finding.source_line.strip() == "capability: weighing"


@pytest.mark.parametrize(
    ("number", "wells", "name"),
    [(1, 96, "A1"), (12, 96, "A12"), (13, 96, "B1"), (96, 96, "H12"), (7, 6, ""), (384, 384, "P24"),
     (4, 6, "B1"), (24, 24, "D6"), (48, 48, "F8"), (12, 12, "C4"), (0, 96, "")],
)  # fmt: skip
def test_wells_in_row_order(number, wells, name):
    if name:
        assert well_name(number, wells) == name
    else:
        with pytest.raises(RefusedError, match="no well"):
            well_name(number, wells)


@pytest.mark.parametrize("wells", [6, 12, 24, 48, 96, 384])
def test_each_run_has_a_well_of_its_own(wells):
    names = [well_name(number, wells) for number in range(1, wells + 1)]
    assert len(set(names)) == wells
    assert names[-1][0] == {6: "B", 12: "C", 24: "D", 48: "F", 96: "H", 384: "P"}[wells]


def dye(name: str) -> str:
    return (ROOT / "sops" / "dye_matching" / f"{name}.yaml").read_text(encoding="utf-8")


def test_a_plate_is_claimed_by_nobody_and_each_run_gets_its_well():
    (plan,) = bound(dye("sop"), dye("lab"), number=14)
    assert plan.parameters["well"] == "B2"
    assert plan.stations == ()
    assert all(step.claims == () for step in plan.steps)
    dose = plan.step("dose")
    assert dose.args["well"] == "B2"
    assert dose.args["volumes"] == {"water": 140.0, "red": 20.0, "yellow": 20.0, "blue": 20.0}
    assert plan.step("read").args["wavelength_2"] == 520.0


def test_a_full_plate_is_refused():
    with pytest.raises(RefusedError, match="run 97 has no well"):
        bound(dye("sop"), dye("lab"), number=97)


def test_volumes_are_named_by_the_stock_that_serves():
    renamed = dye("lab").replace(
        "  red: {volume: 12 mL", "  red_bottle: {material: red, volume: 12 mL"
    )
    renamed = renamed.replace("draws: [red,", "draws: [red_bottle,")
    renamed = renamed.replace("    red: {density", "    red_bottle: {density")
    (plan,) = bound(dye("sop"), renamed)
    assert set(plan.step("dose").args["volumes"]) == {"water", "red_bottle", "yellow", "blue"}  # pyright: ignore[reportArgumentType]


def test_a_well_without_a_plate_is_wrong_input():
    no_plate = dye("lab").replace("    wells: 96\n", "")
    with pytest.raises(InputError, match="not a text") as caught:
        bound(dye("sop"), no_plate)
    assert "plate" in caught.value.hint


def test_binding_is_deterministic():
    assert plans() == plans()
    assert [plan.model_dump_json() for plan in plans()] == [p.model_dump_json() for p in plans()]


def timed(durations, **factors) -> Plan:
    return bind(
        procedure(), factors, {}, lab(), CAPABILITIES, 1, device_capabilities(lab()),
        durations=durations,
    )[0]  # fmt: skip


def test_a_driver_that_can_tell_says_how_long_its_steps_take():
    def dose(action, args):
        assert action == "dispense"
        return 2 * 60.0 * args["volume"] / args["rate"]

    plan = timed({"solvent_pump": dose}, concentrate_volume=4.0, dilute_volume=1.0)
    solvent, dilute = plan.step("dose_solvent"), plan.step("dose_dilute")
    assert (solvent.duration_s, solvent.duration_from) == (30.0, "driver")
    plain = plans(concentrate_volume=4.0, dilute_volume=1.0)[0]
    assert dilute == plain.step("dose_dilute")
    assert solvent.timeout_s == plain.step("dose_solvent").timeout_s


@pytest.mark.parametrize("told", [None, -1.0, float("nan"), float("inf")])
def test_where_it_cannot_tell_the_sop_does(told):
    plan = timed({"solvent_pump": lambda action, args: told})
    assert plan == plans()[0]


def test_the_source_of_a_duration_is_written_only_where_it_is_not_the_sop():
    plan = timed({"solvent_pump": lambda action, args: 12.0})
    assert plan.model_dump_json().count("duration_from") == 1
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_a_measuring_range_is_in_the_unit_of_its_result():
    text = changed("sop", ("    unit: mS/cm\n", "    unit: mS/cm\n    range: {minimum: 5 uS/cm, maximum: 2 S/m}\n"))  # fmt: skip
    plan = bound(text, example("lab"))[0]
    span, other = plan.results[0], plan.results[1]
    assert (span.minimum, span.maximum) == (pytest.approx(0.005), pytest.approx(20.0))
    assert (other.minimum, other.maximum) == (None, None)
    assert [span.beyond(value) for value in (0.005, 0.006, 19.9, 20.0, 25.0)] == [
        "below", None, None, "above", "above",
    ]  # fmt: skip
    assert [span.known(value) for value in (-1.0, 7.0, 25.0)] == pytest.approx([0.005, 7.0, 20.0])
    assert other.known(1e9) == 1e9
    assert "maximum" not in other.model_dump(mode="json")
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
