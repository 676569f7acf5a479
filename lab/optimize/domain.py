"""The contract between spaces, models and acquisitions: what each may ask of the other.

All three speak of points in the model's encoded unit space, as rows of plain float64 arrays. A space
(`lab.optimize.space`) translates factors to such rows and back and knows which rows are allowed; a
model (`lab.optimize.model`) believes something of a row; an acquisition (`lab.optimize.acquire`)
says how much a row is worth trying. Outcomes are always "more is better" here: whoever reads a
campaign turns the sign.

Arrays and not torch tensors, because at the sizes of a campaign (below 1000 rows) the seconds go to
the overhead per call, which is several times smaller in numpy. `Posterior.as_botorch` is the bridge
for what BoTorch alone has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Acquisition",
    "Array",
    "Linear",
    "Mask",
    "Observations",
    "Posterior",
    "SearchDomain",
    "Status",
]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

Status = Literal["done", "failed", "pending", "aborted"]


@dataclass(frozen=True)
class Linear:
    """Linear constraints in encoded space, `matrix @ point <= bound` or `== bound`, k x d and k.

    Rows speak of continuous columns alone; k may be 0.
    """

    matrix: Array
    bound: Array


class SearchDomain(Protocol):
    """Where an acquisition may look. Deterministic: all chance comes from the generator given."""

    @property
    def dimension(self) -> int:
        """Columns d of an encoded point."""
        ...

    @property
    def bounds(self) -> Array:
        """Least and greatest value of each column, 2 x d; 0 and 1 except where an encoding says."""
        ...

    @property
    def continuous(self) -> Mask:
        """Columns that gradient search may move, d. The others move by `perturb` alone."""
        ...

    @property
    def inequality(self) -> Linear:
        """`matrix @ point <= bound` among the continuous columns."""
        ...

    @property
    def equality(self) -> Linear:
        """`matrix @ point == bound` among the continuous columns (sum to one)."""
        ...

    def sample(self, count: int, generator: np.random.Generator) -> Array:
        """`count` feasible points spread evenly (scrambled Sobol where the space allows), count x d."""
        ...

    def perturb(self, points: Array, scale: float, generator: np.random.Generator) -> Array:
        """A feasible neighbour of each point: continuous columns moved by about `scale` (in units of
        their range), of the others about one factor swapped."""
        ...

    def project(self, points: Array) -> Array:
        """The nearest feasible point of each, n x d; feasible points come back unchanged."""
        ...

    def feasible(self, points: Array) -> Mask:
        """Which points satisfy every known constraint, linear or not, n."""
        ...

    def blocks(self) -> Iterator[Array] | None:
        """All points of a finite pool in their fixed order, in blocks of some thousand rows; None where
        the space is not a pool. Rows are numbered through all blocks from 0. May be called again."""
        ...


@dataclass(frozen=True)
class Observations:
    """What is known of tested and asked points.

    `outcomes` is n x m, one column per outcome, NaN where nothing was measured (failed, pending, or a
    result that is partial). `variances` of the same shape: the variance of the reported value (of
    the mean, where it is a mean), NaN where unknown; None if nobody knows any. `counts`: how many
    measurements the value is the mean of. `censored`: 0 where the value is exact, -1 where the truth
    is at most the value (below a detection limit), +1 where it is at least the value (a run stopped
    early, a saturated detector).
    """

    points: Array
    outcomes: Array
    status: tuple[Status, ...]
    variances: Array | None = None
    counts: Array | None = None
    censored: NDArray[np.int8] | None = None


class Posterior(Protocol):
    """The belief of a fitted model about one outcome, in that outcome's own unit."""

    @property
    def dimension(self) -> int: ...

    @property
    def noise_variance(self) -> float:
        """Variance of one further measurement around the noise-free outcome."""
        ...

    def mean_and_variance(self, points: Array) -> tuple[Array, Array]:
        """Of the noise-free outcome at n x d points: n and n."""
        ...

    def covariance(self, points: Array, others: Array | None = None) -> Array:
        """Posterior covariance between n points and k others (themselves by default), n x k."""
        ...

    def samples(self, points: Array, draws: int, seed: int) -> Array:
        """Joint draws of the noise-free outcome, draws x n (quasi-random, the same for equal seed)."""
        ...

    def given(self, points: Array, draws: Array) -> Conditioned:
        """The same belief, had the noise-free outcomes at k points been `draws` (S x k): how pending
        points and the baseline of noisy improvement are integrated over."""
        ...

    def as_botorch(self) -> object:
        """The same model (of a mixture the most likely member) as a BoTorch `SingleTaskGP`; torch is not
        loaded before this is called."""
        ...


class Conditioned(Protocol):
    """A belief under S equally likely assumptions on the outcome at some points."""

    def mean_and_variance(self, points: Array) -> tuple[Array, Array]:
        """n x S means and n x S variances."""
        ...

    def chain(self, points: Array, mean_weights: Array, variance_weights: Array) -> Array:
        """Gradient of `sum(mean_weights * mean + variance_weights * variance)` in each point, n x d."""
        ...


class Acquisition(Protocol):
    """How much each point is worth trying next: the higher the better, usually a logarithm."""

    def value(self, points: Array) -> Array:
        """n values for n x d points, each on its own."""
        ...

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        """n values and their n x d gradients."""
        ...
