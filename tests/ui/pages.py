"""The pages as a person sees them: served by a real process, looked at by a real browser."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

import dashboard
from dashboard.launch import launch

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["PATIENCE_MS", "foreign", "served", "visit"]

PATIENCE_MS = 60_000


@contextmanager
def served(records: Path) -> Generator[str, None, None]:
    """A Streamlit process on a free port while entered; yields its address."""
    command = launch(records)
    port = next(part for part in command if part.startswith("--server.port=")).partition("=")[2]
    root = str(Path(dashboard.__file__).parent.parent)
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _wait_for(int(port), process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"Streamlit ended: {process.communicate()[0]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("Streamlit did not listen within a minute")


def foreign(urls: list[str]) -> list[str]:
    """Addresses that are not this machine."""
    return [
        url
        for url in urls
        if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).hostname != "127.0.0.1"
    ]


def visit(page: Page, address: str, name: str, title: str) -> None:
    """Open a page and wait for its heading; an exception on it fails the test."""
    page.goto(f"{address}/{name}")
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def drawn(page: Page, text: str) -> Locator:
    """A text of a chart that is on screen now.

    While a page redraws itself, the chart that goes and the one that comes are both in the
    document for a moment.
    """
    chart = page.get_by_test_id("stPlotlyChart")
    return chart.get_by_text(text).filter(visible=True).first
