"""What the journal tells beyond the present state: every try, every reading, and when things were planned.

`LabState` forgets what the engine no longer needs (closed commands, old timelines). People want it all, so
`Facts` folds the same records into a history. It is built incrementally by one reader and never written back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.plan_changes import with_change
from lab.domain.replacing import replace
from lab.records.facts_course import CourseFacts
from lab.records.facts_plans import PlanFacts

if TYPE_CHECKING:
    from lab.domain.command import Command
    from lab.domain.plan import DurationSource, Slot

__all__ = ["CommandFact", "Facts", "ObservationFact", "PlannedTime", "StepTries"]


@dataclass(frozen=True, slots=True)
class PlannedTime:
    """When the timeline in force at its start placed a step; process seconds since the Unix epoch."""

    start_s: float
    end_s: float
    duration_from: DurationSource = "sop"
    duration_runs: int = 0


@dataclass(frozen=True, slots=True)
class CommandFact:
    """One try of a step, from intent to its end, with whose word the end is."""

    command: Command
    epoch: int
    intended_s: float
    accepted_s: float | None = None
    ended_s: float | None = None
    result: str = "open"
    """open, refused, an outcome (succeeded, failed_no_effect, failed_partial, unknown) or `settled_<verdict>`."""
    reason: str = ""
    settled_by: str = ""


@dataclass(frozen=True, slots=True)
class ObservationFact:
    """A reading with the device as it described itself when it measured."""

    seq: int
    at_s: float
    event: ev.ObservationRecorded
    description: ev.DeviceDescribed | None
    simulated: bool | None
    """By a simulator or a simulated person; None where that is not known."""


@dataclass(frozen=True, slots=True)
class StepTries:
    """The tries of one step of a run, and the error of each that failed."""

    ids: tuple[str, ...] = ()
    """Commands or, where a person does it, tasks."""
    errors: tuple[str, ...] = ()


@dataclass(slots=True)
class Facts:
    """The history so far. `apply` takes records in order; keys of `planned` and `tries` are (run, step)."""

    commands: dict[str, CommandFact] = field(default_factory=dict[str, CommandFact])
    observations: list[ObservationFact] = field(default_factory=list[ObservationFact])
    latest: dict[tuple[str, str], ObservationFact] = field(
        default_factory=dict[tuple[str, str], ObservationFact]
    )
    """(device, quantity) -> its newest reading."""
    planned: dict[tuple[str, str], PlannedTime] = field(
        default_factory=dict[tuple[str, str], PlannedTime]
    )
    tries: dict[tuple[str, str], StepTries] = field(
        default_factory=dict[tuple[str, str], StepTries]
    )
    timelines: dict[str, tuple[Slot, ...]] = field(default_factory=dict[str, "tuple[Slot, ...]"])
    """Campaign -> its newest timeline."""
    proposed_s: dict[tuple[str, int], float] = field(default_factory=dict[tuple[str, int], float])
    ended_s: dict[tuple[str, int], float] = field(default_factory=dict[tuple[str, int], float])
    described: dict[str, ev.DeviceDescribed] = field(default_factory=dict[str, ev.DeviceDescribed])
    course: CourseFacts = field(default_factory=CourseFacts)
    plans: PlanFacts = field(default_factory=PlanFacts)
    clock: str = ""
    """The newest engine's clock: real, scaled or virtual."""

    def apply(self, record: ev.Recorded) -> None:
        """Take one more record."""
        at_s = record.at.timestamp()
        event = record.event
        self.course.apply(event, at_s)
        self.plans.apply(record)
        match event:
            case ev.CommandIntended(command=command):
                self.commands[command.id] = CommandFact(command, record.epoch, at_s)
                self._tried(command.run, command.step, command.id)
            case ev.TaskAsked():
                self._tried(event.run, event.step, event.task)
            case ev.CommandAccepted():
                self._change(event.command, accepted_s=at_s)
            case ev.CommandRefused():
                reason = f"{event.reason}: {event.detail}".rstrip(": ")
                self._change(event.command, ended_s=at_s, result="refused", reason=reason)
            case ev.CommandUnknown():
                self._change(event.command, result="unknown", reason=event.reason)
            case ev.CommandEnded(outcome=outcome):
                ended = None if outcome.result == "unknown" else at_s
                self._change(
                    event.command, ended_s=ended, result=outcome.result, reason=outcome.error
                )
            case ev.CommandSettled(settlement=settlement):
                self._change(
                    event.command,
                    ended_s=at_s,
                    result=f"settled_{settlement.verdict}",
                    reason=settlement.detail,
                    settled_by=event.actor or event.by,
                )
            case ev.StepFailed():
                key = (event.run, event.step)
                tries = self.tries.get(key, StepTries())
                self.tries[key] = replace(tries, errors=(*tries.errors, event.error))
            case ev.TimelinePlanned():
                self._plan(event)
            case ev.ObservationRecorded():
                known = self.described.get(event.device)
                task = self.course.tasks.get(event.command)
                by = known if task is None else task.answer
                simulated = None if by is None else by.simulated
                seen = ObservationFact(record.seq, at_s, event, known, simulated)
                self.observations.append(seen)
                self.latest[(event.device, event.name)] = seen
            case ev.DeviceDescribed():
                self.described[event.device] = event
            case ev.TrialProposed():
                self.proposed_s[(event.campaign, event.trial)] = at_s
            case ev.TrialCompleted() | ev.TrialFailed():
                self.ended_s[(event.campaign, event.trial)] = at_s
            case ev.EngineStarted():
                self.clock = event.clock
            case _:
                pass

    def _tried(self, run: str, step: str, name: str) -> None:
        tries = self.tries.get((run, step), StepTries())
        self.tries[(run, step)] = replace(tries, ids=(*tries.ids, name))

    def _change(
        self,
        command: str,
        *,
        accepted_s: float | None = None,
        ended_s: float | None = None,
        result: str = "",
        reason: str = "",
        settled_by: str = "",
    ) -> None:
        """Late and doubled reports change nothing once the end is known, as in `lab.domain.run`."""
        fact = self.commands[command]
        if fact.ended_s is not None:
            return
        self.commands[command] = replace(
            fact,
            accepted_s=fact.accepted_s if accepted_s is None else accepted_s,
            ended_s=ended_s,
            result=result or fact.result,
            reason=reason or fact.reason,
            settled_by=settled_by,
        )

    def _plan(self, event: ev.TimelinePlanned) -> None:
        origin = event.origin.timestamp()
        slots = event.slots
        if not event.whole:
            before = self.timelines.get(event.campaign, ())
            slots = with_change(before, slots, event.gone, event.moved)
        self.timelines[event.campaign] = slots
        for slot in slots:
            key = (slot.run, slot.step)
            if key not in self.tries:  # a step keeps the plan under which it began
                self.planned[key] = PlannedTime(
                    origin + slot.start_s,
                    origin + slot.end_s,
                    slot.duration_from,
                    slot.duration_runs,
                )
