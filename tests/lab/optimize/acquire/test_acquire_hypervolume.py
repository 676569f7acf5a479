"""What is promised by several outcomes together, against the definition with many joint draws."""

from __future__ import annotations

import numpy as np
import pytest

from lab.domain.front import hypervolume
from lab.optimize import Aim, Factor, Goal, Limit, Space, TrialRecord
from lab.optimize.acquire.hypervolume import OutcomeImprovement
from lab.optimize.several import believe

SPACE = Space((Factor("a", "1", 0.0, 1.0), Factor("b", "1", 0.0, 1.0)))
RNG = np.random.Generator(np.random.PCG64(5))
POINTS = RNG.random((7, 2))
NEW = RNG.random((24, 2))
NOTHING = np.empty((0, 2))


def _history() -> list[TrialRecord]:
    return [
        TrialRecord(
            number=k,
            factors={"a": a, "b": b},
            status="done",
            outcomes={
                "y": 10.0 * np.exp(2.0 * a - (b - 0.5) ** 2),  # skewed, so that its scale is bent
                "c": 3.0 * a + (b - 0.4) ** 2,
                "i": a - b,
            },
        )
        for k, (a, b) in enumerate(POINTS.tolist(), 1)
    ]


def _made(
    aim: Aim, worst: tuple[float, ...], taken=NOTHING, *, feasible: bool = True, draws: int = 128
):
    belief = believe(SPACE, aim, _history())
    return belief, OutcomeImprovement(
        aim, belief.models, POINTS, taken, worst, feasible=feasible, draws=draws, seed=7
    )


def _drawn(belief, points: np.ndarray, count: int) -> list[dict[str, np.ndarray]]:
    """Joint draws of every outcome, in its unit, by Cholesky factors of our own processes."""
    columns: dict[str, np.ndarray] = {}
    for name, model in zip(belief.aim.outcomes, belief.models, strict=True):
        (process,) = model.mixture.members
        mean, _ = process.mean_and_variance(points)
        lower = np.linalg.cholesky(process.covariance(points) + 1e-9 * np.eye(len(points)))
        draws = mean[:, None] + lower @ RNG.normal(size=(len(points), count))
        flat, _ = model.in_unit(draws.ravel(), np.zeros(draws.size))
        columns[name] = np.array(flat).reshape(draws.shape)
    return [{name: column[:, k] for name, column in columns.items()} for k in range(count)]


def _gain_of_volume(aim: Aim, draws, worst: tuple[float, ...]) -> float:
    gains = []
    for draw in draws:
        rows = [
            {name: float(column[k]) for name, column in draw.items()} for k in range(len(draw["y"]))
        ]
        scores = [aim.scores(row) for row in rows if aim.keeps(row)]
        before = [aim.scores(row) for row in rows[:-1] if aim.keeps(row)]
        gains.append(hypervolume(scores, worst) - hypervolume(before, worst))
    return float(np.mean(gains))


FRONT = Aim((Goal("y", "maximize"), Goal("c", "minimize")))


@pytest.mark.parametrize(
    ("aim", "taken"),
    [
        (FRONT, NOTHING),
        (FRONT, NEW[:2] * 0.5),
        (Aim(FRONT.goals, (Limit("i", maximum=0.1),)), NOTHING),
        (Aim((Goal("y", "target", target=25.0), Goal("c", "minimize"))), NOTHING),
    ],
    ids=["front", "pending", "limit", "target"],
)
def test_it_is_the_expected_gain_of_hypervolume(aim: Aim, taken: np.ndarray):
    worst = (5.0, -3.0) if aim.goals[0].target is None else (-20.0, -3.0)
    belief, acquisition = _made(aim, worst, taken)
    values = acquisition.value(NEW)
    units = np.prod([model.warp.scale for model in belief.models[:2]])
    order = np.argsort(-values)[[0, 4]]
    for k in order:
        rows = np.concatenate([POINTS, taken, NEW[k : k + 1]])
        exact = _gain_of_volume(aim, _drawn(belief, rows, 1000), worst)
        assert np.exp(values[k]) * units == pytest.approx(exact, rel=0.3)


@pytest.mark.parametrize(
    "aim",
    [
        Aim((Goal("y", "target", target=25.0),)),
        Aim((Goal("y", "maximize"),), (Limit("c", maximum=2.0), Limit("i", minimum=-0.5))),
        Aim(
            (Goal("y", "maximize", worst=5.0, ideal=60.0), Goal("c", "minimize", worst=4.0, ideal=0.5)),
            weigh="desirability",
        ),
    ],
    ids=["target", "limits", "desirability"],
)  # fmt: skip
def test_one_number_made_of_the_outcomes_is_improved_in_each_draw(aim: Aim):
    belief, acquisition = _made(aim, ())
    values = acquisition.value(NEW)
    unit = belief.models[0].warp.scale if aim.weigh == "front" else 1.0
    best = int(values.argmax())
    rows = np.concatenate([POINTS, NEW[best : best + 1]])
    gains = []
    for draw in _drawn(belief, rows, 2000):
        numbers = []
        for k in range(len(rows)):
            row = {name: float(column[k]) for name, column in draw.items()}
            numbers.append(aim.scores(row)[0] if aim.keeps(row) else -np.inf)
        gains.append(max(0.0, numbers[-1] - max(numbers[:-1])))
    assert np.exp(values[best]) * unit == pytest.approx(np.mean(gains), rel=0.2)


def test_while_nothing_keeps_the_limits_their_probability_is_sought():
    aim = Aim((Goal("y", "maximize"),), (Limit("c", maximum=1.5), Limit("i", maximum=0.0)))
    belief, acquisition = _made(aim, (), feasible=False)
    values = np.exp(acquisition.value(NEW))
    chance = belief.chance(NEW)
    good = chance > 0.02
    assert good.sum() >= 3
    assert values[good] == pytest.approx(chance[good], rel=0.3, abs=0.01)
    assert chance[int(values.argmax())] >= 0.8 * chance.max()


def test_the_chance_is_the_share_of_draws_that_keep_the_limits():
    aim = Aim(
        (Goal("y", "maximize"),), (Limit("i", minimum=-0.2, maximum=0.3), Limit("c", minimum=1.0))
    )
    belief, _ = _made(aim, ())
    chance = belief.chance(NEW)
    assert 0.05 < np.median(chance) < 0.99
    for k in range(6):
        draws = _drawn(belief, NEW[k : k + 1], 4000)
        share = np.mean([aim.keeps({n: float(v[0]) for n, v in draw.items()}) for draw in draws])
        assert chance[k] == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("aim", [FRONT, Aim(FRONT.goals, (Limit("i", maximum=0.3),))])
def test_the_gradient_is_that_of_the_value(aim: Aim):
    _, acquisition = _made(aim, (5.0, -3.0), draws=64)
    points = NEW[np.argsort(-acquisition.value(NEW))[:4]]
    values, slopes = acquisition.value_and_gradient(points)
    assert values == pytest.approx(acquisition.value(points))
    for k in range(2):
        step = np.zeros_like(points)
        step[:, k] = 1e-5
        numeric = (acquisition.value(points + step) - acquisition.value(points - step)) / 2e-5
        assert slopes[:, k] == pytest.approx(numeric, rel=1e-2, abs=1e-3)


def test_no_kernel_is_compiled_on_the_way():
    from botorch.acquisition.multi_objective import logei

    _made(FRONT, (5.0, -3.0), draws=16)
    assert logei._C is None
