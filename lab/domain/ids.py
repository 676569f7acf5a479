"""Identifiers. They are pure functions of what they name, so a restart computes the same ones."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "command_id",
    "dead_man_id",
    "dead_man_of",
    "hold_id",
    "run_id",
    "run_number",
    "safe_order",
    "service_id",
    "sha256_text",
    "task_id",
]

_DEAD_MAN = "dead-man-"


def sha256_text(text: str) -> str:
    """Hex SHA-256 of the UTF-8 bytes of `text`."""
    return hashlib.sha256(text.encode()).hexdigest()


def run_id(campaign: str, number: int) -> str:
    """`electrolyte-1/r007`: the run's number within its campaign."""
    return f"{campaign}/r{number:03d}"


def run_number(run: str) -> int:
    """`electrolyte-1/r007` -> 7, the number of its trial; 0 for what is no run's id."""
    digits = run.rpartition("/r")[2]
    return int(digits) if digits.isdecimal() else 0


def command_id(journal: str, run: str, step: str, attempt: int) -> str:
    """The id of one try of a step (32 hex digits). Equal after every restart, never used twice: `journal` is the
    identity of the records, since campaigns of other records may have the same names."""
    return sha256_text(f"{journal}\n{run}\n{step}\n{attempt}")[:32]


def task_id(run: str, step: str, attempt: int) -> str:
    """What a person is asked to do, as one types it: `t-` and 12 hex digits."""
    named = "\n".join((run, step, str(attempt)))
    return f"t-{sha256_text(named)[:12]}"


def safe_order(journal: str, seq: int) -> str:
    """The order that makes all devices safe, named by the record that brought it: `safe-3f0a91c2-412`."""
    return f"safe-{journal[:8]}-{seq}"


def dead_man_id(boot: str, number: int) -> str:
    """The request that a device host makes of itself when nobody is in charge: `dead-man-<boot>-2`."""
    return f"{_DEAD_MAN}{boot}-{number}"


def dead_man_of(requests: Sequence[str]) -> str:
    """The one among some requests that a host made by itself; empty where persons made all of them."""
    return next((request for request in requests if request.startswith(_DEAD_MAN)), "")


def service_id(service: str, number: int) -> str:
    """The question that asks people for something, for the n-th time: `s-` and 12 hex digits."""
    named = "\n".join((service, str(number)))
    return f"s-{sha256_text(named)[:12]}"


def hold_id(run: str, step: str, attempt: int, about: str) -> str:
    """The question that a run waits for: `h-` and 12 hex digits. `about` tells two of one attempt apart."""
    named = "\n".join((run, step, str(attempt), about))
    return f"h-{sha256_text(named)[:12]}"
