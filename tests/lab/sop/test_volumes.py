"""Volume bookkeeping against every execution that a small procedure can have."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.devices.capability import CAPABILITIES
from lab.sop.contents import final_levels, levels
from lab.sop.model_steps import Step
from lab.sop.volumes import Amounts, Ledger, emptied_by_hand
from tests.support.small_sops import Small, branch, by_hand, dose, loop, parallel, small

PUMPS = [
    "water_pot", "acid_pot", "water_cell", "pot_cell", "cell_pot", "pot_waste", "cell_waste",
]  # fmt: skip


def numbers(made: Small) -> dict[str, list[tuple[str, float, float]]]:
    return {
        name: [(path, least.bounds("mL")[0], most.bounds("mL")[1]) for path, least, most in lines]
        for name, lines in levels(*made.arguments).items()
    }


class Enumeration:
    """Does a procedure in every order and with every answer; keeps the least and greatest volume after each step."""

    def __init__(self, made: Small) -> None:
        self.steps = {step.path: step for step in made.flat.steps}
        self.decisions = made.flat.decisions
        ledger = Ledger(made.flat, made.sop, CAPABILITIES)
        amounts = Amounts(made.box, {}, made.references)
        self.moves: dict[str, list[Any]] = {}
        for moves in ledger.transfers:
            for move in moves:
                volume = amounts.volume(move).number("mL")
                self.moves.setdefault(move.step.path, []).append((move, volume))
        self.dead = {name: ledger.dead_volume(name).number("mL") for name in made.sop.containers}
        self.seen: set[Any] = set()
        self.after: dict[tuple[str, str], tuple[float, float]] = {}
        self.final: dict[str, tuple[float, float]] = {}
        # a container is new and dry, or an earlier run has left in it what no line draws
        left = [(0.0, dead) if dead else (0.0,) for _, dead in sorted(self.dead.items())]
        waiting: list[Any] = [
            (frozenset(), frozenset(), tuple(zip(sorted(self.dead), start, strict=True)))
            for start in product(*left)
        ]
        while waiting:
            state = waiting.pop()
            if state not in self.seen:
                self.seen.add(state)
                waiting += self.following(*state)

    def following(self, done: Any, answers: Any, held: Any) -> list[Any]:
        known = dict(answers)
        for decision in self.decisions:
            ready = all(need in done for need in decision.needs)
            holds = all(known.get(guard.decision) == guard.value for guard in decision.when)
            if decision.path not in known and ready and holds:
                return [(done, answers | {(decision.path, v)}, held) for v in (True, False)]
        for path, step in self.steps.items():
            off = any(known.get(g.decision, g.value) != g.value for g in step.when)
            gone = any(self.is_off(g.decision, known) for g in step.when)
            if path not in done and (off or gone):
                return [(done | {path}, answers, held)]
        found: list[Any] = []
        for path, step in self.steps.items():
            if path in done or any(need not in done for need in step.needs):
                continue
            if all(known.get(guard.decision) == guard.value for guard in step.when):
                found.append((done | {path}, answers, self.moved(path, dict(held))))
                if isinstance(step.step, Step) and step.step.on_error.then == "skip":
                    found.append((done | {path}, answers, held))
        if len(done) == len(self.steps):
            for name, volume in held:
                low, high = self.final.get(name, (math.inf, -math.inf))
                self.final[name] = (min(low, volume), max(high, volume))
        return found

    def is_off(self, decision: str, known: dict[str, bool]) -> bool:
        when = next(item.when for item in self.decisions if item.path == decision)
        return any(
            known.get(g.decision, g.value) != g.value or self.is_off(g.decision, known)
            for g in when
        )

    def moved(self, path: str, held: dict[str, float]) -> Any:
        emptied = emptied_by_hand(self.steps[path])
        if emptied:
            held[emptied] = 0.0
            self.saw(emptied, path, 0.0)
        for move, asked in self.moves.get(path, ()):
            volume = asked
            if move.source in held:
                volume = min(volume, max(held[move.source] - self.dead[move.source], 0.0))
                held[move.source] = round(held[move.source] - volume, 9)
            if move.target in held:
                held[move.target] = round(held[move.target] + volume, 9)
        for move, _ in self.moves.get(path, ()):
            for name in (move.source, move.target):
                if name in held:
                    self.saw(name, path, held[name])
        return tuple(sorted(held.items()))

    def saw(self, name: str, path: str, volume: float) -> None:
        low, high = self.after.get((name, path), (math.inf, -math.inf))
        self.after[name, path] = (min(low, volume), max(high, volume))


class Names:
    """Makes ids."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"s{self.count}"


