"""Functions of which the optimum is known, on the unit cube. Several, so that no method is tuned to one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.optimize.domain import Array
    from lab.optimize.history import Direction

__all__ = ["FUNCTIONS", "Known", "ackley5", "branin", "hartmann6"]

# Parameters: Picheny, Wagner, Ginsbourger, Struct. Multidisc. Optim. 48 (2013) 607.
_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_A = np.array(
    [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ]
)
_P = np.array(
    [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ]
)


def hartmann6(x: Array) -> float:
    """The six-dimensional Hartmann function with its sign turned; six local maxima, to be maximised."""
    return float(_ALPHA @ np.exp(-(_A * (x - _P) ** 2).sum(axis=1)))


def branin(x: Array) -> float:
    """To be minimised; three equal minima (Dixon and Szego 1978), on the unit square here."""
    a, b = 15.0 * x[0] - 5.0, 15.0 * x[1]
    bend = b - 5.1 / (4 * math.pi**2) * a * a + 5 / math.pi * a - 6
    return float(bend * bend + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10)


def ackley5(x: Array) -> float:
    """To be minimised; a funnel in ripples (Ackley 1987), its bottom moved off the centre."""
    z = 30.0 * (x - np.array([0.3, 0.55, 0.7, 0.45, 0.6]))
    far = -20.0 * math.exp(-0.2 * math.sqrt(float((z * z).mean())))
    return far - math.exp(float(np.cos(2 * math.pi * z).mean())) + 20.0 + math.e


def levy4(x: Array) -> float:
    """To be minimised; ripples over a bowl that falls to one side (Levy and Montalvo 1985)."""
    w = 1.0 + (20.0 * x - 11.0) / 4.0
    inner = (w[:-1] - 1.0) ** 2 * (1.0 + 10.0 * np.sin(math.pi * w[:-1] + 1.0) ** 2)
    last = (w[-1] - 1.0) ** 2 * (1.0 + math.sin(2.0 * math.pi * w[-1]) ** 2)
    return math.sin(math.pi * w[0]) ** 2 + float(inner.sum()) + float(last)


def michalewicz5(x: Array) -> float:
    """To be maximised; flat with narrow valleys that cross, the hardest one here (Michalewicz 1992)."""
    z = math.pi * x
    place = np.arange(1, len(x) + 1)
    return float((np.sin(z) * np.sin(place * z * z / math.pi) ** 20).sum())


def styblinski5(x: Array) -> float:
    """To be minimised, per dimension; two basins in each of five directions (Styblinski and Tang 1990)."""
    z = 10.0 * x - 5.0
    return float((z**4 - 16.0 * z**2 + 5.0 * z).mean()) / 2.0


def works_beside_the_optimum(x: Array) -> bool:
    """More than half of the cube fails, with an edge 0.06 from the optimum of Hartmann's function."""
    return float(x[0] + x[5]) < 0.95


@dataclass(frozen=True)
class Known:
    """A function of points of the unit cube, and what is known of it."""

    value: Callable[[Array], float]
    dimension: int
    direction: Direction
    optimum: float
    noise: float
    """Standard deviation of the noise that is added."""
    works: Callable[[Array], bool] | None = None
    """Where a trial gives a value; None: everywhere."""


FUNCTIONS: Mapping[str, Known] = {
    "hartmann6": Known(hartmann6, 6, "maximize", 3.32237, 0.1),
    "branin": Known(branin, 2, "minimize", 0.397887, 0.5),
    "ackley5": Known(ackley5, 5, "minimize", 0.0, 0.1),
    "levy4": Known(levy4, 4, "minimize", 0.0, 0.5),
    "michalewicz5": Known(michalewicz5, 5, "maximize", 4.687658, 0.1),
    "styblinski5": Known(styblinski5, 5, "minimize", -39.166166, 0.5),
    "hartmann6_failing": Known(hartmann6, 6, "maximize", 3.32237, 0.1, works_beside_the_optimum),
}
