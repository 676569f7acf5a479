"""The hydrolysis of an ester: rate constants as they were simulated, a quench in time, and one that fails."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from lab.domain import event as ev
from simulators.chemistry.saponification import ACTIVATION_ENERGY_KJ_MOL, rate_constant
from tests.sops.virtual import changed_example, run_example, run_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sops.virtual import VirtualRun

pytestmark = pytest.mark.timeout(120)


def temperature_k(done: VirtualRun, run: int) -> float:
    return float(str(done.runs[run].plan.parameters["temperature"])) + 273.15


def test_rate_constants_and_activation_energy_are_recovered() -> None:
    done = run_example("ester_hydrolysis", 3)
    found: list[tuple[float, float]] = []
    for number, run in enumerate(done.runs):
        assert run.status == "succeeded", run.reason
        value, deviation = done.result("rate_constant", number)
        true = rate_constant(temperature_k(done, number))
        assert 0.01 * true < deviation < 0.03 * true
        # 1 % for the time that it takes to mix
        assert abs(value - true) < 2.0 * deviation + 0.01 * true
        found.append((1.0 / temperature_k(done, number), math.log(value)))
    (x1, y1), (x2, y2) = min(found), max(found)
    energy = 8.314462618e-3 * (y1 - y2) / (x2 - x1)
    span = 8.314462618e-3 * 0.03 / (x2 - x1)
    assert span < 0.3 * ACTIVATION_ENERGY_KJ_MOL
    assert energy == pytest.approx(ACTIVATION_ENERGY_KJ_MOL, abs=2.0 * span)


def test_another_rate_is_told_from_that_of_the_literature(tmp_path: Path) -> None:
    campaign = changed_example(
        "ester_hydrolysis",
        tmp_path,
        (
            "lab.yaml",
            "chemistry: saponification\n",
            "chemistry: saponification\n  settings: {rate_constant: 0.07}\n",
        ),
    )
    done = run_files(campaign, 1)
    value, deviation = done.result("rate_constant")
    true = rate_constant(temperature_k(done, 0), 0.07)
    assert abs(value - true) < 2.0 * deviation + 0.01 * true
    assert abs(value - rate_constant(temperature_k(done, 0))) > 10.0 * deviation


def test_the_quench_comes_when_it_is_due() -> None:
    done = run_example("ester_hydrolysis", 3)
    for run in done.runs:
        record = run.timing["reaction_time"]
        assert record.kept
        assert 120.0 <= record.lag_s < 122.0
        assert run.plan.parameters["reaction_time"] == record.more_than_s == 120.0
        assert run.steps["not_quenched"].status == "skipped"


def test_the_titration_ends_at_the_first_portion_beyond_the_end_point() -> None:
    done = run_example("ester_hydrolysis", 3)
    for number, run in enumerate(done.runs):
        rounds = [
            float(str(step.outputs["ph"]))
            for path, step in run.steps.items()
            if path.startswith("reading[") and step.status == "succeeded"
        ]
        assert rounds == sorted(rounds)
        assert rounds[-2] < 8.4 <= rounds[-1]
        conversion, _ = done.result("conversion", number)
        used, _ = done.result("titrant_used", number)
        # what is left of the base and the titrant neutralise the acid
        assert 0.8 * (1 - conversion / 100) + 0.1 * (used - 0.02) == pytest.approx(1.25)


def test_an_acid_that_is_too_weak_costs_the_sample_and_nothing_else(tmp_path: Path) -> None:
    campaign = changed_example(
        "ester_hydrolysis", tmp_path, ("lab.yaml", "HCl: 1.0 mol/L", "HCl: 0.2 mol/L")
    )
    done = run_files(campaign, 1)
    [run] = done.runs
    assert run.decisions["acid_in_excess"] is True
    assert run.status == "aborted"
    assert "the acid did not stop the reaction" in run.reason
    assert run.steps["first"].status != "succeeded", "no titrant is wasted on it"
    assert run.steps["clear_reactor"].status == "succeeded"
    assert done.world.vessel("reactor").volume_ml == pytest.approx(0.0, abs=1e-6)


def test_a_second_person_witnesses_the_standardisation() -> None:
    done = run_example("ester_hydrolysis", 3)
    signed = {
        (event.run, event.step, event.kind)
        for event in done.events
        if isinstance(event, ev.TaskAnswered | ev.TaskWitnessed)
    }
    assert signed == {
        (run.id, "prepare", kind)
        for run in done.runs
        for kind in ("task_answered", "task_witnessed")
    }
