"""Classical designs against what is known of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize import Campaign, Category, Factor, Levels, Space
from lab.optimize.designs import d_efficiency, design, model_matrix
from lab.optimize.space.region import Region


def _cube(dimension: int) -> Space:
    return Space(factors=tuple(Factor(f"x{k}", "1", 0, 1) for k in range(dimension)))


MIXED = Space(
    factors=(
        Factor("a", "mL", 1, 3),
        Levels("n", "1", (1, 2, 5)),
        Category("s", ("p", "q", "r")),
    )
)


def test_a_latin_hypercube_uses_each_part_of_each_range_once():
    trials = design(_cube(3), "latin_hypercube", 10, 1)
    for name in ("x0", "x1", "x2"):
        assert sorted(int(trial[name] * 10) for trial in trials) == list(range(10))


def test_a_latin_hypercube_shares_levels_and_choices_out_evenly():
    trials = design(MIXED, "latin_hypercube", 9, 1)
    assert sorted(trial["n"] for trial in trials) == [1, 1, 1, 2, 2, 2, 5, 5, 5]
    assert sorted(trial["s"] for trial in trials) == list("pppqqqrrr")


def test_a_full_factorial_has_every_corner_once_in_random_order():
    trials = design(MIXED, "factorial", 18, 1)
    found = [(trial["a"], trial["n"], trial["s"]) for trial in trials]
    assert sorted(found) == sorted(itertools.product((1.0, 3.0), (1.0, 2.0, 5.0), "pqr"))
    assert found != sorted(found)
    assert design(MIXED, "factorial", 18, 1) == trials
    assert design(MIXED, "factorial", 18, 2) != trials


def test_a_full_factorial_leaves_out_unlawful_corners():
    space = Space(factors=_cube(3).factors, constraints=("x0 + x1 <= 1.5",))
    assert len(design(space, "factorial", 6, 1)) == 6


@pytest.mark.parametrize(
    ("dimension", "model", "runs"), [(3, "linear", 4), (3, "interactions", 8), (7, "linear", 8)]
)
def test_d_optimal_reaches_the_orthogonal_design_where_there_is_one(
    dimension: int, model: str, runs: int
):
    """Two-level orthogonal arrays (half and full factorials, Plackett-Burman) have efficiency 1, the most there is."""
    space = _cube(dimension)
    trials = design(space, "d_optimal", runs, 1, model=model)  # pyright: ignore[reportArgumentType]
    rows = np.array([space.row(trial) for trial in trials])
    matrix = model_matrix(Region(space), rows, model)  # pyright: ignore[reportArgumentType]
    assert d_efficiency(matrix) == pytest.approx(1.0, abs=1e-6)


def test_d_optimal_for_a_quadratic_in_one_factor_is_both_ends_and_the_middle():
    """de la Garza 1954: three equally used points, the ends and the middle."""
    trials = design(_cube(1), "d_optimal", 6, 1, model="quadratic")
    values = sorted(trial["x0"] for trial in trials)
    assert values == pytest.approx([0, 0, 0.5, 0.5, 1, 1], abs=0.02)


def test_d_optimal_for_a_linear_mixture_is_the_pure_components():
    """Scheffe 1958: the vertices of the simplex."""
    space = Space(factors=_cube(3).factors, constraints=("x0 + x1 + x2 == 1",))
    trials = design(space, "d_optimal", 6, 1, model="linear")
    rows = sorted(tuple(round(value, 6) for value in trial.values()) for trial in trials)
    assert rows == [(0, 0, 1)] * 2 + [(0, 1, 0)] * 2 + [(1, 0, 0)] * 2


def test_d_optimal_is_better_than_sobol_points_for_its_model():
    region = Region(MIXED)
    efficiency = {}
    for kind in ("d_optimal", "sobol"):
        trials = design(MIXED, kind, 12, 1)  # pyright: ignore[reportArgumentType]
        rows = np.array([MIXED.row(trial) for trial in trials])
        efficiency[kind] = d_efficiency(model_matrix(region, rows, "interactions"))
    assert efficiency["d_optimal"] > 2.0 * efficiency["sobol"]


@pytest.mark.parametrize("kind", ["sobol", "latin_hypercube", "factorial", "d_optimal"])
def test_held_factors_are_held_and_every_trial_is_lawful(kind: str):
    trials = design(MIXED, kind, 12, 1, held={"s": "q"})  # pyright: ignore[reportArgumentType]
    assert len(trials) == 12
    assert {trial["s"] for trial in trials} == {"q"}
    assert all(MIXED.broken(trial) == [] for trial in trials)


@pytest.mark.parametrize(
    ("space", "kind", "count", "words"),
    [
        (MIXED, "factorial", 10, "has 18 trials, not 10"),
        (MIXED, "d_optimal", 3, "can't tell the"),
        (MIXED, "sobol", 0, "a design of 0"),
        (_cube(20), "factorial", 10, "1048576 trials"),
        (
            Space(factors=_cube(2).factors, constraints=("x0 + x1 == 0.9",)),
            "factorial",
            4,
            "no corner",
        ),
        (
            Space(factors=_cube(2).factors, constraints=("x0 >= x1",)),
            "latin_hypercube",
            4,
            "knows no",
        ),
    ],
)
def test_a_design_that_the_space_does_not_have_is_refused(
    space: Space, kind: str, count: int, words: str
):
    with pytest.raises(InputError, match=words):
        design(space, kind, count, 1)  # pyright: ignore[reportArgumentType]


def test_a_campaign_begins_with_its_design_and_goes_on_after_a_restart():
    campaign = Campaign(MIXED, seed=2, initial=18, design="factorial")
    whole = design(MIXED, "factorial", 18, 2)
    first = campaign.ask(7)
    again = Campaign.from_json(campaign.to_json())
    rest = again.ask(11)
    assert [item.factors for item in first + rest] == whole
    assert again.ask(1)[0].origin == "sobol"  # nothing is measured yet


def test_a_batch_over_the_end_of_the_design_is_filled_by_the_model():
    campaign = Campaign(MIXED, seed=2, initial=12, design="d_optimal")
    for item in campaign.ask(11):
        campaign.tell(item.number, float(item.number))
    assert [item.origin for item in campaign.ask(3)] == ["design", "model", "model"]


def test_a_design_and_factors_alike_do_not_go_together():
    space = Space(factors=MIXED.factors, alike=("a",))
    with pytest.raises(InputError, match="alike within a batch"):
        Campaign(space, design="d_optimal", initial=12).ask()
