"""Words in instructions that leave a machine, and the next person, guessing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lab.sop.document import Position
from lab.sop.model_steps import ManualStep, Step
from lab.sop.unfold import all_items
from lab.sop.vague import find_vague

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.sop.document import Document, Path
    from lab.sop.rules import SopRules

__all__ = ["check_words"]


def check_words(rules: SopRules) -> None:
    """Titles, instructions and prompts of steps, and how materials are stored (warnings)."""
    for path, text in _prose(rules):
        for word in find_vague(text, value=False):
            place = _place(rules.document, path, word.word)
            rules.findings.append(
                rules.document.at(
                    place, "vague", f'"{word.word}" says too little', severity="warning",
                    why=word.why, hint=f"say it with a number, e.g. {word.instead}",
                )
            )  # fmt: skip


def _prose(rules: SopRules) -> Iterator[tuple[Path, str]]:
    for name, material in rules.sop.materials.items():
        yield ("materials", name, "storage"), material.storage
    for index, safe in enumerate(rules.sop.safety.safe_state):
        yield ("safety", "safe_state", index, "title"), safe.title
    for path, item in all_items(rules.sop.procedure):
        yield (*path, "title"), item.title
        if isinstance(item, Step | ManualStep):
            yield (*path, "instruction"), item.instruction
        if isinstance(item, ManualStep):
            yield (*path, "manual", "prompt"), item.manual.prompt
            for name, answer in item.manual.expects.items():
                yield (*path, "manual", "expects", name, "prompt"), answer.prompt


def _place(document: Document, path: Path, word: str) -> Position:
    """Where the word stands in the file: a text may be folded over several lines."""
    start = document.position(path)
    lines = document.text.split("\n")[start.line - 1 :]
    lines[0] = " " * (start.column - 1) + lines[0][start.column - 1 :]
    pattern = re.compile(r"\s+".join(map(re.escape, word.split())))
    found = pattern.search("\n".join(lines))
    if found is None:
        return start
    before = "\n".join(lines)[: found.start()].split("\n")
    return Position(start.line + len(before) - 1, len(before[-1]) + 1)
