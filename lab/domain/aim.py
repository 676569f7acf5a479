"""What is sought where one number to maximise or minimise does not say it: several outcomes, a target value,
limits on what is measured, and how goals that pull apart are weighed.

For example, a high yield and a low cost while the impurity stays below 2 %::

    Aim(
        goals=(Goal("yield", "maximize", worst=20.0), Goal("cost", "minimize", worst=80.0)),
        limits=(Limit("impurity", maximum=2.0),),
    )
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeVar

from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass

from lab.domain.errors import InputError
from lab.domain.front import hypervolume, nondominated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Aim", "Goal", "Limit", "Tried", "Weighing", "best_so_far"]

Weighing = Literal["front", "desirability"]
"""front: the trials that no other beats in every goal. desirability: one number, see `Aim.desirability`."""


def best_so_far(
    values: Sequence[float], direction: str, target: float | None = None
) -> list[float]:
    """After each value the best one until then."""
    best: list[float] = []
    for value in values:
        if not best or _better(value, best[-1], direction, target):
            best.append(value)
        else:
            best.append(best[-1])
    return best


def _better(value: float, other: float, direction: str, target: float | None) -> bool:
    if target is not None:
        return abs(value - target) < abs(other - target)
    return value < other if direction == "minimize" else value > other


class Tried(Protocol):
    """A trial as far as an aim looks at it."""

    @property
    def number(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def outcomes(self) -> Mapping[str, float]: ...


_Trial = TypeVar("_Trial", bound=Tried)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Goal:
    """One outcome, and what is better. All numbers are in the outcome's unit.

    `target` (direction "target" alone): the value that is sought. `worst`: a value that is of no use any more; of a
    target it is how far from it an outcome is of no use. `ideal`: a value beyond which nothing is gained
    (of a target it is the target itself). A front is measured from the worst values; desirability runs from worst to
    ideal.
    """

    outcome: str
    direction: Literal["maximize", "minimize", "target"]
    target: float | None = None
    worst: float | None = None
    ideal: float | None = None
    weight: float = 1.0
    """Of its desirability among the others'."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        where = f"the goal {self.outcome or '(without a name)'}"
        if not self.outcome:
            raise InputError(f"{where}: no outcome", hint="name the outcome that is sought")
        numbers = (self.target, self.worst, self.ideal, self.weight)
        if not all(math.isfinite(number) for number in numbers if number is not None):
            raise InputError(f"{where}: a number that is not finite", hint="give plain numbers")
        if (self.target is not None) != (self.direction == "target"):
            raise InputError(
                f"{where}: the direction is {self.direction}, and the target {self.target}",
                hint='a target value goes with the direction "target", and with no other',
            )
        if self.weight <= 0:
            raise InputError(f"{where}: a weight of {self.weight:g}", hint="give one above 0")
        self._check_ends(where)
        return self

    def _check_ends(self, where: str) -> None:
        if self.direction == "target":
            if self.ideal is not None:
                raise InputError(f"{where}: an ideal beside a target", hint="leave the ideal out")
            if self.worst is not None and self.worst <= 0:
                raise InputError(
                    f"{where}: {self.worst:g} as the distance from the target that is of no use",
                    hint="give a distance above 0",
                )
        elif (
            self.worst is not None
            and self.ideal is not None
            and (self.sign * (self.ideal - self.worst) <= 0)
        ):
            raise InputError(
                f"{where}: the ideal {self.ideal:g} is not better than the worst {self.worst:g}",
                hint=f"to {self.direction}, the ideal lies "
                f"{'above' if self.direction == 'maximize' else 'below'} the worst",
            )

    @property
    def sign(self) -> float:
        """-1 where less is better."""
        return -1.0 if self.direction == "minimize" else 1.0

    def score(self, value: float) -> float:
        """The value as a number of which more is better, in the same unit."""
        return self.sign * value if self.target is None else -abs(value - self.target)

    @property
    def worst_score(self) -> float | None:
        """The score of a value that is of no use."""
        if self.worst is None:
            return None
        return -self.worst if self.direction == "target" else self.sign * self.worst

    @property
    def ideal_score(self) -> float | None:
        """The score beyond which nothing is gained."""
        if self.direction == "target":
            return 0.0
        return None if self.ideal is None else self.sign * self.ideal

    def desirability(self, value: float) -> float:
        """0 at the worst value and beyond, 1 at the ideal and beyond, and straight between (Derringer and
        Suich 1980, J. Qual. Technol. 12, 214, with exponents of 1)."""
        low, high = self.worst_score, self.ideal_score
        if low is None or high is None:
            raise InputError(
                f"the goal {self.outcome} has no desirability", hint="give its worst and its ideal"
            )
        return min(1.0, max(0.0, (self.score(value) - low) / (high - low)))


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Limit:
    """What a measured outcome must keep to; at least one of the two, in the outcome's unit."""

    outcome: str
    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [number for number in (self.minimum, self.maximum) if number is not None]
        if not self.outcome or not given or not all(math.isfinite(number) for number in given):
            raise InputError(
                f"the limit on {self.outcome or '(no outcome)'} says nothing",
                hint="name an outcome, and give a finite minimum, a maximum, or both",
            )
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise InputError(
                f"the limits on {self.outcome}: at least {self.minimum:g} and at most "
                f"{self.maximum:g} contradict one another",
                hint="the minimum is below the maximum",
            )
        return self

    def keeps(self, value: float) -> bool:
        return not (
            (self.minimum is not None and value < self.minimum)
            or (self.maximum is not None and value > self.maximum)
        )

    @property
    def words(self) -> str:
        low = "" if self.minimum is None else f"{self.minimum:g} <= "
        high = "" if self.maximum is None else f" <= {self.maximum:g}"
        return f"{low}{self.outcome}{high}"


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Aim:
    """All goals of a campaign, and the limits on what is measured."""

    goals: tuple[Goal, ...]
    limits: tuple[Limit, ...] = ()
    weigh: Weighing = "front"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.goals:
            raise InputError("nothing is sought", hint="give at least one goal")
        for kind, names in (("goal", self._sought), ("limit", [n.outcome for n in self.limits])):
            for name in names:
                if names.count(name) > 1:
                    raise InputError(
                        f"two {kind}s on {name}", hint="one for each outcome; a limit has both ends"
                    )
        if self.weigh == "desirability":
            for goal in self.goals:
                if goal.worst_score is None or goal.ideal_score is None:
                    raise InputError(
                        f"the goal {goal.outcome} is weighed by desirability, and has not both ends",
                        hint="give the worst value that is of use to anybody, and the ideal one",
                    )
        for goal in self.goals:
            self._check_reach(goal)
        return self

    def _check_reach(self, goal: Goal) -> None:
        """Refuse a goal that lies where its own limit forbids it."""
        for limit in self.limits:
            ends = [v for v in (goal.target, goal.ideal) if v is not None]
            if limit.outcome == goal.outcome and any(not limit.keeps(v) for v in ends):
                raise InputError(
                    f"the goal {goal.outcome} seeks what its limit {limit.words} forbids",
                    hint="move the target or the ideal inside the limit",
                )

    @property
    def _sought(self) -> list[str]:
        return [goal.outcome for goal in self.goals]

    @cached_property
    def outcomes(self) -> tuple[str, ...]:
        """What is measured: goals first, then limits, each once."""
        return tuple(dict.fromkeys([*self._sought, *(limit.outcome for limit in self.limits)]))

    @property
    def single(self) -> bool:
        """True if trials are ordered by one number."""
        return len(self.goals) == 1 or self.weigh == "desirability"

    def scores(self, outcomes: Mapping[str, float]) -> tuple[float, ...]:
        """For each goal a number of which more is better; one number where `single`."""
        if self.weigh == "desirability":
            return (self.desirability(outcomes),)
        return tuple(goal.score(outcomes[goal.outcome]) for goal in self.goals)

    def desirability(self, outcomes: Mapping[str, float]) -> float:
        """The weighted geometric mean of the goals' desirabilities: 0 as soon as one of them is 0."""
        total = sum(goal.weight for goal in self.goals)
        value = 1.0
        for goal in self.goals:
            value *= goal.desirability(outcomes[goal.outcome]) ** (goal.weight / total)
        return value

    def keeps(self, outcomes: Mapping[str, float]) -> bool:
        """Whether all limits are kept."""
        return all(limit.keeps(outcomes[limit.outcome]) for limit in self.limits)

    def measured(self, history: Iterable[Tried]) -> int:
        """How many trials have measured the outcome that was measured least often."""
        records = list(history)
        return min(sum(name in record.outcomes for record in records) for name in self.outcomes)

    def complete(self, history: Iterable[_Trial]) -> list[_Trial]:
        """The trials in which every outcome was measured."""
        return [
            record
            for record in history
            if record.status == "done" and all(name in record.outcomes for name in self.outcomes)
        ]

    def front(self, history: Iterable[_Trial]) -> list[_Trial]:
        """The trials that keep all limits and that no such trial beats, by number; where `single`, the best."""
        kept = [record for record in self.complete(history) if self.keeps(record.outcomes)]
        scores = [self.scores(record.outcomes) for record in kept]
        if self.single:
            return (
                [max(zip(scores, kept, strict=True), key=lambda pair: pair[0])[1]] if kept else []
            )
        return sorted((kept[i] for i in nondominated(scores)), key=lambda record: record.number)

    def volume(self, history: Iterable[Tried]) -> float | None:
        """The hypervolume between the front and the worst values, in the product of the units; None where
        a worst value is missing."""
        worst = [goal.worst_score for goal in self.goals]
        known = [score for score in worst if score is not None]
        if self.single or len(known) < len(worst):
            return None
        return hypervolume([self.scores(record.outcomes) for record in self.front(history)], known)

    @property
    def fingerprint(self) -> list[str]:
        """What the seed of a campaign depends on."""
        parts = [self.weigh]
        for goal in self.goals:
            numbers = (goal.target, goal.worst, goal.ideal, goal.weight)
            parts += [goal.outcome, goal.direction, *map(repr, numbers)]
        for limit in self.limits:
            parts += [limit.outcome, repr(limit.minimum), repr(limit.maximum)]
        return parts
