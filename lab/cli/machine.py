"""`lab doctor` and `lab dashboard`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.output import print_json, print_table, say

__all__ = ["register"]

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command()(doctor)
    app.command()(dashboard)


def doctor(
    broker: Annotated[str | None, typer.Option("--broker", help="Try this broker as well.")] = None,
    db: Annotated[str | None, typer.Option("--db", help="Try this database as well.")] = None,
    as_json: _Json = False,
) -> int:
    """Look whether everything is there that Labwright needs, each finding with its cure."""
    from lab.app.doctor import examine

    findings = examine(broker=broker, database=db)
    if as_json:
        print_json([finding.document() for finding in findings])
    else:
        print_table(
            "doctor",
            ("check", "result", "detail", "cure"),
            [(f.check, "ok" if f.ok else "NOT OK", f.detail, f.cure) for f in findings],
        )
    return 0 if all(finding.ok or finding.optional for finding in findings) else 1


def dashboard(
    where: Annotated[
        Path | None, typer.Argument(help="campaign.yaml, to find its records; or use --db")
    ] = None,
    db: Annotated[
        str | None, typer.Option("--db", help="Records: a file or a postgresql:// URL.")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 8501,
) -> int:
    """Open the operators' pages on this machine's loopback."""
    from lab.app.dashboard import run_dashboard

    return run_dashboard(where, db, port, on_ready=lambda url: say(f"dashboard: {url}"))
