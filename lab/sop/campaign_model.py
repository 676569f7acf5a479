"""`campaign.yaml`: which procedure, which lab, what may vary, what is sought and how much it may cost."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, WithJsonSchema
from pydantic.functional_validators import PlainValidator

from lab.domain.quantity import Quantity, QuantityError, parse_quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.fields import (
    AnyQuantity,
    Duration,
    Expr,
    FileModel,
    Identifier,
    LongText,
    Name,
    Text,
    UnitText,
    Version,
    quantity_error,
)

__all__ = [
    "AtMost",
    "Budget",
    "Campaign",
    "EarlierCampaign",
    "FactorContext",
    "FactorRange",
    "FidelityChoice",
    "FixedValue",
    "Objective",
    "OutcomeLimit",
    "Stop",
    "Strategy",
    "TrialCost",
]

_MAX_TEXT = 300
FilePath = Annotated[str, Field(min_length=1, max_length=300)]


def _fixed(value: object) -> Quantity | str | bool:
    """A quantity where it reads as one; a text stays what it is until the parameter's kind is known."""
    if isinstance(value, bool | Quantity):
        return value
    if not isinstance(value, str | int | float):
        raise quantity_error(
            QuantityError("quantity", "one value is due here", hint='write e.g. "1.5 mL"')
        )
    try:
        return parse_quantity(str(value), "" if isinstance(value, str) else DIMENSIONLESS)
    except QuantityError as error:
        if isinstance(value, str) and len(value) <= _MAX_TEXT:
            return value
        raise quantity_error(error) from error


def _shown(value: Quantity | str | bool) -> str | bool:
    return f"{value.magnitude!r} {value.unit}" if isinstance(value, Quantity) else value


FixedValue = Annotated[
    Quantity | str | bool,
    PlainValidator(_fixed),
    PlainSerializer(_shown),
    WithJsonSchema(
        {"type": ["string", "number", "boolean"], "examples": ["25 degC", "water", True]}
    ),
]
"""Value of a parameter: a quantity, a choice or text, or yes/no."""


class FactorContext(FileModel):
    """How the value of a factor that nobody chooses becomes known: from a live signal, or from people."""

    device: Name | None = Field(
        default=None, description="Device whose signal it is", examples=["hotplate"]
    )
    signal: Name | None = Field(
        default=None, description="Telemetry channel of that device", examples=["temperature"]
    )
    value: FixedValue | None = Field(
        default=None,
        description="Without a device: what it is when the campaign begins. People tell what it is from then on (`lab trial "
        "context`); nothing is proposed before they do where this is left out",
    )
    max_age: Duration | None = Field(
        default=None,
        description="A value that is older is none: nothing is proposed until there is a new one. A signal needs it",
        examples=["30 s", "8 h"],
    )


class FactorRange(FileModel):
    """The part of a parameter's range, or of its choices, that this campaign explores; all of it where left out."""

    minimum: AnyQuantity | None = Field(default=None, description="Least value to try")
    maximum: AnyQuantity | None = Field(default=None, description="Greatest value to try")
    accuracy: AnyQuantity | None = Field(
        default=None,
        description="Standard deviation with which the device keeps it: the optimum is then sought on average over what "
        "is really set",
        examples=["0.5 delta_degC"],
    )
    step: AnyQuantity | None = Field(
        default=None,
        description="Only the minimum plus whole multiples of this are tried",
        examples=["1 uL"],
    )
    levels: list[AnyQuantity] = Field(
        default_factory=list[Quantity],
        max_length=1000,
        description="Only these values are tried, least first",
        examples=[["25 degC", "40 degC", "60 degC"]],
    )
    choices: list[Text] = Field(
        default_factory=list[str],
        max_length=1000,
        description="Of a choice: those of the SOP's choices that are tried",
        examples=[["water", "ethanol"]],
    )
    descriptors: FilePath | None = Field(
        default=None,
        description="Of a choice: CSV file with a row of numbers for each, which say how alike they are",
        examples=["solvents.csv"],
    )
    context: FactorContext | None = Field(
        default=None,
        description="Nobody chooses it: trials are proposed for what it is at that time. A context that is no parameter of the "
        "SOP has its range (`minimum` and `maximum`, or `choices`) here, and reaches no step",
        examples=[{"value": "21 degC"}],
    )


class AtMost(FileModel):
    """A mixture of few out of many components."""

    factors: list[Name] = Field(
        min_length=2, description="Components; the minimum of each is 0", examples=[["a", "b", "c"]]
    )
    most: int = Field(ge=1, description="So many of them are above 0, at most", examples=[2])


