"""Which candidates of a list are worth trying: BoTorch's noisy expected improvement over all of them.

The bar is not the best outcome but the k-th best, k a quarter of the trials made, and at least 1: with distinct
candidates the aim is a set of good ones. Measured on three pools that finds more of the top and its best
no later (docs/explanation/optimiser.md). With many descriptors it is the best, plus what is noise. Pending candidates and the batch's own count as tested ones
whose outcome is drawn.

Candidates are scored in blocks. Of more than `WHOLE` the most promising by expected improvement in
closed form are kept, so a million cost one pass and no table of posteriors. Loads torch.
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

from lab.optimize.acquire.logei import log_h_and_slopes
from lab.optimize.model.tensors import as_botorch, tensor
from lab.optimize.model.turned import turn

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torch
    from botorch.acquisition.logei import qLogNoisyExpectedImprovement
    from botorch.sampling import SobolQMCNormalSampler
    from linear_operator.utils.warnings import NumericalWarning

if TYPE_CHECKING:
    from collections.abc import Generator

    from lab.optimize.domain import Array, Indices
    from lab.optimize.model.mixture import Mixture
    from lab.optimize.pool import Pool

__all__ = ["WHOLE", "PoolImprovement", "screened"]

WHOLE = 4096
"""Candidates above which the most promising are scored alone."""
_BLOCK = 512
_SCREEN_BLOCK = 8192
_DRAWS = 64


@contextmanager
def _quietly() -> Generator[None]:
    """Without gradients, and without being told of the jitter that a covariance of near points needs."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        yield


class _OverTheKth(qLogNoisyExpectedImprovement):
    """BoTorch's, with the k-th best outcome of each draw, and a margin above it, as the bar."""

    def __init__(self, rank: int, margin: float, **rest: object) -> None:
        self._rank, self._margin = rank, margin
        super().__init__(**rest)  # pyright: ignore[reportArgumentType]

    def _compute_best_feasible_objective(
        self, samples: torch.Tensor, obj: torch.Tensor
    ) -> torch.Tensor:
        del samples  # without constraints, the objective is all there is
        return obj.topk(min(self._rank, obj.shape[-1]), dim=-1).values[..., -1] + self._margin


class PoolImprovement:
    """log E[max(f(x) - k-th best - margin, 0)] of candidates, averaged over the members of a mixture."""

    def __init__(
        self,
        mixture: Mixture,
        base: Array,
        taken: Array,
        rank: int,
        seed: int,
        among: Array | None = None,
        beyond_noise: bool = False,
    ) -> None:
        """`base`: tested points; `taken`: points that are being tried, n x d each. `among`: the only points that will
        be asked for, where they are known; they may need fewer columns than they have. `beyond_noise`:
        an improvement of less than the noise's standard deviation is none.
        """
        self._log_weights = [math.log(weight) for weight in mixture.weights]
        known = None if among is None else np.concatenate([base, taken, among])
        self._turned = [turn(process, known) for process in mixture.members]
        with _quietly():
            self._members = [
                _OverTheKth(
                    rank,
                    math.sqrt(member.process.noise) if beyond_noise else 0.0,
                    model=as_botorch(member.process),
                    X_baseline=tensor(member.points(base)),
                    X_pending=tensor(member.points(taken)) if len(taken) else None,
                    sampler=SobolQMCNormalSampler(torch.Size([_DRAWS]), seed=seed % 2**31),
                    prune_baseline=False,
                )
                for member in self._turned
            ]

    def value(self, points: Array) -> Array:
        """n values for n x d points, each on its own."""
        parts: list[Array] = []
        with _quietly():
            for start in range(0, len(points), _BLOCK):
                block = points[start : start + _BLOCK]
                terms = [
                    weight + member(tensor(turned.points(block))[:, None, :])
                    for weight, member, turned in zip(
                        self._log_weights, self._members, self._turned, strict=True
                    )
                ]
                parts.append(torch.logsumexp(torch.stack(terms), dim=0).numpy())
        return np.concatenate(parts)


def screened(mixture: Mixture, tested: Array, pool: Pool, free: Indices, rank: int) -> Indices:
    """Of the candidates `free` the `WHOLE` with the highest expected improvement over the k-th best
    mean, in rising order; all of them where there are no more.
    """
    if len(free) <= WHOLE:
        return free
    means, _ = mixture.mean_and_variance(tested)
    bar = float(np.sort(means)[-min(rank, len(means))])
    scores = np.empty(len(free))
    for start in range(0, len(free), _SCREEN_BLOCK):
        block = free[start : start + _SCREEN_BLOCK]
        mean, variance = mixture.mean_and_variance(pool.space.encode(pool.rows[block]))
        sd = np.sqrt(variance)
        scores[start : start + len(block)] = log_h_and_slopes((mean - bar) / sd)[0] + np.log(sd)
    return np.sort(free[np.argpartition(-scores, WHOLE)[:WHOLE]])
