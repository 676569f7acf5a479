"""What options change in a campaign, that they can be combined and saved, and that without them nothing changes."""

from __future__ import annotations

import functools
import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize import (
    Aim,
    Campaign,
    Earlier,
    Factor,
    Fidelity,
    Goal,
    Options,
    Space,
    TrialRecord,
    suggest,
)
from lab.optimize.bench.tasks import function_task
from lab.optimize.explain import explained
from lab.optimize.model import fit_model
from lab.optimize.model.threads import single_threaded
from lab.optimize.model.warp import fit_warp
from lab.optimize.pool import Pool
from lab.optimize.sobol import sobol_points

if TYPE_CHECKING:
    from collections.abc import Callable

SPACE = Space((Factor("a", "1", 0.0, 1.0), Factor("b", "1", 0.0, 1.0)))
WAYS = (Fidelity("fast", 0.1), Fidelity("real", 1.0))


def _hill(factors, top: float = 0.7) -> float:
    return 10.0 - 40.0 * (factors["a"] - top) ** 2 - 20.0 * (factors["b"] - 0.3) ** 2


def _run(campaign: Campaign, trials: int, outcome=_hill, size: int = 2) -> Campaign:
    while len(campaign.history) < trials:
        for item in campaign.ask(size):
            campaign.tell(item.number, outcome(item.factors))
    return campaign


def _top(campaign: Campaign) -> float:
    best = campaign.best
    assert best is not None
    assert best.value is not None
    return best.value


@functools.cache
def _earlier(top: float = 0.7, scale: float = 1.0, trials: int = 20) -> Earlier:
    old = Campaign(SPACE, "maximize", seed=9, initial=12)
    _run(old, trials, lambda factors: 300.0 + scale * _hill(factors, top))
    return Earlier("spring", old.history)


def test_without_options_nothing_changes_to_the_bit():
    history = _run(Campaign(SPACE, "maximize", seed=1, initial=5), 8).history
    plain = suggest(SPACE, "maximize", history, 3, seed=1, initial=5)
    assert suggest(SPACE, "maximize", history, 3, seed=1, initial=5, options=Options()) == plain
    assert Options().fingerprint == []
    other = suggest(
        SPACE, "maximize", history, 3, seed=1, initial=5, options=Options(outliers=True)
    )
    assert other != plain


@pytest.mark.parametrize(
    "make",
    [
        lambda: Options(outliers=True),
        lambda: Options(per_cost=True),
        lambda: Options(earlier=(_earlier(),)),
        lambda: Options(fidelities=WAYS),
        lambda: Options(outliers=True, per_cost=True, earlier=(_earlier(),)),
    ],
    ids=["outliers", "cost", "earlier", "fidelities", "together"],
)
def test_a_saved_campaign_goes_on_to_the_bit_and_order_does_not_matter(
    make: Callable[[], Options],
):
    options = make()
    campaign = Campaign(SPACE, "maximize", seed=1, initial=6, options=options)
    while len(campaign.history) < 10:
        for item in campaign.ask(2):
            campaign.tell(item.number, _hill(item.factors), cost=1.0 + item.factors["a"])
    again = Campaign.from_json(campaign.to_json())
    assert again.options == options
    turned = list(reversed(campaign.history))
    told = suggest(SPACE, "maximize", turned, 2, seed=1, initial=6, options=options)
    first = explained(SPACE, "maximize", turned, told)
    assert again.ask(2) == first == campaign.ask(2)


# -- outliers --------------------------------------------------------------------------------------


def _with_errors(options: Options | None, seed: int) -> tuple[float, list[str]]:
    """Regret of what is recommended on Branin with a tenth of gross errors, and the notes."""
    task = function_task("branin")
    rng = random.Random(seed)
    campaign = Campaign(task.space, "minimize", seed=seed, initial=6, options=options)
    notes: list[str] = []
    while len(campaign.history) < 30:
        for item in campaign.ask(4):
            notes.append(item.note)
            wrong = rng.choice([-1.0, 1.0]) * rng.uniform(250.0, 1000.0)
            error = wrong if rng.random() < 0.1 else 0.0
            campaign.tell(item.number, task.truth(item.factors) + error)
    found = campaign.recommend()
    assert found is not None
    return task.truth(found.trial.factors) - (task.optimum or 0.0), notes


