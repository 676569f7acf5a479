"""`lab optimise`: questions to the optimiser apart from a run."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab.cli.output import print_json, print_table

__all__ = ["register"]


class _Direction(StrEnum):
    max = "max"
    min = "min"


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    group = typer.Typer(help="Ask the optimiser, apart from a run.", no_args_is_help=True)
    group.callback()(_group)
    group.command()(advise)
    group.command()(evidence)
    app.add_typer(group, name="optimise")


def _group() -> None:
    """Ask the optimiser, apart from a run."""


def advise(
    data: Annotated[Path, typer.Option("--data", help="CSV of experiments, a column per factor.")],
    objective: Annotated[str, typer.Option("--objective", help="Column that is optimised.")],
    direction: Annotated[_Direction, typer.Option("--direction", help="What is better.")],
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", help="Column that is no factor; repeat it.")
    ] = None,
    evenly_spread: Annotated[
        int | None,
        typer.Option(
            "--evenly-spread",
            help="So many rows at the top were chosen without looking at results; all by default.",
        ),
    ] = None,
    repeats: Annotated[int, typer.Option("--repeats", min=2, help="Bootstraps.")] = 20,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of all randomness.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Which model and which way to choose would find more, judged by data in hand."""
    from lab.app.advising import advise_from_table

    advice = advise_from_table(
        data,
        objective,
        direction.value,
        ignore=ignore or (),
        evenly_spread=evenly_spread,
        repeats=repeats,
        seed=seed,
    )
    if as_json:
        print_json(asdict(advice))
        return
    rows = [
        (
            reward.method,
            f"{reward.adjusted:.2f} ± {reward.adjusted_error:.2f}",
            f"{reward.naive:.2f} ± {reward.naive_error:.2f}",
        )
        for reward in advice.rewards
    ]
    print_table(
        f"share of good points chosen; {advice.alpha:.1%} of the space is better than the "
        f"{advice.shown} trials shown",
        ("method", "adjusted", "naive"),
        rows,
    )


def evidence(
    where: Annotated[
        Path | None,
        typer.Argument(help="campaign.yaml, to find its records; or use --db", show_default=False),
    ] = None,
    db: Annotated[str | None, typer.Option("--db", help="Records that are meant.")] = None,
    campaign: Annotated[
        str | None, typer.Option("--campaign", help="Id of a campaign; the latest by default.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="In place of records: CSV of experiments.")
    ] = None,
    objective: Annotated[
        str | None, typer.Option("--objective", help="With --data: the column that was measured.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", help="Column that is no factor; repeat it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also draw it: a .html page or a .png picture.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """How far the model can be trusted: each trial predicted from all the others, calibration, and what matters."""
    from lab.app.evidence import (
        evidence_lines,
        evidence_of_records,
        evidence_of_table,
        write_evidence,
    )

    if data is None:
        from lab.app.records import url_of

        if objective or ignore:
            raise typer.BadParameter("--objective and --ignore belong to --data")
        found, measured = evidence_of_records(url_of(where, db), campaign)
    else:
        if objective is None:
            raise typer.BadParameter("--data without --objective: name the measured column")
        if where is not None or db is not None or campaign is not None:
            raise typer.BadParameter("a table and records: choose one of the two")
        found, measured = evidence_of_table(data, objective, ignore or ())
    if out is not None:
        write_evidence(found, measured, out)
    if as_json:
        print_json(asdict(found))
        return
    for line in evidence_lines(found, measured):
        print(line)
    if out is not None:
        print(f"drawn in {out}")
