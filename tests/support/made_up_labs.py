"""Snapshots to plan: the electrolyte lab, plans from a few words, labs made up by hypothesis, and later moments of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from lab.domain.plan import Plan, PlannedStep, TimeWindow
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


@st.composite
def timed(draw: st.DrawFn, plan: Plan) -> Plan:
    """The plan with up to three limits on time, from a step to one that comes after it: shortest, longest or both."""
    later = _later(plan)
    pairs = [(one, two) for one, found in later.items() for two in sorted(found)]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=3, unique=True)) if pairs else []
    windows: list[TimeWindow] = []
    for number, (one, two) in enumerate(chosen):
        least = draw(st.none() | st.integers(0, 20))
        most = (
            (least or 0) + draw(st.integers(0, 120))
            if least is None
            else draw(st.none() | st.integers(least, 150))
        )
        windows.append(
            TimeWindow(
                name=f"w{number}",
                from_steps=(one,),
                from_mark=draw(st.sampled_from(["start", "end"])),
                to_steps=(two,),
                to_mark=draw(st.sampled_from(["start", "end"])),
                more_than_s=least,
                less_than_s=most,
            )
        )
    return plan.model_copy(update={"timing": tuple(windows)})


def _later(plan: Plan) -> dict[str, set[str]]:
    """Step -> steps that come after it in any case."""
    later: dict[str, set[str]] = {item.path: set() for item in plan.steps}
    for item in reversed(plan.steps):
        for need in item.needs:
            later[need] |= {item.path} | later[item.path]
    return later


@st.composite
def timed_labs(draw: st.DrawFn) -> PlanningSnapshot:
    """A laboratory made up with limits on time; the same ones in each binding of a run, so that plans can be told apart."""
    snapshot = draw(made_up_labs())
    runs: list[RunSnapshot] = []
    for run in snapshot.runs:
        limits = draw(timed(run.plans[0])).timing
        plans = tuple(plan.model_copy(update={"timing": limits}) for plan in run.plans)
        runs.append(RunSnapshot(run.run, plans, priority=run.priority))
    return PlanningSnapshot(
        snapshot.now_s, tuple(runs), snapshot.device_free_s, snapshot.stations_free_s
    )
