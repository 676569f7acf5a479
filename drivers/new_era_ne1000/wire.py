"""The RS-232 protocol of New Era NE-1000 series pumps, both directions, without I/O.

Source: NE-1000 user manual, publication 1200-01, section 10. Two framings:

    basic   to the pump:   <address> <command> CR
            from the pump: STX <aa> <status> [<data>] ETX
    safe    both ways:     STX <length> <payload> <crc, 2 bytes, big endian> ETX

The safe length counts itself, the payload, the CRC and the ETX. The CRC is CRC-16/XMODEM over the
payload. A payload is what the basic framing carries between its delimiters. Blanks and case of a
command do not matter. 8 data bits, no parity, 1 stop bit; 19200 baud from the factory.
"""

from __future__ import annotations

import binascii
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "ALARMS",
    "ERRORS",
    "PROMPTS",
    "RATE_FACTOR_ML_MIN",
    "VOLUME_FACTOR_ML",
    "Corrupt",
    "Reply",
    "ReplyDecoder",
    "Request",
    "RequestDecoder",
    "Totals",
    "encode_reply",
    "encode_request",
    "encode_safe",
    "format_number",
    "format_rate",
    "format_reported",
    "parse_number",
    "parse_rate",
    "parse_reply",
    "parse_request",
    "parse_totals",
    "rate_limits_ml_min",
    "rates_within",
    "volume_unit",
]

STX: Final = 0x02
ETX: Final = 0x03
CR: Final = 0x0D

PROMPTS: Final = {
    "I": "infusing",
    "W": "withdrawing",
    "S": "stopped",
    "P": "paused",
    "T": "in a timed pause",
    "U": "waiting for a trigger",
    "X": "purging",
}
"""Status letter -> meaning."""

ALARMS: Final = {
    "R": "the pump was reset: its power was interrupted",
    "S": "the motor stalled: line blocked, end of travel, or too much force",
    "T": "no valid packet came within the safe mode time-out",
    "E": "error in the pumping program",
    "O": "the program ran past its last phase",
}
"""Alarm letter -> meaning. Any reply reports a pending alarm and so clears it; the command that
the reply answers is not executed."""

ERRORS: Final = {
    "": "command not known",
    "NA": "not applicable now",
    "OOR": "out of range",
    "COM": "invalid packet",
    "IGN": "ignored: a phase began at the same moment",
}
"""Error code (after the question mark) -> meaning."""

MAX_SPEED_CM_PER_MIN: Final = 5.1005
MIN_SPEED_CM_PER_H: Final = 0.004205
VOLUME_FACTOR_ML: Final = {"ML": 1.0, "UL": 1e-3}
RATE_FACTOR_ML_MIN: Final = {"MM": 1.0, "UM": 1e-3, "MH": 1.0 / 60.0, "UH": 1e-3 / 60.0}
"""Unit -> mL/min: mL/min, uL/min, mL/h, uL/h."""

_LONGEST = 64
"""No packet of this protocol is longer; more without an end is noise."""
_OVERHEAD = 4
_NUMBER = re.compile(r"\d{0,4}(?:\.\d{0,3})?")
_RATE = re.compile(r"([\d.]+)(UM|MM|UH|MH)?")
_REPLY = re.compile(r"(\d\d)(?:A\?([A-Z])|([IWSPTUX]))(.*)")
_TOTALS = re.compile(r"I([\d.]+)W([\d.]+)(UL|ML)")


@dataclass(frozen=True, slots=True)
class Request:
    """A command as the pump gets it: upper case, no blanks. `safe` tells the framing it came in."""

    address: int
    text: str
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What the pump says. Either `prompt` or `alarm` is set; `data` may be an error (`?NA`)."""

    address: int
    prompt: str = ""
    alarm: str = ""
    data: str = ""
    safe: bool = False

    @property
    def error(self) -> str | None:
        """The error code without its question mark (a key of `ERRORS`); None for no error."""
        return self.data[1:] if self.data.startswith("?") else None

    @property
    def running(self) -> bool:
        """True while the plunger moves or will move by itself."""
        return self.prompt in ("I", "W", "X", "T", "U")


@dataclass(frozen=True, slots=True)
class Corrupt:
    """A packet whose checksum or end did not fit; the pump answers `?COM`."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Totals:
    """The volumes moved since they were last cleared, in mL, and the pump's resolution, in mL."""

    infused_ml: float
    withdrawn_ml: float
    resolution_ml: float

    @property
    def untouched(self) -> bool:
        """True when nothing has moved since they were cleared."""
        return self.infused_ml == 0.0 and self.withdrawn_ml == 0.0


