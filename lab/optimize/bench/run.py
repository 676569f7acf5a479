"""Paired campaigns: each method on the same tasks, first points and noise, seed by seed."""

from __future__ import annotations

import math
import random
import statistics
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.optimize.bench.peers import installed, make_asker
from lab.optimize.bench.result import Sizes, by_batch, document, gap
from lab.optimize.history import TrialRecord
from lab.optimize.model.threads import single_threaded, single_threaded_torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.optimize.bench.tasks import Task
    from lab.optimize.space import Setting

__all__ = ["Run", "compare", "measured", "one_run"]


@dataclass(frozen=True)
class Run:
    """After the first points and after each batch: the best true value of what was tried (without
    noise), the regret of functions, the share of a table's best rows; CPU seconds per batch."""

    best: list[float]
    score: list[float]
    seconds: float
    failures: int = 0
    """Trials that gave no value, the first points not counted."""


def measured(
    task: Task, number: int, factors: Mapping[str, Setting], disturbance: float
) -> TrialRecord:
    """A finished trial, with what is added to the outcome."""
    if task.works is not None and not task.works(factors):
        return TrialRecord(number=number, factors=dict(factors), status="failed")
    value = task.truth(factors) + disturbance
    return TrialRecord(number=number, factors=dict(factors), status="done", value=value)


def one_run(task: Task, method: str, seed: int, init: int, batch: int, batches: int) -> Run:
    """One campaign of a method ("ours" or a peer). The noise depends on seed and trial alone."""
    asker = make_asker(method, task, seed, init)
    noise = random.Random(seed)
    best: list[float] = []
    score: list[float] = []
    found = set[int]()
    top = -math.inf
    seconds = 0.0
    points = task.first(seed, init)
    number = failures = 0
    for step in range(batches + 1):
        if step:
            started = time.process_time()
            points = asker.ask(batch)
            seconds += time.process_time() - started
        told: list[TrialRecord] = []
        for factors in points:
            number += 1
            record = measured(task, number, factors, noise.gauss(0.0, 1.0) * task.noise)
            told.append(record)
            if record.status == "failed":
                failures += step > 0
                continue
            true = task.truth(factors)
            top = max(top, task.sign * true)
            if task.pool is not None:
                row = task.pool.find(factors)
                found |= task.top & {row if row is not None else -1}
        started = time.process_time()
        asker.tell(told)
        seconds += time.process_time() - started if step else 0.0
        best.append(task.sign * top)
        if task.optimum is None:
            score.append(len(found) / len(task.top))
        else:
            score.append(task.sign * task.optimum - top)
    return Run(best, score, seconds / batches, failures)


def compare(
    task: Task, *, init: int, batch: int, batches: int, seeds: int, peers: Sequence[str] = ()
) -> dict[str, Any]:
    """Ours and the peers on seeds 0 to `seeds - 1`, as one document. All run on one thread.

    A peer that isn't installed is listed under `missing`. `versus_ours`: over the paired runs, the peer's
    mean score over its batches minus ours, with the half width of its 95 % interval (normal
    approximation; null for one seed). While no trial of a run has given a value its best and its regret are null,
    and `without_value` counts such runs after each batch; they are in no mean.
    """
    sizes = Sizes(init, batch, batches, seeds)
    sizes.check(task.pool)
    missing = [name for name in peers if not installed(name)]
    present = [name for name in peers if name not in missing]
    key = "top5_share_by_batch" if task.optimum is None else "regret_by_batch"
    methods: dict[str, Any] = {}
    ours: list[float | None] = []
    needs_torch = bool(present) or task.pool is not None
    with single_threaded(), single_threaded_torch() if needs_torch else nullcontext():
        for method in ("ours", *present):
            runs = [one_run(task, method, seed, init, batch, batches) for seed in range(seeds)]
            over = [_finite_mean(run.score[1:]) for run in runs]
            ours = ours or over
            methods[method] = {
                "best_by_batch": by_batch([run.best for run in runs]),
                key: by_batch([run.score for run in runs]),
                "mean_over_run": over,
                "failures": None if task.works is None else [run.failures for run in runs],
                "cpu_seconds_per_batch": statistics.fmean(run.seconds for run in runs),
                "versus_ours": gap(
                    [
                        a - b
                        for a, b in zip(over, ours, strict=True)
                        if a is not None and b is not None
                    ]
                ),
            }
    told = {"direction": task.direction, "noise": task.noise, "optimum": task.optimum}
    return document(task, told, sizes, methods, missing)


def _finite_mean(scores: list[float]) -> float | None:
    """Of the batches from the first value on; None where there was none."""
    known = [score for score in scores if math.isfinite(score)]
    return statistics.fmean(known) if known else None
