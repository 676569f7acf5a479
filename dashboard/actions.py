"""What the pages ask of the engine. The only way is the control client; the engine journals who and why."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lab.control.client import ControlClient
from lab.domain.errors import LabError, RefusedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.control.port import Verb

__all__ = ["Reply", "ask", "new_id"]


@dataclass(frozen=True)
class Reply:
    """What came of asking. `settled` is False where nobody knows, so the same id is to be used again."""

    kind: Literal["accepted", "refused", "unreachable", "incomplete"]
    text: str

    @property
    def settled(self) -> bool:
        return self.kind != "unreachable"


def new_id() -> str:
    """An id for one request, made when its button is drawn: pressed twice, it is done once."""
    return f"dashboard-{secrets.token_hex(8)}"


def ask(
    db: str,
    verb: Verb,
    who: str,
    reason: str,
    request_id: str,
    args: Mapping[str, JsonValue] | None = None,
) -> Reply:
    """Ask the engine of these records; never raises for what may happen in a day's work."""
    if not who.strip():
        return Reply("incomplete", "Write your name first: it is recorded with the request.")
    try:
        with ControlClient.find(db, timeout_s=3.0) as client:
            answer = client.request(verb, who.strip(), reason.strip(), args, request_id)
    except UnavailableError as error:
        return Reply("unreachable", f"{error.message}. {error.hint}")
    except RefusedError as error:
        return Reply("refused", error.message)
    except LabError as error:
        return Reply("incomplete", error.message)
    return Reply("accepted" if answer.accepted else "refused", answer.detail)