@pytest.mark.timeout(300)
def test_a_tenth_of_gross_errors_does_not_ruin_a_campaign():
    seeds = range(4)
    plain = [_with_errors(None, seed)[0] for seed in seeds]
    robust = [_with_errors(Options(outliers=True), seed) for seed in seeds]
    regrets = [regret for regret, _ in robust]
    assert max(regrets) < 0.7
    assert np.mean(plain) > 5.0 * np.mean(regrets)
    assert any(note.startswith("repeats trial") for _, notes in robust for note in notes)


def test_a_surprise_is_measured_again_once_and_believed_if_it_lasts():
    campaign = Campaign(SPACE, "maximize", seed=1, initial=10, options=Options(outliers=True))
    _run(campaign, 12)
    surprise = campaign.add({"a": 0.1, "b": 0.9}, 60.0)
    item, other = campaign.ask(2)
    assert item.factors == {"a": 0.1, "b": 0.9}
    assert item.note == f"repeats trial {surprise}: it is far better than the others let expect"
    assert other.factors != item.factors
    assert all(later.factors != item.factors for later in campaign.ask(2))  # once is enough
    best = campaign.recommend()
    assert best is not None
    assert best.trial.number != surprise
    sure = Campaign.from_json(campaign.to_json())
    sure.tell(item.number, 60.2)
    found = sure.recommend()
    assert found is not None
    assert found.trial.factors == item.factors
    campaign.tell(item.number, _hill(item.factors))
    back = campaign.recommend()
    assert back is not None
    assert back.trial.factors["a"] == pytest.approx(0.7, abs=0.15)
    shown = campaign.evidence()
    assert surprise not in [row.trial for row in shown.left_out]


def test_what_lies_beyond_the_range_is_no_gross_error():
    campaign = Campaign(SPACE, "maximize", seed=1, initial=10, options=Options(outliers=True))
    _run(campaign, 12)
    given = {"a": 0.72, "b": 0.5}
    odd = TrialRecord(number=99, factors=given, status="done", value=-60.0)
    for record, expected in ((odd, [99]), (odd.model_copy(update={"side": "above"}), [])):
        with single_threaded():
            model = fit_model(
                SPACE, "maximize", [*campaign.history, record], options=campaign.options
            )
        assert [one.number for one in model.outliers] == expected


def test_a_fast_way_beyond_its_range_says_no_number():
    fast = _told_both(6, lambda point: _hill(point) + point["b"])
    ends = [r.model_copy(update={"side": "above"}) if r.fidelity == "fast" else r for r in fast]
    options = Options(fidelities=WAYS)
    with single_threaded():
        whole = fit_model(SPACE, "maximize", fast, options=options)
        without = fit_model(SPACE, "maximize", ends, options=options)
        alone = fit_model(
            SPACE, "maximize", [r for r in fast if r.fidelity != "fast"], options=options
        )
    at = [[0.3, 0.4]]
    assert without.predict(np.array(at)) == alone.predict(np.array(at))
    assert without.predict(np.array(at)) != whole.predict(np.array(at))


def test_a_surprise_in_a_list_is_measured_again_once_unless_it_can_not_be():
    grid = np.linspace(0.0, 1.0, 9)
    pool = Pool.from_columns({"a": np.repeat(grid, 9), "b": np.tile(grid, 9)})
    campaign = Campaign.of(pool, "maximize", seed=1, initial=14, options=Options(outliers=True))
    _run(campaign, 14)
    free = [pool.values(k) for k in range(81)]
    free = [f for f in free if f not in [r.factors for r in campaign.history] and _hill(f) < 0.0]
    surprise = campaign.add(free[0], 60.0)
    held, vetoed = (Campaign.from_json(campaign.to_json()) for _ in range(2))
    item, other = campaign.ask(2)
    assert item.factors == free[0]
    assert item.note.startswith(f"repeats trial {surprise}:")
    assert other.factors != item.factors
    assert campaign.ask()[0].factors != item.factors
    value = next(v for v in grid.tolist() if v != free[0]["a"])
    assert held.ask(held={"a": value})[0].factors["a"] == value
    vetoed.veto(f"a <= {free[0]['a'] + 0.05}", "the vial is empty")
    assert vetoed.ask()[0].factors["a"] != free[0]["a"]
    plain = Campaign.of(pool, "maximize", seed=1, initial=14)
    for record in campaign.history[:15]:
        plain.add(record.factors, record.value)
    assert free[0] not in [later.factors for later in plain.ask(2)]


