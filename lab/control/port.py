"""What the engine offers to people: the port that the control API serves."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.domain.event import Recorded
    from lab.domain.state import LabState

__all__ = ["Answer", "EngineInfo", "EnginePort", "Request", "Verb"]

Verb = Literal["pause", "resume", "stop", "abort", "safe", "rearm", "answer", "witness", "trial"]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Request(_Message):
    """What a person (or a program) asks of the engine."""

    id: str = Field(
        min_length=1,
        max_length=128,
        description="Chosen by whoever asks. Asking again with the same id gives the first answer again and does "
        "nothing more, so a request whose answer got lost can be repeated safely.",
    )
    verb: Verb = Field(
        description="pause: no new step starts, running ones end. resume: steps may start again. stop: running "
        "steps end, safe-state steps run, the campaign is stopped. abort: as stop, but what is under way is stopped at its "
        "device; with the arg `run` for that run alone, and the campaign goes on. safe: every device goes to its declared safe "
        "state and stays there. rearm: work is allowed again after safe. answer: settle an open question, or do a "
        "task. witness: confirm, as a second person, what somebody answered to a task. trial: approve, reject or edit a trial "
        "that has not begun, pin one of your own, veto a region of the campaign's space, or tell the context: what factors are "
        "that nobody chooses."
    )
    actor: str = Field(
        min_length=1, max_length=200, description="Who asks, by name. It is recorded."
    )
    reason: str = Field(default="", max_length=2000, description="Why. It is recorded.")
    args: dict[str, JsonValue] = Field(
        default_factory=dict,
        description="For the verb answer: `question` (the id of a question or task) and one of `answer` (a choice "
        "of the question), `answers` (the task's fields with their values) or `failed` (true: the task failed, as the "
        "reason says). For the verb witness: `question` (the task's id). For the verb abort: `run`, or nothing. "
        "For the verb trial: `do` (approve, reject, edit, pin, veto, context or add) with `trial` (its number), `factors` (name -> number in "
        "the factor's unit, a quantity, or a choice), `condition`, or `results` (a list of objects with `factors`, and `values` by result or "
        "`failed` with a text; or with the `cells` of a table's row), their `source` and whether values `beyond` the campaign's rules are meant; "
        "to pin and to add may name a `fidelity`, where the campaign has several. Else empty.",
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.actor.strip():
            raise ValueError("actor must name a person or a program")
        problem = _wrong_args(self.verb, self.args)
        if problem:
            raise ValueError(problem)
        return self


def _wrong_args(verb: Verb, args: dict[str, JsonValue]) -> str:
    """What is wrong with the arguments; "" where they are complete."""
    if verb == "witness":
        right = set(args) == {"question"} and isinstance(args["question"], str)
        return "" if right else "the verb witness needs the arg `question`, a task's id"
    if verb == "abort":
        right = set(args) <= {"run"} and all(isinstance(value, str) for value in args.values())
        return "" if right else "the verb abort takes the arg `run`, a run's id, or none"
    if verb == "trial":
        return _wrong_trial(args)
    if verb != "answer":
        return f"the verb {verb} takes no args" if args else ""
    kinds: dict[str, type] = {"answer": str, "answers": dict, "failed": bool}
    given = [name for name in args if name != "question"]
    right = isinstance(args.get("question"), str) and len(given) == 1 and given[0] in kinds
    if right and isinstance(args[given[0]], kinds[given[0]]) and args[given[0]] is not False:
        return ""
    return (
        "the verb answer needs args `question`, a text, and one of `answer` (a text), `answers` (field and value) "
        "or `failed` (true)"
    )


class Answer(_Message):
    """The engine's answer; the effects follow as events."""

    id: str = Field(description="The request's id.")
    accepted: bool
    detail: str = Field(description="What happens now, or why not.")


class EngineInfo(_Message):
    """Which engine this is."""

    lab: str = Field(description="The lab's id, from lab.yaml.")
    version: str = Field(description="Labwright's version.")
    epoch: int = Field(description="Rises by one with each start of an engine on these records.")
    database: str = Field(description="The records, as a URL without a password.")
    clock: Literal["real", "scaled", "virtual"]
    speed: float = Field(default=1.0, description="Process seconds per real second.")
    now: datetime = Field(description="Process time, UTC.")
    pid: int
    trouble: str = Field(
        default="",
        description="Why nothing begins although the lab runs: the records can't be written. Empty where all is well.",
    )
    trouble_since: datetime | None = Field(default=None, description="Process time, UTC.")


class EnginePort(Protocol):
    """The engine as seen from here. All methods are called from the engine's own event loop."""

    async def request(self, request: Request) -> Answer:
        """Journal the request, decide, journal the answer, return it. Idempotent by `request.id`."""
        ...

    def state(self) -> LabState:
        """What is true now."""
        ...

    def events(self, after: int) -> AsyncIterator[Recorded]:
        """Records after a sequence number in order: those that exist, then each as it is made, without end."""
        ...

    def info(self) -> EngineInfo:
        """Which engine this is, and its time."""
        ...


_OF_TRIALS = {
    "approve": {"trial"},
    "reject": {"trial"},
    "withdraw": {"trial"},
    "edit": {"trial", "factors"},
    "pin": {"factors"},
    "veto": {"condition"},
    "context": {"factors"},
    "add": {"results", "source", "beyond"},
}


_BY_FIDELITY = ("pin", "add")
"""These may name a fidelity."""


def _wrong_trial(args: dict[str, JsonValue]) -> str:
    wanted = _OF_TRIALS.get(str(args.get("do", "")))
    if wanted is None:
        return f"the verb trial needs the arg `do`: {', '.join(_OF_TRIALS)}"
    kinds: dict[str, type] = {
        "trial": int,
        "factors": dict,
        "condition": str,
        "results": list,
        "source": str,
        "beyond": bool,
    }
    given = set(args) - {"do"}
    if args["do"] in _BY_FIDELITY and isinstance(args.get("fidelity", ""), str):
        given -= {"fidelity"}
    if given == wanted and all(isinstance(args[name], kinds[name]) for name in wanted):
        return ""
    return f"to {args['do']} needs the args {', '.join(f'`{name}`' for name in sorted(wanted))}"
