"""The MQTT topics and JSON bodies of CLSLab:Light: values to bytes and back, no I/O.

Request   topic `sdl-demo/picow/<id>/GPIO/28`: R, G, B (0 to 255), atime (0 to 255), astep (0 to 65534), gain (0.5 to
          512), `_session_id`, `_experiment_id`; whatever else it holds is echoed too
Reply     topic `sdl-demo/picow/<id>/as7341/`: `_input_message` (the request), `ch410` ... `ch670` (counts with the LED
          on), `background` (the same channels, LED off, just before), `onboard_temperature_K`, `sd_card_ready`,
          `utc_timestamp`, `utc_time_str`, `logged_to_mongodb`; or `error` (a traceback as text). A request that is no
          JSON comes back as text in `_input_message`, with an error.

The device answers everybody on the same topic: only `_experiment_id` says whose reply it is. It answers at QoS 0 and
leaves no last will. Integration time = (atime + 1)(astep + 1) 2.78 us; full scale = (atime + 1)(astep + 1), at most 65535.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CHANNELS",
    "MAX_COUNT",
    "Reply",
    "Request",
    "WireError",
    "decode_reply",
    "decode_request",
    "encode",
    "full_scale",
    "integration_s",
    "reply_topic",
    "request_pattern",
    "request_topic",
]

CHANNELS = ("ch410", "ch440", "ch470", "ch510", "ch550", "ch583", "ch620", "ch670")
MAX_COUNT = 65535
_STEP_S = 2.78e-6
_BODY: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


class WireError(ValueError):
    """The bytes are no valid message of this protocol."""


def _prefix(pico_id: str) -> str:
    return f"sdl-demo/picow/{pico_id}/"


def request_topic(pico_id: str) -> str:
    """Where a client asks (28 is the pin of the LED)."""
    return _prefix(pico_id) + "GPIO/28"


def request_pattern(pico_id: str) -> str:
    """What the device listens to."""
    return _prefix(pico_id) + "GPIO/#"


def reply_topic(pico_id: str) -> str:
    """Where the device answers; the slash at the end is part of it."""
    return _prefix(pico_id) + "as7341/"


def integration_s(atime: int, astep: int) -> float:
    """How long each of its readings collects light, in seconds."""
    return (atime + 1) * (astep + 1) * _STEP_S


def full_scale(atime: int, astep: int) -> int:
    """The highest count that such a reading can have."""
    return min(MAX_COUNT, (atime + 1) * (astep + 1))


class Request(BaseModel):
    """An experiment. Unknown members are kept, because the device echoes them."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    red: float = Field(validation_alias="R", serialization_alias="R", ge=0, le=255)
    green: float = Field(validation_alias="G", serialization_alias="G", ge=0, le=255)
    blue: float = Field(validation_alias="B", serialization_alias="B", ge=0, le=255)
    atime: int = Field(default=100, ge=0, le=255)
    astep: int = Field(default=999, ge=0, le=65534)
    gain: float = Field(default=128, ge=0.5, le=512)
    session_id: str = Field(
        default="", validation_alias="_session_id", serialization_alias="_session_id"
    )
    experiment_id: str = Field(
        default="", validation_alias="_experiment_id", serialization_alias="_experiment_id"
    )


class Reply(BaseModel):
    """What came back: channels and background in counts, or an error."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    request: dict[str, JsonValue] | str = Field(
        validation_alias="_input_message", serialization_alias="_input_message"
    )
    channels: dict[str, float] = Field(default_factory=dict[str, float])
    background: dict[str, float] = Field(default_factory=dict[str, float])
    error: str | None = None

    @property
    def experiment_id(self) -> str:
        """Empty where the device could not read the request."""
        found = self.request.get("_experiment_id", "") if isinstance(self.request, dict) else ""
        return found if isinstance(found, str) else ""


def encode(message: Request | Mapping[str, JsonValue]) -> bytes:
    """A message as JSON bytes. Colours are rounded to whole numbers: the LED has 256 steps."""
    if not isinstance(message, Request):
        return json.dumps(dict(message)).encode()
    body: dict[str, JsonValue] = message.model_dump(by_alias=True)
    body |= {"R": round(message.red), "G": round(message.green), "B": round(message.blue)}
    return json.dumps(body).encode()


def decode_request(payload: bytes) -> Request:
    """What a client asks; WireError with the reason for anything else."""
    try:
        return Request.model_validate_json(payload, by_alias=True, by_name=False)
    except ValidationError as error:
        raise WireError(str(error)) from error


def decode_reply(payload: bytes) -> Reply:
    """What the device answered; WireError where it is no reply. Missing channels are found by the driver."""
    try:
        body = _BODY.validate_json(payload)
        channels = {name: body.pop(name) for name in CHANNELS if name in body}
        return Reply.model_validate({**body, "channels": channels})
    except ValidationError as error:
        raise WireError(str(error)) from error
