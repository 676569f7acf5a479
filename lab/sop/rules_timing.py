"""Rules about time: the marks exist, and the limits can be kept together with the steps between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.diagnostics import did_you_mean
from lab.sop.rules_steps import LONGEST_S, Certain
from lab.sop.temporal import Constraint, contradiction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.sop.document import Path
    from lab.sop.model_quality import Timing
    from lab.sop.rules import SopRules
    from lab.sop.temporal import Contradiction
    from lab.sop.unfold import FlatStep, Scope

__all__ = ["check_timing", "timing_pairs"]


def timing_pairs(
    steps: list[FlatStep], scope: Scope, timing: Timing
) -> list[tuple[tuple[FlatStep, ...], tuple[FlatStep, ...]]]:
    """Which steps a limit is about: (from, to) for each round of the loops that hold both.

    Of several `from` steps the last that is taken counts, of several `to` steps the first.
    """
    first, second = timing.start.partition(".")[0], timing.to.partition(".")[0]
    starts = [s for s in steps if s.step.id == first and s.scope.prefix == scope.prefix]
    ends = [s for s in steps if s.step.id == second and s.scope.prefix == scope.prefix]
    if not starts or not ends:
        return []
    common = {name for name, _ in starts[0].scope.rounds} & {
        name for name, _ in ends[0].scope.rounds
    }
    starts_of, ends_of = _by_round(starts, common), _by_round(ends, common)
    return [(steps, ends_of[key]) for key, steps in starts_of.items() if key in ends_of]


def _by_round(
    steps: list[FlatStep], loops: set[str]
) -> dict[tuple[tuple[str, int], ...], tuple[FlatStep, ...]]:
    """The steps of each round of `loops`, in their order."""
    found: dict[tuple[tuple[str, int], ...], list[FlatStep]] = {}
    for step in steps:
        key = tuple(pair for pair in step.scope.rounds if pair[0] in loops)
        found.setdefault(key, []).append(step)
    return {key: tuple(of_key) for key, of_key in found.items()}


def check_timing(rules: SopRules) -> None:
    """Every limit of `timing`, and all of them together (a simple temporal network)."""
    ids = list(dict.fromkeys(flat.step.id for flat in rules.flat.steps if not flat.scope.prefix))
    network: list[Constraint] = []
    sound = True
    named: set[str] = set()
    for index, item in enumerate(rules.sop.timing):
        path: Path = ("timing", index)
        if item.id and item.id in named:
            rules.report(
                (*path, "id"),
                "name",
                f'two limits are called "{item.id}"',
                hint="rename one of the two",
            )
        named.add(item.id)
        sound = _check_marks(rules, path, item, ids) and sound
        sound = _check_limits(rules, path, item) and sound
    if not sound or not rules.sop.timing:
        return
    if any(flat.step.duration.base > LONGEST_S for flat in rules.flat.steps):
        return  # reported at the step
    network = _steps(rules)
    owners: dict[str, int] = {}
    for index, item in enumerate(rules.sop.timing):
        for constraint in _limits(rules, item):
            network.append(constraint)
            owners.setdefault(constraint.words, index)
    found = contradiction(network)
    if found is None:
        return
    chain = [constraint.words for constraint in found.chain]
    index = next((owners[words] for words in chain if words in owners), 0)
    rules.report(
        ("timing", index, "less_than" if rules.sop.timing[index].less_than else "more_than"),
        "timing",
        f"{_told(found, owners)}: {_seconds(found.excess_s)} too much",
        why="even if every step takes only as long as usual",
        hint="allow more time, shorten a step, or move a step out of the way",
    )


_SHOWN = 5
"""Steps of a chain that are named in full."""


def _told(found: Contradiction, owners: Mapping[str, int]) -> str:
    """The limits, and the steps between their marks one after the other."""
    words = [constraint.words for constraint in found.chain]
    limits = [text for text in words if text in owners]
    # that one step comes after another shows in their order
    steps = [text for text in words if text not in owners and " takes " in text]
    shown = steps[:_SHOWN]
    if len(steps) > _SHOWN + 1:
        shown += [f"{len(steps) - _SHOWN - 1} more steps", steps[-1]]
    elif len(steps) > _SHOWN:
        shown += steps[-1:]
    between = f", as {', then '.join(shown)}" if shown else ""
    return f"{' and '.join(limits)} can't be kept{between}"


def _seconds(span: float) -> str:
    for seconds, name in ((86_400.0, "day"), (3600.0, "h"), (60.0, "min")):
        if span >= 2 * seconds:
            return f"{span / seconds:.4g} {name}"
    return f"{span:.4g} s"


def _check_marks(rules: SopRules, path: Path, item: Timing, ids: list[str]) -> bool:
    fine = True
    for key, mark in (("from", item.start), ("to", item.to)):
        name = mark.partition(".")[0]
        if name not in ids:
            fine = False
            rules.report(
                (*path, key), "reference", f'"{name}" is not a step', hint=did_you_mean(name, ids)
            )
    return fine and _check_direction(rules, path, item)


def _check_direction(rules: SopRules, path: Path, item: Timing) -> bool:
    """`to` is not certainly over before `from` begins: the limit would say nothing."""
    certain = Certain(rules)
    scope = next((f.scope for f in rules.flat.steps if not f.scope.prefix), None)
    pairs = timing_pairs(rules.flat.steps, scope, item) if scope is not None else []
    for starts, ends in pairs:
        same = starts[-1] is ends[0] and item.start.endswith(".end") and item.to.endswith(".start")
        if same or certain.is_before(ends[0].path, starts[-1].needs):
            rules.report(
                path, "timing", f"{item.to} comes before {item.start}", at_key=True,
                why="a limit on a time that runs backwards is always kept, and guards nothing",
                hint="swap `from` and `to`",
            )  # fmt: skip
            return False
    return True


def _check_limits(rules: SopRules, path: Path, item: Timing) -> bool:
    least, most, ideal = item.more_than, item.less_than, item.ideal
    if least is None and most is None:
        rules.report(
            path, "shape", "a limit on time needs `less_than` or `more_than`", at_key=True,
            hint="add `less_than: 30 s`",
        )  # fmt: skip
        return False
    if least is not None and most is not None and least.base > most.base:
        rules.report(
            (*path, "more_than"), "timing", f"at least {least} and at most {most} can't both be kept",
            hint="swap them",
        )  # fmt: skip
        return False
    for limit, key in ((least, "more_than"), (most, "less_than")):
        if limit is not None and limit.base < 0:
            rules.report(
                (*path, key), "range", "a time can't be negative", hint="swap `from` and `to`"
            )
            return False
        if limit is not None and limit.base > LONGEST_S:
            rules.report(
                (*path, key), "range", f"no procedure takes {limit}",
                hint="check the unit: give at most three years",
            )  # fmt: skip
            return False
    if ideal is not None and (
        (least is not None and ideal.base < least.base)
        or (most is not None and ideal.base > most.base)
    ):
        rules.report(
            (*path, "ideal"), "range", f"the ideal time {ideal} is outside the limits",
            hint="choose it between them",
        )  # fmt: skip
    return True


def _steps(rules: SopRules) -> list[Constraint]:
    found: list[Constraint] = []
    for flat in rules.flat.steps:
        usual = flat.step.duration.base
        words = f'"{flat.path}" takes {flat.step.duration}'
        found.append(Constraint(f"{flat.path}.start", f"{flat.path}.end", usual, None, words))
        for need in flat.needs:
            words = f'"{flat.path}" comes after "{need}"'
            found.append(Constraint(f"{need}.end", f"{flat.path}.start", 0.0, None, words))
    return found


def _limits(rules: SopRules, item: Timing) -> list[Constraint]:
    found: list[Constraint] = []
    scope = next(flat.scope for flat in rules.flat.steps if not flat.scope.prefix)
    for starts, ends in timing_pairs(rules.flat.steps, scope, item):
        before = f"{starts[-1].path}.{item.start.partition('.')[2]}"
        after = f"{ends[0].path}.{item.to.partition('.')[2]}"
        if _excluded(starts[-1], ends[0]):
            continue
        limits = " and ".join(
            f"{word} {limit}"
            for word, limit in (("at least", item.more_than), ("at most", item.less_than))
            if limit is not None
        )
        words = f"{limits} from {before} to {after}"
        least = None if item.more_than is None else item.more_than.base
        most = None if item.less_than is None else item.less_than.base
        found.append(Constraint(before, after, least, most, words))
    return found


def _excluded(one: FlatStep, other: FlatStep) -> bool:
    """Two steps that are never both done: the branches exclude each other."""
    mine = {guard.decision: guard.value for guard in one.when}
    return any(mine.get(guard.decision, guard.value) != guard.value for guard in other.when)
