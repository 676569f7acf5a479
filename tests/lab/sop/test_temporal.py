"""Temporal networks: by hand, and against Floyd-Warshall (our own in exact integers, and SciPy's)."""

from __future__ import annotations

import gc
import math
import time
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import NegativeCycleError, floyd_warshall

from lab.sop.temporal import (
    Constraint,
    Contradiction,
    ContradictionError,
    Link,
    bounds,
    contradiction,
    distance,
)


def c(before: str, after: str, least: float | None = None, most: float | None = None, words=""):
    return Constraint(before, after, least, most, words)


def broken(*constraints: Constraint) -> Contradiction:
    found = contradiction(constraints)
    assert found is not None
    return found


# -- by hand ---------------------------------------------------------------------------------


def test_no_constraints_contradict_nothing():
    assert contradiction([]) is None


def test_a_chain_that_fits():
    chain = [c("mix", "fill", 60, 90), c("fill", "read", 30), c("mix", "read", None, 100)]
    assert contradiction(chain) is None
    assert bounds(chain, "mix") == {"mix": (0, 0), "fill": (60, 70), "read": (90, 100)}


def test_a_chain_that_does_not_fit_is_told_in_order():
    found = broken(
        c("fill", "read", 30, None, "fill for 30 s"),
        c("mix", "read", None, 80, "read while fresh"),
        c("mix", "fill", 60, 90, "mix for a minute"),
        c("read", "rinse", 5),
    )
    assert [item.words for item in found.chain] == [
        "mix for a minute",
        "fill for 30 s",
        "read while fresh",
    ]
    assert [link.side for link in found.links] == ["at_least", "at_least", "at_most"]
    assert found.excess_s == 10
    assert found.text() == (
        "mix to fill: at least 60 s (mix for a minute); fill to read: at least 30 s (fill for 30 s); "
        "mix to read: at most 80 s (read while fresh): 10 s too much"
    )


def test_one_constraint_against_itself():
    found = broken(c("a", "b", 10, 4))
    assert found.chain == (c("a", "b", 10, 4),)
    assert [link.side for link in found.links] == ["at_least", "at_most"]
    assert found.excess_s == 6


def test_a_point_against_itself():
    assert contradiction([c("a", "a", 0, 0), c("a", "a", -1, 5)]) is None
    found = broken(c("a", "b", 1), c("a", "a", 2.5))
    assert found.chain == (c("a", "a", 2.5),)
    assert found.excess_s == 2.5
    assert broken(c("a", "a", None, -1)).excess_s == 1


def test_a_circle_of_before():
    found = broken(c("a", "b", 1), c("b", "c", 1), c("c", "a", 1))
    assert set(found.chain) == {c("a", "b", 1), c("b", "c", 1), c("c", "a", 1)}
    assert found.excess_s == 3
    # each starts where the one before ends
    ends = [(item.before, item.after) for item in found.chain]
    assert all(one[1] == two[0] for one, two in pairwise(ends))


def test_together_is_no_contradiction_but_later_together_is():
    together = [c("a", "b", 0, 0), c("b", "c", 0, 0), c("c", "a", 0, 0)]
    assert contradiction(together) is None
    assert bounds(together, "b") == {"a": (0, 0), "b": (0, 0), "c": (0, 0)}
    assert broken(*together, c("a", "c", 0.001)).excess_s == 0.001


def test_equal_limits_are_no_contradiction():
    """0.1 + 0.2 is more than 0.3 in binary numbers, not at the bench."""
    parts = [c("a", "b", 0.1), c("b", "c", 0.2)]
    assert 0.1 + 0.2 > 0.3
    assert contradiction([*parts, c("a", "c", None, 0.3)]) is None
    assert contradiction([*parts, c("a", "c", None, 0.3 - 4e-7)]) is None
    assert broken(*parts, c("a", "c", None, 0.299999)).excess_s == pytest.approx(1e-6)


