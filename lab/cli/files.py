"""`lab new`, `lab check`, `lab plan`, `lab schema`: verbs about files, before anything moves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.output import print_diagnostics, print_json, print_table, say

__all__ = ["register"]

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command()(new)
    app.command()(check)
    app.command()(plan)
    app.command()(schema)


def new(
    kind: Annotated[str, typer.Argument(help="sop, lab, campaign or driver")],
    name: Annotated[str, typer.Argument(help="What it is to be called, e.g. my_titration")],
    folder: Annotated[Path, typer.Option("--in", help="Where to write it.")] = Path(),
) -> None:
    """Write a first file that passes `lab check`, to be changed from there."""
    from lab.app.scaffold import write_new

    for path in write_new(kind, name, folder):
        print(path)


def check(
    paths: Annotated[list[Path], typer.Argument(help="sop.yaml, lab.yaml or campaign.yaml")],
    as_json: _Json = False,
) -> int:
    """Check files: structure, units, references, ranges, volumes. Nothing is run.

    Exit code 2 when a file is wrong, 4 when a safety rule refuses it.
    """
    from dataclasses import asdict

    from lab.app.check import check_files

    found = check_files(tuple(paths))
    if as_json:
        print_json({"files": [str(p) for p in paths], "findings": [asdict(d) for d in found]})
    else:
        print_diagnostics(found)
    errors = sum(1 for d in found if d.severity == "error")
    refused = sum(1 for d in found if d.severity == "safety")
    if not as_json:
        if errors or refused:
            say(f"lab: {errors} errors, {refused} refused by safety rules")
        else:
            print(f"{len(paths)} file(s) checked: no blocking findings")
    return 2 if errors else 4 if refused else 0


def plan(
    campaign: Annotated[Path, typer.Argument(help="campaign.yaml")],
    samples: Annotated[int, typer.Option("--samples", min=1, max=1000)] = 4,
    as_json: _Json = False,
) -> None:
    """Plan some samples on the lab's devices, and say when each step would run."""
    from lab.app.planning import plan_samples

    document = plan_samples(campaign, samples)
    if as_json:
        print_json(document)
        return
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
        f"{samples} samples: {document['makespan_s']:.0f} s "
        f"(one after another: {document['sequential_s']:.0f} s)",
        ("start s", "end s", "sample", "step", "device"),
        rows,
    )


def schema(
    kind: Annotated[str, typer.Argument(help="sop, lab, campaign; openapi for the control API")],
) -> None:
    """Print a JSON Schema (or the OpenAPI document) for editors and other programs."""
    from lab.app.schemas import schema_document

    print_json(schema_document(kind))
