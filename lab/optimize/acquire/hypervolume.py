"""What a point is worth where several outcomes are sought: BoTorch's acquisitions over a model for each outcome.

- goals that pull apart: noisy expected hypervolume improvement (Daulton, Balandat, Bakshy 2021,
  arXiv:2105.08195) on the log scale (Ament et al. 2023, arXiv:2310.20708);
- one number made of the outcomes (a target value, desirabilities, one goal under limits): noisy expected improvement of
  that number, computed in each draw, so that the model stays one of the outcomes themselves;
- limits on measured outcomes weigh each draw; while no tested point is likely to keep them, that alone counts.

Each is an `Acquisition`, so the search through constraints, levels and choices is the one of a single outcome. Loads
torch.
"""

# torch and botorch have partial types.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportUnknownLambdaType=false

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from lab.optimize.model.tensors import as_botorch, tensor

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import torch
    from botorch.acquisition.logei import (
        qLogNoisyExpectedImprovement,
        qLogProbabilityOfFeasibility,
    )
    from botorch.acquisition.multi_objective import logei as _hypervolume
    from botorch.acquisition.multi_objective.objective import GenericMCMultiOutputObjective
    from botorch.acquisition.objective import GenericMCObjective
    from botorch.models import ModelListGP
    from botorch.sampling import SobolQMCNormalSampler
    from linear_operator.utils.warnings import NumericalWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from lab.domain.aim import Aim, Goal
    from lab.optimize.domain import Array
    from lab.optimize.model.fitted import FittedModel
    from lab.optimize.model.warp import Warp

__all__ = ["OutcomeImprovement", "unbent"]

# BoTorch would compile a kernel in C++ when the first of these acquisitions is made: a minute on a machine with a
# compiler, a warning on one without, other rounding on either, and no use here (it is for noise-free baselines).
_hypervolume._load_attempted = True  # pyright: ignore[reportPrivateUsage]

_BLOCK = 256
_LEAK = 0.01
"""Slope where a desirability is 0, so that the search knows the way back."""
_LEAST = 1e-9
_TIE = 1e-12


@contextmanager
def _quiet() -> Generator[None]:
    """Without being told of the jitter that a covariance of near points needs, or of single draws in which no tested
    point keeps the limits: they have BoTorch's lower bound as their best."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        warnings.filterwarnings("ignore", "When all training points are infeasible")
        yield


def unbent(t: torch.Tensor, power: float) -> torch.Tensor:
    """As in `lab.optimize.model.warp`, with gradients."""
    if power == 1.0:
        return t
    up, down = t.clamp(min=0.0), (-t).clamp(min=0.0)
    rest = 2.0 - power
    above = up.expm1() if power < _TIE else (torch.log1p(power * up) / power).expm1()
    below = down.expm1() if rest < _TIE else (torch.log1p(rest * down) / rest).expm1()
    return above - below


def _natural(draws: torch.Tensor, warp: Warp) -> torch.Tensor:
    """Draws on the model's scale as values in their unit."""
    return warp.sign * (
        warp.center + warp.scale * unbent(warp.middle + warp.spread * draws, warp.power)
    )


