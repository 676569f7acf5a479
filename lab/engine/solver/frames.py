"""Messages between the planner and its solver process: four bytes of length, then a pickle.

Both ends are this program, over a pipe that nobody else can write to.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from lab.plan.cpsat.effort import Effort, Outcome
    from lab.plan.model.problem import Problem
    from lab.plan.model.solution import Solution

__all__ = ["Better", "Done", "Ready", "Request", "Stop", "frame", "read_frame", "unpacked"]


@dataclass(frozen=True, slots=True)
class Request:
    """Improve a plan."""

    number: int
    """Of the request; answers carry it, so late ones of an earlier request can be told apart."""
    problem: Problem
    plan: Solution
    effort: Effort
    free: tuple[int, ...] | None = None
    """Operations that may move; None: all."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the search of a request; its `Done` follows."""

    number: int


@dataclass(frozen=True, slots=True)
class Better:
    """A better plan."""

    number: int
    plan: Solution


@dataclass(frozen=True, slots=True)
class Done:
    """The search is over. `error` is not empty where it failed."""

    number: int
    outcome: Outcome
    error: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """The solver's library is loaded; what is asked from now on begins at once."""


def frame(message: object) -> bytes:
    """What goes through the pipe."""
    body = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(4, "big") + body


def unpacked(body: bytes) -> object:
    """The message of a frame, without its length."""
    return pickle.loads(body)


def read_frame(stream: IO[bytes]) -> object:
    """The next message; None at the end of the stream."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    return unpacked(stream.read(int.from_bytes(head, "big")))
