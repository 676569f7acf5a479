"""The line protocol of the teaching plate reader: text to meaning and back, no I/O. README.md is its specification.

Commands and answers are ASCII lines that end with LF. A query (its header ends with `?`) is always answered by
exactly one line; other commands by none. A measurement that fails is answered by the SCPI not-a-number, and the
reason waits in the error queue.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

__all__ = [
    "END",
    "ERRORS",
    "MAX_WAVELENGTHS",
    "NAN",
    "WAVELENGTHS_NM",
    "Command",
    "WireError",
    "decode_absorbances",
    "decode_command",
    "decode_error",
    "decode_identity",
    "encode",
    "encode_absorbances",
    "encode_error",
    "encode_measure",
]

END = b"\n"
NAN = "9.91E+37"
"""Not a number, as SCPI-1999 writes it."""
MAX_WAVELENGTHS = 4
WAVELENGTHS_NM = (350.0, 800.0)

ERRORS = {
    0: "No error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -113: "Undefined header",
    -120: "Numeric data error",
    -222: "Data out of range",
    -224: "Illegal parameter value",
    -240: "Hardware error",
    -350: "Queue overflow",
}
"""Numbers and texts of SCPI-1999 that the instrument uses."""


class WireError(ValueError):
    """The bytes are no valid line of this protocol."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as received: header in upper case, arguments as text."""

    header: str
    arguments: tuple[str, ...]

    @property
    def query(self) -> bool:
        return self.header.endswith("?")


def encode(text: str) -> bytes:
    """A line with its end; WireError where it could not be told from several lines."""
    if not text or not text.isascii() or not text.isprintable():
        raise WireError(f"can't be sent: {text!r}")
    return text.encode("ascii") + END


def _text(line: bytes) -> str:
    try:
        text = line.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise WireError(f"not ASCII: {line!r}") from error
    if not text or not text.isprintable():
        raise WireError(f"not a line of text: {line!r}")
    return text


# -- the instrument's side ----------------------------------------------------------------------


def decode_command(line: bytes) -> Command:
    """The meaning of one line without its end."""
    header, _, rest = _text(line).partition(" ")
    arguments = tuple(part.strip() for part in rest.split(",")) if rest.strip() else ()
    return Command(header.upper(), arguments)


def encode_absorbances(values: tuple[float, ...]) -> bytes:
    """One number per wavelength; not-a-number stands for a measurement that failed."""
    return encode(",".join(NAN if math.isnan(value) else f"{value:.5f}" for value in values))


def encode_error(code: int) -> bytes:
    """`-222,"Data out of range"`."""
    return encode(f'{code},"{ERRORS[code]}"')


# -- the driver's side --------------------------------------------------------------------------


def encode_measure(well: str, wavelengths_nm: tuple[float, ...]) -> bytes:
    """`MEAS:ABS? A1,450,520,630`; whole nanometres are written without decimals."""
    if not re.fullmatch(r"[A-P](?:[1-9]|1\d|2[0-4])", well):
        raise WireError(f"not a well: {well!r}")
    if not 1 <= len(wavelengths_nm) <= MAX_WAVELENGTHS:
        raise WireError(f"1 to {MAX_WAVELENGTHS} wavelengths, not {len(wavelengths_nm)}")
    if not all(math.isfinite(value) for value in wavelengths_nm):
        raise WireError("a wavelength is not a number")
    # 0.1 nm is the monochromator's step
    numbers = [f"{value:.1f}".removesuffix(".0") for value in wavelengths_nm]
    return encode("MEAS:ABS? " + ",".join([well, *numbers]))


def decode_absorbances(line: bytes, count: int) -> tuple[float, ...]:
    """The numbers of an answer to `MEAS:ABS?`; `nan` for a failed measurement."""
    text = _text(line)
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != count:
        raise WireError(f"expected {count} values, got {text!r}")
    return tuple(_number(part) for part in parts)


def _number(part: str) -> float:
    if part == NAN:
        return math.nan
    if not re.fullmatch(r"[+-]?\d+(?:\.\d*)?(?:E[+-]\d{1,2})?", part):
        raise WireError(f"not a number: {part!r}")
    return float(part)


def decode_error(line: bytes) -> tuple[int, str]:
    """(number, text) of an answer to `SYST:ERR?`; 0 means that there is none."""
    match = re.fullmatch(r'([+-]?\d{1,5}),"([^"]*)"', _text(line))
    if match is None:
        raise WireError(f"not an error report: {line!r}")
    return int(match[1]), match[2]


def decode_identity(line: bytes) -> tuple[str, str, str, str]:
    """(manufacturer, model, serial number, firmware) of an answer to `*IDN?`."""
    parts = _text(line).split(",")
    if len(parts) != 4:
        raise WireError(f"not an identity: {line!r}")
    maker, model, serial, firmware = (part.strip() for part in parts)
    return maker, model, serial, firmware
