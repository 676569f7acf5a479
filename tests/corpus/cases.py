"""Wrong files, each as a base and what was changed in it. `test_corpus` checks what is said about each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["BASES", "Case", "base", "edit", "whole"]

_SUPPORT = Path(__file__).parents[1] / "support"
_PLAIN = _SUPPORT / "plain"
_RICH = _SUPPORT / "rich"

BASES: dict[str, tuple[Path, str]] = {
    "plain": (_PLAIN, "sop.yaml"),
    "lab": (_PLAIN, "lab.yaml"),
    "campaign": (_PLAIN, "campaign.yaml"),
    "rich": (_RICH, "sop.yaml"),
}
"""Name of a base -> its folder, and the file in it that is changed and checked.

`plain` is the electrolyte example as it once was, held still: an example may change without moving every line here.
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One wrong file. `raises` is the code of the finding that it is there for."""

    name: str
    base: str
    raises: str
    changes: tuple[tuple[str, str], ...] = ()
    content: bytes | None = None
    """The whole file, in place of the base with changes."""
    others: tuple[tuple[str, str, str], ...] = ()
    """(base, old, new): what is different in the files that it is checked together with."""

    def other(self, name: str) -> str:
        """The text of another base beside this case."""
        text = base(name)
        for of, old, new in self.others:
            if of == name:
                assert old in text, f"{self.name}: {of} has no {old!r}"
                text = text.replace(old, new, 1)
        return text

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


def edit(
    name: str, of: str, raises: str, *changes: str, others: tuple[tuple[str, str, str], ...] = ()
) -> Case:
    """A base with texts replaced: old, new, old, new ..."""
    pairs = tuple(zip(changes[::2], changes[1::2], strict=True))
    return Case(name, of, raises, pairs, None, others)


def whole(name: str, of: str, raises: str, content: str | bytes) -> Case:
    """A file written from scratch, standing where the base stands."""
    return Case(name, of, raises, (), content.encode() if isinstance(content, str) else content)
