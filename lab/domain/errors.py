"""The exception tree. Every error that a person may see carries a code and says what would be right.

LabError
 ├─ InputError      exit 2: an argument is wrong, or a file can't be read
 │   ├─ EmptySpaceError  no trial keeps all rules of a campaign
 │   └─ FindingsError  exit 1: a file was read, and its content has findings
 ├─ UnavailableError  exit 3: a needed service (broker, database, device host) can't be reached
 └─ RefusedError    exit 4: a safety rule or a missing permission forbids it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.diagnostic import Diagnostic

__all__ = [
    "EmptySpaceError",
    "FindingsError",
    "InputError",
    "LabError",
    "RefusedError",
    "UnavailableError",
]


class LabError(Exception):
    """The thing asked about failed. `exit_code` is what the command line returns."""

    exit_code = 1

    def __init__(
        self, message: str, *, hint: str = "", diagnostics: Sequence[Diagnostic] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.diagnostics = tuple(diagnostics)


class InputError(LabError):
    """Wrong usage or unreadable input."""

    exit_code = 2


class EmptySpaceError(InputError):
    """No trial keeps all rules of a space, with the factors that are held at a value."""


class FindingsError(InputError):
    """A file was read, and its content is wrong; `diagnostics` say where and what."""

    exit_code = 1


class UnavailableError(LabError):
    """A needed service is not reachable."""

    exit_code = 3


class RefusedError(LabError):
    """Refused by a safety rule or for a missing permission."""

    exit_code = 4
