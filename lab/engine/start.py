"""How a step's attempt begins: an intent with its command, or a task for a person. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.command import Command
from lab.domain.ids import command_id, task_id
from lab.engine import messages as msg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.plan import ManualTask, PlannedStep
    from lab.domain.state import RunState
    from lab.engine.look import Look

__all__ = ["Starts", "arguments", "begin_step"]


@dataclass(slots=True)
class Starts:
    """What begins: intents first, then the commands."""

    events: list[ev.Event] = field(default_factory=list["ev.Event"])
    effects: list[msg.Effect] = field(default_factory=list["msg.Effect"])
    wake_s: float | None = None
    finished: bool = False

    def add(self, other: Starts) -> None:
        """What another one begins, too."""
        self.events += other.events
        self.effects += other.effects


def begin_step(look: Look, run: RunState, planned: PlannedStep) -> Starts:
    """The next attempt; a failure instead where an argument can't be computed, and then nothing is sent."""
    attempt = run.steps[planned.path].attempt + 1
    if planned.manual is not None:
        return Starts([_task(run, planned, planned.manual, attempt)])
    try:
        args = arguments(look, run, planned)
        takes = _takes(look, planned, args)
    except (ArithmeticError, KeyError, ValueError, TypeError) as error:
        failed = ev.StepFailed(
            run=run.id, step=planned.path, attempt=attempt - 1, error=str(error), retry=False
        )
        return Starts([failed])
    command = Command(
        id=command_id(look.state.journal, run.id, planned.path, attempt),
        run=run.id,
        step=planned.path,
        attempt=attempt,
        device=planned.device,
        action=planned.action,
        args=args,
        effect=planned.effect,
        settle=planned.settle,
        timeout_s=planned.timeout_s,
    )
    intended = ev.CommandIntended(command=command, takes=takes)
    return Starts([intended], [msg.SendCommand(command)])


def arguments(look: Look, run: RunState, planned: PlannedStep) -> dict[str, JsonValue]:
    """Plain numbers only, as the device gets them. ValueError with words where one can't be computed."""
    args: dict[str, JsonValue] = dict(planned.args)
    if planned.late_args and planned.safe_state:
        raise ValueError("a safe-state step can't depend on what was measured")
    for name, late in planned.late_args.items():
        argument = name.removesuffix(f".{late.key}") if late.key else name
        try:
            number = look.context.argument(run.plan, late, look.course(run).outputs)
        except ValueError as error:
            raise ValueError(f"{name} = '{late.formula.expression}': {error}") from error
        if late.key:
            entries = args.get(argument)
            known = entries if isinstance(entries, dict) else {}
            args[argument] = {**known, late.key: number}
        else:
            args[argument] = number
    return args


def _takes(look: Look, planned: PlannedStep, args: Mapping[str, JsonValue]) -> dict[str, int]:
    """What people will have to give back. ValueError where it is more than there ever is."""
    rules = look.context.services
    takes = {} if rules is None else dict(rules.uses(planned, args))
    for name, amount in takes.items():
        need = None if rules is None else rules.needs[name]
        if need is not None and amount > need.room:
            raise ValueError(
                f'it takes {amount / 1e6:.4g} mL, and after "{need.task}" there are {need.room / 1e6:.4g} mL'
            )
    return takes


def _task(run: RunState, planned: PlannedStep, task: ManualTask, attempt: int) -> ev.TaskAsked:
    return ev.TaskAsked(
        task=task_id(run.id, planned.path, attempt),
        run=run.id,
        step=planned.path,
        attempt=attempt,
        prompt=task.prompt,
        fields=task.fields,
        sign=task.sign,
        timeout_s=planned.timeout_s,
    )
