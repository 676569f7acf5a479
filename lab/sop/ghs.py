"""Hazard and precautionary statements of the GHS: which codes exist, what they say, what was probably meant.

A code is written as on the label: `H226`, `H360Fd`, `EUH066`, `P280`, combined `H300+H310`, `P301 + P310`. Sources of
the list: `lab.sop.ghs_table`. A combination of hazard statements exists only where the GHS names it; P codes may be
combined freely.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lab.sop.ghs_table import COMBINED_HAZARDS, EU_HAZARDS, HAZARDS, PRECAUTIONS, WITHDRAWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "Kind",
    "Statement",
    "all_statements",
    "classes",
    "known_classes",
    "nearest",
    "statement",
]

Kind = Literal["hazard", "eu_hazard", "precaution"]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `words` is our short form, not the official wording.

    `pictograms` are names from GHS01 to GHS09 (H241 and H282 carry two); empty where there is none. `classes` are
    the hazard classes that it tells of. `withdrawn` ones are no longer in force, but on older data sheets.
    """

    code: str
    words: str
    kind: Kind
    pictograms: tuple[str, ...] = ()
    classes: frozenset[str] = frozenset()
    withdrawn: bool = False


def statement(code: str) -> Statement | None:
    """The statement with exactly this code (blanks around a `+` do not count); None where there is none."""
    code = re.sub(r"\s*\+\s*", "+", code)
    return _STATEMENTS.get(code) or _combined_precautions(code)


def all_statements() -> tuple[Statement, ...]:
    """All statements in the order of the lists; combinations of P codes are not among them."""
    return tuple(_STATEMENTS.values())


def known_classes() -> tuple[str, ...]:
    """The names that `classes` may give, in alphabetical order."""
    return tuple(sorted(frozenset[str]().union(*(item.classes for item in all_statements()))))


def classes(codes: Iterable[str]) -> frozenset[str]:
    """The hazard classes that follow from these codes (`flammable_liquid`, `oxidising`, `corrosive` ...).

    The statements tell no more than this: H240 to H242 stand for self-reactive substances and organic peroxides
    alike, `corrosive` for acids and bases. Codes that do not exist tell nothing.
    """
    found = (statement(code) for code in codes)
    return frozenset[str]().union(*(item.classes for item in found if item is not None))


def nearest(code: str) -> str:
    """The code that was probably meant, e.g. `H226` for `h226`, `H 226`, `226`, `H2226` and `Flam. Liq. 3; H226`.

    Several codes come back as the combination that they form, else with commas between them; text in which nothing
    resembles a code gives an empty text.
    """
    text = re.sub(r"(?<=\d)[oO](?=\d|\b)", "0", code)
    found = [_nearest_single(*match) for match in _CODE.findall(text)]
    meant = list(dict.fromkeys(item for item in found if item))
    for whole in ("+".join(meant), "+".join(sorted(meant))):
        if statement(whole) is not None:
            return whole
    return ", ".join(meant)


_CODE = re.compile(
    r"(?<![A-Za-z\d])(EUH?|[HP])?[\s.:\-]*(\d{2,4})[ ]?([A-Za-z]{0,2})(?![A-Za-z\d])", re.IGNORECASE
)
_DIGITS = "0123456789"


def _nearest_single(prefix: str, digits: str, suffix: str) -> str:
    """The likeliest of the codes whose number is at most one slip away; an empty text where there is none."""
    prefix = {"EU": "EUH"}.get(prefix.upper(), prefix.upper())
    slips = _slips(digits)
    best: tuple[tuple[int, ...], str] | None = None
    for place, (code, (own_prefix, own_digits, own_suffix)) in enumerate(_SINGLE.items()):
        if own_digits not in slips:
            continue
        rank = (
            2 * int(own_digits != digits) + _prefix_rank(prefix, own_prefix),
            _suffix_rank(suffix, own_suffix),
            int(own_digits[0] != digits[0]),
            int(set(own_digits) != set(digits)),  # a digit doubled, missed or swapped
            abs(int(own_digits) - int(digits)),
            place,
        )
        if best is None or rank < best[0]:
            best = (rank, code)
    return best[1] if best else ""


def _prefix_rank(written: str, own: str) -> int:
    """H and EUH are easily taken for one another, P is not: there a wrong digit is likelier."""
    if written in ("", own):
        return 0
    return 3 if "P" in (written, own) else 1


def _suffix_rank(written: str, own: str) -> int:
    if written == own:
        return 0
    if written.lower() == own.lower():
        return 1
    return 2 if not own else 3


def _slips(digits: str) -> set[str]:
    """The number itself, and all that one digit too many, missing, wrong or swapped with the next make of it."""
    cuts = [(digits[:at], digits[at:]) for at in range(len(digits) + 1)]
    found = {digits}
    found.update(head + tail[1:] for head, tail in cuts if tail)
    found.update(head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1)
    found.update(head + digit + tail[1:] for head, tail in cuts if tail for digit in _DIGITS)
    found.update(head + digit + tail for head, tail in cuts for digit in _DIGITS)
    return found


def _combined_precautions(code: str) -> Statement | None:
    parts = code.split("+")
    found = [_STATEMENTS.get(part) for part in parts]
    known = [item for item in found if item is not None and item.kind == "precaution"]
    if not known or len(known) != len(parts) or len(set(parts)) != len(parts):
        return None
    words = known[0].words
    for before, item in itertools.pairwise(known):
        words += (": " if _is_condition(before.words) else "; ") + item.words
    return Statement(code, words, "precaution", withdrawn=any(item.withdrawn for item in known))


def _is_condition(words: str) -> bool:
    return words.startswith(("if ", "in case of ")) and "," not in words


def _read_tables() -> dict[str, Statement]:
    found: dict[str, Statement] = {}
    for code, words, pictograms, names in HAZARDS:
        found[code] = Statement(
            code, words, "hazard", tuple(pictograms.split()), frozenset(names.split())
        )
    for code, words in COMBINED_HAZARDS:
        parts = [found[part] for part in code.split("+")]
        pictograms = dict.fromkeys(name for part in parts for name in part.pictograms)
        names = frozenset[str]().union(*(part.classes for part in parts))
        found[code] = Statement(code, words, "hazard", tuple(pictograms), names)
    for code, words, names in EU_HAZARDS:
        found[code] = Statement(
            code, words, "eu_hazard", (), frozenset(names.split()), code in WITHDRAWN
        )
    for code, words in PRECAUTIONS:
        found[code] = Statement(code, words, "precaution", withdrawn=code in WITHDRAWN)
    return found


def _split(code: str) -> tuple[str, str, str]:
    match = re.fullmatch(r"([A-Z]+)(\d+)([A-Za-z]*)", code)
    assert match is not None, code
    return match[1], match[2], match[3]


_STATEMENTS: Mapping[str, Statement] = _read_tables()
_SINGLE: Mapping[str, tuple[str, str, str]] = {
    code: _split(code) for code in _STATEMENTS if "+" not in code
}
