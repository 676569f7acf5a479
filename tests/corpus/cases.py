"""Wrong files, each as a base and what was changed in it. `test_corpus` checks what is said about each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["BASES", "Case", "base", "edit", "whole"]

_ROOT = Path(__file__).parents[2]
_EXAMPLE = _ROOT / "sops" / "electrolyte_conductivity"
_RICH = _ROOT / "tests" / "support" / "rich"

BASES: dict[str, tuple[Path, str]] = {
    "plain": (_EXAMPLE, "sop.yaml"),
    "lab": (_EXAMPLE, "lab.yaml"),
    "campaign": (_EXAMPLE, "campaign.yaml"),
    "rich": (_RICH, "sop.yaml"),
}
"""Name of a base -> its folder, and the file in it that is changed and checked."""


@dataclass(frozen=True, slots=True)
class Case:
    """One wrong file. `raises` is the code of the finding that it is there for."""

    name: str
    base: str
    raises: str
    changes: tuple[tuple[str, str], ...] = ()
    content: bytes | None = None
    """The whole file, in place of the base with changes."""

    def text(self) -> bytes:
        """What is in the file. AssertionError where the base has no such text to change."""
        if self.content is not None:
            return self.content
        text = base(self.base)
        for old, new in self.changes:
            assert old in text, f"{self.name}: the base has no {old!r}"
            text = text.replace(old, new, 1)
        return text.encode()


@cache
def base(name: str) -> str:
    """The text of a base."""
    folder, file = BASES[name]
    return (folder / file).read_text(encoding="utf-8")


def edit(name: str, of: str, raises: str, *changes: str) -> Case:
    """A base with texts replaced: old, new, old, new ..."""
    pairs = tuple(zip(changes[::2], changes[1::2], strict=True))
    return Case(name, of, raises, pairs)


def whole(name: str, of: str, raises: str, content: str | bytes) -> Case:
    """A file written from scratch, standing where the base stands."""
    return Case(name, of, raises, (), content.encode() if isinstance(content, str) else content)
