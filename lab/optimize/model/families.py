"""Families of prior belief about a response surface, one of which fits most laboratories.

The prior of the lengthscales decides the first 20 to 40 experiments, and no one prior wins
everywhere. Several are fitted and weighed by how well each predicts the measurements that it was
not shown (`lab.optimize.model.mixture`); by default the two steady ones (docs/explanation/optimiser.md).

- `smooth-short`: Matern-5/2, Gamma(3) lengthscales whose mode grows with the root of the number of
  columns, as BayBE chose it after Hvarfner, Hellsten, Nardi 2024 (arXiv:2402.02229).
- `smooth-long`: squared exponential and the log-normal of the same mode of that paper, the default of
  BoTorch and Ax.
- `very-smooth`: squared exponential with the Gamma of the first; for lists of candidates, whose columns
  hold few levels.
- `steady` and `steady-smooth`: Matern-5/2 and squared exponential with a Gamma of the same mode that holds each lengthscale the
  more firmly the more there are: with as many outcomes as lengthscales the freer prior makes some of them short by chance.
- `descriptors`: lengthscales and output scale that are both large, for many columns of chemical
  descriptors of which few matter: Matern-5/2, Gamma(2 m, 2) and Gamma(m, 1) with m = 0.4 root d + 4 (Chen, Fleck and
  Stuyver 2026, "Leveraging hidden-space representations effectively in Bayesian optimization for experiment design through
  dimension-aware hyperpriors"; also in BayBE and BoFire).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from lab.optimize.model.kernel import Shape

__all__ = [
    "APART",
    "MANY",
    "NOISE",
    "UNEXPLAINED",
    "Family",
    "Prior",
    "default_families",
    "families_for",
    "front_families",
    "pool_families",
]


@dataclass(frozen=True)
class Prior:
    """A density of a positive number, up to a constant. gamma: concentration and rate; lognormal: mean
    and standard deviation of the logarithm."""

    kind: Literal["gamma", "lognormal"]
    first: float
    second: float

    @property
    def mode(self) -> float:
        if self.kind == "gamma":
            return (self.first - 1.0) / self.second
        return math.exp(self.first - self.second**2)


MANY = 20
"""Lengthscales beyond which columns are descriptors, few of which matter."""

_FEW = 2
"""Lengthscales up to which the rougher kernel is enough, and the smoother one too sure of itself."""

NOISE = Prior("lognormal", -4.0, 1.0)
"""Of the noise variance per variance of the outcome. Mode at 1/150, wide enough to be moved by ten
points (Hvarfner et al. 2024)."""


UNEXPLAINED = Prior("gamma", 1.5, 0.5)
"""The same where choices have many descriptors: these never say all of what a molecule does, and the rest looks like
noise (as in EDBO: Shields et al. 2021, Nature 590, 89)."""

APART = Prior("gamma", 2.5, 1.0)
"""Of the lengthscale between this campaign and another, which lies at the distance 1: at its mode outcomes are
correlated by 0.8, and the others' trials can move it both ways."""


@dataclass(frozen=True)
class Family:
    """A kernel with its priors. Without `scale` the standardised outcome has variance 1."""

    name: str
    shape: Shape
    lengthscale: Prior
    scale: Prior | None = None
    noise: Prior = NOISE


def families_for(dimension: int) -> tuple[Family, ...]:
    """The families for points of `dimension` lengthscales."""
    root = math.sqrt(dimension)
    mode = math.exp(math.sqrt(2.0) - 3.0) * root
    concentration = max(3.0, 3.0 * (dimension - 1.0))
    firm = Prior("gamma", concentration, (concentration - 1.0) / mode)
    chen = 0.4 * root + 4.0
    return (
        Family("smooth-short", "matern52", Prior("gamma", 3.0, 2.0 / mode)),
        Family(
            "smooth-long",
            "rbf",
            Prior("lognormal", math.sqrt(2.0) + 0.5 * math.log(dimension), math.sqrt(3.0)),
        ),
        Family(
            "descriptors",
            "matern52",
            Prior("gamma", 2.0 * chen, 2.0),
            Prior("gamma", chen, 1.0),
            UNEXPLAINED,
        ),
        Family("very-smooth", "rbf", Prior("gamma", 3.0, 2.0 / mode)),
        Family("steady", "matern52", firm),
        Family("steady-smooth", "rbf", firm),
    )


def default_families(dimension: int) -> tuple[Family, ...]:
    """What is fitted where nobody asks for more: the two steady families, of one or two lengthscales the first of
    them alone, or where there are so many that most columns must be chemical descriptors, theirs."""
    families = families_for(dimension)
    if dimension <= _FEW:
        return families[4:5]
    return families[4:] if dimension <= MANY else families[2:3]


def front_families(dimension: int) -> tuple[Family, ...]:
    """The same where goals pull apart: beside the steady ones the one that lets lengthscales be long."""
    steady = default_families(dimension)
    return (*steady, families_for(dimension)[1]) if _FEW < dimension <= MANY else steady


def pool_families(dimension: int) -> tuple[Family, ...]:
    """The same for a list of candidates."""
    families = families_for(dimension)
    return families[3:4] if dimension <= MANY else families[2:3]
