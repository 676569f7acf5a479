"""Torch and BoTorch: imported here alone, and run quietly, on one thread, with a seed of their own.

Importing this module takes 2 to 4 s. Their import itself warns (parts of torch that it uses are
deprecated); that says nothing about us, so it's silenced here and only here.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", FutureWarning)
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
    "ExactMarginalLogLikelihood",
    "FixedNoiseGaussianLikelihood",
    "GammaPrior",
    "GaussianLikelihood",
    "GreaterThan",
    "LogNormalPrior",
    "MaternKernel",
    "ModelFittingError",
    "NanError",
    "NotPSDError",
    "SingleTaskGP",
    "SobolQMCNormalSampler",
    "fit_gpytorch_mll",
    "isolated",
    "optimize_acqf",
    "qLogNoisyExpectedImprovement",
    "torch",
]


@contextmanager
def isolated(seed: int) -> Iterator[None]:
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
