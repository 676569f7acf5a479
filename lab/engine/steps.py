"""How a closed command or an answered task ends its step: checks, observations, another attempt or failure. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.ids import hold_id
from lab.domain.run import OPERATOR
from lab.engine.look import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.plan import Check, Limit, PlannedStep
    from lab.domain.state import CommandState, RunState, StepState, Task
    from lab.engine.look import Look

__all__ = ["end_steps"]

_MAX_ATTEMPTS = 50
"""An end to attempts that never act: a device that refuses for ever is a fault, not a delay."""

_PASSING = (
    "busy",
    "disconnected",
    "expired",
    "outranked",
    "stale_epoch",
    "stale_seq",
    "safe",
    "retained",
    "withdrawn",
)
"""Refusals that say nothing against the step itself; it is tried again when the device is ready."""

_REFUSAL_DELAY_S = 5.0


def end_steps(look: Look) -> Decision:
    """Events for every running step whose command is closed, or whose task is answered or overdue."""
    events: list[ev.Event] = []
    wakes: list[float] = []
    for run in look.state.open_runs():
        found: list[ev.Event] = []
        for path in look.course(run).running:
            ending = _Ending(look, run, path)
            if ending.planned.manual is None:
                found += ending.of_command(look.state.commands[ending.step.command])
                continue
            task = look.state.tasks[ending.step.task]
            found += ending.of_task(task)
            if task.answer is None or not task.ended:
                wakes.append(task.since_s + task.asked.timeout_s)
        events += _stopped_once(run, found)
    return Decision(tuple(events), (), min(wakes, default=None))


def _stopped_once(run: RunState, events: list[ev.Event]) -> list[ev.Event]:
    """The same events; of those that stop the run, the first, and none where it is being ended already."""
    kept: list[ev.Event] = []
    stopping = run.status != "running"
    for event in events:
        if isinstance(event, ev.RunStopping):
            if stopping:
                continue
            stopping = True
        kept.append(event)
    return kept


class _Ending:
    """The end of one attempt of one step."""

    def __init__(self, look: Look, run: RunState, path: str) -> None:
        self.look = look
        self.run = run
        self.step: StepState = run.steps[path]
        self.planned: PlannedStep = run.plan.step(path)

    # -- of what a device did -----------------------------------------------------------------

    def of_command(self, entry: CommandState) -> list[ev.Event]:
        """Nothing while the command is open."""
        if entry.open:
            return []
        if entry.doubted and self.planned.resume == "scrap" and self.run.status == "running":
            # The next look ends the step itself; no more of this run is worth starting.
            return [self._stop("aborted", "given up after an interruption, as the procedure says")]
        match entry.status:
            case "done" | "settled_done":
                return self._done(entry)
            case "refused":
                passing = entry.reason.partition(":")[0] in _PASSING
                error = f"{entry.command.device} refused: {entry.reason}"
                if passing and self.step.attempt < _MAX_ATTEMPTS:
                    return [self._failed(error, retry_after=_REFUSAL_DELAY_S, counts=False)]
                return [self._failed(error)]
            case "settled_not_done":
                if self.step.attempt < _MAX_ATTEMPTS:
                    return [self._failed(entry.reason, retry_after=0.0, counts=False)]
                return [self._failed(entry.reason)]
            case "failed_no_effect" if self._held_back(entry):
                return [self._failed(entry.reason, retry_after=_REFUSAL_DELAY_S, counts=False)]
            case "failed_no_effect" | "failed_partial" if self._halted_harmlessly(entry):
                return [self._failed(entry.reason, retry_after=0.0, counts=False)]
            case "failed_no_effect":
                return [self._failed(entry.reason, retry_after=self._retry_delay)]
            case "failed_partial" | "settled_partial":
                return [self._failed(f"done in part only: {entry.reason}")]
            case "settled_discarded":
                error = f"given up: {entry.reason or 'the outcome stays unknown'}"
                # The sample is gone, whatever the procedure says of a mere failure.
                reason = f"step {self.step.path}: {error}"
                return [self._failed(error), self._stop("failed", reason)]
            case "intent" | "accepted" | "unknown":
                return []

    def _held_back(self, entry: CommandState) -> bool:
        """Its host did not begin it: an interlock did not hold any more, or the ledger could not be written."""
        code = "" if entry.outcome is None else entry.outcome.error_code
        return code in ("interlock", "ledger") and self.step.attempt < _MAX_ATTEMPTS

    def _halted_harmlessly(self, entry: CommandState) -> bool:
        """Stopped to make the device safe, before anything happened or while it set what may be set again."""
        if entry.outcome is None or entry.outcome.error_code != "stopped":
            return False
        harmless = entry.status == "failed_no_effect" or self.planned.effect != "once"
        return harmless and self.step.attempt < _MAX_ATTEMPTS

    def _done(self, entry: CommandState) -> list[ev.Event]:
        again = self.planned.resume == "restart" and self.planned.effect != "once"
        if again and entry.doubted and self.step.attempt < _MAX_ATTEMPTS:
            error = "interrupted; done again from the start, as the procedure says"
            return [self._failed(error, retry_after=0.0, counts=False)]
        if entry.outcome is not None and entry.status == "done":
            outputs = dict(entry.outcome.outputs)
        else:
            outputs = {} if entry.settlement is None else dict(entry.settlement.outputs)
        return self._succeeded(
            outputs, entry.command.id, entry.command.device, self.planned.output_units
        )

    # -- of what a person did -----------------------------------------------------------------

    def of_task(self, task: Task) -> list[ev.Event]:
        """Nothing while an answer (or a witness) is awaited and there is time."""
        if task.answer is not None and task.ended:
            if task.answer.failed:
                error = f"{task.answer.actor}: {task.answer.reason}"
                return [self._failed(error, retry_after=self._retry_delay)]
            units = {name: field.unit for name, field in task.asked.fields.items()}
            answers = dict(task.answer.answers)
            return self._succeeded(answers, task.asked.task, OPERATOR, units)
        if self.look.now_s < task.since_s + task.asked.timeout_s:
            return []
        late = "nobody answered in time" if task.answer is None else "nobody witnessed it in time"
        return [self._failed(late, retry_after=self._retry_delay)]

    # -- both ---------------------------------------------------------------------------------

    @property
    def _retry_delay(self) -> float | None:
        """None when no try is left."""
        retry = self.planned.retry
        return retry.delay_s if self.step.retries < retry.max_retries else None

    def _failed(
        self, error: str, *, retry_after: float | None = None, counts: bool = True
    ) -> ev.StepFailed:
        return ev.StepFailed(
            run=self.run.id,
            step=self.step.path,
            attempt=self.step.attempt,
            error=error,
            retry=retry_after is not None,
            retry_delay_s=retry_after or 0.0,
            counts=counts,
        )

    def _stop(self, outcome: str, reason: str) -> ev.RunStopping:
        return ev.RunStopping.model_validate(
            {"run": self.run.id, "outcome": outcome, "reason": reason}
        )

    def _flag(self, flag: ev.FlagKind, reason: str) -> ev.SampleFlagged:
        return ev.SampleFlagged(run=self.run.id, step=self.step.path, flag=flag, reason=reason)

    def _succeeded(
        self,
        outputs: dict[str, JsonValue],
        command: str,
        device: str,
        units: Mapping[str, str],
    ) -> list[ev.Event]:
        events = [*self._observations(outputs, command, device, units)]
        by_step = {**self.look.course(self.run).outputs, self.step.path: outputs}
        for condition in self.planned.checks:
            problem = self._violation(condition, outputs, by_step)
            if not problem:
                continue
            if condition.severity == "warn":
                events.append(self._flag("check", problem))
                continue
            if condition.severity == "abort":
                reason = f"step {self.step.path}: {problem}"
                return [*events, self._failed(problem), self._stop("aborted", reason)]
            # A measurement may be repeated; what acted on the sample may not.
            delay = None if self.planned.effect == "once" else self._retry_delay
            return [*events, self._failed(problem, retry_after=delay)]
        done = ev.StepSucceeded(run=self.run.id, step=self.step.path, outputs=outputs)
        return [*events, done, *self._limits(outputs)]

    def _violation(
        self,
        condition: Check,
        outputs: Mapping[str, JsonValue],
        by_step: Mapping[str, Mapping[str, JsonValue]],
    ) -> str:
        try:
            holds = self.look.context.check(self.run.plan, condition, self.step.path, by_step)
        except (ArithmeticError, KeyError, ValueError, TypeError) as error:
            return f"the check '{condition.expression}' can't be computed: {error}"
        if holds:
            return ""
        shown = ", ".join(f"{name} = {value}" for name, value in outputs.items())
        return f"{condition.message} (check '{condition.expression}' is false with {shown})"

    def _limits(self, outputs: Mapping[str, JsonValue]) -> list[ev.Event]:
        """What follows where a watched value has left its limits."""
        events: list[ev.Event] = []
        if self.run.status != "running":
            return events
        for limit in self.run.plan.limits:
            value = _number(outputs.get(limit.output))
            if limit.device != self.planned.device or value is None or limit.beyond(value) == 0:
                continue
            reason = (
                f"{limit.signal} is {value:.6g} {limit.unit}".rstrip()
                + f", outside its limits ({_span(limit)})"
            )
            events.append(self._flag("limit", reason))
            if limit.on_violation == "abort":
                events.append(self._stop("aborted", f"step {self.step.path}: {reason}"))
            else:
                events.append(self._hold(limit, reason))
        return events

    def _hold(self, limit: Limit, reason: str) -> ev.QuestionAsked:
        return ev.QuestionAsked(
            question=hold_id(self.run.id, self.step.path, self.step.attempt, limit.signal),
            command="",
            run=self.run.id,
            step=self.step.path,
            text=f"{self.run.id} is held after step {self.step.path}: {reason}. Go on?",
            choices=("continue", "abort"),
        )

    def _observations(
        self,
        outputs: Mapping[str, JsonValue],
        command: str,
        device: str,
        units: Mapping[str, str],
    ) -> list[ev.Event]:
        """One observation for each number; `<name>_sd` goes with its name."""
        events: list[ev.Event] = []
        for name, value in outputs.items():
            number = _number(value)
            if number is None or (name.endswith("_sd") and name.removesuffix("_sd") in outputs):
                continue
            events.append(
                ev.ObservationRecorded(
                    run=self.run.id,
                    step=self.step.path,
                    command=command,
                    device=device,
                    name=name,
                    value=ev.Value(
                        value=number,
                        unit=units.get(name, ""),
                        standard_deviation=_number(outputs.get(f"{name}_sd")),
                    ),
                )
            )
        return events


def _span(limit: Limit) -> str:
    low = "" if limit.minimum is None else f"at least {limit.minimum:g}"
    high = "" if limit.maximum is None else f"at most {limit.maximum:g}"
    return f"{' and '.join(part for part in (low, high) if part)} {limit.unit}".rstrip()


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
