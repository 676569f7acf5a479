"""The planner in the engine's loop: how fast it answers, and what plans are worth when durations are not as planned."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from importlib.resources import files

import pytest

from lab.plan.formats.workload import lab_workload
from lab.plan.model.solution import broken_lags
from lab.plan.search.pull_fifo import pull_fifo
from tests.support.closed_loop import ClosedLoop
from tests.support.workload_batches import batched_loop, batched_s3, judged
from tests.support.workload_plans import UNIT_S, workload_plans

BOUND = 2697
"""Of 96 samples of S2, in units: the XRD is busy for so long; proved optimal by CP-SAT."""


def _answers(loop: ClosedLoop) -> tuple[float, float]:
    """Median and 95th percentile of replanning, in CPU milliseconds, without the first plan."""
    taken = sorted(loop.context.cpu_s[1:])
    return 1e3 * statistics.median(taken), 1e3 * taken[int(0.95 * len(taken))]


def _fifo(workload: str) -> int:
    """Makespan of pull-FIFO with 96 samples and without noise, which is printed with what it breaks."""
    text = files("lab.plan.formats").joinpath("lab_workloads.json").read_text(encoding="utf-8")
    problem = lab_workload(json.loads(text), workload, 96)
    fifo = pull_fifo(problem)
    held = len(
        {problem.operations[item.lag.first].job for item in broken_lags(problem, fifo.placed)}
    )
    print(
        f"\n{workload}-96 pull-FIFO without noise: {fifo.makespan} units, {held} samples with a broken hold"
    )
    return fifo.makespan


@pytest.mark.bench
@pytest.mark.timeout(600)
def test_96_samples_with_ten_percent_noise():
    _fifo("s2")
    broken, ends = 0, []
    for seed in range(3):
        loop = ClosedLoop(workload_plans(), 96, seed=seed).run()
        median, p95 = _answers(loop)
        tiers = dict(Counter(plan.source for plan in loop.planned))
        print(
            f"S2-96 closed loop, seed {seed}: {loop.makespan_s / UNIT_S:.0f} units (bound {BOUND}), "
            f"{len(loop.broken)} broken; {len(loop.planned)} plans {tiers}, "
            f"median {median:.1f} ms, p95 {p95:.1f} ms CPU"
        )
        broken += len(loop.broken)
        ends.append(loop.makespan_s / UNIT_S)
        assert median <= 50
        assert p95 <= 150
    assert broken <= 0.03 * 3 * 96
    assert statistics.mean(ends) <= 1.01 * BOUND


@pytest.mark.bench
@pytest.mark.timeout(1200)
def test_96_samples_of_three_procedures_with_their_batches():
    """A run is a furnace load of eight or a sample by itself; durations exact with a search beside it, then noise without."""
    fifo, lab = _fifo("s3"), batched_s3(96)
    exact = {"takes": lambda _, step: step.duration_s}
    for name, more in (
        ("no noise", exact),
        ("no noise, 20 orders tried", {**exact, "evaluations": 20}),
        *((f"seed {seed}", {"seed": seed}) for seed in range(3)),
    ):
        loop = batched_loop(lab, **more).run()
        median, p95 = _answers(loop)
        found = judged(lab, loop)
        makespan = loop.makespan_s / UNIT_S
        print(
            f"S3-96 closed loop, {name}: {makespan:.0f} units, {len(found.broken)} broken; "
            f"{len(loop.planned)} plans, median {median:.1f} ms, p95 {p95:.1f} ms CPU"
        )
        assert found.faults == []
        assert found.loads.count(("900C", 8)) == 8
        assert found.loads.count(("600C", 8)) == 4
        if "takes" in more:
            assert found.broken == set()
            assert makespan <= (0.97 if "evaluations" in more else 1.02) * fifo
        else:
            # half of what pull-FIFO breaks without noise: three minutes are short beside ten percent of twenty
            assert len(found.broken) <= 12
            assert makespan <= 1.10 * fifo


@pytest.mark.bench
@pytest.mark.timeout(1200)
def test_400_samples_that_arrive_in_batches():
    loop = ClosedLoop(workload_plans(), 400, seed=0, parallel=96, batch=8).run()
    median, p95 = _answers(loop)
    print(
        f"\nS2-400, 96 at a time, batches of 8: {loop.makespan_s / UNIT_S:.0f} units, "
        f"{len(loop.broken)} broken; {len(loop.planned)} plans, median {median:.1f} ms, p95 {p95:.1f} ms CPU"
    )
    assert p95 <= 1000
    assert len(loop.broken) <= 0.03 * 400
