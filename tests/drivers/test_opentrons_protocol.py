"""The compiler and the volume check: schema, order, tips, and what each check refuses. Pure functions."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentrons_shared_data import load_shared_data

from drivers.opentrons_robot.deck import Deck, parse_deck
from drivers.opentrons_robot.labware import UnknownLabwareError, load_labware, load_pipette
from drivers.opentrons_robot.protocol import MARK, Compiled, compile_protocol
from drivers.opentrons_robot.volumes import (
    Levels,
    Transfer,
    check_transfers,
    choose_mount,
    strokes,
)
from lab.domain.errors import InputError
from tests.drivers.opentrons_kit import flex, ot2

RECIPE = [
    Transfer("water", "B2", 110.0),
    Transfer("red", "B2", 12.5),
    Transfer("yellow", "B2", 40.0),
    Transfer("blue", "B2", 37.5),
]


def deck(**changes: Any) -> Deck:
    return parse_deck(ot2(**changes), "robot")


def compiled(on: Deck, transfers: list[Transfer], levels: Levels | None = None) -> Compiled:
    return compile_protocol(
        on, transfers, levels or Levels.full(on), label="c0ffee", step="dose.1", title="a dose"
    )


def commands(protocol: Compiled, *kinds: str) -> list[dict[str, Any]]:
    return [item for item in protocol.document["commands"] if item["commandType"] in kinds]


def codes(on: Deck, transfers: list[Transfer], levels: Levels | None = None) -> list[str]:
    return [problem.code for problem in check_transfers(on, transfers, levels)]


# -- the document -----------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [ot2(), flex(), ot2(mix=None), ot2(tips="fresh")])
def test_document_fits_the_vendors_schemas(settings: dict[str, Any]) -> None:
    document = compiled(parse_deck(settings, "robot"), RECIPE).document
    protocol_schema = json.loads(load_shared_data("protocol/schemas/8.json"))
    command_schema = json.loads(load_shared_data("command/schemas/8.json"))
    liquid_schema = json.loads(load_shared_data("liquid/schemas/1.json"))
    jsonschema.validate(document, protocol_schema)
    for command in document["commands"]:
        jsonschema.validate(command, command_schema)
    for liquid in document["liquids"].values():
        jsonschema.validate(liquid, liquid_schema)


def test_the_schemas_refuse_a_broken_document() -> None:
    document = compiled(deck(), RECIPE).document
    protocol_schema = json.loads(load_shared_data("protocol/schemas/8.json"))
    command_schema = json.loads(load_shared_data("command/schemas/8.json"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            {**document, "robot": {"model": "OT-9", "deckId": "x"}}, protocol_schema
        )
    aspirate = commands(compiled(deck(), RECIPE), "aspirate")[0]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            {**aspirate, "params": {**aspirate["params"], "volume": "much"}}, command_schema
        )


def test_every_command_has_a_key_of_its_own_that_names_the_step() -> None:
    protocol = compiled(deck(), RECIPE)
    keys = [item["key"] for item in protocol.document["commands"]]
    assert tuple(keys) == protocol.keys
    assert len(set(keys)) == len(keys)
    assert all(key.startswith("dose.1/") for key in keys)
    assert "dose.1/2-red/1/aspirate" in keys


def test_each_transfer_is_tip_strokes_and_return_in_the_order_given() -> None:
    protocol = compiled(deck(mix=None), RECIPE)
    kinds = [
        item["commandType"]
        for item in protocol.document["commands"]
        if not item["commandType"].startswith("load")
    ]
    assert kinds == ["pickUpTip", "aspirate", "dispense", "blowout", "dropTip"] * 4
    wells = [item["params"]["wellName"] for item in commands(protocol, "aspirate")]
    assert wells == ["A4", "A1", "A2", "A3"]
    assert {item["params"]["wellName"] for item in commands(protocol, "dispense")} == {"B2"}
    for picked, dropped in zip(
        commands(protocol, "pickUpTip"), commands(protocol, "dropTip"), strict=True
    ):
        assert picked["params"] == dropped["params"], "back to its own place"


def test_dispensing_is_contact_free_and_mixing_takes_a_tip_of_the_well() -> None:
    protocol = compiled(deck(), RECIPE)
    for item in commands(protocol, "dispense"):
        origin = item["params"]["wellLocation"]["origin"]
        assert origin == ("bottom" if "/mix-" in item["key"] else "top")
    tips = {
        (item["params"]["labwareId"], item["params"]["wellName"])
        for item in commands(protocol, "pickUpTip")
    }
    assert len(tips) == 5
    assert len([item for item in protocol.keys if "/mix-B2/" in item]) == 2 + 2 * 2 + 1


def test_liquids_are_declared_for_every_well_used() -> None:
    on = deck()
    levels = Levels.full(on)
    levels.charge([Transfer("red", "B2", 30.0)])
    declared = {
        (item["params"]["labwareId"], well): volume
        for item in commands(compiled(on, RECIPE, levels), "loadLiquid")
        for well, volume in item["params"]["volumeByWell"].items()
    }
    assert declared == {
        ("slot-4", "A1"): 11970.0,
        ("slot-4", "A2"): 12000.0,
        ("slot-4", "A3"): 12000.0,
        ("slot-4", "A4"): 12000.0,
        ("slot-1", "B2"): 30.0,
    }
    empty = commands(compiled(on, RECIPE), "loadLiquid")[-1]
    assert empty["params"]["volumeByWell"] == {"B2": 0.0}


def test_metadata_tells_command_and_levels() -> None:
    on = deck()
    mark = compiled(on, RECIPE).document["metadata"][MARK]
    assert mark["command"] == "c0ffee"
    assert mark["load"] == on.load
    assert mark["stocks"]["red"] == 12000.0
    assert ["red", "B2", 12.5] in mark["transfers"]


def test_same_command_same_bytes_other_command_other_bytes() -> None:
    on = deck()
    one = compiled(on, RECIPE).to_bytes()
    assert one == compiled(on, RECIPE).to_bytes()
    other = compile_protocol(
        on, RECIPE, Levels.full(on), label="c0ffef", step="dose.1", title="a dose"
    )
    assert one != other.to_bytes()


def test_zero_volumes_are_left_out() -> None:
    protocol = compiled(deck(), [Transfer("red", "A1", 20.0), Transfer("blue", "A1", 0.0)])
    assert not any("blue" in key for key in protocol.keys)


def test_compiling_what_was_not_checked_is_an_error() -> None:
    with pytest.raises(ValueError, match="check_transfers"):
        compiled(deck(), [Transfer("red", "A1", 0.1)])


# -- pipettes and tips ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("volume", "name", "count"),
    [
        (1.0, "p20_single_gen2", 1),
        (19.9, "p20_single_gen2", 1),
        (20.0, "p20_single_gen2", 1),
        (20.1, "p300_single_gen2", 1),
        (300.0, "p300_single_gen2", 1),
        (300.1, "p300_single_gen2", 2),
        (1000.0, "p300_single_gen2", 4),
    ],
)
def test_pipette_with_the_fewest_strokes(volume: float, name: str, count: int) -> None:
    mount = choose_mount(deck(), volume)
    assert mount is not None
    assert mount.name == name
    assert strokes(mount, volume) == pytest.approx([volume / count] * count)


def test_no_pipette_for_less_than_its_least() -> None:
    assert choose_mount(deck(), 0.99) is None


@given(st.floats(1.0, 2000.0))
@settings(max_examples=200)
def test_no_stroke_is_beyond_pipette_or_tip(volume: float) -> None:
    mount = choose_mount(deck(), volume)
    assert mount is not None
    parts = strokes(mount, volume)
    assert sum(parts) == pytest.approx(volume)
    assert all(mount.pipette.min_ul <= part <= mount.stroke_ul + 1e-6 for part in parts)


def test_a_small_tip_limits_the_stroke() -> None:
    pipettes = [
        {
            "name": "p300_single_gen2",
            "mount": "left",
            "tip_racks": [{"slot": "9", "labware": "opentrons_96_filtertiprack_200ul"}],
        }
    ]
    (mount,) = deck(pipettes=pipettes, mix=None).pipettes
    assert mount.stroke_ul == 200.0
    assert strokes(mount, 300.0) == [150.0, 150.0]


def _tips(on: Deck, wells: list[str]) -> set[tuple[str, str]]:
    used: set[tuple[str, str]] = set()
    for well in wells:
        transfers = [Transfer(stock, well, 30.0) for stock in on.stocks]
        assert not codes(on, transfers)
        used |= {
            (item["params"]["labwareId"], item["params"]["wellName"])
            for item in commands(compiled(on, transfers), "pickUpTip")
        }
    return used


def test_a_whole_plate_needs_one_tip_for_each_stock_and_one_for_each_mixing() -> None:
    wells = list(load_labware("corning_96_wellplate_360ul_flat").order)
    assert len(_tips(deck(), wells)) == 4 + 96
    assert len(_tips(deck(mix=None), wells)) == 4


def test_fresh_tips_are_never_shared_and_run_out() -> None:
    on = deck(tips="fresh")
    wells = list(on.plate.definition.order)
    # 2 racks of 96 tips, 5 for each well
    assert len(_tips(on, wells[:38])) == 38 * 5
    beyond = [Transfer("red", wells[39], 30.0)]
    assert codes(on, beyond) == ["no_tip"]


def test_mixing_without_a_tip_left_is_refused() -> None:
    pipettes = ot2()["pipettes"]
    pipettes[1]["tip_racks"] = pipettes[1]["tip_racks"][:1]
    on = deck(pipettes=pipettes)
    order = on.plate.definition.order
    assert codes(on, [Transfer("red", order[91], 150.0)]) == []
    assert codes(on, [Transfer("red", order[92], 150.0)]) == ["no_tip"]


# -- volumes ----------------------------------------------------------------------------------------


def test_overdraw_stops_at_the_dead_volume() -> None:
    on = deck(dead_volume_ul=11_900.0)
    assert codes(on, [Transfer("red", "A1", 100.0)]) == []
    assert codes(on, [Transfer("red", "A1", 100.1)]) == ["overdraw"]
    two = [Transfer("red", "A1", 60.0), Transfer("red", "A2", 60.0)]
    assert codes(on, two) == ["overdraw"], "a whole campaign can be checked before it starts"


def test_overfill_counts_what_is_in_the_well() -> None:
    on = deck(tips="fresh", mix=None)
    assert codes(on, [Transfer("water", "A1", 360.0)]) == []
    assert codes(on, [Transfer("water", "A1", 360.1)]) == ["overfill"]
    levels = Levels.full(on)
    levels.charge([Transfer("water", "A1", 300.0)])
    assert codes(on, [Transfer("water", "A1", 61.0)], levels) == ["overfill"]
    assert codes(on, [Transfer("water", "A2", 61.0)], levels) == []


def test_checking_changes_nothing() -> None:
    on = deck()
    levels = Levels.full(on)
    check_transfers(on, RECIPE, levels)
    assert levels == Levels.full(on)


def test_a_shared_tip_must_not_touch() -> None:
    # Corning: depth 10.67 mm, 36.96 mm2; tip 1 mm below the top, 1 mm to spare: 8.67 mm, 320 uL
    assert codes(deck(), [Transfer("water", "A1", 319.0)]) == []
    assert codes(deck(), [Transfer("water", "A1", 322.0)]) == ["contact"]
    assert codes(deck(tips="fresh"), [Transfer("water", "A1", 322.0)]) == []


@pytest.mark.parametrize(
    ("transfer", "code"),
    [
        (Transfer("green", "A1", 20.0), "unknown_stock"),
        (Transfer("green", "A1", 0.0), "unknown_stock"),
        (Transfer("red", "A13", 20.0), "unknown_well"),
        (Transfer("red", "A1", -5.0), "bad_volume"),
        (Transfer("red", "A1", float("inf")), "bad_volume"),
        (Transfer("red", "A1", 0.5), "bad_volume"),
    ],
)
def test_refusals_are_named(transfer: Transfer, code: str) -> None:
    (problem,) = check_transfers(deck(mix=None), [transfer])
    assert problem.code == code
    assert transfer.stock in problem.message


@given(st.lists(st.tuples(st.sampled_from("ABCD"), st.floats(1.0, 200.0)), max_size=12))
@settings(max_examples=100, deadline=None)
def test_what_passes_never_goes_beyond_a_limit(doses: list[tuple[str, float]]) -> None:
    on = deck(dead_volume_ul=11_500.0, mix=None)
    transfers = [Transfer("red", f"{row}1", volume) for row, volume in doses]
    if check_transfers(on, transfers):
        return
    levels = Levels.full(on)
    levels.charge(transfers)
    assert levels.stocks["red"] >= 11_500.0 - 1e-6
    assert all(volume <= 360.0 + 1e-6 for volume in levels.wells.values())


# -- the deck ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"robot": "OT-3"}, "settings.robot"),
        ({"colour": "green"}, "settings.colour"),
        ({"plate": {"slot": "12", "labware": "corning_96_wellplate_360ul_flat"}}, "no slot '12'"),
        ({"plate": {"slot": "4", "labware": "corning_96_wellplate_360ul_flat"}}, "slot 4"),
        ({"plate": {"slot": "1", "labware": "acme_plate"}}, "acme_plate"),
        ({"plate": {"slot": "1", "labware": "../../secrets"}}, "no labware has that load name"),
        (
            {"plate": {"slot": "1", "labware": "corning_96_wellplate_360ul_flat", "version": 99}},
            "versions are",
        ),
        ({"stocks": {"red": {"well": "Z1", "volume_ul": 1}}}, "has no Z1"),
        ({"stocks": {"red": {"well": "A1", "volume_ul": 16_000}}}, "15000 uL at most"),
        ({"stocks": {"red": {"well": "A1", "volume_ul": -1}}}, "settings.stocks.red.volume_ul"),
        (
            {"stocks": {n: {"well": "A1", "volume_ul": 1} for n in ("red", "blue")}},
            "two stocks in one well",
        ),
        ({"robot": "Flex"}, "no slot '1'"),
        ({"pipettes": []}, "settings.pipettes"),
        ({"plate": {"slot": "1", "labware": "opentrons_96_tiprack_20ul"}}, "is a tip rack"),
    ],
)
def test_a_bad_deck_is_refused_in_plain_words(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as refused:
        deck(**change)
    assert "robot: " in str(refused.value)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("name", "rack", "words"),
    [
        ("p300_multi_gen2", "opentrons_96_tiprack_300ul", "p300_multi_gen2"),
        ("p50_single_flex", "opentrons_flex_96_tiprack_50ul", "does not fit an OT-2"),
        ("p300_single_gen2", "nest_12_reservoir_15ml", "not a tip rack"),
    ],
)
def test_pipettes_and_racks_must_fit(name: str, rack: str, words: str) -> None:
    mounts = [{"name": name, "mount": "left", "tip_racks": [{"slot": "9", "labware": rack}]}]
    with pytest.raises(InputError, match=words):
        deck(pipettes=mounts)


def test_vendor_definitions_are_read_as_they_are() -> None:
    plate = load_labware("corning_96_wellplate_360ul_flat")
    assert plate.order[:3] == ("A1", "B1", "C1")
    assert plate.wells["H12"].capacity_ul == 360.0
    reservoir = load_labware("nest_12_reservoir_15ml").wells["A1"]
    assert reservoir.area_mm2 == pytest.approx(8.2 * 71.2)
    pipette = load_pipette("p20_single_gen2")
    assert (pipette.min_ul, pipette.max_ul, pipette.aspirate_ul_s) == (1.0, 20.0, 7.56)
    with pytest.raises(UnknownLabwareError):
        load_pipette("p9000")
