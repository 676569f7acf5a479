"""The average and the quantile over set points that are not exact."""

from __future__ import annotations

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize import Campaign, Category, Factor, Options, Space, TrialRecord
from lab.optimize.acquire.robust import RobustImprovement, robust_moments, spread_of
from lab.optimize.model import fit_model
from lab.optimize.model.threads import single_threaded
from lab.optimize.recommend import recommend
from lab.optimize.sobol import sobol_points

SPACE = Space((Factor("x", "mL", 0.0, 10.0), Factor("y", "1", 0.0, 1.0)))
SHAKY = Options(accuracy={"x": 0.8})


def _peaks(factors) -> float:
    """A needle of 1.2 at x = 2, and a hill of 1 at x = 7."""
    x, y = factors["x"], factors["y"]
    needle = 1.2 * np.exp(-0.5 * ((x - 2.0) / 0.4) ** 2)
    hill = np.exp(-0.5 * ((x - 7.0) / 2.0) ** 2)
    return float(needle + hill - 0.3 * (y - 0.5) ** 2)


def _average(x: float) -> float:
    """Over set points with a standard deviation of 0.8: Gaussians stay Gaussians."""
    needle = 1.2 * 0.4 / np.hypot(0.4, 0.8) * np.exp(-0.5 * ((x - 2.0) / np.hypot(0.4, 0.8)) ** 2)
    hill = 2.0 / np.hypot(2.0, 0.8) * np.exp(-0.5 * ((x - 7.0) / np.hypot(2.0, 0.8)) ** 2)
    return float(needle + hill)


def _history(count: int = 40) -> list[TrialRecord]:
    made = [SPACE.from_unit(point) for point in sobol_points(1, 0, count, 2)]
    made += [{"x": x, "y": 0.5} for x in (1.8, 2.0, 2.2, 6.8, 7.0, 7.2)]
    return [
        TrialRecord(number=k, factors=f, status="done", value=_peaks(f))
        for k, f in enumerate(made, 1)
    ]


def test_the_spread_has_the_mean_0_and_the_deviation_that_was_given():
    spread = spread_of(SPACE, SHAKY)
    assert spread[:, 0].mean() == pytest.approx(0.0, abs=1e-12)
    assert spread[:, 0].std() == pytest.approx(0.08)
    assert not spread[:, 1].any()
    mixed = Space((Category("s", ("a", "b", "c")), *SPACE.factors))
    assert spread_of(mixed, SHAKY)[:, 3].std() == pytest.approx(0.08)


def test_the_average_is_the_true_one_and_the_quantile_lies_below():
    with single_threaded():
        model = fit_model(SPACE, "maximize", _history(60))
        points = np.array([[0.2, 0.5], [0.5, 0.5], [0.7, 0.5]])
        means, deviations = robust_moments(model, SHAKY, points)
        worst, _ = robust_moments(model, Options(accuracy={"x": 0.8}, quantile=0.1), points)
    for point, mean, sd, low in zip(points, means, deviations, worst, strict=True):
        assert mean == pytest.approx(_average(10.0 * point[0]), abs=0.12)
        assert 0.0 < sd < 0.3
        assert low < mean
    assert means[0] < 1.0 < _peaks({"x": 2.0, "y": 0.5})  # the needle does not last
    assert worst[2] > worst[0] + 0.3


def test_of_less_that_is_better_the_quantile_lies_above():
    turned = [r.model_copy(update={"value": -(r.value or 0.0)}) for r in _history()]
    points = np.array([[0.7, 0.5]])
    with single_threaded():
        model = fit_model(SPACE, "minimize", turned)
        mean, _ = robust_moments(model, SHAKY, points)
        worst, _ = robust_moments(model, Options(accuracy={"x": 0.8}, quantile=0.1), points)
    assert -1.1 < mean[0] < worst[0] < 0.0


@pytest.mark.parametrize("quantile", [None, 0.2])
def test_the_acquisition_has_the_gradient_of_differences(quantile: float | None):
    options = Options(accuracy={"x": 0.8}, quantile=quantile)
    with single_threaded():
        model = fit_model(SPACE, "maximize", _history(12))
        made = RobustImprovement(model, options, model.measured[:6], np.array([[0.4, 0.4]]), 5)
        points = np.array([[0.63, 0.45], [0.31, 0.8]])
        value, gradient = made.value_and_gradient(points)
        assert value == pytest.approx(made.value(points), abs=1e-9)
        for k in range(2):
            step = np.zeros(2)
            step[k] = 1e-5
            slope = (made.value(points + step) - made.value(points - step)) / 2e-5
            assert gradient[:, k] == pytest.approx(slope, rel=2e-2, abs=2e-3)


def test_the_hill_is_recommended_and_not_the_needle():
    history = _history()
    exact = recommend(SPACE, "maximize", history)
    robust = recommend(SPACE, "maximize", history, SHAKY)
    assert exact is not None
    assert robust is not None
    assert exact.trial.factors["x"] == pytest.approx(2.0, abs=0.3)
    assert robust.trial.factors["x"] == pytest.approx(7.0, abs=0.8)
    assert robust.mean < exact.mean


def test_a_campaign_seeks_the_hill():
    """What device and chemist get is measured at what was really set."""
    rng = np.random.default_rng(4)
    ends: dict[str, list[float]] = {}
    for name, options in (("exact", None), ("robust", SHAKY)):
        campaign = Campaign(SPACE, "maximize", seed=3, initial=8, options=options)
        for record in _history(8):
            campaign.add(dict(record.factors), record.value)
        for count in (2, 1):
            for item in campaign.ask(count):
                campaign.tell(item.number, _peaks(item.factors) + 0.01 * rng.normal())
        found = campaign.recommend()
        assert found is not None
        ends[name] = [_average(found.trial.factors["x"]), found.trial.factors["x"]]
    assert ends["robust"][0] > 0.85
    assert ends["exact"][0] < 0.75
    again = Campaign.from_json(campaign.to_json())
    assert again.options == SHAKY
    assert again.ask(1) == campaign.ask(1)


def test_what_makes_no_sense_is_refused():
    for accuracy, quantile, words in (
        ({"x": 0.0}, None, "an accuracy of 0.0 of x"),
        ({"x": float("nan")}, None, "an accuracy of nan of x"),
        ({"x": 1.0}, 0.7, "a quantile of 0.7"),
        (None, 0.1, "a quantile without an accuracy"),
    ):
        with pytest.raises(InputError, match=words):
            Options(accuracy=accuracy, quantile=quantile)
    with pytest.raises(InputError, match="z is not a factor"):
        Campaign(SPACE, options=Options(accuracy={"z": 0.1}))
    mixed = Space((*SPACE.factors, Category("s", ("a", "b"))))
    with pytest.raises(InputError, match="an accuracy of s, which is a choice"):
        Campaign(mixed, options=Options(accuracy={"s": 0.1}))
