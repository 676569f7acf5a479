"""What the simulated Opentrons does with one command: the state of deck, pipettes and tips, and the liquids.

The same machine serves the light analysis (`hands` is None: nothing moves) and the runs. Names and codes of the
errors are those of the vendor's protocol engine. Like the real one, it does not notice overdraw or overfill.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from drivers.opentrons_robot.labware import (
    Labware,
    Pipette,
    UnknownLabwareError,
    load_labware,
    load_pipette,
)
from simulators.world import Vessel

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from simulators.world import World

__all__ = ["CommandError", "Hands", "Machine"]

Json = dict[str, Any]

_SETUP = ("loadPipette", "loadLabware", "loadLiquid", "comment")
_SECONDS = {"home": 8.0, "pickUpTip": 5.0, "dropTip": 4.0, "blowout": 1.0}
_MOVE_S = 2.0
_TOLERANCE = 1e-6
_TIP_ML = 2.0


class CommandError(Exception):
    """A command that fails, as the vendor's engine would report it."""

    def __init__(self, error_type: str, detail: str, code: str = "4000") -> None:
        super().__init__(detail)
        self.error_type = error_type
        self.code = code
        self.detail = detail


@dataclass
class Hands:
    """The machine's grip on the world: which vessel is in which well, and how badly it pipettes.

    `deck` maps a slot to the name of a plate (its wells are `name:A1`) or to a mapping well -> vessel. Volumes are
    drawn with a relative standard deviation `cv` and then delivered in full.
    """

    world: World
    device: str
    random: Random
    deck: Mapping[str, str | Mapping[str, str]]
    cv: float

    def vessel(self, slot: str, well: str, capacity_ul: float) -> Vessel:
        entry = self.deck.get(slot, slot)
        name = f"{entry}:{well}" if isinstance(entry, str) else entry.get(well, f"{slot}:{well}")
        return self.world.vessel(name, capacity_ml=capacity_ul / 1000.0)

    def draw(self, source: Vessel, tip: Vessel, volume_ul: float) -> None:
        self.world.advance()
        wanted = volume_ul / 1000.0 * max(0.0, 1.0 + self.random.gauss(0.0, self.cv))
        moved = self.world.pour(source, tip, wanted, device=self.device)
        if moved < wanted - _TOLERANCE:
            self.world.log(self.device, "air_drawn", source=source.name, missing_ml=wanted - moved)

    def deliver(self, loaded: _Loaded, target: Vessel, share: float, key: str) -> None:
        """Log it as a dispense, or as mixing where the liquid goes back to where it came from."""
        self.world.advance()
        volume = loaded.tip.volume_ml * share
        moved = self.world.pour(loaded.tip, target, volume, device=self.device)
        kind = "mix" if loaded.source is target else "dispense"
        self.world.log(self.device, kind, volume_ml=moved, into=target.name, key=key)


@dataclass
class _Loaded:
    pipette: Pipette
    tip_ul: float = 0.0
    """Capacity of the tip; 0 without one."""
    held_ul: float = 0.0
    """What the commands say is in the tip."""
    tip: Vessel = field(default_factory=lambda: Vessel("tip", _TIP_ML))
    source: Vessel | None = None
    """Where the liquid in the tip came from."""


