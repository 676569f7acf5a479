"""`lab dashboard`: the operators' pages as a process of their own, found by entry point."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from lab.app.records import url_of
from lab.domain.errors import InputError
from lab.records.database import database_path
from lab.records.reader import open_records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["run_dashboard"]


class _Launcher(Protocol):
    """Behind the entry point `labwright.dashboard`; `dashboard.launch.launch` is the one that ships."""

    def __call__(self, db: str | Path, port: int = 0) -> list[str]: ...


def run_dashboard(
    where: Path | None, db: str | None, port: int, on_ready: Callable[[str], None]
) -> NoReturn:
    """Serve the dashboard until interrupted.

    This process becomes the server, so that whatever ends it, a service manager or a kill, leaves nothing behind.
    InputError for records that are not there.
    """
    url = url_of(where, db)
    # Opened once here, so that a wrong path is a clear error and not an empty page.
    open_records(url).close()
    command = _launcher()(database_path(url) or url, port)
    chosen = next(word for word in command if word.startswith("--server.port="))
    on_ready(f"http://127.0.0.1:{chosen.partition('=')[2]}")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)


def _launcher() -> _Launcher:
    for entry in importlib.metadata.entry_points(group="labwright.dashboard"):
        return cast("_Launcher", entry.load())
    raise InputError(
        "the dashboard is not installed",
        hint="pip install -c constraints.txt 'labwright[dashboard]'",
    )
