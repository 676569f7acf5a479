"""`sop.yaml`: what a person writes down of a procedure. Units, references and ranges are checked in `lab.sop.check`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema, field_validator

from lab.domain.quantity import QuantityError
from lab.sop.fields import (
    AnyQuantity,
    Density,
    Duration,
    Expr,
    FileModel,
    LongText,
    Name,
    Names,
    Text,
    UnitText,
    Version,
    Volume,
    quantity_error,
)

__all__ = [
    "Argument",
    "Author",
    "Change",
    "Container",
    "Derived",
    "Equipment",
    "Expectation",
    "Identifiers",
    "Material",
    "OnError",
    "Parameter",
    "Result",
    "SafeStep",
    "Safety",
    "Sop",
    "Step",
]

Argument = str | int | float | dict[Name, str | int | float]
"""A literal, `${expression}`, or (for the volumes of several stocks) a mapping of them."""


class Author(FileModel):
    """Who wrote the procedure."""

    name: Text = Field(description="Full name, or the name of a group")
    orcid: Annotated[str, Field(pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")] = Field(
        default="", description="ORCID iD", examples=["0000-0002-1825-0097"]
    )
    affiliation: LongText = Field(default="", description="Institution, or its ROR id")


class Change(FileModel):
    """One entry of the change log."""

    version: Version = Field(description="Version that the change led to")
    date: Text = Field(description="Day of the change", examples=["2026-11-21"])
    text: LongText = Field(description="What was changed, and why")


class Parameter(FileModel):
    """A quantity that may differ from run to run."""

    description: LongText = Field(default="", description="What it is, for people")
    unit: UnitText = Field(description="Unit in which it is reported", examples=["mL", "degC"])
    minimum: AnyQuantity = Field(description="Least allowed value")
    maximum: AnyQuantity = Field(description="Greatest allowed value")
    default: AnyQuantity = Field(description="Value where a campaign says nothing")
    role: Literal["factor", "fixed", "reported"] = Field(
        description="factor: an optimiser may vary it; fixed: a campaign may set it; reported: "
        "always the default, shown in the records"
    )


class Identifiers(FileModel):
    """How databases name a substance."""

    cas: str = Field(default="", description="CAS registry number", examples=["96-49-1"])
    inchikey: Annotated[str, Field(pattern=r"^[A-Z]{14}-[A-Z]{10}-[A-Z]$")] = Field(
        default="", description="InChIKey"
    )
    smiles: LongText = Field(default="", description="SMILES")
    cid: LongText = Field(default="", description="PubChem compound id, in quotes")

    @field_validator("cas")
    @classmethod
    def _cas(cls, value: str) -> str:
        """The last digit of a CAS number is a check sum over the others."""
        match = re.fullmatch(r"(\d{2,7})-(\d{2})-(\d)", value)
        digits = (match[1] + match[2])[::-1] if match else ""
        total = sum(int(digit) * place for place, digit in enumerate(digits, start=1))
        if match is None or total % 10 != int(match[3]):
            raise quantity_error(
                QuantityError(
                    "identifier",
                    f'"{value}" is not a CAS number (its check digit is wrong)',
                    hint="copy it again from the label or the safety data sheet",
                )
            )
        return value


Hazard = Annotated[
    str,
    Field(
        pattern=r"^(?:EUH\d{3}[A-Z]?|[HP]\d{3}[A-Za-z]{0,3})(?:\s?\+\s?[HP]\d{3}[A-Za-z]{0,3})*$"
    ),
]


class Material(FileModel):
    """A substance that the procedure consumes. The lab binds it to a stock."""

    name: Text = Field(description="Name as on the label")
    role: Literal[
        "reactant", "reagent", "solvent", "catalyst", "internal_standard", "workup", "standard"
    ] = Field(description="Its part in the procedure")
    density: Density | None = Field(
        default=None, description="Density, for mass balances", examples=["1.05 g/mL"]
    )
    concentration: AnyQuantity | None = Field(
        default=None,
        description="Concentration; expressions may use it as `material.concentration`",
        examples=["2.0 mol/L"],
    )
    hazards: list[Hazard] = Field(
        default_factory=list[str],
        description="GHS hazard statements",
        examples=[["H226", "H319"]],
    )
    identifiers: Identifiers = Field(default_factory=Identifiers, description="Names in databases")
    purity: LongText = Field(default="", description="Grade or purity, as on the label")
    storage: LongText = Field(default="", description="How to keep it")


class Container(FileModel):
    """A vessel that the sample passes through. The lab binds it to a station."""

    description: LongText = Field(default="", description="What it is, for people")
    capacity: Volume = Field(description="Usable volume; doses may never exceed it")
    kind: Name | Literal[""] = Field(
        default="", description="Kind of station that serves; the container's own id if left out"
    )


class Equipment(FileModel):
    """A role that a device of the lab must play."""

    capability: Name = Field(description="What it must be able to do", examples=["weighing"])
    at: Name | Literal[""] = Field(default="", description="Container that it stands at")
    draws: Names = Field(
        default_factory=list[str], description="Material(s) or container that it draws from"
    )
    into: Name | Literal[""] = Field(
        default="", description="Container (or shared station of the lab) that it fills"
    )


class OnError(FileModel):
    """What happens when a step fails without any effect."""

    retry: int = Field(default=0, ge=0, le=10, description="How often to try again")
    delay: Duration | None = Field(default=None, description="Wait before trying again")


class Expectation(FileModel):
    """A condition on a finished step; where it does not hold, the step has failed."""

    expect: Expr = Field(
        description="Over the step's outputs, parameters and derived values",
        examples=["abs(mass - expected_mass) < 0.25 g"],
    )
    message: LongText = Field(description="What to tell the operator where it does not hold")


class SafeStep(FileModel):
    """A step that is taken when a run ends badly."""

    id: Name = Field(description="Name of the step within the procedure")
    title: Text = Field(description="What it does, in a few words")
    equipment: Name = Field(description="Role that does it")
    action: Name = Field(description="Action of the role's capability", examples=["dispense"])
    arguments: dict[Name, Argument] = Field(
        default_factory=dict[str, Argument],
        alias="with",
        description="Arguments: `2 mL`, `${parameter}` or `${expression}`",
    )
    duration: Duration = Field(description="How long it usually takes; the planner counts on it")
    timeout: Duration = Field(description="After this time the outcome is asked for")


Needs = Annotated[list[Name] | None, WithJsonSchema({"type": "array", "items": {"type": "string"}})]


class Step(SafeStep):
    """A step of the procedure."""

    instruction: LongText = Field(default="", description="The same for a person at the bench")
    needs: Needs = Field(
        default=None,
        description="Steps that must be done first; the step before it if left out; [] for none",
        examples=[["tare"]],
    )
    on_error: OnError = Field(
        default_factory=OnError, description="What to do where it fails without effect"
    )
    checks: list[Expectation] = Field(
        default_factory=list[Expectation], description="Conditions that its outputs must meet"
    )


class Safety(FileModel):
    """Conditions under which the procedure may run."""

    supervision: Literal["none", "remote", "present"] = Field(
        default="present", description="Who must watch: nobody, someone at a screen, someone there"
    )
    ppe: list[Text] = Field(default_factory=list[str], description="Personal protective equipment")
    notes: LongText = Field(default="", description="Hazards of the procedure as a whole")
    safe_state: list[SafeStep] = Field(
        default_factory=list[SafeStep], description="Steps that make a run safe when it ends badly"
    )


class Derived(FileModel):
    """A value computed from parameters and materials before the run; checks may use it."""

    unit: UnitText = Field(description="Unit of the value")
    value: Expr = Field(description="`${expression}` over parameters and materials")
    description: LongText = Field(default="", description="What it is, for people")


class Result(FileModel):
    """A value that the run yields: read from a step, or computed."""

    source: Annotated[str, Field(pattern=r"^[A-Za-z]\w*\.[A-Za-z]\w*$")] = Field(
        default="", alias="from", description="`step.output`", examples=["measure.conductivity"]
    )
    value: Expr | Literal[""] = Field(
        default="", description="`${expression}` over step outputs, parameters and derived values"
    )
    unit: UnitText = Field(description="Unit of the result")
    description: LongText = Field(default="", description="What it is, for people")


class Sop(FileModel):
    """A standard operating procedure."""

    sop_format: Literal[1] = Field(description="Version of this file format")
    id: Name = Field(description="Stable name, used in records")
    title: Text = Field(description="What it does, for people")
    version: Version = Field(description="Version in quotes", examples=["1.0.0"])
    status: Literal["draft", "approved", "superseded"] = Field(description="State of approval")
    supersedes: LongText = Field(default="", description="Version that this one replaces")
    authors: list[Author] = Field(min_length=1, description="Who wrote it")
    approved_by: LongText = Field(default="", description="Who approved it")
    effective_date: LongText = Field(default="", description="Day from which it holds")
    license: LongText = Field(default="", description="SPDX licence", examples=["CC-BY-4.0"])
    based_on: LongText = Field(default="", description="Paper or handbook, with DOI")
    intended_use: LongText = Field(default="", description="What it is for, and what not")
    keywords: list[Text] = Field(default_factory=list[str], description="Words to find it by")
    change_log: list[Change] = Field(
        default_factory=list[Change], description="What changed from version to version"
    )
    parameters: dict[Name, Parameter] = Field(
        default_factory=dict[str, Parameter], description="What may differ from run to run"
    )
    materials: dict[Name, Material] = Field(
        default_factory=dict[str, Material], description="What it consumes"
    )
    containers: dict[Name, Container] = Field(
        default_factory=dict[str, Container], description="Vessels that the sample passes through"
    )
    equipment: dict[Name, Equipment] = Field(min_length=1, description="Roles of devices")
    safety: Safety = Field(default_factory=Safety, description="Conditions to run it safely")
    procedure: list[Step] = Field(min_length=1, description="The steps")
    derived: dict[Name, Derived] = Field(
        default_factory=dict[str, Derived], description="Values computed before the run"
    )
    results: dict[Name, Result] = Field(min_length=1, description="What a run yields")
