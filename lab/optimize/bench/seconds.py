"""What one batch costs when so many trials are known: CPU seconds of each method on the same trials."""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING, Any

from lab.domain.errors import InputError
from lab.optimize.bench.peers import installed, make_asker
from lab.optimize.bench.result import Sizes, document, gap
from lab.optimize.bench.run import measured
from lab.optimize.model.threads import single_threaded, single_threaded_torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.bench.tasks import Task

__all__ = ["compare_seconds", "one_batch"]

_WARM = 8
"""Trials of the batch that is asked for before the clock runs: it loads libraries."""


def one_batch(task: Task, method: str, seed: int, trials: int, batch: int) -> tuple[float, float]:
    """CPU seconds to be told of `trials` spread-out trials, and then to choose a batch."""
    asker = make_asker(method, task, seed, trials)
    noise = random.Random(seed)
    told = [
        measured(task, number, factors, noise.gauss(0.0, 1.0) * task.noise)
        for number, factors in enumerate(task.first(seed, trials), start=1)
    ]
    started = time.process_time()
    asker.tell(told)
    between = time.process_time()
    asker.ask(batch)
    return between - started, time.process_time() - between


def compare_seconds(
    task: Task, trials: Sequence[int], *, batch: int, seeds: int, peers: Sequence[str] = ()
) -> dict[str, Any]:
    """Ours and the peers, on seeds 0 to `seeds - 1`, one after the other and on one thread. `by_trials`: for each count of known trials
    the seconds of one batch (mean, half of its 95 % interval, by seed), how many times ours that is, and the
    seconds in which the trials were taken in, which some methods spend on their records.
    """
    if not trials or min(trials) < 2:
        raise InputError(
            f"a batch after {min(trials, default=0)} trials", hint="give counts of at least 2"
        )
    for count in trials:
        Sizes(count, batch, 1, seeds).check(task.pool)
    missing = [name for name in peers if not installed(name)]
    methods: dict[str, dict[str, Any]] = {}
    with single_threaded(), single_threaded_torch():
        for name in ("ours", *(peer for peer in peers if peer not in missing)):
            one_batch(task, name, 0, _WARM, batch)
            methods[name] = {"by_trials": {}}
            for count in trials:
                runs = [one_batch(task, name, seed, count, batch) for seed in range(seeds)]
                spent = [ask for _, ask in runs]
                ours = methods["ours"]["by_trials"].get(str(count), gap(spent))
                methods[name]["by_trials"][str(count)] = {
                    **gap(spent),
                    "by_seed": spent,
                    "times_ours": statistics.fmean(spent) / ours["mean"],
                    "taking_in": statistics.fmean(tell for tell, _ in runs),
                }
    sizes = Sizes(max(trials), batch, 1, seeds)
    return document(task, {"direction": task.direction}, sizes, methods, missing)