class OutcomeImprovement:
    """The logarithm of what is expected to be gained, for each of k points by itself."""

    def __init__(
        self,
        aim: Aim,
        models: Sequence[FittedModel],
        base: Array,
        taken: Array,
        worst: Sequence[float],
        *,
        feasible: bool,
        draws: int,
        seed: int,
    ) -> None:
        """`models`: one per outcome of the aim, in its order. `base`: tested points that may be on the front;
        `taken`: points that are being tried. `worst`: of each goal the score from which the volume is
        measured; unused where the aim is `single`. `feasible`: False while no tested point is likely to keep the limits.
        """
        self._warps = [model.warp for model in models]
        self._places = {name: k for k, name in enumerate(aim.outcomes)}
        self._aim = aim
        heaviest = [m.mixture.members[int(np.argmax(m.mixture.weights))] for m in models]
        belief = ModelListGP(*[as_botorch(process) for process in heaviest])
        sampler = SobolQMCNormalSampler(torch.Size([draws]), seed=seed % 2**31)
        pending = tensor(taken) if len(taken) else None
        limits = self._limits()
        with torch.no_grad(), _quiet():
            if limits and not feasible:
                self._made = qLogProbabilityOfFeasibility(
                    belief, limits, sampler, X_pending=pending
                )
            elif aim.single:
                self._made = qLogNoisyExpectedImprovement(
                    belief,
                    tensor(base),
                    sampler,
                    GenericMCObjective(lambda draws, X=None: self._number(draws)),  # noqa: ARG005, N803 - theirs
                    X_pending=pending,
                    constraints=limits or None,
                    prune_baseline=False,
                )
            else:
                self._made = _hypervolume.qLogNoisyExpectedHypervolumeImprovement(
                    belief,
                    tensor(np.array(worst) / self._units()),
                    tensor(base),
                    sampler,
                    GenericMCMultiOutputObjective(lambda draws, X=None: self._scores(draws)),  # noqa: ARG005, N803
                    constraints=limits or None,
                    X_pending=pending,
                )

    def value(self, points: Array) -> Array:
        parts: list[Array] = []
        with torch.no_grad(), _quiet():
            for start in range(0, len(points), _BLOCK):
                block = tensor(points[start : start + _BLOCK])[:, None, :]
                parts.append(self._made(block).numpy())
        return np.concatenate(parts)

    def value_and_gradient(self, points: Array) -> tuple[Array, Array]:
        x = tensor(points).clone().requires_grad_(True)
        with _quiet():
            values = self._made(x[:, None, :])
            (slopes,) = torch.autograd.grad(values.sum(), x)
        return values.detach().numpy(), torch.nan_to_num(slopes).numpy()

    # -- of draws (... x outcomes) on the models' scales ----------------------------------------------

    def _units(self) -> Array:
        """What scores are divided by: the volume is a product of numbers near one, and its best point the same."""
        return np.array([self._warps[self._places[goal.outcome]].scale for goal in self._aim.goals])

    def _of(self, draws: torch.Tensor, outcome: str) -> torch.Tensor:
        k = self._places[outcome]
        return _natural(draws[..., k], self._warps[k])

    def _score(self, draws: torch.Tensor, goal: Goal) -> torch.Tensor:
        value = self._of(draws, goal.outcome)
        return goal.sign * value if goal.target is None else -(value - goal.target).abs()

    def _scores(self, draws: torch.Tensor) -> torch.Tensor:
        units = self._units()
        scores = [self._score(draws, goal) / units[k] for k, goal in enumerate(self._aim.goals)]
        return torch.stack(scores, dim=-1)

    def _number(self, draws: torch.Tensor) -> torch.Tensor:
        if self._aim.weigh == "front":
            return self._scores(draws)[..., 0]
        total = sum(goal.weight for goal in self._aim.goals)
        number = torch.zeros(())
        leak = torch.zeros(())
        for goal in self._aim.goals:
            low, high = goal.worst_score, goal.ideal_score
            if low is None or high is None:
                raise AssertionError("the aim has seen to it")
            way = (self._score(draws, goal) - low) / (high - low)
            number = number + goal.weight / total * way.clamp(_LEAST, 1.0).log()
            leak = leak + _LEAK * goal.weight / total * (way.clamp(max=_LEAST) - _LEAST)
        return number.exp() + leak

    def _limits(self) -> list[Callable[[torch.Tensor], torch.Tensor]]:
        """Each is at most 0 where it is kept, in the outcome's standard deviations."""
        found: list[Callable[[torch.Tensor], torch.Tensor]] = []
        for limit in self._aim.limits:
            unit = self._warps[self._places[limit.outcome]].scale
            for end, sign in ((limit.minimum, -1.0), (limit.maximum, 1.0)):
                if end is not None:
                    found.append(
                        lambda draws, name=limit.outcome, end=end, sign=sign, unit=unit: (
                            sign * (self._of(draws, name) - end) / unit
                        )
                    )
        return found
