"""Paired campaigns with several goals: what share of the volume each method dominates, batch by batch."""

from __future__ import annotations

import random
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.domain.errors import InputError
from lab.optimize.bench.peers import SEVERAL, installed, make_asker
from lab.optimize.bench.result import Sizes, by_batch, document, gap
from lab.optimize.history import TrialRecord
from lab.optimize.model.threads import single_threaded, single_threaded_torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.bench.fronts import FrontTask

__all__ = ["FrontRun", "compare_fronts", "one_front_run"]


@dataclass(frozen=True)
class FrontRun:
    """Shares of the whole volume after the first points and after each batch, of outcomes without noise; CPU seconds
    per batch."""

    share: list[float]
    seconds: float


def one_front_run(
    task: FrontTask, method: str, seed: int, init: int, batch: int, batches: int
) -> FrontRun:
    """One campaign of a method ("ours", "random" or a peer). The noise depends on seed and trial alone."""
    asker = None if method == "random" else make_asker(method, task, seed, init)
    noise = random.Random(seed)
    true: list[dict[str, float]] = []
    share: list[float] = []
    seconds = 0.0
    spread = task.first(seed, init + batch * batches)
    for step in range(batches + 1):
        done = len(true)
        points = spread[done : init if not step else done + batch]
        started = time.process_time()
        if step and asker is not None:
            points = asker.ask(batch)
        told: list[TrialRecord] = []
        for factors in points:
            outcomes = task.truth(factors)
            true.append(outcomes)
            noisy = {
                name: value + noise.gauss(0.0, 1.0) * task.noise[name]
                for name, value in outcomes.items()
            }
            told.append(
                TrialRecord(number=len(true), factors=factors, status="done", outcomes=noisy)
            )
        if asker is not None:
            asker.tell(told)
        seconds += time.process_time() - started if step else 0.0
        share.append(task.share(true))
    return FrontRun(share, seconds / batches)


def compare_fronts(
    task: FrontTask, *, init: int, batch: int, batches: int, seeds: int, peers: Sequence[str] = ()
) -> dict[str, Any]:
    """Ours, points drawn without looking, and the peers on seeds 0 to `seeds - 1`, as one document, as
    `lab.optimize.bench.run.compare` makes it; higher is better. All run on one thread."""
    sizes = Sizes(init, batch, batches, seeds)
    sizes.check(task.pool)
    missing = [name for name in peers if not installed(name)]
    for name in peers:
        if name not in SEVERAL:
            raise InputError(
                f"{name} is not run where several goals are sought",
                hint=f"the peers for that are: {', '.join(SEVERAL)}",
            )
    present = [name for name in peers if name not in missing]
    methods: dict[str, Any] = {}
    ours: list[float] = []
    with single_threaded(), single_threaded_torch():
        for method in ("ours", "random", *present):
            runs = [
                one_front_run(task, method, seed, init, batch, batches) for seed in range(seeds)
            ]
            over = [statistics.fmean(run.share[1:]) for run in runs]
            ours = ours or over
            methods[method] = {
                "volume_share_by_batch": by_batch([run.share for run in runs]),
                "mean_over_run": over,
                "failures": None,
                "cpu_seconds_per_batch": statistics.fmean(run.seconds for run in runs),
                "versus_ours": gap([a - b for a, b in zip(over, ours, strict=True)]),
            }
    told = {
        "goals": {goal.outcome: goal.direction for goal in task.aim.goals},
        "noise": dict(task.noise),
    }
    return document(task, told, sizes, methods, missing)
