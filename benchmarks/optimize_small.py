"""Ours beside plain BoTorch and Sobol points on noisy Hartmann6, in one run on one machine.

BoTorch plain: SingleTaskGP with its default prior, qLogNEI, 10 restarts, 512 raw samples, joint batches. All
three see the same noise level (sd 0.1) and the same 12 first points per seed. Regret is the optimum (3.32237)
minus the true value of the best true point tested, so it shows the search and not the luck of a reading.

Run: `python -m benchmarks.optimize_small [--seeds 4] [--batches 15] [--batch 4]`
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
import warnings
from typing import TYPE_CHECKING

from lab.optimize import Factor, Space, TrialRecord, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["hartmann6", "main"]

OPTIMUM = 3.32237
NOISE = 0.1
INITIAL = 12
SPACE = Space(
    factors=tuple(Factor(name=f"x{i}", unit="1", minimum=0.0, maximum=1.0) for i in range(6))
)
# Parameters of the function: Picheny, Wagner, Ginsbourger, Struct. Multidisc. Optim. 48 (2013) 607.
_ALPHA = (1.0, 1.2, 3.0, 3.2)
_A = (
    (10.0, 3.0, 17.0, 3.5, 1.7, 8.0),
    (0.05, 10.0, 17.0, 0.1, 8.0, 14.0),
    (3.0, 3.5, 1.7, 10.0, 17.0, 8.0),
    (17.0, 8.0, 0.05, 10.0, 0.1, 14.0),
)
_P = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)


def hartmann6(x: Sequence[float]) -> float:
    """The six-dimensional Hartmann function with its sign turned; six local maxima, to be maximised."""
    return sum(
        alpha * math.exp(-sum(a * (u - p) ** 2 for a, p, u in zip(row_a, row_p, x, strict=True)))
        for alpha, row_a, row_p in zip(_ALPHA, _A, _P, strict=True)
    )


def ours(history: Sequence[TrialRecord], n: int, seed: int) -> list[dict[str, float]]:
    """`suggest` as it is."""
    chosen = suggest(SPACE, "maximize", history, n, seed=seed, initial=INITIAL)
    return [item.factors for item in chosen]


def sobol(history: Sequence[TrialRecord], n: int, seed: int) -> list[dict[str, float]]:
    """An even spread to the end."""
    chosen = suggest(SPACE, "maximize", history, n, seed=seed, initial=INITIAL, method="sobol")
    return [item.factors for item in chosen]


def botorch_default(history: Sequence[TrialRecord], n: int, seed: int) -> list[dict[str, float]]:
    """BoTorch as its first tutorial uses it, after the same first points."""
    if len(history) < INITIAL:
        return sobol(history, n, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from botorch.acquisition.logei import qLogNoisyExpectedImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from botorch.optim import optimize_acqf
        from gpytorch.mlls import ExactMarginalLogLikelihood

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        torch.manual_seed(1000 * seed + len(history))
        x = torch.tensor([SPACE.to_unit(r.factors) for r in history], dtype=torch.double)
        y = torch.tensor([[r.value] for r in history], dtype=torch.double)
        gp = SingleTaskGP(x, y)
        fit_gpytorch_mll(ExactMarginalLogLikelihood(gp.likelihood, gp))
        candidates, _ = optimize_acqf(
            qLogNoisyExpectedImprovement(gp, X_baseline=x),
            bounds=torch.tensor([[0.0] * 6, [1.0] * 6], dtype=torch.double),
            q=n,
            num_restarts=10,
            raw_samples=512,
        )
    return [SPACE.from_unit(point) for point in candidates.tolist()]


def campaign(
    propose: Callable[[Sequence[TrialRecord], int, int], list[dict[str, float]]],
    seed: int,
    batches: int,
    batch: int,
) -> tuple[list[float], float]:
    """Regret after each batch (the first value: after the initial points) and CPU seconds per batch."""
    rng = random.Random(seed)
    history: list[TrialRecord] = []
    regrets: list[float] = []
    best_true = -math.inf
    seconds = 0.0
    for step in range(batches + 1):
        started = time.process_time()
        points = propose(history, batch if step else INITIAL, seed)
        seconds += time.process_time() - started if step else 0.0
        for factors in points:
            true = hartmann6([factors[name] for name in SPACE.names])
            best_true = max(best_true, true)
            history.append(
                TrialRecord(
                    number=len(history) + 1,
                    factors=factors,
                    status="done",
                    value=true + rng.gauss(0.0, NOISE),
                )
            )
        regrets.append(OPTIMUM - best_true)
    return regrets, seconds / max(batches, 1)


def main() -> None:
    """Print the mean regret at 24, 48 and 72 trials, over the run, and the CPU seconds per batch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--batches", type=int, default=15)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--only", choices=("ours", "botorch_default", "sobol"))
    options = parser.parse_args()
    marks = [n for n in (24, 48, 72) if n <= INITIAL + options.batches * options.batch]
    if options.only in (None, "botorch_default"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import torch

        torch.set_num_threads(1)
    print(
        "method           " + "".join(f"  @{n:<5d}" for n in marks) + "  mean    median end  CPU s"
    )
    for method in (ours, botorch_default, sobol):
        if options.only not in (None, method.__name__):
            continue
        runs = [
            campaign(method, seed, options.batches, options.batch) for seed in range(options.seeds)
        ]
        at = [
            statistics.fmean(regrets[(n - INITIAL) // options.batch] for regrets, _ in runs)
            for n in marks
        ]
        over = statistics.fmean(statistics.fmean(regrets[1:]) for regrets, _ in runs)
        end = statistics.median(regrets[-1] for regrets, _ in runs)
        cpu = statistics.fmean(seconds for _, seconds in runs)
        print(
            f"{method.__name__:17s}"
            + "".join(f"  {value:.3f} " for value in at)
            + f"  {over:.3f}   {end:.3f}       {cpu:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
