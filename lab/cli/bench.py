"""`lab bench`: measures the planner."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.output import print_json, print_table

__all__ = ["register"]


class _Format(StrEnum):
    slab = "slab"
    fjsp = "fjsp"
    jsp = "jsp"


class _Workload(StrEnum):
    s1 = "s1"
    s2 = "s2"
    s3 = "s3"
    screen = "screen"


_Time = Annotated[
    float, typer.Option("--time", min=0.0, help="Real seconds per instance, at most.")
]
_Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the search.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    bench = typer.Typer(
        help="Measure the planner on public instances and on laboratory workloads.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    bench.command()(schedule)
    bench.command("lab-workload")(lab_workload)
    app.add_typer(bench, name="bench")


def schedule(
    files: Annotated[
        list[Path],
        typer.Argument(help="Instances: files, or folders for S-LAB.", show_default=False),
    ],
    format: Annotated[
        _Format,
        typer.Option("--format", help="S-LAB folder, flexible job shop, or job shop."),
    ],
    time: _Time = 5.0,
    seed: _Seed = 0,
    as_json: _Json = False,
) -> int:
    """Plan public scheduling instances, each for that long at most.

    Example: lab bench schedule tests/data/scheduling/fjsp/mk01.fjs --format fjsp --time 5
    """
    from lab.app.scheduling import bench_instances

    found = bench_instances(files, format.value, time, seed)
    if as_json:
        print_json(found)
    else:
        columns = ("instance", "makespan", "lower_bound", "status", "seconds", "first_plan_seconds")
        print_table("schedules", columns, [[row[name] for name in columns] for row in found])
    return 1 if any(row["status"] == "infeasible" for row in found) else 0


def lab_workload(
    workload: Annotated[
        _Workload,
        typer.Option(
            "--workload",
            help="s1: free nests, s2: blocking, s3: mixed with batches, screen: few kinds of stations, used again.",
        ),
    ],
    samples: Annotated[int, typer.Option("--samples", min=1, help="How many samples.")] = 96,
    time: _Time = 1.0,
    seed: _Seed = 0,
    as_json: _Json = False,
) -> int:
    """Plan one of our laboratory workloads, beside what pull-FIFO makes of it. One time unit is 30 s."""
    from lab.app.scheduling import bench_workload

    found = bench_workload(workload.value, samples, time, seed)
    if as_json:
        print_json(found)
    else:
        rows = [
            ("plan", found["makespan"], found["broken_holds"], found["seconds"]),
            ("pull-FIFO", found["pull_fifo"]["makespan"], found["pull_fifo"]["broken_holds"], ""),
            ("lower bound", found["lower_bound"], "", ""),
        ]
        columns = ("", "makespan", "broken holds", "seconds")
        print_table(f"{workload.value}, {samples} samples, units of 30 s", columns, rows)
    return 1 if found["broken_holds"] else 0
