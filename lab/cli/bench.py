"""`lab bench`: measures the planner, the optimiser, and what a step costs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli.output import print_json, print_table, say

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


class _Bus(StrEnum):
    inproc = "inproc"
    mqtt = "mqtt"


class _Store(StrEnum):
    sqlite = "sqlite"
    postgres = "postgres"


class _Direction(StrEnum):
    max = "max"
    min = "min"


_Time = Annotated[
    float, typer.Option("--time", min=0.0, help="Real seconds per instance, at most.")
]
_Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the search.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    bench = typer.Typer(
        help="Measure the planner, the optimiser, beside their peers, and what a step costs.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    bench.command()(schedule)
    bench.command("lab-workload")(lab_workload)
    bench.command()(optimise)
    bench.command()(overhead)
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

    found = bench_instances(files, format.value, time, seed, say)
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

    found = bench_workload(workload.value, samples, time, seed, say)
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


_SCORES = {
    "regret_by_batch": "regret",
    "top5_share_by_batch": "share of top 5 %",
    "volume_share_by_batch": "share of the volume",
}


def optimise(
    function: Annotated[
        str | None,
        typer.Option(
            "--function",
            help="Test function, for instance hartmann6, hartmann6_failing, of which a region gives no value, or snar, "
            "a reaction with two goals.",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="CSV file whose rows are the candidates.")
    ] = None,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            "--objective", help="Column of the CSV file that is optimised (repeatable: a front)."
        ),
    ] = None,
    direction: Annotated[
        list[_Direction] | None,
        typer.Option("--direction", help="Whether more or less is better; once per objective."),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", help="Column that is no input (repeatable).")
    ] = None,
    descriptors: Annotated[
        list[str] | None,
        typer.Option(
            "--descriptors",
            help="COLUMN=FILE: numbers for each choice of a text column; COLUMN=smiles: it holds molecules.",
        ),
    ] = None,
    init: Annotated[int, typer.Option("--init", min=2, help="First points.")] = 12,
    batch: Annotated[int, typer.Option("--batch", min=1, help="Points in a batch.")] = 4,
    batches: Annotated[int, typer.Option("--batches", min=1, help="Batches.")] = 15,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Paired campaigns.")] = 8,
    peers: Annotated[
        str, typer.Option("--peers", help="Comma between: ax, baybe, bofire, botorch, optuna.")
    ] = "",
    cost: Annotated[
        str,
        typer.Option(
            "--cost",
            help="Counts of trials, comma between: only the CPU seconds of one batch after so many spread-out trials.",
        ),
    ] = "",
    as_json: _Json = False,
) -> int:
    """Optimise a test function, or the rows of a table, with ours and with peers, on the same seeds.

    Example: lab bench optimise --function hartmann6 --seeds 20 --peers botorch
    """
    from lab.app.optimising import bench_optimiser
    from lab.domain.errors import InputError

    counts = [text.strip() for text in cost.split(",") if text.strip()]
    wrong = next((text for text in counts if not text.isdecimal()), None)
    if wrong is not None:
        raise InputError(
            f"--cost {wrong} is no count of trials", hint="for instance --cost 50,200,1000"
        )

    found = bench_optimiser(
        function,
        data,
        objective or [],
        [way.value for way in direction or []],
        ignore=ignore or [],
        descriptors=descriptors or [],
        init=init,
        batch=batch,
        batches=batches,
        seeds=seeds,
        peers=[name.strip() for name in peers.split(",") if name.strip()],
        cost=[int(text) for text in counts],
    )
    if as_json:
        print_json(found)
        return 0
    if counts:
        _print_seconds(found, batch)
        return 0
    task = found["task"]
    key = next(key for key in _SCORES if key in found["methods"]["ours"])
    rows: list[list[object]] = []
    for name, method in found["methods"].items():
        means, halves = method[key]["mean"], method[key]["half_width_95"]
        marks = sorted({len(means) // 4, len(means) // 2, len(means) - 1})
        texts = [
            _mark(means[k], halves and halves[k], method[key]["without_value"][k])
            + f" @{init + k * batch}"
            for k in marks
        ]
        gap = method["versus_ours"]
        against = "" if name == "ours" or gap["mean"] is None else f"{gap['mean']:+.3f}"
        if against and gap["half_width_95"] is not None:
            against += f" ± {gap['half_width_95']:.3f}"
        rows.append([name, ", ".join(texts), against, f"{method['cpu_seconds_per_batch']:.2f}"])
    print_table(
        f"{task['name']}, {seeds} seeds",
        ("method", f"{_SCORES[key]} @trials", "mean over run, minus ours", "CPU s/batch"),
        rows,
    )
    for name, method in found["methods"].items():
        if method["failures"] is not None:
            mean = sum(method["failures"]) / len(method["failures"])
            say(f"{name}: {mean:.1f} of {batch * batches} trials failed")
    _say_missing(found["missing"])
    return 0


def _say_missing(names: list[str]) -> None:
    for name in names:
        say(f"{name} is not installed: pip install 'labwright[peers]'")


def _print_seconds(found: dict[str, Any], batch: int) -> None:
    rows: list[list[object]] = []
    for name, method in found["methods"].items():
        for count, told in method["by_trials"].items():
            seconds = _mark(told["mean"], told["half_width_95"], 0)
            ours = f"{told['times_ours']:.2f}"
            rows.append([name, count, seconds, ours, f"{told['taking_in']:.2f}"])
    print_table(
        f"{found['task']['name']}, a batch of {batch}, {found['seeds']} seeds",
        ("method", "trials", "CPU s", "times ours", "CPU s to take them in"),
        rows,
    )
    _say_missing(found["missing"])


def overhead(
    bus: Annotated[
        _Bus, typer.Option("--bus", help="Within the process, or over a broker.")
    ] = _Bus.inproc,
    store: Annotated[
        _Store, typer.Option("--store", help="A file, or a server that --db names.")
    ] = _Store.sqlite,
    samples: Annotated[int, typer.Option("--samples", min=1, help="Samples at once.")] = 100,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Steps of each sample.")] = 20,
    broker: Annotated[
        str, typer.Option("--broker", help="mqtt://HOST:PORT, for --bus mqtt.")
    ] = "mqtt://127.0.0.1:1883",
    db: Annotated[
        str | None,
        typer.Option("--db", help="postgresql:// URL of a database for this alone."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Where the files are written: the disk that is measured."),
    ] = None,
    as_json: _Json = False,
) -> None:
    """What a durable step costs whose device does nothing: engine, bus, device hosts, ledger and journal are real.

    Beside it, from the same run, one flush of the disk (or commit of the server) and one round trip over the bus.

    Example: lab bench overhead --bus mqtt --broker mqtt://127.0.0.1:1883 --samples 100 --json
    """
    from lab.app.overhead import bench_overhead
    from lab.domain.errors import InputError
    from lab.records.database import database_url

    if (store is _Store.postgres) != (db is not None):
        raise InputError(
            "a server is measured by --store postgres together with --db",
            hint="name an empty database: --store postgres --db postgresql://user@host/name",
        )
    found = bench_overhead(
        samples=samples,
        steps=steps,
        broker=broker if bus is _Bus.mqtt else None,
        database=None if db is None else database_url(db),
        folder=folder,
    )
    if as_json:
        print_json(found)
        return
    rows = [
        (name, *(found[part][key] for key in _OVERHEAD))
        for name, part in (("one at a time", "one_at_a_time"), ("at once", "at_once"))
    ]
    print_table(f"{found['bus']}, {found['store']}", ("", *_OVERHEAD), rows)
    print(
        f"a flush takes {found['flush_ms']} ms, a round trip {found['round_trip_ms']} ms; "
        f"a step one at a time {found['one_at_a_time']['ratio']} times their sum"
    )


_OVERHEAD = (
    "samples",
    "steps",
    "ms_per_step",
    "steps_per_s",
    "events_per_s",
    "command_ms_p50",
    "command_ms_p99",
)


def _mark(mean: float | None, half: float | None, without: int) -> str:
    """A mean with its interval, and how many runs had no value yet."""
    text = "no value" if mean is None else f"{mean:.3f}"
    if half is not None:
        text += f" ± {half:.3f}"
    return f"{text} ({without} runs without a value)" if without and mean is not None else text