def test_limits_may_be_negative():
    # b at most 5 s before a, and at least 2 s before it
    assert bounds([c("a", "b", -5, -2)], "a")["b"] == (-5, -2)
    assert broken(c("a", "b", -5, -2), c("a", "b", -1)).excess_s == 1


def test_of_many_limits_the_tightest_counts():
    many = [c("a", "b", 1, 9), c("a", "b", 3, 20), c("b", "a", -8, -2), c("a", "b")]
    assert bounds(many, "a")["b"] == (3, 8)
    assert distance(many, "b", "a") == (-8, -3)


def test_the_shorter_of_two_contradictions_is_told():
    long = [c(f"p{i}", f"p{i + 1}", 10, None, f"step {i}") for i in range(30)]
    found = broken(
        *long, c("p0", "p30", None, 100), c("p4", "p6", None, 15, "fresh"), c("p30", "end", 1)
    )
    assert [item.words for item in found.chain] == ["step 4", "step 5", "fresh"]
    assert found.excess_s == 5


def test_what_is_not_limited_is_infinite():
    loose = [c("a", "b", 5), c("x", "y", 1, 2)]
    assert bounds(loose, "a") == {
        "a": (0, 0),
        "b": (5, math.inf),
        "x": (-math.inf, math.inf),
        "y": (-math.inf, math.inf),
    }
    assert distance(loose, "b", "a") == (-math.inf, -5)
    assert distance(loose, "a", "x") == (-math.inf, math.inf)
    assert distance(loose, "x", "y") == (1, 2)


def test_zero_is_not_minus_zero():
    assert str(bounds([c("a", "b", 0, 0)], "a")["b"]) == "(0.0, 0.0)"


def test_nothing_follows_from_a_contradiction():
    with pytest.raises(ContradictionError, match="a to b: at least 5 s") as caught:
        bounds([c("a", "b", 5, 4)], "a")
    assert caught.value.contradiction.excess_s == 1
    with pytest.raises(ContradictionError):
        distance([c("x", "y", 1), c("a", "b", 5, 4)], "x", "y")


def test_an_unknown_point_is_refused():
    with pytest.raises(ValueError, match='no constraint names the point "z"'):
        bounds([c("a", "b", 1)], "z")
    with pytest.raises(ValueError, match='"z"'):
        distance([c("a", "b", 1)], "a", "z")


@pytest.mark.parametrize("limit", [math.inf, -math.inf, math.nan, 1e13, -1e300])
def test_a_limit_that_is_none_is_refused(limit: float):
    with pytest.raises(ValueError, match="is no limit"):
        c("a", "b", limit)
    with pytest.raises(ValueError, match=r'"a" to "b".* is no limit'):
        c("a", "b", None, limit)


# -- against Floyd-Warshall ------------------------------------------------------------------

POINTS = "abcdefg"
LIMITS = st.none() | st.integers(-6, 12)
CONSTRAINTS = st.lists(
    st.builds(c, st.sampled_from(POINTS), st.sampled_from(POINTS), LIMITS, LIMITS), max_size=14
)


def points_of(constraints: list[Constraint]) -> list[str]:
    return sorted({point for item in constraints for point in (item.before, item.after)})


def arcs_of(constraints: list[Constraint]) -> dict[tuple[str, str], float]:
    """(u, v) -> the most that t(v) - t(u) may be."""
    found: dict[tuple[str, str], float] = {}
    for item in constraints:
        if item.at_most_s is not None:
            key = (item.before, item.after)
            found[key] = min(found.get(key, math.inf), item.at_most_s)
        if item.at_least_s is not None:
            key = (item.after, item.before)
            found[key] = min(found.get(key, math.inf), -item.at_least_s)
    return found


