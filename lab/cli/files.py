"""`lab new`, `lab check`, `lab diff`, `lab show`, `lab schema`: verbs about files, before anything moves."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.output import print_diagnostics, print_error, print_json, say
from lab.domain.errors import LabError

if TYPE_CHECKING:
    from lab.sop.template_sop import Answers

__all__ = ["register"]

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command()(new)
    app.command()(check)
    app.command()(diff)
    app.command()(show)
    app.command()(schema)


def new(
    kind: Annotated[str, typer.Argument(help="sop, lab, campaign or driver")],
    name: Annotated[str, typer.Argument(help="What it is to be called, e.g. my_titration")],
    folder: Annotated[Path, typer.Option("--in", help="Where to write it.")] = Path(),
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing; write the default.")
    ] = False,
) -> None:
    """Write a first file that passes `lab check`, to be changed from there.

    For an SOP some questions are asked on a terminal.
    """
    from lab.app.scaffold import write_new

    ask = kind == "sop" and not yes and sys.stdin.isatty() and sys.stdout.isatty()
    for path in write_new(kind, name, folder, _answers() if ask else None):
        print(path)


def _answers() -> Answers:
    """Ask what the procedure is to contain."""
    from lab.app.scaffold import readings
    from lab.sop.template_sop import Answers

    known = readings()
    title = typer.prompt("What does it do, in one line?", default="A new procedure")
    measured = ""
    while measured not in known:
        measured = typer.prompt(f"What is measured ({', '.join(known)})?", default=known[0])
    doses = typer.confirm("Is a liquid dosed?", default=True)
    heats = doses and typer.confirm("Is it heated?", default=False)
    repeats = typer.confirm("Is the reading repeated?", default=False)
    return Answers(title, measured, doses, heats, repeats)


def check(
    paths: Annotated[
        list[Path], typer.Argument(help="sop.yaml, lab.yaml, campaign.yaml, or a folder of them")
    ],
    as_json: _Json = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Check again at each change, until Ctrl-C.")
    ] = False,
) -> int:
    """Check files: structure, units, references, ranges, volumes. Nothing is run.

    Exit code 1 when a finding blocks, 2 when a file can't be read.
    """
    from lab.app.check import files_in

    if not watch:
        return _check(files_in(paths), as_json)
    import asyncio

    from lab.app.watching import check_again
    from lab.engine.clock import ScaledClock

    last = 0

    def once() -> None:
        nonlocal last
        try:
            last = _check(files_in(paths), as_json)
        except LabError as error:  # a file that is gone for a moment ends nothing
            print_error(error, as_json=as_json)
            last = error.exit_code
        sys.stdout.flush()

    say("lab: checking at each change; Ctrl-C ends it")
    with suppress(KeyboardInterrupt):
        asyncio.run(check_again(files_in(paths), ScaledClock(), once))
    return last


def _check(paths: tuple[Path, ...], as_json: bool) -> int:
    from dataclasses import asdict

    from lab.app.check import checked

    report = checked(paths)
    found = report.findings
    errors = sum(1 for d in found if d.severity == "error")
    refused = sum(1 for d in found if d.severity == "safety")
    if as_json:
        print_json(
            {
                "files": [str(p) for p in paths],
                "findings": [asdict(d) for d in found],
                "sop_sha256": report.hashes,
            }
        )
    else:
        print_diagnostics(found)
        if errors or refused:
            say(f"lab: {errors} errors, {refused} refused by safety rules")
        else:
            print(f"{len(paths)} file(s) checked: no blocking findings")
        for name, sha256 in report.hashes.items():
            print(f"{name}: sop_sha256 {sha256}")
    return 1 if errors or refused else 0


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="sop.yaml as it was")],
    after: Annotated[Path, typer.Argument(metavar="B", help="sop.yaml as it is now")],
    as_json: _Json = False,
) -> int:
    """Say what differs between two SOPs in the procedure, not in the text.

    Exit code 0 where it is the same procedure, 1 where it differs.
    """
    from dataclasses import asdict

    from lab.app.diff import compare_files

    found = compare_files(before, after)
    if as_json:
        print_json({"same": found.is_same, "warning": found.warning, **asdict(found)})
        return 0 if found.is_same else 1
    for change in found.changes:
        print(change.text)
    if found.is_same:
        first, second = found.hashes
        shown = first if first == second else f"{first}, {second}"
        print(f"the procedure is the same (sop_sha256 {shown})")
    if found.wording:
        print("words and header:")
    for change in found.wording:
        print(f"  {change.text}")
    if found.warning:
        say(f"lab: {found.warning}")
    return 0 if found.is_same else 1


def show(
    sop: Annotated[Path, typer.Argument(help="sop.yaml")],
    html: Annotated[Path | None, typer.Option("--html", help="Write a page to print.")] = None,
    cwl: Annotated[
        Path | None, typer.Option("--cwl", help="Write the abstract workflow as CWL v1.2.")
    ] = None,
    graph: Annotated[str, typer.Option("--graph", help="Only the graph: mermaid or dot.")] = "",
) -> None:
    """Print an SOP as a page of a handbook (Markdown), with hazards on top and lines to fill in and sign."""
    from lab.app.show import cwl_document, graph_text, handbook_page, handbook_text, write_text

    if graph:
        print(graph_text(sop, graph), end="")
    if html is not None:
        write_text(html, handbook_page(sop))
        print(html)
    if cwl is not None:
        write_text(cwl, cwl_document(sop))
        print(cwl)
    if not graph and html is None and cwl is None:
        print(handbook_text(sop), end="")


def schema(
    kind: Annotated[str, typer.Argument(help="sop, lab, campaign; openapi for the control API")],
) -> None:
    """Print a JSON Schema (or the OpenAPI document) for editors and other programs."""
    from lab.app.schemas import schema_document

    print_json(schema_document(kind))
