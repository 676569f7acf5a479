"""What the checks of a file have in common: findings, each at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic, Severity
    from lab.sop.document import Document, Path

__all__ = ["FileRules"]


class FileRules:
    """Collects what is wrong in one file; the rules are what a subclass adds."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.findings: list[Diagnostic] = []

    def _report(
        self, path: Path, code: str, message: str, hint: str, *, why: str = "", at_key: bool = False,
        severity: Severity = "error",
    ) -> None:  # fmt: skip
        self.findings.append(
            self.document.finding(
                path, code, message, hint=hint, why=why, at_key=at_key, severity=severity
            )
        )
