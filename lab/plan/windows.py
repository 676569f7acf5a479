"""Limits on time: those of the SOP, paired round by round, and rests after steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from lab.domain.plan import TimeWindow
from lab.sop.model_steps import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lab.domain.plan import PlannedStep
    from lab.domain.quantity import Quantity
    from lab.sop.model_quality import Timing
    from lab.sop.unfold import FlatStep, Scope

__all__ = ["rests", "timing_windows"]

_Mark = Literal["start", "end"]


def timing_windows(scopes: Iterable[Scope], steps: Sequence[FlatStep]) -> list[TimeWindow]:
    """The `timing` of each SOP, for the steps that are in the plan.

    Steps that share loops are paired in each common round; those in loops that the other is not in stand together
    (of several rounds, the last before and the first after count).
    """
    by_id: dict[tuple[str, str], list[FlatStep]] = {}
    for step in steps:
        by_id.setdefault((step.scope.prefix, step.step.id), []).append(step)
    found: list[TimeWindow] = []
    for scope in scopes:
        for timing in scope.sop.timing:
            found += _paired(timing, scope, by_id)
    return found


def _paired(
    timing: Timing, scope: Scope, by_id: Mapping[tuple[str, str], list[FlatStep]]
) -> Iterable[TimeWindow]:
    start, from_mark = timing.start.split(".")
    end, to_mark = timing.to.split(".")
    before = by_id.get((scope.prefix, start), [])
    after = by_id.get((scope.prefix, end), [])
    if not before or not after:
        return
    loops = {name for name, _ in after[0].scope.rounds}
    common = [name for name, _ in before[0].scope.rounds if name in loops]
    name = scope.prefix + (timing.id or f"{timing.start}_to_{timing.to}")
    rounds = _by_rounds(after, common)
    for key, first in _by_rounds(before, common).items():
        if key in rounds:
            yield TimeWindow(
                name=f"{name}[{','.join(map(str, key))}]" if key else name,
                from_steps=tuple(first),
                from_mark=cast("_Mark", from_mark),
                to_steps=tuple(rounds[key]),
                to_mark=cast("_Mark", to_mark),
                less_than_s=_seconds(timing.less_than),
                more_than_s=_seconds(timing.more_than),
                ideal_s=_seconds(timing.ideal),
                on_violation=timing.on_violation,
            )


def _by_rounds(steps: Sequence[FlatStep], loops: Sequence[str]) -> dict[tuple[int, ...], list[str]]:
    """Rounds of these loops -> paths of the steps in them, in order."""
    groups: dict[tuple[int, ...], list[str]] = {}
    for step in steps:
        rounds = dict(step.scope.rounds)
        groups.setdefault(tuple(rounds[name] for name in loops), []).append(step.path)
    return groups


def _seconds(duration: Quantity | None) -> float | None:
    return None if duration is None else duration.to("s").magnitude


def rests(steps: Sequence[tuple[FlatStep, PlannedStep]]) -> list[TimeWindow]:
    """A window for each step that may not start before another has rested (`settle`).

    Where what comes next may be skipped, what comes after that waits for the rest, too.
    """
    following: dict[str, list[PlannedStep]] = {}
    for _, planned in steps:
        for need in planned.needs:
            following.setdefault(need, []).append(planned)
    found: list[TimeWindow] = []
    for flat, planned in steps:
        if not isinstance(flat.step, Step) or flat.step.settle is None:
            continue
        for number, after in enumerate(following.get(planned.path, ())):
            found.append(
                TimeWindow(
                    name=f"{planned.path}.settle" + (f".{number + 1}" if number else ""),
                    from_steps=(planned.path,),
                    from_mark="end",
                    to_steps=_first_taken(planned, after, following),
                    to_mark="start",
                    more_than_s=flat.step.settle.to("s").magnitude,
                )
            )
    return found


def _first_taken(
    rested: PlannedStep, after: PlannedStep, following: Mapping[str, Sequence[PlannedStep]]
) -> tuple[str, ...]:
    """A step and, as long as it may be skipped though the one before was taken, those that need it."""
    certain = set(rested.when)
    found: dict[str, None] = {}
    waiting = [after]
    while waiting:
        step = waiting.pop(0)
        if step.path in found:
            continue
        found[step.path] = None
        if not set(step.when) <= certain:
            waiting += following.get(step.path, ())
    return tuple(found)
