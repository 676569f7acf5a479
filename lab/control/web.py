"""The web server under the control API. To import it takes as long as a quarter of an engine's start."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from lab.control.api import make_app

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Generator

    from lab.control.port import EnginePort

__all__ = ["web_server"]


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the composition root's business: the first Ctrl-C stops the lab in order."""
        yield


def web_server(port: EnginePort, token: str, closing: asyncio.Event) -> uvicorn.Server:
    """Serves the API of that engine to whoever has the token, until `closing`."""
    config = uvicorn.Config(
        make_app(port, token, closing),
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return _Server(config)
