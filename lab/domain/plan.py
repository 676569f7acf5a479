"""Plans: procedures with parameters and devices bound; timelines: plans with times.

A plan is flat: loops are unrolled up to their `max_iterations`, calls are written out, and what may not happen
carries guards. So the planner, the gate and the records see plain steps, and the engine only has to decide which of
them are skipped. A plan carries numbers in the units that the capability contracts declare. It is JSON-serialisable
as it stands, because the journal keeps it with the run.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Binding",
    "Check",
    "Decision",
    "DurationSource",
    "Formula",
    "Guard",
    "LateArgument",
    "Limit",
    "ManualField",
    "ManualTask",
    "MaterialLot",
    "Plan",
    "PlannedStep",
    "QualityCheck",
    "ResultSpec",
    "RetryPolicy",
    "Slot",
    "TimeWindow",
    "Timeline",
]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


DurationSource = Literal["sop", "driver", "journal"]
"""Who says how long a step takes: its SOP, the device's driver from the arguments, or earlier runs."""


def _is_sop(source: object) -> bool:
    return source == "sop"


def _is_none(value: object) -> bool:
    return value is None


def _is_zero(number: object) -> bool:
    return number == 0


class RetryPolicy(_Frozen):
    """What happens when a step fails without effect. A step with a partial or unknown effect is never retried."""

    max_retries: int = 0
    delay_s: float = 0.0


class Binding(_Frozen):
    """Where a name in a formula gets its value: from the plan, from steps, or from another formula."""

    unit: str = ""
    value: float | bool | str | None = None
    """Known when the plan was made, a number in `unit`."""
    outputs: tuple[str, ...] = ()
    """`path.output` in the order of execution; the last of them that is there counts."""
    uncertainty: float | None = None
    """Standard uncertainty in `unit` that the procedure or the material declares."""
    relative_uncertainty: float | None = None
    """The same as a share of the value; both are combined with an output's own `<output>_sd`."""
    formula: Formula | None = None


class Formula(_Frozen):
    """An expression whose names are all bound; evaluated by `lab.plan.evaluate` with units."""

    expression: str
    names: dict[str, Binding] = Field(default_factory=dict)
    rows: tuple[dict[str, Binding], ...] | None = None
    """Names of each iteration, for functions over a loop (`mean`, `slope`); None outside loops."""


class Guard(_Frozen):
    """A step is taken only if that decision was taken that way; it is skipped if not."""

    decision: str
    value: bool


class Decision(_Frozen):
    """A question that the run answers by itself when what it needs is done: a branch, or the end of a loop."""

    path: str
    title: str
    kind: Literal["branch", "loop"]
    formula: Formula
    needs: tuple[str, ...] = ()
    """Steps that must be done or skipped first."""
    when: tuple[Guard, ...] = ()
    """Where these do not hold the decision is not taken at all, and what it guards is skipped."""
    failure: str = ""
    """Set for the last iteration of a loop: the run fails with these words where the answer is no."""


class Check(_Frozen):
    """A condition on a finished step."""

    formula: Formula
    message: str
    severity: Literal["warn", "fail", "abort"] = "fail"
    """warn: the sample is flagged; fail: the step has failed; abort: so has the run, without another try."""

    @property
    def expression(self) -> str:
        return self.formula.expression


class LateArgument(_Frozen):
    """An argument that depends on what earlier steps measured; computed when the step starts."""

    formula: Formula
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    """Limits that were counted upon when the procedure was checked; beyond them the step is refused."""
    integer: bool = False
    key: str = ""
    """Of an argument that is a mapping (volumes of several stocks): the entry."""


class ManualField(_Frozen):
    """One answer that a person gives."""

    kind: Literal["quantity", "integer", "yes_no", "choice", "text"]
    prompt: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    required: bool = True


