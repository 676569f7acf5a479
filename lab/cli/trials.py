"""`lab trial`: what people say of trials, with a name and a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lab.cli.asking import send_request

__all__ = ["register"]

_Where = Annotated[
    Path | None,
    typer.Argument(help="campaign.yaml, to find its records; or use --db", show_default=False),
]
_Number = Annotated[int, typer.Argument(help="Number of the trial, from `lab status`.")]
_Db = Annotated[str | None, typer.Option("--db", help="Records of the engine that is meant.")]
_Actor = Annotated[str, typer.Option("--who", help="Your name, for the records.")]
_Reason = Annotated[str, typer.Option("--reason", help="Why, for the records.")]
_Set = Annotated[
    list[str],
    typer.Option("--set", metavar="FACTOR=VALUE", help="E.g. --set 'volume=1.5 mL'; repeat it."),
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


_Fidelity = Annotated[
    str,
    typer.Option(
        "--fidelity",
        help="How it is measured, where the campaign has several ways; else the real one.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    trial = typer.Typer(
        help="Approve, reject or edit trials that have not begun; pin your own; veto a region; tell the context; add results from elsewhere; "
        "withdraw what turned out wrong.",
        no_args_is_help=True,
    )
    trial.command()(approve)
    trial.command()(reject)
    trial.command()(edit)
    trial.command()(pin)
    trial.command()(veto)
    trial.command()(context)
    trial.command()(add)
    # -1 is a result from outside and no option
    trial.command(context_settings={"ignore_unknown_options": True})(withdraw)
    app.add_typer(trial, name="trial")


def approve(
    trial: _Number,
    where: _Where = None,
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """Let a trial be made that waits for it (`strategy: approval` of the campaign). Your name is recorded."""
    if not actor.strip():
        raise typer.BadParameter("say who approves it: --who NAME")
    args = {"do": "approve", "trial": trial}
    return send_request("trial", where, db, actor, reason, args=args, as_json=as_json)


def reject(
    trial: _Number,
    where: _Where = None,
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """Take a trial back before it begins. It teaches nothing and counts as one of the budget."""
    args = {"do": "reject", "trial": trial}
    return send_request("trial", where, db, actor, _why(reason), args=args, as_json=as_json)


def withdraw(
    trial: Annotated[
        int, typer.Argument(help="Number of the trial; -1, -2, ... are results from elsewhere.")
    ],
    where: _Where = None,
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """Use the result of an ended trial no more: its sample was spoilt, a device was out of order. The records keep it."""
    if not actor.strip():
        raise typer.BadParameter("say who withdraws it: --who NAME")
    args = {"do": "withdraw", "trial": trial}
    return send_request("trial", where, db, actor, _why(reason), args=args, as_json=as_json)


def edit(
    trial: _Number,
    given: _Set,
    where: _Where = None,
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """Change factors of a trial before it begins; who edits a trial approves it."""
    args = {"do": "edit", "trial": trial, "factors": _factors(given)}
    return send_request("trial", where, db, actor, _why(reason), args=args, as_json=as_json)


def pin(
    given: _Set,
    where: _Where = None,
    fidelity: _Fidelity = "",
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """Have a trial of your own made next. What breaks a limit or a constraint is refused, never moved to fit."""
    args = {"do": "pin", "factors": _factors(given), **_by(fidelity)}
    return send_request("trial", where, db, actor, _why(reason), args=args, as_json=as_json)


def veto(
    condition: Annotated[
        str, typer.Argument(help="Where nothing shall be tried, e.g. 'temperature > 60 degC'.")
    ],
    where: _Where = None,
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """Forbid all trials where a condition holds, from now on."""
    args = {"do": "veto", "condition": condition}
    return send_request("trial", where, db, actor, _why(reason), args=args, as_json=as_json)


def context(
    given: _Set,
    where: _Where = None,
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """Tell what factors are that nobody chooses, such as the room's temperature. Trials are proposed for that from now on.

    Your name is recorded; the reason may say how you know.
    """
    if not actor.strip():
        raise typer.BadParameter("say who tells it: --who NAME")
    args = {"do": "context", "factors": _factors(given)}
    return send_request("trial", where, db, actor, reason, args=args, as_json=as_json)


def add(
    where: _Where = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FACTOR=VALUE", help="What it was made with; repeat it."),
    ] = None,
    result: Annotated[
        list[str] | None,
        typer.Option("--result", metavar="RESULT=VALUE", help="What was measured, with its unit."),
    ] = None,
    failed: Annotated[str, typer.Option("--failed", help="Why it gave no value.")] = "",
    table: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            help="A table of results in place of --set and --result: a column for each factor and result, with units in the "
            "headings (volume [mL]), and `failed` with the reason.",
        ),
    ] = None,
    beyond: Annotated[
        bool, typer.Option("--beyond", help="Values outside the campaign's ranges are meant.")
    ] = False,
    fidelity: _Fidelity = "",
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """Tell results that were measured elsewhere. The optimiser learns from them when it is asked next."""
    if not actor.strip():
        raise typer.BadParameter("say who tells it: --who NAME")
    why = _why(reason)
    if (table is None) == (not given):
        raise typer.BadParameter("give --set and --result (or --failed), or a table with --csv")
    if table is not None and (result or failed):
        raise typer.BadParameter("--csv beside --result or --failed: the table has them")
    rows: list[dict[str, Any]]
    if table is not None:
        from lab.app.outside import read_results

        rows = read_results(table)
    else:
        if bool(result) == bool(failed):
            raise typer.BadParameter(
                "give what was measured (--result), or why nothing was (--failed)"
            )
        told = {"failed": failed} if failed else {"values": _factors(result or [])}
        rows = [{"factors": _factors(given or []), **told}]
    args = {
        "do": "add",
        "results": rows,
        "source": "" if table is None else table.name,
        "beyond": beyond,
        **_by(fidelity),
    }
    return send_request("trial", where, db, actor, why, args=args, as_json=as_json)


def _by(fidelity: str) -> dict[str, Any]:
    return {"fidelity": fidelity} if fidelity else {}


def _why(reason: str) -> str:
    if not reason.strip():
        raise typer.BadParameter("say why, for whoever reads the record: --reason TEXT")
    return reason


def _factors(given: list[str]) -> dict[str, Any]:
    """Name -> quantity as it was written; the engine knows the factors and their units."""
    found: dict[str, Any] = {}
    for word in given:
        name, equals, value = word.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise typer.BadParameter(f"'{word}' is no setting: write it as factor=value")
        if name.strip() in found:
            raise typer.BadParameter(f"'{name.strip()}' is set twice")
        found[name.strip()] = value.strip()
    return found
