"""The UART text protocol that all EZO circuits of Atlas Scientific share: bytes to meaning and back, no I/O.

9600 baud 8N1; CR ends a line in both directions; commands are case-insensitive. A command is answered by its data,
if it has any, and then by `*OK`; or by `*ER` alone. After power-up the circuit sends a reading each second unasked
(continuous mode). These may come in between at any time:

`*RS` restarted   `*RE` ready   `*SL` asleep   `*WA` woken   `*OV` `*UV` supply voltage too high, too low

Firmwares differ in the case of names: `?CAL` and `?Cal` are the same here. What a circuit's readings mean (unit,
digits, calibration) is for its own driver. Source: the EZO datasheets (pH V 5.8, EC V 6.2, UART mode).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, cast, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

__all__ = [
    "BAUD_RATES",
    "END",
    "Answer",
    "Code",
    "Data",
    "Frame",
    "Query",
    "Status",
    "WireError",
    "decode",
    "encode",
    "numbers",
    "reading_seconds",
    "single_value",
]

END = b"\r"
BAUD_RATES = (300, 1200, 2400, 9600, 19200, 38400, 57600, 115200)

Code = Literal["OK", "ER", "OV", "UV", "RS", "RE", "SL", "WA", "DONE"]


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
        code = text[1:].upper()
        if code not in get_args(Code):
            raise WireError(f"unknown status: {line!r}")
        return Status(cast("Code", code))
    if text.startswith("?"):
        # Some circuits write `?,O,EC` where others write `?O,EC`.
        name, *fields = text[1:].removeprefix(",").split(",")
        if not name:
            raise WireError(f"an answer without a name: {line!r}")
        return Query(name.upper(), tuple(fields))
    return Data(numbers(text.split(",")))


def numbers(fields: Sequence[str]) -> tuple[float, ...]:
    """Fields that are plain decimal numbers, as readings are; WireError for any other."""
    for text in fields:
        if not re.fullmatch(r"-?\d+(\.\d*)?", text) or not math.isfinite(float(text)):
            raise WireError(f"not a number: {text!r}")
    return tuple(float(text) for text in fields)


def reading_seconds(
    action: str, args: Mapping[str, JsonValue], one_s: float, before_s: float = 0.0
) -> float | None:
    """How long `measure` takes: `before_s`, then `readings` of `one_s` each; None for what can't be told."""
    readings = args.get("readings")
    if action != "measure" or not isinstance(readings, int):
        return None
    return before_s + readings * one_s


def single_value(frames: list[Frame]) -> float:
    """The one number of an answer that must be one reading; WireError where it is anything else."""
    match frames:
        case [Data((value,))]:
            return value
        case _:
            raise WireError(f"expected one reading, got {frames!r}")


@dataclass(slots=True)
class Answer:
    """The lines that answer one command, taken one by one until its `*OK`, its `*ER`, or a restart that lost it.

    `data` holds readings and answers, those sent unasked in continuous mode among them; `notices` the status codes
    in between; `fault` the last line that could not be read: the answer is read to its end all the same, so that its
    `*OK` is not taken for the next command's.
    """

    lost_at_restart: bool = False
    data: list[Frame] = field(default_factory=list[Frame])
    notices: list[Code] = field(default_factory=list[Code])
    refused: bool = False
    fault: WireError | None = None

    def take(self, line: bytes) -> bool:
        """One more line, without its end. True when the answer is complete."""
        try:
            frame = decode(line)
        except WireError as error:
            self.fault = error
            return False
        match frame:
            case Status("OK"):
                return True
            case Status("ER"):
                self.refused = True
                return True
            case Status(code):
                self.notices.append(code)
                return code == "RS" and self.lost_at_restart
            case _:
                self.data.append(frame)
                return False
