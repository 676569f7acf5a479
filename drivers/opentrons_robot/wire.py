"""The robot's HTTP API as data: resources, statuses, error bodies (robot-server 8.1, API version 4).

Only the fields that are used are named; a robot may send more.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = [
    "ACTIVE",
    "ENDED",
    "HEADERS",
    "VERSION_HEADER",
    "WAITING",
    "Analysis",
    "AnalysisSummary",
    "Body",
    "CommandRecord",
    "ErrorBody",
    "ErrorItem",
    "Health",
    "Instrument",
    "ListBody",
    "Occurrence",
    "Protocol",
    "Run",
]

VERSION_HEADER = "Opentrons-Version"
HEADERS = {VERSION_HEADER: "3"}
"""Version 3 is understood by every robot software since 5.1."""

ENDED = frozenset({"succeeded", "failed", "stopped"})
ACTIVE = frozenset({"running", "finishing", "stop-requested"})
WAITING = frozenset({"paused", "blocked-by-open-door"})
"""Stopped in the middle; a person at the robot can go on. `awaiting-recovery*` counts as failed."""


class _Resource(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _CamelResource(_Resource):
    """Names as `started_at` here, `startedAt` on the wire."""

    model_config = ConfigDict(alias_generator=to_camel)


class Health(_Resource):
    """`GET /health`."""

    name: str = ""
    robot_model: str = ""
    robot_serial: str | None = None
    api_version: str = ""
    fw_version: str = ""


class Instrument(_CamelResource):
    """One of `GET /instruments`."""

    mount: str
    instrument_name: str = ""
    ok: bool = True


class AnalysisSummary(_Resource):
    """`analysisSummaries[]` of a protocol."""

    id: str
    status: str


class Protocol(_CamelResource):
    """An uploaded protocol. `metadata` is what the file said, with our own entry in it."""

    id: str
    metadata: dict[str, Any] = Field(default_factory=dict)
    analysis_summaries: tuple[AnalysisSummary, ...] = ()


class Occurrence(_CamelResource):
    """An error that the engine met, with its causes."""

    error_type: str = ""
    error_code: str = ""
    detail: str = ""
    wrapped_errors: tuple[Occurrence, ...] = ()

    def causes(self) -> list[str]:
        """`type code: detail` of the innermost errors."""
        inner = [text for item in self.wrapped_errors for text in item.causes()]
        return inner or [f"{self.error_type} {self.error_code}: {self.detail}"]


class CommandRecord(_CamelResource):
    """A command of an analysis or a run: queued, running, succeeded or failed."""

    id: str
    key: str
    command_type: str
    status: str
    error: Occurrence | None = None


class Analysis(_Resource):
    """`GET /protocols/{id}/analyses/{id}`. `result` is `ok` or `not-ok` once `status` is `completed`."""

    id: str
    status: str
    result: str = ""
    commands: tuple[CommandRecord, ...] = ()
    errors: tuple[Occurrence, ...] = ()


class Run(_CamelResource):
    """A run. `started_at` stays empty until it is played for the first time."""

    id: str
    status: str
    current: bool = False
    protocol_id: str | None = None
    started_at: str | None = None
    errors: tuple[Occurrence, ...] = ()


class ErrorItem(_CamelResource):
    """One of the errors of a 4xx body; `id` is stable, e.g. `RunAlreadyActive`."""

    id: str = ""
    title: str = ""
    detail: str = ""
    error_code: str = ""


class ErrorBody(_Resource):
    """The body of every 4xx and 5xx of the robot."""

    errors: tuple[ErrorItem, ...] = ()


_Item = TypeVar("_Item", bound=BaseModel)


class Body(_Resource, Generic[_Item]):
    """`{"data": {...}}`."""

    data: _Item


class _Meta(_CamelResource):
    cursor: int = 0
    total_length: int = 0


class ListBody(_Resource, Generic[_Item]):
    """`{"data": [...], "meta": {...}}`."""

    data: tuple[_Item, ...]
    meta: _Meta = _Meta()
