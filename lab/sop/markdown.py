"""Markdown from texts that others wrote: whatever stands in an SOP comes out as text, never as markup."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["blank", "bullet", "code", "escaped", "table"]

_MARKUP = re.compile(r"([\\`*_\[\]<>|#~!&])")
_LIST = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_BARE_PIPE = re.compile(r"(?<!\\)\|")


def escaped(text: str) -> str:
    """One line of plain text: everything that Markdown gives a meaning to is taken literally."""
    line = _MARKUP.sub(r"\\\1", " ".join(text.split()))
    line = _LIST.sub(r"\1\\\2", line)
    return f"\\{line}" if line[:1] in ("-", "+", "=", ":") else line


def code(text: str) -> str:
    """A text in the type of code, whatever it contains; an empty text stays empty."""
    line = " ".join(text.split())
    if not line:
        return ""
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}" if longest else f"`{line}`"


def bullet(text: str, depth: int = 0) -> str:
    """A line of a list."""
    return f"{'  ' * depth}- {text}"


def blank(width: int = 28) -> str:
    """A line to write on."""
    return "." * width


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already; nothing where there is no row. A column without any text is left out."""
    cells = [[_BARE_PIPE.sub(r"\\|", cell) for cell in row] for row in rows]
    kept = [index for index, _ in enumerate(columns) if any(row[index] for row in cells)]
    if not cells or not kept:
        return []
    lines = [[columns[index] for index in kept], ["---"] * len(kept)]
    lines += [[row[index] for index in kept] for row in cells]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]