def encode_safe(payload: str) -> bytes:
    """Put a payload into the safe framing. ValueError when it is too long."""
    body = payload.encode("ascii")
    if len(body) + _OVERHEAD > _LONGEST:
        raise ValueError(f"a payload of {len(body)} bytes is too long")
    crc = binascii.crc_hqx(body, 0).to_bytes(2, "big")
    return bytes((STX, len(body) + _OVERHEAD)) + body + crc + bytes((ETX,))


def encode_request(request: Request) -> bytes:
    """The bytes of a command. ValueError for an address outside of 0..99."""
    if not 0 <= request.address <= 99:
        raise ValueError(f"pump address {request.address} is outside of 0..99")
    payload = f"{request.address}{request.text}"
    return encode_safe(payload) if request.safe else payload.encode("ascii") + bytes((CR,))


def encode_reply(reply: Reply) -> bytes:
    """The bytes of a reply."""
    status = f"A?{reply.alarm}" if reply.alarm else reply.prompt
    payload = f"{reply.address:02d}{status}{reply.data}"
    if reply.safe:
        return encode_safe(payload)
    return bytes((STX,)) + payload.encode("ascii") + bytes((ETX,))


def parse_request(payload: str, *, safe: bool = False) -> Request:
    """A command from its payload; the address is 0 where there is none."""
    text = "".join(payload.split()).upper()
    command = text.lstrip("0123456789")
    digits = text[: len(text) - len(command)]
    if len(digits) > 2:  # no address has three digits: the command is not known
        return Request(int(digits[:2]), digits[2:] + command, safe)
    return Request(int(digits or 0), command, safe)


def parse_reply(payload: str, *, safe: bool = False) -> Reply:
    """A reply from its payload. ValueError when it is none."""
    match = _REPLY.fullmatch(payload)
    if match is None:
        raise ValueError(f"not a reply of a pump: {payload!r}")
    return Reply(int(match[1]), match[3] or "", match[2] or "", match[4].strip(), safe)


def _printable(data: bytes) -> bool:
    return all(0x20 <= byte <= 0x7E for byte in data)


def _safe_packet(buffer: bytes) -> tuple[int, str | Corrupt | None]:
    """Look for a safe packet at the start of `buffer` (an STX).

    Returns how many bytes are spent and what was found; (0, None) when more bytes are needed,
    (1, None) when the STX starts no packet.
    """
    if len(buffer) < 2:
        return 0, None
    length = buffer[1]
    if not _OVERHEAD <= length <= _LONGEST:
        return 1, None
    packet = buffer[: length + 1]
    payload = packet[2 : length - 2]
    if not _printable(payload):
        return 1, None
    if len(packet) < length + 1:
        return 0, None
    crc = int.from_bytes(packet[length - 2 : length], "big")
    if packet[-1] != ETX:  # not where this packet ends: look for another one inside of it
        return 1, Corrupt(packet)
    if crc != binascii.crc_hqx(payload, 0):
        return length + 1, Corrupt(packet)
    return length + 1, payload.decode("ascii")


