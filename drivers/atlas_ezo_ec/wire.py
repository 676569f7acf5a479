"""The UART text protocol of Atlas Scientific EZO-EC circuits: bytes to meaning and back, no I/O.

9600 baud 8N1; CR ends a line in both directions; commands are case-insensitive. A command is answered by its data,
if it has any, and then by `*OK`; or by `*ER` alone. After power-up the circuit sends a reading each second unasked
(continuous mode). These may come in between at any time:

`*RS` restarted   `*RE` ready   `*SL` asleep   `*WA` woken   `*OV` `*UV` supply voltage too high, too low

Readings are in uS/cm. Their resolution becomes coarser as the value rises (`format_conductivity`): unverified against
a current datasheet, as is which of `?CAL`, `?Cal` a firmware sends; both are understood.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "BAUD_RATES",
    "END",
    "MAX_US_CM",
    "Data",
    "Frame",
    "Query",
    "Status",
    "WireError",
    "decode",
    "decode_conductivity",
    "encode",
    "format_conductivity",
    "resolution_us_cm",
]

END = b"\r"
MAX_US_CM = 500_000.0
BAUD_RATES = (300, 1200, 2400, 9600, 19200, 38400, 57600, 115200)

Code = Literal["OK", "ER", "OV", "UV", "RS", "RE", "SL", "WA", "DONE"]
_CODES: dict[str, Code] = {
    "OK": "OK",
    "ER": "ER",
    "OV": "OV",
    "UV": "UV",
    "RS": "RS",
    "RE": "RE",
    "SL": "SL",
    "WA": "WA",
    "DONE": "DONE",
}


class WireError(ValueError):
    """The bytes are no valid line of this protocol."""


@dataclass(frozen=True, slots=True)
class Status:
    """A line that begins with `*`."""

    code: Code


@dataclass(frozen=True, slots=True)
class Query:
    """The answer to a question: `?I,EC,2.16` is name `I`, fields `EC`, `2.16`. The name is upper case."""

    name: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """Any other line: a reading, with one number for each output that is switched on."""

    values: tuple[float, ...]


Frame = Status | Query | Data


def encode(text: str) -> bytes:
    """A line with its end; WireError where it could not be told from several lines."""
    if not text or not text.isascii() or not text.isprintable():
        raise WireError(f"can't be sent: {text!r}")
    return text.encode("ascii") + END


def decode(line: bytes) -> Frame:
    """The meaning of one line without its end; WireError for anything else."""
    try:
        text = line.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise WireError(f"not ASCII: {line!r}") from error
    if text.startswith("*"):
        code = _CODES.get(text[1:].upper())
        if code is None:
            raise WireError(f"unknown status: {line!r}")
        return Status(code)
    if text.startswith("?"):
        name, *fields = text[1:].split(",")
        if not name:
            raise WireError(f"an answer without a name: {line!r}")
        return Query(name.upper(), tuple(fields))
    return Data(tuple(_number(part, line) for part in text.split(",")))


def _number(text: str, line: bytes) -> float:
    if not re.fullmatch(r"-?\d+(\.\d*)?", text):
        raise WireError(f"not a number: {line!r}")
    value = float(text)
    if not math.isfinite(value):
        raise WireError(f"not a finite number: {line!r}")
    return value


def decode_conductivity(frame: Frame) -> float:
    """The conductivity in uS/cm of a circuit that reports conductivity alone."""
    if not isinstance(frame, Data) or len(frame.values) != 1:
        raise WireError(f"expected one reading, got {frame!r}")
    return frame.values[0]


def resolution_us_cm(value: float) -> float:
    """The step of the last digit shown at that conductivity, both in uS/cm."""
    for limit, step in ((100.0, 0.01), (1_000.0, 0.1), (10_000.0, 1.0), (100_000.0, 10.0)):
        if abs(value) < limit:
            return step
    return 100.0


def format_conductivity(value: float) -> str:
    """As the circuit prints it: `0.07`, `99.99`, `100.1`, `1413`, `12880`, `500000`."""
    step = resolution_us_cm(value)
    rounded = round(value / step) * step
    step = resolution_us_cm(rounded)  # 99.999 is shown as 100.0
    decimals = {0.01: 2, 0.1: 1}.get(step, 0)
    return f"{round(value / step) * step:.{decimals}f}"
