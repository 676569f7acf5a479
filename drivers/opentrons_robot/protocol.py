"""Compiles transfers into an Opentrons JSON protocol, schema 8 (`opentrons_shared_data`, protocol schema 8 and
command schema 8). Pure.

Every command carries our own key, `<step>.<attempt>/<what>`, which the robot hands back with its status: that is
how an error is named by the step of the SOP. Liquids are declared for every well that is used, with 0 uL for an
empty one, because the robot tracks no other wells.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivers.opentrons_robot.volumes import Levels, Transfer, choose_mount, strokes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opentrons_robot.deck import Deck, Mount, Place

__all__ = ["MARK", "Compiled", "compile_protocol"]

MARK = "labwright"
"""Key in the protocol's metadata under which our label and the levels are found again after a crash."""

_PLATE_CONTENTS = "plate-contents"
_COLOURS = ("#d7263d", "#f4b41a", "#1b6ca8", "#9ec1cf", "#5a9367", "#7d4e9e", "#c46210", "#444444")
_STOCK_BOTTOM_MM = 1.5
_WELL_BOTTOM_MM = 1.0

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A protocol, the keys of its commands in order, and the transfers it makes."""

    document: Json
    keys: tuple[str, ...]
    transfers: tuple[Transfer, ...]

    def to_bytes(self) -> bytes:
        """The file as uploaded: the same bytes for the same command, so a repeated upload is recognised."""
        return json.dumps(self.document, separators=(",", ":")).encode()


class _Writer:
    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.commands: list[Json] = []

    def add(self, kind: str, what: str, **params: Any) -> None:
        self.commands.append(
            {"commandType": kind, "key": f"{self.prefix}/{what}", "params": params}
        )


def compile_protocol(
    deck: Deck, transfers: Sequence[Transfer], levels: Levels, *, label: str, step: str, title: str
) -> Compiled:
    """The protocol for these transfers from these levels. They must have passed `check_transfers`.

    `label` is the command id (kept in the metadata), `step` prefixes the keys, `title` is what the robot's screen
    shows.
    """
    wanted = tuple(item for item in transfers if item.volume_ul > 0.0)
    writer = _Writer(step)
    mounts = {item: _mount(deck, item.volume_ul) for item in wanted}
    used = list(mounts.values())
    wells = list(dict.fromkeys(item.well for item in wanted))
    after = levels.copy()
    after.charge(wanted)
    mix_ul = {
        well: min(deck.mix.volume_ul, after.wells[well]) for well in wells if deck.mix is not None
    }
    used += [_mount(deck, volume) for volume in mix_ul.values()]
    _load(writer, deck, [mount for mount in deck.pipettes if mount in used])
    _declare(writer, deck, wanted, wells, levels)
    for number, item in enumerate(wanted, start=1):
        _transfer(writer, deck, mounts[item], item, number)
    for well, volume in mix_ul.items():
        _mix(writer, deck, _mount(deck, volume), well, volume)
    document = _document(deck, wanted, writer.commands, title)
    document["metadata"][MARK] = {
        "command": label,
        "load": deck.load,
        "stocks": dict(levels.stocks),
        "wells": dict(levels.wells),
        "transfers": [[item.stock, item.well, item.volume_ul] for item in wanted],
    }
    keys = tuple(str(command["key"]) for command in writer.commands)
    return Compiled(document=document, keys=keys, transfers=wanted)


def _mount(deck: Deck, volume_ul: float) -> Mount:
    mount = choose_mount(deck, volume_ul)
    if mount is None:
        raise ValueError(f"no pipette for {volume_ul:g} uL: check_transfers was not asked")
    return mount


def _document(deck: Deck, wanted: Sequence[Transfer], commands: list[Json], title: str) -> Json:
    ot2 = deck.robot == "OT-2"
    stocks = list(deck.stocks)
    liquids: Json = {
        f"stock-{name}": {
            "displayName": name,
            "description": f"stock {name}",
            "displayColor": _COLOURS[stocks.index(name) % len(_COLOURS)],
        }
        for name in dict.fromkeys(item.stock for item in wanted)
    }
    liquids[_PLATE_CONTENTS] = {
        "displayName": "plate contents",
        "description": "what the well holds before this protocol",
        "displayColor": "#888888",
    }
    return {
        "$otSharedSchema": "#/protocol/schemas/8",
        "schemaVersion": 8,
        "metadata": {"protocolName": title, "author": "Labwright", "category": MARK},
        "designerApplication": {"name": "labwright/opentrons_robot", "version": "1"},
        "robot": {
            "model": "OT-2 Standard" if ot2 else "OT-3 Standard",
            "deckId": "ot2_standard" if ot2 else "ot3_standard",
        },
        "labwareDefinitionSchemaId": "opentronsLabwareSchemaV2",
        "labwareDefinitions": {},
        "liquidSchemaId": "opentronsLiquidSchemaV1",
        "liquids": liquids,
        "commandSchemaId": "opentronsCommandSchemaV8",
        "commands": commands,
        "commandAnnotationSchemaId": "opentronsCommandAnnotationSchemaV1",
        "commandAnnotations": [],
    }


def _load(writer: _Writer, deck: Deck, mounts: list[Mount]) -> None:
    for mount in mounts:
        writer.add(
            "loadPipette",
            f"load/{mount.pipette_id}",
            pipetteName=mount.name,
            mount=mount.mount,
            pipetteId=mount.pipette_id,
        )
    places: list[Place] = [deck.plate, deck.stock_rack]
    places += [rack for mount in mounts for rack in mount.tip_racks]
    for place in places:
        writer.add(
            "loadLabware",
            f"load/{place.labware_id}",
            location={"slotName": place.slot},
            loadName=place.labware,
            namespace="opentrons",
            version=place.version,
            labwareId=place.labware_id,
        )


def _declare(
    writer: _Writer, deck: Deck, wanted: Sequence[Transfer], wells: list[str], levels: Levels
) -> None:
    for name in dict.fromkeys(item.stock for item in wanted):
        writer.add(
            "loadLiquid",
            f"liquid/{name}",
            liquidId=f"stock-{name}",
            labwareId=deck.stock_rack.labware_id,
            volumeByWell={deck.stocks[name].well: levels.stocks[name]},
        )
    if wells:
        writer.add(
            "loadLiquid",
            "liquid/plate",
            liquidId=_PLATE_CONTENTS,
            labwareId=deck.plate.labware_id,
            volumeByWell={well: levels.wells.get(well, 0.0) for well in wells},
        )


def _at(origin: str, z: float) -> Json:
    return {"origin": origin, "offset": {"x": 0.0, "y": 0.0, "z": z}}


def _transfer(writer: _Writer, deck: Deck, mount: Mount, item: Transfer, number: int) -> None:
    pipette = mount.pipette
    name = f"{number}-{item.stock}"
    ids = {"pipetteId": mount.pipette_id}
    target = {**ids, "labwareId": deck.plate.labware_id, "wellName": item.well}
    source = {
        **ids,
        "labwareId": deck.stock_rack.labware_id,
        "wellName": deck.stocks[item.stock].well,
    }
    above = _at("top", -deck.dispense_below_top_mm)
    tip = deck.tip(mount, item.well, item.stock)
    if tip is None:
        raise ValueError(f"no tip for {item}: check_transfers was not asked")
    place = {**ids, "labwareId": tip.labware_id, "wellName": tip.well}
    writer.add("pickUpTip", f"{name}/tip", **place)
    for stroke, volume in enumerate(strokes(mount, item.volume_ul), start=1):
        writer.add(
            "aspirate",
            f"{name}/{stroke}/aspirate",
            **source,
            volume=volume,
            flowRate=pipette.aspirate_ul_s,
            wellLocation=_at("bottom", _STOCK_BOTTOM_MM),
        )
        writer.add(
            "dispense",
            f"{name}/{stroke}/dispense",
            **target,
            volume=volume,
            flowRate=pipette.dispense_ul_s,
            wellLocation=above,
        )
        writer.add(
            "blowout",
            f"{name}/{stroke}/blowout",
            **target,
            flowRate=pipette.blow_out_ul_s,
            wellLocation=above,
        )
    writer.add("dropTip", f"{name}/return", **place)


def _mix(writer: _Writer, deck: Deck, mount: Mount, well: str, volume_ul: float) -> None:
    tip = deck.tip(mount, well, None)
    if tip is None or deck.mix is None:
        raise ValueError(f"no tip to mix {well}: check_transfers was not asked")
    pipette = mount.pipette
    ids = {"pipetteId": mount.pipette_id}
    place = {**ids, "labwareId": tip.labware_id, "wellName": tip.well}
    target = {**ids, "labwareId": deck.plate.labware_id, "wellName": well}
    writer.add("pickUpTip", f"mix-{well}/tip", **place)
    for turn in range(1, deck.mix.times + 1):
        for kind, rate in (
            ("aspirate", pipette.aspirate_ul_s),
            ("dispense", pipette.dispense_ul_s),
        ):
            writer.add(
                kind,
                f"mix-{well}/{turn}/{kind}",
                **target,
                volume=volume_ul,
                flowRate=rate,
                wellLocation=_at("bottom", _WELL_BOTTOM_MM),
            )
    writer.add(
        "blowout",
        f"mix-{well}/blowout",
        **target,
        flowRate=pipette.blow_out_ul_s,
        wellLocation=_at("top", -deck.dispense_below_top_mm),
    )
    writer.add("dropTip", f"mix-{well}/return", **place)
