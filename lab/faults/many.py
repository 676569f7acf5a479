"""Many seeds, on as many processes as there are processors."""

from __future__ import annotations

import gc
import multiprocessing
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.faults.seed import SeedVerdict, run_seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Total", "run_seeds", "total_of"]

_CHUNK = 25


@dataclass(frozen=True, slots=True)
class Total:
    """What a chunk of seeds came to; `failed` holds seed and violations of each that broke a law."""

    seeds: int = 0
    acts: int = 0
    restarts: int = 0
    asked: int = 0
    virtual_s: float = 0.0
    failed: tuple[tuple[int, tuple[str, ...]], ...] = ()

    def __add__(self, other: Total) -> Total:
        return Total(
            self.seeds + other.seeds,
            self.acts + other.acts,
            self.restarts + other.restarts,
            self.asked + other.asked,
            self.virtual_s + other.virtual_s,
            (*self.failed, *other.failed),
        )


def run_seeds(start: int, count: int, jobs: int | None = None) -> Iterator[Total]:
    """The seeds from `start` on, chunk by chunk as they are done, in order. `jobs`: processes; as many as there are processors."""
    jobs = jobs or len(os.sched_getaffinity(0))
    ends = [min(first + _CHUNK, start + count) for first in range(start, start + count, _CHUNK)]
    chunks = [
        range(first, end)
        for first, end in zip(range(start, start + count, _CHUNK), ends, strict=True)
    ]
    if jobs == 1 or len(chunks) == 1:
        yield from map(total_of, chunks)
        return
    # Spawned and not forked, so that no thread of the caller is copied half-way.
    context = multiprocessing.get_context("spawn")
    with context.Pool(jobs) as pool:
        yield from pool.imap(total_of, chunks)


def total_of(seeds: Iterable[int]) -> Total:
    """Run seeds here. The collector rests while one runs: its moment must not matter, and it costs a third of the time."""
    total = Total()
    was_enabled = gc.isenabled()
    gc.disable()
    gc.freeze()  # what was there before is not looked at
    try:
        for seed in seeds:
            total += _counted(run_seed(seed))
    finally:
        gc.collect()
        gc.unfreeze()
        if was_enabled:
            gc.enable()
    return total


def _counted(verdict: SeedVerdict) -> Total:
    failed = ((verdict.seed, verdict.violations),) if verdict.violations else ()
    return Total(1, verdict.acts, verdict.crashes, verdict.asked, verdict.virtual_s, failed)
