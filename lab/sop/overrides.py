"""Findings about safety that a named person answers for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.sop.finding import RuleFinding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lab.sop.document import Document
    from lab.sop.model import Sop

__all__ = ["Overrides"]


class Overrides:
    """Turns findings into notes where the SOP says who answers for them, and tells which of its words found nothing."""

    def __init__(self, sop: Sop, document: Document) -> None:
        self._items = sop.safety.overrides
        self._document = document
        self._used: set[int] = set()

    def judge(self, finding: RuleFinding, about: Iterable[str]) -> RuleFinding:
        """The finding, or a note with the person and the reason. `about`: the materials and containers concerned.

        An override without `between` answers for all findings of its kind.
        """
        names = set(about)
        for number, item in enumerate(self._items):
            if item.finding == finding.code and set(item.between) <= names:
                self._used.add(number)
                message = f"{finding.message} ({item.name} answers for it: {item.reason})"
                hint = f"ask {item.name} again where amounts, materials or the vessel change"
                return replace(finding, severity="note", message=message, hint=hint)
        return finding

    def unused(self, kinds: Sequence[str]) -> list[RuleFinding]:
        """Overrides of these kinds that no finding needed."""
        return [
            RuleFinding(
                "override-unused",
                f'nothing is found that this override of "{item.finding}" answers for',
                ("safety", "overrides", number),
                self._document,
                why="it would hide a later finding that nobody has looked at",
                hint="remove it, or correct the names in `between`",
                severity="warning",
            )
            for number, item in enumerate(self._items)
            if number not in self._used and item.finding in kinds
        ]
