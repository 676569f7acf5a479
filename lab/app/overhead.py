"""`lab bench overhead`: what a step costs beside its device's work, with everything real but the device.

A real engine, its journal in a real database, real device hosts with their ledger, a real bus; the device's action does
nothing. Beside it, in the same run, what the disk and the broker need at least: one flush, one round trip.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from lab.app.overhead_lab import LAB, NoOpContext, device_names, serve_devices
from lab.bus.memory import MemoryBus, MemoryTransport
from lab.domain import event as ev
from lab.domain.errors import LabError, UnavailableError
from lab.engine import messages as msg
from lab.engine.clock import ScaledClock
from lab.engine.shell import Engine
from lab.records.database import database_url, open_database
from lab.records.journal import Journal, read_records

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from lab.bus.transport import Transport
    from lab.domain.state import LabState

__all__ = ["bench_overhead"]

_TRIES = 100


@dataclass(frozen=True, slots=True)
class _Floor:
    """What nothing that is durable and goes over that bus can beat; milliseconds, medians."""

    flush_ms: float
    round_trip_ms: float


def bench_overhead(
    *,
    samples: int,
    steps: int,
    broker: str | None,
    database: str | None,
    folder: Path | None = None,
) -> dict[str, Any]:
    """`broker`: URL, or None for the bus within the process. `database`: URL of a PostgreSQL database that may be written
    to, or None for SQLite. One sample after another, and all at once."""
    with TemporaryDirectory(dir=folder) as name:
        return asyncio.run(_measure(samples, steps, broker, database, Path(name)))


async def _measure(
    samples: int, steps: int, broker: str | None, database: str | None, folder: Path
) -> dict[str, Any]:
    floor = _Floor(
        _flush_ms(folder) if database is None else _commit_ms(database),
        await _round_trip_ms(broker),
    )
    alone = await _run(1, steps, broker, database, folder)
    together = await _run(samples, steps, broker, database, folder)
    least = floor.flush_ms + floor.round_trip_ms
    return {
        "bus": "in-process" if broker is None else "mqtt",
        "store": "sqlite" if database is None else "postgres",
        "flush_ms": round(floor.flush_ms, 3),
        "round_trip_ms": round(floor.round_trip_ms, 3),
        "one_at_a_time": {**alone, "ratio": round(float(alone["ms_per_step"]) / least, 2)},
        "at_once": together,
        "load": round(os.getloadavg()[0], 1),
    }


async def _run(
    samples: int, steps: int, broker: str | None, database: str | None, folder: Path
) -> dict[str, float]:
    name = f"{samples}-{steps}"
    url = database or database_url(str(folder / f"{name}.db"))
    async with AsyncExitStack() as stack:
        connect: Callable[[], Transport]
        if broker is None:
            bus = MemoryBus()

            def connect() -> Transport:
                return MemoryTransport(bus)

            hosts = await stack.enter_async_context(connect())
            await stack.enter_async_context(
                serve_devices(samples, hosts, folder / f"{name}.ledger", boot=name)
            )
        else:
            from lab.bus.mqtt import MqttTransport

            def connect() -> Transport:
                return MqttTransport(broker)

            await stack.enter_async_context(
                _own_process(samples, broker, folder / f"{name}.ledger", name)
            )
        transport = await stack.enter_async_context(connect())
        journal = Journal(url)
        stack.callback(journal.close)
        began_seq = journal.seq
        engine = Engine(
            lab=LAB,
            devices=device_names(samples),
            journal=journal,
            identity=os.urandom(16).hex(),
            transport=transport,
            clock=ScaledClock(1.0),
            context=NoOpContext(samples, steps),
            suggest=_suggest,
            version="bench",
            beat_s=None,
        )
        running = asyncio.create_task(engine.run(_started(name, samples)))
        cpu, wall = process_time(), perf_counter()
        await running
        cpu, wall = process_time() - cpu, perf_counter() - wall
    return {
        "samples": samples,
        "steps": samples * steps,
        **_told(url, began_seq, samples * steps),
        "engine_cpu_ms_per_step": round(cpu / (samples * steps) * 1000, 3),
        "whole_run_s": round(wall, 3),
    }


def _told(url: str, after: int, steps: int) -> dict[str, float]:
    """From the first intent to the end of the last step, as the journal has it."""
    engine = open_database(url, read_only=True)
    try:
        begun: dict[str, float] = {}
        took: list[float] = []
        ends = 0.0
        events = 0
        for record in read_records(engine, after):
            at = record.at.timestamp()
            events += 1
            if isinstance(record.event, ev.CommandIntended):
                begun[record.event.command.id] = at
            elif isinstance(record.event, ev.CommandEnded):
                took.append(at - begun[record.event.command])
                ends = at
    finally:
        engine.dispose()
    if len(took) != steps:
        raise LabError(f"only {len(took)} of {steps} steps ended", hint="lab doctor --broker URL")
    span = ends - min(begun.values())
    took.sort()
    return {
        "ms_per_step": round(span / steps * 1000, 3),
        "steps_per_s": round(steps / span, 1),
        "events_per_s": round(events / span, 1),
        "command_ms_p50": round(statistics.median(took) * 1000, 2),
        "command_ms_p99": round(took[int(0.99 * (len(took) - 1))] * 1000, 2),
    }


def _suggest(state: LabState, campaign: str, count: int) -> tuple[msg.Proposal, ...]:
    first = len(state.campaigns[campaign].trials)
    return tuple(msg.Proposal({"x": (first + n) % 2}, "sobol") for n in range(count))


def _started(name: str, samples: int) -> ev.CampaignStarted:
    return ev.CampaignStarted(
        campaign=f"overhead-{name}-{os.urandom(4).hex()}",
        title="Steps that do nothing",
        file="",
        sop_id="no_op",
        sop_version="1.0.0",
        sop_sha256="0" * 64,
        lab_id=LAB,
        factors=(ev.FactorSpec(name="x", unit="", minimum=0, maximum=1),),
        fixed={},
        objective=ev.ObjectiveSpec(result="none", unit="", direction="maximize"),
        method="sobol",
        initial=1,
        batch=samples,
        trials=samples,
        parallel=samples,
        seed=0,
    )


# -- device hosts in a process of their own -----------------------------------------------------------


@asynccontextmanager
async def _own_process(
    samples: int, broker: str, ledger: Path, boot: str
) -> AsyncGenerator[None, None]:
    """As `lab devices host` beside the instruments."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "lab.app.overhead_lab",
        *(str(samples), broker, str(ledger), boot),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        if process.stdout is None or not await process.stdout.readline():
            raise UnavailableError(
                "the process with the device hosts did not start", hint="its own words stand above"
            )
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


