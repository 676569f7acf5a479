"""Rules about functions over the rounds of a loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.sop.expression import ExpressionError, parse_expression
from lab.sop.grammar_walk import series_calls

if TYPE_CHECKING:
    from collections.abc import Collection

    from lab.sop.document import Path
    from lab.sop.rules import SopRules
    from lab.sop.unfold import Scope

__all__ = ["in_one_loop"]


def in_one_loop(rules: SopRules, path: Path, text: str, scope: Scope) -> bool:
    """Are all names inside a function over a loop values of one loop? Reports the first that is not."""
    try:
        calls = series_calls(parse_expression(text).node)
    except ExpressionError:
        return True
    for call in calls:
        around: dict[str, _Loops] = {}
        for name in call.names:
            loops = _loops_of(rules, name, scope)
            if loops is None:
                continue
            if not loops.ids:
                rules.report(
                    path, "series", f'{call.function} looks at all rounds of a loop, but "{name}" is in none',
                    hint="use the value itself, or put its step into a loop",
                )  # fmt: skip
                return False
            around[name] = loops
        if not _together(around.values()):
            shown = " and ".join(f'"{name}" of "{loops.ids[-1]}"' for name, loops in around.items())
            rules.report(
                path, "series", f"{call.function} compares {shown}, which are two loops",
                why="their rounds have nothing to do with each other",
                hint="take both from one loop",
            )  # fmt: skip
            return False
    return True


@dataclass(frozen=True, slots=True)
class _Loops:
    """The loops around a name, the outermost first."""

    ids: tuple[str, ...]
    shared: bool = False
    """True of the value of a loop: all rounds of the loops inside have it, too."""


def _together(around: Collection[_Loops]) -> bool:
    """Is there one value of each in every round of the innermost loop?"""
    inmost = max((loops.ids for loops in around), key=len, default=())
    return all(
        loops.ids == inmost or (loops.shared and inmost[: len(loops.ids)] == loops.ids)
        for loops in around
    )


def _loops_of(rules: SopRules, name: str, scope: Scope) -> _Loops | None:
    """The loops around a name: none of what a step outside of loops yields; None for what every round shares."""
    reference = rules.references.find(name, scope)
    if reference is not None:
        return _Loops(tuple(loop for loop, _ in reference.steps[0].scope.rounds))
    inside = [
        flat.scope.rounds
        for flat in rules.flat.steps
        if flat.scope.prefix == scope.prefix and name in flat.scope.values
    ]
    if not inside:
        return None
    return _Loops(tuple(loop for loop, _ in min(inside, key=len)), shared=True)
