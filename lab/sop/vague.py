"""Finds words where a number is due: "overnight", "room temperature", "slowly", "some" ...

Most hits are matters of taste to a reader and of guessing to a machine; what to write instead comes with each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.quantity import QuantityError
from lab.sop.vague_words import SETTLING, WHY, WORDS, WORDS_FOR_VALUES, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["VagueEntry", "VagueWord", "explained", "find_vague", "vague_entries"]


@dataclass(frozen=True, slots=True)
class VagueWord:
    """A vague word in a text. `offset` counts characters from 0; `word` is as written there."""

    offset: int
    word: str
    kind: Kind
    why: str
    instead: str


@dataclass(frozen=True, slots=True)
class VagueEntry:
    """A word that is looked for: how people write it, why it is vague, and what to write instead.

    `everywhere` is False for words that are vague only where a quantity is due.
    """

    word: str
    kind: Kind
    why: str
    instead: str
    everywhere: bool


def find_vague(text: str, *, value: bool) -> tuple[VagueWord, ...]:
    """The vague words of a text in order; of overlapping ones the first and longest.

    `value=True` is for a place where a quantity is due (an argument, a duration): the text as a whole is judged, and
    a number beside the word does not help. `value=False` is for prose: there "slowly (1 mL/min)", "overnight, 16 h"
    and "warm to 40 degC" say what they mean, and expressions `${...}` are no prose.
    """
    masked = text if value else re.sub(r"\$\{[^{}]*\}", lambda found: "$" * len(found[0]), text)
    hits: list[VagueWord] = []
    for entry, pattern in _PATTERNS:
        if not (value or entry.everywhere):
            continue
        for found in pattern.finditer(masked):
            if value or not _settled(entry.kind, masked, found.start(), found.end()):
                hits.append(
                    VagueWord(
                        found.start(),
                        text[found.start() : found.end()],
                        entry.kind,
                        entry.why,
                        entry.instead,
                    )
                )
    return _without_overlaps(hits)


def vague_entries() -> tuple[VagueEntry, ...]:
    """All words that are looked for."""
    return tuple(entry for entry, _ in _PATTERNS)


def explained(error: QuantityError, text: str) -> QuantityError:
    """What is wrong with a text that stands where a quantity is due, where a vague word is what is wrong with it."""
    found = find_vague(text, value=True) if error.code == "quantity" else ()
    if not found:
        return error
    word = found[0]
    shown = f'"{text}"' if word.word == text else f'"{text}": "{word.word}"'
    return QuantityError(
        "vague",
        f"{shown} is not a quantity",
        why=word.why,
        hint=f"write what is meant, e.g. {word.instead}",
    )


def _without_overlaps(hits: Iterable[VagueWord]) -> tuple[VagueWord, ...]:
    kept: list[VagueWord] = []
    end = 0
    for hit in sorted(hits, key=lambda item: (item.offset, -len(item.word))):
        if hit.offset >= end:
            kept.append(hit)
            end = hit.offset + len(hit.word)
    return tuple(kept)


def _settled(kind: Kind, text: str, start: int, end: int) -> bool:
    """Whether a number of the right kind stands beside the word, so that nobody has to guess.

    It may follow in the same clause, in brackets or right after a comma, or stand before an opening bracket.
    """
    settling = _SETTLING.get(kind)
    if settling is None:
        return False
    before, anywhere, first = settling
    rest = text[end : end + 90]
    for place, number in ((_CLAUSE, anywhere), (_BRACKET, anywhere), (_APPOSITION, first)):
        found = place.match(rest)
        if found is not None and number.search(found[1]):
            return True
    return before.search(text[max(0, start - 40) : start]) is not None


_INSIDE = r"(?:[^.;,()\[\]\n]|[.,](?=\d)){0,60}"
_CLAUSE = re.compile(rf"({_INSIDE})")
_BRACKET = re.compile(r"[^.;,()\[\]\n]{0,30}[(\[]([^()\[\]]{0,80}[)\]])")
_APPOSITION = re.compile(r"\s*[,:=\u2013]\s*([^\n]{0,60})")
# "a 10 % excess" and "1.2 equiv excess" say how much
_EXCESS = r"|\d[\d.,]*\s*(?:%|percent|equiv\w*\.?|eq\.?|-?\s?fold)\s*(?:molar\s+)?$"


def _settling(kind: Kind, unit: str) -> tuple[re.Pattern[str], ...]:
    """What must stand before the word, anywhere in the clause or brackets after it, or first after a comma."""
    quantity = rf"(?:\d[\d.,]*\s*{unit}(?![A-Za-z])|\${{3,}})"
    return (
        re.compile(rf"{quantity}\s*[(\[]\s*(?:i\.e\.\s*|at\s+)?$" + _EXCESS * (kind == "amount")),
        re.compile(quantity),
        re.compile(rf"^(?:i\.e\.,?|that is,?|every|at|in|for|over|to)?\s*{quantity}"),
    )


_SETTLING = {kind: _settling(kind, unit) for kind, unit in SETTLING.items()}


def _pattern(source: str) -> re.Pattern[str]:
    """Whole words only: neither "someone" nor "warm-white" nor "cold_trap"."""
    return re.compile(rf"(?<![\w\-])(?:{source})(?!(?<=\w)[\w\-])", re.IGNORECASE)


_PATTERNS = tuple(
    (VagueEntry(word, kind, WHY[kind], instead, everywhere), _pattern(source))
    for table, everywhere in ((WORDS, True), (WORDS_FOR_VALUES, False))
    for word, kind, source, instead in table
)
