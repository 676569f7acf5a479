"""It optimises: against Sobol points of the same number, with noise, with failures, on the known optimum."""

from __future__ import annotations

import math
import random
import statistics
from typing import TYPE_CHECKING

import pytest

from benchmarks import electrolyte_loop
from lab.optimize import Campaign, Factor, Space, TrialRecord, suggest
from lab.optimize.bench.run import one_run
from lab.optimize.bench.tasks import function_task

if TYPE_CHECKING:
    from lab.optimize import Method

BRANIN = Space(
    factors=(
        Factor(name="x", unit="1", minimum=-5.0, maximum=10.0),
        Factor(name="y", unit="1", minimum=0.0, maximum=15.0),
    )
)
BRANIN_MINIMUM = 0.397887


def _branin(factors: dict[str, float]) -> float:
    x, y = factors["x"], factors["y"]
    bend = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return bend * bend + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def _branin_regret(seed: int, method: Method) -> float:
    rng = random.Random(seed)
    campaign = Campaign(BRANIN, "minimize", seed=seed, initial=6, method=method)
    while len(campaign.history) < 26:
        for item in campaign.ask(2):
            campaign.tell(item.number, _branin(item.factors) + rng.gauss(0.0, 0.5))
    return min(_branin(record.factors) for record in campaign.history) - BRANIN_MINIMUM


def test_the_test_functions_have_their_published_optima():
    assert _branin({"x": math.pi, "y": 2.275}) == pytest.approx(BRANIN_MINIMUM, abs=1e-5)
    assert electrolyte_loop.conductivity(5.03, 0.0) == pytest.approx(9.130, abs=5e-4)


def test_branin_with_noise_beats_sobol_in_the_median():
    ours = [_branin_regret(seed, "bayesian") for seed in range(5)]
    spread = [_branin_regret(seed, "sobol") for seed in range(5)]
    assert statistics.median(ours) < 0.3
    assert statistics.median(ours) < statistics.median(spread) / 2


def test_hartmann6_with_noise_beats_sobol_in_the_median():
    task = function_task("hartmann6")
    ours = [one_run(task, "ours", seed, 12, 4, 8).score[-1] for seed in range(3)]
    spread = [
        (task.optimum or 0.0) - max(map(task.truth, task.first(seed, 44))) for seed in range(3)
    ]
    assert statistics.median(ours) < 0.6
    assert statistics.median(ours) < statistics.median(spread) / 2


def test_the_electrolyte_optimum_is_found_and_recommended():
    results = [electrolyte_loop.run(seed, trials=20) for seed in range(3)]
    assert all(result.recommended > 0.995 * 9.130 for result in results)


def _failing_campaign(seed: int, *, drop: bool) -> tuple[int, float]:
    """Failures after the start and the best value, on a slope whose upper end can't be made."""
    space = Space(
        factors=(
            Factor(name="a", unit="1", minimum=0.0, maximum=1.0),
            Factor(name="b", unit="1", minimum=0.0, maximum=1.0),
        )
    )
    history: list[TrialRecord] = []
    while len(history) < 30:
        known = [record for record in history if record.status == "done"] if drop else history
        # Without its failures the history stands still, so each batch needs a seed of its own.
        batch_seed = seed + 1000 * len(history) if drop and len(history) >= 8 else seed
        told = known if len(history) >= 8 else history
        for item in suggest(space, "maximize", told, 2, seed=batch_seed, initial=8):
            a, b = item.factors["a"], item.factors["b"]
            works = a < 0.7
            history.append(
                TrialRecord(
                    number=len(history) + 1,
                    factors=item.factors,
                    status="done" if works else "failed",
                    value=a - (b - 0.4) ** 2 if works else None,
                )
            )
    failures = sum(record.status == "failed" for record in history[8:])
    return failures, max(record.value for record in history if record.value is not None)


def test_told_failures_keep_it_from_a_region_where_dropped_ones_do_not():
    told = [_failing_campaign(seed, drop=False) for seed in range(3)]
    dropped = [_failing_campaign(seed, drop=True) for seed in range(3)]
    failures = statistics.fmean(count for count, _ in told)
    # Measured over 8 seeds: 0 to 2 of 22 where they're told, 18 to 20 where they're dropped.
    assert failures < 4
    assert failures < 0.3 * statistics.fmean(count for count, _ in dropped)
    # The optimum, 0.7, is on the very edge of what works; caution there costs some of it (0.62 to 0.68).
    assert statistics.median(value for _, value in told) > 0.6
