"""Labware and pipettes as the vendor defines them: read from the files of `opentrons_shared_data`.

Only the data files are read (no import of the `opentrons` package, which takes seconds). Volumes are in uL,
lengths in mm, flow rates in uL/s.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from lab.domain.errors import UnavailableError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Labware", "Pipette", "UnknownLabwareError", "Well", "load_labware", "load_pipette"]


class UnknownLabwareError(LookupError):
    """No such labware, labware version or pipette in the vendor's definitions."""


@dataclass(frozen=True, slots=True)
class Well:
    """One well: capacity in uL, depth in mm, horizontal cross-section in mm2 (taken as constant)."""

    capacity_ul: float
    depth_mm: float
    area_mm2: float

    def surface_mm(self, volume_ul: float) -> float:
        """Height of the liquid above the bottom; 1 uL is 1 mm3."""
        return volume_ul / self.area_mm2


@dataclass(frozen=True, slots=True)
class Labware:
    """A plate, reservoir or tip rack. `order` lists the wells column by column, as the vendor does."""

    load_name: str
    version: int
    is_tip_rack: bool
    wells: dict[str, Well]
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pipette:
    """A single-channel pipette. The flow rates are the vendor's defaults of the newest API level."""

    name: str
    min_ul: float
    max_ul: float
    aspirate_ul_s: float
    dispense_ul_s: float
    blow_out_ul_s: float


def _shared_data() -> Path:
    try:
        from opentrons_shared_data import get_shared_data_root
    except ModuleNotFoundError as error:
        raise UnavailableError(
            "the labware definitions of Opentrons are not installed",
            hint="pip install 'labwright[opentrons]'",
        ) from error
    return get_shared_data_root()


def _read(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))


@lru_cache(maxsize=64)
def load_labware(load_name: str, version: int = 1) -> Labware:
    """The vendor's definition (labware schema 2). Raises UnknownLabwareError."""
    folder = _shared_data() / "labware" / "definitions" / "2" / load_name
    path = folder / f"{version}.json"
    if not load_name.replace(".", "_").replace("-", "_").isidentifier() or not path.is_file():
        known = sorted(int(file.stem) for file in folder.glob("*.json")) if load_name else []
        detail = f"its versions are {known}" if known else "no labware has that load name"
        raise UnknownLabwareError(f"labware {load_name!r} version {version}: {detail}")
    data = _read(path)
    return Labware(
        load_name=load_name,
        version=version,
        is_tip_rack=bool(data["parameters"]["isTiprack"]),
        wells={name: _well(well) for name, well in data["wells"].items()},
        order=tuple(name for column in data["ordering"] for name in column),
    )


def _well(data: dict[str, Any]) -> Well:
    if data["shape"] == "circular":
        area = math.pi * float(data["diameter"]) ** 2 / 4.0
    else:
        area = float(data["xDimension"]) * float(data["yDimension"])
    return Well(float(data["totalLiquidVolume"]), float(data["depth"]), area)


@lru_cache(maxsize=32)
def load_pipette(name: str) -> Pipette:
    """A single-channel pipette by its API name, e.g. `p300_single_gen2`. Raises UnknownLabwareError."""
    path = _shared_data() / "pipette" / "definitions" / "1" / "pipetteNameSpecs.json"
    specs = _read(path)
    spec = specs.get(name)
    if spec is None or spec["channels"] != 1:
        single = sorted(key for key, value in specs.items() if value["channels"] == 1)
        raise UnknownLabwareError(f"pipette {name!r} is not one of {', '.join(single)}")
    return Pipette(
        name=name,
        min_ul=float(spec["minVolume"]),
        max_ul=float(spec["maxVolume"]),
        aspirate_ul_s=_newest_rate(spec["defaultAspirateFlowRate"]),
        dispense_ul_s=_newest_rate(spec["defaultDispenseFlowRate"]),
        blow_out_ul_s=_newest_rate(spec["defaultBlowOutFlowRate"]),
    )


def _newest_rate(spec: dict[str, Any]) -> float:
    levels = cast("dict[str, float]", spec["valuesByApiLevel"])
    newest = max(levels, key=lambda level: tuple(int(part) for part in level.split(".")))
    return float(levels[newest])
