"""Rules about functions over the rounds of a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.expression import ExpressionError, parse_expression
from lab.sop.grammar_walk import series_calls

if TYPE_CHECKING:
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
        loops: dict[str, str] = {}
        for name in call.names:
            loop = _loop_of(rules, name, scope)
            if loop is None:
                continue
            if not loop:
                rules.report(
                    path, "series", f'{call.function} looks at all rounds of a loop, but "{name}" is in none',
                    hint="use the value itself, or put its step into a loop",
                )  # fmt: skip
                return False
            loops[name] = loop
        if len(set(loops.values())) > 1:
            shown = " and ".join(f'"{name}" of "{loop}"' for name, loop in loops.items())
            rules.report(
                path, "series", f"{call.function} compares {shown}, which are two loops",
                why="their rounds have nothing to do with each other",
                hint="take both from one loop",
            )  # fmt: skip
            return False
    return True


def _loop_of(rules: SopRules, name: str, scope: Scope) -> str | None:
    """The innermost loop that a name belongs to; empty where none; None for what every round shares."""
    reference = rules.references.find(name, scope)
    if reference is not None:
        rounds = reference.steps[0].scope.rounds
        return rounds[-1][0] if rounds else ""
    for flat in rules.flat.steps:
        if flat.scope.prefix == scope.prefix and name in flat.scope.values:
            return flat.scope.rounds[-1][0] if flat.scope.rounds else ""
    return None
