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
from typing import TYPE_CHECKING, Self

from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass

from lab.domain.errors import InputError
from lab.optimize.history import TrialRecord
from lab.optimize.space import Category, Factor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.aim import Aim
    from lab.optimize.history import Direction
    from lab.optimize.space import Space

__all__ = ["Earlier", "Fidelity", "Options"]


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
    zeros: bool = False
    """Many outcomes are exactly zero, for reasons of their own: a failed injection, a reaction that does not start. More
    is better, and no outcome is below zero."""

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
        kind = "a grade" if self.levels else "an outcome with many zeros"
        for given, what, why in (
            (self.outliers, "outliers", "nobody can tell a gross error from a rare result there"),
            (
                self.accuracy,
                "an accuracy of factors",
                "an average over what is set needs one surface",
            ),
            (self.fidelities, "fidelities", "what a quick way has in common with it is not known"),
        ):
            if given and (self.levels or self.zeros):
                raise InputError(f"{what} beside {kind}", hint=f"leave one of them out: {why}")

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
        if self.fidelities and self.per_cost:
            raise InputError(
                "gain per cost beside fidelities",
                hint="leave per_cost out: each fidelity has its cost, and gains are weighed by it",
            )
        if self.fidelities and self.accuracy:
            raise InputError(
                "fidelities beside an accuracy of factors",
                hint="choose one of the two: what a fidelity says of a robust optimum is not known",
            )

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
        if not isinstance(sought, str):
            for given, what in (
                (self.outliers, "outliers"),
                (self.accuracy, "an accuracy of factors"),
                (self.fidelities, "fidelities"),
                (self.levels, "levels of a grade"),
                (self.zeros, "zeros"),
            ):
                if given:
                    raise InputError(
                        f"{what} where several outcomes are sought",
                        hint="leave it out, or seek one value: of several it is not known how",
                    )
        for given, what, why in (
            (self.accuracy, "an accuracy", "a candidate is made as it is listed"),
            (self.fidelities, "fidelities", "a list says what is tried, not how it is measured"),
        ):
            if pool and given:
                raise InputError(
                    f"{what} where candidates of a list are sought", hint=f"leave it out: {why}"
                )
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

    def check_told(self, history: Sequence[TrialRecord]) -> None:
        """Refuse values that are no grades, or that can't be where zeros are the least."""
        for record in history:
            value, where = record.value, f"trial {record.number}"
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
        for one in self.earlier:
            parts.append(one.name)
            for record in one.history:
                parts += [repr(record.value), repr(sorted(record.outcomes.items()))]
                parts += [repr(sorted(record.factors.items()))]
        return parts
