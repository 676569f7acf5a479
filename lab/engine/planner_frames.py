"""What the engine and its planner process say to one another, in the frames of `lab.engine.solver.frames`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.event import PlanSource
    from lab.domain.plan import Slot
    from lab.plan.improvement import PlanJob

__all__ = ["PlanAnswer", "PlanRequest"]


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """Improve a timeline for that many real seconds."""

    job: PlanJob
    seconds: float
    workers: int


@dataclass(frozen=True, slots=True)
class PlanAnswer:
    """A better timeline; without slots none was found. `error` is not empty where the search failed."""

    slots: tuple[Slot, ...] = ()
    source: PlanSource = "search"
    error: str = ""
