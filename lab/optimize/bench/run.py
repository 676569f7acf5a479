"""Paired campaigns: each method on the same tasks, first points and noise, seed by seed."""

from __future__ import annotations

import math
import random
import statistics
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lab.domain.errors import InputError
from lab.optimize.bench.peers import installed, make_peer
from lab.optimize.history import TrialRecord
from lab.optimize.model.threads import single_threaded, single_threaded_torch
from lab.optimize.pool import suggest_from
from lab.optimize.suggest import suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.bench.fronts import FrontTask
    from lab.optimize.bench.tasks import Task
    from lab.optimize.pool import Pool
    from lab.optimize.space import Setting

__all__ = ["Asker", "Ours", "Run", "by_batch", "check_sizes", "compare", "gap", "one_run"]


class Asker(Protocol):
    """A method in one campaign."""

    def tell(self, records: Sequence[TrialRecord]) -> None:
        """New finished trials."""
        ...

    def ask(self, n: int) -> list[dict[str, Setting]]:
        """The next `n` settings; for a table, of rows that were not asked for before."""
        ...


class Ours:
    """`suggest`, or `suggest_from` for a table."""

    def __init__(self, task: Task | FrontTask, seed: int, init: int) -> None:
        self.task, self.seed, self.init = task, seed, init
        self.records: list[TrialRecord] = []

    def tell(self, records: Sequence[TrialRecord]) -> None:
        self.records += records

    def ask(self, n: int) -> list[dict[str, Setting]]:
        task, told = self.task, self.records
        if task.pool is None:
            made = suggest(task.space, task.sought, told, n, seed=self.seed, initial=self.init)
        else:
            made = suggest_from(task.pool, task.sought, told, n, seed=self.seed, initial=self.init)
        return [item.factors for item in made]


@dataclass(frozen=True)
class Run:
    """After the first points and after each batch: the best true value of what was tried (without
    noise), the regret of functions, the share of a table's best rows; CPU seconds per batch."""

    best: list[float]
    score: list[float]
    seconds: float
    failures: int = 0
    """Trials that gave no value, the first points not counted."""


def one_run(task: Task, method: str, seed: int, init: int, batch: int, batches: int) -> Run:
    """One campaign of a method ("ours" or a peer). The noise depends on seed and trial alone."""
    asker: Asker = (
        Ours(task, seed, init) if method == "ours" else make_peer(method, task, seed, init)
    )
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
            disturbance = noise.gauss(0.0, 1.0) * task.noise
            if task.works is not None and not task.works(factors):
                told.append(TrialRecord(number=number, factors=factors, status="failed"))
                failures += step > 0
                continue
            true = task.truth(factors)
            top = max(top, task.sign * true)
            if task.pool is not None:
                row = task.pool.find(factors)
                found |= task.top & {row if row is not None else -1}
            value = true + disturbance
            told.append(TrialRecord(number=number, factors=factors, status="done", value=value))
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
    check_sizes(task.pool, init, batch, batches, seeds)
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
    return {
        "task": {
            "name": task.name,
            "direction": task.direction,
            "noise": task.noise,
            "optimum": task.optimum,
            "rows": None if task.pool is None else len(task.pool),
            "columns": task.space.dimension,
            "init": init,
            "batch": batch,
            "batches": batches,
        },
        "seeds": seeds,
        "methods": methods,
        "missing": missing,
    }


def check_sizes(pool: Pool | None, init: int, batch: int, batches: int, seeds: int) -> None:
    """InputError for a comparison that can't be made."""
    if min(batch, batches, seeds) < 1 or init < 2:
        raise InputError(
            f"{init} first points, {batches} batches of {batch}, {seeds} seeds",
            hint="at least 2 first points and one of everything else",
        )
    if pool is not None and init + batch * batches > len(pool):
        raise InputError(
            f"{init + batch * batches} trials of {len(pool)} rows", hint="ask for fewer"
        )


def by_batch(runs: list[list[float]]) -> dict[str, Any]:
    """Mean over the runs after the first points and each batch, with half of its 95 % interval, and the runs."""
    table = np.array(runs)
    known = np.isfinite(table)
    columns = [column[there] for column, there in zip(table.T, known.T, strict=True)]
    halves = [
        1.96 * float(column.std(ddof=1)) / math.sqrt(len(column)) if len(column) > 1 else None
        for column in columns
    ]
    return {
        "mean": [float(column.mean()) if len(column) else None for column in columns],
        "half_width_95": halves if len(runs) > 1 else None,
        "by_seed": [[value if math.isfinite(value) else None for value in run] for run in runs],
        "without_value": (~known).sum(axis=0).tolist(),
    }


def _finite_mean(scores: list[float]) -> float | None:
    """Of the batches from the first value on; None where there was none."""
    known = [score for score in scores if math.isfinite(score)]
    return statistics.fmean(known) if known else None


def gap(gaps: list[float]) -> dict[str, float | None]:
    """The mean of paired differences with half of its 95 % interval (normal approximation); None of nothing."""
    if not gaps:
        return {"mean": None, "half_width_95": None}
    half = 1.96 * statistics.stdev(gaps) / math.sqrt(len(gaps)) if len(gaps) > 1 else None
    return {"mean": statistics.fmean(gaps), "half_width_95": half}
