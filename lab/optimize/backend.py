"""Torch and BoTorch: imported here alone, and run quietly, on one thread, with a seed of their own.

Importing this module takes 2 to 4 s. Their import itself warns (parts of torch that it uses are
deprecated); that says nothing about us, so it's silenced here and only here.
"""

# The annotations of torch, BoTorch and GPyTorch have holes. They're closed in this file: `fit`, `maximise` and
# `numbers` are fully typed, so that the rest of the room is checked strictly.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportMissingTypeStubs=false

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Generator

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import torch
    from botorch.acquisition.logei import qLogNoisyExpectedImprovement
    from botorch.exceptions.errors import ModelFittingError
    from botorch.exceptions.warnings import BotorchWarning
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from botorch.optim import optimize_acqf
    from botorch.sampling.normal import SobolQMCNormalSampler
    from botorch.utils.sampling import manual_seed
    from gpytorch.constraints import GreaterThan
    from gpytorch.kernels import MaternKernel
    from gpytorch.likelihoods import FixedNoiseGaussianLikelihood, GaussianLikelihood
    from gpytorch.mlls import ExactMarginalLogLikelihood
    from gpytorch.priors import GammaPrior, LogNormalPrior
    from gpytorch.utils.warnings import GPInputWarning
    from linear_operator.utils.errors import NanError, NotPSDError
    from linear_operator.utils.warnings import NumericalWarning

__all__ = [
    "FixedNoiseGaussianLikelihood",
    "GammaPrior",
    "GaussianLikelihood",
    "LogNormalPrior",
    "MaternKernel",
    "ModelFittingError",
    "NanError",
    "NotPSDError",
    "SingleTaskGP",
    "SobolQMCNormalSampler",
    "fit",
    "greater_than",
    "isolated",
    "maximise",
    "numbers",
    "qLogNoisyExpectedImprovement",
    "torch",
]


@contextmanager
def isolated(seed: int) -> Generator[None]:
    """Run torch on one thread with its own random stream, and leave no trace of it behind.

    One thread, because a sum over several differs in the last bit from run to run, and because the
    matrices are too small to gain from more. Warnings that are dealt with in code are silenced:
    retried fits (BotorchWarning), jitter on a nearly singular matrix (NumericalWarning),
    predictions at training points (GPInputWarning), and torch's deprecation of what BoTorch still
    calls.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            torch.random.fork_rng(devices=[]),
            manual_seed(seed % 2**63),
            warnings.catch_warnings(),
        ):
            for category in (BotorchWarning, NumericalWarning, GPInputWarning, DeprecationWarning):
                warnings.simplefilter("ignore", category)
            yield
    finally:
        torch.set_num_threads(threads)


def fit(gp: SingleTaskGP, *, iterations: int) -> None:
    """Maximise the marginal posterior of the hyperparameters of `gp` in place.

    Raises ModelFittingError, NotPSDError or NanError if all attempts failed.
    """
    mll = ExactMarginalLogLikelihood(gp.likelihood, gp)
    fit_gpytorch_mll(mll, optimizer_kwargs={"options": {"maxiter": iterations}})


def greater_than(bound: float, start: float) -> GreaterThan:
    """A parameter above `bound` that starts at `start`, searched as it is and not through a transform."""
    return GreaterThan(bound, transform=None, initial_value=start)  # pyright: ignore[reportArgumentType] - None is documented


def maximise(
    acquisition: qLogNoisyExpectedImprovement,
    dimension: int,
    *,
    restarts: int,
    raw_samples: int,
    iterations: int,
    seed: int,
) -> tuple[torch.Tensor, list[float]]:
    """Local maxima of the acquisition in the unit cube, `restarts x dimension`, with their values.

    All restarts climb in one L-BFGS run, from the most promising of `raw_samples` Sobol points and as many
    points scattered around the best tested ones.
    """
    low = torch.zeros(dimension, dtype=torch.double)
    candidates, values = optimize_acqf(
        acquisition,
        bounds=torch.stack([low, torch.ones_like(low)]),
        q=1,
        num_restarts=restarts,
        raw_samples=raw_samples,
        return_best_only=False,
        # Its retry after an aborted line search costs as much again and finds nothing new.
        retry_on_optimization_warning=False,
        options={"maxiter": iterations, "seed": seed, "sample_around_best": True},
    )
    points = candidates.detach().reshape(-1, dimension).clamp(0.0, 1.0)
    return points, [] if values is None else numbers(values.detach())


def numbers(tensor: torch.Tensor) -> list[float]:
    """All entries of a tensor in order, as plain numbers."""
    return cast("list[float]", tensor.reshape(-1).tolist())
