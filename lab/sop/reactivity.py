"""Which materials must not meet: reactive groups, and what happens between two of them.

The method is that of the EPA (Hatayama et al., EPA-600/2-80-076): substances fall into groups that react alike, and a
table says what follows when two groups meet. It warns of known chemistry between whole groups, at any concentration
and amount; a pair that is not in the table is not thereby safe.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

from lab.sop.diagnostics import did_you_mean
from lab.sop.ghs import classes
from lab.sop.reactive_groups import BY_STATEMENT, EXCLUSIVE, FUELS, GROUPS, SUBSTANCES
from lab.sop.reactivity_table import EFFECTS, ROWS, SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "Effect",
    "Incompatibility",
    "Severity",
    "UnknownGroupError",
    "all_incompatibilities",
    "group_words",
    "groups_of",
    "incompatibilities",
    "known_groups",
]

Severity = Literal["block", "ask", "note"]
"""block: a danger to life, never by the way. ask: a person must confirm. note: good to know."""

Effect = Literal[
    "explosion",
    "toxic_gas",
    "fire",
    "flammable_gas",
    "polymerisation",
    "toxic_product",
    "gas",
    "heat",
]
"""What happens, the gravest first."""

_SEVERITIES = get_args(Severity)
_GRAVITY = {effect: place for place, effect in enumerate(get_args(Effect))}
_WORDS: Mapping[str, str] = {name: words for name, words, _ in GROUPS}


class UnknownGroupError(ValueError):
    """There is no reactive group of that name. `hint` says which one was probably meant."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.hint = _meant(name)
        super().__init__(f'there is no reactive group "{name}"; {self.hint}')


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """What happens when substances of two groups meet; the order in which the groups are given does not count.

    `gas` names the gas where one develops; `source` says who says so. A lab's own rules have the same shape; they may
    leave `effects` empty, and say all in `words`. Raises UnknownGroupError, and ValueError for an unknown severity or
    effect, or where nothing says what happens.
    """

    groups: tuple[str, str]
    severity: Severity
    effects: tuple[Effect, ...]
    words: str
    gas: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        first, second = sorted(_checked(name) for name in self.groups)
        if self.severity not in _SEVERITIES:
            raise ValueError(
                f'"{self.severity}" is no severity; known are: {", ".join(_SEVERITIES)}'
            )
        if not self.effects and not self.words.strip():
            raise ValueError(f"{first} and {second}: say what happens, in `effects` or `words`")
        for effect in self.effects:
            if effect not in _GRAVITY:
                raise ValueError(f'"{effect}" is no effect; {did_you_mean(effect, _GRAVITY)}')
        effects = tuple(sorted(dict.fromkeys(self.effects), key=_GRAVITY.__getitem__))
        object.__setattr__(self, "groups", (first, second))
        object.__setattr__(self, "effects", effects)

    def text(self) -> str:
        """`toxic gas (hydrogen cyanide), heat: acids free hydrogen cyanide`."""
        named = [effect.replace("_", " ") for effect in self.effects]
        if not named:
            return self.words
        if self.gas:
            place = next((at for at, name in enumerate(named) if "gas" in name), len(named) - 1)
            named[place] += f" ({self.gas})"
        return f"{', '.join(named)}: {self.words}"


def known_groups() -> tuple[str, ...]:
    """The names of all reactive groups, in alphabetical order."""
    return tuple(sorted(_WORDS))


def group_words(name: str) -> str:
    """What belongs to a group, in a line. Raises UnknownGroupError."""
    return _WORDS[_checked(name)]


def all_incompatibilities() -> tuple[Incompatibility, ...]:
    """The whole table, the gravest first."""
    return tuple(sorted(_TABLE.values(), key=_gravest_first))


def groups_of(
    explicit: Iterable[str] = (), *, cas: str = "", hazards: Iterable[str] = ()
) -> frozenset[str]:
    """The reactive groups of a material, from all that it says of itself.

    `explicit` groups stand. To them come those of the CAS number, where the table knows it, and those that follow
    from GHS statements (H272 makes an oxidiser, H260 something that reacts with water ...). Where a material could be
    one of several kinds of acid, or a strong or a mild oxidiser, the first of these sources to say which decides: so
    dilute sulfuric acid may be `acid_nonoxidising`. Flammable matter counts as `combustible` only where no group says
    more of what burns. Raises UnknownGroupError.
    """
    found = {_checked(name) for name in explicit}
    for more in (_BY_CAS.get(cas, frozenset[str]()), _by_statements(hazards)):
        decided = [kinds for kinds in EXCLUSIVE if kinds & found]
        found |= {
            name
            for name in more
            if not any(name in kinds for kinds in decided)
            and not (name == "combustible" and FUELS & (found | more))
        }
    return frozenset(found)


