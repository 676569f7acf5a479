"""What guards the procedure: safety, limits on time, and quality."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lab.sop.fields import AnyQuantity, Duration, Expr, FileModel, LongText, Name, Text
from lab.sop.model_steps import SafeStep

__all__ = [
    "Acceptance",
    "Blank",
    "Incompatible",
    "Override",
    "Quality",
    "Replicates",
    "Safety",
    "SignalLimit",
    "Standard",
    "Timing",
]

OutputName = Annotated[str, Field(pattern=r"^[A-Za-z]\w*\.[A-Za-z]\w*$")]
Mark = Annotated[str, Field(pattern=r"^[A-Za-z]\w*\.(?:start|end)$")]


ControlRule = Literal["1_2s", "1_3s", "2_2s", "R_4s", "4_1s", "10_x"]


class SignalLimit(FileModel):
    """A measured value that may not leave its limits while the procedure runs."""

    signal: OutputName = Field(
        description="`role.output`: a value that this role's device measures",
        examples=["stirrer.temperature"],
    )
    minimum: AnyQuantity | None = Field(default=None, description="Least allowed value")
    maximum: AnyQuantity | None = Field(default=None, description="Greatest allowed value")
    on_violation: Literal["hold", "abort"] = Field(
        default="abort", description="hold: a person decides; abort: the run ends in its safe state",
        examples=["hold"],
    )  # fmt: skip


class Incompatible(FileModel):
    """Materials that may never meet, whatever the table of reactive groups says."""

    materials: list[Name] = Field(
        min_length=2, max_length=2, description="Two materials", examples=[["bleach", "acid"]]
    )
    reason: LongText = Field(description="What would happen", examples=["chlorine is set free"])


class Override(FileModel):
    """A finding about safety that a named person answers for."""

    finding: Literal["incompatible", "flash_point", "boiling_point", "sealed", "unattended"] = (
        Field(description="Which kind of finding", examples=["incompatible"])
    )
    between: list[Name] = Field(
        default_factory=list[str], max_length=2,
        description="The materials (or material and container) that it is about",
        examples=[["acid", "base"]],
    )  # fmt: skip
    name: Text = Field(description="Who answers for it", examples=["A. Weber"])
    reason: Text = Field(
        description="Why it is safe here", examples=["10 mmol/L each; the heat is below 1 K"]
    )


class Safety(FileModel):
    """Conditions under which the procedure may run."""

    supervision: Literal["none", "remote", "present"] = Field(
        default="present",
        description="Who must watch: nobody, someone at a screen, someone there",
        examples=["remote"],
    )
    max_unattended: Duration | None = Field(
        default=None, description="Longest time without a manual step", examples=["8 h"]
    )
    hazards: list[Text] = Field(
        default_factory=list[str], description="Hazards of the procedure as a whole",
        examples=[["hot surfaces"]],
    )  # fmt: skip
    ppe: list[Text] = Field(
        default_factory=list[str], description="Personal protective equipment",
        examples=[["safety glasses", "nitrile gloves"]],
    )  # fmt: skip
    notes: LongText = Field(
        default="", description="What else to know", examples=["Work in the fume hood."]
    )
    limits: list[SignalLimit] = Field(
        default_factory=list[SignalLimit], description="Limits of measured values"
    )
    incompatible_materials: list[Incompatible] = Field(
        default_factory=list[Incompatible], description="Pairs that may never meet"
    )
    overrides: list[Override] = Field(
        default_factory=list[Override], description="Findings that a named person answers for"
    )
    safe_state: list[SafeStep] = Field(
        default_factory=list[SafeStep], description="Steps that make a run safe when it ends badly"
    )


class Timing(FileModel):
    """A limit on the time between two marks."""

    id: Name | Literal[""] = Field(
        default="", description="Name of the limit in records", examples=["quench_delay"]
    )
    start: Mark = Field(
        alias="from", description="`step.start` or `step.end`", examples=["dose.end"]
    )
    to: Mark = Field(description="`step.start` or `step.end`", examples=["quench.start"])
    less_than: Duration | None = Field(default=None, description="Longest allowed time")
    more_than: Duration | None = Field(default=None, description="Shortest allowed time")
    ideal: Duration | None = Field(default=None, description="The time that is meant")
    on_violation: Literal["flag", "scrap", "abort"] = Field(
        default="flag",
        description="flag: the data say so; scrap: the sample is given up; abort: the run has failed",
        examples=["scrap"],
    )


class Acceptance(FileModel):
    """What is counted as good."""

    minimum: AnyQuantity | None = Field(default=None, description="Least good value")
    maximum: AnyQuantity | None = Field(default=None, description="Greatest good value")
    on_failure: Literal["flag", "fail"] = Field(
        default="flag", description="flag: the data say so; fail: the run has failed",
        examples=["fail"],
    )  # fmt: skip


class Standard(FileModel):
    """A certified standard, measured beside the sample."""

    material: Name = Field(description="The material", examples=["check_buffer"])
    certificate: Text = Field(description="Number of its certificate", examples=["NIST SRM 186g"])
    certified_value: AnyQuantity = Field(
        description="Certified value", examples=["6.865", "1.413 mS/cm"]
    )
    expanded_uncertainty: AnyQuantity = Field(
        description="Its expanded uncertainty", examples=["0.01"]
    )
    k: float = Field(
        default=2.0, gt=0.0, le=10.0, description="Coverage factor of that", examples=[2.0]
    )
    measured: Expr = Field(
        description="`step.output` or `${expression}`: what was found", examples=["check.ph"]
    )
    tolerance: AnyQuantity = Field(
        description="Largest allowed deviation from the certified value", examples=["0.05"]
    )
    on_failure: Literal["flag", "fail"] = Field(
        default="flag", description="flag: the data say so; fail: the run has failed",
        examples=["fail"],
    )  # fmt: skip


class Blank(Acceptance):
    """A measurement without the sample."""

    measured: Expr = Field(
        description="`step.output` or `${expression}`: what was found",
        examples=["blank.absorbance_1"],
    )


class Replicates(FileModel):
    """The same measurement several times over."""

    measured: Expr = Field(
        description="`step.output` of a step in a loop: what was found", examples=["weigh.mass"]
    )
    least: int = Field(ge=2, le=1000, description="How many are needed", examples=[5])
    max_relative_sd: AnyQuantity = Field(
        description="Largest allowed relative standard deviation", examples=["1 percent"]
    )
    on_failure: Literal["flag", "fail"] = Field(
        default="flag", description="flag: the data say so; fail: the run has failed",
        examples=["fail"],
    )  # fmt: skip


class Quality(FileModel):
    """How it is known that the data are good."""

    standards: dict[Name, Standard] = Field(
        default_factory=dict[str, Standard], description="Certified standards"
    )
    blanks: dict[Name, Blank] = Field(default_factory=dict[str, Blank], description="Blanks")
    replicates: dict[Name, Replicates] = Field(
        default_factory=dict[str, Replicates], description="Replicates"
    )
    qc_every: int | None = Field(
        default=None, ge=1, le=10_000, description="A quality-control run after so many runs",
        examples=[10],
    )  # fmt: skip
    control_rules: list[ControlRule] = Field(
        default_factory=list[ControlRule],
        description="Westgard rules for the control charts of its standards",
        examples=[["1_3s", "2_2s"]],
    )
