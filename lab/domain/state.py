"""What is true, computed from events alone; `lab.domain.reduce` is the only way to a new state.

All values are frozen; a new state shares what did not change. Times are process seconds since the Unix epoch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from lab.domain import event as ev
from lab.domain.aim import Aim, Goal, Limit
from lab.domain.command import CancelOutcome, Command, Outcome, Settlement
from lab.domain.event_base import range_mark
from lab.domain.plan import Plan, Slot
from lab.domain.run import CLOSED, CommandStatus, RunStatus, StepStatus
from lab.domain.shelf import Shelf, newest, open_ones

__all__ = [
    "CampaignState",
    "CommandState",
    "DeviceStatus",
    "Flag",
    "InterlockStatus",
    "LabMode",
    "LabState",
    "Question",
    "RunState",
    "ServiceState",
    "StepState",
    "Task",
    "TrialState",
]

LabMode = Literal["running", "paused", "stopping", "safe"]

_TINY = 1e-9
"""Of a cost: what rounding leaves."""


@dataclass(frozen=True, slots=True)
class CommandState:
    """A command and where it stands. `epoch` is the engine's when it was intended."""

    command: Command
    status: CommandStatus
    epoch: int
    intended_s: float
    ended_s: float | None = None
    outcome: Outcome | None = None
    settlement: Settlement | None = None
    reason: str = ""
    doubted: bool = False
    """Its outcome was unknown at some time."""
    cancel: ev.CancelAsked | None = None
    """Somebody wants it stopped."""
    cancelled: CancelOutcome | None = None
    """What came of that."""
    ledger: str = ""
    """Identity of the ledger of the device's host when it was intended: no other can know what became of it."""
    takes: Mapping[str, int] = field(default_factory=dict[str, int])
    """Service -> how much of it the command takes at most."""

    @property
    def open(self) -> bool:
        return self.status not in CLOSED


@dataclass(frozen=True, slots=True)
class StepState:
    """A step of a run. `attempt` counts from 1 and names the present or last try; 0 before the first.

    A step that was given up after a failure is skipped and keeps its error.
    """

    path: str
    status: StepStatus = "waiting"
    attempt: int = 0
    retries: int = 0
    command: str = ""
    task: str = ""
    started_s: float | None = None
    ended_s: float | None = None
    not_before_s: float = 0.0
    error: str = ""
    outputs: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    @property
    def passed(self) -> bool:
        """Done or skipped: what needs it may go on."""
        return self.status in ("succeeded", "skipped")


@dataclass(frozen=True, slots=True)
class Flag:
    """What whoever uses the run's data should know."""

    kind: ev.FlagKind
    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunState:
    """One execution of a plan."""

    id: str
    campaign: str
    trial: int
    plan: Plan
    status: RunStatus
    steps: Mapping[str, StepState]
    started_s: float
    ended_s: float | None = None
    ending: Literal["failed", "aborted"] | None = None
    reason: str = ""
    results: Mapping[str, ev.Value] = field(default_factory=dict[str, ev.Value])
    decisions: Mapping[str, bool] = field(default_factory=dict[str, bool])
    flags: tuple[Flag, ...] = ()
    timing: Mapping[str, ev.TimingRecorded] = field(default_factory=dict[str, ev.TimingRecorded])
    quality: Mapping[str, ev.QualityRecorded] = field(default_factory=dict[str, ev.QualityRecorded])
    promised: Mapping[str, float] = field(default_factory=dict[str, float])
    """Window with a longest time -> how long it was to be by the timeline in force when its first step began; seconds."""

    @property
    def open(self) -> bool:
        return self.status in ("running", "stopping")


