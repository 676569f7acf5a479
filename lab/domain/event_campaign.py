"""The events of a campaign: what it seeks, what was proposed, what came of it, and what people said of it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from lab.domain.event_base import (
    AtMostSpec,
    ChoiceSpec,
    ContextValue,
    CostSpec,
    EventBase,
    FactorSpec,
    FactorValue,
    LimitSpec,
    ObjectiveSpec,
    SettingValue,
    Side,
    StopSpec,
    is_empty,
)
from lab.domain.event_plan import HopelessPolicy

__all__ = [
    "CampaignFinished",
    "CampaignStarted",
    "ContextAwaited",
    "ContextTold",
    "EarlierSpec",
    "FidelitySpec",
    "OutsideResult",
    "ResultsAdded",
    "SpaceVetoed",
    "StoppingJudged",
    "TrialApproved",
    "TrialCompleted",
    "TrialEdited",
    "TrialFailed",
    "TrialProposed",
    "TrialRejected",
    "TrialWithdrawn",
]


class OutsideResult(EventBase):
    """What was measured elsewhere: a value (of several results all of them by name), or a failure."""

    factors: dict[str, FactorValue]
    value: float | None = None
    """Of the first objective, in its unit; None where it failed."""
    outcomes: dict[str, float] = Field(default_factory=dict[str, float])
    failure: str = ""
    """Why it gave no value."""
    fidelity: str = Field(default="", exclude_if=is_empty)
    """How it was measured, where the campaign has several ways; the one that counts where empty."""
    beyond: dict[str, Side] = Field(default_factory=dict, exclude_if=is_empty)
    """By result: its value is an end of the range, and it lies on this side of it."""


class EarlierSpec(EventBase):
    """Trials of an earlier campaign with the same factors, as they were read at the start."""

    name: str
    source: str
    """The file's name, or the campaign's in the same records."""
    sha256: str = ""
    """Of the file's text."""
    results: tuple[OutsideResult, ...]


class FidelitySpec(EventBase):
    """A way to measure what is sought."""

    name: str
    cost: float
    """Of one trial, in a unit that is the same for all."""
    settings: dict[str, SettingValue] = Field(default_factory=dict, exclude_if=is_empty)
    """Parameters that make a trial one of this kind, in their units."""


class CampaignStarted(EventBase):
    """A campaign began. Files are named relative to where the command was given, with their hashes."""

    kind: Literal["campaign_started"] = "campaign_started"
    campaign: str
    title: str
    file: str
    sop_id: str
    sop_version: str
    sop_sha256: str
    lab_id: str
    factors: tuple[FactorSpec | ChoiceSpec, ...]
    constraints: tuple[str, ...] = ()
    """Comparisons of factors that every trial keeps, with units."""
    at_most: tuple[AtMostSpec, ...] = ()
    alike: tuple[str, ...] = ()
    """Factors with one value in all trials that are proposed together."""
    candidates: tuple[tuple[FactorValue, ...], ...] = ()
    """Where only these are tried: values of the factors in their order."""
    fixed: dict[str, JsonValue]
    objective: ObjectiveSpec
    further: tuple[ObjectiveSpec, ...] = ()
    """Other objectives, where several are sought."""
    weigh: Literal["front", "desirability"] = "front"
    limits: tuple[LimitSpec, ...] = ()
    stop: StopSpec | None = None
    approval: bool = False
    """Whether a person approves each trial before it begins."""
    method: str
    initial: int
    design: str = "sobol"
    batch: int
    trials: int
    parallel: int
    hopeless_holds: HopelessPolicy = "wait"
    outliers: bool = False
    """Results that the others contradict teach nothing, and surprises are measured again."""
    accuracy: dict[str, float] = Field(default_factory=dict[str, float])
    """Factor -> standard deviation of its set point, in its unit."""
    quantile: float | None = None
    """With an accuracy: sought is what is reached with the probability 1 - quantile; the average where None."""
    earlier: tuple[EarlierSpec, ...] = Field(default=(), exclude_if=is_empty)
    fidelities: tuple[FidelitySpec, ...] = Field(default=(), exclude_if=is_empty)
    """Where there are several ways to measure: quick ones first, and last the one that counts."""
    cost_budget: float | None = Field(default=None, exclude_if=is_empty)
    """What all trials may cost together, where fidelities say what each costs."""
    per: Literal["", "cost", "time"] = Field(default="", exclude_if=is_empty)
    """What a gain is divided by: `cost`, or the process seconds that the planner foresees for the trial; nothing where
    empty."""
    cost: CostSpec | None = Field(default=None, exclude_if=is_empty)
    supplies: dict[str, int] = Field(default_factory=dict, exclude_if=is_empty)
    """Service -> how much there is when nothing is taken: whole nanolitres, or actions."""
    seed: int


