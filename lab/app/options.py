"""How a campaign is to be run: what the command line gathers and the composition root obeys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RunOptions", "RunReport"]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`endpoints` names a file written by `lab devices simulate`: URLs to use instead of those of `lab.yaml`.
    `take_over`: have the devices also where the engine of other records holds them. `standby`: wait for the engine that
    has the lab, and go on where it stopped if it dies or no longer gives a sign of life."""

    campaign: Path
    virtual: bool = False
    speed: float = 1.0
    seed: int | None = None
    trials: int | None = None
    method: str | None = None
    broker: str | None = None
    database: str | None = None
    endpoints: Path | None = None
    acts: Path | None = None
    simulate: bool = False
    resume: bool = False
    hosts: bool = True
    control: bool = True
    take_over: bool = False
    standby: bool = False


@dataclass(frozen=True, slots=True)
class RunReport:
    """What came of it, as `lab run --json` prints it, with where the records are."""

    document: dict[str, object]
    database: str
    state: str
    lines: tuple[str, ...] = ()
    interrupted: bool = False
