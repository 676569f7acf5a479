"""The NAMUR text protocol of IKA hotplate stirrers: bytes to meaning and back, no I/O.

The line runs at 9600 baud 7E1 without flow control. A line ends with blank CR LF (20 0D 0A) in both directions;
clients differ, so both sides here accept any blanks before the end. Commands are upper case, a parameter follows
after one blank (watchdog commands: after `@`).

With reply    `IN_NAME`, `IN_PV_n`, `IN_SP_n` -> `25.3 1` (value, blank, channel); `OUT_SP_12@`, `OUT_SP_42@`,
              `OUT_WD1@`, `OUT_WD2@` -> echo of the value
Silent        `OUT_SP_1 60`, `OUT_SP_4 300`, `START_1|4`, `STOP_1|4`, `RESET`, `SET_MODE_A|B|D`, and all that is unknown

Unverified against a manual: the number of decimals in replies, and whether the watchdog's echo carries a channel.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import IntEnum

__all__ = [
    "END",
    "MAX_WATCHDOG_S",
    "MIN_WATCHDOG_S",
    "Channel",
    "Request",
    "WireError",
    "ask_name",
    "ask_setpoint",
    "ask_value",
    "decode_echo",
    "decode_reading",
    "decode_request",
    "decode_text",
    "encode_echo",
    "encode_reading",
    "encode_text",
    "reset",
    "set_value",
    "start",
    "stop",
    "watchdog",
]

END = b" \r\n"
MIN_WATCHDOG_S = 20
MAX_WATCHDOG_S = 1500


class WireError(ValueError):
    """The bytes are no valid line of this protocol."""


class Channel(IntEnum):
    """What a number in a command or reply refers to."""

    PROBE = 1
    """External probe in the medium, degC; as a setpoint: the temperature wanted."""
    PLATE = 2
    """Sensor in the plate, degC."""
    SAFETY = 3
    """Safety limit of the plate, degC; read only."""
    SPEED = 4
    """Stirrer, rpm."""
    VISCOSITY = 5
    """Viscosity trend, %."""


# -- the driver's side -------------------------------------------------------------------------


def _line(text: str) -> bytes:
    return text.encode("ascii") + END


def ask_name() -> bytes:
    """What are you? Answered with the model's name alone."""
    return _line("IN_NAME")


def ask_value(channel: Channel) -> bytes:
    """Measured value of a channel."""
    return _line(f"IN_PV_{channel:d}")


def ask_setpoint(channel: Channel) -> bytes:
    """Set value of a channel (or the safety limit)."""
    return _line(f"IN_SP_{channel:d}")


def set_value(channel: Channel, value: float) -> bytes:
    """Set the temperature (one decimal) or the speed (whole rpm). No reply."""
    number = f"{value:.0f}" if channel == Channel.SPEED else f"{value:.1f}"
    return _line(f"OUT_SP_{channel:d} {number}")


def start(channel: Channel) -> bytes:
    """Heater (PROBE) or motor (SPEED) on. No reply."""
    return _line(f"START_{channel:d}")


def stop(channel: Channel) -> bytes:
    """Heater (PROBE) or motor (SPEED) off. No reply."""
    return _line(f"STOP_{channel:d}")


def reset() -> bytes:
    """Back to normal operation: clears an error display. No reply."""
    return _line("RESET")


def watchdog(seconds: int) -> bytes:
    """Arm mode 1, or feed it: unless repeated within that time, heater and motor go off (ER 2). Echoed.

    Mode 1 can't be cancelled by a command of its own.
    """
    if not MIN_WATCHDOG_S <= seconds <= MAX_WATCHDOG_S:
        raise WireError(f"a watchdog takes {MIN_WATCHDOG_S} to {MAX_WATCHDOG_S} s, not {seconds}")
    return _line(f"OUT_WD1@{seconds:d}")


def decode_text(line: bytes) -> str:
    """A reply without its end and the blanks around it; WireError for bytes that no 7-bit line carries."""
    try:
        return line.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise WireError(f"not 7-bit text: {line!r}") from error


def _number(text: str, line: bytes) -> float:
    if not re.fullmatch(r"[+-]?\d+(\.\d*)?", text):
        raise WireError(f"not a number: {line!r}")
    value = float(text)
    if not math.isfinite(value):
        raise WireError(f"not a finite number: {line!r}")
    return value


def decode_reading(line: bytes, channel: Channel) -> float:
    """The value in `25.3 1`; WireError when it is no reading or one of another channel."""
    parts = decode_text(line).split()
    if len(parts) != 2 or parts[1] != f"{channel:d}":
        raise WireError(f"expected a value of channel {channel:d}, got {line!r}")
    return _number(parts[0], line)


def decode_echo(line: bytes) -> float:
    """The value that a watchdog command was answered with; a channel after it is allowed."""
    parts = decode_text(line).split()
    if len(parts) not in (1, 2):
        raise WireError(f"expected an echoed value, got {line!r}")
    return _number(parts[0], line)


# -- the instrument's side ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """A command as the instrument understands it: verb `IN_PV`, `OUT_SP`, `OUT_WD`..., channel, value."""

    verb: str
    channel: int = 0
    value: float | None = None


_PATTERNS = (
    re.compile(r"(?P<verb>IN_NAME|RESET)"),
    re.compile(r"(?P<verb>SET_MODE)_(?P<mode>[ABD])"),
    re.compile(r"(?P<verb>IN_PV|IN_SP|START|STOP)_(?P<channel>\d)"),
    re.compile(r"(?P<verb>OUT_SP)_(?P<channel>[14]) (?P<value>[+-]?\d+(\.\d*)?)"),
    re.compile(r"(?P<verb>OUT_SP)_(?P<channel>12|42)@(?P<value>\d+(\.\d*)?)"),
    re.compile(r"(?P<verb>OUT_WD)(?P<channel>[12])@(?P<value>\d+(\.\d*)?)"),
)


def decode_request(line: bytes) -> Request:
    """What a client asks; WireError for anything else (the instrument then stays silent)."""
    text = decode_text(line)
    for pattern in _PATTERNS:
        match = pattern.fullmatch(text)
        if match:
            found = match.groupdict()
            value = found.get("value")
            return Request(
                verb=found["verb"] or "",
                channel=int(found.get("channel") or 0),
                value=None if value is None else float(value),
            )
    raise WireError(f"unknown command: {line!r}")


def encode_reading(value: float, channel: int) -> bytes:
    """`25.3 1` with the line's end."""
    return _line(f"{value:.1f} {channel:d}")


def encode_echo(value: float) -> bytes:
    """The echo of a watchdog command."""
    return _line(f"{value:g}")


def encode_text(text: str) -> bytes:
    """A reply in words (the model's name)."""
    return _line(text)
