"""The control API: status, requests, live events. Loopback only, with a token.

    GET  /v1/health               no token: is anybody there?
    GET  /v1/status               everything that people want to know, as one document
    POST /v1/requests             pause, resume, stop, abort, safe, rearm, answer, witness; acknowledged at once
    GET  /v1/events?after=SEQ     records as server-sent events; id = sequence number

The token keeps other users of the machine out. The Host check keeps web pages out: a page on a foreign name that
resolves to 127.0.0.1 (DNS rebinding) would pass for the same origin in a browser, but its Host header gives it away.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import Depends, FastAPI, Header, HTTPException, Query
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field, TypeAdapter

from lab.control.document import EngineStatus
from lab.control.port import Answer, EnginePort, Request
from lab.control.status import status_document

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from lab.domain.event import Recorded

__all__ = ["Health", "make_app", "openapi_document"]

_KEEP_ALIVE_S = 15.0
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Health(BaseModel):
    """Somebody is there."""

    lab: str = Field(description="The lab's id.")
    pid: int = Field(description="Process id of the engine.")


_SCHEME = HTTPBearer(auto_error=False, description="The token in <database>.control.json.")
_STATUS: TypeAdapter[EngineStatus] = TypeAdapter(EngineStatus)


def make_app(port: EnginePort, token: str, closing: asyncio.Event | None = None) -> FastAPI:
    """The API in front of an engine. `closing` ends event streams, so that a server can stop with readers attached."""
    if not token:
        raise ValueError("the control API needs a token")
    app = FastAPI(
        title="Labwright control API",
        version="1",
        summary="Ask the engine of a lab what it does, and ask it to pause, resume, stop or make safe.",
        docs_url=None,  # its pages would load scripts from elsewhere
        redoc_url=None,
    )
    app.add_middleware(_LoopbackOnly)
    desk = _Desk(port)
    ended = closing or asyncio.Event()

    def authorised(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_SCHEME)]) -> None:
        # Bytes: compare_digest refuses text outside ASCII.
        if given is None or not secrets.compare_digest(given.credentials.encode(), token.encode()):
            raise HTTPException(
                401,
                "a valid token is needed; it stands in <database>.control.json",
                {"WWW-Authenticate": "Bearer"},
            )

    guarded = [Depends(authorised)]

    @app.get("/v1/health", tags=["reading"])
    async def health() -> Health:
        """Is an engine running? Needs no token."""
        info = port.info()
        return Health(lab=info.lab, pid=info.pid)

    @app.get("/v1/status", tags=["reading"], dependencies=guarded)
    async def status() -> EngineStatus:
        """What runs, what waits, for what and since when."""
        info = port.info()
        document = status_document(port.state(), info.now)
        return _STATUS.validate_python({"engine": info.model_dump(mode="json"), **document})

    @app.post("/v1/requests", tags=["asking"], dependencies=guarded)
    async def ask(request: Request) -> Answer:
        """Ask for something. The same id gives the same answer; effects follow as events."""
        return await desk.take(request)

    @app.get(
        "/v1/events",
        tags=["reading"],
        dependencies=guarded,
        response_class=StreamingResponse,
        responses={
            200: {"content": {"text/event-stream": {}}, "description": "Records, one per event."}
        },
    )
    async def events(
        after: Annotated[int, Query(ge=0, description="Only records with a higher number.")] = 0,
        last_event_id: Annotated[int, Header(ge=0, description="Sent on reconnection.")] = 0,
    ) -> StreamingResponse:
        """Records so far and then live, as server-sent events: id = sequence number, event = kind, data = record."""
        stream = _stream(port.events(max(after, last_event_id)), ended)
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )

    del health, status, ask, events  # registered with the app
    return app


def openapi_document() -> dict[str, Any]:
    """The API's description for clients in other languages. Needs no engine."""
    unasked = cast("EnginePort", None)  # describing the routes calls none of them
    return make_app(unasked, "described, not served").openapi()


class _Desk:
    """Where requests are taken: one that is already answered, or being answered, is not asked again."""

    def __init__(self, port: EnginePort) -> None:
        self._port = port
        self._asked: dict[str, asyncio.Task[Answer]] = {}

    async def take(self, request: Request) -> Answer:
        known = self._port.state().requests.get(request.id)
        if known is not None:
            return Answer(id=request.id, accepted=known.accepted, detail=known.detail)
        task = self._asked.get(request.id)
        if task is None:
            task = asyncio.create_task(self._port.request(request))
            self._asked[request.id] = task
            task.add_done_callback(lambda _: self._asked.pop(request.id, None))
        # Shielded: whoever asked may hang up, the engine still finishes what it journalled.
        return await asyncio.shield(task)


async def _stream(source: AsyncIterator[Recorded], closing: asyncio.Event) -> AsyncIterator[str]:
    queue: asyncio.Queue[Recorded | None] = asyncio.Queue(256)

    async def pump() -> None:
        try:
            async for record in source:
                await queue.put(record)
        finally:
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()
        await queue.put(None)

    async def end() -> None:
        await closing.wait()
        pumping.cancel()

    pumping, ending = asyncio.create_task(pump()), asyncio.create_task(end())
    getting: asyncio.Task[Recorded | None] = asyncio.create_task(queue.get())
    try:
        yield ": the lab's journal\n\n"
        while not closing.is_set():
            done, _ = await asyncio.wait(
                {getting, ending}, timeout=_KEEP_ALIVE_S, return_when=asyncio.FIRST_COMPLETED
            )
            if ending in done:
                return
            if getting not in done:
                yield ": still here\n\n"
                continue
            record = getting.result()
            if record is None:
                return
            yield f"id: {record.seq}\nevent: {record.event.kind}\ndata: {record.model_dump_json()}\n\n"
            getting = asyncio.create_task(queue.get())
    finally:
        for task in (pumping, ending, getting):
            task.cancel()
        for task in (pumping, ending, getting):
            with suppress(asyncio.CancelledError):
                await task


class _LoopbackOnly:
    """Refuses every Host header that is not this machine's loopback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
            if len(hosts) != 1 or _name_of(hosts[0]) not in _LOOPBACK:
                detail = "the control API answers only to 127.0.0.1 and localhost"
                await JSONResponse({"detail": detail}, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _name_of(host: str) -> str:
    """`127.0.0.1:8000` -> `127.0.0.1`; `[::1]:8000` -> `[::1]`."""
    end = host.find("]")
    return host[: end + 1] if end >= 0 else host.partition(":")[0].lower()
