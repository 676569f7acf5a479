"""The simulated lab's procedure names every act by its volume, and its optimiser is the same each time."""

from __future__ import annotations

import itertools

import pytest

from lab.domain.state import LabState
from lab.faults.knobs import Knobs, NetworkKnobs, RoomKnobs, Scale, StoreKnobs
from lab.faults.procedure import (
    FaultContext,
    _even,
    campaign_of,
    capabilities,
    suggest,
    volume_of,
)

QUIET = Knobs(frozenset(), 5.0, NetworkKnobs(), StoreKnobs(), RoomKnobs(), trials=3)
WARM = Knobs(
    frozenset(), 5.0, NetworkKnobs(), StoreKnobs(), RoomKnobs(), warms=True, interlock=True
)


def test_every_step_that_acts_once_has_a_volume_of_its_own():
    volumes: list[object] = []
    for trial, version in itertools.product(range(1, 10), (1, 2)):
        [plan] = FaultContext(QUIET, version).candidates(trial, {})
        volumes += [step.args["volume"] for step in plan.steps if step.effect == "once"]
    assert len(volumes) == len(set(volumes)) == 9 * 2 * 5


def test_two_doses_fit_into_the_pot_and_a_third_does_not():
    for trial in (1, 9):
        first, second = volume_of(trial, 1), volume_of(trial, 2)
        assert first + second <= Scale().pot_ul < first + second + volume_of(trial + 1, 1)


def test_emptying_takes_whatever_is_there():
    [plan] = FaultContext(QUIET).candidates(1, {})
    empty = plan.step("empty")
    assert empty.safe_state
    assert float(str(empty.args["volume"])) * 1000 > 2 * Scale().pot_ul


def test_what_warms_has_a_heater_and_an_interlock_where_it_is_drawn():
    assert "heater" in capabilities(WARM)
    assert "heater" not in capabilities(QUIET)
    [plan] = FaultContext(WARM).candidates(1, {})
    assert plan.step("warm").effect == "absolute"
    assert plan.step("cool").safe_state
    assert [lock.blocks for lock in FaultContext(WARM).interlocks] == [("pump",)]
    assert FaultContext(QUIET).interlocks == ()


def test_a_soak_is_a_window_between_dose_and_weighing():
    scale = Scale(soak_s=4300.0)
    knobs = Knobs(frozenset(), 5.0, NetworkKnobs(), StoreKnobs(), RoomKnobs(), scale=scale)
    [plan] = FaultContext(knobs).candidates(1, {})
    [window] = plan.timing
    assert (window.from_steps, window.to_steps, window.more_than_s) == (
        ("top-up",),
        ("weigh",),
        4300.0,
    )


def test_what_it_never_asks_is_refused():
    context = FaultContext(QUIET)
    [plan] = context.candidates(1, {})
    with pytest.raises(ValueError, match="has no"):
        context.check(plan, None, "dose", {})  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="late argument"):
        context.argument(plan, None, {})  # pyright: ignore[reportArgumentType]
    assert context.results(plan, {}) == {}
    assert context.results(plan, {"weigh": {"mass": 2.5}})["mass"].value == 2.5


def test_suggestions_fill_the_interval_evenly_and_without_chance():
    assert [_even(n) for n in (1, 2, 3, 4)] == [0.5, 0.25, 0.75, 0.125]
    from lab.domain.event import Recorded
    from lab.domain.reduce import reduce
    from tests.lab.faults.test_store import AT

    begun = reduce(LabState(), Recorded(seq=1, epoch=1, at=AT, event=campaign_of(QUIET, 1)))
    found = suggest(begun, "faults-1", 3)
    assert [proposal.factors["x"] for proposal in found] == [0.5, 0.25, 0.75]
    assert found == suggest(begun, "faults-1", 3)
