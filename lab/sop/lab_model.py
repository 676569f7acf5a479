"""`lab.yaml`: the stations, stocks and devices of one laboratory, and where messages and records go."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from lab.sop.fields import (
    AnyQuantity,
    Density,
    FileModel,
    Identifier,
    LongText,
    Name,
    Names,
    Temperature,
    Text,
    Volume,
)

__all__ = ["Device", "Lab", "SimulatedStock", "Simulation", "Station", "Stock"]

PlateSize = Literal[6, 12, 24, 48, 96, 384]
Broker = Annotated[
    str, Field(pattern=r"^(?:embedded|in-process|mqtts?://[^\s/:@]+(?::\d{1,5})?/?)$")
]


class Station(FileModel):
    """A place that holds liquid: a vessel, a cell, a plate, a waste bottle."""

    kind: Name | Literal[""] = Field(
        default="", description="Kind of container that it can be; its own id if left out"
    )
    capacity: Volume = Field(description="Usable volume (of one well, on a plate)")
    shared: bool = Field(
        default=False, description="True where all runs use it at once, like a waste bottle"
    )
    wells: PlateSize | None = Field(
        default=None,
        description="Wells of a plate; run number n gets the n-th well in row order (A1, A2, ...)",
    )
    description: LongText = Field(default="", description="What it is, for people")


class Stock(FileModel):
    """A liquid that is there to be used up."""

    volume: Volume = Field(description="Volume at the start of a campaign")
    material: Name | Literal[""] = Field(
        default="", description="Material of the SOP that it serves as; its own id if left out"
    )
    at: LongText = Field(
        default="", description="Where it stands, e.g. a deck slot", examples=["A1"]
    )
    lot: LongText = Field(default="", description="Lot number, for the records")


class Device(FileModel):
    """An instrument or actuator."""

    driver: Name = Field(description="Folder name of its driver", examples=["ika_hotplate"])
    url: Text = Field(
        description="How to reach it; `sim:` for its simulator",
        examples=["sim:", "serial:///dev/ttyUSB0", "socket://192.168.1.20:8000"],
    )
    at: Name | Literal[""] = Field(default="", description="Station that it stands at")
    draws: Names = Field(
        default_factory=list[str], description="Stock(s) or station that it draws from"
    )
    into: Name | Literal[""] = Field(default="", description="Station that it fills")
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

    chemistry: Name = Field(description="Model that the simulators share")
    stock: dict[Name, SimulatedStock] = Field(
        default_factory=dict[str, SimulatedStock], description="What the stocks are made of"
    )
    temperature: Temperature | None = Field(default=None, description="Room temperature")
    settings: dict[str, JsonValue] = Field(
        default_factory=dict[str, JsonValue], description="Settings of the chemistry model"
    )


class Lab(FileModel):
    """One laboratory."""

    lab_format: Literal[1] = Field(description="Version of this file format")
    id: Identifier = Field(description="Stable name, used in records and on the bus")
    title: Text = Field(description="What it is, for people")
    stations: dict[Name, Station] = Field(
        default_factory=dict[str, Station], description="Places that hold liquid"
    )
    stock: dict[Name, Stock] = Field(
        default_factory=dict[str, Stock], description="Liquids to be used up"
    )
    devices: dict[Name, Device] = Field(min_length=1, description="Instruments and actuators")
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
