"""Which steps a limit on time is about, and what it costs to find them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.sop.model_quality import Timing
from lab.sop.rules_timing import timing_pairs
from tests.support.flat_sops import dose, small, weigh

if TYPE_CHECKING:
    from lab.sop.unfold import FlatStep


def limit(start: str, to: str) -> Timing:
    return Timing.model_validate({"from": start, "to": to, "less_than": "1 h"})


def loop(name: str, rounds: int, *items: str) -> str:
    return f"{{id: {name}, repeat: {{max_iterations: {rounds}, steps: [{', '.join(items)}]}}}}"


def pairs(start: str, to: str, *items: str) -> list[tuple[list[str], list[str]]]:
    made = small("\n".join(f"  - {item}" for item in items))
    found = timing_pairs(made.flat.steps, made.flat.steps[0].scope, limit(start, to))
    return [([step.path for step in a], [step.path for step in b]) for a, b in found]


def test_steps_without_loops():
    assert pairs("dose.end", "weigh.start", dose(), weigh()) == [(["dose"], ["weigh"])]


def test_each_round_of_a_common_loop_by_itself():
    found = pairs("dose.end", "weigh.start", loop("both", 3, dose(), weigh()))
    assert found == [([f"dose[{n}]"], [f"weigh[{n}]"]) for n in (1, 2, 3)]


def test_all_rounds_of_a_loop_that_holds_only_one_of_them():
    found = pairs("dose.end", "weigh.start", loop("filling", 3, dose()), weigh())
    assert found == [(["dose[1]", "dose[2]", "dose[3]"], ["weigh"])]
    found = pairs("dose.end", "weigh.start", dose(), loop("weighing", 2, weigh()))
    assert found == [(["dose"], ["weigh[1]", "weigh[2]"])]


def test_a_loop_within_the_common_one():
    found = pairs("dose.end", "weigh.start", loop("outer", 2, loop("inner", 2, dose()), weigh()))
    assert found == [
        (["dose[1,1]", "dose[1,2]"], ["weigh[1]"]),
        (["dose[2,1]", "dose[2,2]"], ["weigh[2]"]),
    ]


@pytest.mark.parametrize(
    ("start", "to"), [("dose.end", "wiegh.start"), ("doze.end", "weigh.start")]
)
def test_a_step_that_does_not_exist_is_about_nothing(start: str, to: str):
    assert pairs(start, to, dose(), weigh()) == []


@settings(deadline=None, max_examples=40)
@given(
    rounds=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
    shape=st.sampled_from(["apart", "around", "within", "beside"]),
)
def test_they_are_the_pairs_that_see_each_other(rounds: tuple[int, int, int], shape: str):
    one, two, three = rounds
    first, second = loop("one", one, dose()), loop("two", two, weigh())
    items = {
        "apart": [first, second],
        "around": [loop("three", three, first, second)],
        "within": [loop("three", three, first, weigh())],
        "beside": [loop("three", three, dose(), weigh())],
    }[shape]
    made = small("\n".join(f"  - {item}" for item in items))
    steps = made.flat.steps
    found = timing_pairs(steps, steps[0].scope, limit("dose.end", "weigh.start"))
    together = {(a.path, b.path) for starts, ends in found for a in starts for b in ends}
    # a limit never ties steps of different rounds of a loop that holds both
    wanted = {
        (a.path, b.path)
        for a in steps
        for b in steps
        if (a.step.id, b.step.id) == ("dose", "weigh") and _same_rounds(a, b)
    }
    assert together == wanted
    assert len({a for a, _ in together}) == sum(len(starts) for starts, _ in found)


def _same_rounds(one: FlatStep, other: FlatStep) -> bool:
    mine, its = dict(one.scope.rounds), dict(other.scope.rounds)
    return all(mine[name] == its[name] for name in mine.keys() & its.keys())


class _Counted:
    """A step whose rounds are counted when they are asked for."""

    def __init__(self, step: FlatStep, asked: Counter[str]) -> None:
        self.step, self.path, self._inner, self._asked = step.step, step.path, step, asked

    @property
    def scope(self) -> Any:
        self._asked[self.path] += 1
        return self._inner.scope


def test_a_long_loop_costs_a_few_looks_at_each_step():
    made = small(f"  - {loop('both', 700, dose(), weigh())}")
    asked: Counter[str] = Counter()
    steps: Any = [_Counted(step, asked) for step in made.flat.steps]
    found = timing_pairs(steps, made.flat.steps[0].scope, limit("dose.end", "weigh.start"))
    assert len(found) == 700
    # one look at each for its SOP, one for its round, and one more at the first
    assert max(asked.values()) <= 3
