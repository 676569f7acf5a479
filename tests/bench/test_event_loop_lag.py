"""How long the engine's loop is held up while a search and CP-SAT look for better plans beside it. Run with `make bench`.

A real engine under a clock of ten times real time: its journal on disk, device hosts on a bus in memory, 96 samples of
the blocking workload, durations with 10 % noise. A task that sleeps 5 ms again and again tells how much too late it wakes,
and how much CPU time the loop's thread took meanwhile: that is what the engine itself holds it up by, however busy the machine
is with other work. Before the engine begins it tells what the machine costs.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lab.bus.memory import MemoryBus, MemoryTransport
from lab.devices.host import DeviceHost, HostTiming
from lab.devices.ledger import CommandLedger
from lab.domain import event as ev
from lab.engine import messages as msg
from lab.engine.clock import ScaledClock
from lab.engine.improver import PlannerProcess
from lab.engine.shell import Engine
from lab.records.database import database_url
from lab.records.journal import Journal
from tests.lab.engine.kit import campaign_started
from tests.lab.engine.shell_bench import LAB, TinyDevice, TinyDriver, _manifest
from tests.support.closed_loop import PlannedContext, ten_percent
from tests.support.workload_plans import workload_plans

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.plan import Plan
    from lab.plan.improvement import PlanJob

SAMPLES = 96
SPEED = 10.0
SECONDS = 45.0
SEARCH_S = 20.0
"""Longer than an engine would give it, so that there is much to measure."""
NAP_S = 0.005


class Weigher(TinyDriver):
    """Does whatever it is asked, in a time drawn from one seed."""

    def __init__(self, clock: ScaledClock, plan: Plan, chance: random.Random) -> None:
        super().__init__(TinyDevice(), clock)  # pyright: ignore[reportArgumentType]
        self._plan = plan
        self._chance = chance

    async def weigh(self, act) -> dict[str, float]:
        await self._clock.sleep(ten_percent(self._chance, self._plan.step(act.command.step)))
        return {"mass": 1.0}


class Watched:
    """The planner process, and whether it is at work."""

    def __init__(self) -> None:
        self._process = PlannerProcess(SEARCH_S)
        self.working = False
        self.answers: list[int] = []

    async def improve(self, job: PlanJob):
        self.working = True
        try:
            answer = await self._process.improve(job)
            self.answers.append(len(answer.slots))
            return answer
        finally:
            self.working = False

    async def close(self) -> None:
        await self._process.close()


class Nap(NamedTuple):
    """Milliseconds that it was too long, and that the loop's thread worked meanwhile."""

    late: float
    cpu: float
    working: bool


async def naps(seconds: float, into: list[Nap], watched: Watched | None) -> None:
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        cpu = time.thread_time()
        await asyncio.sleep(NAP_S)
        late = 1e3 * (time.perf_counter() - began - NAP_S)
        working = watched is not None and watched.working
        into.append(Nap(late, 1e3 * (time.thread_time() - cpu), working))


def words(found: list[float]) -> str:
    found = sorted(found or [0.0])
    at = [found[int(share * (len(found) - 1))] for share in (0.5, 0.99, 1.0)]
    return f"median {at[0]:.1f}, p99 {at[1]:.1f}, max {at[2]:.1f} ms (n = {len(found)})"


def p99(found: list[float]) -> float:
    return sorted(found)[int(0.99 * (len(found) - 1))]


@pytest.mark.bench
@pytest.mark.timeout(600)
async def test_the_loop_goes_on_while_cp_sat_works(tmp_path: Path) -> None:
    plans = tuple(
        plan.model_copy(
            update={
                "steps": tuple(
                    step.model_copy(
                        update={"action": "weigh", "capability": "weighing", "effect": "none"}
                    )
                    for step in plan.steps
                )
            }
        )
        for plan in workload_plans()
    )
    devices = tuple(dict.fromkeys(step.device for plan in plans for step in plan.steps))
    bare: list[Nap] = []
    await naps(5.0, bare, None)
    clock, bus, chance, watched = ScaledClock(SPEED), MemoryBus(), random.Random(0), Watched()
    ledger = CommandLedger(tmp_path / "ledger.db", identity="l1")
    journal = Journal(database_url(str(tmp_path / "lab.db")))
    found: list[Nap] = []
    async with AsyncExitStack() as stack:
        stack.callback(journal.close)
        stack.callback(ledger.close)
        transport = await stack.enter_async_context(MemoryTransport(bus))
        for name in devices:
            driver: Any = Weigher(clock, plans[0], chance)
            host = DeviceHost(
                LAB, name, driver, _manifest(name, "weighing"), transport, ledger, clock,
                boot="b1", real_time=clock.wall, timing=HostTiming(heartbeat_s=1.0),
            )  # fmt: skip
            await stack.enter_async_context(host)
        engine = Engine(
            lab=LAB, devices=devices, journal=journal, identity="j1",
            transport=await stack.enter_async_context(MemoryTransport(bus)), clock=clock,
            context=PlannedContext(plans), version="0", improver=watched,
            suggest=lambda _state, _campaign, count: tuple(msg.Proposal({"x": 0.5}, "sobol") for _ in range(count)),
        )  # fmt: skip
        start = campaign_started(SAMPLES, parallel=SAMPLES, batch=SAMPLES)
        running = asyncio.create_task(engine.run(start))
        await naps(SECONDS, found, watched)
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
    again = Journal(journal.url)
    events = [record.event for record in again.read()]
    again.close()
    plans_made = sum(isinstance(event, ev.TimelinePlanned) for event in events)
    sent = sum(isinstance(event, ev.CommandIntended) for event in events)
    judged = [event for event in events if isinstance(event, ev.PlanJudged)]
    for name, taken in (
        ("bare loop", bare),
        ("engine, nothing searched", [nap for nap in found if not nap.working]),
        ("engine, CP-SAT at work", at_work := [nap for nap in found if nap.working]),
    ):
        print(f"\n{name}: late {words([nap.late for nap in taken])}")
        print(f"    CPU of the loop's thread {words([nap.cpu for nap in taken])}")
    print(
        f"{sent} commands, {plans_made} plans, answers with {watched.answers} slots, "
        f"{[(j.source, j.adopted, j.reason) for j in judged]}"
    )
    assert sent > 5
    assert len(at_work) > 500
    assert p99([nap.cpu for nap in at_work]) <= 10.0
