"""Benchmarks of the optimiser, from what a person writes on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["bench_optimiser"]


def bench_optimiser(
    function: str | None,
    data: Path | None,
    objective: str | None,
    direction: str | None,
    *,
    ignore: Sequence[str],
    descriptors: Sequence[str],
    init: int,
    batch: int,
    batches: int,
    seeds: int,
    peers: Sequence[str],
) -> dict[str, Any]:
    """The document of `lab.optimize.bench.run.compare`; InputError for what doesn't go together."""
    from lab.optimize.bench.run import compare
    from lab.optimize.bench.tasks import function_task, table_task

    if data is None:
        for option, value in (
            ("--objective", objective),
            ("--direction", direction),
            ("--ignore", ignore),
            ("--descriptors", descriptors),
        ):
            if value:
                raise InputError(f"{option} without --data", hint="a test function has its own")
        task = function_task(function or "hartmann6")
    else:
        if function is not None:
            raise InputError("--function and --data", hint="choose one of the two")
        if objective is None:
            raise InputError("--data without --objective", hint="name the column to optimise")
        if direction is None:
            raise InputError(
                f"no direction for {objective}", hint="say --direction max or --direction min"
            )
        task = table_task(
            data,
            objective,
            "maximize" if direction == "max" else "minimize",
            ignore=ignore,
            descriptors=_descriptors(descriptors),
        )
    return compare(task, init=init, batch=batch, batches=batches, seeds=seeds, peers=peers)


def _descriptors(texts: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise InputError(
                f"--descriptors {text}", hint="write COLUMN=FILE, for instance ligand=ligands.csv"
            )
        found[name] = Path(path)
    return found