def brute_force(constraints: list[Constraint]) -> dict[tuple[str, str], float] | None:
    """All shortest paths; None for a negative circle."""
    points, arcs = points_of(constraints), arcs_of(constraints)
    table = {(u, v): 0 if u == v else math.inf for u in points for v in points}
    for key, weight in arcs.items():
        table[key] = min(table[key], weight)
    for middle in points:
        for u in points:
            for v in points:
                table[u, v] = min(table[u, v], table[u, middle] + table[middle, v])
    return None if any(table[u, u] < 0 for u in points) else table


def fewest_arcs(constraints: list[Constraint]) -> int:
    """The number of arcs of the shortest negative circle."""
    points, arcs = points_of(constraints), arcs_of(constraints)
    for size in range(1, len(points) + 1):
        for circle in permutations(points, size):
            around = zip(circle, (*circle[1:], circle[0]), strict=True)
            if sum(arcs.get(arc, math.inf) for arc in around) < 0:
                return size
    raise AssertionError("there is none")


@settings(max_examples=300)
@given(CONSTRAINTS)
def test_bounds_are_those_of_floyd_warshall(constraints):
    table = brute_force(constraints)
    assert (contradiction(constraints) is None) == (table is not None)
    if table is None:
        return
    for origin in points_of(constraints):
        found = bounds(constraints, origin)
        for point in points_of(constraints):
            assert found[point] == (-table[point, origin], table[origin, point])
            assert distance(constraints, origin, point) == found[point]


@settings(max_examples=300)
@given(CONSTRAINTS)
def test_a_contradiction_is_true_and_as_short_as_can_be(constraints):
    found = contradiction(constraints)
    if found is None:
        return
    assert set(found.chain) <= set(constraints)
    assert all(link.seconds == getattr(link.constraint, link.side + "_s") for link in found.links)
    # read in order, the links lead round: at_least forward, at_most back
    steps = [
        (link.constraint.before, link.constraint.after)
        if link.side == "at_least"
        else (link.constraint.after, link.constraint.before)
        for link in found.links
    ]
    assert all(one[1] == two[0] for one, two in zip(steps, [*steps[1:], steps[0]], strict=True))
    total = sum(-x.seconds if x.side == "at_least" else x.seconds for x in found.links)
    assert found.excess_s == -total > 0
    assert len(found.links) == fewest_arcs(constraints)


@settings(max_examples=100)
@given(CONSTRAINTS)
def test_without_one_link_the_others_can_be_kept(constraints):
    found = contradiction(constraints)
    if found is None:
        return
    for missing in range(len(found.links)):
        rest = [_alone(x) for place, x in enumerate(found.links) if place != missing]
        assert contradiction(rest) is None


def _alone(link: Link) -> Constraint:
    """A constraint with this limit only."""
    ends = (link.constraint.before, link.constraint.after)
    if link.side == "at_least":
        return c(*ends, link.seconds)
    return c(*ends, None, link.seconds)


@settings(max_examples=50)
@given(CONSTRAINTS, st.randoms(use_true_random=False))
def test_the_order_of_the_constraints_does_not_matter(constraints, random):
    mixed = list(constraints)
    random.shuffle(mixed)
    one, two = contradiction(constraints), contradiction(mixed)
    assert (one is None) == (two is None)
    if one is None and constraints:
        assert bounds(constraints, constraints[0].before) == bounds(mixed, constraints[0].before)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40), st.floats(0, 3))
