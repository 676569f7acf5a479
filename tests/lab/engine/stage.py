"""A stage for hand-made plans: the core with devices that do as the script says, people who answer, virtual time.

`play` gives what happened as lines that one can read.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from lab.bus import envelope as env
from lab.domain import event as ev
from lab.domain.command import Outcome
from lab.engine import messages as msg
from tests.lab.engine.kit import START, KitContext, Mind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.command import Command
    from lab.domain.plan import Plan
    from lab.domain.state import RunState

_LIMIT_S = 100_000.0
_PEOPLE_THINK_S = 30.0


@dataclass(frozen=True)
class Says:
    """What a person says when asked: to a question one of its choices, to a task its answers, or as a witness."""

    actor: str
    answer: str = ""
    answers: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    verb: str = "answer"
    failed: bool = False


@dataclass
class Script:
    """By step: what its attempts give in order (outputs, or a result other than success), how long they take, and
    what people say to its questions and tasks, in order of asking. The last of `gives` serves all later attempts.
    """

    gives: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    takes: Mapping[str, float] = field(default_factory=dict)
    says: Mapping[str, tuple[Says, ...]] = field(default_factory=dict)


class Stage:
    """One run of a plan. `lines` is what happened, `run` where it stands."""

    def __init__(self, plan: Plan, script: Script) -> None:
        self.script = script
        self.mind = Mind(KitContext(plan))
        self._due: list[tuple[float, int, msg.Message]] = []
        self._number = 0
        self._tries: dict[str, int] = {}
        self._said: dict[str, int] = {}
        self._heard = 0

    @property
    def now_s(self) -> float:
        return self.mind.now.timestamp()

    @property
    def run(self) -> RunState:
        return self.mind.state.runs["kit-1/r001"]

    @property
    def lines(self) -> list[str]:
        texts = ((record, _text(record.event)) for record in self.mind.records)
        return [
            f"{(record.at - START).total_seconds():7.1f} s  {text}"
            for record, text in texts
            if text
        ]

    def play(self) -> Stage:
        """Until the campaign ends, or nothing is under way any more."""
        self._follow(self.mind.settle())
        while self.mind.state.active_campaign is not None:
            wake = self.mind.wake_s
            if not self._due and wake is None:
                return self
            due_s = self._due[0][0] if self._due else float("inf")
            at_s = min(due_s, float("inf") if wake is None else wake)
            assert at_s - START.timestamp() < _LIMIT_S, "the play finds no end"
            self.mind.now += timedelta(seconds=max(0.0, at_s - self.now_s))
            while self._due and self._due[0][0] <= at_s:
                self.mind.tell(heapq.heappop(self._due)[2])
            self._follow(self.mind.settle())
        return self

    def _follow(self, effects: list[msg.Effect]) -> None:
        for effect in effects:
            match effect:
                case msg.SendCommand():
                    self._act(effect.command)
                case msg.AskOptimiser():
                    self._later(1.0, msg.Proposed((msg.Proposal({"x": 0.5}, "sobol"),)))
                case _:
                    raise AssertionError(effect)
        fresh = self.mind.events[self._heard :]
        self._heard = len(self.mind.events)
        for event in fresh:
            if isinstance(event, ev.QuestionAsked):
                self._ask(event.step, event.question)
            elif isinstance(event, ev.TaskAsked):
                self._ask(event.step, event.task)

    def _later(self, seconds: float, message: msg.Message) -> None:
        self._number += 1
        heapq.heappush(self._due, (self.now_s + seconds, self._number, message))

    def _act(self, command: Command) -> None:
        number = self._tries.get(command.step, 0)
        self._tries[command.step] = number + 1
        scripted = self.script.gives.get(command.step, ({},))
        given = scripted[min(number, len(scripted) - 1)]
        fields = (
            {"result": given, "error": "it went wrong"}
            if isinstance(given, str)
            else {"result": "succeeded", "outputs": given}
        )
        message = env.OutcomeMessage(
            device=command.device, id=command.id, outcome=Outcome.model_validate(fields)
        )
        planned = self.run.plan.step(command.step)
        self._later(self.script.takes.get(command.step, planned.duration_s), message)

    def _ask(self, step: str, name: str) -> None:
        """The person speaks, and the next one too where it is a witness."""
        said = self.script.says.get(step, ())[self._said.get(step, 0) :]
        seconds = _PEOPLE_THINK_S
        for number, word in enumerate(said):
            if number and word.verb != "witness":
                return
            self._said[step] = self._said.get(step, 0) + 1
            args: dict[str, Any] = {"question": name}
            if word.answer:
                args["answer"] = word.answer
            elif word.verb == "answer":
                args |= {"answers": dict(word.answers), "failed": word.failed}
            request = f"{name}-{self._number}"
            self._later(seconds, msg.Requested(request, word.verb, word.actor, word.reason, args))
            seconds += _PEOPLE_THINK_S


def _text(event: ev.Event) -> str:
    """What happened in words; "" for what does not belong to the run's own course."""
    match event:
        case ev.RunStarted():
            return "the run starts"
        case ev.CommandIntended(command=command):
            given = ", ".join(f"{name} = {value}" for name, value in command.args.items())
            again = f", attempt {command.attempt}" if command.attempt > 1 else ""
            return f"{command.device} begins {command.step}{f' ({given})' if given else ''}{again}"
        case ev.StepSucceeded():
            gave = ", ".join(f"{name} = {value}" for name, value in event.outputs.items())
            return f"{event.step} is done{f': {gave}' if gave else ''}"
        case ev.StepFailed():
            return (
                f"{event.step} failed{', to be tried again' if event.retry else ''}: {event.error}"
            )
        case ev.StepsSkipped():
            return f"skipped: {', '.join(event.steps)} ({event.reason})"
        case ev.DecisionMade():
            return f"decided: {event.decision} is {'yes' if event.value else 'no'} ({event.detail})"
        case ev.SampleFlagged():
            return f"flagged: {event.flag} {event.step}: {event.reason}".replace(" :", ":")
        case ev.TaskAsked():
            return f"asked of a person: {event.prompt} ({', '.join(event.fields) or 'no fields'})"
        case ev.TaskAnswered():
            said = f"failed: {event.reason}" if event.failed else dict(event.answers)
            return f"{event.actor} answers {event.step}: {said}"
        case ev.TaskWitnessed():
            return f"{event.actor} witnesses {event.step}"
        case ev.QuestionAsked():
            return f"asked: {event.text} ({' | '.join(event.choices)})"
        case ev.QuestionAnswered():
            return f"{event.actor} decides: {event.answer}"
        case ev.RequestAnswered(accepted=False):
            return f"refused: {event.detail}"
        case ev.TimingRecorded():
            kept = "kept" if event.kept else "broken"
            return f"{event.window} {kept}: {event.lag_s:.1f} s, slack {event.slack_s} s"
        case ev.QualityRecorded():
            judged = "accepted" if event.accepted else "not accepted"
            return f"{event.check} {event.name} {judged}: {event.value} {event.unit}"
        case ev.RunStopping():
            return f"the run is being ended ({event.outcome}): {event.reason}"
        case ev.RunFinished():
            values = {
                name: f"{value.value:g} {value.unit}" for name, value in event.results.items()
            }
            return f"the run has ended: {event.outcome}{f' {values}' if values else ''}"
        case _:
            return ""