# -- noise of each trial ---------------------------------------------------------------------------


def test_trials_with_their_own_error_are_believed_by_it_even_if_some_have_none():
    """A third of the trials is ten times as noisy, and says so; a few say nothing."""
    from lab.optimize.model import fit_model
    from lab.optimize.model.threads import single_threaded
    from lab.optimize.sobol import sobol_points

    test = np.array(sobol_points(8, 0, 100, 2))
    truth = np.array([_hill(SPACE.from_unit(point)) for point in test])
    told: list[float] = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        records = [
            TrialRecord(
                number=k,
                factors=(factors := SPACE.from_unit(point)),
                status="done",
                value=_hill(factors) + (3.0 if k % 3 == 0 else 0.1) * rng.normal(),
                standard_deviation=None if k % 7 == 0 else 3.0 if k % 3 == 0 else 0.1,
            )
            for k, point in enumerate(sobol_points(seed, 0, 24, 2), 1)
        ]
        errors: list[float] = []
        for history in (
            records,
            [r.model_copy(update={"standard_deviation": None}) for r in records],
        ):
            with single_threaded():
                model = fit_model(SPACE, "maximize", history)
                errors.append(float(np.abs(np.array(model.predict(test)[0]) - truth).mean()))
                assert model.given == (history is records)
        told.append(errors[0] / errors[1])
    assert np.mean(told) < 0.85


# -- costs -----------------------------------------------------------------------------------------


def _two_hills(factors) -> float:
    """Equal hills at a = 0.2 and a = 0.8."""
    return (
        10.0
        - 60.0 * min((factors["a"] - t) ** 2 for t in (0.2, 0.8))
        - 5.0 * (factors["b"] - 0.5) ** 2
    )


def _dear(factors) -> float:
    return 10.0 ** (2.0 * factors["a"])


def test_the_cheap_hill_is_climbed_and_the_dear_one_not():
    spent: dict[str, float] = {}
    for name in ("gain", "function", "told"):
        options = Options(per_cost=True) if name == "told" else None
        campaign = Campaign(SPACE, "maximize", seed=2, initial=6, options=options)
        cost = 0.0
        while len(campaign.history) < 16:
            for item in campaign.ask(2, cost_of=_dear if name == "function" else None):
                assert name == "gain" or item.origin == "sobol" or item.cost is not None
                campaign.tell(item.number, _two_hills(item.factors), cost=_dear(item.factors))
                cost += _dear(item.factors) if item.origin == "model" else 0.0
        best = campaign.best
        assert best is not None
        assert (best.value or 0.0) > 9.5
        spent[name] = cost
    assert spent["function"] < 0.5 * spent["gain"]
    assert spent["told"] < 0.5 * spent["gain"]


def test_costs_count_in_lists_and_of_several_outcomes_too():
    grid = np.linspace(0.0, 1.0, 9)
    pool = Pool.from_columns({"a": np.repeat(grid, 9), "b": np.tile(grid, 9)})
    campaign = Campaign.of(pool, "maximize", seed=1, initial=6)
    _run(campaign, 6, _two_hills)
    dear, cheap = campaign.ask(2), Campaign.from_json(campaign.to_json()).ask(2, cost_of=_dear)
    assert [item.cost for item in cheap if item.origin == "model"] == [
        pytest.approx(_dear(item.factors)) for item in cheap if item.origin == "model"
    ]
    aim = Aim((Goal("y", "maximize", worst=0.0), Goal("z", "minimize", worst=2.0)))
    several = Campaign(SPACE, aim, seed=1, initial=6)
    _run(several, 6, lambda f: {"y": _two_hills(f), "z": f["b"]})
    again = Campaign.from_json(several.to_json())
    plain, priced = several.ask(2), again.ask(2, cost_of=_dear)
    assert np.mean([i.factors["a"] for i in priced]) < np.mean([i.factors["a"] for i in plain])
    assert dear[0].cost is None