class ManualTask(_Frozen):
    """A step that a person does and answers for."""

    prompt: str
    fields: dict[str, ManualField] = Field(default_factory=dict)
    sign: Literal["none", "performer", "witness"] = "performer"
    """witness: a second person, not the performer, must confirm."""
    simulated_answers: dict[str, JsonValue] = Field(default_factory=dict)
    """What a simulated person answers, for runs without hardware."""


class PlannedStep(_Frozen):
    """One step with every argument a number (or a formula for one) and the device chosen."""

    path: str
    title: str
    instruction: str = ""
    capability: str
    action: str
    device: str
    """Of a manual step, the operator."""
    args: dict[str, JsonValue] = Field(default_factory=dict)
    late_args: dict[str, LateArgument] = Field(default_factory=dict)
    """Argument (or `argument.key`) -> how to compute it."""
    manual: ManualTask | None = None
    needs: tuple[str, ...] = ()
    """Paths of steps that must have been done or skipped first."""
    when: tuple[Guard, ...] = ()
    claims: tuple[str, ...] = ()
    """Stations (shared vessels, places) that the run holds while this step runs; see `Plan.stations`."""
    draws_from: tuple[str, ...] = ()
    """Of the claims, those whose contents the step moves away."""
    duration_s: float
    duration_from: DurationSource = Field(default="sop", exclude_if=_is_sop)
    duration_runs: int = Field(default=0, exclude_if=_is_zero)
    """Of a duration that the journal knows: how many runs tell it."""
    timeout_s: float
    retry: RetryPolicy = RetryPolicy()
    on_failure: Literal["fail", "skip", "hold"] = "fail"
    """What a failure means when no try is left: the run fails, goes on without the step, or a person decides."""
    resume: Literal["continue", "restart", "scrap"] = "continue"
    """After an outcome was unknown for a while (a crash): what came out counts; a reading or setting is done again;
    the sample is given up."""
    checks: tuple[Check, ...] = ()
    effect: Literal["none", "absolute", "once"] = "none"
    settle: Literal["query", "ask"] = "query"
    output_units: dict[str, str] = Field(default_factory=dict)
    safe_state: bool = False
    """True for the steps that run only when the run ends badly."""
    compensates: str = ""
    """Set for safe-state steps that run only where that main step failed."""


class ResultSpec(_Frozen):
    """A value that the run yields in `unit`, with its propagated uncertainty where inputs have one."""

    name: str
    unit: str
    formula: Formula
    required: bool = True
    """A run without a required result has failed."""
    minimum: float | None = Field(default=None, exclude_if=_is_none)
    maximum: float | None = Field(default=None, exclude_if=_is_none)
    """Ends of what can be measured, in `unit`: at an end and beyond it the number is not known exactly."""

    def beyond(self, value: float) -> Literal["above", "below"] | None:
        """On which side of the measuring range a value lies; None within it."""
        if self.maximum is not None and value >= self.maximum:
            return "above"
        return "below" if self.minimum is not None and value <= self.minimum else None

    def known(self, value: float) -> float:
        """What is known of a value: the end of the range where it lies beyond."""
        side = self.beyond(value)
        end = self.maximum if side == "above" else self.minimum
        return value if side is None or end is None else end


class TimeWindow(_Frozen):
    """A limit on the time between two marks of a run."""

    name: str
    from_steps: tuple[str, ...]
    """In order of execution; the last that was taken counts."""
    from_mark: Literal["start", "end"]
    to_steps: tuple[str, ...]
    """In order of execution; the first that was taken counts."""
    to_mark: Literal["start", "end"]
    less_than_s: float | None = None
    more_than_s: float | None = None
    ideal_s: float | None = None
    on_violation: Literal["flag", "scrap", "abort"] = "flag"


class Limit(_Frozen):
    """A measured value that may not leave its limits while the procedure runs."""

    signal: str
    device: str
    output: str
    unit: str
    minimum: float | None = None
    maximum: float | None = None
    on_violation: Literal["hold", "abort"] = "abort"

    def beyond(self, value: float) -> float:
        """By how much a value in `unit` is outside; 0 within."""
        below = 0.0 if self.minimum is None else self.minimum - value
        above = 0.0 if self.maximum is None else value - self.maximum
        return max(below, above, 0.0)


