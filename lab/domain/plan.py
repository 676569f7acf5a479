"""Plans: procedures with parameters and devices bound; timelines: plans with times.

A plan carries only numbers in the units that the capability contracts declare. It is JSON-serialisable as it
stands, because the journal keeps it with the run.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

__all__ = ["Check", "Plan", "PlannedStep", "ResultSpec", "RetryPolicy", "Slot", "Timeline"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RetryPolicy(_Frozen):
    """What happens when a step fails without effect. A step with a partial or unknown effect is never retried."""

    max_retries: int = 0
    delay_s: float = 0.0


class Check(_Frozen):
    """A condition on a finished step, e.g. `abs(mass - expected_mass) < 0.05`. A false one fails the step."""

    expression: str
    """Over the step's outputs and the plan's `values`; evaluated by `lab.plan.evaluate` with units."""
    message: str
    units: dict[str, str] = Field(default_factory=dict)
    """Name in the expression -> unit of its plain number."""


class PlannedStep(_Frozen):
    """One step with every argument a number and the device chosen."""

    path: str
    title: str
    capability: str
    action: str
    device: str
    args: dict[str, JsonValue] = Field(default_factory=dict)
    needs: tuple[str, ...] = ()
    """Paths of steps that must have succeeded first."""
    claims: tuple[str, ...] = ()
    """Stations (shared vessels, places) that the run holds while this step runs; see `Plan.stations`."""
    draws_from: tuple[str, ...] = ()
    """Of the claims, those whose contents the step moves away."""
    duration_s: float
    timeout_s: float
    retry: RetryPolicy = RetryPolicy()
    checks: tuple[Check, ...] = ()
    effect: Literal["none", "absolute", "once"] = "none"
    settle: Literal["query", "ask"] = "query"
    output_units: dict[str, str] = Field(default_factory=dict)
    safe_state: bool = False
    """True for the steps that run only when the run ends badly."""


class ResultSpec(_Frozen):
    """A value that the run yields in `unit`: `step.output`, or an expression over such outputs and `Plan.values`."""

    name: str
    source: str = ""
    unit: str
    expression: str = ""
    """Set where `source` is empty."""
    units: dict[str, str] = Field(default_factory=dict)
    """`step.output` or name in the expression -> unit of its plain number."""


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
    """Numbers that checks may use: parameters and derived values in their declared units."""
    stations: tuple[str, ...] = ()
    """A station is held from the first to the last main step that claims it, so no other run enters between."""
    steps: tuple[PlannedStep, ...]
    results: tuple[ResultSpec, ...] = ()

    def step(self, path: str) -> PlannedStep:
        """The step with that path; KeyError when there is none."""
        for step in self.steps:
            if step.path == path:
                return step
        raise KeyError(path)


class Slot(_Frozen):
    """A step's place in the timeline, in process seconds from the timeline's origin."""

    run: str
    step: str
    device: str
    claims: tuple[str, ...] = ()
    start_s: float
    end_s: float


class Timeline(_Frozen):
    """Slots of all runs that are planned together, ordered by start; origin is the engine's clock zero."""

    slots: tuple[Slot, ...] = ()

    @property
    def makespan_s(self) -> float:
        """The latest end, in seconds from the origin; 0 without slots."""
        return max((slot.end_s for slot in self.slots), default=0.0)
