"""One look of the core at everything: the state, and what follows from it that several rules need. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from lab.domain.course import Course
from lab.domain.interlock import Reading
from lab.engine import messages as msg

if TYPE_CHECKING:
    from lab.domain import event as ev
    from lab.domain.plan import Slot
    from lab.domain.state import CommandState, LabState, RunState
    from lab.engine.context import CampaignContext

__all__ = ["Decision", "Inflight", "Look"]


@dataclass(slots=True)
class Inflight:
    """What this engine process has begun and not yet heard of. Not state: a new process begins with nothing."""

    queried: dict[str, float] = field(default_factory=dict[str, float])
    cancelled: dict[str, float] = field(default_factory=dict[str, float])
    """Command -> when its device was last asked to stop it."""
    asking: bool = False
    ask_failed: bool = False
    signals: dict[tuple[str, str, str], Reading] = field(
        default_factory=dict[tuple[str, str, str], Reading]
    )
    """Device, channel and unit -> the newest value heard."""
    _told: dict[tuple[str, str, str], tuple[str, float]] = field(
        default_factory=dict[tuple[str, str, str], tuple[str, float]]
    )
    """Which boot of the host told it, and when by the host's own clock."""
    improving: bool = False
    """A better timeline is being looked for."""
    improve_for: tuple[str, ...] = ()
    improve_s: float = -math.inf
    """For which open runs that was last asked, and when."""
    found: msg.PlanFound | None = None
    """The last that came of it."""
    safe_seq: int = 0
    safe_s: float = 0.0
    """Which `LabState.mode_seq` the devices have been told of, and when."""
    lifted: dict[str, tuple[tuple[str, ...], float]] = field(
        default_factory=dict[str, tuple[tuple[str, ...], float]]
    )
    """Device -> which safe requests it was last told to be lifted, and when."""
    unsent: frozenset[str] = frozenset()
    """Commands whose intent became durable too late for them to be sent."""
    courses: dict[str, Course] = field(default_factory=dict[str, Course])
    """Run -> where it stood when it was last looked at; worked out anew where the run is another one since."""
    ahead: tuple[tuple[Slot, ...], list[Slot]] = ((), [])
    """Slots of a timeline, and those of them whose steps are not over for good, as of the last look."""

    def copy(self) -> Inflight:
        """As it is now, whatever becomes of this one."""
        return replace(
            self,
            queried=dict(self.queried),
            cancelled=dict(self.cancelled),
            signals=dict(self.signals),
            _told=dict(self._told),
            lifted=dict(self.lifted),
            # Worked out from a state that may not come to be.
            courses={},
            ahead=((), []),
        )

    def begin(self, effect: msg.Effect, state: LabState, now_s: float) -> None:
        """Note that an effect is under way, so that the next round does not ask for it again."""
        match effect:
            case msg.QueryCommand():
                self.queried[effect.command] = now_s
            case msg.CancelCommand():
                self.cancelled[effect.command] = now_s
            case msg.AskOptimiser():
                self.asking = True
            case msg.ImprovePlan():
                self.improving, self.found = True, None
                self.improve_for = tuple(run.run for run in effect.job.snapshot.runs)
                self.improve_s = now_s
            case msg.MakeSafe():
                self.safe_seq, self.safe_s = state.mode_seq, now_s
            case msg.Rearm():
                self.lifted[effect.device] = effect.lifts, now_s
            case msg.SendCommand() | msg.Answered():
                pass

    def hear(self, message: msg.Message, now_s: float) -> None:
        """Note that the optimiser or the search for a better plan has answered, or the newest value of a signal."""
        if isinstance(message, msg.Proposed):
            self.asking, self.ask_failed = False, bool(message.error)
        elif isinstance(message, msg.PlanFound):
            self.improving, self.found = False, message if message.slots else None
        elif isinstance(message, msg.Signal):
            key = (message.device, message.channel, message.unit)
            # No value is younger than its arrival, whatever the clocks say.
            reading = Reading(message.value, now_s - max(0.0, message.age_s))
            boot, told_s = self._told.get(key, ("", 0.0))
            known = self.signals.get(key)
            if boot == message.boot:
                later = message.told_s >= told_s
            else:
                later = known is None or reading.at_s >= known.at_s
            if later:
                self.signals[key] = reading
                self._told[key] = message.boot, message.told_s


class Decision(NamedTuple):
    """Events to make durable, then effects to carry out; `wake_s` is when to look again at the latest."""

    events: tuple[ev.Event, ...] = ()
    effects: tuple[msg.Effect, ...] = ()
    wake_s: float | None = None


@dataclass(slots=True)
class Look:
    """All that a rule may see; what it works out is kept for the rules after it."""

    state: LabState
    inflight: Inflight
    context: CampaignContext
    now_s: float
    _open_commands: tuple[CommandState, ...] | None = None

    def course(self, run: RunState) -> Course:
        """Where that run of the state stands."""
        known = self.inflight.courses
        course = known.get(run.id)
        if course is None:
            self._forget_ended()
        if course is None or course.run is not run:
            course = known[run.id] = Course(run)
        return course

    def _forget_ended(self) -> None:
        known, now_open = self.inflight.courses, self.state.open_runs()
        if len(known) > 2 * len(now_open):
            keep = {run.id for run in now_open}
            for name in known.keys() - keep:
                del known[name]

    @property
    def open_commands(self) -> tuple[CommandState, ...]:
        """As of the state; several rules ask."""
        if self._open_commands is None:
            self._open_commands = self.state.open_commands()
        return self._open_commands
