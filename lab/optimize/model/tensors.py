"""A fitted process as a BoTorch model, for what BoTorch computes from one.

The hyperparameters come from our fit, which costs a tenth of BoTorch's; the belief is the same
(tests/lab/optimize/model/test_model_tensors.py compares both). Loads torch.
"""

# gpytorch has no type stubs, torch has partial ones.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

with warnings.catch_warnings():
    # Their deprecated calls of one another say nothing about ours.
    warnings.simplefilter("ignore")
    import torch
    from botorch.models import SingleTaskGP
    from gpytorch.kernels import MaternKernel, RBFKernel, ScaleKernel

if TYPE_CHECKING:
    from lab.optimize.domain import Array
    from lab.optimize.model.process import Process

__all__ = ["as_botorch", "tensor"]


def tensor(array: Array) -> torch.Tensor:
    """The numbers in double precision; shares memory."""
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float64))


def as_botorch(process: Process) -> SingleTaskGP:
    """The same process, ready for predictions on the model's scale (standardised, more is better)."""
    # Ours adds the noise of each measurement to the diagonal; so does theirs with known variances.
    model = SingleTaskGP(
        tensor(process.scaled * process.lengths),
        tensor(process.outcomes[:, None]),
        train_Yvar=tensor(process.noises[:, None]),
        covar_module=ScaleKernel(
            MaternKernel(nu=2.5, ard_num_dims=len(process.lengths))
            if process.family.shape == "matern52"
            else RBFKernel(ard_num_dims=len(process.lengths))
        ),
        outcome_transform=None,
    ).double()
    model.covar_module.base_kernel.lengthscale = tensor(process.lengths[None])  # pyright: ignore[reportAttributeAccessIssue]
    model.covar_module.outputscale = torch.tensor(process.scale)  # pyright: ignore[reportAttributeAccessIssue]
    model.mean_module.initialize(constant=process.mean)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.eval()