def test_a_function_that_tells_no_cost_is_refused():
    campaign = _run(Campaign(SPACE, "maximize", seed=1, initial=4), 6)
    with pytest.raises(InputError, match=r"a cost of -1\.0 of a trial with a="):
        campaign.ask(1, cost_of=lambda _: -1.0)


# -- earlier campaigns -----------------------------------------------------------------------------


def test_a_related_campaign_shows_the_way():
    options = Options(earlier=(_earlier(top=0.72, scale=5.0),))
    campaign = Campaign(SPACE, "maximize", seed=3, initial=3, options=options)
    (first,) = campaign.ask()
    assert first.note == "earlier campaigns expect the best here"
    assert _hill(first.factors) > 9.0
    campaign.tell(first.number, _hill(first.factors))
    _run(campaign, 5)
    assert campaign.ask()[0].factors["a"] == pytest.approx(0.7, abs=0.1)
    alone = _run(Campaign(SPACE, "maximize", seed=3, initial=3), 5)
    assert _top(campaign) > _top(alone)


@pytest.mark.timeout(240)
def test_an_unrelated_campaign_does_not_hurt_badly():
    """The hill of the earlier one is where the valley of this one is."""
    ends: list[list[float]] = []
    for seed in range(4):
        row: list[float] = []
        for options in (None, Options(earlier=(_earlier(top=0.05, scale=-3.0),))):
            campaign = Campaign(SPACE, "maximize", seed=seed, initial=4, options=options)
            best = _run(campaign, 14).best
            assert best is not None
            row.append(10.0 - (best.value or 0.0))
        ends.append(row)
    alone, misled = np.array(ends).T
    assert misled.max() < 0.3
    assert misled.mean() < alone.mean() + 0.1


def test_an_earlier_campaign_counts_in_lists_and_of_several_outcomes():
    grid = np.linspace(0.0, 1.0, 9)
    pool = Pool.from_columns({"a": np.repeat(grid, 9), "b": np.tile(grid, 9)})
    few = tuple(record.model_copy() for record in _earlier().history)
    campaign = Campaign.of(
        pool, "maximize", seed=1, initial=3, options=Options(earlier=(Earlier("x", few),))
    )
    _run(campaign, 3)
    assert _hill(campaign.ask()[0].factors) > 8.0
    aim = Aim((Goal("y", "maximize", worst=0.0), Goal("z", "minimize", worst=2.0)))
    told = tuple(
        TrialRecord(
            number=r.number, factors=r.factors, status="done", outcomes={"y": r.value or 0.0, "z": r.factors["b"]}
        )
        for r in few
    )  # fmt: skip
    several = Campaign(
        SPACE, aim, seed=1, initial=3, options=Options(earlier=(Earlier("x", told),))
    )
    _run(several, 3, lambda f: {"y": _hill(f), "z": f["b"]})
    assert several.ask()[0].factors["a"] == pytest.approx(0.7, abs=0.15)


# -- fidelities ------------------------------------------------------------------------------------


def test_the_fast_way_is_used_first_and_the_real_one_confirms():
    campaign = Campaign(SPACE, "maximize", seed=1, initial=6, options=Options(fidelities=WAYS))
    spent = 0.0
    while spent < 7.0:
        for item in campaign.ask(2):
            fast = item.fidelity == "fast"
            spent += 0.1 if fast else 1.0
            bias = 1.0 + np.sin(3.0 * item.factors["b"]) if fast else 0.0
            campaign.tell(item.number, _hill(item.factors) + bias)
            assert item.cost is None or item.cost == (0.1 if fast else 1.0)
    ways = [record.fidelity for record in campaign.history]
    assert ways[:4] == ["real", "fast", "fast", "real"]
    assert ways.count("fast") > ways.count("real")
    found = campaign.recommend()
    assert found is not None
    assert found.trial.fidelity == "real"
    assert _hill(found.trial.factors) > 9.7
    assert campaign.best is not None
    assert campaign.best.fidelity == "real"
    again = Campaign.from_json(campaign.to_json())
    assert again.ask(2) == campaign.ask(2)


