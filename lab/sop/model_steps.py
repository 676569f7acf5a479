"""The procedure in `sop.yaml`: steps, and the blocks that order them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag, WithJsonSchema

from lab.sop.fields import (
    AnyQuantity,
    Duration,
    Expr,
    FileModel,
    LongText,
    Name,
    Text,
    UnitText,
    Version,
)

__all__ = [
    "Answer",
    "Argument",
    "Block",
    "Branch",
    "BranchBlock",
    "Call",
    "CallBlock",
    "Expectation",
    "ForEach",
    "ForEachBlock",
    "Item",
    "LoopValue",
    "Manual",
    "ManualStep",
    "OnError",
    "Output",
    "ParallelBlock",
    "Repeat",
    "RepeatBlock",
    "SafeStep",
    "Stage",
    "Step",
    "Work",
]

Prompt = Annotated[str, Field(min_length=1, max_length=5000)]

Argument = str | int | float | dict[Name, str | int | float]
"""A literal, `${expression}`, or (for the volumes of several stocks) a mapping of them."""

LoopValue = str | int | float
"""`2 mL`, a plain number, or a text."""


class Expectation(FileModel):
    """A condition on a finished step."""

    expect: Expr = Field(
        description="Over the step's outputs, those of earlier steps, parameters and derived values",
        examples=["abs(mass - expected_mass) < 0.25 g"],
    )
    message: LongText = Field(
        description="What to tell the operator where it does not hold",
        examples=["the mass differs from the sum of the doses; check the lines for air"],
    )
    severity: Literal["warn", "fail", "abort"] = Field(
        default="fail",
        description="warn: the sample is flagged and the run goes on; fail: the step has failed, and `on_error` "
        "says what follows; abort: the run ends at once",
        examples=["warn"],
    )


class SafeStep(FileModel):
    """A step that is taken when a run ends badly."""

    id: Name = Field(description="Name of the step within the procedure", examples=["drain"])
    title: Text = Field(
        description="What it does, in a few words", examples=["Empty the cell into the waste"]
    )
    equipment: Name = Field(description="Role that does it", examples=["drain_pump"])
    action: Name = Field(description="Action of the role's capability", examples=["dispense"])
    arguments: dict[Name, Argument] = Field(
        default_factory=dict[str, Argument],
        alias="with",
        description="Arguments: `2 mL`, `${parameter}` or `${expression}`",
        examples=[{"volume": "${total_volume}", "rate": "20 mL/min"}],
    )
    empties: bool = Field(
        default=False,
        description="True where it draws until its source is empty, air at the end included",
        examples=[True],
    )
    duration: Duration = Field(description="How long it usually takes; the planner counts on it")
    timeout: Duration = Field(description="After this time the outcome is asked for")


class OnError(FileModel):
    """What happens when a step fails without any effect."""

    retry: int = Field(default=0, ge=0, le=10, description="How often to try again", examples=[2])
    delay: Duration | None = Field(default=None, description="Wait before trying again")
    then: Literal["abort", "skip", "hold"] = Field(
        default="abort",
        description="When no try is left. abort: the run ends in its safe state; skip: it goes on without this step "
        "(only of a step that is not critical); hold: a person decides",
        examples=["hold"],
    )
    compensate: list[SafeStep] = Field(
        default_factory=list[SafeStep],
        description="Steps that undo what was begun, taken before the safe state where this step has failed",
    )


class Output(FileModel):
    """What is known beforehand of a value that a step yields."""

    description: LongText = Field(
        default="", description="What it is, for people", examples=["mass of all doses"]
    )
    minimum: AnyQuantity | None = Field(
        default=None, description="A lower value is a failure of the step", examples=["0 g"]
    )
    maximum: AnyQuantity | None = Field(
        default=None, description="A higher value is a failure of the step", examples=["30 g"]
    )
    uncertainty: AnyQuantity | None = Field(
        default=None,
        description="Standard uncertainty (coverage factor 1), absolute or in percent of the value",
        examples=["2 mg", "0.5 percent"],
    )


Needs = Annotated[list[Name] | None, WithJsonSchema({"type": "array", "items": {"type": "string"}})]


class Block(FileModel):
    """What every item of the procedure has."""

    id: Name = Field(
        description="Name of the step, once in the whole procedure", examples=["weigh"]
    )
    needs: Needs = Field(
        default=None,
        description="Items of the same list that must be done first; the one before it if left out; [] for none",
        examples=[["tare"]],
    )


class Work(Block):
    """What steps of devices and of people have in common."""

    title: Text = Field(
        description="What it does, in a few words", examples=["Prove the doses by mass"]
    )
    instruction: LongText = Field(
        default="",
        description="The same for a person at the bench, in full sentences",
        examples=["Weigh the pot with the doses in it; the reading must be stable."],
    )
    duration: Duration = Field(description="How long it usually takes; the planner counts on it")
    timeout: Duration = Field(description="After this time the outcome is asked for")
    outputs: dict[Name, Output] = Field(
        default_factory=dict[str, Output],
        description="What is known beforehand of the values that it yields",
    )
    checks: list[Expectation] = Field(
        default_factory=list[Expectation], description="Conditions that its outputs must meet"
    )
    on_error: OnError = Field(
        default_factory=OnError, description="What to do where it fails without effect"
    )
    critical: bool = Field(
        default=True,
        description="False where a run without this step still gives usable data",
        examples=[False],
    )


class Step(Work):
    """A step that a device does."""

    equipment: Name = Field(description="Role that does it", examples=["balance"])
    action: Name = Field(description="Action of the role's capability", examples=["weigh"])
    arguments: dict[Name, Argument] = Field(
        default_factory=dict[str, Argument],
        alias="with",
        description="Arguments: `2 mL`, `${parameter}`, or `${expression}`, also over outputs of earlier steps",
        examples=[{"volume": "${total_volume}", "rate": "20 mL/min"}],
    )
    empties: bool = Field(
        default=False,
        description="True where it draws until its source is empty, air at the end included",
        examples=[True],
    )
    ramp: AnyQuantity | None = Field(
        default=None, description="Rate of change, where the action has that argument",
        examples=["5 K/min"],
    )  # fmt: skip
    tolerance: AnyQuantity | None = Field(
        default=None, description="Allowed deviation, where the action has that argument",
        examples=["0.5 delta_degC"],
    )  # fmt: skip
    settle: Duration | None = Field(
        default=None, description="Rest after it, before what needs it may start"
    )
    resume: Literal["continue", "restart_step", "scrap_sample"] = Field(
        default="continue",
        description="After an interruption with unknown outcome. continue: what the device says happened counts; "
        "restart_step: a reading or setting is done again; scrap_sample: the sample is given up",
        examples=["scrap_sample"],
    )
    annotations: dict[Name, Text] = Field(
        default_factory=dict[str, str],
        description="Terms of ontologies that say what this is (CHMO, OBI, WCSO), as IRIs",
        examples=[{"chmo": "http://purl.obolibrary.org/obo/CHMO_0002774"}],
    )


class Answer(FileModel):
    """One thing that a person must tell."""

    type: Literal["quantity", "integer", "yes_no", "choice", "text"] = Field(
        description="Kind of answer", examples=["yes_no"]
    )
    prompt: LongText = Field(
        default="", description="The question", examples=["Is the solution clear?"]
    )
    unit: UnitText | Literal[""] = Field(
        default="", description="Unit of a quantity", examples=["mL"]
    )
    minimum: AnyQuantity | None = Field(default=None, description="Least possible answer")
    maximum: AnyQuantity | None = Field(default=None, description="Greatest possible answer")
    choices: list[Text] = Field(
        default_factory=list[str], description="Possible answers", examples=[["clear", "turbid"]]
    )
    required: bool = Field(
        default=True, description="False where it may be left out", examples=[False]
    )


class Manual(FileModel):
    """What a person is asked to do."""

    prompt: Prompt = Field(
        description="What to do and what to look at",
        examples=["Look through the vial against the light."],
    )
    expects: dict[Name, Answer] = Field(
        default_factory=dict[str, Answer], description="What the person must tell afterwards"
    )
    sign: Literal["none", "performer", "witness"] = Field(
        default="performer",
        description="Who must sign: nobody, who did it, or also a second person who saw it",
        examples=["witness"],
    )
    simulate: dict[Name, str | int | float | bool] = Field(
        default_factory=dict[str, str | int | float | bool],
        description="Answers for runs without hardware",
        examples=[{"clear": True}],
    )


class ManualStep(Work):
    """A step that a person does."""

    manual: Manual = Field(description="What the person is asked to do")
    at: Name | Literal[""] = Field(
        default="", description="Container that the person works on", examples=["cell"]
    )
    empties: bool = Field(
        default=False,
        description="True where the person leaves that container empty and dry: also what a line can't draw is gone",
        examples=[True],
    )


class Stage(Block):
    """Steps that belong together, under one heading."""

    title: Text = Field(description="Heading", examples=["Preparation"])
    stage: list[Item] = Field(min_length=1, description="The steps")


class ParallelBlock(Block):
    """Branches that may be done at the same time; what follows waits for all of them."""

    title: LongText = Field(default="", description="Heading", examples=["Dose all liquids"])
    parallel: list[list[Item]] = Field(
        min_length=2, description="Lists of steps, each in its own order"
    )


class Repeat(FileModel):
    """How often, and until when."""

    max_iterations: int = Field(
        ge=1, le=1000, description="It ends after so many rounds in any case", examples=[20]
    )
    until: Expr | Literal[""] = Field(
        default="",
        description="Condition that ends it, over outputs of its own steps; all rounds are done if left out",
        examples=["${measure.ph >= 7}"],
    )
    on_exhausted: Literal["fail", "continue"] = Field(
        default="fail",
        description="What it means where the condition never held: the run has failed, or it goes on",
        examples=["continue"],
    )
    steps: list[Item] = Field(min_length=1, description="What is repeated")


class RepeatBlock(Block):
    """Steps that are done again and again until a condition holds."""

    title: LongText = Field(default="", description="Heading", examples=["Titrate"])
    repeat: Repeat = Field(description="How often, and until when")


class ForEach(FileModel):
    """Which values, and what is done with each."""

    name: Name = Field(description="Name of the value in expressions", examples=["level"])
    values: list[LoopValue] = Field(
        min_length=1,
        max_length=1000,
        alias="in",
        description="The values, one for each round",
        examples=[["0 mL", "1 mL", "2 mL"]],
    )
    steps: list[Item] = Field(min_length=1, description="What is done for each value")


class ForEachBlock(Block):
    """Steps that are done once for each value of a list, in order."""

    title: LongText = Field(default="", description="Heading", examples=["Measure each standard"])
    for_each: ForEach = Field(description="Which values, and what is done with each")


class Branch(FileModel):
    """A question and two ways to go on."""

    when: Expr = Field(
        description="Condition over parameters and outputs of earlier steps",
        examples=["${read.absorbance_1 > 1.5}"],
    )
    then: list[Item] = Field(min_length=1, description="What is done where it holds")
    otherwise: list[Item] = Field(
        default_factory=list["Item"], alias="else", description="What is done where it does not"
    )


class BranchBlock(Block):
    """Steps that depend on a condition."""

    title: LongText = Field(default="", description="Heading", examples=["Dilute if too strong"])
    branch: Branch = Field(description="The condition, and the steps for either case")


class Call(FileModel):
    """Another SOP, pinned."""

    sop: Annotated[str, Field(min_length=1, max_length=300)] = Field(
        description="Path of the SOP, relative to this file", examples=["rinse.yaml"]
    )
    version: Version = Field(description="Its version, in quotes", examples=["1.0.0"])
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="Its `sop_sha256`, as `lab check` prints it: what is called can't change unnoticed",
        examples=["0" * 64],
    )
    arguments: dict[Name, str | int | float] = Field(
        default_factory=dict[str, str | int | float],
        alias="with",
        description="Its parameters; those left out have their defaults",
        examples=[{"volume": "${total_volume}"}],
    )
    equipment: dict[Name, Name] = Field(
        default_factory=dict[str, str],
        description="Its roles -> roles here; the same name if left out",
        examples=[{"pump": "rinse_pump"}],
    )
    containers: dict[Name, Name] = Field(
        default_factory=dict[str, str], description="Its containers -> containers here",
        examples=[{"beaker": "cell"}],
    )  # fmt: skip
    materials: dict[Name, Name] = Field(
        default_factory=dict[str, str], description="Its materials -> materials here",
        examples=[{"liquid": "water"}],
    )  # fmt: skip


class CallBlock(Block):
    """The steps of another SOP, as if written here."""

    title: LongText = Field(default="", description="Heading", examples=["Rinse the cell"])
    call: Call = Field(description="Which SOP, with which parameters")


_KINDS = ("manual", "stage", "parallel", "repeat", "for_each", "branch", "call")


def _kind(value: Any) -> str:  # noqa: ANN401  # pydantic hands over anything
    for kind in _KINDS:
        if (isinstance(value, dict) and kind in value) or (
            isinstance(value, BaseModel) and kind in type(value).model_fields
        ):
            return f"{kind} item"
    return "step item"


Item = Annotated[
    Annotated[Step, Tag("step item")]
    | Annotated[ManualStep, Tag("manual item")]
    | Annotated[Stage, Tag("stage item")]
    | Annotated[ParallelBlock, Tag("parallel item")]
    | Annotated[RepeatBlock, Tag("repeat item")]
    | Annotated[ForEachBlock, Tag("for_each item")]
    | Annotated[BranchBlock, Tag("branch item")]
    | Annotated[CallBlock, Tag("call item")],
    Discriminator(_kind),
]
"""One entry of a list of steps. Which kind it is shows by its key: `repeat`, `branch`, `manual` ..."""

for _model in (
    Stage,
    ParallelBlock,
    Repeat,
    ForEach,
    Branch,
    RepeatBlock,
    ForEachBlock,
    BranchBlock,
):
    _model.model_rebuild()