@dataclass(frozen=True, slots=True)
class TrialState:
    """One suggested parameter set and what came of it."""

    number: int
    factors: Mapping[str, ev.FactorValue]
    origin: str
    status: Literal["pending", "done", "failed", "rejected", "withdrawn"] = "pending"
    value: float | None = None
    standard_deviation: float | None = None
    predicted_mean: float | None = None
    predicted_sd: float | None = None
    nearest_trial: int | None = None
    note: str = ""
    reason: str = ""
    run: str = ""
    outcomes: Mapping[str, float] = field(default_factory=dict[str, float])
    """What was measured, by result, where several are sought or limited; of a failed trial what it gave before."""
    beyond: Mapping[str, ev.Side] = field(default_factory=dict[str, ev.Side])
    """By result: its value is an end of the measuring range, and it lies on this side of it."""
    predicted: Mapping[str, tuple[float, float]] = field(
        default_factory=dict[str, tuple[float, float]]
    )
    chance: float | None = None
    better: float | None = None
    explores: str = ""
    context: Mapping[str, ev.ContextValue] = field(default_factory=dict[str, ev.ContextValue])
    """Where the values of factors come from that nobody chose."""
    expected_cost: float | None = None
    cost: float | None = None
    """What it did cost, in `CampaignState.cost_unit`."""
    approved: str = ""
    """Who let it be made, where the campaign asks for that."""
    fidelity: str = ""
    """How it is measured, where the campaign has several ways."""
    set_by_fidelity: Mapping[str, ev.SettingValue] = field(
        default_factory=dict[str, ev.SettingValue]
    )
    """Parameters that make it so."""

    @property
    def settings(self) -> Mapping[str, ev.SettingValue]:
        """All that the trial sets: its factors, and what its fidelity does."""
        return {**self.factors, **self.set_by_fidelity}

    def mark(self, result: str) -> str:
        """What stands before the value of a result: `> ` or `< ` where it lies beyond the measuring range."""
        return range_mark(self.beyond.get(result))


