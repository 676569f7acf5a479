"""`lab`: the command line. Parsing and printing; everything else is called where it lives.

Exit codes: 0 done, 1 the thing asked about failed, 2 wrong usage or unreadable input, 3 a needed service is not
reachable, 4 refused by a safety rule or missing permission, 130 interrupted.
"""

from __future__ import annotations

import gc
import sys
from typing import Annotated

import typer

from lab import __version__
from lab.cli import (
    asking,
    bench,
    devices,
    faults,
    files,
    keeping,
    machine,
    optimising,
    plan,
    running,
    trials,
)
from lab.cli.output import print_error, say
from lab.domain.errors import LabError

__all__ = ["app", "main"]

app = typer.Typer(
    name="lab",
    help="Runs self-driving laboratories: checked procedures, planned samples, driven devices, closed loops.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"labwright {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options before the verb."""


for room in (
    files,
    plan,
    running,
    asking,
    trials,
    keeping,
    devices,
    machine,
    optimising,
    bench,
    faults,
):
    room.register(app)


def main() -> None:
    """The entry point: runs a verb and turns every outcome into an exit code."""
    # What is imported stays, and most of what an engine makes is let go without the collector: it need not look so often.
    gc.set_threshold(50_000, 20, 10)
    as_json = "--json" in sys.argv
    try:
        result = app(standalone_mode=False)
    except LabError as error:
        print_error(error, as_json=as_json)
        sys.exit(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        say("lab: interrupted")
        sys.exit(130)
    except Exception as error:
        # Typer brings its own copy of click, whose usage errors it does not export by name.
        told = getattr(error, "format_message", None)
        if told is None:
            raise
        say(f"lab: {told()}")
        say("     `lab --help` and `lab VERB --help` say what is understood")
        sys.exit(2)
    sys.exit(result if isinstance(result, int) else 0)


if __name__ == "__main__":
    main()