def volume() -> st.SearchStrategy[str]:
    return st.integers(1, 6).map(lambda n: f"{n} mL")


@st.composite
def straight(draw: st.DrawFn, most: int = 7) -> list[Any]:
    name = Names()
    done = draw(st.lists(st.sampled_from([*PUMPS, "pot", "cell"]), min_size=1, max_size=most))
    return [
        dose(name(), item, draw(volume())) if item in PUMPS else by_hand(name(), item, empties=True)
        for item in done
    ]


@st.composite
def any_procedure(draw: st.DrawFn, *, in_order: bool = False) -> list[Any]:
    name = Names()
    kinds = ["dose", "dose", "branch", "loop"] + ([] if in_order else ["parallel", "free"])

    def items(depth: int, most: int) -> list[Any]:
        return [item(depth) for _ in range(draw(st.integers(1, most)))]

    def item(depth: int) -> Any:
        kind = draw(st.sampled_from(kinds))
        if depth == 0 or kind in ("dose", "free"):
            more: dict[str, Any] = {"needs": []} if kind == "free" else {}
            if not in_order and draw(st.integers(0, 7)) == 0:
                more["on_error"] = {"then": "skip"}
            what = draw(st.sampled_from([*PUMPS, "pot"]))
            if what == "pot":
                return by_hand(name(), "pot", empties=True, **more)
            return dose(name(), what, draw(volume()), **more)
        if kind == "branch":
            other = items(0, 2) if draw(st.booleans()) else []
            return branch(name(), items(depth - 1, 2), other)
        if kind == "loop":
            until = "${size > 1}" if draw(st.booleans()) else ""
            return loop(name(), draw(st.integers(1, 3)), items(0, 2), until)
        return parallel(name(), items(depth - 1, 2), items(0, 2))

    return items(2, 3)


CONTAINERS = {
    "pot": {"capacity": "20 mL", "dead_volume": "1 mL"},
    "cell": {"capacity": "20 mL"},
}


@settings(deadline=None, max_examples=80)
@given(straight())
def test_of_steps_in_a_row_the_level_is_exact(procedure):
    made = small(procedure, containers=CONTAINERS)
    if set(Ledger(made.flat, made.sop, CAPABILITIES).circular):
        return
    found = Enumeration(made)
    for name, lines in numbers(made).items():
        for path, least, most in lines:
            assert (least, most) == pytest.approx(found.after[name, path], abs=1e-6)


@settings(deadline=None, max_examples=80)
@given(any_procedure(in_order=True))
def test_branches_and_loops_in_order_are_exact(procedure):
    made = small(
        procedure, containers={"pot": {"capacity": "20 mL"}, "cell": {"capacity": "20 mL"}}
    )
    ledger = Ledger(made.flat, made.sop, CAPABILITIES)
    if len(made.flat.steps) > 11 or ledger.circular or ledger.sources:
        return
    found = Enumeration(made)
    for name, lines in numbers(made).items():
        for path, least, most in lines:
            assert (least, most) == pytest.approx(found.after[name, path], abs=1e-6)


@settings(deadline=None, max_examples=150)
@given(any_procedure())
def test_what_can_come_to_pass_is_within_the_levels(procedure):
    made = small(procedure, containers=CONTAINERS)
    if len(made.flat.steps) > 11:
        return
    found = Enumeration(made)
    for name, lines in numbers(made).items():
        assert {path for path, _, _ in lines} >= {p for n, p in found.after if n == name}
        for path, least, most in lines:
            if (name, path) in found.after:
                low, high = found.after[name, path]
                assert least <= low + 1e-6
                assert most >= high - 1e-6
    for name, (least, most) in final_levels(*made.arguments).items():
        low, high = found.final[name]
        assert least.bounds("mL")[0] <= low + 1e-6
        assert most.bounds("mL")[1] >= high - 1e-6
