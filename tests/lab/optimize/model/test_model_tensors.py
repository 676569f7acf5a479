"""Our process and BoTorch's model of it believe the same, and ours is at BoTorch's own optimum."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

from lab.optimize.model.families import families_for
from lab.optimize.model.fit import fit_family
from lab.optimize.model.likelihood import Problem
from lab.optimize.model.tensors import as_botorch, tensor

RNG = np.random.Generator(np.random.PCG64(11))
POINTS = RNG.random((30, 3))
RAW = np.sin(4.0 * POINTS[:, 0]) + POINTS[:, 1] ** 2 + RNG.normal(0.0, 0.1, 30)
OUTCOMES = (RAW - RAW.mean()) / RAW.std(ddof=1)
PROBLEM = Problem(POINTS, OUTCOMES, np.zeros(30), np.ones(30), np.arange(3))
NEW = RNG.random((40, 3))
FAMILIES = families_for(3)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_means_and_covariances_are_equal(family):
    from gpytorch.distributions import MultivariateNormal

    process, converged = fit_family(family, PROBLEM)
    assert converged
    posterior = as_botorch(process).posterior(tensor(NEW))
    mean, variance = process.mean_and_variance(NEW)
    assert mean == pytest.approx(posterior.mean[:, 0].numpy(), abs=1e-6)
    assert variance == pytest.approx(posterior.variance[:, 0].numpy(), abs=1e-6)
    joint = as_botorch(process)(tensor(NEW))
    assert isinstance(joint, MultivariateNormal)
    whole = joint.covariance_matrix.numpy()
    assert process.covariance(NEW) == pytest.approx(whole, abs=1e-6)


def test_with_noises_that_differ_too():
    given = replace(PROBLEM, given=RNG.random(30), share=1.0 / RNG.integers(1, 4, 30))
    process, _ = fit_family(FAMILIES[0], given)
    posterior = as_botorch(process).posterior(tensor(NEW))
    mean, variance = process.mean_and_variance(NEW)
    assert mean == pytest.approx(posterior.mean[:, 0].numpy(), abs=1e-6)
    assert variance == pytest.approx(posterior.variance[:, 0].numpy(), abs=1e-6)


def test_the_default_of_botorch_fitted_by_botorch_is_our_smooth_long():
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from gpytorch.mlls import ExactMarginalLogLikelihood

    process, _ = fit_family(FAMILIES[1], PROBLEM)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = SingleTaskGP(tensor(POINTS), tensor(OUTCOMES[:, None]), outcome_transform=None)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(theirs.likelihood, theirs))
        posterior = theirs.posterior(tensor(NEW))
    mean, variance = process.mean_and_variance(NEW)
    assert mean == pytest.approx(posterior.mean[:, 0].detach().numpy(), abs=0.01)
    assert variance == pytest.approx(posterior.variance[:, 0].detach().numpy(), abs=0.01)
