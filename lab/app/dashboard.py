"""`lab dashboard`: the operators' pages as a process of their own, found by entry point."""

from __future__ import annotations

import importlib.metadata
import subprocess
from typing import TYPE_CHECKING, Any

from lab.app.records import url_of
from lab.domain.errors import InputError
from lab.records.reader import open_records

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["run_dashboard"]


def run_dashboard(
    where: Path | None, db: str | None, port: int, on_ready: Callable[[str], None]
) -> int:
    """Serve the dashboard until interrupted; returns the server's exit code."""
    url = url_of(where, db)
    # Opened once here, so that a wrong path is a clear error and not an empty page.
    open_records(url).close()
    launch = _launcher()
    prepared = launch(url, port=port)
    on_ready(prepared.url)
    process = subprocess.Popen(prepared.command, env=prepared.environment)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        return process.wait()


def _launcher() -> Any:
    for entry in importlib.metadata.entry_points(group="labwright.dashboard"):
        return entry.load()
    raise InputError(
        "the dashboard is not installed",
        hint="pip install -c constraints.txt 'labwright[dashboard]'",
    )
