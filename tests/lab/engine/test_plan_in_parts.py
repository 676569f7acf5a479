"""Many new runs are placed some at a time, so that no single plan holds up the engine; in the end all have a place."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.domain import event as ev
from lab.engine import messages as msg
from lab.engine import timeline
from lab.engine.clock import VirtualClock
from lab.engine.virtual_loop import run_virtual
from tests.lab.engine.kit import campaign_started
from tests.lab.engine.shell_bench import ShellBench, bench_context
from tests.support.closed_loop import ClosedLoop, PlannedContext
from tests.support.workload_plans import UNIT_S, workload_plans

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from lab.records.journal import Journal


def exact(_random, step):
    return step.duration_s


@pytest.fixture(scope="module")
def begun() -> ClosedLoop:
    return ClosedLoop(workload_plans(), 24, takes=exact).run(until_s=2.0)


def test_each_part_places_some_and_says_that_more_are_to_come(begun):
    parts = begun.planned
    assert [part.partial for part in parts] == [True, True, False]
    new = [{slot.run for slot in part.slots} for part in parts]
    assert [len(runs) for runs in new] == [timeline._PART] * 3
    assert parts[0].whole
    assert not any(part.whole for part in parts[1:]), "a part says what it adds"
    assert set().union(*new) == {f"kit-1/r{n:03}" for n in range(1, 25)}


def test_the_first_steps_begin_meanwhile(begun):
    kinds = [event.kind for event in begun.events]
    first = kinds.index("command_intended")
    last_plan = max(n for n, kind in enumerate(kinds) if kind == "timeline_planned")
    assert first < last_plan


def test_the_whole_campaign_takes_no_longer_than_placed_at_once(monkeypatch):
    in_parts = ClosedLoop(workload_plans(), 24, takes=exact).run()
    monkeypatch.setattr(timeline, "_MANY", 1000)
    at_once = ClosedLoop(workload_plans(), 24, takes=exact).run()
    assert not any(plan.partial for plan in at_once.planned)
    assert in_parts.makespan_s == pytest.approx(at_once.makespan_s, abs=UNIT_S)
    assert in_parts.broken == at_once.broken == set()


def test_few_runs_are_placed_at_once():
    loop = ClosedLoop(workload_plans(), 12, takes=exact).run(until_s=2.0)
    assert [plan.partial for plan in loop.planned] == [False]


def test_nothing_is_judged_or_searched_on_a_part():
    loop = ClosedLoop(workload_plans(), 24, takes=exact, evaluations=5).run(until_s=20.0)
    seen = [e for e in loop.events if isinstance(e, ev.TimelinePlanned | ev.PlanJudged)]
    for one, two in itertools.pairwise(seen):
        if isinstance(two, ev.PlanJudged):
            assert not (isinstance(one, ev.TimelinePlanned) and one.partial)
    assert len(loop.inflight.improve_for) == 24


def test_a_device_that_is_away_meanwhile_keeps_nobody_from_a_place():
    loop = ClosedLoop(workload_plans(), 24, takes=exact)
    loop.run(until_s=1.0)
    loop._record(ev.DeviceStateChanged(device="washer_device", state="lost"))
    loop.run(until_s=5.0)
    campaign = loop.state.active_campaign
    assert campaign is not None
    assert not campaign.partial
    assert len({slot.run for slot in campaign.slots}) == 24


class HastyClock(VirtualClock):
    """Time passes with each look at it, as it does while a real engine works."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._looks = 0

    def now(self) -> datetime:
        self._looks += 1
        return super().now() + timedelta(milliseconds=5 * self._looks)


class Batches:
    """A journal that keeps what was written at once: that is what one turn of the loop has done."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.written: list[list[ev.Event]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def append(self, events: list[tuple[ev.Event, datetime]]) -> list[ev.Recorded]:
        self.written.append([event for event, _ in events])
        return self._journal.append(events)


def test_each_turn_of_the_loop_makes_one_part_however_slow_it_is(tmp_path: Path) -> None:
    books: list[Batches] = []

    def spied(journal: Journal) -> Batches:
        books.append(Batches(journal))
        return books[-1]

    def alike(_state: object, _campaign: str, count: int) -> tuple[msg.Proposal, ...]:
        return tuple(msg.Proposal({"x": 0.5}, "sobol") for _ in range(count))

    async def main() -> None:
        context = PlannedContext((bench_context().plan,))
        bench = ShellBench(tmp_path, context, campaign_started(24, parallel=24, batch=24))
        bench.clock = HastyClock(asyncio.get_running_loop())
        async with bench.hosts(), bench.running(wrap=spied, suggest=alike) as (engine, _):
            await bench.until(lambda: len(planned()) >= 3)
            assert len(engine.state.campaigns["kit-1"].choices) == 24

    def planned() -> list[list[ev.TimelinePlanned]]:
        found = [
            [e for e in batch if isinstance(e, ev.TimelinePlanned)] for batch in books[0].written
        ]
        return [plans for plans in found if plans]

    run_virtual(main())
    parts = [plan.partial for plans in planned()[:3] for plan in plans]
    assert parts == [True, True, False]