class RequestDecoder:
    """The pump's ear: commands in either framing out of any cut of bytes. Noise is skipped."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Request | Corrupt]:
        self._buffer += data
        found: list[Request | Corrupt] = []
        while self._buffer:
            if self._buffer[0] == STX:
                spent, packet = _safe_packet(self._buffer)
                if not spent:
                    break
                if isinstance(packet, Corrupt):
                    found.append(packet)
                elif packet is not None:
                    found.append(parse_request(packet, safe=True))
                self._buffer = self._buffer[spent:]
                continue
            end = next((i for i, byte in enumerate(self._buffer) if byte in (CR, STX)), None)
            if end is None:
                if len(self._buffer) > _LONGEST:
                    self._buffer = b""
                break
            if self._buffer[end] == STX:  # a command was broken off by a safe packet
                self._buffer = self._buffer[end:]
                continue
            text = bytes(byte for byte in self._buffer[:end] if 0x20 <= byte <= 0x7E)
            self._buffer = self._buffer[end + 1 :]
            found.append(parse_request(text.decode("ascii")))
        return found

    def reset(self) -> None:
        self._buffer = b""


class ReplyDecoder:
    """The computer's ear: replies in either framing out of any cut of bytes.

    The framings can't be mixed up: a basic reply goes on with a digit (0x30 or above), a safe one
    with a length, which is below 0x30 for every reply of a pump. What is neither is skipped.
    """

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Reply]:
        self._buffer += data
        found: list[Reply] = []
        while True:
            start = self._buffer.find(STX)
            if start < 0:
                self._buffer = b""
                break
            self._buffer = self._buffer[start:]
            spent, payload, safe = self._packet()
            if not spent:
                break
            self._buffer = self._buffer[spent:]
            if payload is not None and _REPLY.fullmatch(payload):
                found.append(parse_reply(payload, safe=safe))
        return found

    def reset(self) -> None:
        self._buffer = b""

    def _packet(self) -> tuple[int, str | None, bool]:
        buffer = self._buffer
        if len(buffer) < 2:
            return 0, None, False
        if buffer[1] < 0x30:
            spent, packet = _safe_packet(buffer)
            return spent, packet if isinstance(packet, str) else None, True
        end = buffer.find(ETX)
        body = buffer[1:] if end < 0 else buffer[1:end]
        if not _printable(body) or len(body) > _LONGEST:
            return 1, None, False
        if end < 0:
            return 0, None, False
        return end + 1, body.decode("ascii"), False


def format_number(value: float) -> str:
    """A number as the pump takes it: at most 4 digits, at most 3 of them decimals.

    ValueError when it is negative, too large (above 9999), or would become zero.
    """
    if not math.isfinite(value) or value < 0.0:
        raise ValueError(f"the pump takes no number {value!r}")
    for decimals in (3, 2, 1, 0):
        text = f"{value:.{decimals}f}"
        if sum(character.isdigit() for character in text) <= 4:
            if value > 0.0 and float(text) == 0.0:
                raise ValueError(f"{value:g} is below the pump's smallest number, 0.001")
            return text
    raise ValueError(f"{value:g} is above the pump's largest number, 9999")


def format_reported(value: float) -> str:
    """A number as the pump tells it: like `format_number`, with a decimal point always (`2500.`).

    That the point stays with four digits before it is unverified: NESP-Lib reads no other form.
    """
    text = format_number(value)
    return text if "." in text else f"{text}."


def parse_number(text: str) -> float:
    """A number as the pump accepts it. ValueError for more than 4 digits or 3 decimals."""
    digits = sum(character.isdigit() for character in text)
    if not 1 <= digits <= 4 or _NUMBER.fullmatch(text) is None:
        raise ValueError(f"the pump takes no number {text!r}")
    return float(text)


def format_rate(rate_ml_min: float) -> str:
    """A rate with the unit that keeps it most exactly, e.g. `20.00MM`; mL/min where equal."""
    best: tuple[float, str] | None = None
    for unit, factor in RATE_FACTOR_ML_MIN.items():
        try:
            text = format_number(rate_ml_min / factor)
        except ValueError:
            continue
        miss = round(abs(float(text) * factor - rate_ml_min), 12)
        if best is None or miss < best[0]:
            best = (miss, text + unit)
    if best is None:
        raise ValueError(f"a rate of {rate_ml_min:g} mL/min can't be told to the pump")
    return best[1]


def rates_within(lowest: float, highest: float) -> tuple[float, float]:
    """The slowest and the fastest rate (mL/min) that can be told to the pump and lie within these."""
    told: list[float] = []
    for factor in RATE_FACTOR_ML_MIN.values():
        for rate in (lowest, highest):
            with suppress(ValueError):
                text = format_number(rate / factor)
                step = 10.0 ** -len(text.partition(".")[2])
                told += [
                    parse_number(format_number(float(text) + sign * step)) * factor
                    for sign in (-1, 0, 1)
                    if float(text) + sign * step > 0.0
                ]
    fitting = [rate for rate in told if lowest <= rate <= highest]
    return min(fitting), max(fitting)


def parse_rate(text: str, default_unit: str = "") -> tuple[float, str]:
    """Number and unit of a rate. ValueError where the number or the unit is wrong or missing."""
    match = _RATE.fullmatch(text)
    unit = "" if match is None else match[2] or default_unit
    if match is None or not unit:
        raise ValueError(f"not a rate: {text!r}")
    return parse_number(match[1]), unit


def parse_totals(data: str) -> Totals:
    """The answer to `DIS`, e.g. `I0.500W0.000ML`. ValueError when it is none."""
    match = _TOTALS.fullmatch(data)
    if match is None:
        raise ValueError(f"not an answer to DIS: {data!r}")
    factor = VOLUME_FACTOR_ML[match[3]]
    infused, withdrawn = parse_number(match[1]), parse_number(match[2])
    decimals = min(len(text.partition(".")[2]) for text in (match[1], match[2]))
    return Totals(infused * factor, withdrawn * factor, factor * 10.0**-decimals)


def volume_unit(diameter_mm: float) -> Literal["UL", "ML"]:
    """The unit in which the pump counts volumes with a syringe of that inside diameter (mm)."""
    return "UL" if diameter_mm <= 14.0 else "ML"


def rate_limits_ml_min(diameter_mm: float) -> tuple[float, float]:
    """Lowest and highest rate (mL/min) of an NE-1000 with that inside diameter (mm)."""
    area_cm2 = math.pi * (diameter_mm / 20.0) ** 2
    return area_cm2 * MIN_SPEED_CM_PER_H / 60.0, area_cm2 * MAX_SPEED_CM_PER_MIN