@dataclass(frozen=True, slots=True)
class CampaignState:
    """An optimisation. `slots` and `origin` are its present timeline."""

    spec: ev.CampaignStarted
    started_s: float
    status: Literal["running", "completed", "stopped", "failed"] = "running"
    reason: str = ""
    trials: Mapping[int, TrialState] = field(default_factory=dict[int, TrialState])
    ended_s: float | None = None
    best_trial: int | None = None
    origin_s: float = 0.0
    slots: tuple[Slot, ...] = ()
    places: Mapping[tuple[str, str], Slot] = field(default_factory=dict[tuple[str, str], Slot])
    """Run and step -> its slot."""
    choices: Mapping[str, int] = field(default_factory=dict[str, int])
    broken: tuple[ev.BrokenLimit, ...] = ()
    """Limits on time that the timeline does not keep."""
    services: tuple[ev.ServiceSlot, ...] = ()
    """What people are to do in between."""
    plan_stale: bool = True
    planned_s: float = 0.0
    """When the timeline was made."""
    vetoes: tuple[ev.SpaceVetoed, ...] = ()
    outside: tuple[TrialState, ...] = ()
    """Results that people told from outside, numbered -1, -2, ...: they teach, and are never the campaign's best."""
    context: Mapping[str, ev.ContextValue] = field(default_factory=dict[str, ev.ContextValue])
    """What factors that nobody chooses were when that was last looked at, or told."""
    awaited: ev.ContextAwaited | None = None
    awaited_s: float = 0.0
    """Why nothing is proposed, and since when."""
    nearness: ev.StoppingJudged | None = None
    """How near the optimum was when the optimiser was last asked, where the campaign wants to know."""
    partial: bool = False
    """Whether runs are left that the timeline does not hold yet."""
    plan: int = 0
    """The record that holds it."""
    holds: tuple[ev.HoldJudged, ...] = ()
    """What was last told of each longest time that was in danger."""
    judged: int = 0
    """The last timeline for which a better one was looked for, and judged."""

    @property
    def open_trials(self) -> tuple[TrialState, ...]:
        return tuple(trial for trial in self.trials.values() if trial.status == "pending")

    @property
    def ready_trials(self) -> tuple[TrialState, ...]:
        """The open trials that may be made: where the campaign asks for approval, those that have it."""
        waiting = self.spec.approval
        return tuple(trial for trial in self.open_trials if trial.approved or not waiting)

    @property
    def enough(self) -> bool:
        """Nothing more is proposed: the budget is used up, or the stopping rule is met."""
        return (
            len(self.trials) >= self.spec.trials
            or (self.nearness is not None and self.nearness.enough)
            or not self.affordable
        )

    @property
    def cost_left(self) -> float:
        """What is left of a budget of cost, in the unit of the fidelities' costs; infinite without one."""
        if self.spec.cost_budget is None:
            return math.inf
        return self.spec.cost_budget - sum(self.cost_of(t.fidelity) for t in self.trials.values())

    @property
    def affordable(self) -> bool:
        """Whether a trial that counts can still be paid: quick ones serve nothing else."""
        return self.spec.cost_budget is None or self.cost_left >= self.cost_of(self.target) - _TINY

    def cost_of(self, fidelity: str) -> float:
        """What a trial of a fidelity costs; nothing where there are none."""
        return next((way.cost for way in self.spec.fidelities if way.name == fidelity), 0.0)

    @property
    def target(self) -> str:
        """The fidelity that counts; empty where there is one way to measure."""
        return self.spec.fidelities[-1].name if self.spec.fidelities else ""

    @property
    def counting(self) -> tuple[TrialState, ...]:
        """The trials that measure, or are to measure, what is sought: of several fidelities those at the last."""
        target = self.target
        return tuple(trial for trial in self.trials.values() if trial.fidelity == target)

    @property
    def objectives(self) -> tuple[ev.ObjectiveSpec, ...]:
        """All of them, the first first."""
        return (self.spec.objective, *self.spec.further)

    @property
    def aim(self) -> Aim | None:
        """What is sought, where it is more than one number to maximise or minimise."""
        spec = self.spec
        if not (spec.further or spec.limits or spec.objective.direction == "target"):
            return None
        return Aim(
            goals=tuple(
                Goal(o.result, o.direction, o.target, o.worst, o.ideal, o.weight)
                for o in self.objectives
            ),
            limits=tuple(Limit(n.result, n.minimum, n.maximum) for n in spec.limits),
            weigh=spec.weigh,
        )

    @property
    def held(self) -> dict[str, ev.FactorValue]:
        """The values of the factors that nobody chooses, as far as they are known."""
        return {name: told.value for name, told in self.context.items()}

    @property
    def cost_unit(self) -> str:
        """Of what gains are divided by; empty where by nothing."""
        cost = self.spec.cost
        return "" if not self.spec.per else "s" if cost is None else cost.unit

    @property
    def spent(self) -> float:
        """What the trials that ended did cost, in that unit."""
        return sum(trial.cost or 0.0 for trial in self.trials.values())

    @property
    def measured(self) -> bool:
        """Whether any trial has given a value."""
        return any(trial.value is not None for trial in self.counting)

    def front(self) -> tuple[TrialState, ...]:
        """The finished trials that keep all limits and that no such trial beats: one, unless objectives pull apart."""
        aim = self.aim
        if aim is not None:
            return tuple(aim.front(self.trials.values()))
        best = self.best()
        return () if best is None else (best,)

    def hold(self, run: str, window: str) -> ev.HoldJudged | None:
        """What was last told of a longest time."""
        return next((h for h in self.holds if (h.run, h.window) == (run, window)), None)

    def best(self) -> TrialState | None:
        """The finished trial with the best measured value that keeps all limits; None where objectives pull apart."""
        aim = self.aim
        if aim is not None:
            return next(iter(aim.front(self.trials.values())), None) if aim.single else None
        done = [trial for trial in self.counting if trial.value is not None]
        if not done:
            return None
        sign = 1.0 if self.spec.objective.direction == "maximize" else -1.0
        return max(done, key=lambda trial: (sign * (trial.value or 0.0), -trial.number))


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """What the engine knows of a device."""

    name: str
    state: str
    detail: str = ""
    since_s: float = 0.0
    description: ev.DeviceDescribed | None = None
    safe_requests: tuple[str, ...] = ()
    """What keeps it safe, as its host last told."""
    dead_man: str = ""
    """The last request that its host made by itself."""
    ledger: str = ""
    """Identity of its host's ledger, as last told."""


@dataclass(frozen=True, slots=True)
class InterlockStatus:
    """An interlock as it was last found."""

    changed: ev.InterlockChanged
    since_s: float

    def stops(self, device: str, action: str) -> bool:
        """May that not be done now?"""
        told = self.changed
        if told.state == "holds" or device not in told.blocks:
            return False
        return not told.actions or action in told.actions