class Objective(FileModel):
    """What the campaign seeks."""

    result: Name = Field(description="Result of the SOP", examples=["conductivity"])
    direction: Literal["maximize", "minimize", "target"] = Field(
        description="What is better; target: as near as can be to the value under `target`"
    )
    target: AnyQuantity | None = Field(
        default=None,
        description="Value that is sought (direction: target)",
        examples=["7.4 dimensionless"],
    )
    worst: AnyQuantity | None = Field(
        default=None,
        description="Value that is of no use any more (of a target: how far from it). Of several objectives: where "
        "the front's volume begins, and where a desirability is 0",
        examples=["20 percent"],
    )
    ideal: AnyQuantity | None = Field(
        default=None,
        description="Value beyond which nothing is gained: where a desirability is 1",
        examples=["99 percent"],
    )
    weight: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="Of its desirability among the others'",
        examples=[2],
    )
    reference: AnyQuantity | None = Field(
        default=None, description="Known value to compare with", examples=["9.130 mS/cm"]
    )
    reference_note: LongText = Field(
        default="",
        description="Where the reference comes from",
        examples=["maximum of the fitted model in the paper"],
    )
    zeros: bool = Field(
        default=False,
        description="Many results are exactly zero for reasons of their own (a failed injection, a reaction that does not "
        "start), and none is below zero",
        examples=[True],
    )
    report: Name | Literal[""] = Field(
        default="",
        description="Derived value or parameter to report beside the result",
        examples=["volume"],
    )


class OutcomeLimit(FileModel):
    """What a measured result must keep to for a trial to count."""

    result: Name = Field(description="Result of the SOP", examples=["impurity"])
    minimum: AnyQuantity | None = Field(
        default=None, description="At least this", examples=["90 percent"]
    )
    maximum: AnyQuantity | None = Field(
        default=None, description="At most this", examples=["2 percent"]
    )


class Stop(FileModel):
    """When the campaign ends before its budget is used up."""

    within: AnyQuantity = Field(
        description="Distance to the optimum that is near enough, in the result's unit; of several objectives a share "
        "of the front's volume, or of the desirability",
        examples=["0.1 mS/cm", "2 percent"],
    )
    probability: float = Field(
        default=0.95,
        gt=0,
        lt=1,
        description="It ends when the best trial is so near with at least this probability",
        examples=[0.95],
    )
    trials: int = Field(
        default=10,
        ge=3,
        le=100_000,
        description="Not before so many trials have given a value",
        examples=[10],
    )
    decides: bool = Field(
        default=True,
        description="false: the probability is only recorded and shown",
        examples=[False],
    )


class TrialCost(FileModel):
    """What a trial costs, as it can be told before it is made."""

    value: Expr = Field(
        description="Formula of factors and other parameters, with units; above 0 for all that may be tried",
        examples=["0.5 mL + red_volume", "${3 g + 2 * catalyst_mass}"],
    )
    unit: UnitText = Field(description="Unit in which it is told", examples=["mL"])


class Strategy(FileModel):
    """How the next trials are chosen."""

    outliers: bool = Field(
        default=False,
        description="Results may be grossly wrong: those that the others contradict teach nothing, and what is too good "
        "to be true is measured again",
        examples=[True],
    )
    quantile: float | None = Field(
        default=None,
        gt=0,
        lt=0.5,
        description="With an accuracy of factors: in place of the average what is reached with the probability 1 - quantile",
        examples=[0.1],
    )

    method: Literal["bayesian", "sobol"] = Field(
        default="bayesian", description="bayesian: learns from results; sobol: space-filling only"
    )
    initial: int = Field(
        default=6, ge=1, le=1000, description="Space-filling trials at the start", examples=[6]
    )
    design: Literal["sobol", "latin_hypercube", "factorial", "d_optimal"] = Field(
        default="sobol",
        description="How the trials at the start are spread; factorial: all corners; d_optimal: makes "
        "the effects of factors and pairs most certain",
    )
    batch: int = Field(default=1, ge=1, le=100, description="Trials chosen together", examples=[2])
    approval: bool = Field(
        default=False,
        description="Each trial waits until a person approves it (`lab trial approve`)",
        examples=[True],
    )
    per: Literal["cost", "time"] | None = Field(
        default=None,
        description="What is sought is the gain per `cost`, or per time that the planner foresees for the trial; the gain "
        "alone where left out",
        examples=["time"],
    )
    cost: TrialCost | None = Field(
        default=None,
        description="With `per: cost`",
        examples=[{"value": "0.5 mL + red_volume", "unit": "mL"}],
    )


