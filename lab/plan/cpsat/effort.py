"""How hard a solver tries, and what came of it; free of the solver's library."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Effort", "Outcome"]


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard to try. With one worker and `deterministic` the same plan comes out every time."""

    seconds: float = 1e9
    """Of real time."""
    deterministic: float = 1e9
    """Of the solver's own measure of work: usually 2 to 5 CPU seconds each. It leaves out what propagation costs where
    samples that block their stations are partly frozen, there it is 50 and more; so where time matters, give `seconds` too."""
    workers: int = 1
    seed: int = 0
    lns_only: bool = False
    """Only improve neighbourhoods of the plan; no bound comes out of that."""
    hint: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    bound: int | None
    """A makespan that no plan can go below."""
    optimal: bool
    refused: bool = False
    """The model has no solution although a plan stands: the model is wrong, or the plan is."""
