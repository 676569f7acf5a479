"""The volume check that the vendor's analysis does not make: overdraw, overfill, strokes, tips, contact.

Opentrons software lets a tracked well go to -150 uL or 600 uL into a 360 uL well with the result `ok`, so every
protocol is walked here first. All functions are pure; volumes are in uL. The same check serves at plan time: give
it the transfers of a whole campaign.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from drivers.opentrons_robot.deck import Deck, Mount

__all__ = [
    "Levels",
    "Problem",
    "Transfer",
    "check_transfers",
    "choose_mount",
    "sample_transfers",
    "strokes",
]

_CONTACT_MARGIN_MM = 1.0


@dataclass(frozen=True, slots=True)
class Transfer:
    """A volume of one stock into one well of the plate."""

    stock: str
    well: str
    volume_ul: float


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a transfer is refused. `code` is listed in the manifest."""

    code: str
    message: str


@dataclass(slots=True)
class Levels:
    """What is left of each stock and what each well holds, in uL, as far as commands tell."""

    stocks: dict[str, float]
    wells: dict[str, float] = field(default_factory=dict[str, float])

    @classmethod
    def full(cls, deck: Deck) -> Levels:
        """A fresh filling: stocks as the file says, an empty plate."""
        return cls(stocks={name: stock.volume_ul for name, stock in deck.stocks.items()})

    def copy(self) -> Levels:
        """An independent copy."""
        return Levels(dict(self.stocks), dict(self.wells))

    def charge(self, transfers: Iterable[Transfer]) -> None:
        """Count transfers as made in full, which is the safe side for both ends."""
        for item in transfers:
            self.stocks[item.stock] = self.stocks.get(item.stock, 0.0) - item.volume_ul
            self.wells[item.well] = self.wells.get(item.well, 0.0) + item.volume_ul


def choose_mount(deck: Deck, volume_ul: float) -> Mount | None:
    """The pipette for a volume: fewest strokes, then the smaller one (it is the more precise). None: none can."""
    able = [mount for mount in deck.pipettes if mount.pipette.min_ul <= volume_ul]
    return min(
        able,
        key=lambda mount: (math.ceil(volume_ul / mount.stroke_ul - 1e-9), mount.pipette.max_ul),
        default=None,
    )


def strokes(mount: Mount, volume_ul: float) -> list[float]:
    """Equal strokes that the pipette and its tip can carry."""
    count = max(1, math.ceil(volume_ul / mount.stroke_ul - 1e-9))
    return [volume_ul / count] * count


def check_transfers(
    deck: Deck, transfers: Iterable[Transfer], levels: Levels | None = None
) -> list[Problem]:
    """Everything wrong with these transfers, made in this order from `levels` (default: a fresh filling).

    Transfers of 0 uL are skipped. The list is empty when all of them can be made.
    """
    state = levels.copy() if levels is not None else Levels.full(deck)
    problems: list[Problem] = []
    mixed: dict[str, None] = {}
    for item in transfers:
        if item.volume_ul == 0.0 and item.stock in deck.stocks:
            continue
        found = _check_one(deck, item, state)
        problems += found
        if not found:
            state.charge([item])
            mixed[item.well] = None
    if deck.mix is not None:
        for well in mixed:
            problems += _check_mix(deck, well, state.wells)
    return problems


def _check_one(deck: Deck, item: Transfer, state: Levels) -> list[Problem]:
    where = f"{item.volume_ul:g} uL {item.stock} into {item.well}"
    well = deck.plate.definition.wells.get(item.well)
    if well is None:
        return [Problem("unknown_well", f"{where}: {deck.plate.labware} has no well {item.well}")]
    if item.stock not in deck.stocks:
        known = ", ".join(deck.stocks)
        return [Problem("unknown_stock", f"{where}: the deck has only {known}")]
    if not math.isfinite(item.volume_ul) or item.volume_ul < 0.0:
        return [Problem("bad_volume", f"{where}: not a volume")]
    mount = choose_mount(deck, item.volume_ul)
    if mount is None:
        least = min(mount.pipette.min_ul for mount in deck.pipettes)
        return [Problem("bad_volume", f"{where}: the smallest pipette starts at {least:g} uL")]
    problems: list[Problem] = []
    left = state.stocks.get(item.stock, 0.0)
    usable = left - deck.dead_volume_ul
    if item.volume_ul > usable + 1e-9:
        problems.append(
            Problem(
                "overdraw",
                f"{where}: only {max(usable, 0.0):g} uL can be drawn ({left:g} uL less "
                f"{deck.dead_volume_ul:g} uL dead volume); refill and change settings.load",
            )
        )
    after = state.wells.get(item.well, 0.0) + item.volume_ul
    if after > well.capacity_ul + 1e-9:
        problems.append(
            Problem("overfill", f"{where}: {after:g} uL in a well of {well.capacity_ul:g} uL")
        )
    elif deck.tips == "keep":
        room = well.depth_mm - deck.dispense_below_top_mm - well.surface_mm(after)
        if room < _CONTACT_MARGIN_MM:
            problems.append(
                Problem(
                    "contact",
                    f"{where}: the liquid would come within {_CONTACT_MARGIN_MM:g} mm of a tip "
                    "that other wells share; use less or settings.tips: fresh",
                )
            )
    if deck.tip(mount, item.well, item.stock) is None:
        problems.append(Problem("no_tip", f"{where}: the racks of {mount.name} have no tip for it"))
    return problems


def _check_mix(deck: Deck, well: str, wells: Mapping[str, float]) -> list[Problem]:
    if deck.mix is None:
        return []
    volume = min(deck.mix.volume_ul, wells[well])
    mount = choose_mount(deck, volume)
    if mount is None or volume > mount.stroke_ul:
        return [Problem("bad_volume", f"mixing {volume:g} uL in {well}: no pipette can")]
    if deck.tip(mount, well, None) is None:
        return [Problem("no_tip", f"mixing in {well}: the racks of {mount.name} have no tip left")]
    return []


def sample_transfers(deck: Deck) -> list[Transfer]:
    """A small transfer of each stock with each pipette, a well for each stock: all of the deck is touched.

    For an analysis of the deck before the first dose. What a fresh filling could not give is left out.
    """
    chosen: list[Transfer] = []
    for stock, well in zip(deck.stocks, deck.plate.definition.order, strict=False):
        for mount in deck.pipettes:
            volume = max(mount.pipette.min_ul, mount.stroke_ul / 4.0)
            sample = Transfer(stock, well, volume)
            if choose_mount(deck, volume) == mount and not check_transfers(deck, [*chosen, sample]):
                chosen.append(sample)
    return chosen
