"""The electrolyte campaign without a lab: does the optimiser find the best conducting mixture?

A salt concentrate (2.0 mol/L) and a dilute stock (0.5 mol/L) are dosed into 10 mL; the conductivity of LiPF6 in
EC:EMC 3:7 at 298.15 K follows Landesfeind and Gasteiger, J. Electrochem. Soc. 166 (2019) A3079, whose maximum is
9.130 mS/cm at 1.006 mol/L. Each dosed volume varies by 0.4 % and each reading by 0.4 % of its value.

Run: `python -m benchmarks.electrolyte_loop [--seeds 10] [--trials 40] [--goal 0.99]`
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.optimize import Campaign, Factor, Space
from lab.optimize.recommend import recommend

if TYPE_CHECKING:
    from lab.optimize import Method

__all__ = ["OPTIMUM", "SPACE", "Result", "conductivity", "measure", "run"]

SPACE = Space(
    factors=(
        Factor(name="concentrate_volume", unit="mL", minimum=0.5, maximum=7.0),
        Factor(name="dilute_volume", unit="mL", minimum=0.0, maximum=3.0),
    )
)
OPTIMUM = 9.130
"""mS/cm, as published with the equation."""
DOSING_CV = 0.004
READING_CV = 0.004
_PARAMETERS = (0.521, 228.0, -1.06, 0.353, -3.59e-3, 1.48e-3)
_KELVIN = 298.15


def conductivity(concentrate_ml: float, dilute_ml: float) -> float:
    """Conductivity in mS/cm of the mixture filled up with solvent to 10 mL."""
    p1, p2, p3, p4, p5, p6 = _PARAMETERS
    c = (2.0 * concentrate_ml + 0.5 * dilute_ml) / 10.0
    warm = math.exp(1000.0 / _KELVIN)
    gain = 1.0 + p3 * math.sqrt(c) + p4 * (1.0 + p5 * warm) * c
    return p1 * (1.0 + (_KELVIN - p2)) * c * gain / (1.0 + p6 * warm * c**4)


def measure(factors: dict[str, float], rng: random.Random) -> float:
    """One reading with the errors of dosing and of the cell."""
    concentrate = factors["concentrate_volume"] * (1.0 + rng.gauss(0.0, DOSING_CV))
    dilute = factors["dilute_volume"] * (1.0 + rng.gauss(0.0, DOSING_CV))
    return conductivity(concentrate, dilute) * (1.0 + rng.gauss(0.0, READING_CV))


@dataclass(frozen=True)
class Result:
    """True conductivities (no noise) of the points that a campaign would give to the chemist."""

    measured_best: float
    """Of the trial with the highest reading."""
    recommended: float
    """Of the trial with the highest posterior mean."""
    reached_at: int | None
    """The first trial that truly reached the goal."""
    reported_at: int | None
    """The number of trials after which the recommended point was such a one, and stayed so."""
    cpu_s: float


def _true(factors: dict[str, float]) -> float:
    return conductivity(factors["concentrate_volume"], factors["dilute_volume"])


def run(
    seed: int,
    *,
    trials: int = 40,
    initial: int = 6,
    batch: int = 2,
    method: Method = "bayesian",
    goal: float = 0.99,
    watch: bool = False,
) -> Result:
    """One campaign towards `goal` (a share of the optimum). `watch` asks for advice after each batch."""
    rng = random.Random(seed)
    target = goal * OPTIMUM
    campaign = Campaign(SPACE, "maximize", seed=seed, initial=initial, method=method)
    started = time.process_time()
    good_since: int | None = None
    while len(campaign.history) < trials:
        for suggestion in campaign.ask(min(batch, trials - len(campaign.history))):
            campaign.tell(suggestion.number, measure(suggestion.factors, rng))
        if watch:
            now = recommend(SPACE, "maximize", campaign.history)
            if now is None or _true(now.trial.factors) < target:
                good_since = None
            elif good_since is None:
                good_since = len(campaign.history)
    cpu_s = time.process_time() - started
    chosen = recommend(SPACE, "maximize", campaign.history)
    luckiest = campaign.best
    if chosen is None or luckiest is None:
        raise RuntimeError("a campaign without a measured value")
    good = [record.number for record in campaign.history if _true(record.factors) >= target]
    return Result(
        measured_best=_true(luckiest.factors),
        recommended=_true(chosen.trial.factors),
        reached_at=min(good, default=None),
        reported_at=good_since,
        cpu_s=cpu_s,
    )


def main() -> None:
    """Print one line per seed and the summary beside Sobol points of the same number and noise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--goal", type=float, default=0.99, help="share of the optimum")
    options = parser.parse_args()
    target = options.goal * OPTIMUM
    optimum = max(conductivity(0.5 + 6.5 * i / 20_000, 0.0) for i in range(20_001))
    print(f"optimum {optimum:.4f} mS/cm, goal {target:.4f}")
    runs: dict[Method, list[Result]] = {"bayesian": [], "sobol": []}
    for seed in range(options.seeds):
        for method, results in runs.items():
            results.append(
                run(seed, trials=options.trials, method=method, goal=options.goal, watch=True)
            )
        ours, spread = runs["bayesian"][-1], runs["sobol"][-1]
        print(
            f"seed {seed}: recommended {ours.recommended:.4f}, highest reading "
            f"{ours.measured_best:.4f}, first reached at trial {ours.reached_at}, recommended "
            f"from {ours.reported_at} on, {ours.cpu_s:.1f} CPU s; Sobol {spread.recommended:.4f}, "
            f"reached {spread.reached_at}, recommended from {spread.reported_at} on"
        )
    for method, results in runs.items():
        hits = sum(result.recommended >= target for result in results)
        lucky = sum(result.measured_best >= target for result in results)
        regret = statistics.median(optimum - result.recommended for result in results)
        regret_read = statistics.median(optimum - result.measured_best for result in results)
        first = [result.reached_at for result in results if result.reached_at is not None]
        stable = [result.reported_at for result in results if result.reported_at is not None]
        print(
            f"{method}: {hits}/{len(results)} recommended and {lucky}/{len(results)} highest-reading "
            f"points reach the goal; median regret {regret:.4f} and {regret_read:.4f} mS/cm; first "
            f"reached at trial {statistics.median(first) if first else None} in the median, "
            f"recommended from {statistics.median(stable) if stable else None} on"
        )


if __name__ == "__main__":
    main()