def test_a_fast_way_that_misleads_is_given_up():
    campaign = Campaign(SPACE, "maximize", seed=2, initial=9, options=Options(fidelities=WAYS))
    rng = np.random.default_rng(1)
    spent, late = 0.0, list[str | None]()
    while spent < 14.0:
        (item,) = campaign.ask()
        fast = item.fidelity == "fast"
        spent += 0.1 if fast else 1.0
        late.append(item.fidelity)
        campaign.tell(item.number, 10.0 * rng.normal() if fast else _hill(item.factors))
        assert len(late) < 100
    found = campaign.recommend()
    assert found is not None
    assert _hill(found.trial.factors) > 9.5


def _told_both(fast: int, outcome: Callable[[dict[str, float]], float]) -> list[TrialRecord]:
    """Two trials at the target and so many by the fast way, with what that gives."""
    points = [{"a": a, "b": b} for a, b in sobol_points(3, 0, 2 + fast, 2)]
    return [
        TrialRecord(
            number=number,
            factors=dict(point),
            status="done",
            value=_hill(point) if number <= 2 else outcome(point),
            fidelity="real" if number <= 2 else "fast",
        )
        for number, point in enumerate(points, 1)
    ]


@pytest.mark.parametrize(("fast", "way"), [(8, "fast"), (20, "real")])
def test_lower_fidelities_have_their_turn_while_they_cost_no_more_than_the_target(fast: int, way: str):  # fmt: skip
    history = _told_both(fast, lambda point: _hill(point) + point["b"])
    (item,) = suggest(
        SPACE, "maximize", history, 1, seed=1, initial=4, options=Options(fidelities=WAYS)
    )
    assert item.fidelity == way


def test_a_way_that_is_noise_alone_does_not_keep_a_campaign_from_the_real_one():
    """It cost nine trials of eleven before: with two trials at the target nothing shows that it is noise."""
    campaign = Campaign(SPACE, "maximize", seed=3, initial=6, options=Options(fidelities=WAYS))
    rng = np.random.default_rng(1)
    spent = {"fast": 0.0, "real": 0.0}
    while sum(spent.values()) < 7.0:
        for item in campaign.ask(2):
            way = item.fidelity or ""
            spent[way] += 0.1 if way == "fast" else 1.0
            campaign.tell(
                item.number, float(rng.normal()) if way == "fast" else _hill(item.factors)
            )
    assert spent["fast"] <= spent["real"]
    found = campaign.recommend()
    assert found is not None
    assert _hill(found.trial.factors) > 9.0


def test_the_scale_is_that_of_the_target_once_it_has_one():
    options = Options(fidelities=WAYS)
    few, far = _told_both(4, lambda _point: 500.0), 500.0
    with single_threaded():
        model = fit_model(SPACE, "maximize", few, options=options)
    assert model.warp.scale > far / 10
    more = [
        *few,
        *(
            few[0].model_copy(update={"number": 10 + k, "factors": point, "value": _hill(point)})
            for k, point in enumerate({"a": a, "b": b} for a, b in sobol_points(5, 0, 3, 2))
        ),
    ]
    with single_threaded():
        model = fit_model(SPACE, "maximize", more, options=options)
    own = np.array([r.value for r in more if r.fidelity == "real"], dtype=np.float64)
    assert model.warp == fit_warp(own, 1.0)


def test_a_trial_of_a_person_is_one_at_the_target_unless_said_otherwise():
    campaign = Campaign(SPACE, "maximize", seed=1, initial=4, options=Options(fidelities=WAYS))
    campaign.add({"a": 0.1, "b": 0.2}, 1.0)
    campaign.add({"a": 0.1, "b": 0.2}, 1.5, fidelity="fast")
    assert [record.fidelity for record in campaign.history] == ["real", "fast"]
    with pytest.raises(InputError, match="is of the fidelity slow"):
        campaign.add({"a": 0.1, "b": 0.2}, 1.5, fidelity="slow")
    plain = Campaign(SPACE, "maximize", seed=1, initial=4)
    with pytest.raises(InputError, match="is of the fidelity fast") as caught:
        plain.add({"a": 0.1, "b": 0.2}, 1.5, fidelity="fast")
    assert caught.value.hint == "the fidelities are: (none)"


# -- what does not go together ---------------------------------------------------------------------
