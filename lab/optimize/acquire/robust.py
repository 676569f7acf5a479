"""What a point is worth where a device sets factors with an error: the outcome on average over what is really set, or
a quantile of it.

Each point stands for a fixed spread of points around it (BoTorch's InputPerturbation), also beyond the range of a factor:
there the device may go. Each draw from the model gives the average or the quantile of the outcomes in their unit, and
the noisy expected improvement of that number is sought (Beland and Nair 2017; Cakmak et al. 2020,
arXiv:2007.05554). Loads torch.
"""

# torch and botorch have partial types.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import math
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.acquire.hypervolume import unbent
from lab.optimize.model.process import cholesky
from lab.optimize.model.tensors import as_botorch, tensor
from lab.optimize.sobol import derived_seed, normal_points
from lab.optimize.space import Factor

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torch
    from botorch.acquisition.logei import qLogNoisyExpectedImprovement
    from botorch.acquisition.risk_measures import Expectation, VaR
    from botorch.sampling import SobolQMCNormalSampler
    from linear_operator.utils.warnings import NumericalWarning

if TYPE_CHECKING:
    from collections.abc import Generator

    from lab.optimize.domain import Array
    from lab.optimize.model.fitted import FittedModel
    from lab.optimize.model.warp import Warp
    from lab.optimize.options import Options
    from lab.optimize.space import Space

__all__ = ["RobustImprovement", "robust_moments", "spread_of"]

_SPREAD = 16
"""Points that stand for one."""
_DRAWS = 64
_BASELINE = 8
"""Tested points that may be the best; each is a spread."""
_BLOCK = 128
_JUDGED = 256
"""Draws from which the average and its deviation are told."""


@contextmanager
def _quiet() -> Generator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        yield


def spread_of(space: Space, options: Options) -> Array:
    """What is added to a point of the model, m x d: an even spread of normal errors in the factors that have one, with
    the mean 0.
    """
    given = options.accuracy or {}
    errors = np.zeros((_SPREAD, space.dimension))
    normals = normal_points(derived_seed("spread"), _SPREAD, len(given))
    normals = (normals - normals.mean(axis=0)) / normals.std(axis=0)
    columns = np.cumsum((0, *space.widths))
    for k, (name, sd) in enumerate(sorted(given.items())):
        factor = space.factor(name)
        if not isinstance(factor, Factor):
            raise AssertionError("the options have seen to it")
        place = columns[space.names.index(name)]
        errors[:, place] = normals[:, k] * sd / (factor.maximum - factor.minimum)
    return errors


class RobustImprovement:
    """The logarithm of the expected improvement of the average or the quantile; an `Acquisition`."""

    def __init__(
        self, model: FittedModel, options: Options, base: Array, taken: Array, seed: int
    ) -> None:
        """`base`: tested points, best first; `taken`: points that are being tried, n x d each."""
        spread = spread_of(model.space, options)
        mixture = model.mixture
        self._log_weights = [math.log(weight) for weight in mixture.weights]
        with torch.no_grad(), _quiet():
            self._members = [
                qLogNoisyExpectedImprovement(
                    as_botorch(process, spread),
                    tensor(base[:_BASELINE]),
                    SobolQMCNormalSampler(torch.Size([_DRAWS]), seed=seed % 2**31),
                    _measure(model.warp, options.quantile),
                    X_pending=tensor(taken) if len(taken) else None,
                    prune_baseline=False,
                )
                for process in mixture.members
            ]

    def _of(self, x: torch.Tensor) -> torch.Tensor:
        terms = [
            weight + member(x[:, None, :])
            for weight, member in zip(self._log_weights, self._members, strict=True)
        ]
        return torch.logsumexp(torch.stack(terms), dim=0)

    def value(self, points: Array) -> Array:
        with torch.no_grad(), _quiet():
            parts = [
                self._of(tensor(points[start : start + _BLOCK])).numpy()
                for start in range(0, len(points), _BLOCK)
            ]
        return np.concatenate(parts)

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        x = tensor(points).clone().requires_grad_(True)
        with _quiet():
            values = self._of(x)
            (slopes,) = torch.autograd.grad(values.sum(), x)
        return values.detach().numpy(), torch.nan_to_num(slopes).numpy()


def _measure(warp: Warp, quantile: float | None) -> Expectation | VaR:
    def signed(draws: torch.Tensor) -> torch.Tensor:
        """In standard deviations of the outcome, more is better."""
        return unbent(warp.middle + warp.spread * draws, warp.power)[..., 0]

    if quantile is None:
        return Expectation(_SPREAD, preprocessing_function=signed)
    return VaR(1.0 - quantile, _SPREAD, preprocessing_function=signed)


def robust_moments(
    model: FittedModel, options: Options, points: Array
) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of the average or the quantile at n x d points, in the outcome's unit."""
    spread = spread_of(model.space, options)
    normals = normal_points(derived_seed("judged"), _JUDGED, len(spread))
    means: list[float] = []
    deviations: list[float] = []
    for point in points:
        around = point + spread
        found: list[Array] = []
        for process in model.mixture.members:
            mean, _ = process.mean_and_variance(around)
            draws = mean + normals @ cholesky(process.covariance(around)).T
            flat = model.warp.moments(draws.reshape(-1), np.zeros(draws.size))[0]
            values = model.sign * flat.reshape(draws.shape)
            found.append(_risk(values, options.quantile))
        weights = np.array(model.mixture.weights)
        centers = np.array([values.mean() for values in found])
        center = float(weights @ centers)
        inner = np.array([values.var() for values in found])
        means.append(model.sign * center)
        deviations.append(math.sqrt(float(weights @ (inner + (centers - center) ** 2))))
    return means, deviations


def _risk(values: Array, quantile: float | None) -> Array:
    """Of each row (a draw at all points of the spread); more is better."""
    if quantile is None:
        return values.mean(axis=1)
    place = math.ceil((1.0 - quantile) * values.shape[1]) - 1
    return -np.sort(-values, axis=1)[:, place]
