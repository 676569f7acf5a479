"""What a campaign may want beside its space and what it seeks. By default nothing: then all is as without options.

For example, a bath that keeps its temperature to half a degree, gross outliers now and then, and a series of an
earlier season::

    Options(
        outliers=True,
        accuracy={"temperature": 0.5},
        earlier=(Earlier("spring", tuple(old.history)),),
    )
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Self

from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass

from lab.domain.aim import Aim
from lab.domain.errors import InputError
from lab.optimize.history import TrialRecord
from lab.optimize.space import Category, Factor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.history import Direction
    from lab.optimize.space import Space

__all__ = ["Earlier", "Fidelity", "Options"]

_Beside = Literal["several", "list", "kind", "fidelities"]

_REFUSED: tuple[tuple[str, str, _Beside, str], ...] = (
    ("outliers", "outliers", "several", "a value that is odd in one outcome says nothing of the others"),
    ("accuracy", "an accuracy of factors", "several", "an average over what is set needs one surface"),
    ("fidelities", "fidelities", "several", "what a quick way has in common with each is not known"),
    (
        "levels", "levels of a grade", "several",
        "a front is measured in the units of its outcomes, and the number behind a grade has none",
    ),
    ("accuracy", "an accuracy", "list", "a candidate is made as it is listed"),
    ("fidelities", "fidelities", "list", "a list says what is tried, not how it is measured"),
    ("outliers", "outliers", "kind", "nobody can tell a gross error from a rare result there"),
    ("accuracy", "an accuracy of factors", "kind", "an average over what is set needs one surface"),
    ("fidelities", "fidelities", "kind", "what a quick way has in common with it is not known"),
    ("per_cost", "gain per cost", "fidelities", "each fidelity has its cost, and gains are weighed by it"),
    ("accuracy", "an accuracy of factors", "fidelities", "what a fidelity says of a robust optimum is not known"),
)  # fmt: skip
"""Option, its name for people, beside what it is refused (several outcomes, a list of candidates, grades or zeros, fidelities),
and why."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Earlier:
    """Trials of another campaign with the same factors: another substrate, season or device.

    What they measured may have another level and scale, and may be unrelated: they have the say that they earn by
    what they predict of this campaign's trials.
    """

    name: str
    history: tuple[TrialRecord, ...]

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.name:
            raise InputError("an earlier campaign has no name", hint="name it")
        if not any(record.status == "done" for record in self.history):
            raise InputError(
                f"the earlier campaign {self.name} has no measured trial",
                hint="give its history with values, or leave it out",
            )
        return self


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Fidelity:
    """A way to measure the outcome: a simulation, a quick method, the real one. `cost`: of one trial, in any unit that
    is the same for all.
    """

    name: str
    cost: float

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.name or not (math.isfinite(self.cost) and self.cost > 0):
            raise InputError(
                f"the fidelity {self.name or '(without a name)'} costs {self.cost}",
                hint="give a name, and a cost above 0",
            )
        return self


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Options:
    """See the module, and docs/explanation/optimiser_options.md."""

    outliers: bool = False
    """Some outcomes may be grossly wrong: those that the others contradict teach nothing, and those among them that
    are too good to be true are measured again."""
    accuracy: dict[str, float] | None = None
    """Standard deviation with which a device keeps a factor's set point, in the factor's unit. What is sought is
    then the outcome on average over what is really set."""
    quantile: float | None = None
    """With `accuracy`: in place of the average, the value that is reached with the probability 1 - quantile."""
    per_cost: bool = False
    """What is sought is the gain per cost; costs are told with the trials, or come as a function to `ask`."""
    earlier: tuple[Earlier, ...] = ()
    fidelities: tuple[Fidelity, ...] = ()
    """From the least to the target; the last is what counts."""
    levels: tuple[str, ...] = ()
    """The outcome is a grade, one of these, from the lowest to the highest; which end is better says the direction."""
    zeros: bool | tuple[str, ...] = False
    """Many outcomes are exactly zero, for reasons of their own: a failed injection, a reaction that does not start. More
    is better, and no outcome is below zero. Where several are sought, the names of those that are so."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [one.name for one in self.earlier]
        if len(set(names)) < len(names):
            raise InputError("two earlier campaigns of one name", hint="name each differently")
        for name, sd in (self.accuracy or {}).items():
            if not (math.isfinite(sd) and sd > 0):
                raise InputError(
                    f"an accuracy of {sd} of {name}",
                    hint="give a standard deviation above 0, in the factor's unit",
                )
        if self.quantile is not None:
            if not 0 < self.quantile < 0.5:
                raise InputError(
                    f"a quantile of {self.quantile}",
                    hint="give one above 0 and below 0.5: 0.1 is what nine of ten trials reach",
                )
            if not self.accuracy:
                raise InputError(
                    "a quantile without an accuracy",
                    hint="say how well which factors are set: there is no spread to take it of",
                )
        self._check_fidelities()
        self._check_kind()
        return self

    def _check_kind(self) -> None:
        """What the outcome is, and what is not known of such ones."""
        if self.levels and (
            len(self.levels) < 2
            or len(set(self.levels)) < len(self.levels)
            or not all(level.strip() == level != "" for level in self.levels)
        ):
            raise InputError(
                f"the levels of a grade: {', '.join(self.levels)}",
                hint="name at least two, each differently, from the lowest to the highest",
            )
        if self.levels and self.zeros:
            raise InputError(
                "zeros beside levels",
                hint="leave zeros out: a grade has no zero, only a lowest level",
            )
        if self.levels or self.zeros:
            self._refuse(
                "kind", f"beside {'a grade' if self.levels else 'an outcome with many zeros'}"
            )

    def _refuse(self, beside: _Beside, words: str) -> None:
        for field, what, other, why in _REFUSED:
            if other == beside and getattr(self, field):
                raise InputError(f"{what} {words}", hint=f"leave one of them out: {why}")

    def _check_fidelities(self) -> None:
        names = [one.name for one in self.fidelities]
        if len(names) == 1 or len(set(names)) < len(names):
            raise InputError(
                f"the fidelities {', '.join(names)}",
                hint="give at least two, named differently; the last is the target",
            )
        if self.fidelities and max(one.cost for one in self.fidelities[:-1]) >= self.target.cost:
            raise InputError(
                f"a lower fidelity that costs as much as {self.target.name}",
                hint="leave it out: the target itself says more for less",
            )
        if self.fidelities:
            self._refuse("fidelities", "beside fidelities")

    @property
    def target(self) -> Fidelity:
        """The fidelity that counts."""
        return self.fidelities[-1]

    def at_target(self, fidelity: str | None) -> bool:
        """True of a way to measure what is sought."""
        return not self.fidelities or fidelity == self.target.name

    def is_target(self, record: TrialRecord) -> bool:
        """True of a trial that measured, or will measure, what is sought."""
        return self.at_target(record.fidelity)

    def check(
        self, space: Space, sought: Direction | Aim, history: Sequence[TrialRecord], *, pool: bool
    ) -> None:
        """Refuse what does not go with the space, what is sought or what was told. InputError."""
        if isinstance(sought, Aim):
            self._refuse("several", "where several outcomes are sought")
            self._check_zeros_of(sought)
        elif isinstance(self.zeros, tuple) and self.zeros:
            raise InputError(
                f"zeros of {', '.join(self.zeros)}, where one value is sought",
                hint="write zeros=True: one value has no name",
            )
        if pool:
            self._refuse("list", "where candidates of a list are sought")
        if self.zeros and sought == "minimize":
            raise InputError(
                "many zeros, where less is better",
                hint='leave zeros out; what is below the instrument\'s range is told as "< 0.1"',
            )
        self.check_told(history)
        for name in self.accuracy or {}:
            factor = space.factor(name)
            if not isinstance(factor, Factor):
                kind = "a choice" if isinstance(factor, Category) else "a list of levels"
                raise InputError(
                    f"an accuracy of {name}, which is {kind}",
                    hint="only numbers in a range are set more or less exactly",
                )
        known = [one.name for one in self.fidelities]
        for record in history:
            if (record.fidelity is not None or known) and record.fidelity not in known:
                raise InputError(
                    f"trial {record.number} is of the fidelity {record.fidelity}",
                    hint=f"the fidelities are: {', '.join(known) or '(none)'}",
                )
        for one in self.earlier:
            self._check_earlier(space, sought, one)

    def _check_zeros_of(self, aim: Aim) -> None:
        """What a point promises is multiplied by its chance to be above zero: a zero must be worth nothing."""
        if self.zeros is True:
            raise InputError(
                "zeros where several outcomes are sought",
                hint=f"name the outcomes that are so: {', '.join(aim.outcomes)}",
            )
        goals = {goal.outcome: goal for goal in aim.goals}
        for name in self.zeros or ():
            goal = goals.get(name)
            if goal is None or goal.direction != "maximize":
                raise InputError(
                    f"many zeros of {name}, which is no goal to maximise",
                    hint="leave it out of zeros: elsewhere a zero may be just what is sought",
                )
            if goal.worst is not None and goal.worst < 0:
                raise InputError(
                    f"many zeros of {name}, and {goal.worst:g} as its worst value",
                    hint="give a worst value of 0 or more: a zero is of no use, and nothing is below it",
                )

    def of(self, outcome: str) -> Options:
        """As the model of one of several outcomes is told them."""
        zeros = self.zeros
        return self if isinstance(zeros, bool) else replace(self, zeros=outcome in zeros)

    def check_told(self, history: Sequence[TrialRecord]) -> None:
        """Refuse values that are no grades, or that can't be where zeros are the least."""
        for record in history:
            value, where = record.value, f"trial {record.number}"
            for name in self.zeros if isinstance(self.zeros, tuple) else ():
                told = record.outcomes.get(name)
                if told is not None and (told < 0 or (told == 0 and name in record.sides)):
                    raise InputError(
                        f"{where}: {name} is {told:g}, where nothing is below zero",
                        hint="tell 0, or leave it out of the zeros of the options",
                    )
            if value is None:
                continue
            if self.levels and (
                value not in range(len(self.levels))
                or record.side is not None
                or record.standard_deviation
            ):
                raise InputError(
                    f"{where}: {value:g} is no grade",
                    hint=f"a grade is one of: {', '.join(self.levels)}, with nothing beside it",
                )
            if self.zeros and (value < 0 or (value == 0 and record.side is not None)):
                raise InputError(
                    f"{where}: {value:g}, where nothing is below zero",
                    hint="tell 0, or leave zeros out of the options",
                )

    def _check_earlier(self, space: Space, sought: Direction | Aim, one: Earlier) -> None:
        for record in one.history:
            where = f"trial {record.number} of the earlier campaign {one.name}"
            space.check(record.factors, where)
            if record.status == "done" and (record.value is not None) != isinstance(sought, str):
                raise InputError(
                    f"{where} has {'several outcomes' if record.value is None else 'one value'}",
                    hint="an earlier campaign has the outcomes of this one",
                )

    @property
    def fingerprint(self) -> list[str]:
        """What the seed of a campaign depends on: nothing where no option is used."""
        if self == Options():
            return []
        parts = [repr(self.outliers), repr(self.quantile), repr(self.per_cost)]
        parts += [f"{name} {sd!r}" for name, sd in sorted((self.accuracy or {}).items())]
        parts += [f"{one.name} {one.cost!r}" for one in self.fidelities]
        parts += [f"level {level}" for level in self.levels]
        parts += ["zeros"] if self.zeros else []
        parts += list(self.zeros) if isinstance(self.zeros, tuple) else []
        for one in self.earlier:
            parts.append(one.name)
            for record in one.history:
                parts += [repr(record.value), repr(sorted(record.outcomes.items()))]
                parts += [repr(sorted(record.factors.items()))]
        return parts