def test_scipy_judges_the_same(seed: int, size: int, slack: float):
    """Larger networks around a known schedule; without slack some of them break."""
    random = np.random.default_rng(seed)
    times = np.round(random.uniform(0, 500, size), 3)
    constraints = []
    for _ in range(3 * size):
        u, v = (int(place) for place in random.integers(0, size, 2))
        gap = times[v] - times[u]
        least, most = np.round(gap + random.uniform(-5, slack - 2.5, 2) * (-1, 1), 3)
        constraints.append(c(f"p{u}", f"p{v}", float(least), float(most)))
    points = points_of(constraints)
    number = {point: place for place, point in enumerate(points)}
    arcs = arcs_of(constraints)
    graph = coo_array(
        (list(arcs.values()), ([number[u] for u, _ in arcs], [number[v] for _, v in arcs])),
        shape=(len(points), len(points)),
    ).tocsr()
    looped = any(u == v and weight < 0 for (u, v), weight in arcs.items())
    try:
        table = floyd_warshall(graph)
    except NegativeCycleError:
        table = None
    if table is None or looped:
        found = contradiction(constraints)
        # a millionth of a second is where SciPy's binary sums stop being a judge
        assert found is not None or _nearly_consistent(constraints)
        return
    assert contradiction(constraints) is None
    found = bounds(constraints, points[0])
    latest = [found[point][1] for point in points]
    earliest = [found[point][0] for point in points]
    assert latest == pytest.approx(list(table[0]), abs=1e-6)
    assert earliest == pytest.approx([-weight for weight in table[:, 0]], abs=1e-6)


def _nearly_consistent(constraints: list[Constraint]) -> bool:
    wider = [
        c(x.before, x.after, (x.at_least_s or 0) - 1e-5, (x.at_most_s or 0) + 1e-5)
        for x in constraints
    ]
    return brute_force(wider) is not None


# -- size ------------------------------------------------------------------------------------


def lab_day(samples: int, steps: int) -> list[Constraint]:
    """Chains of steps with lengths and freshness limits; each step waits for the sample before on its device."""
    found: list[Constraint] = []
    for sample in range(samples):
        for step in range(steps):
            here = f"{sample}.{step}"
            found.append(c(f"{here}.start", f"{here}.end", 60, 120))
            found.append(c(f"{sample}.0.start", f"{here}.end", None, 1000 * steps))
            if step:
                found.append(c(f"{sample}.{step - 1}.end", f"{here}.start", 0, 3600))
            if sample:
                found.append(c(f"{sample - 1}.{step}.end", f"{here}.start", 0))
    return found


def test_thousands_of_points_take_little():
    """Compared with a plain loop over as many arcs on this machine, so that a slow machine changes nothing."""
    constraints = lab_day(125, 20)
    assert len(points_of(constraints)) == 5000
    begun = time.process_time()
    loops = 0
    for _ in range(20):
        for item in constraints:
            loops += (item.at_least_s or 0) < (item.at_most_s or math.inf)
    twenty_rounds = time.process_time() - begun
    gc.disable()  # the collector would walk through all that other tests have left, within this time
    try:
        begun = time.process_time()
        assert contradiction(constraints) is None
        taken = time.process_time() - begun
    finally:
        gc.enable()
    # it is about 15 times as long; every point against every arc would be thousands of times
    assert taken < 100 * twenty_rounds


def test_a_long_chain_that_does_not_fit():
    steps = 2500
    chain = [c(f"{i}", f"{i + 1}", 60) for i in range(steps)]
    assert contradiction([*chain, c("0", f"{steps}", None, 60 * steps)]) is None
    found = broken(*chain, c("0", f"{steps}", None, 60 * steps - 1))
    assert len(found.links) == steps + 1
    assert found.chain[0] == chain[0]
    assert found.excess_s == 1


def test_one_tight_limit_is_found_among_thousands():
    constraints = [*lab_day(60, 20), c("7.3.end", "7.5.start", None, 30, "fresh")]
    found = broken(*constraints)
    assert found.excess_s == 30
    assert [link.side for link in found.links] == ["at_least", "at_least", "at_least", "at_most"]
    assert found.links[-1].constraint.words == "fresh"


def test_bounds_of_many_points():
    found = bounds(lab_day(50, 20), "0.0.start")
    assert found["0.19.end"] == (1200, 20000)
    # the last sample waits for 49 others at its first device, then has 20 steps
    assert found["49.19.end"][0] == 49 * 60 + 20 * 60
