"""What a connection URL of a byte line means: a serial port with its settings, or a TCP socket.

serial:///dev/ttyUSB0?baud=9600&bytesize=7&parity=E&stopbits=1&xonxoff=true     (serial://COM3?... on Windows)
socket://192.168.0.7:4001
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from lab.domain.errors import InputError

__all__ = ["SerialUrl", "SocketUrl", "parse_line_url", "parse_settings"]

_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_OPTIONS = ("baud", "bytesize", "parity", "stopbits", "xonxoff", "rtscts")


@dataclass(frozen=True, slots=True)
class SerialUrl:
    """A serial port. 9600 baud, 8N1, no flow control where nothing is said."""

    port: str
    baud: int = 9600
    bytesize: Literal[5, 6, 7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stopbits: Literal[1, 2] = 1
    xonxoff: bool = False
    rtscts: bool = False

    @property
    def framing(self) -> str:
        """`8N1`, `7E1`, ..."""
        return f"{self.bytesize}{self.parity}{self.stopbits}"


@dataclass(frozen=True, slots=True)
class SocketUrl:
    """A TCP socket that carries the bytes of a line."""

    host: str
    port: int


def parse_line_url(url: str) -> SerialUrl | SocketUrl:
    """InputError says what is wrong and what would be right."""
    try:
        parts = urlsplit(url)
        number = parts.port if parts.scheme == "socket" else None
    except ValueError as error:
        raise InputError(f"{url}: {error}", hint="write socket://host:port") from error
    if parts.scheme == "socket":
        if not parts.hostname or not number or parts.path not in ("", "/") or parts.query:
            raise InputError(
                f"{url}: not a socket", hint="write socket://host:port, e.g. socket://10.0.0.7:4001"
            )
        return SocketUrl(parts.hostname, number)
    if parts.scheme != "serial":
        raise InputError(
            f"{url}: not a byte line",
            hint="write serial:///dev/ttyUSB0?baud=9600 for a serial port, socket://host:port for a network port",
        )
    port = unquote(parts.netloc + parts.path)
    if not port:
        raise InputError(
            f"{url}: names no port", hint="write serial:///dev/ttyUSB0 (three slashes)"
        )
    return parse_settings(parts.query, port)


def parse_settings(query: str, port: str = "") -> SerialUrl:
    """Line settings as a query string, e.g. `baud=19200&parity=E`, as in a driver's manifest."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise InputError(
            f"line settings {query!r}: {error}", hint="write baud=9600&parity=E"
        ) from error
    given = dict(pairs)
    if len(given) != len(pairs):
        raise InputError(f"line settings {query!r}: one is given twice", hint="give each once")
    for name in given:
        if name not in _OPTIONS:
            near = get_close_matches(name, _OPTIONS, n=1)
            raise InputError(
                f"line settings {query!r}: there is no {name!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"one of {', '.join(_OPTIONS)}",
            )
    baud = given.get("baud", "9600")
    if not (baud.isascii() and baud.isdigit() and 50 <= int(baud) <= 4_000_000):
        raise InputError(f"line settings: baud={baud}", hint="a whole number from 50 to 4000000")
    return SerialUrl(
        port,
        int(baud),
        cast("Literal[5, 6, 7, 8]", int(_one_of(given, "bytesize", "8", "5 6 7 8"))),
        cast("Literal['N', 'E', 'O']", _one_of(given, "parity", "N", "N E O")),
        cast("Literal[1, 2]", int(_one_of(given, "stopbits", "1", "1 2"))),
        _FLAGS[_one_of(given, "xonxoff", "false", " ".join(_FLAGS))],
        _FLAGS[_one_of(given, "rtscts", "false", " ".join(_FLAGS))],
    )


def _one_of(given: dict[str, str], name: str, default: str, allowed: str) -> str:
    value = given.get(name, default)
    if value not in allowed.split():
        raise InputError(f"line settings: {name}={value}", hint=f"one of {allowed}")
    return value
