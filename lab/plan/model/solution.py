"""Where each operation is placed, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from lab.plan.model.problem import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.plan.model.problem import Lag, Mark, Problem

__all__ = ["BrokenLag", "Placed", "Score", "Solution", "broken_lags", "excess", "score"]


class Placed(NamedTuple):
    """One operation; times in the problem's unit."""

    mode: int
    carrier: int | None
    start: int
    begin: int
    end: int

    def at(self, mark: Mark) -> int:
        """Time of a mark."""
        return self.start if mark == "start" else self.begin if mark == "begin" else self.end


class Score(NamedTuple):
    """Smaller is better, in this order."""

    broken: int
    """Time beyond all limits that must hold, summed."""
    cost: int
    """Weighted completion, tardiness and penalties."""
    makespan: int


class BrokenLag(NamedTuple):
    """A limit that a plan does not keep."""

    lag: Lag
    by: int
    """Time units beyond it."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A place for every operation."""

    placed: tuple[Placed, ...]
    score: Score

    @property
    def makespan(self) -> int:
        return self.score.makespan


def _time(lag_end: int, mark: Mark, placed: Sequence[Placed]) -> int:
    return 0 if lag_end == ORIGIN else placed[lag_end].at(mark)


def excess(lag: Lag, placed: Sequence[Placed]) -> int:
    """How far beyond its limits a lag is; 0 or less where it is kept."""
    took = placed[lag.second].at(lag.second_mark) - _time(lag.first, lag.first_mark, placed)
    over = took - lag.most if lag.most is not None else -1
    return max(over, lag.least - took) if lag.least is not None else over


def broken_lags(problem: Problem, placed: Sequence[Placed]) -> tuple[BrokenLag, ...]:
    """Limits that must hold and are not kept."""
    return tuple(
        BrokenLag(lag, by)
        for lag in problem.lags
        if not lag.penalty and (by := excess(lag, placed)) > 0
    )


def score(problem: Problem, placed: Sequence[Placed]) -> Score:
    """What a plan is worth, from its times alone."""
    ends = [0] * len(problem.jobs)
    for op, place in zip(problem.operations, placed, strict=True):
        ends[op.job] = max(ends[op.job], place.end)
    cost = 0
    for job, end in zip(problem.jobs, ends, strict=True):
        cost += job.weight * end
        if job.due is not None:
            cost += job.tardiness * max(0, end - job.due)
    broken = 0
    for lag in problem.lags:
        by = max(0, excess(lag, placed))
        if lag.penalty:
            cost += lag.penalty * by
        else:
            broken += by
    return Score(broken, cost, max(ends, default=0))
