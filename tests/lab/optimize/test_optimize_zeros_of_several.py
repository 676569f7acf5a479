"""Outcomes with many zeros of their own where several are sought."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lab.domain.front import hypervolume
from lab.optimize import Aim, Campaign, Factor, Goal, Limit, Options, Space, TrialRecord, suggest
from lab.optimize.acquire.hypervolume import OutcomeImprovement
from lab.optimize.acquire.likely import Likely
from lab.optimize.evidence import draws_of
from lab.optimize.pool import Pool
from lab.optimize.several import believe

if TYPE_CHECKING:
    from lab.optimize.domain import Array

SPACE = Space((Factor("a", "1", 0.0, 1.0), Factor("b", "1", 0.0, 1.0)))
AIM = Aim((Goal("y", "maximize"), Goal("c", "minimize")))
ZEROS = Options(zeros=("y",))


def _outcomes(factors, top: float = 0.6) -> dict[str, float]:
    """A yield that grows with a, and is none above an edge; a cost that grows with it and with b."""
    a, b = factors["a"], factors["b"]
    alive = a <= top
    return {"y": 50.0 + 20.0 * a if alive else 0.0, "c": 1.0 + a + (b - 0.5) ** 2}


def _run(campaign: Campaign, batches: int, size: int = 2) -> Campaign:
    for _ in range(batches):
        for item in campaign.ask(size):
            campaign.tell(item.number, _outcomes(item.factors))
    return campaign


def _grid() -> list[TrialRecord]:
    points = [{"a": a, "b": b} for a in (0.05, 0.25, 0.45, 0.7, 0.95) for b in (0.2, 0.8)]
    return [
        TrialRecord(number=k, factors=at, status="done", outcomes=_outcomes(at))
        for k, at in enumerate(points, 1)
    ]


def _belief(options: Options | None = ZEROS, aim: Aim = AIM):
    return believe(SPACE, aim, _grid(), options=options)


AT = np.array([[0.2, 0.5], [0.4, 0.5], [0.9, 0.5]])


def test_each_outcome_has_its_own_kind_of_zeros():
    belief = _belief()
    above = [model.above for model in belief.models]
    assert above[0] is not None
    assert above[1] is None
    assert len(belief.measured) == 6  # four gave nothing
    assert len(belief.tested) == 10
    plain = _belief(None)
    assert [model.above for model in plain.models] == [None, None]
    assert len(plain.measured) == 10


def test_hope_is_the_chance_to_be_above_zero_and_predictions_are_of_the_whole():
    belief = _belief()
    hopes = [belief.hope(point.reshape(1, -1)) or 0.0 for point in AT]
    assert hopes[0] > 0.8
    assert hopes[2] < 0.3
    means = belief.predict(AT)["y"][0]
    assert means[0] == pytest.approx(hopes[0] * 54.0, rel=0.05)
    assert means[2] < 30.0
    assert _belief(None).hope(AT[:1]) is None


def test_a_limit_is_kept_by_zeros_or_broken_as_it_says():
    limited = Aim(AIM.goals, (Limit("y", minimum=45.0),))
    belief = _belief(aim=limited)
    (above,) = belief.chances
    there = np.exp(above.log_chance(AT))
    assert belief.chance(AT) == pytest.approx(there, abs=0.05)  # above zero it is above 45
    upper = _belief(aim=Aim(AIM.goals, (Limit("y", maximum=45.0),)))
    assert upper.chance(AT) == pytest.approx(1.0 - there, abs=0.05)
    # what is of use and keeps the limit as well is next to impossible there
    assert max(upper.hope(point.reshape(1, -1)) or 0.0 for point in AT) < 0.05
    assert belief.hope(AT[:1]) == pytest.approx(float(there[0]), abs=0.05)


def test_the_front_is_measured_from_zero_at_least_so_that_a_zero_is_worth_nothing():
    aim = Aim((Goal("y", "maximize"), Goal("c", "maximize")))
    belief = _belief(aim=aim)
    low = np.array([[0.5, 1.0], [2.0, 0.2], [1.0, 0.9]])
    first, second = belief.reference(low)
    assert first == pytest.approx(0.35)
    deep = np.array([[-3.0, 1.0], [9.0, 0.2]])
    assert belief.reference(deep)[0] == 0.0
    assert belief.reference(deep)[1] == pytest.approx(0.12)
    assert second < 0.5
    plain = _belief(None, aim)
    assert plain.reference(deep)[0] < -3.0


def test_what_a_point_promises_is_what_it_gives_above_zero_times_the_chance_of_that():
    """Against joint draws of the whole, zeros and all: the gain of volume over the front, as it is defined."""
    belief = _belief()
    worst, point = (0.0, -2.5), np.array([[0.58, 0.5]])
    acquisition = OutcomeImprovement(
        AIM, belief.models, belief.measured, belief.pending, worst, feasible=True, draws=512, seed=3
    )
    (above,) = belief.chances
    chance = math.exp(float(above.log_chance(point)[0]))
    assert 0.4 < chance < 0.6
    found = math.exp(float(Likely(acquisition, above).value(point)[0]))
    points = np.concatenate([belief.measured, point])
    drawn: list[Array] = []
    for seed, model in enumerate(belief.models):
        draws = draws_of(model.mixture, points, seed, 8000)
        values = model.in_unit(draws.reshape(-1), np.zeros(draws.size))[0]
        drawn.append(np.array(values).reshape(draws.shape))
    rng = np.random.default_rng(0)

    def volume(rows: list[tuple[float, float]]) -> float:
        return hypervolume([row for row in rows if row[0] > worst[0] and row[1] > worst[1]], worst)

    gains: list[float] = []
    for yields, costs in zip(drawn[0].T, drawn[1].T, strict=False):
        rows = list(zip(yields.tolist(), (-costs).tolist(), strict=True))
        new = (rows[-1][0] if rng.random() < chance else 0.0, rows[-1][1])
        gains.append(volume([*rows[:-1], new]) - volume(rows[:-1]))
    unit = belief.models[0].warp.scale * belief.models[1].warp.scale
    assert found == pytest.approx(float(np.mean(gains)) / unit, rel=0.3)


@pytest.mark.timeout(300)
def test_a_front_beside_zeros_is_found_and_they_are_avoided():
    campaign = _run(Campaign(SPACE, AIM, seed=2, initial=8, options=ZEROS), 10)
    later = campaign.history[8:]
    assert sum(record.outcomes["y"] == 0.0 for record in later) <= 4
    alive = [record for record in campaign.front if record.outcomes["y"] > 0.0]
    assert max(record.outcomes["y"] for record in alive) > 60.0
    assert min(record.outcomes["c"] for record in alive) < 1.1
    (item,) = campaign.ask()
    assert item.chance is not None
    assert 0.3 < item.chance <= 1.0
    left = campaign.stopping(0.05)
    assert 0.0 <= left.expected_gain < 0.5
    again = Campaign.from_json(campaign.to_json())
    assert again.ask(2) == campaign.ask(2)


def test_zeros_count_in_lists_and_in_one_number_made_of_several():
    pool = Pool.from_columns({"a": [k / 9 for k in range(10)], "b": [k % 3 / 2 for k in range(10)]})
    campaign = Campaign.of(pool, AIM, seed=1, initial=0, options=ZEROS)
    for k in (0, 3, 6, 9):
        campaign.add(pool.values(k), _outcomes(pool.values(k)))
    assert all(0.0 < (item.chance or 0.0) <= 1.0 for item in campaign.ask(2))
    weighed = Aim(
        (Goal("y", "maximize", worst=0.0, ideal=70.0), Goal("c", "minimize", worst=3.0, ideal=1.0)),
        weigh="desirability",
    )
    items = suggest(SPACE, weighed, _grid(), 2, seed=1, initial=0, options=ZEROS)
    assert all(item.factors["a"] < 0.75 for item in items)
    assert all((item.chance or 0.0) > 0.2 for item in items)


def test_a_failed_trial_is_no_zero():
    records = [*_grid(), TrialRecord(number=20, factors={"a": 0.1, "b": 0.5}, status="failed")]
    belief = believe(SPACE, AIM, records, options=ZEROS)
    assert belief.success is not None
    assert len(belief.chances) == 2
    (old,) = _belief().chances
    there, before = (one.log_chance(np.array([[0.1, 0.5]]))[0] for one in (belief.chances[1], old))
    assert there == pytest.approx(before)


def test_while_all_are_zero_or_none_is_they_are_values_like_others():
    dead = [r.model_copy(update={"outcomes": {"y": 0.0, "c": float(r.number)}}) for r in _grid()]
    belief = believe(SPACE, AIM, dead, options=ZEROS)
    assert belief.chances == ()
    assert len(belief.measured) == 10
    alive = [r.model_copy(update={"outcomes": {"y": 5.0 + r.number, "c": 1.0}}) for r in _grid()]
    assert believe(SPACE, AIM, alive, options=ZEROS).chances == ()


def test_the_seed_knows_which_outcomes_they_are():
    parts = [Options(zeros=zeros).fingerprint for zeros in (False, True, ("y",), ("z",))]
    assert len({tuple(part) for part in parts}) == 4
