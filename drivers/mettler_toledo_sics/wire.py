"""MT-SICS, the command set of Mettler Toledo balances, both directions, without I/O.

Sources: MT-SICS reference manuals 11780711, 11781363 and 30014405. ASCII lines, ended by CR LF in
both directions; arguments are separated by one blank, texts stand in double quotes:

    to the balance:    S
    from the balance:  S S     100.0000 g

A reply starts with the command and a status. A weight is right-aligned in ten characters, with as
many decimals as the balance can read. 9600 baud, 8 data bits, no parity from the factory.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = [
    "ERRORS",
    "REFUSALS",
    "TERMINATOR",
    "UNITS_G",
    "UNIT_CODES",
    "Reply",
    "Weight",
    "encode_line",
    "format_decimal",
    "format_weight",
    "parse_decimal",
    "parse_reply",
    "parse_weight",
    "quote",
    "reply_identifier",
]

TERMINATOR: Final = b"\r\n"

UNITS_G: Final = {"g": 1.0, "kg": 1000.0, "mg": 1e-3, "ug": 1e-6, "\u00b5g": 1e-6}
"""Unit -> grams. Case matters."""

UNIT_CODES: Final = {0: "g", 1: "kg", 3: "mg"}
"""Second argument of `M21` -> unit."""

ERRORS: Final = {
    "ES": "syntax error: the balance does not know the command",
    "ET": "transmission error: parity or baud rate do not fit",
    "EL": "logical error: the balance can't execute the command",
}
"""Replies that are the whole line."""

REFUSALS: Final = {
    "I": "not executable now: busy, or the load did not come to rest in time",
    "L": "wrong parameter",
    "+": "overload: too much on the pan, or outside of the range for zero",
    "-": "underload: the pan is missing, or outside of the range for zero",
}
"""Status that says that nothing was done -> why."""

_SHARED_IDENTIFIER = {"SI": "S", "SIR": "S", "SNR": "S", "SR": "S", "@": "I4"}
_TOKEN = re.compile(r'"([^"]*)"|(\S+)')
_DECIMAL = re.compile(r"[-+]?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Reply:
    """One line. `status` is empty and `identifier` the error where the line is a general error."""

    identifier: str
    status: str = ""
    fields: tuple[str, ...] = ()

    @property
    def error(self) -> str | None:
        """The meaning of a general error; None for other lines."""
        return None if self.status else ERRORS.get(self.identifier)


@dataclass(frozen=True, slots=True)
class Weight:
    """A weight in grams, and the step of its last digit in grams."""

    mass_g: float
    readability_g: float


def encode_line(text: str) -> bytes:
    """A command or reply with its line end. ValueError for what can't stand in one line."""
    if not text.isprintable():
        raise ValueError(f"not one line of text: {text!r}")
    return text.encode("latin-1") + TERMINATOR


def reply_identifier(command: str) -> str:
    """What the reply to a command starts with: mostly the command itself."""
    head = command.partition(" ")[0]
    return _SHARED_IDENTIFIER.get(head, head)


def parse_reply(line: bytes) -> Reply:
    """A line without its end. ValueError when there is nothing in it."""
    tokens = [
        match[2] if match[1] is None else match[1]
        for match in _TOKEN.finditer(line.decode("latin-1"))
    ]
    if not tokens:
        raise ValueError("an empty line")
    return Reply(tokens[0], tokens[1] if len(tokens) > 1 else "", tuple(tokens[2:]))


def parse_weight(reply: Reply) -> Weight:
    """The weight in a reply. ValueError when it has none, e.g. a hardware error (`S S Error 6b`)."""
    if len(reply.fields) != 2 or reply.fields[1] not in UNITS_G:
        raise ValueError(f"no weight in {reply.identifier} {reply.status} {reply.fields}")
    text, unit = reply.fields
    value = parse_decimal(text)
    step = 10.0 ** -len(text.partition(".")[2])
    return Weight(value * UNITS_G[unit], step * UNITS_G[unit])


def parse_decimal(text: str) -> float:
    """A plain decimal. ValueError for anything else, an exponent included."""
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(f"not a plain decimal: {text!r}")
    return float(text)


def format_decimal(value: float, decimals: int) -> str:
    """A plain decimal, without a sign on zero."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0.0 else text


def format_weight(identifier: str, status: str, value: float, decimals: int, unit: str) -> str:
    """A weight reply: the value, in `unit`, right-aligned in ten characters."""
    return f"{identifier} {status} {format_decimal(value, decimals):>10} {unit}"


def quote(text: str) -> str:
    """A text argument; double quotes inside become single ones."""
    return '"' + text.replace('"', "'") + '"'
