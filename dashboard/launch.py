"""How the pages are started: a process of their own, on this machine's loopback only."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

__all__ = ["launch"]

_SETTINGS = {
    "server.address": "127.0.0.1",  # without it Streamlit asks the internet for its own address
    "server.fileWatcherType": "none",
    "browser.gatherUsageStats": "false",
    "browser.serverAddress": "127.0.0.1",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "theme.base": "light",
    "theme.primaryColor": "#1d5b8f",
    "theme.textColor": "#1f2937",
    "theme.backgroundColor": "#ffffff",
    "theme.secondaryBackgroundColor": "#f4f6f8",
    "theme.baseRadius": "0.5rem",
}


def launch(db: str | Path, port: int = 0, open_browser: bool = False) -> list[str]:
    """The command line that serves the pages of these records until it is ended.

    port: 0 picks a free one; it stands in the command as `--server.port=N`. Run it as a process of its own, at a
    low priority if the engine is on the same machine.
    """
    settings = {
        **_SETTINGS,
        "server.port": str(port or _free_port()),
        "server.headless": "false" if open_browser else "true",
    }
    options = [f"--{name}={value}" for name, value in settings.items()]
    app = Path(__file__).with_name("app.py")
    return [sys.executable, "-m", "streamlit", "run", str(app), *options, "--", str(db)]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
