"""Whether to stop: of a front, under limits, at a target, and by desirability."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize import Aim, Campaign, Factor, Goal, Limit, Space
from lab.optimize.evidence import Stopping
from lab.optimize.stopping_several import stopping_several

SPACE = Space((Factor("a", "1", 0.0, 1.0), Factor("b", "1", 0.0, 1.0)))
FRONT = Aim((Goal("y", "maximize", worst=-1.2), Goal("c", "minimize", worst=1.2)))


def _outcomes(factors) -> dict[str, float]:
    """The front runs from a = 0 (c is 0) to a = 1 (y is 0), all of it at b = 0.5."""
    a, b = factors["a"], factors["b"]
    away = (b - 0.5) ** 2
    return {"y": -((a - 1) ** 2) - away, "c": a * a + away, "i": a}


def _grown(aim: Aim, spread: int, along: int = 0, low: float = 0.0, high: float = 1.0) -> Campaign:
    """Trials that are spread, and then some along the front, which needs no model."""
    campaign = Campaign(SPACE, aim, seed=2, initial=spread)
    made = [item.factors for item in Campaign(SPACE, aim, seed=2, initial=spread).ask(spread)]
    made += [{"a": float(a), "b": 0.5} for a in np.linspace(low, high, along)]
    for factors in made:
        whole = _outcomes(factors)
        campaign.add(factors, {name: whole[name] for name in aim.outcomes})
    return campaign


def test_the_front_has_less_to_gain_the_more_of_it_is_known():
    early, late = (_grown(FRONT, 8, along) for along in (0, 12))
    first, last = early.stopping(0.05), late.stopping(0.05)
    assert first.expected_gain > last.expected_gain > 0.0
    assert first.expected_gain < 1.0
    assert first.probability < 0.3
    assert last.probability > first.probability
    assert late.stopping(0.5).probability > 0.99
    assert last.trial in [record.number for record in late.front]
    assert late.stopping(0.05) == last  # the same history, the same answer


def test_the_gain_is_about_that_of_the_true_front():
    """Against the share of the true volume that the tested trials lack."""
    campaign = _grown(FRONT, 8, 4)
    told = FRONT.volume(campaign.history)
    assert told is not None
    a = np.linspace(0.0, 1.0, 400)
    y, c = -((a - 1.0) ** 2), a * a
    order = np.argsort(-y)
    whole, top = 0.0, 1.2
    # strips below the front, from the best y downwards
    levels = np.append(y[order], -1.2)
    for k, row in enumerate(order.tolist()):
        top = min(top, c[row])
        whole += (levels[k] - levels[k + 1]) * (1.2 - top)
    missing = 1.0 - told / whole
    found = campaign.stopping(0.05)
    assert found.expected_gain == pytest.approx(missing, abs=0.06)


@pytest.mark.parametrize(
    ("aim", "within", "ends"),
    [
        (Aim((Goal("i", "target", target=0.37),)), 0.05, (0.33, 0.41)),
        (Aim((Goal("y", "maximize"),), (Limit("i", maximum=0.3),)), 0.1, (0.2, 0.3)),
        (
            Aim(
                (Goal("y", "maximize", worst=-1.0, ideal=0.0), Goal("c", "minimize", worst=1.0, ideal=0.0)),
                weigh="desirability",
            ),
            0.1,
            (0.4, 0.6),
        ),
    ],
    ids=["target", "limit", "desirability"],
)  # fmt: skip
def test_of_one_number_it_is_near_in_the_end(aim: Aim, within: float, ends: tuple[float, float]):
    found = _grown(aim, 8, 5, *ends).stopping(within)
    assert found.probability > 0.7
    assert 0.0 <= found.expected_gain < 1.5 * within
    early = _grown(aim, 5).stopping(0.2 * within)
    assert early.probability < found.probability
    assert early.expected_gain > found.expected_gain


def test_while_no_trial_keeps_the_limits_there_is_everything_to_gain():
    aim = Aim((Goal("y", "maximize"),), (Limit("i", maximum=-0.5),))
    found = _grown(aim, 6).stopping(0.1)
    assert (found.probability, found.expected_gain) == (0.0, math.inf)
    pair = Aim(FRONT.goals, (Limit("i", maximum=-0.5),))
    assert _grown(pair, 6).stopping(0.1) == Stopping(_nearest(pair), 0.1, 0.0, 1.0)


def _nearest(aim: Aim) -> int:
    return _grown(aim, 6).stopping(0.1).trial


def test_failed_trials_are_allowed_for():
    campaign = _grown(FRONT, 8)
    campaign.add({"a": 0.9, "b": 0.9}, failed=True)
    assert 0.0 <= campaign.stopping(0.05).expected_gain < 1.0


@pytest.mark.parametrize("within", [0.0, -1.0, 1.0, math.nan, math.inf])
def test_a_distance_that_makes_no_sense_is_refused(within: float):
    with pytest.raises(InputError, match="a distance of") as caught:
        _grown(FRONT, 6).stopping(within)
    assert "share of the front's volume" in (caught.value.hint or "")


def test_too_few_trials_say_nothing():
    campaign = Campaign(SPACE, FRONT, seed=1, initial=4)
    for item in campaign.ask(2):
        whole = _outcomes(item.factors)
        campaign.tell(item.number, {"y": whole["y"], "c": whole["c"]})
    with pytest.raises(InputError, match="2 measured trials say nothing"):
        stopping_several(SPACE, FRONT, campaign.history, 0.1)
