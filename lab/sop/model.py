"""`sop.yaml`: what a person writes down of a procedure. Units, references and ranges are checked in `lab.sop.check`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, Discriminator, Field, Tag

from lab.sop.fields import (
    AnyQuantity,
    Date,
    Expr,
    FileModel,
    LongText,
    Name,
    Text,
    UnitText,
    Version,
)
from lab.sop.identifiers import Orcid  # noqa: TC001  # pydantic needs it when the class is made
from lab.sop.model_materials import Container, Equipment, Material, Range, Samples
from lab.sop.model_quality import Quality, Safety, Timing
from lab.sop.model_steps import Item  # noqa: TC001  # pydantic needs it when the class is made

__all__ = ["Author", "Change", "Derived", "Option", "Parameter", "Result", "Sop"]


class Author(FileModel):
    """Who wrote the procedure."""

    name: Text = Field(description="Full name, or the name of a group", examples=["A. Weber"])
    orcid: Orcid = Field(default="", description="ORCID iD", examples=["0000-0002-1825-0097"])
    affiliation: LongText = Field(
        default="",
        description="Institution, or its ROR id",
        examples=["University of Example", "https://ror.org/02nv7yv05"],
    )


class Change(FileModel):
    """One entry of the change log."""

    version: Version = Field(description="Version that the change led to", examples=["1.1.0"])
    date: Date = Field(description="Day of the change, in quotes", examples=["2026-11-21"])
    text: LongText = Field(
        description="What was changed, and why",
        examples=["Longer rest before the reading; it was not stable yet"],
    )


class Parameter(FileModel):
    """A quantity that may differ from run to run."""

    type: Literal["quantity"] = Field(default="quantity", description="A number with a unit")
    display_name: LongText = Field(
        default="", description="Name on screens and in reports", examples=["Total volume"]
    )
    description: LongText = Field(
        default="",
        description="What it is, for people",
        examples=["Volume of the finished mixture"],
    )
    unit: UnitText = Field(description="Unit in which it is reported", examples=["mL", "degC"])
    minimum: AnyQuantity = Field(description="Least allowed value")
    maximum: AnyQuantity = Field(description="Greatest allowed value")
    default: AnyQuantity = Field(description="Value where a campaign says nothing")
    role: Literal["factor", "fixed", "reported"] = Field(
        description="factor: an optimiser may vary it; fixed: a campaign may set it; reported: "
        "always the default, shown in the records",
        examples=["factor"],
    )


class Option(FileModel):
    """A choice, text or yes/no that may differ from run to run."""

    type: Literal["choice", "text", "yes_no"] = Field(
        description="choice: one of a list; text: any text; yes_no: true or false",
        examples=["choice"],
    )
    display_name: LongText = Field(
        default="", description="Name on screens and in reports", examples=["Solvent"]
    )
    description: LongText = Field(
        default="", description="What it is, for people", examples=["Which solvent is used"]
    )
    choices: list[Text] = Field(
        default_factory=list[str], description="Possible values", examples=[["water", "ethanol"]]
    )
    default: str | bool = Field(
        description="Value where a campaign says nothing", examples=["water"]
    )
    role: Literal["factor", "fixed", "reported"] = Field(
        description="factor: an optimiser may vary it (a choice alone); fixed: a campaign may set it; "
        "reported: always the default",
        examples=["fixed"],
    )


def _parameter_kind(value: Any) -> str:  # noqa: ANN401  # pydantic hands over anything
    if isinstance(value, BaseModel):
        return "an option" if isinstance(value, Option) else "a quantity"
    given = cast("dict[str, object]", value).get("type") if isinstance(value, dict) else None
    if given in (None, "quantity"):
        return "a quantity"
    # a misspelt type: told by the keys beside it
    known = cast("dict[str, object]", value)
    return (
        "a quantity"
        if given not in ("choice", "text", "yes_no") and "unit" in known
        else "an option"
    )


AnyParameter = Annotated[
    Annotated[Parameter, Tag("a quantity")] | Annotated[Option, Tag("an option")],
    Discriminator(_parameter_kind),
]


class Derived(FileModel):
    """A value computed from parameters and materials before the run; checks may use it."""

    unit: UnitText = Field(description="Unit of the value", examples=["g"])
    value: Expr = Field(
        description="`${expression}` over parameters and materials",
        examples=["${volume * water.density}"],
    )
    description: LongText = Field(
        default="",
        description="What it is, for people",
        examples=["Sum of the masses of the doses"],
    )


class Result(FileModel):
    """A value that the run yields: read from a step, or computed."""

    source: Annotated[str, Field(pattern=r"^[A-Za-z]\w*\.[A-Za-z]\w*$")] = Field(
        default="", alias="from", description="`step.output`", examples=["measure.conductivity"]
    )
    value: Expr | Literal[""] = Field(
        default="",
        description="`${expression}` over step outputs, parameters and derived values",
        examples=["${weigh.mass / volume}"],
    )
    unit: UnitText = Field(description="Unit of the result", examples=["mS/cm"])
    description: LongText = Field(
        default="", description="What it is, for people", examples=["Conductivity at 25 degC"]
    )
    required: bool = Field(
        default=True, description="False where a run without it is still a good one",
        examples=[False],
    )  # fmt: skip
    range: Range | None = Field(
        default=None, description="Between which values it can be measured; what lies beyond is no exact number",
        examples=[{"maximum": "20 mS/cm"}],
    )  # fmt: skip


class Sop(FileModel):
    """A standard operating procedure."""

    sop_format: Literal[1] = Field(description="Version of this file format")
    id: Name = Field(description="Stable name, used in records", examples=["density_by_mass"])
    title: Text = Field(
        description="What it does, for people",
        examples=["Density of a liquid from a dosed volume and its mass"],
    )
    version: Version = Field(description="Version in quotes", examples=["1.0.0"])
    status: Literal["draft", "approved", "superseded"] = Field(description="State of approval")
    supersedes: LongText = Field(
        default="", description="Version that this one replaces", examples=["1.0.0"]
    )
    authors: list[Author] = Field(min_length=1, description="Who wrote it")
    approved_by: LongText = Field(
        default="",
        description="Who approved it; needed where it is approved",
        examples=["A. Weber"],
    )
    effective_date: Date | Literal[""] = Field(
        default="", description="Day from which it holds, in quotes", examples=["2026-11-21"]
    )
    license: LongText = Field(default="", description="SPDX licence", examples=["CC-BY-4.0"])
    based_on: LongText = Field(
        default="",
        description="Paper or handbook, with DOI",
        examples=["A. Weber et al., doi:10.1234/example"],
    )
    intended_use: LongText = Field(
        default="",
        description="What it is for, and what not",
        examples=["For liquids below 5 mPa s. Not for volatile ones."],
    )
    keywords: list[Text] = Field(
        default_factory=list[str], description="Words to find it by", examples=[["titration", "pH"]]
    )
    change_log: list[Change] = Field(
        default_factory=list[Change], description="What changed from version to version"
    )
    parameters: dict[Name, AnyParameter] = Field(
        default_factory=dict[str, "Parameter | Option"],
        description="What may differ from run to run",
    )
    samples: Samples = Field(
        default_factory=Samples, description="What the procedure takes in and gives out"
    )
    materials: dict[Name, Material] = Field(
        default_factory=dict[str, Material], description="What it consumes"
    )
    containers: dict[Name, Container] = Field(
        default_factory=dict[str, Container], description="Vessels that the sample passes through"
    )
    equipment: dict[Name, Equipment] = Field(min_length=1, description="Roles of devices")
    safety: Safety = Field(default_factory=Safety, description="Conditions to run it safely")
    procedure: list[Item] = Field(min_length=1, description="The steps, and blocks of steps")
    timing: list[Timing] = Field(
        default_factory=list[Timing], description="Limits on the time between two steps"
    )
    quality: Quality = Field(
        default_factory=Quality, description="Standards, blanks and replicates beside the sample"
    )
    derived: dict[Name, Derived] = Field(
        default_factory=dict[str, Derived], description="Values computed before the run"
    )
    results: dict[Name, Result] = Field(min_length=1, description="What a run yields")

    @property
    def quantities(self) -> dict[str, Parameter]:
        """The parameters that are numbers with a unit."""
        return {name: p for name, p in self.parameters.items() if isinstance(p, Parameter)}

    @property
    def options(self) -> dict[str, Option]:
        """The parameters that are choices, texts or yes/no."""
        return {name: p for name, p in self.parameters.items() if isinstance(p, Option)}
