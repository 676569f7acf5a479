"""Benchmarks of the optimiser, from what a person writes on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.history import Direction

__all__ = ["bench_optimiser"]


def bench_optimiser(
    function: str | None,
    data: Path | None,
    objectives: Sequence[str],
    directions: Sequence[str],
    *,
    ignore: Sequence[str],
    descriptors: Sequence[str],
    init: int,
    batch: int,
    batches: int,
    seeds: int,
    peers: Sequence[str],
    cost: Sequence[int] = (),
) -> dict[str, Any]:
    """The document of `lab.optimize.bench.run.compare`, of `compare_fronts` for several objectives, or, with `cost`, of
    `compare_seconds` after so many trials; InputError for what doesn't go together."""
    from lab.optimize.bench.front_run import compare_fronts
    from lab.optimize.bench.fronts import FRONTS, FrontTask, front_table_task
    from lab.optimize.bench.functions import FUNCTIONS
    from lab.optimize.bench.run import compare
    from lab.optimize.bench.seconds import compare_seconds
    from lab.optimize.bench.tasks import function_task, table_task

    if data is None:
        for option, value in (
            ("--objective", objectives),
            ("--direction", directions),
            ("--ignore", ignore),
            ("--descriptors", descriptors),
        ):
            if value:
                raise InputError(f"{option} without --data", hint="a test function has its own")
        name = function or "hartmann6"
        if name not in FUNCTIONS and name not in FRONTS:
            raise InputError(
                f"{name} is no test function",
                hint=f"the functions are: {', '.join((*FUNCTIONS, *FRONTS))}",
            )
        task = FRONTS[name]() if name in FRONTS else function_task(name)
    else:
        if function is not None:
            raise InputError("--function and --data", hint="choose one of the two")
        goals = _goals(objectives, directions)
        numbers = _descriptors(descriptors)
        if len(goals) > 1:
            task = front_table_task(data, goals, ignore=ignore, descriptors=numbers)
        else:
            ((objective, direction),) = goals.items()
            task = table_task(data, objective, direction, ignore=ignore, descriptors=numbers)
    if isinstance(task, FrontTask) and cost:
        raise InputError(
            "--cost where several goals are sought",
            hint="leave it out: the comparison tells the seconds of each batch",
        )
    if isinstance(task, FrontTask):
        return compare_fronts(
            task, init=init, batch=batch, batches=batches, seeds=seeds, peers=peers
        )
    if cost:
        return compare_seconds(task, cost, batch=batch, seeds=seeds, peers=peers)
    return compare(task, init=init, batch=batch, batches=batches, seeds=seeds, peers=peers)


def _goals(objectives: Sequence[str], directions: Sequence[str]) -> dict[str, Direction]:
    if not objectives:
        raise InputError("--data without --objective", hint="name the column to optimise")
    if len(directions) < len(objectives):
        raise InputError(
            f"no direction for {objectives[len(directions)]}",
            hint="say --direction max or --direction min, once for each objective",
        )
    if len(directions) > len(objectives) or len(set(objectives)) < len(objectives):
        raise InputError(
            f"{len(directions)} directions for {len(set(objectives))} objectives",
            hint="name each objective once, with one direction",
        )
    ways: dict[str, Direction] = {"max": "maximize", "min": "minimize"}
    return {name: ways[way] for name, way in zip(objectives, directions, strict=True)}


def _descriptors(texts: Sequence[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise InputError(
                f"--descriptors {text}",
                hint="write COLUMN=FILE, for instance ligand=ligands.csv, or COLUMN=smiles",
            )
        found[name] = Path(path)
    return found