def incompatibilities(
    groups_a: Iterable[str],
    groups_b: Iterable[str],
    extra: Iterable[Incompatibility] = (),
) -> tuple[Incompatibility, ...]:
    """What may happen when a material of groups A meets one of groups B, the gravest first; the same for B and A.

    `extra` are rules of a lab. They add pairs, and make known ones more severe; a rule that is milder than the table
    changes nothing. Raises UnknownGroupError.
    """
    ours = {_checked(name) for name in groups_a}
    theirs = {_checked(name) for name in groups_b}
    wanted = {frozenset((a, b)) for a in ours for b in theirs}
    found = {pair: _TABLE[pair] for pair in wanted if pair in _TABLE}
    for rule in extra:
        pair = frozenset(rule.groups)
        if pair in wanted:
            found[pair] = _sharpened(found[pair], rule) if pair in found else rule
    return tuple(sorted(found.values(), key=_gravest_first))


def _checked(name: str) -> str:
    if name not in _WORDS:
        raise UnknownGroupError(name)
    return name


def _meant(name: str) -> str:
    """A hint: a group spelt alike, else those whose name or description has the word in it, else all."""
    close = difflib.get_close_matches(name, _WORDS, n=1, cutoff=0.8)
    stem = name.lower().rstrip("s")
    if not close and len(stem) > 2:
        close = (
            [group for group in _WORDS if group.startswith(stem)]
            or [group for group in _WORDS if stem in group]
            or [group for group, words in _WORDS.items() if stem in words.lower()]
        )
    if close:
        return "did you mean " + " or ".join(f'"{group}"' for group in close) + "?"
    return did_you_mean(name, _WORDS)


def _gravest_first(item: Incompatibility) -> tuple[int, list[int], tuple[str, str]]:
    return (
        _SEVERITIES.index(item.severity),
        [_GRAVITY[effect] for effect in item.effects],
        item.groups,
    )


def _sharpened(known: Incompatibility, rule: Incompatibility) -> Incompatibility:
    """The rule in the place of what is known, unless it is milder; effects and gases of both."""
    if _SEVERITIES.index(rule.severity) > _SEVERITIES.index(known.severity):
        return known
    return Incompatibility(
        known.groups,
        rule.severity,
        (*rule.effects, *known.effects),
        rule.words,
        _listed(", ", rule.gas, known.gas),
        _listed("; ", rule.source, known.source),
    )


def _listed(separator: str, *texts: str) -> str:
    parts = (part for text in texts for part in text.split(separator) if part)
    return separator.join(dict.fromkeys(parts))


def _by_statements(hazards: Iterable[str]) -> frozenset[str]:
    codes = list(hazards)
    told = classes(codes) | set(codes)
    return frozenset(group for sign, group in BY_STATEMENT if sign in told)


def _read_table() -> dict[frozenset[str], Incompatibility]:
    found: dict[frozenset[str], Incompatibility] = {}
    for line in filter(None, ROWS.splitlines()):
        group, partners, severity, effects, gas, words, sources = (
            part.strip() for part in line.split("|")
        )
        for partner in partners.split():
            pair = frozenset((group, partner))
            if pair in found:
                raise ValueError(f"{group} and {partner} are in the table twice")
            found[pair] = Incompatibility(
                (group, partner),
                cast("Severity", severity),
                tuple(cast("Effect", EFFECTS[letter]) for letter in effects.split(",")),
                words,
                gas,
                "; ".join(SOURCES[source] for source in sources.split()),
            )
    return found


_BY_CAS: Mapping[str, frozenset[str]] = {
    cas: frozenset(groups.split()) for cas, _, groups in SUBSTANCES
}
_TABLE: Mapping[frozenset[str], Incompatibility] = _read_table()
