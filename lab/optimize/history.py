"""What the optimiser is told and what it answers. Both are frozen and JSON-serialisable.

A history is a sequence of trial records. It's the whole state of an optimisation, so a campaign is
resumed by reading it back from the journal.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lab.domain.errors import InputError
from lab.optimize.space import Setting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.optimize.space import Space

__all__ = [
    "Design",
    "Direction",
    "Side",
    "Suggestion",
    "TrialRecord",
    "best",
    "check_history",
    "nearest_trial",
]

Direction = Literal["maximize", "minimize"]
Side = Literal["above", "below"]
"""On which side of the number told a result lies that is beyond the range of the instrument."""
Design = Literal["sobol", "latin_hypercube", "factorial", "d_optimal"]
"""How the first trials of a campaign are spread (`lab.optimize.designs`)."""


class TrialRecord(BaseModel):
    """A trial as far as it's known.

    done: `value` is measured, with its standard deviation if one is known (same unit). failed: the
    trial was made and gave no value; it counts, with doubt, as the worst value seen, and teaches where trials fail. pending: asked for, not
    finished. aborted: ended for a reason that says nothing of the point (stopped by a person, the
    laboratory lost); it teaches nothing, but it keeps its number.

    Where several outcomes are sought (`lab.domain.aim`), `outcomes` holds what was measured instead of `value`, with
    `deviations` where known. A pending trial may have some of them already, and one that failed or was aborted may have
    given some before: partial results teach, too.

    A result beyond the range of the instrument ("> 100") has the end of the range as its value, and `side` says on which
    side of it the result lies; of several outcomes `sides` does so by name. A grade is a value, too: its place among the levels
    (`lab.optimize.options.Options.levels`), from 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    factors: dict[str, Setting]
    status: Literal["done", "failed", "pending", "aborted"]
    value: float | None = None
    standard_deviation: float | None = None
    reason: str = ""
    """Why a failed or aborted trial gave no value, for people."""
    outcomes: dict[str, float] = Field(default_factory=dict[str, float])
    deviations: dict[str, float] = Field(default_factory=dict[str, float])
    cost: float | None = None
    """What the trial cost, in hours or money, where gains are weighed by it. A failed trial costs, too."""
    fidelity: str | None = None
    """How it is or was measured, where a campaign has several ways (`lab.optimize.options.Fidelity`)."""
    side: Side | None = None
    sides: dict[str, Side] = Field(default_factory=dict[str, Side])

    @model_validator(mode="after")
    def _check_value(self) -> Self:
        where = f"trial {self.number}"
        self._check_outcomes(where)
        beyond = [name for name in self.sides if name not in self.outcomes]
        if beyond or (self.side is not None and self.value is None):
            raise InputError(
                f"{where}: {beyond[0] if beyond else 'a result'} beyond the range, without the range's end",
                hint="give the end of the range as the value",
            )
        if self.cost is not None and not (math.isfinite(self.cost) and self.cost > 0):
            raise InputError(
                f"{where}: a cost of {self.cost}", hint="give a number above 0, or leave it out"
            )
        if self.status == "done":
            if self.value is None and self.outcomes:
                return self
            if self.value is None or not math.isfinite(self.value):
                raise InputError(
                    f"{where} is done, but its value is {self.value}",
                    hint="record a trial that gave no usable number as failed",
                )
        elif self.value is not None or self.standard_deviation is not None:
            raise InputError(
                f"{where} is {self.status}, but has a value", hint="only a done trial has one"
            )
        sd = self.standard_deviation
        if sd is not None and not (math.isfinite(sd) and sd >= 0):
            raise InputError(
                f"{where}: a standard deviation of {sd}",
                hint="give a number of at least 0 in the unit of the value, or leave it out",
            )
        return self

    def _check_outcomes(self, where: str) -> None:
        if self.outcomes and self.value is not None:
            raise InputError(
                f"{where} has a value, and outcomes as well",
                hint="a trial has outcomes by name, or one value",
            )
        for name, number in self.outcomes.items():
            if not math.isfinite(number):
                raise InputError(
                    f"{where}: {name} is {number}", hint="leave out what gave no usable number"
                )
        for name, number in self.deviations.items():
            if name not in self.outcomes or not (math.isfinite(number) and number >= 0):
                raise InputError(
                    f"{where}: a standard deviation of {number} of {name}",
                    hint="give a number of at least 0 for an outcome that was measured",
                )


class Suggestion(BaseModel):
    """The next trial to make, with the evidence that a person may want to see.

    `predicted_mean` and `predicted_sd` are the model's belief in the objective's unit, None without
    a model. `acquisition` is the log of the expected improvement over the best so far, in the
    outcome's standard deviations, where a model chose. `nearest_trial` is the finished trial
    nearest in the unit cube. origin: sobol (even spread), design (a classical one), model, random (a spread-out stand-in
    where the model had no new point to offer), or person (pinned).

    Where several outcomes are sought, `predicted` has mean and standard deviation of each, in its unit (the
    first goal's are also in `predicted_mean` and `predicted_sd`). `chance` is the probability that the trial gives what
    is measured at all, times that to keep all limits on it; None without limits while no trial failed. `better` is the
    chance that the one value beats the best measured one, and `explores` says in words where the point lies apart from
    all that was tried (`lab.optimize.explain`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    factors: dict[str, Setting]
    origin: Literal["sobol", "design", "model", "random", "person"]
    predicted_mean: float | None = None
    predicted_sd: float | None = None
    acquisition: float | None = None
    nearest_trial: int | None = None
    note: str = ""
    predicted: dict[str, tuple[float, float]] = Field(
        default_factory=dict[str, tuple[float, float]]
    )
    chance: float | None = None
    better: float | None = None
    explores: str = ""
    cost: float | None = None
    """What it is expected to cost, where gains are weighed by it."""
    fidelity: str | None = None
    """How to measure it, where a campaign has several ways."""


def check_history(space: Space, history: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The history ordered by trial number, so that the order of arrival changes nothing."""
    ordered = sorted(history, key=lambda record: record.number)
    for earlier, later in pairwise(ordered):
        if earlier.number == later.number:
            raise InputError(
                f"trial {later.number} is in the history twice",
                hint="keep the record with the latest status",
            )
    for record in ordered:
        space.check(record.factors, f"trial {record.number}")
    return ordered


def best(direction: Direction, history: Sequence[TrialRecord]) -> TrialRecord | None:
    """The trial with the best measured value (the first made, among equals); None while there is
    none.

    With noise the luckiest trial is not the best one: see `lab.optimize.recommend`.
    """
    sign = 1.0 if direction == "maximize" else -1.0
    scored = [
        (-sign * record.value, record.number, record)
        for record in history
        if record.status == "done" and record.value is not None
    ]
    return min(scored, key=lambda item: item[:2])[2] if scored else None


def nearest_trial(
    space: Space, records: Sequence[TrialRecord], factors: Mapping[str, Setting]
) -> int | None:
    """The number of the finished trial (done or failed) nearest to `factors` in the unit cube."""
    finished = [record for record in records if record.status != "pending"]
    if not finished:
        return None
    gaps = space.points([record.factors for record in finished]) - space.points([factors])
    return finished[int((gaps * gaps).sum(axis=1).argmin())].number