class Machine:
    """The state of one run (or one analysis)."""

    def __init__(self, hands: Hands | None = None) -> None:
        self._hands = hands
        self._pipettes: dict[str, _Loaded] = {}
        self._labware: dict[str, tuple[str, Labware]] = {}

    def seconds(self, command: Json) -> float:
        """How long the command takes, in process seconds."""
        kind = str(command.get("commandType"))
        if kind in _SETUP:
            return 0.0
        params = cast("Json", command.get("params", {}))
        if kind == "waitForDuration":
            return float(params.get("seconds", 0.0))
        if kind in ("aspirate", "dispense"):
            return _MOVE_S + float(params.get("volume", 0.0)) / float(params.get("flowRate", 1.0))
        return _SECONDS.get(kind, 1.0)

    def apply(self, command: Json) -> None:
        """Do it. Raises CommandError, with nothing done, where the vendor's engine would."""
        kind = str(command.get("commandType"))
        params = cast("Json", command.get("params", {}))
        handler = {
            "loadPipette": self._load_pipette,
            "loadLabware": self._load_labware,
            "loadLiquid": self._load_liquid,
            "pickUpTip": self._pick_up_tip,
            "dropTip": self._drop_tip,
            "aspirate": self._aspirate,
            "dispense": self._dispense,
            "blowout": self._blowout,
        }.get(kind)
        try:
            if handler is not None:
                handler(params, str(command.get("key", "")))
            elif kind not in ("home", "comment", "waitForDuration"):
                raise CommandError("InvalidCommand", f"{kind} is not simulated")
        except (KeyError, TypeError, ValueError) as error:
            raise CommandError("ValidationError", f"{kind}: {error!r}") from error

    # -- setup ------------------------------------------------------------------------------------

    def _load_pipette(self, params: Json, _key: str) -> None:
        try:
            pipette = load_pipette(str(params["pipetteName"]))
        except UnknownLabwareError as error:
            raise CommandError("InvalidSpecificationForRobotTypeError", str(error)) from error
        self._pipettes[str(params["pipetteId"])] = _Loaded(pipette)

    def _load_labware(self, params: Json, _key: str) -> None:
        slot = str(params["location"]["slotName"])
        if any(taken == slot for taken, _ in self._labware.values()):
            raise CommandError("LocationIsOccupiedError", f"slot {slot} is already taken")
        try:
            labware = load_labware(str(params["loadName"]), int(params["version"]))
        except UnknownLabwareError as error:
            # a JSON protocol names labware that the vendor's engine then looks up in a mapping
            uri = f"opentrons/{params['loadName']}/{params['version']}"
            raise CommandError("PythonException", f"KeyError: {uri!r}") from error
        self._labware[str(params["labwareId"])] = (slot, labware)

    def _load_liquid(self, params: Json, _key: str) -> None:
        for well in cast("Json", params["volumeByWell"]):
            self._well(params["labwareId"], well)

    # -- tips and liquids -------------------------------------------------------------------------

    def _loaded(self, params: Json) -> _Loaded:
        try:
            return self._pipettes[str(params["pipetteId"])]
        except KeyError:
            raise CommandError("PipetteNotLoadedError", f"{params.get('pipetteId')}") from None

    def _well(self, labware_id: object, well: str) -> tuple[str, Labware]:
        try:
            slot, labware = self._labware[str(labware_id)]
        except KeyError:
            raise CommandError("LabwareNotLoadedError", f"{labware_id}") from None
        if well not in labware.wells:
            raise CommandError("WellDoesNotExistError", f"{labware.load_name} has no well {well}")
        return slot, labware

    def _vessel(self, params: Json) -> Vessel | None:
        well = str(params["wellName"])
        slot, labware = self._well(params["labwareId"], well)
        if self._hands is None:
            return None
        return self._hands.vessel(slot, well, labware.wells[well].capacity_ul)

    def _pick_up_tip(self, params: Json, _key: str) -> None:
        loaded = self._loaded(params)
        _, rack = self._well(params["labwareId"], str(params["wellName"]))
        if not rack.is_tip_rack:
            raise CommandError("LabwareIsNotTipRackError", rack.load_name)
        if loaded.tip_ul:
            raise CommandError("TipAttachedError", "there is a tip already", "3012")
        loaded.tip_ul = rack.wells[str(params["wellName"])].capacity_ul

    def _drop_tip(self, params: Json, _key: str) -> None:
        loaded = self._loaded(params)
        self._need_tip(loaded)
        self._well(params["labwareId"], str(params["wellName"]))
        loaded.tip_ul = loaded.held_ul = 0.0
        loaded.tip = Vessel("tip", _TIP_ML)

    def _need_tip(self, loaded: _Loaded) -> None:
        if not loaded.tip_ul:
            raise CommandError("TipNotAttachedError", "no tip is attached", "3005")

    def _aspirate(self, params: Json, _key: str) -> None:
        loaded = self._loaded(params)
        self._need_tip(loaded)
        volume = float(params["volume"])
        limit = min(loaded.tip_ul, loaded.pipette.max_ul)
        if volume < 0.0 or loaded.held_ul + volume > limit + _TOLERANCE:
            raise CommandError(
                "InvalidAspirateVolumeError",
                f"cannot aspirate {volume:g} uL when only {limit - loaded.held_ul:g} uL is free",
            )
        source = self._vessel(params)
        loaded.held_ul += volume
        if self._hands is not None and source is not None:
            loaded.source = source
            self._hands.draw(source, loaded.tip, volume)

    def _dispense(self, params: Json, key: str) -> None:
        loaded = self._loaded(params)
        self._need_tip(loaded)
        volume = float(params["volume"])
        if volume < 0.0 or volume > loaded.held_ul + _TOLERANCE:
            raise CommandError(
                "InvalidDispenseVolumeError",
                f"cannot dispense {volume:g} uL when only {loaded.held_ul:g} uL is held",
            )
        target = self._vessel(params)
        share = volume / loaded.held_ul if loaded.held_ul else 0.0
        loaded.held_ul = max(0.0, loaded.held_ul - volume)
        if self._hands is not None and target is not None:
            self._hands.deliver(loaded, target, share, key)

    def _blowout(self, params: Json, key: str) -> None:
        loaded = self._loaded(params)
        self._need_tip(loaded)
        target = self._vessel(params)
        loaded.held_ul = 0.0
        if self._hands is not None and target is not None and loaded.tip.volume_ml > 0.0:
            self._hands.deliver(loaded, target, 1.0, key)
