"""The electrolyte files as the engine's core asks about them."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lab.domain import event as ev
from lab.domain.command import Command
from lab.domain.ids import command_id
from tests.lab.app.electrolyte import FACTORS, NAME, HandMade

CELLS = {"cell_1", "cell_2"}


def cell_of(plan) -> str:
    [cell] = CELLS & set(plan.stations)
    return cell


def start_step(lab: HandMade, run: str, path: str) -> str:
    planned = lab.state.runs[run].plan.step(path)
    command = Command(
        id=command_id("j1", run, path, 1),
        run=run,
        step=path,
        attempt=1,
        device=planned.device,
        action=planned.action,
        args=planned.args,
        effect=planned.effect,
        settle=planned.settle,
        timeout_s=planned.timeout_s,
    )
    lab.add(ev.CommandIntended(command=command))
    return command.id


def test_a_trial_has_a_plan_for_each_cell_and_always_the_same() -> None:
    lab = HandMade()
    plans = lab.context.candidates(1, FACTORS)
    assert {cell_of(plan) for plan in plans} == CELLS
    assert lab.context.candidates(1, dict(FACTORS)) is plans
    assert HandMade().context.candidates(1, FACTORS) == plans
    other = lab.context.candidates(1, {**FACTORS, "dilute_volume": 0.5})
    assert other != plans


@pytest.mark.parametrize("plan_index", [0, 1])
def test_every_device_of_a_plan_serves_the_cell_it_is_bound_to(plan_index: int) -> None:
    plan = HandMade().context.candidates(1, FACTORS)[plan_index]
    number = cell_of(plan)[-1]
    numbered = {step.device for step in plan.steps if step.device[-1].isdigit()}
    assert numbered
    assert {device[-1] for device in numbered} == {number}


def test_open_trials_are_planned_side_by_side_without_a_clash() -> None:
    lab = HandMade()
    for number in (1, 2, 3):
        lab.propose(number)
    planned = lab.timeline()
    runs = {slot.run for slot in planned.slots}
    assert runs == {f"{NAME}/r00{n}" for n in (1, 2, 3)}
    assert set(planned.choices) == runs
    chosen = [
        cell_of(lab.context.candidates(n, FACTORS)[planned.choices[f"{NAME}/r00{n}"]])
        for n in (1, 2)
    ]
    assert set(chosen) == CELLS, "two samples at once take a cell each"
    by_device: dict[str, list[tuple[float, float]]] = {}
    for slot in planned.slots:
        by_device.setdefault(slot.device, []).append((slot.start_s, slot.end_s))
    for spans in by_device.values():
        spans.sort()
        assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(spans))


def test_what_has_begun_keeps_its_binding_and_what_is_over_its_time() -> None:
    lab = HandMade()
    lab.propose(1)
    run = lab.begin(1, choice=1)
    first, second = (step.path for step in lab.state.runs[run].plan.steps[:2])
    command = start_step(lab, run, first)
    lab.at_s = 50.0
    lab.add(
        ev.CommandEnded.model_validate(
            {"command": command, "device": "x", "outcome": {"result": "succeeded"}}
        ),
        ev.StepSucceeded(run=run, step=first, outputs={}),
    )
    lab.at_s = 60.0
    start_step(lab, run, second)
    lab.at_s = 10_000.0
    lab.propose(2)
    planned = lab.timeline()
    assert run not in planned.choices, "its binding is final"
    slots = {slot.step: slot for slot in planned.slots if slot.run == run}
    assert slots[second].start_s == pytest.approx(60.0)
    assert slots[second].end_s >= 10_000.0, "an overdue step ends soon, not in the past"
    plan = lab.state.runs[run].plan
    later = [s for s in slots.values() if second in plan.step(s.step).needs]
    assert later
    assert all(slot.start_s >= slots[second].end_s for slot in later)
    # The cell that the first one holds is not promised to the second one before it is free.
    choice = planned.choices[f"{NAME}/r002"]
    cell = lab.context.candidates(2, FACTORS)[choice]
    held_until = max(s.end_s for s in slots.values() if cell_of(plan) in s.claims)
    if cell_of(cell) == cell_of(plan):
        mine = [s for s in planned.slots if s.run == f"{NAME}/r002" and cell_of(plan) in s.claims]
        assert min(s.start_s for s in mine) >= held_until


@pytest.mark.parametrize("state", ["lost", "disconnected", "fault", "manual"])
@pytest.mark.parametrize(("broken", "left"), [("probe_1", "cell_2"), ("hotplate_2", "cell_1")])
def test_a_device_out_of_use_sends_new_samples_to_the_other_cell(
    state: str, broken: str, left: str
) -> None:
    lab = HandMade()
    lab.device(broken, state)
    for number in (1, 2):
        lab.propose(number)
    planned = lab.timeline()
    for number in (1, 2):
        plans = lab.context.candidates(number, FACTORS)
        assert cell_of(plans[planned.choices[f"{NAME}/r00{number}"]]) == left
    lab.device(broken, "ready")
    both = {
        cell_of(lab.context.candidates(n, FACTORS)[lab.timeline().choices[f"{NAME}/r00{n}"]])
        for n in (1, 2)
    }
    assert both == CELLS


def test_a_run_that_waits_for_a_broken_device_does_not_lure_the_next_ones_to_it() -> None:
    lab = HandMade()
    lab.propose(1)
    plans = lab.context.candidates(1, FACTORS)
    first = next(n for n, plan in enumerate(plans) if cell_of(plan) == "cell_1")
    run = lab.begin(1, choice=first)
    lab.device("probe_1", "fault")
    for number in (2, 3):
        lab.propose(number)
    planned = lab.timeline()
    assert any(slot.run == run for slot in planned.slots), "it keeps its place"
    for number in (2, 3):
        chosen = lab.context.candidates(number, FACTORS)[planned.choices[f"{NAME}/r00{number}"]]
        assert cell_of(chosen) == "cell_2"


def test_when_nothing_can_work_everything_keeps_its_place() -> None:
    lab = HandMade()
    lab.device("balance", "lost")
    lab.propose(1)
    planned = lab.timeline()
    assert planned.slots
    assert planned.choices
