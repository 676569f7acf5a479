"""A timeline as what it changes of the one before: most plans only move what is there, by the same time in long rows. Pure.

A step that keeps its device, its stations and who told its duration is moved; `Shift` says how many steps of a run, one after the other in the earlier
timeline, begin and end by how many seconds later. Steps that are over are named. All else is written out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from lab.domain.plan import Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["PlanChange", "Shift", "kept_choices", "plan_change", "rounded", "with_change"]

Shift: TypeAlias = tuple[int, float, float]
"""So many steps; seconds by which they begin and end later."""

PlanChange: TypeAlias = (
    "tuple[tuple[Slot, ...], dict[str, tuple[str, ...]], dict[str, tuple[Shift, ...]]]"
)
"""Slots that are written out; run -> steps that are over, none for all of them; run -> how the others move."""

_DIGITS = 6
"""Of a second."""


def rounded(slot: Slot) -> Slot:
    """To a millionth of a second, so that earlier and later times differ by a number that is short to write."""
    return _timed(slot, slot.start_s, slot.end_s)


def plan_change(old: Sequence[Slot], new: Sequence[Slot]) -> PlanChange | None:
    """What leads from one timeline to the next; None where it is no shorter, or the steps would not be in their order."""
    found = {(slot.run, slot.step): slot for slot in new}
    gone: dict[str, tuple[str, ...]] = {}
    moved: dict[str, tuple[Shift, ...]] = {}
    kept: set[tuple[str, str]] = set()
    for run, slots in _by_run(old).items():
        over: list[str] = []
        shifts: list[Shift] = []
        left = len(slots)
        for slot in slots:
            now = found.get((run, slot.step))
            if now is None:
                over.append(slot.step)
                left -= 1
            elif _kind(now) == _kind(slot):
                kept.add((run, slot.step))
                later = round(now.start_s - slot.start_s, _DIGITS)
                _add(shifts, later, round(now.end_s - slot.end_s, _DIGITS))
        if over:
            gone[run] = tuple(over) if left else ()
        if any(start or end for _, start, end in shifts):
            moved[run] = tuple(shifts)
    written = tuple(rounded(slot) for slot in new if (slot.run, slot.step) not in kept)
    if 2 * len(written) > len(new):
        return None
    change = written, gone, moved
    result = with_change(old, *change)
    if [(s.run, s.step) for s in result] != [(s.run, s.step) for s in new]:
        return None
    return change


def with_change(
    old: Iterable[Slot],
    written: Sequence[Slot],
    gone: Mapping[str, Sequence[str]],
    moved: Mapping[str, Sequence[Shift]],
) -> tuple[Slot, ...]:
    """The next timeline. ValueError where the change was made for another one."""
    others = {(slot.run, slot.step) for slot in written}
    result = list(written)
    for run, slots in _by_run(old).items():
        over = gone.get(run)
        if over is not None and not over:
            continue
        left = [s for s in slots if (run, s.step) not in others and s.step not in (over or ())]
        shifts = moved.get(run)
        if shifts is None:
            result += left
            continue
        if sum(count for count, _, _ in shifts) != len(left):
            raise ValueError(f"a plan moves steps of {run} that are not in the one before it")
        number = 0
        for count, start, end in shifts:
            for slot in left[number : number + count]:
                same = not start and not end
                result.append(
                    slot if same else _timed(slot, slot.start_s + start, slot.end_s + end)
                )
            number += count
    result.sort(key=lambda slot: (slot.start_s, slot.end_s, slot.run, slot.step))
    return tuple(result)


def kept_choices(choices: Mapping[str, int], slots: Iterable[Slot]) -> dict[str, int]:
    """Bindings that were chosen for runs which are still in the timeline; they stand unless another one is told."""
    there = {slot.run for slot in slots}
    return {run: number for run, number in choices.items() if run in there}


def _add(shifts: list[Shift], start: float, end: float) -> None:
    if shifts and shifts[-1][1:] == (start, end):
        shifts[-1] = shifts[-1][0] + 1, start, end
    else:
        shifts.append((1, start, end))


def _by_run(slots: Iterable[Slot]) -> dict[str, list[Slot]]:
    found: dict[str, list[Slot]] = {}
    for slot in slots:
        found.setdefault(slot.run, []).append(slot)
    return found


def _timed(slot: Slot, start_s: float, end_s: float) -> Slot:
    return Slot.model_construct(
        run=slot.run,
        step=slot.step,
        device=slot.device,
        claims=slot.claims,
        start_s=round(start_s, _DIGITS),
        end_s=round(end_s, _DIGITS),
        duration_from=slot.duration_from,
        duration_runs=slot.duration_runs,
    )


def _kind(slot: Slot) -> tuple[str, tuple[str, ...], str]:
    """What does not change while a slot is only moved. How many runs tell its duration is no reason to write it anew."""
    return slot.device, slot.claims, slot.duration_from