class TrialProposed(EventBase):
    """The optimiser suggested a parameter set."""

    kind: Literal["trial_proposed"] = "trial_proposed"
    campaign: str
    trial: int
    factors: dict[str, FactorValue]
    origin: str
    predicted_mean: float | None = None
    predicted_sd: float | None = None
    nearest_trial: int | None = None
    note: str = ""
    """Why this one; of a person's own trial who asked for it, and why."""
    predicted: dict[str, tuple[float, float]] = Field(
        default_factory=dict[str, tuple[float, float]]
    )
    """Of several outcomes each one's mean and standard deviation."""
    chance: float | None = None
    """Probability that the limits on results are kept; of one value, that the trial gives it at all."""
    better: float | None = None
    """Probability that the one value is better than the best measured so far."""
    explores: str = ""
    """Where it lies apart from all that was tried, in words."""
    fidelity: str = Field(default="", exclude_if=is_empty)
    """How it is measured, where the campaign has several ways."""
    context: dict[str, ContextValue] = Field(default_factory=dict, exclude_if=is_empty)
    """Of factors that nobody chooses: where the values come from for which it was proposed."""
    expected_cost: float | None = Field(default=None, exclude_if=is_empty)
    """Where gains are divided by a cost: what this one will cost, in its unit; of time in process seconds."""


class TrialCompleted(EventBase):
    """A trial gave a value of the objective; with several objectives or limits, of all of them."""

    kind: Literal["trial_completed"] = "trial_completed"
    campaign: str
    trial: int
    value: float
    standard_deviation: float | None = None
    outcomes: dict[str, float] = Field(default_factory=dict[str, float])
    """By result; empty where there is one objective and nothing else."""
    beyond: dict[str, Side] = Field(default_factory=dict, exclude_if=is_empty)
    """By result: its value is the end of the measuring range, and what was measured lies on this side of it."""
    cost: float | None = Field(default=None, exclude_if=is_empty)
    """What it did cost, where that is of interest (`CampaignStarted.per`)."""


class TrialFailed(EventBase):
    """A trial gave no value, or not all of several; the optimiser is told that it failed."""

    kind: Literal["trial_failed"] = "trial_failed"
    campaign: str
    trial: int
    reason: str
    cost: float | None = Field(default=None, exclude_if=is_empty)
    """What it did cost all the same."""
    outcomes: dict[str, float] = Field(default_factory=dict[str, float], exclude_if=is_empty)
    """Of several results those that were measured before it ended."""
    beyond: dict[str, Side] = Field(default_factory=dict, exclude_if=is_empty)


class CampaignFinished(EventBase):
    """A campaign ended: its budget is used up (completed), it was stopped, or it can't go on (failed)."""

    kind: Literal["campaign_finished"] = "campaign_finished"
    campaign: str
    state: Literal["completed", "stopped", "failed"]
    reason: str
    best_trial: int | None = None


class ContextTold(EventBase):
    """What a factor that nobody chooses is from now on: trials are proposed for that."""

    kind: Literal["context_told"] = "context_told"
    campaign: str
    factor: str
    told: ContextValue


class ContextAwaited(EventBase):
    """Nothing is proposed before the value of a factor is known that nobody chooses, and can be worked with."""

    kind: Literal["context_awaited"] = "context_awaited"
    campaign: str
    factor: str
    problem: Literal["missing", "stale", "outside", "forbidden"]
    """forbidden: with that value no trial keeps a constraint or a veto."""
    detail: str
    device: str = ""
    """Whose signal it is; empty where people tell it."""


class TrialApproved(EventBase):
    """A named person lets a proposed trial be made."""

    kind: Literal["trial_approved"] = "trial_approved"
    campaign: str
    trial: int
    actor: str
    reason: str = ""


class TrialEdited(EventBase):
    """A named person changed a proposed trial before it began."""

    kind: Literal["trial_edited"] = "trial_edited"
    campaign: str
    trial: int
    factors: dict[str, FactorValue]
    """All of them, as they are now."""
    actor: str
    reason: str


class TrialRejected(EventBase):
    """A named person took a proposed trial back before it began. It teaches nothing; its number (and well) is spent."""

    kind: Literal["trial_rejected"] = "trial_rejected"
    campaign: str
    trial: int
    actor: str
    reason: str


class TrialWithdrawn(EventBase):
    """A named person says that the result of an ended trial is not to be used (its sample was spoilt, a device was out of
    order): from now on it teaches nothing, and is never the best. What was measured stays in the records; its number, well and
    share of the budget are spent."""

    kind: Literal["trial_withdrawn"] = "trial_withdrawn"
    campaign: str
    trial: int
    """Below 0 of results from outside."""
    actor: str
    reason: str


class ResultsAdded(EventBase):
    """A named person told results from outside this campaign. They teach the optimiser, use up no budget and no well, and
    are numbered -1, -2, ... in the order in which they came."""

    kind: Literal["results_added"] = "results_added"
    campaign: str
    results: tuple[OutsideResult, ...]
    source: str = ""
    """Name of the file that they come from."""
    actor: str
    reason: str


class SpaceVetoed(EventBase):
    """A named person forbids all trials where a condition holds, from now on."""

    kind: Literal["space_vetoed"] = "space_vetoed"
    campaign: str
    condition: str
    actor: str
    reason: str


class StoppingJudged(EventBase):
    """How near the best trial is to the optimum, as the model sees it; in the objective's unit, or in `unit`."""

    kind: Literal["stopping_judged"] = "stopping_judged"
    campaign: str
    trial: int
    """The one that the model recommends."""
    within: float
    probability: float
    """That it is so near."""
    expected_gain: float
    unit: str = ""
    """Percent of a front's volume, or of a desirability; empty for the objective's own."""
    enough: bool
    """The campaign's rule is met: nothing more is proposed."""
