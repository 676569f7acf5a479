"""What the check foretells, against what then happens: volumes in every vessel, and times between steps.

The volumes of the simulated world are the sums of its log of physical acts, which no device and no driver writes. Each
example does two runs, the second in vessels that the first has used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.devices.capability import CAPABILITIES
from lab.domain.quantity import Quantity
from lab.engine.clock import VIRTUAL_START
from lab.sop.contents import final_levels, levels
from lab.sop.references import References
from lab.sop.unfold import Unfolded
from lab.sop.value import Value
from lab.sop.volumes import NOTHING, place_of, transfers_of
from tests.sops.virtual import EXAMPLES, VirtualRun, run_example

if TYPE_CHECKING:
    from lab.domain.state import RunState
    from lab.sop.procedure import Box, Setting

MICROLITRE = 1e-3
"""mL"""
FOUR_DIGITS = 5e-3
"""mL; half of the last digit that the pump's protocol has for a dose of 10 mL and more. The second run's are no round
numbers."""
VIRTUAL_EPOCH_S = VIRTUAL_START.timestamp()
"""Process seconds of the journal when the virtual clock stands at 0."""

Starts = dict[str, tuple[Value, Value]]
"""Container -> least and most in it when the run begins."""
Levels = dict[str, list[tuple[str, float, float]]]
"""Container -> (path of a step, least and most mL in it afterwards)."""


def parameters(done: VirtualRun, run: RunState) -> tuple[Box, dict[str, Setting]]:
    """The parameters that the run had."""
    sop = done.files.bundle.procedure.sop
    box: Box = {}
    settings: dict[str, Setting] = {}
    for name, value in run.plan.parameters.items():
        if name in sop.quantities:
            assert isinstance(value, int | float)
            quantity = Quantity(float(value), sop.quantities[name].unit)
            box[name] = (quantity, quantity)
        elif name in sop.options:
            assert isinstance(value, str | bool)
            settings[name] = value
    return box, settings


def predicted(
    done: VirtualRun, run: RunState, *, taken: bool, found: Starts | None = None
) -> tuple[Levels, Levels]:
    """Levels after each step, and in the end. `taken`: of the steps that the run has taken, as if no others were;
    `found`: what was in the vessels when the run came to them, where that is known."""
    procedure = done.files.bundle.procedure
    flat = procedure.flat
    if taken:
        ended = {
            path: step.ended_s for path, step in run.steps.items() if step.status == "succeeded"
        }
        steps = [step for step in flat.steps if step.path in ended]
        steps.sort(key=lambda step: ended[step.path] or 0.0)
        order = [step.path for step in steps]
        flat = Unfolded(
            [
                replace(step, when=(), needs=tuple(order[max(0, number - 1) : number]))
                for number, step in enumerate(steps)
            ],
            flat.safe,
            [],
            flat.calls,
        )
    box, settings = parameters(done, run)
    references = References(procedure.flat, CAPABILITIES)
    asked = (flat, procedure.sop, CAPABILITIES, box, settings, references, found)
    along = {
        name: [(path, *_bounds(least, most)) for path, least, most in lines]
        for name, lines in levels(*asked).items()
    }
    final = {name: [("", *_bounds(*pair))] for name, pair in final_levels(*asked).items()}
    return along, final


def _bounds(least: Value, most: Value) -> tuple[float, float]:
    return least.bounds("mL")[0], most.bounds("mL")[1]


def simulated(done: VirtualRun, run: RunState, container: str, until_s: float) -> float:
    """mL in the vessel that was the container, at that time of the journal, from the log of physical acts."""
    station = vessel(done, run, container)
    volume = 0.0
    for act in done.world.acts:
        if act.kind == "dispense" and act.at_s <= until_s - VIRTUAL_EPOCH_S + 1e-6:
            moved = float(act.detail["volume_ml"])
            volume += moved * (act.detail["into"] == station)
            volume -= moved * (act.detail.get("draws") == station)
    return volume


def starts(done: VirtualRun, run: RunState) -> Starts:
    """Container -> what was in it, as the run found it."""
    volumes = {
        name: Value.of(Quantity(before(done, run, name), "mL"))
        for name in done.files.bundle.procedure.sop.containers
    }
    return {name: (there, there) for name, there in volumes.items()}


def before(done: VirtualRun, run: RunState, container: str) -> float:
    """mL in the vessel when the first step of the run that works with it began."""
    procedure = done.files.bundle.procedure
    # a choice among the parameters decides before the run, and leaves out the steps of the others
    planned = [step for step in procedure.flat.steps if step.path in run.steps]
    steps = [run.steps[step.path] for step in planned]
    first = min(step.started_s for step in steps if step.started_s is not None)
    for step in planned:
        at = place_of(step, procedure.sop) == container
        moves = transfers_of(step, procedure.sop, CAPABILITIES)
        started_s = run.steps[step.path].started_s
        if started_s is not None and (at or any(container in (m.source, m.target) for m in moves)):
            return simulated(done, run, container, started_s)
    return simulated(done, run, container, first)


def vessel(done: VirtualRun, run: RunState, container: str) -> str:
    station = run.plan.bindings[container]
    well = run.plan.parameters.get("well")
    return f"{station}:{well}" if station in done.files.lab.plates else station


def differences(
    done: VirtualRun, run: RunState, *, taken: bool, found: Starts | None = None
) -> dict[str, float]:
    """Container -> by how many mL the world leaves the levels that were foretold, at most."""
    along, _ = predicted(done, run, taken=taken, found=found)
    beyond: dict[str, float] = {}
    for name, lines in along.items():
        beyond[name] = 0.0
        for path, least, most in lines:
            if path not in run.steps or run.steps[path].status != "succeeded":
                continue
            ended_s = run.steps[path].ended_s
            assert ended_s is not None
            there = simulated(done, run, name, ended_s)
            beyond[name] = max(beyond[name], least - there, there - most)
    return beyond


@pytest.mark.timeout(120)
@pytest.mark.parametrize("example", EXAMPLES)
def test_volumes_are_those_that_the_check_foretells(example: str) -> None:
    done = run_example(example, 2, exact_doses=True)
    assert len(done.runs) == 2
    for run, near in zip(done.runs, (MICROLITRE, FOUR_DIGITS), strict=True):
        assert run.status == "succeeded", run.reason
        # what may happen holds what did, and of the steps that were taken nothing is left open
        there = starts(done, run)
        for taken, found in ((False, None), (True, None), (True, there)):
            beyond = differences(done, run, taken=taken, found=found)
            assert set(beyond) == set(done.files.bundle.procedure.sop.containers)
            assert all(volume < near for volume in beyond.values()), (taken, found, beyond)
        along, final = predicted(done, run, taken=True, found=there)
        for lines in (*along.values(), *final.values()):
            assert all(most - least < MICROLITRE for _, least, most in lines)
        assert run.ended_s is not None
        for name, [(_, least, _)] in final.items():
            left = simulated(done, run, name, run.ended_s)
            assert left == pytest.approx(least, abs=near), name
            assert done.world.vessel(vessel(done, run, name)).spilled_ml == 0.0, name


@pytest.mark.timeout(120)
def test_the_second_run_begins_with_what_the_first_could_not_draw() -> None:
    done = run_example("ph_calibration", 2, exact_doses=True)
    first, second = done.runs
    assert before(done, first, "cell") == 0.0
    assert before(done, second, "cell") == pytest.approx(0.3, abs=MICROLITRE)
    # counted as if the cell were dry, the second run leaves what was foretold
    dry = {"cell": (NOTHING, NOTHING)}
    along, _ = predicted(done, second, taken=True, found=dry)
    path, _, most = along["cell"][0]
    ended_s = second.steps[path].ended_s
    assert ended_s is not None
    assert simulated(done, second, "cell", ended_s) - most == pytest.approx(0.3, abs=MICROLITRE)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("example", EXAMPLES)
def test_no_time_is_broken_that_the_check_found_possible(example: str) -> None:
    done = run_example(example, 2, exact_doses=True)
    for run in done.runs:
        # the files are without blocking findings, so all these limits can be kept together
        assert {window.name for window in run.plan.timing} == set(run.timing)
        assert all(record.kept for record in run.timing.values()), run.timing
        assert not [flag for flag in run.flags if flag.kind == "timing"]


@pytest.mark.timeout(120)
def test_the_comparison_sees_a_pump_that_errs() -> None:
    done = run_example("pump_calibration", 1)
    [run] = done.runs
    dose = float(str(run.plan.parameters["volume"]))
    beyond = differences(done, run, taken=True)["pot"]
    # seven doses, each about 2 % too large
    assert beyond == pytest.approx(7 * 0.02 * dose, rel=0.25)


@pytest.mark.timeout(120)
def test_an_undecided_titration_is_told_as_a_range_and_a_decided_one_as_a_number() -> None:
    done = run_example("ester_hydrolysis", 2, exact_doses=True)
    run = done.runs[0]
    before, _ = predicted(done, run, taken=False)
    after, _ = predicted(done, run, taken=True)
    drained = {path: (least, most) for path, least, most in before["reactor"]}
    assert drained["drain"] == (0.0, 0.0), "whatever the titration took, the reactor is empty then"
    widths = [most - least for _, least, most in before["reactor"]]
    assert max(widths) > 1.0
    assert max(most - least for _, least, most in after["reactor"]) < MICROLITRE


def test_all_shipped_examples_are_looked_at() -> None:
    assert len(EXAMPLES) >= 7
