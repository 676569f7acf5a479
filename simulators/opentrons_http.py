"""Bodies, errors and the version header of the simulated robot's HTTP API."""

from __future__ import annotations

import json
from email.parser import BytesParser
from email.policy import HTTP
from typing import TYPE_CHECKING, Any, cast

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from drivers.opentrons_robot.wire import VERSION_HEADER
from simulators.opentrons_runs import ConflictError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = [
    "EXCEPTION_HANDLERS",
    "ApiError",
    "VersionCheck",
    "api_error",
    "data_of",
    "listed",
    "uploaded_file",
    "whole_number",
]

Json = dict[str, Any]

_NEWEST = 4
_OLDEST = 2


class ApiError(HTTPException):
    def __init__(self, status: int, body: Json) -> None:
        super().__init__(status)
        self.body = body


def _error_body(error_id: str, title: str, detail: str) -> Json:
    return {"errors": [{"id": error_id, "title": title, "detail": detail, "errorCode": "4000"}]}


def api_error(status: int, error_id: str, title: str, detail: str) -> ApiError:
    return ApiError(status, _error_body(error_id, title, detail))


async def _on_http(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, ApiError):
        return JSONResponse(error.body, error.status_code)
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse(_error_body("BadRequest", "Bad Request", str(error)), status)


async def _on_conflict(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ConflictError):
        raise error
    return JSONResponse(_error_body(error.error_id, error.title, error.detail), 409)


EXCEPTION_HANDLERS = {HTTPException: _on_http, ConflictError: _on_conflict}


class VersionCheck:
    """Demands the header `Opentrons-Version` and answers with the version served."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = cast("list[tuple[bytes, bytes]]", scope["headers"])
        name = VERSION_HEADER.lower().encode()
        asked = next((value.decode() for key, value in headers if key == name), None)
        served = _NEWEST
        refusal: JSONResponse | None = None
        if asked is None or not (asked == "*" or asked.isdigit()):
            detail = "Field required" if asked is None else f"{asked!r} is not a version"
            refusal = JSONResponse(_error_body("InvalidRequest", "Invalid Request", detail), 422)
        elif asked != "*" and int(asked) < _OLDEST:
            detail = f"HTTP API version {asked} is no longer supported, at least {_OLDEST} is."
            refusal = JSONResponse(
                _error_body("OutdatedAPIVersion", "Requested HTTP API version no longer supported",
                            detail), 400,
            )  # fmt: skip
        elif asked != "*":
            served = min(_NEWEST, int(asked))

        async def answer(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"opentrons-version", str(served).encode()),
                    (b"opentrons-min-version", str(_OLDEST).encode()),
                ]
            await send(message)

        await (refusal or self._app)(scope, receive, answer)


def listed(
    data: list[Json], *, total: int | None = None, cursor: int = 0, links: Json | None = None
) -> JSONResponse:
    body: Json = {
        "data": data,
        "meta": {"cursor": cursor, "totalLength": len(data) if total is None else total},
    }
    if links is not None:
        body["links"] = links
    return JSONResponse(body)


async def data_of(request: Request) -> Json:
    try:
        body: object = json.loads(await request.body() or b"{}")
    except ValueError:
        body = None
    data = cast("Json", body).get("data", {}) if isinstance(body, dict) else None
    if not isinstance(data, dict):
        raise api_error(422, "InvalidRequest", "Invalid Request", "data: Field required")
    return cast("Json", data)


def whole_number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdigit():
        raise api_error(422, "InvalidRequest", "Invalid Request", f"{name}: not a whole number")
    return int(text)


def uploaded_file(content_type: str, body: bytes) -> bytes:
    """The first part named `files` of a multipart form; 422 when there is none."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    if message.is_multipart():
        for part in message.iter_parts():
            if part.get_param("name", header="content-disposition") == "files":
                content = part.get_payload(decode=True)
                return content if isinstance(content, bytes) else b""
    raise api_error(422, "InvalidRequest", "Invalid Request", "files: Field required")
