"""What a rule has found: words and a place, not yet a line of a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic, Severity
    from lab.sop.document import Document, Path

__all__ = ["RuleFinding"]


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """One finding at `place` in `document` (of a called SOP, that SOP's own)."""

    code: str
    message: str
    place: Path
    document: Document = field(repr=False, compare=False)
    why: str = ""
    hint: str = ""
    severity: Severity = "error"
    at_key: bool = False

    @property
    def diagnostic(self) -> Diagnostic:
        """The same with line and column."""
        return self.document.finding(
            self.place,
            self.code,
            self.message,
            why=self.why,
            hint=self.hint,
            severity=self.severity,
            at_key=self.at_key,
        )
