"""Verbs that ask a running engine: pause, stop, abort, safe, rearm, answer, witness, status, watch."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.cli.output import print_json, say
from lab.domain.errors import UnavailableError

if TYPE_CHECKING:
    from lab.control.client import ControlClient
    from lab.control.port import Verb

__all__ = ["find_running", "register", "send_request"]

_Where = Annotated[
    Path | None,
    typer.Argument(help="campaign.yaml, to find its records; or use --db", show_default=False),
]
_Db = Annotated[str | None, typer.Option("--db", help="Records of the engine that is meant.")]
_Actor = Annotated[str, typer.Option("--who", help="Your name, for the records.")]
_Reason = Annotated[str, typer.Option("--reason", help="Why, for the records.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command()(pause)
    app.command()(stop)
    app.command()(abort)
    app.command()(safe)
    app.command()(rearm)
    app.command()(answer)
    app.command()(witness)
    app.command()(status)
    app.command()(watch)


def _client(where: Path | None, db: str | None) -> ControlClient:
    from lab.app.records import url_of
    from lab.control.client import ControlClient

    return ControlClient.find(url_of(where, db))


def find_running(where: Path | None, db: str | None) -> bool:
    """Is there an engine to ask?"""
    try:
        _client(where, db).close()
    except UnavailableError:
        return False
    return True


def send_request(
    verb: Verb,
    where: Path | None,
    db: str | None,
    actor: str,
    reason: str,
    *,
    args: dict[str, Any] | None = None,
    as_json: bool = False,
) -> int:
    """Ask the engine; prints its answer. 0 accepted, 4 refused."""
    with _client(where, db) as client:
        given = client.request(verb, actor or getpass.getuser(), reason, args or {})
    if as_json:
        print_json(given.model_dump())
    else:
        print(given.detail)
    return 0 if given.accepted else 4


def pause(
    where: _Where = None,
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """Start no new step; running ones end. `lab resume` goes on."""
    return send_request("pause", where, db, actor, reason, as_json=as_json)


def stop(
    where: _Where = None,
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    now: Annotated[
        bool, typer.Option("--now", help="Have running steps stopped at their devices too.")
    ] = False,
    as_json: _Json = False,
) -> int:
    """End the campaign in order: running steps end (or are stopped, with --now), safe-state steps run."""
    verb = "abort" if now else "stop"
    return send_request(verb, where, db, actor, reason, as_json=as_json)


def abort(
    run: Annotated[str, typer.Argument(help="Id of the run, from `lab status`.")],
    where: _Where = None,
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """End one run at once: what it has under way is stopped at its device, its safe-state steps run.

    The campaign goes on. `lab stop --now` aborts all runs.
    """
    args = {"run": run}
    return send_request("abort", where, db, actor, reason, args=args, as_json=as_json)


def safe(
    where: _Where = None,
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """Bring every device to its declared safe state now, until a named person re-arms.

    This is not an emergency stop: that is hardware.
    """
    return send_request("safe", where, db, actor, reason, as_json=as_json)


def rearm(where: _Where = None, db: _Db = None, actor: _Actor = "", as_json: _Json = False) -> int:
    """Allow work again after `lab safe`. Your name is recorded."""
    if not actor:
        raise typer.BadParameter("say who re-arms the lab: --who NAME")
    return send_request("rearm", where, db, actor, "", as_json=as_json)


def answer(
    question: Annotated[str, typer.Argument(help="Id of the question or task, from `lab status`.")],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CHOICE | FIELD=VALUE... | failed] [CAMPAIGN]",
            help="A choice of the question; or the task's fields, or the word failed with --reason. A "
            "campaign.yaml names the records, as --db does.",
            show_default=False,
        ),
    ] = None,
    db: _Db = None,
    actor: _Actor = "",
    reason: _Reason = "",
    as_json: _Json = False,
) -> int:
    """Settle what only a person can know, or say what came of a task."""
    said, where = _said(words or [])
    task = question.startswith("t-")
    if task and not actor.strip():
        raise typer.BadParameter("say who did it: --who NAME")
    args = {"question": question, **(_task_args(said) if task else _choice(said))}
    return send_request("answer", where, db, actor, reason, args=args, as_json=as_json)


def _said(words: list[str]) -> tuple[list[str], Path | None]:
    """The words that answer, and the campaign's file if it is among them."""
    files = [word for word in words if "=" not in word and word.endswith((".yaml", ".yml"))]
    if len(files) > 1:
        raise typer.BadParameter(f"name one campaign, not {len(files)}: {', '.join(files)}")
    said = [word for word in words if word not in files]
    return said, Path(files[0]) if files else None


def _choice(said: list[str]) -> dict[str, Any]:
    if len(said) != 1:
        raise typer.BadParameter("give one of the question's choices; `lab status` shows them")
    return {"answer": said[0]}


def _task_args(said: list[str]) -> dict[str, Any]:
    if said == ["failed"]:
        return {"failed": True}
    answers: dict[str, str] = {}
    for word in said:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"'{word}' is not an answer: write it as field=value")
        if name.strip() in answers:
            raise typer.BadParameter(f"'{name.strip()}' is answered twice")
        answers[name.strip()] = value
    return {"answers": answers}


def witness(
    task: Annotated[str, typer.Argument(help="Id of the task, from `lab status`.")],
    where: _Where = None,
    db: _Db = None,
    actor: _Actor = "",
    as_json: _Json = False,
) -> int:
    """Confirm, as a second person, what somebody answered to a task. Your name is recorded."""
    if not actor.strip():
        raise typer.BadParameter("say who witnesses it: --who NAME")
    return send_request("witness", where, db, actor, "", args={"question": task}, as_json=as_json)


def status(where: _Where = None, db: _Db = None, as_json: _Json = False) -> None:
    """What runs, what waits, for what and since when."""
    with _client(where, db) as client:
        document = client.status()
    if as_json:
        print_json(document)
        return
    from lab.cli.status_text import status_lines

    for line in status_lines(document):
        print(line)


def watch(
    where: _Where = None,
    db: _Db = None,
    after: Annotated[int, typer.Option("--after", help="Begin after this event.")] = 0,
    as_json: _Json = False,
) -> None:
    """Follow the events of a running engine until it ends; with --json one document a line."""
    from lab.cli.event_text import event_text

    with _client(where, db) as client:
        for record in client.events(after):
            if as_json:
                print(record.model_dump_json(), flush=True)
            else:
                words = event_text(record.event)
                at = f"{record.at:%Y-%m-%d %H:%M:%S}"
                print(f"{record.seq:>6} {at} {record.event.kind}: {words}", flush=True)
    say("the engine has ended")