class QualityCheck(_Frozen):
    """A standard, blank or set of replicates measured beside the sample, judged when the run ends."""

    name: str
    kind: Literal["standard", "blank", "replicates"]
    formula: Formula
    unit: str
    certified_value: float | None = None
    expanded_uncertainty: float | None = None
    coverage_factor: float = 2.0
    certificate: str = ""
    minimum: float | None = None
    maximum: float | None = None
    """Limits of the judged number: of a standard its deviation from the certified value, of replicates their
    relative standard deviation in percent."""
    least: int | None = None
    """Of replicates: how many are needed."""
    control_rules: tuple[str, ...] = ()
    """Of standards: Westgard rules for the row of their results; see `lab.plan.control_chart`."""
    on_failure: Literal["flag", "fail"] = "flag"


class MaterialLot(_Frozen):
    """Which stock served as a material, and of which lot."""

    stock: str
    lot: str = ""


class Plan(_Frozen):
    """An executable procedure for one sample."""

    sop_id: str
    sop_version: str
    sop_sha256: str
    bindings: dict[str, str]
    """Role or station of the SOP -> device or station of the lab."""
    parameters: dict[str, JsonValue]
    """Parameter -> number (or text) as bound."""
    parameter_units: dict[str, str] = Field(default_factory=dict)
    values: dict[str, float] = Field(default_factory=dict)
    """Numbers that were computed beforehand: parameters and derived values in their declared units."""
    lots: dict[str, MaterialLot] = Field(default_factory=dict)
    stations: tuple[str, ...] = ()
    """A station is held from the first to the last main step that claims it, so no other run enters between."""
    steps: tuple[PlannedStep, ...]
    decisions: tuple[Decision, ...] = ()
    timing: tuple[TimeWindow, ...] = ()
    limits: tuple[Limit, ...] = ()
    quality: tuple[QualityCheck, ...] = ()
    results: tuple[ResultSpec, ...] = ()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Plan:
        """As pydantic's, but the copy looks up its own steps and not those of the original."""
        copy = super().model_copy(update=update, deep=deep)
        for name in ("_by_path", "places", "guarded"):
            vars(copy).pop(name, None)
        return copy

    @cached_property
    def _by_path(self) -> dict[str, PlannedStep]:
        return {step.path: step for step in self.steps}

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Devices and stations that its main steps use, each once."""
        main = [step for step in self.steps if not step.safe_state]
        names = [name for step in main for name in (step.device, *step.claims)]
        return tuple(dict.fromkeys(names))

    @cached_property
    def guarded(self) -> dict[tuple[str, bool], tuple[str, ...]]:
        """Decision and value -> the steps that are taken only if it was taken that way."""
        found: dict[tuple[str, bool], list[str]] = {}
        for step in self.steps:
            for guard in step.when:
                found.setdefault((guard.decision, guard.value), []).append(step.path)
        return {key: tuple(paths) for key, paths in found.items()}

    def step(self, path: str) -> PlannedStep:
        """The step with that path; KeyError when there is none."""
        return self._by_path[path]


class Slot(_Frozen):
    """A step's place in the timeline, in process seconds from the timeline's origin."""

    run: str
    step: str
    device: str
    claims: tuple[str, ...] = ()
    start_s: float
    end_s: float
    duration_from: DurationSource = Field(default="sop", exclude_if=_is_sop)
    """Who says that it takes so long; of a step that runs, its start is a fact."""
    duration_runs: int = Field(default=0, exclude_if=_is_zero)


class Timeline(_Frozen):
    """Slots of all runs that are planned together, ordered by start; origin is the engine's clock zero."""

    slots: tuple[Slot, ...] = ()

    @property
    def makespan_s(self) -> float:
        """The latest end, in seconds from the origin; 0 without slots."""
        return max((slot.end_s for slot in self.slots), default=0.0)
