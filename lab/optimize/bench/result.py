"""What a comparison says: its sizes, its document, and the means over paired campaigns."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.optimize.pool import Pool
    from lab.optimize.space import Space

__all__ = ["Ground", "Sizes", "by_batch", "document", "gap"]


class Ground(Protocol):
    """What every kind of task has."""

    @property
    def name(self) -> str: ...
    @property
    def space(self) -> Space: ...
    @property
    def pool(self) -> Pool | None: ...


@dataclass(frozen=True)
class Sizes:
    """Of each campaign, and how many there are."""

    init: int
    batch: int
    batches: int
    seeds: int

    def check(self, pool: Pool | None) -> None:
        """InputError for a comparison that can't be made."""
        if min(self.batch, self.batches, self.seeds) < 1 or self.init < 2:
            raise InputError(
                f"{self.init} first points, {self.batches} batches of {self.batch}, {self.seeds} seeds",
                hint="at least 2 first points and one of everything else",
            )
        trials = self.init + self.batch * self.batches
        if pool is not None and trials > len(pool):
            raise InputError(f"{trials} trials of {len(pool)} rows", hint="ask for fewer")


def document(
    task: Ground,
    told: Mapping[str, Any],
    sizes: Sizes,
    methods: Mapping[str, Any],
    missing: Sequence[str],
) -> dict[str, Any]:
    """The result; `told` is what there is to say of this kind of task. `missing`: peers that are not installed."""
    return {
        "task": {
            "name": task.name,
            **told,
            "rows": None if task.pool is None else len(task.pool),
            "columns": task.space.dimension,
            "init": sizes.init,
            "batch": sizes.batch,
            "batches": sizes.batches,
        },
        "seeds": sizes.seeds,
        "methods": dict(methods),
        "missing": list(missing),
    }


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


def gap(gaps: list[float]) -> dict[str, float | None]:
    """The mean of paired differences with half of its 95 % interval (normal approximation); None of nothing."""
    if not gaps:
        return {"mean": None, "half_width_95": None}
    half = 1.96 * statistics.stdev(gaps) / math.sqrt(len(gaps)) if len(gaps) > 1 else None
    return {"mean": statistics.fmean(gaps), "half_width_95": half}
