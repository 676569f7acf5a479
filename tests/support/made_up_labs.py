"""Snapshots to plan: the electrolyte lab, plans from a few words, labs made up by hypothesis, and later moments of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from lab.domain.plan import Plan, PlannedStep
from lab.plan.schedule import PlanningSnapshot, RunningStep, RunSnapshot, Schedule
from tests.support.sop_files import plans

if TYPE_CHECKING:
    from collections.abc import Sequence

CELLS = plans()


def electrolyte(number: int, now: float = 0.0, **more) -> PlanningSnapshot:
    runs = tuple(RunSnapshot(f"r{index:03d}", CELLS) for index in range(number))
    return PlanningSnapshot(now, runs, **more)


def step(
    path: str, device: str, seconds: float, needs: Sequence[str] = (), claims: Sequence[str] = ()
):
    return PlannedStep(
        path=path, title=path, capability="c", action="a", device=device, needs=tuple(needs),
        claims=tuple(claims), duration_s=seconds, timeout_s=10 * seconds + 1,
    )  # fmt: skip


def plan_of(*steps: PlannedStep) -> Plan:
    stations = tuple(dict.fromkeys(claim for item in steps for claim in item.claims))
    return Plan(
        sop_id="s", sop_version="1.0.0", sop_sha256="0", bindings={}, parameters={},
        stations=stations, steps=steps,
    )  # fmt: skip


def cut(
    snapshot: PlanningSnapshot, planned: Schedule, now: float, late: float = 0.0
) -> PlanningSnapshot:
    """The lab at `now`, when all went as planned (running steps end `late` seconds later than planned)."""
    runs: list[RunSnapshot] = []
    for run in snapshot.runs:
        mine = [slot for slot in planned.timeline.slots if slot.run == run.run]
        finished = {slot.step: slot.end_s for slot in mine if slot.end_s <= now}
        running = {
            slot.step: RunningStep(slot.start_s, slot.end_s + late)
            for slot in mine
            if slot.start_s <= now < slot.end_s
        }
        begun = finished or running
        candidates = (planned.plans[run.run],) if begun else run.plans
        runs.append(RunSnapshot(run.run, candidates, finished, running, run.priority))
    return PlanningSnapshot(now, tuple(runs))


@st.composite
def made_up_plans(draw: st.DrawFn) -> tuple[Plan, ...]:
    """One procedure as a random graph, in one to three bindings that differ in devices and stations."""
    count = draw(st.integers(1, 6))
    needs = [
        sorted(draw(st.sets(st.integers(0, index - 1), max_size=2))) if index else []
        for index in range(count)
    ]
    lengths = [float(draw(st.integers(0, 40))) for _ in range(count)]
    roles = [draw(st.integers(0, 3)) for _ in range(count)]
    places = [draw(st.sets(st.sampled_from("xyz"), max_size=2)) for _ in range(count)]
    found: list[Plan] = []
    for binding in range(draw(st.integers(1, 3))):
        doubled = draw(st.sets(st.sampled_from("xyz"), max_size=2))
        found.append(
            plan_of(
                *(
                    step(
                        f"s{index}",
                        f"d{roles[index]}{binding if roles[index] % 2 else ''}",
                        lengths[index],
                        [f"s{need}" for need in needs[index]],
                        [f"{p}{binding if p in doubled else ''}" for p in sorted(places[index])],
                    )
                    for index in range(count)
                )
            )
        )
    return tuple(found)


@st.composite
def made_up_labs(draw: st.DrawFn) -> PlanningSnapshot:
    kinds = [draw(made_up_plans()) for _ in range(draw(st.integers(1, 2)))]
    runs = tuple(
        RunSnapshot(f"r{index}", draw(st.sampled_from(kinds)), priority=draw(st.integers(0, 2)))
        for index in range(draw(st.integers(1, 6)))
    )
    free = draw(
        st.dictionaries(st.sampled_from(["d0", "d1", "d2", "d30"]), st.floats(0, 99), max_size=2)
    )
    stations = draw(
        st.dictionaries(st.sampled_from(["x", "y0", "z"]), st.floats(0, 99), max_size=2)
    )
    return PlanningSnapshot(draw(st.floats(0, 50)), runs, free, stations)
