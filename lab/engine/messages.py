"""What reaches the engine's core, and what the core asks its shell to do. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import JsonValue

from lab.bus.envelope import Upstream
from lab.domain.errors import EmptySpaceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.command import Command
    from lab.domain.event import FactorValue, PlanSource
    from lab.domain.plan import Slot
    from lab.plan.improvement import PlanJob

__all__ = [
    "Answered",
    "AskOptimiser",
    "CancelCommand",
    "DeviceLost",
    "Effect",
    "ImprovePlan",
    "MakeSafe",
    "Message",
    "Nearness",
    "Outranked",
    "PlanFound",
    "Proposal",
    "Proposed",
    "QueryCommand",
    "Rearm",
    "Requested",
    "SendCommand",
    "Signal",
    "Tick",
    "command_of",
]


# -- messages: from the shell to the core ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """No heartbeat for too long."""

    device: str


@dataclass(frozen=True, slots=True)
class Outranked:
    """A device is held by another engine: of other records, or of a later start on the same ones."""

    device: str
    epoch: int
    journal: str


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near the best trial is to the optimum; see `lab.domain.event.StoppingJudged`."""

    trial: int
    probability: float
    expected_gain: float


@dataclass(frozen=True, slots=True)
class Signal:
    """A live value of a device. `told_s` orders values of one `boot` of its host; `age_s`: process seconds since it was true."""

    device: str
    channel: str
    unit: str
    value: float
    boot: str
    told_s: float
    age_s: float


@dataclass(frozen=True, slots=True)
class Proposal:
    """One suggestion of the optimiser."""

    factors: Mapping[str, FactorValue]
    origin: str
    predicted_mean: float | None = None
    predicted_sd: float | None = None
    nearest_trial: int | None = None
    better: float | None = None
    explores: str = ""
    note: str = ""
    predicted: Mapping[str, tuple[float, float]] = field(
        default_factory=dict[str, tuple[float, float]]
    )
    chance: float | None = None
    fidelity: str = ""
    """How it is measured, where the campaign has several ways."""
    cost: float | None = None
    """What it will cost, where gains are divided by that."""
    nearness: Nearness | None = None
    """With the first of a batch, where the campaign wants to know."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """The optimiser's answer, or why there is none."""

    proposals: tuple[Proposal, ...]
    error: str = ""
    empty: bool = False
    """No trial keeps all rules with what the factors are that nobody chooses."""

    @classmethod
    def none(cls, error: Exception) -> Proposed:
        """What an optimiser's error means."""
        empty = isinstance(error, EmptySpaceError)
        return cls((), f"{type(error).__name__}: {error}", empty)


@dataclass(frozen=True, slots=True)
class PlanFound:
    """What the search beside the engine came to; without slots where it found nothing better, or died."""

    plan: int
    """Record of the timeline from which it began."""
    slots: tuple[Slot, ...] = ()
    source: PlanSource = "search"


@dataclass(frozen=True, slots=True)
class Requested:
    """A request of a person, as the control API took it; `simulated` only where the engine's shell plays the person."""

    request: str
    verb: str
    actor: str
    reason: str = ""
    args: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed: look again."""


Message = Upstream | Signal | DeviceLost | Outranked | Proposed | PlanFound | Requested | Tick


# -- effects: from the core to the shell -----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SendCommand:
    """Its intent is durable by now."""

    command: Command


@dataclass(frozen=True, slots=True)
class QueryCommand:
    """Ask the device host what became of a command."""

    command: str
    device: str


@dataclass(frozen=True, slots=True)
class CancelCommand:
    """Have a command stopped at its device."""

    command: str
    device: str
    actor: str


@dataclass(frozen=True, slots=True)
class AskOptimiser:
    """Suggest so many trials; the history is in the state."""

    campaign: str
    count: int


@dataclass(frozen=True, slots=True)
class ImprovePlan:
    """Look for a better timeline beside the engine; one at a time."""

    plan: int
    """Record of the timeline that is to be improved."""
    job: PlanJob


@dataclass(frozen=True, slots=True)
class MakeSafe:
    """Every device to its declared safe state. `id` is new for each request of a person."""

    actor: str
    id: str


@dataclass(frozen=True, slots=True)
class Rearm:
    """A device is told that these safe requests no longer hold."""

    device: str
    lifts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """Tell the asker."""

    request: str
    accepted: bool
    detail: str


Effect = (
    SendCommand
    | QueryCommand
    | CancelCommand
    | AskOptimiser
    | ImprovePlan
    | MakeSafe
    | Rearm
    | Answered
)


def command_of(effect: Effect) -> str | None:
    """The command that it sends, asks about or stops; None for what is about no command."""
    match effect:
        case SendCommand():
            return effect.command.id
        case QueryCommand() | CancelCommand():
            return effect.command
        case _:
            return None
