"""What the procedure needs: materials, samples, containers and equipment."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lab.sop.fields import (
    AnyQuantity,
    Density,
    Duration,
    FileModel,
    LongText,
    Name,
    Names,
    Temperature,
    Text,
    Volume,
)
from lab.sop.identifiers import (  # noqa: TC001  # pydantic needs them when the class is made
    Cas,
    Cid,
    HazardCode,
    InchiKey,
    Smiles,
)

__all__ = ["Container", "Equipment", "Identifiers", "Material", "Range", "Samples"]


class Identifiers(FileModel):
    """How databases name a substance."""

    cas: Cas = Field(default="", description="CAS registry number", examples=["96-49-1"])
    inchikey: InchiKey = Field(
        default="", description="InChIKey", examples=["XLYOFNOQVPJJNP-UHFFFAOYSA-N"]
    )
    smiles: Smiles = Field(default="", description="SMILES", examples=["CCO"])
    cid: Cid = Field(default="", description="PubChem compound id, in quotes", examples=["962"])


class Material(FileModel):
    """A substance that the procedure consumes. The lab binds it to a stock and a lot."""

    name: Text = Field(description="Name as on the label", examples=["Ethyl acetate"])
    role: Literal[
        "reactant",
        "reagent",
        "solvent",
        "catalyst",
        "internal_standard",
        "workup",
        "standard",
        "authentic_standard",
        "product",
    ] = Field(
        description="Its part in the procedure (reaction roles of the Open Reaction Database)",
        examples=["solvent"],
    )
    identifiers: Identifiers = Field(default_factory=Identifiers, description="Names in databases")
    density: Density | None = Field(
        default=None, description="Density, for mass balances", examples=["1.05 g/mL"]
    )
    density_uncertainty: Density | None = Field(
        default=None, description="Standard uncertainty of the density", examples=["0.001 g/mL"]
    )
    concentration: AnyQuantity | None = Field(
        default=None,
        description="Concentration; expressions may use it as `material.concentration`",
        examples=["2.0 mol/L"],
    )
    concentration_uncertainty: AnyQuantity | None = Field(
        default=None,
        description="Standard uncertainty of the concentration",
        examples=["0.01 mol/L"],
    )
    amount: AnyQuantity | None = Field(
        default=None, description="How much one run needs, for people", examples=["25 mL"]
    )
    boiling_point: Temperature | None = Field(
        default=None, description="At normal pressure; nothing is heated to it in an open vessel",
        examples=["77 degC"],
    )  # fmt: skip
    flash_point: Temperature | None = Field(
        default=None, description="Above it, vapours over an open vessel can be lit",
        examples=["-4 degC"],
    )  # fmt: skip
    hazards: list[HazardCode] = Field(
        default_factory=list[str],
        description="GHS hazard and precautionary statements, from section 2 of the safety data sheet",
        examples=[["H226", "H319"]],
    )
    reactive_groups: list[Name] = Field(
        default_factory=list[str],
        description="Reactive groups, where identifiers and hazards do not tell them (`docs/reference/hazards.md`)",
        examples=[["oxidiser"]],
    )
    purity: LongText = Field(
        default="", description="Grade or purity, as on the label", examples=["99.8 %"]
    )
    storage: LongText = Field(
        default="", description="How to keep it", examples=["2 to 8 degC, dry"]
    )
    shelf_life: Duration | None = Field(
        default=None, description="How long it may be used after opening", examples=["90 day"]
    )
    lot_required: bool = Field(
        default=False, description="True where no run may start without the lot number of the stock",
        examples=[True],
    )  # fmt: skip


class Samples(FileModel):
    """What the procedure takes in and gives out."""

    inputs: list[Text] = Field(
        default_factory=list[str], description="Samples that it takes", examples=[["dried powder"]]
    )
    outputs: list[Text] = Field(
        default_factory=list[str], description="Samples that it makes", examples=[["gold sol"]]
    )
    destructive: bool = Field(
        default=False, description="True where the sample is used up by it", examples=[True]
    )


class Container(FileModel):
    """A vessel that the sample passes through. The lab binds it to a station."""

    description: LongText = Field(
        default="", description="What it is, for people", examples=["Stirred measuring cell"]
    )
    capacity: Volume = Field(description="Usable volume; doses may never exceed it")
    dead_volume: Volume | None = Field(
        default=None, description="What a line can not draw from it", examples=["0.5 mL"]
    )
    maximum_temperature: Temperature | None = Field(
        default=None, description="What it stands", examples=["120 degC"]
    )
    sealed: bool = Field(
        default=False, description="True where vapour can't leave it", examples=[True]
    )
    maximum_pressure: AnyQuantity | None = Field(
        default=None, description="What it stands where it is sealed", examples=["6 bar"]
    )
    kind: Name | Literal[""] = Field(
        default="", description="Kind of station that serves; the container's own id if left out",
        examples=["vial"],
    )  # fmt: skip


class Range(FileModel):
    """From, to."""

    minimum: AnyQuantity | None = Field(default=None, description="Least value")
    maximum: AnyQuantity | None = Field(default=None, description="Greatest value")


class Equipment(FileModel):
    """A role that a device of the lab must play."""

    capability: Name = Field(description="What it must be able to do", examples=["weighing"])
    description: LongText = Field(
        default="", description="What it is, for people", examples=["Balance under the pot"]
    )
    at: Name | Literal[""] = Field(
        default="", description="Container that it stands at", examples=["pot"]
    )
    draws: Names = Field(
        default_factory=list[str], description="Material(s) or container that it draws from",
        examples=["solvent"],
    )  # fmt: skip
    into: Name | Literal[""] = Field(
        default="", description="Container (or shared station of the lab) that it fills",
        examples=["cell"],
    )  # fmt: skip
    range: dict[Name, Range] = Field(
        default_factory=dict[str, Range],
        description="Argument or output of its actions -> what it must cover",
        examples=[{"mass": {"minimum": "0 g", "maximum": "50 g"}}],
    )
    resolution: dict[Name, AnyQuantity] = Field(
        default_factory=dict,
        description="Output of its actions -> the smallest difference that it must tell",
        examples=[{"mass": "1 mg"}],
    )
    calibration_max_age: Duration | None = Field(
        default=None, description="How old its calibration may be", examples=["365 day"]
    )
