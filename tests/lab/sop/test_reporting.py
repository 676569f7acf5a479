"""Findings of a file's rules, each at its place."""

from __future__ import annotations

from lab.sop.document import read_document
from lab.sop.reporting import FileRules

TEXT = "id: c\nfactors:\n  water: {minimum: 1 mL}\n"


class Rules(FileRules):
    def both(self) -> None:
        self._report(("factors", "water", "minimum"), "range", "too little", "give more")
        self._report(
            ("factors", "water"), "unused", "nobody looks", "leave it out", why="it costs time",
            at_key=True, severity="warning",
        )  # fmt: skip


def test_each_is_told_at_its_place_in_the_order_of_finding():
    rules = Rules(read_document(TEXT, "campaign.yaml"))
    assert rules.findings == []
    rules.both()
    first, second = rules.findings
    assert (first.code, first.line, first.column, first.severity) == ("range", 3, 20, "error")
    assert (first.message, first.hint, first.why) == ("too little", "give more", "")
    assert (second.line, second.column, second.severity) == (3, 3, "warning")
    assert second.why == "it costs time"


def test_what_one_file_has_is_not_told_of_another():
    one, other = (Rules(read_document(TEXT, name)) for name in ("a.yaml", "b.yaml"))
    one.both()
    assert other.findings == []
