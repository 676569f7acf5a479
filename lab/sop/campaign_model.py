"""`campaign.yaml`: which procedure, which lab, what may vary, what is sought and how much it may cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lab.sop.fields import AnyQuantity, FileModel, Identifier, LongText, Name, Text, Version

__all__ = ["Budget", "Campaign", "FactorRange", "Objective", "Strategy"]

FilePath = Annotated[str, Field(min_length=1, max_length=300)]


class FactorRange(FileModel):
    """The part of a parameter's range that this campaign explores; all of it where left out."""

    minimum: AnyQuantity | None = Field(default=None, description="Least value to try")
    maximum: AnyQuantity | None = Field(default=None, description="Greatest value to try")


class Objective(FileModel):
    """What the campaign seeks."""

    result: Name = Field(description="Result of the SOP", examples=["conductivity"])
    direction: Literal["maximize", "minimize"] = Field(description="What is better")
    reference: AnyQuantity | None = Field(
        default=None, description="Known value to compare with", examples=["9.130 mS/cm"]
    )
    reference_note: LongText = Field(default="", description="Where the reference comes from")
    report: Name | Literal[""] = Field(
        default="", description="Derived value or parameter to report beside the result"
    )


class Strategy(FileModel):
    """How the next trials are chosen."""

    method: Literal["bayesian", "sobol"] = Field(
        default="bayesian", description="bayesian: learns from results; sobol: space-filling only"
    )
    initial: int = Field(default=6, ge=1, le=1000, description="Space-filling trials at the start")
    batch: int = Field(default=1, ge=1, le=100, description="Trials chosen together")


class Budget(FileModel):
    """When the campaign ends, and how much it does at once."""

    trials: int = Field(ge=1, le=100_000, description="Runs in all")
    parallel: int = Field(default=1, ge=1, le=1000, description="Runs at the same time, at most")


class Campaign(FileModel):
    """An optimisation campaign."""

    campaign_format: Literal[1] = Field(description="Version of this file format")
    id: Identifier = Field(description="Stable name, used in records")
    title: Text = Field(description="What it is for, for people")
    sop: FilePath = Field(description="Path of the SOP, relative to this file")
    sop_version: Version = Field(description="Version of the SOP that this was written for")
    lab: FilePath = Field(description="Path of the lab file, relative to this file")
    factors: dict[Name, FactorRange] = Field(
        min_length=1, description="Parameters to vary, each with its range ({} for all of it)"
    )
    fixed: dict[Name, AnyQuantity] = Field(
        default_factory=dict, description="Parameters to set for all runs"
    )
    objective: Objective = Field(description="What is sought")
    strategy: Strategy = Field(default_factory=Strategy, description="How trials are chosen")
    budget: Budget = Field(description="When it ends")
    seed: int | None = Field(
        default=None, ge=0, description="Seed of all randomness; the same seed, the same campaign"
    )