class EarlierCampaign(FileModel):
    """Trials of another campaign with the same factors."""

    name: Name = Field(description="How the records call it", examples=["spring"])
    file: FilePath | None = Field(
        default=None,
        description="CSV file with a column for each factor and each result that is sought, and `failed` with the reason "
        "where a trial gave none",
        examples=["spring.csv"],
    )
    campaign: Text | None = Field(
        default=None,
        description="In place of a file: a campaign of the same records, as `lab records list` names it",
        examples=["best_volume-1"],
    )


class FidelityChoice(FileModel):
    """A way to measure what is sought."""

    name: Name = Field(description="How trials and records call it", examples=["quick"])
    cost: float = Field(
        gt=0, le=1e9, description="Of one trial, in any unit that is the same for all", examples=[1]
    )
    set: dict[Name, FixedValue] = Field(
        default_factory=dict[str, FixedValue],
        description="Parameters of the SOP that make a trial one of this kind",
        examples=[{"settling_time": "10 s"}],
    )


class Budget(FileModel):
    """When the campaign ends, and how much it does at once."""

    trials: int = Field(ge=1, le=100_000, description="Runs in all", examples=[20])
    parallel: int = Field(
        default=1, ge=1, le=1000, description="Runs at the same time, at most", examples=[2]
    )
    cost: float | None = Field(
        default=None,
        gt=0,
        description="Of several fidelities: what all trials may cost together, in the unit of their costs",
        examples=[20],
    )


class Campaign(FileModel):
    """An optimisation campaign."""

    campaign_format: Literal[1] = Field(description="Version of this file format")
    id: Identifier = Field(description="Stable name, used in records", examples=["best_volume"])
    title: Text = Field(
        description="What it is for, for people",
        examples=["Find the volume that the pump doses best"],
    )
    sop: FilePath = Field(
        description="Path of the SOP, relative to this file", examples=["sop.yaml"]
    )
    sop_version: Version = Field(
        description="Version of the SOP that this was written for", examples=["1.0.0"]
    )
    lab: FilePath = Field(
        description="Path of the lab file, relative to this file", examples=["lab.yaml"]
    )
    factors: dict[Name, FactorRange] = Field(
        min_length=1, description="Parameters to vary, each with its range ({} for all of it)"
    )
    candidates: FilePath | None = Field(
        default=None,
        description="CSV file with a column for each factor: only its rows are tried",
        examples=["candidates.csv"],
    )
    fixed: dict[Name, FixedValue] = Field(
        default_factory=dict,
        description="Parameters to set for all runs: quantities, choices, texts, true or false",
        examples=[{"temperature": "25 degC", "solvent": "water"}],
    )
    constraints: list[LongText] = Field(
        default_factory=list[str],
        max_length=50,
        description="Comparisons that every trial keeps, of factors and other parameters, with units",
        examples=[["red_volume + blue_volume <= 150 uL"]],
    )
    at_most: list[AtMost] = Field(
        default_factory=list[AtMost], description="Mixtures of few out of many components"
    )
    alike: list[Name] = Field(
        default_factory=list[str],
        description="Factors that have one value in all trials that are chosen together",
        examples=[["temperature"]],
    )
    objective: Objective | None = Field(default=None, description="What is sought")
    objectives: list[Objective] = Field(
        default_factory=list[Objective],
        max_length=6,
        description="In place of `objective`: what is sought, where it is more than one thing",
    )
    weigh: Literal["front", "desirability"] = Field(
        default="front",
        description="Of several objectives: the trials that no other beats, or one number made of all",
    )
    limits: list[OutcomeLimit] = Field(
        default_factory=list[OutcomeLimit],
        max_length=20,
        description="What measured results must keep to",
    )
    earlier: list[EarlierCampaign] = Field(
        default_factory=list[EarlierCampaign],
        max_length=20,
        description="Campaigns with the same factors whose trials teach this one: another season, substrate or device",
    )
    fidelities: list[FidelityChoice] = Field(
        default_factory=list[FidelityChoice],
        max_length=10,
        description="Several ways to measure what is sought, quick ones first; the last is the real one, which counts",
    )
    stop: Stop | None = Field(
        default=None, description="When it ends before the budget is used up; never where left out"
    )
    strategy: Strategy = Field(default_factory=Strategy, description="How trials are chosen")
    budget: Budget = Field(description="When it ends")
    hopeless_holds: Literal["wait", "scrap", "ask"] = Field(
        default="wait",
        description="What follows where a longest time of a sample can't be kept any more: wait (it goes on; the SOP's "
        "on_violation counts when the limit is broken), scrap (it is given up at once), ask (a person decides)",
        examples=["scrap"],
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        description="Seed of all randomness; the same seed, the same campaign",
        examples=[7],
    )

    @property
    def sought(self) -> list[Objective]:
        """The objectives, the first first."""
        return self.objectives or ([] if self.objective is None else [self.objective])