@dataclass(frozen=True, slots=True)
class Question:
    """A choice that waits for a person: about a command, or (with `step`) about how the run goes on."""

    id: str
    command: str
    run: str
    text: str
    choices: tuple[str, ...]
    since_s: float
    step: str = ""
    service: str = ""

    @property
    def holds_run(self) -> bool:
        """No step of the run starts until it is answered; otherwise only what needs the failed step waits."""
        return "continue" in self.choices


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a person is asked to do."""

    asked: ev.TaskAsked
    since_s: float
    answer: ev.TaskAnswered | None = None
    witness: str = ""

    @property
    def ended(self) -> bool:
        """Answered, and confirmed where that is due."""
        if self.answer is None:
            return False
        return self.answer.failed or self.asked.sign != "witness" or bool(self.witness)


@dataclass(frozen=True, slots=True)
class ServiceState:
    """Something that steps use up, or that grows old, and that people give back: a refill, emptying, upkeep, a calibration."""

    room: int = 0
    """How much there is when nothing is taken, as the campaign began: whole nanolitres, or actions; 0 for what grows old."""
    taken: int = 0
    """Since it was last done; what may have been taken counts."""
    asked: int = 0
    """How often somebody was asked for it."""
    question: str = ""
    """The open one; from then on the devices that it concerns stand still."""
    since_s: float = 0.0
    taken_before: int = 0
    """When that was asked, and what was taken by then."""
    not_before_s: float = 0.0
    """When somebody is asked again, after a person could not do it."""
    done_s: float | None = None
    done_by: str = ""


def _is_open(run: RunState) -> bool:
    return run.open


def _is_running(campaign: CampaignState) -> bool:
    return campaign.status == "running"


@dataclass(frozen=True, slots=True)
class LabState:
    """Everything. Commands hold the open ones and, while a run is open, the last of each step."""

    seq: int = 0
    epoch: int = 0
    journal: str = ""
    """Identity of the records; empty before the first start of an engine."""
    at_s: float = 0.0
    mode: LabMode = "running"
    mode_actor: str = ""
    mode_reason: str = ""
    mode_since_s: float = 0.0
    mode_seq: int = 0
    """The record that brought the present mode."""
    safe_orders: tuple[str, ...] = ()
    """Ids of the orders to be safe since the last re-arming."""
    lifted: frozenset[str] = frozenset()
    """Safe requests that a person has lifted."""
    stop_asked: tuple[str, str] | None = None
    """Who asked for the campaign's stop and why, also while the lab is safe in between."""
    campaigns: Mapping[str, CampaignState] = field(
        default_factory=lambda: Shelf[CampaignState](is_open=_is_running)
    )
    runs: Mapping[str, RunState] = field(default_factory=lambda: Shelf[RunState](is_open=_is_open))
    commands: Mapping[str, CommandState] = field(default_factory=dict[str, CommandState])
    devices: Mapping[str, DeviceStatus] = field(default_factory=dict[str, DeviceStatus])
    interlocks: Mapping[str, InterlockStatus] = field(default_factory=dict[str, InterlockStatus])
    """As this engine found them; a new one begins with none."""
    questions: Mapping[str, Question] = field(default_factory=dict[str, Question])
    tasks: Mapping[str, Task] = field(default_factory=dict[str, Task])
    services: Mapping[str, ServiceState] = field(default_factory=dict[str, ServiceState])
    """By name, as `stock water`; what nobody asked for and no step has taken may be missing."""
    requests: Mapping[str, ev.RequestAnswered] = field(
        default_factory=dict[str, ev.RequestAnswered]
    )

    @property
    def active_campaign(self) -> CampaignState | None:
        """The campaign that is not finished; at most one."""
        return next(iter(open_ones(self.campaigns, _is_running)), None)

    def open_runs(self) -> tuple[RunState, ...]:
        return open_ones(self.runs, _is_open)

    def newest_runs(self, count: int) -> tuple[RunState, ...]:
        """The last runs that began, at most so many, in that order."""
        return newest(self.runs, count)

    def interlocked(self, device: str, action: str) -> InterlockStatus | None:
        """The interlock that keeps a device from an action now."""
        found = (status for status in self.interlocks.values() if status.stops(device, action))
        return next(found, None)

    def open_commands(self) -> tuple[CommandState, ...]:
        return tuple(command for command in self.commands.values() if command.open)
