"""`lab.yaml`: the stations, stocks and devices of one laboratory, and where messages and records go."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from lab.sop.fields import (
    AnyQuantity,
    Date,
    Density,
    Duration,
    FileModel,
    Identifier,
    LongText,
    Name,
    Names,
    Temperature,
    Text,
    Volume,
)
from lab.sop.model_materials import Range

__all__ = [
    "Device",
    "Incompatibility",
    "Lab",
    "LabInterlock",
    "SimulatedStock",
    "Simulation",
    "Station",
    "Stock",
    "Upkeep",
]

PlateSize = Literal[6, 12, 24, 48, 96, 384]
Broker = Annotated[
    str, Field(pattern=r"^(?:embedded|in-process|mqtts?://[^\s/:@]+(?::\d{1,5})?/?)$")
]

Hours = Annotated[str, Field(pattern=r"^[A-Z][a-z]{2}(?:-[A-Z][a-z]{2})? \d{2}:\d{2}-\d{2}:\d{2}$")]


class Station(FileModel):
    """A place that holds liquid: a vessel, a cell, a plate, a waste bottle."""

    kind: Name | Literal[""] = Field(
        default="",
        description="Kind of container that it can be; its own id if left out",
        examples=["vial"],
    )
    capacity: Volume = Field(description="Usable volume (of one well, on a plate)")
    shared: bool = Field(
        default=False,
        description="True where all runs use it at once, like a waste bottle",
        examples=[True],
    )
    wells: PlateSize | None = Field(
        default=None,
        description="Wells of a plate; run number n gets the n-th well in row order (A1, A2, ...)",
    )
    dead_volume: Volume | None = Field(
        default=None, description="What a line can not draw from it", examples=["0.5 mL"]
    )
    maximum_temperature: Temperature | None = Field(
        default=None, description="What it stands", examples=["120 degC"]
    )
    emptying: Duration | None = Field(
        default=None,
        description="How long a person needs to empty a shared one; people are then asked for it in time",
        examples=["5 min"],
    )
    sealed: bool | None = Field(
        default=None,
        description="True where vapour can't leave it; unknown if left out",
        examples=[True],
    )
    description: LongText = Field(
        default="", description="What it is, for people", examples=["Waste bottle"]
    )


class Stock(FileModel):
    """A liquid that is there to be used up."""

    volume: Volume = Field(description="Volume at the start of a campaign")
    material: Name | Literal[""] = Field(
        default="",
        description="Material of the SOP that it serves as; its own id if left out",
        examples=["water"],
    )
    refill: Duration | None = Field(
        default=None,
        description="How long a person needs to fill it up again; people are then asked for it in time",
        examples=["3 min"],
    )
    at: LongText = Field(
        default="", description="Where it stands, e.g. a deck slot", examples=["A1"]
    )
    lot: LongText = Field(
        default="", description="Lot number, for the records", examples=["24A-0117"]
    )


class Upkeep(FileModel):
    """What a person must do after so many actions of a device: change tips, calibrate, clean."""

    after: int = Field(ge=1, description="So many actions", examples=[96])
    takes: Duration = Field(description="How long a person needs", examples=["2 min"])
    actions: Names = Field(
        default_factory=list[str],
        description="Which actions count; all if left out",
        examples=[["dose_well"]],
    )
    task: LongText = Field(
        default="", description="What is to be done, for people", examples=["put in a new tip rack"]
    )


class Device(FileModel):
    """An instrument or actuator."""

    driver: Name = Field(description="Folder name of its driver", examples=["ika_hotplate"])
    url: Text = Field(
        description="How to reach it; `sim:` for its simulator",
        examples=["sim:", "serial:///dev/ttyUSB0", "socket://192.168.1.20:8000"],
    )
    at: Name | Literal[""] = Field(
        default="", description="Station that it stands at", examples=["beaker"]
    )
    draws: Names = Field(
        default_factory=list[str],
        description="Stock(s) or station that it draws from",
        examples=["water"],
    )
    into: Name | Literal[""] = Field(
        default="", description="Station that it fills", examples=["beaker"]
    )
    range: dict[Name, Range] = Field(
        default_factory=dict[str, Range],
        description="Argument or output of its actions -> what it can do or measure, as its manual says",
        examples=[{"mass": {"minimum": "0 g", "maximum": "220 g"}}],
    )
    resolution: dict[Name, AnyQuantity] = Field(
        default_factory=dict,
        description="Output of its actions -> the smallest difference that it tells",
        examples=[{"mass": "1 mg"}],
    )
    limits: dict[Name, Range] = Field(
        default_factory=dict[str, Range],
        description="Argument of its actions -> what this laboratory allows, inside what the device can do",
        examples=[{"temperature": {"maximum": "60 degC"}}],
    )
    dead_man: Duration | None = Field(
        default=None,
        description="Real time without a sign of the engine after which its host makes it safe; 0 s: never; "
        "10 s if left out, never for a device that only measures",
        examples=["10 s"],
    )
    calibrated: Date | Literal[""] = Field(
        default="", description="Day of its last calibration, in quotes", examples=["2026-11-01"]
    )
    calibration_certificate: LongText = Field(
        default="",
        description="Number of the certificate of that calibration",
        examples=["K-2026-117"],
    )
    calibration_takes: Duration | None = Field(
        default=None,
        description="How long a person needs to calibrate it; people are then asked for it in time",
        examples=["20 min"],
    )
    upkeep: dict[Name, Upkeep] = Field(
        default_factory=dict[str, Upkeep],
        description="What must be done after so many actions; people are asked for it in time",
    )
    settings: dict[str, JsonValue] = Field(
        default_factory=dict[str, JsonValue], description="Settings of the driver"
    )
    simulate: dict[str, JsonValue] = Field(
        default_factory=dict[str, JsonValue], description="Settings of the simulator"
    )


class SimulatedStock(FileModel):
    """What a simulated stock is made of."""

    density: Density = Field(description="Density", examples=["1.05 g/mL"])
    contents: dict[str, AnyQuantity] = Field(
        default_factory=dict, description="Species and their concentrations"
    )


class Simulation(FileModel):
    """The simulated world behind `sim:` devices."""

    chemistry: Name = Field(description="Model that the simulators share", examples=["water"])
    stock: dict[Name, SimulatedStock] = Field(
        default_factory=dict[str, SimulatedStock], description="What the stocks are made of"
    )
    temperature: Temperature | None = Field(default=None, description="Room temperature")
    settings: dict[str, JsonValue] = Field(
        default_factory=dict[str, JsonValue], description="Settings of the chemistry model"
    )


class LabInterlock(FileModel):
    """What must be true of a live signal before devices may act."""

    device: Name = Field(description="Device whose signal it is", examples=["hotplate"])
    signal: Name = Field(description="Telemetry channel of that device", examples=["temperature"])
    minimum: AnyQuantity | None = Field(default=None, description="Least value that allows it")
    maximum: AnyQuantity | None = Field(default=None, description="Greatest value that allows it")
    max_age: Duration = Field(description="A value that is older allows nothing", examples=["15 s"])
    blocks: Names = Field(
        min_length=1, description="Device(s) that may not act otherwise", examples=[["drain_pump"]]
    )
    actions: Names = Field(
        default_factory=list[str],
        description="Which of their actions; all if left out",
        examples=[["dispense"]],
    )
    reason: LongText = Field(
        default="", description="Why, for people", examples=["the drain stands no hot liquid"]
    )


class Incompatibility(FileModel):
    """A rule of this laboratory about what may not meet, beside the built-in table."""

    groups: list[Name] = Field(
        min_length=2, max_length=2, description="Two reactive groups",
        examples=[["oxidiser", "combustible"]],
    )  # fmt: skip
    severity: Literal["block", "ask", "note"] = Field(
        default="block",
        description="block: no procedure may bring them together; ask: a named person must answer for it; "
        "note: it is only said",
        examples=["block"],
    )
    reason: LongText = Field(description="What would happen", examples=["the mixture can ignite"])


class Lab(FileModel):
    """One laboratory."""

    lab_format: Literal[1] = Field(description="Version of this file format")
    id: Identifier = Field(
        description="Stable name, used in records and on the bus", examples=["bench_2"]
    )
    title: Text = Field(description="What it is, for people", examples=["One beaker on a balance"])
    stations: dict[Name, Station] = Field(
        default_factory=dict[str, Station], description="Places that hold liquid"
    )
    stock: dict[Name, Stock] = Field(
        default_factory=dict[str, Stock], description="Liquids to be used up"
    )
    devices: dict[Name, Device] = Field(min_length=1, description="Instruments and actuators")
    interlocks: dict[Name, LabInterlock] = Field(
        default_factory=dict[str, LabInterlock],
        description="What must be true of live signals before devices may act; no replacement for hardware",
    )
    incompatibilities: list[Incompatibility] = Field(
        default_factory=list[Incompatibility],
        description="What may not meet in this laboratory, beside the built-in table",
        examples=[[{"groups": ["oxidiser", "combustible"], "reason": "they ignite"}]],
    )
    attended: list[Hours] = Field(
        default_factory=list[str],
        description="Days and hours in which a person is there for manual steps; always if left out",
        examples=[["Mon-Fri 08:00-12:00", "Mon-Fri 13:00-17:00"]],
    )
    broker: Broker = Field(
        default="in-process",
        description="`in-process`, `embedded`, or the URL of an MQTT broker (no password in it)",
        examples=["in-process", "mqtt://127.0.0.1:1883"],
    )
    database: Text = Field(
        default=".lab/lab.db",
        description="Path beside this file, or a PostgreSQL URL",
        examples=[".lab/lab.db"],
    )
    simulation: Simulation | None = Field(default=None, description="The simulated world")

    @property
    def plates(self) -> dict[str, int]:
        """Station -> wells, of those that are plates."""
        return {name: station.wells for name, station in self.stations.items() if station.wells}
