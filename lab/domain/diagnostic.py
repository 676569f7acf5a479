"""One finding about a file that a person wrote: what is wrong, where, why it matters, what would be right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Diagnostic", "Severity"]

Severity = Literal["error", "safety", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A finding. `line` and `column` count from 1. `safety` blocks like `error` but means exit code 4."""

    file: str
    line: int
    column: int
    code: str
    severity: Severity
    message: str
    why: str = ""
    hint: str = ""
    source_line: str = ""

    @property
    def blocking(self) -> bool:
        return self.severity in ("error", "safety")

    def text(self) -> str:
        """`file:line:column: severity CODE: message`, then the line with a caret, then why and hint."""
        parts = [
            f"{self.file}:{self.line}:{self.column}: {self.severity} {self.code}: {self.message}"
        ]
        if self.source_line:
            parts += [f"    {self.source_line}", "    " + " " * (self.column - 1) + "^"]
        if self.why:
            parts.append(f"    why: {self.why}")
        if self.hint:
            parts.append(f"    fix: {self.hint}")
        return "\n".join(parts)
