"""The model in the background: asked once per number of finished trials, never waited for."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from dashboard.model import ModelDesk, Slice, fit_slice
from lab.domain.errors import LabError
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from tests.support.sample_journal import CAMPAIGN, sample_records

LAB = reduce_all(LabState(), sample_records())
STATE = LAB.campaigns[CAMPAIGN]
EARLY = replace(STATE, trials={n: t for n, t in STATE.trials.items() if n <= 2})


class Fitter:
    """Counts orders and answers when allowed."""

    def __init__(self) -> None:
        self.orders: list[tuple[int, str, str | None]] = []
        self.go = threading.Event()
        self.error: LabError | None = None

    def __call__(self, _lab, campaign, x, y):
        self.orders.append((len(campaign.trials), x, y))
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error
        return Slice((0.0,), (), ((float(len(campaign.trials)),),), ((0.1,),))


@pytest.fixture
def fitter():
    return Fitter()


@pytest.fixture
def desk(fitter):
    made = ModelDesk(fitter)
    yield made
    fitter.go.set()
    made.close()


def until_fresh(desk, campaign, x="a", y=None):
    for _ in range(500):
        found, fresh = desk.slice(LAB, campaign, x, y)
        if fresh:
            return found
        threading.Event().wait(0.01)
    raise AssertionError("no slice came")


def test_nobody_waits_and_it_is_fitted_once(desk, fitter):
    for _ in range(5):
        assert desk.slice(LAB, EARLY, "a", None) == (None, False)
    fitter.go.set()
    assert until_fresh(desk, EARLY).mean == ((2.0,),)
    for _ in range(5):
        assert desk.slice(LAB, EARLY, "a", None)[1]
    assert len(fitter.orders) == 1


def test_a_new_finished_trial_asks_again_and_the_old_slice_stands_meanwhile(desk, fitter):
    fitter.go.set()
    until_fresh(desk, EARLY)
    fitter.go.clear()
    old, fresh = desk.slice(LAB, STATE, "a", None)
    assert (old.mean, fresh) == (((2.0,),), False)
    fitter.go.set()
    assert until_fresh(desk, STATE).mean == ((8.0,),)
    assert len(fitter.orders) == 2


def test_a_pending_trial_changes_nothing(desk, fitter):
    fitter.go.set()
    until_fresh(desk, EARLY)
    more = replace(
        EARLY,
        trials={
            **EARLY.trials,
            9: replace(EARLY.trials[1], number=9, status="pending", value=None),
        },
    )
    assert desk.slice(LAB, more, "a", None)[1]
    assert len(fitter.orders) == 1


def test_other_factors_are_another_slice(desk, fitter):
    fitter.go.set()
    until_fresh(desk, EARLY)
    until_fresh(desk, EARLY, "a", "b")
    assert [order[1:] for order in fitter.orders] == [("a", None), ("a", "b")]


def test_orders_that_are_outdated_before_they_begin_are_dropped(desk, fitter):
    desk.slice(LAB, EARLY, "busy", None)  # the thread works on this one
    desk.slice(LAB, EARLY, "a", None)
    desk.slice(LAB, STATE, "a", None)
    fitter.go.set()
    until_fresh(desk, STATE)
    assert [order for order in fitter.orders if order[1] == "a"] == [(8, "a", None)]


def test_a_fit_that_fails_is_told_each_time(desk, fitter):
    fitter.error = LabError("singular")
    fitter.go.set()
    with pytest.raises(LabError, match="singular"):
        until_fresh(desk, EARLY)
    with pytest.raises(LabError, match="singular"):
        desk.slice(LAB, EARLY, "a", None)


@pytest.mark.slow
def test_the_real_model_knows_what_it_was_told():
    along = fit_slice(LAB, STATE, "concentrate_volume", None)
    assert along.y == ()
    assert len(along.x) == len(along.mean[0]) == len(along.sd[0])
    assert (along.x[0], along.x[-1]) == (0.5, 7.0)
    assert all(sd > 0 for sd in along.sd[0])
    best = STATE.best()
    assert best is not None
    assert max(along.mean[0]) == pytest.approx(best.value, abs=1.0)
    both = fit_slice(LAB, STATE, "concentrate_volume", "dilute_volume")
    assert len(both.mean) == len(both.y) == len(both.x)
    with pytest.raises(LabError):
        fit_slice(LAB, EARLY, "nonsense", None)
