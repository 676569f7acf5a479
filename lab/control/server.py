"""The control API as a server beside the engine, in the engine's own event loop.

    async with ControlServer(port, directory) as server:
        ...                         # server.url; <database>.control.json tells clients where and with which token

Binds 127.0.0.1 on a free port, installs no signal handlers, logs nothing below warnings. Single use.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from lab.control.client import control_file
from lab.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    import uvicorn

    from lab.control.port import EnginePort

__all__ = ["ControlServer"]


class ControlServer:
    """Serves the control API while entered. Enter and leave on the engine's loop.

    The control file lies beside an SQLite database, else in `directory`; only its owner may read it.
    Raises UnavailableError where no port or file can be had.
    """

    def __init__(
        self, port: EnginePort, directory: Path | None = None, *, after_s: float = 0.0
    ) -> None:
        """`after_s`: real seconds before the web server is loaded; who asks meanwhile waits."""
        self.token = secrets.token_urlsafe(32)
        self.url = ""
        self.file = control_file(port.info().database, directory)
        self._port = port
        self._after_s = after_s
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._server: uvicorn.Server | None = None

    async def __aenter__(self) -> Self:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.bind(("127.0.0.1", 0))
            listener.listen(128)
        except OSError as error:
            listener.close()
            raise UnavailableError(f"the control API gets no port on 127.0.0.1: {error}") from error
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # It answers from now on: the socket listens, and is served as soon as can be.
        self._task = asyncio.create_task(self._serve(listener), name="control-api")
        try:
            self._write_file()
        except OSError as error:
            await self._stop()
            raise UnavailableError(
                f"the control file {self.file} can't be written: {error.strerror}",
                hint="the folder of the database must be writable",
            ) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove_file()
        await self._stop()

    async def _serve(self, listener: socket.socket) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._after_s):
                await self._closing.wait()
        make = None if self._closing.is_set() else await asyncio.to_thread(_web_server)
        if make is None or self._closing.is_set():
            listener.close()
            return
        self._server = make(self._port, self.token, self._closing)
        await self._server.serve(sockets=[listener])

    async def _stop(self) -> None:
        self._closing.set()
        if self._server is not None:
            self._server.should_exit = True
        if self._task is not None:
            await self._task

    def _write_file(self) -> None:
        """Whole or not at all, and never readable by others, not even for a moment."""
        content = json.dumps({"url": self.url, "token": self.token, "pid": os.getpid()})
        draft = self.file.with_name(f"{self.file.name}.{os.getpid()}")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            draft.unlink()
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
        draft.replace(self.file)

    def _remove_file(self) -> None:
        """Unless a later engine has put its own there."""
        with suppress(OSError, ValueError):
            if json.loads(self.file.read_text(encoding="utf-8"))["token"] == self.token:
                self.file.unlink()


def _web_server() -> Callable[[EnginePort, str, asyncio.Event], uvicorn.Server]:
    from lab.control.web import web_server

    return web_server