# -- what the disk and the broker need at least ---------------------------------------------------------


def _median_ms(take: Callable[[], object]) -> float:
    found: list[float] = []
    for _ in range(_TRIES):
        began = perf_counter()
        take()
        found.append(perf_counter() - began)
    return statistics.median(found) * 1000


def _flush_ms(folder: Path) -> float:
    """To write 4 KiB at the end of a file and have the disk's word for it."""
    block = os.urandom(4096)
    with (folder / "flush").open("ab", buffering=0) as file:

        def take() -> None:
            file.write(block)
            os.fdatasync(file.fileno())

        return _median_ms(take)


def _commit_ms(database: str) -> float:
    """To have one row of a table of its own committed by the server."""
    from sqlalchemy import text

    engine = open_database(database)
    try:
        with engine.connect() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS bench_commit (body text)"))
            connection.commit()

            def take() -> None:
                connection.execute(text("INSERT INTO bench_commit VALUES (repeat('x', 400))"))
                connection.commit()

            found = _median_ms(take)
            connection.execute(text("DROP TABLE bench_commit"))
            connection.commit()
            return found
    finally:
        engine.dispose()


async def _round_trip_ms(broker: str | None) -> float:
    """To send 300 bytes to another connection and have them sent back."""
    from lab.bus.mqtt import MqttTransport

    bus = MemoryBus()
    payload = os.urandom(300)

    def connect() -> Transport:
        return MemoryTransport(bus) if broker is None else MqttTransport(broker)

    here, there = f"labwright/1/{LAB}/here", f"labwright/1/{LAB}/there"
    async with connect() as one, connect() as other:
        back = await one.subscribe(here)
        out = await other.subscribe(there)

        async def echo() -> None:
            async for message in out:
                await other.publish(here, message.payload)

        echoing = asyncio.create_task(echo())
        found: list[float] = []
        for _ in range(_TRIES):
            began = perf_counter()
            await one.publish(there, payload)
            await anext(back)
            found.append(perf_counter() - began)
        echoing.cancel()
        await asyncio.gather(echoing, return_exceptions=True)
        await out.close()
        await back.close()
    return statistics.median(found) * 1000
