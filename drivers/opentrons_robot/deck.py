"""The deck as `lab.yaml` describes it (the device's `settings`), checked against the vendor's definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from drivers.opentrons_robot.labware import (
    Labware,
    Pipette,
    UnknownLabwareError,
    load_labware,
    load_pipette,
)
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

__all__ = ["Deck", "MixSetting", "Mount", "Place", "StockPlace", "Tip", "parse_deck"]

_OT2_SLOTS = tuple(str(number) for number in range(1, 12))
_FLEX_SLOTS = tuple(f"{row}{column}" for row in "ABCD" for column in "123")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Place(_Frozen):
    """One piece of labware in a slot. Version 1 is known to every robot software since 4.0."""

    slot: str
    labware: str
    version: Annotated[int, Field(ge=1)] = 1

    @property
    def definition(self) -> Labware:
        """The vendor's definition."""
        return load_labware(self.labware, self.version)

    @property
    def labware_id(self) -> str:
        """The id that our protocols use: one per slot."""
        return f"slot-{self.slot}"


class Mount(_Frozen):
    """A pipette and the tip racks it may use, in order of use."""

    name: str
    mount: Literal["left", "right"]
    tip_racks: Annotated[tuple[Place, ...], Field(min_length=1)]

    @property
    def pipette(self) -> Pipette:
        """The vendor's specification."""
        return load_pipette(self.name)

    @property
    def pipette_id(self) -> str:
        """The id that our protocols use."""
        return f"pipette-{self.mount}"

    @property
    def stroke_ul(self) -> float:
        """The most that one stroke can carry: the pipette's or the tip's limit."""
        tip = min(
            well.capacity_ul
            for rack in self.tip_racks
            for well in list(rack.definition.wells.values())[:1]
        )
        return min(self.pipette.max_ul, tip)


class StockPlace(_Frozen):
    """A stock liquid in a well of the stock rack, and how much was filled in."""

    well: str
    volume_ul: Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class MixSetting(_Frozen):
    """Mixing by pipetting up and down with a tip of the well's own."""

    times: Annotated[int, Field(ge=1, le=20)] = 3
    volume_ul: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] = 100.0


class Tip(_Frozen):
    """A tip by its place."""

    labware_id: str
    well: str


class Deck(_Frozen):
    """Everything that stands on the deck.

    `load` names this filling of the deck: change it when plate and stocks are renewed, and the volumes count from
    the values in the file again. `tips: keep` gives each stock one tip for the whole plate (contact-free dosing);
    `tips: fresh` takes a new one for each stock and well.
    """

    robot: Literal["OT-2", "Flex"]
    load: str = "1"
    pipettes: Annotated[tuple[Mount, ...], Field(min_length=1, max_length=2)]
    plate: Place
    stock_rack: Place
    stocks: Annotated[dict[str, StockPlace], Field(min_length=1)]
    dead_volume_ul: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] = 200.0
    tips: Literal["keep", "fresh"] = "keep"
    dispense_below_top_mm: Annotated[float, Field(ge=0.0, le=5.0)] = 1.0
    mix: MixSetting | None = None
    preflight: Literal["first", "always", "never"] = "first"
    poll_s: Annotated[float, Field(gt=0.0, le=5.0)] = 0.5

    @model_validator(mode="after")
    def _check(self) -> Deck:
        known = _OT2_SLOTS if self.robot == "OT-2" else _FLEX_SLOTS
        taken: dict[str, str] = {}
        for place in self.places():
            if place.slot not in known:
                raise ValueError(f"an {self.robot} has no slot {place.slot!r}")
            if place.slot in taken:
                raise ValueError(f"slot {place.slot}: {taken[place.slot]} and {place.labware}")
            taken[place.slot] = place.labware
        for place in (self.plate, self.stock_rack):
            if place.definition.is_tip_rack:
                raise ValueError(f"slot {place.slot}: {place.labware} is a tip rack")
        if len({mount.mount for mount in self.pipettes}) != len(self.pipettes):
            raise ValueError("two pipettes on one mount")
        for mount in self.pipettes:
            if ("flex" in mount.pipette.name) != (self.robot == "Flex"):
                raise ValueError(f"pipette {mount.name} does not fit an {self.robot}")
            for rack in mount.tip_racks:
                if not rack.definition.is_tip_rack:
                    raise ValueError(f"slot {rack.slot}: {rack.labware} is not a tip rack")
        for name, stock in self.stocks.items():
            well = self.stock_rack.definition.wells.get(stock.well)
            if well is None:
                raise ValueError(f"stock {name}: {self.stock_rack.labware} has no {stock.well}")
            if stock.volume_ul > well.capacity_ul:
                raise ValueError(
                    f"stock {name}: {stock.well} holds {well.capacity_ul:g} uL at most"
                )
        wells = [stock.well for stock in self.stocks.values()]
        if len(set(wells)) != len(wells):
            raise ValueError("two stocks in one well")
        return self

    def places(self) -> tuple[Place, ...]:
        """All labware: plate, stock rack, then the tip racks."""
        racks = tuple(rack for mount in self.pipettes for rack in mount.tip_racks)
        return (self.plate, self.stock_rack, *racks)

    def tip(self, mount: Mount, well: str, stock: str | None) -> Tip | None:
        """The tip for a stock, or with None for mixing, in that well; None when the racks have no tip for it.

        A pure function of the well's place on the plate, so that a restart takes the same tips.
        """
        number = list(self.stocks).index(stock) if stock is not None else len(self.stocks)
        row = self.plate.definition.order.index(well)
        if self.tips == "fresh":
            number += row * (len(self.stocks) + (self.mix is not None))
        elif stock is None:
            number += row
        for rack in mount.tip_racks:
            order = rack.definition.order
            if number < len(order):
                return Tip(labware_id=rack.labware_id, well=order[number])
            number -= len(order)
        return None


def parse_deck(settings: Mapping[str, JsonValue], device: str) -> Deck:
    """The deck from a device's `settings`. InputError names every fault by its place in the settings."""
    try:
        return Deck.model_validate(dict(settings))
    except UnknownLabwareError as error:
        raise InputError(f"{device}: {error}", hint="see labware.opentrons.com") from error
    except ValidationError as error:
        faults = "; ".join(
            f"settings.{'.'.join(str(part) for part in item['loc'])}: {item['msg']}"
            if item["loc"]
            else item["msg"]
            for item in error.errors()
        )
        raise InputError(
            f"{device}: {faults}", hint="see drivers/opentrons_robot/README.md"
        ) from error
