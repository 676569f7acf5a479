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
    from botorch.models.transforms.input import (
        AppendFeatures,
        ChainedInputTransform,
        InputPerturbation,
        InputTransform,
    )
    from gpytorch.kernels import MaternKernel, RBFKernel, ScaleKernel

if TYPE_CHECKING:
    from lab.optimize.domain import Array
    from lab.optimize.model.process import Process

__all__ = ["as_botorch", "tensor"]


def tensor(array: Array) -> torch.Tensor:
    """The numbers in double precision; shares memory."""
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float64))


def as_botorch(process: Process, spread: Array | None = None) -> SingleTaskGP:
    """The same process, ready for predictions on the model's scale (standardised, more is better).

    `spread`: m x d, what is added to each point that is asked for: it becomes m points (BoTorch's InputPerturbation).
    """
    lengths = process.lengths
    points = process.scaled * lengths
    transform: InputTransform | None = None
    if process.aside is not None:
        # Rows of other campaigns lie aside in columns of their own; what is asked for lies at 0 there.
        points = np.concatenate([points, process.aside], axis=1)
        lengths = np.concatenate([lengths, np.ones(process.aside.shape[1])])
        transform = AppendFeatures(torch.zeros(1, process.aside.shape[1], dtype=torch.float64))
    if spread is not None:
        around = InputPerturbation(tensor(spread))
        transform = around if transform is None else ChainedInputTransform(a=around, b=transform)
    # Ours adds the noise of each measurement to the diagonal; so does theirs with known variances.
    model = SingleTaskGP(
        tensor(points),
        tensor(process.outcomes[:, None]),
        train_Yvar=tensor(process.noises[:, None]),
        covar_module=ScaleKernel(
            MaternKernel(nu=2.5, ard_num_dims=len(lengths))
            if process.family.shape == "matern52"
            else RBFKernel(ard_num_dims=len(lengths))
        ),
        outcome_transform=None,
        input_transform=transform,
    ).double()
    model.covar_module.base_kernel.lengthscale = tensor(lengths[None])  # pyright: ignore[reportAttributeAccessIssue]
    model.covar_module.outputscale = torch.tensor(process.scale)  # pyright: ignore[reportAttributeAccessIssue]
    model.mean_module.initialize(constant=process.mean)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.eval()
