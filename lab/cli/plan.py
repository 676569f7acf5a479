"""`lab plan`: when each step of some samples would run, and what decides how long it takes."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli.output import print_json, print_table, say

__all__ = ["register"]

_SHOWN = 8
"""Lines of a table that a person reads; `--json` and `--html` have all."""


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command()(plan)


def plan(
    files: Annotated[
        list[Path], typer.Argument(help="campaign.yaml or sop.yaml, one or more of one lab")
    ],
    samples: Annotated[
        int, typer.Option("--samples", min=1, max=1000, help="How many of each file.")
    ] = 4,
    time: Annotated[
        float, typer.Option("--time", min=0.0, help="Real seconds to look for a better plan.")
    ] = 1.0,
    lab: Annotated[
        Path | None, typer.Option("--lab", help="Lab of SOPs; lab.yaml beside them if left out.")
    ] = None,
    db: Annotated[
        str | None,
        typer.Option("--db", help="Records whose finished runs tell how long steps take."),
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--start",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
            help="When it begins, for people's hours and calibrations; now if left out.",
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the chart as a page.")] = None,
    png: Annotated[Path | None, typer.Option("--png", help="Write the chart as a picture.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> int:
    """Plan some samples on the lab's devices: when each step would run, what is busy, what would help.

    Example: lab plan sops/electrolyte_conductivity/campaign.yaml --samples 12 --html plan.html
    """
    from lab.app.gantt import write_gantt_page, write_gantt_picture
    from lab.app.planning import plan_samples

    document = plan_samples(files, samples, time, lab, db, start, say)
    if html is not None:
        write_gantt_page(document, html)
    if png is not None:
        write_gantt_picture(document, png)
    if as_json:
        print_json(document)
    else:
        _print(document)
        for target in (html, png):
            if target is not None:
                print(target)
    return 1 if document["status"] == "infeasible" else 0


def _print(document: dict[str, Any]) -> None:
    from lab.plan.gantt import plan_tables

    rows = [
        (
            f"{slot['start_s']:9.0f}",
            f"{slot['end_s']:9.0f}",
            slot["sample"],
            slot["step"],
            slot["device"],
        )
        for slot in document["timeline"]
    ]
    print_table(
        f"{document['samples']} samples: {document['makespan_s']:.0f} s "
        f"(one after another: {document['sequential_s']:.0f} s)",
        ("start s", "end s", "sample", "step", "device"),
        rows,
    )
    print(
        f"makespan {document['makespan_s']:.0f} s, {document['status']}; no plan is shorter than "
        f"{document['lower_bound_s']:.0f} s; limits on time not kept: {document['broken_holds']}"
    )
    for run, reason in document["not_planned"].items():
        print(f"not planned: {run}: {reason}")
    for note in document["notes"]:
        print(f"note: {note}")
    if document["bottleneck"]:
        print(f"the bottleneck is {document['bottleneck']}")
    for heading, columns, table in plan_tables(document):
        if table:
            more = f" ({_SHOWN} of {len(table)})" if len(table) > _SHOWN else ""
            if not sys.stdout.isatty():
                print(
                    f"\n{heading}{more}"
                )  # a drawn table has its heading, one for a pipe has none
            print_table(heading + more, columns, table[:_SHOWN])
