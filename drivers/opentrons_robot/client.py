"""A thin client of the robot's HTTP API: one method per request, errors as two exceptions."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from drivers.opentrons_robot.wire import (
    HEADERS,
    Analysis,
    Body,
    CommandRecord,
    ErrorBody,
    Health,
    Instrument,
    ListBody,
    Protocol,
    Run,
)

if TYPE_CHECKING:
    from typing import Literal

    from pydantic import JsonValue

__all__ = ["LinkError", "RobotClient", "RobotRefusedError"]

_PAGE = 400
_Model = TypeVar("_Model", bound=BaseModel)


class RobotRefusedError(Exception):
    """The robot answered with 4xx or 5xx. `error_id` is its stable name, e.g. `RunAlreadyActive`."""

    def __init__(self, status: int, error_id: str, detail: str) -> None:
        super().__init__(f"HTTP {status} {error_id}: {detail}")
        self.status = status
        self.error_id = error_id


class LinkError(ConnectionError):
    """No usable answer: not reachable, cut, too late, or not the robot's JSON."""


class RobotClient:
    """Wraps an httpx client whose base is the robot. `timeout_s` counts real seconds per request."""

    def __init__(self, http: httpx.AsyncClient, timeout_s: float = 10.0) -> None:
        self._http = http
        self._timeout_s = timeout_s

    async def close(self) -> None:
        """Close the connections. Safe to call twice."""
        await self._http.aclose()

    async def health(self) -> Health:
        return self._parse(Health, await self._request("GET", "/health"))

    async def instruments(self) -> tuple[Instrument, ...]:
        return self._parse(ListBody[Instrument], await self._request("GET", "/instruments")).data

    async def upload(self, name: str, content: bytes) -> Protocol:
        files = {"files": (name, content, "application/json")}
        response = await self._request("POST", "/protocols", files=files)
        return self._parse(Body[Protocol], response).data

    async def protocols(self) -> tuple[Protocol, ...]:
        return self._parse(ListBody[Protocol], await self._request("GET", "/protocols")).data

    async def analysis(self, protocol_id: str, analysis_id: str) -> Analysis:
        path = f"/protocols/{protocol_id}/analyses/{analysis_id}"
        return self._parse(Body[Analysis], await self._request("GET", path)).data

    async def create_run(self, protocol_id: str) -> Run:
        response = await self._request("POST", "/runs", body={"data": {"protocolId": protocol_id}})
        return self._parse(Body[Run], response).data

    async def runs(self) -> tuple[Run, ...]:
        """All runs that the robot remembers (20 at most), oldest first."""
        return self._parse(ListBody[Run], await self._request("GET", "/runs")).data

    async def run(self, run_id: str) -> Run:
        return self._parse(Body[Run], await self._request("GET", f"/runs/{run_id}")).data

    async def act(self, run_id: str, action: Literal["play", "pause", "stop"]) -> None:
        body: JsonValue = {"data": {"actionType": action}}
        await self._request("POST", f"/runs/{run_id}/actions", body=body)

    async def retire(self, run_id: str) -> None:
        """Make a run that is idle or ended no longer current: it can never be played again."""
        await self._request("PATCH", f"/runs/{run_id}", body={"data": {"current": False}})

    async def commands(self, run_id: str) -> tuple[CommandRecord, ...]:
        path = f"/runs/{run_id}/commands?cursor=0&pageLength={_PAGE}"
        return self._parse(ListBody[CommandRecord], await self._request("GET", path)).data

    async def _request(
        self,
        method: str,
        path: str,
        *,
        body: JsonValue = None,
        files: dict[str, tuple[str, bytes, str]] | None = None,
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._http.request(
                    method, path, headers=HEADERS, json=body, files=files
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise LinkError(f"{method} {path}: {type(error).__name__} {error}".rstrip()) from error
        if response.status_code >= 400:
            raise _refusal(response)
        return response

    @staticmethod
    def _parse(model: type[_Model], response: httpx.Response) -> _Model:
        try:
            return model.model_validate_json(response.content)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise LinkError(
                f"{response.request.url.path}: not an answer of a robot ({where}: {first['msg']})"
            ) from error


def _refusal(response: httpx.Response) -> RobotRefusedError:
    try:
        body = ErrorBody.model_validate(json.loads(response.content))
    except (ValidationError, ValueError):
        return RobotRefusedError(response.status_code, "", response.text[:200])
    if not body.errors:
        return RobotRefusedError(response.status_code, "", response.text[:200])
    first = body.errors[0]
    return RobotRefusedError(response.status_code, first.id, first.detail or first.title)
