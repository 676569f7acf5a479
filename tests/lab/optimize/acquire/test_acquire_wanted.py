"""What is sought at each place of a batch: warily, near what is known, or with hope for the rest of the space."""

from __future__ import annotations

import random
import statistics

import numpy as np
import pytest

from lab.optimize import Category, Factor, Fidelity, Options, Space, TrialRecord, suggest
from lab.optimize.acquire.search import maximise
from lab.optimize.acquire.wanted import Wanted
from lab.optimize.acquisition import note_on
from lab.optimize.bench.tasks import function_task
from lab.optimize.history import check_history
from lab.optimize.model import fit_model
from lab.optimize.space.region import Region

TASK = function_task("hartmann6")
SPACE = TASK.space
NEAR = "near good trials"


def _history(count: int, seed: int = 0) -> list[TrialRecord]:
    noise = random.Random(seed)
    return [
        TrialRecord(
            number=number,
            factors=factors,
            status="done",
            value=TASK.truth(factors) + noise.gauss(0.0, TASK.noise),
        )
        for number, factors in enumerate(TASK.first(seed, count), start=1)
    ]


def _wanted(count: int, options: Options | None = None, seed: int = 0) -> Wanted:
    records = check_history(SPACE, _history(count, seed))
    model = fit_model(SPACE, "maximize", records, options=options)
    return Wanted(model, Region(SPACE, None), records, options, None, 1)


def test_every_second_point_is_sought_warily_while_there_are_few_trials_per_factor():
    early, late = _wanted(23), _wanted(24)
    assert [early.wary_at(place) for place in range(5)] == [True, False, True, False, True]
    assert not any(late.wary_at(place) for place in range(5))


def test_inexact_set_points_have_a_question_of_their_own():
    wanted = _wanted(12, Options(accuracy={"x0": 0.05}))
    assert not any(wanted.wary_at(place) for place in range(4))


@pytest.mark.parametrize(
    ("factors", "wary"),
    [
        (tuple(Factor(f"t{k}", "1", 0.0, 1.0) for k in range(4)), True),
        (tuple(Factor(f"t{k}", "1", 0.0, 1.0) for k in range(3)), False),
        (
            (
                Category("s", ("oil", "water")),
                *(Factor(f"t{k}", "1", 0.0, 1.0) for k in range(3)),
            ),
            False,
        ),
    ],
    ids=["four numbers", "three are covered by the first trials", "a choice has no end"],
)
def test_it_needs_several_factors_that_are_all_numbers(
    factors: tuple[Factor | Category, ...], wary: bool
):
    space = Space(factors)
    history = [
        TrialRecord(
            number=n, factors=space.values(np.full(len(factors), u)), status="done", value=u
        )
        for n, u in enumerate((0.1, 0.3, 0.8), start=1)
    ]
    model = fit_model(space, "maximize", history)
    wanted = Wanted(model, Region(space, None), history, None, None, 1)
    assert [wanted.wary_at(place) for place in range(3)] == [wary, False, wary]


def test_so_have_fidelities():
    ways = Options(fidelities=(Fidelity(name="quick", cost=0.2), Fidelity(name="true", cost=1.0)))
    history = [record.model_copy(update={"fidelity": "true"}) for record in _history(12)]
    model = fit_model(SPACE, "maximize", history, options=ways)
    wanted = Wanted(model, Region(SPACE, None), history, ways, None, 1)
    assert not any(wanted.wary_at(place) for place in range(4))


def test_a_wary_search_promises_less_far_away_and_the_same_where_trials_are():
    wanted = _wanted(12)
    ((_, hopeful),) = wanted.routes(wanted.model.pending, 3)
    ((_, wary),) = wanted.routes(wanted.model.pending, 3, wary=True)
    far = np.full((1, 6), 0.999)
    here = wanted.base[:1]
    assert wary.value(far)[0] < hopeful.value(far)[0] - 1.0
    near = hopeful.value(here)[0] - wary.value(here)[0]
    assert abs(near) < hopeful.value(far)[0] - wary.value(far)[0]


def test_a_wary_point_lies_between_trials_and_a_hopeful_one_at_the_end_of_a_range():
    """With as many trials as this a promise at the end of a range is what nobody has looked at."""
    ends: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(8):
        wanted = _wanted(12, seed=seed)
        for wary, found in ends.items():
            ((_, acquisition),) = wanted.routes(wanted.model.pending, 5, wary=wary)
            points, values = maximise(acquisition, wanted.base[:8], 5)
            found.append(float(np.abs(points[int(values.argmax())] - 0.5).max()))
    assert statistics.fmean(ends[True]) < statistics.fmean(ends[False]) - 0.05, ends


def test_single_asks_take_turns():
    """A campaign whose slots become free one by one has both kinds, too."""
    history = _history(12)
    waiting: list[TrialRecord] = []
    notes: list[str] = []
    for _ in range(4):
        (item,) = suggest(SPACE, "maximize", [*history, *waiting], 1, seed=2, initial=12)
        waiting.append(TrialRecord(number=item.number, factors=item.factors, status="pending"))
        notes.append(item.note)
    assert [NEAR in note for note in notes] in ([True, False] * 2, [False, True] * 2), notes


def test_the_reason_is_told():
    model = _wanted(12).model
    assert NEAR in note_on(model, "model", False, True)
    assert NEAR not in note_on(model, "model", False)
    assert "better than every tested point" in note_on(model, "model", True, True)
