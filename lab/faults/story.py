"""What happened, in order: the record of the simulated room, which no part of the software under test can write to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Moment", "Story"]


@dataclass(frozen=True, slots=True)
class Moment:
    """At a virtual second, somebody did or suffered something."""

    at_s: float
    who: str
    what: str

    def line(self) -> str:
        return f"{self.at_s:9.3f} s  {self.who:<12} {self.what}"


@dataclass(slots=True)
class Story:
    """Grows while a seed runs. `now` is the loop's time."""

    now: Callable[[], float]
    moments: list[Moment] = field(default_factory=list[Moment])

    def tell(self, who: str, what: str) -> None:
        """Add a moment."""
        self.moments.append(Moment(self.now(), who, what))

    def fingerprint(self) -> str:
        """Hex SHA-256 of all of it: the same seed must give the same."""
        text = "\n".join(moment.line() for moment in self.moments)
        return hashlib.sha256(text.encode()).hexdigest()
