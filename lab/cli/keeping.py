"""`lab records` and `lab export`: what the journal holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.output import print_json, print_table

if TYPE_CHECKING:
    from lab.domain.state import CampaignState

__all__ = ["register"]

_Where = Annotated[
    Path | None,
    typer.Argument(help="campaign.yaml, to find its records; or use --db", show_default=False),
]
_Db = Annotated[str | None, typer.Option("--db", help="Records: a file or a postgresql:// URL.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    records = typer.Typer(help="Look into the records.", no_args_is_help=True)
    records.command("list")(list_campaigns)
    records.command("show")(show_run)
    records.command("verify")(verify)
    records.command("rebuild")(rebuild)
    records.command("migrate")(migrate)
    records.command("raise-epoch")(raise_epoch)
    app.add_typer(records, name="records")
    app.command()(export)


def _best(campaign: CampaignState) -> str | None:
    best = campaign.best()
    if best is not None:
        return f"{best.value:.5g}"
    front = campaign.front()
    return f"{len(front)} on the front" if front else None


def list_campaigns(where: _Where = None, db: _Db = None, as_json: _Json = False) -> None:
    """The campaigns in the records, with how they ended."""
    from lab.app.records import open_where

    state = open_where(where, db).state()
    rows = [
        (
            name,
            campaign.status,
            len(campaign.trials),
            sum(1 for trial in campaign.trials.values() if trial.status == "failed"),
            _best(campaign),
            campaign.spec.objective.unit,
        )
        for name, campaign in state.campaigns.items()
    ]
    columns = ("campaign", "state", "trials", "failed", "best", "unit")
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table("campaigns", columns, rows)


def show_run(
    run: Annotated[str, typer.Argument(help="Id of a run, e.g. electrolyte-1/r003.")],
    where: _Where = None,
    db: _Db = None,
    as_json: _Json = False,
) -> None:
    """All that is known of a run: steps, decisions, people's answers, flags, time windows, quality."""
    from lab.app.records import open_where
    from lab.cli.run_text import run_document, run_lines
    from lab.domain.errors import InputError

    with open_where(where, db) as records:
        tables = records.tables(run)
        if not tables["runs"]:
            known = [str(row["run"]) for row in records.runs()]
            newest = (
                f"the newest are {', '.join(known[-5:])}" if known else "no run has been started"
            )
            raise InputError(f"there is no run '{run}' in these records", hint=newest)
    if as_json:
        print_json(run_document(tables))
        return
    for line in run_lines(tables):
        print(line)


def verify(
    where: _Where = None,
    db: _Db = None,
    head: Annotated[
        str,
        typer.Option("--head", help="Hash that a report told: nothing up to it was cut off."),
    ] = "",
    as_json: _Json = False,
) -> int:
    """Prove that no row of the journal was changed, lost or put between."""
    from lab.app.records import open_where

    with open_where(where, db) as records:
        broken = records.first_broken_row()
        cut = bool(head) and not records.has_head(head)
    if as_json:
        print_json({"whole": broken is None and not cut, "first_broken_row": broken, "cut": cut})
    elif broken is None and cut:
        print(f"rows were cut off the end: none has the hash {head}; the rows that are left fit")
    elif broken is None:
        print("the chain is whole: every row fits the one before it")
    else:
        print(f"the chain breaks at row {broken}: it, or a row before it, was changed or removed")
    return 0 if broken is None and not cut else 1


def rebuild(where: _Where = None, db: _Db = None, as_json: _Json = False) -> None:
    """Throw away all that was computed from the journal, and compute it anew. The journal itself is only read."""
    from lab.app.records import url_of
    from lab.records.rebuild import rebuild as rebuild_records

    done = rebuild_records(url_of(where, db))
    if as_json:
        print_json({"rows": done.rows, "campaigns": done.campaigns, "runs": done.runs})
    else:
        print(
            f"rebuilt from {done.rows} rows of the journal: {done.campaigns} campaigns, {done.runs} runs"
        )


def migrate(where: _Where = None, db: _Db = None, as_json: _Json = False) -> None:
    """Bring records of an earlier version to this one's format. A file is copied before; of a server make a backup."""
    from lab.app.records import url_of
    from lab.records.database import migrate_records

    done = migrate_records(url_of(where, db))
    copy = None if done.copy is None else str(done.copy)
    if as_json:
        print_json({"before": done.before, "after": done.after, "copy": copy})
    elif done.before == done.after:
        print(f"the records are of format {done.after} already")
    else:
        print(f"the records were of format {done.before} and are of format {done.after} now")


def raise_epoch(
    where: _Where = None,
    db: _Db = None,
    by: Annotated[
        int,
        typer.Option("--by", min=1, help="More than engines were started since the backup."),
    ] = 1000,
    as_json: _Json = False,
) -> None:
    """After a backup was restored: let device hosts take the next engine for a newer one than those they have seen."""
    from lab.app.records import url_of
    from lab.records.journal import raise_epoch as raise_of_records

    epoch = raise_of_records(url_of(where, db), by)
    if as_json:
        print_json({"epoch": epoch})
    else:
        print(f"the next engine of these records will be number {epoch + 1}")


def export(
    to: Annotated[Path, typer.Option("--to", help="Folder to write into.")],
    where: _Where = None,
    db: _Db = None,
    form: Annotated[str, typer.Option("--format", help="csv")] = "csv",
) -> None:
    """Write every table of the records as a flat file, with a dictionary of columns; failed work included."""
    from lab.app.records import open_where
    from lab.domain.errors import InputError

    if form != "csv":
        raise InputError(f"there is no export format '{form}'", hint="known: csv")
    from lab.records.export import export_csv

    for path in export_csv(open_where(where, db), to):
        print(path)
