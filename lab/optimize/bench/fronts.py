"""What is optimised in a benchmark of several goals: a reaction of which the kinetics are known, or the rows of a table."""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from scipy.integrate import solve_ivp

from lab.domain.aim import Aim, Goal
from lab.domain.errors import InputError
from lab.domain.front import hypervolume
from lab.optimize.bench.tasks import first_points, read_table, row_of
from lab.optimize.space import Factor, Space

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from lab.optimize.domain import Array
    from lab.optimize.history import Direction
    from lab.optimize.pool import Pool
    from lab.optimize.space import Setting

__all__ = ["FRONTS", "FrontTask", "front_table_task", "snar", "snar_task"]


@dataclass(frozen=True)
class FrontTask:
    """Goals that pull apart. No method is told from where the front is measured."""

    name: str
    space: Space
    aim: Aim
    """The goals without a worst value."""
    truth: Callable[[Mapping[str, Setting]], dict[str, float]]
    """The outcomes without noise."""
    noise: Mapping[str, float]
    """Standard deviation of what is added to each outcome."""
    worst: tuple[float, ...]
    """In scores, of which more is better: from where a front is measured."""
    whole: float
    """The largest volume that there is."""
    pool: Pool | None = None

    @property
    def sought(self) -> Aim:
        """What a method is told of it."""
        return self.aim

    def first(self, seed: int, count: int) -> list[dict[str, Setting]]:
        """The points that every method is given."""
        return first_points(self.space, self.pool, seed, count)

    def share(self, tried: Sequence[Mapping[str, float]]) -> float:
        """Of the whole volume, what these outcomes dominate."""
        return hypervolume([self.aim.scores(outcomes) for outcomes in tried], self.worst) / (
            self.whole
        )


_MASSES = np.array([159.09, 71.12, 210.21, 210.21, 261.33])
_DENSITY = 0.789
"""Of ethanol, g/mL."""
_KELVIN = 273.71
"""As the published model adds it."""


def snar(minutes: float, equivalents: float, molar: float, celsius: float) -> tuple[float, float]:
    """Space-time yield in kg/(m3 h), to be maximised, and E-factor, to be minimised, of the ortho product of
    2,4-difluoronitrobenzene and pyrrolidine in a flow reactor.

    Rate law and constants (90 degC, with activation energies in kJ/mol): Hone, Holmes, Akien, Bourne, Muller 2017, React.
    Chem. Eng. 2, 103. Every step uses up pyrrolidine, so in the time that runs with its concentration the rest is linear
    and has a closed form; that time is integrated.
    """
    rate = [
        0.6 * k * math.exp(-1e3 * energy / 8.314 * (1 / (celsius + _KELVIN) - 1 / (90 + _KELVIN)))
        for k, energy in ((57.9, 33.3), (2.70, 35.3), (0.865, 38.9), (1.63, 44.8))
    ]  # per molar and minute: to ortho, to para, from ortho on, from para on
    gone = rate[0] + rate[1]

    def at(s: float) -> tuple[float, float, float, float]:
        """Starting material, ortho, para and the product of both."""
        left = molar * math.exp(-gone * s)
        ortho, para = (
            molar * formed / (gone - lost) * (math.exp(-lost * s) - math.exp(-gone * s))
            for formed, lost in ((rate[0], rate[2]), (rate[1], rate[3]))
        )
        return left, ortho, para, molar - left - ortho - para

    def amine(s: float) -> float:
        left, _, _, both = at(s)
        return equivalents * molar - (molar - left) - both

    def slope(_: float, state: Array) -> list[float]:
        return [amine(float(state[0]))]

    solved = solve_ivp(slope, (0.0, minutes), [0.0], method="LSODA", rtol=1e-9, atol=1e-12)
    end = float(cast("Array", solved.y)[0, -1])
    left, ortho, para, both = at(end)
    grams = _MASSES * np.array([left, amine(end), ortho, para, both]) * 1e-3  # per mL
    product = max(float(grams[2]), 1e-12)
    waste = _DENSITY + float(grams.sum()) - product
    return 6e4 * product / minutes, min(waste / product, 1e3)


_SNAR_WORST = (2957.0, -10.7)
"""From where Summit and BoFire measure the front."""
_SNAR_WHOLE = 18503.0
"""What 22 500 evaluations by NSGA-II dominate above that."""


def snar_task() -> FrontTask:
    """The reaction `snar` with noise of about one in a hundred."""
    space = Space(
        (
            Factor("residence_time", "min", 0.5, 2.0),
            Factor("pyrrolidine", "1", 1.0, 5.0),
            Factor("concentration", "mol/L", 0.1, 0.5),
            Factor("temperature", "degC", 30.0, 120.0),
        )
    )
    aim = Aim((Goal("space_time_yield", "maximize"), Goal("e_factor", "minimize")))

    def truth(values: Mapping[str, Setting]) -> dict[str, float]:
        found = snar(*(float(values[name]) for name in space.names))
        return dict(zip(aim.outcomes, found, strict=True))

    noise = {"space_time_yield": 100.0, "e_factor": 0.1}
    return FrontTask("snar", space, aim, truth, noise, _SNAR_WORST, _SNAR_WHOLE)


FRONTS: Mapping[str, Callable[[], FrontTask]] = {"snar": snar_task}
"""Functions with several goals."""


def front_table_task(
    path: Path,
    goals: Mapping[str, Direction],
    *,
    ignore: Sequence[str] = (),
    descriptors: Mapping[str, Path] | None = None,
) -> FrontTask:
    """The rows of a CSV file as candidates. The front is measured from the worst value of each goal in the table."""
    pool, means = read_table(path, tuple(goals), ignore=ignore, descriptors=descriptors)
    aim = Aim(tuple(Goal(name, direction) for name, direction in goals.items()))
    outcomes = [dict(zip(goals, row, strict=True)) for row in means]
    scores = [aim.scores(row) for row in outcomes]
    worst = tuple(min(column) for column in zip(*scores, strict=True))
    whole = hypervolume(scores, worst)
    if whole <= 0.0:
        raise InputError(
            f"{path}: no row is better than the worst in all of {', '.join(goals)}",
            hint="goals that have one value in all rows make no front",
        )

    def truth(values: Mapping[str, Setting]) -> dict[str, float]:
        return outcomes[row_of(pool, values)]

    return FrontTask(
        path.stem, pool.space, aim, truth, dict.fromkeys(goals, 0.0), worst, whole, pool
    )
