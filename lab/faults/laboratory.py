"""The lab of one seed: its engine and device hosts as mortal processes, and the supervisor that starts them again."""

from __future__ import annotations

import asyncio
import math
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from lab import __version__
from lab.devices.device_line import HostTiming
from lab.devices.host import DeviceHost
from lab.devices.ledger import CommandLedger
from lab.domain.errors import RefusedError, UnavailableError
from lab.engine.shell import Engine
from lab.faults.loop import Process, SimulationLoop
from lab.faults.machine_driver import MachineDriver, machine_manifest
from lab.faults.network import Broker, SimulatedTransport
from lab.faults.power import KeptLedger, LedgerDisk
from lab.faults.procedure import LAB, FaultContext, campaign_of, capabilities, suggest
from lab.faults.room import Cable, Room
from lab.faults.store import Database, DiskError, MemoryJournal
from lab.faults.story import Story

if TYPE_CHECKING:
    from lab.domain.state import LabState
    from lab.engine import messages as msg
    from lab.faults.knobs import Knobs

__all__ = ["DEAD_MAN_S", "HostLife", "Laboratory", "SimulatedClock"]

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
DEAD_MAN_S = 10.0
"""Without a sign of the engine for so long a host that stands apart makes its machine safe."""


@dataclass(slots=True)
class HostLife:
    """One life of a device host that stands apart; `until_s` is infinite while it lives."""

    device: str
    process: Process
    since_s: float
    until_s: float = math.inf

    def end(self, at_s: float) -> None:
        self.until_s = at_s


class SimulatedClock:
    """`lab.engine.clock.ScaledClock` in virtual time: process time is steady, wall time jumps with `lab.jump_s`."""

    def __init__(self, lab: Laboratory, not_before: datetime | None = None) -> None:
        self._lab = lab
        self._zero = lab.loop.time()
        start = _EPOCH + timedelta(seconds=self._zero + lab.jump_s)
        self._start = start if not_before is None else max(start, not_before)

    @property
    def kind(self) -> Literal["real", "scaled", "virtual"]:
        return "real"

    @property
    def speed(self) -> float:
        return 1.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return self._lab.loop.time() - self._zero

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def wall(self) -> float:
        return _EPOCH.timestamp() + self._lab.loop.time() + self._lab.jump_s


class Laboratory:
    """Everything of one seed. Used inside its loop."""

    def __init__(self, seed: int, knobs: Knobs) -> None:
        self.seed = seed
        self.knobs = knobs
        self.rng = random.Random(f"faults {seed}")
        self.loop = SimulationLoop(self.rng, self._thread_s)
        self.story = Story(self.loop.time)
        self.database = Database(self.rng, knobs.store, self.story)
        self.room = Room(
            self.loop, self.rng, knobs.room, self.story, self.database.rows, knobs.scale.ul_per_s
        )
        self.broker = Broker(self.loop, self.rng, knobs.network, self.story)
        self.capabilities = capabilities(knobs)
        self.jump_s = 0.0
        self._reachable: list[tuple[Engine, Process]] = []
        self.host_processes: dict[str, Process] = {}
        self.host_lives: list[HostLife] = []
        self.state: LabState | None = None
        """The last engine's state, when it has ended in order."""
        self.crashes: list[str] = []
        """Ends of processes that nothing explains."""
        self.calm = False
        self.engine_lives = 0
        self._engines: list[Process] = []
        self._ledgers: dict[str, CommandLedger] = {}
        self.ledger_disks: dict[str, LedgerDisk] = {}
        self._ledgers_made = 0
        self._ledger_holders: dict[str, Process] = {}
        self._host_lives = 0
        self._version = 1

    def _thread_s(self) -> float:
        slow = self.knobs.store.slow_s
        if slow and not self.calm and self.rng.random() < 0.1:
            return slow * self.rng.random()
        return 0.002

    def _chance(self, share: float) -> bool:
        return not self.calm and share > 0.0 and self.rng.random() < share

    # -- lives ------------------------------------------------------------------------------------

    def start_engine(self) -> Process:
        """One more process that wants to be the engine."""
        self.engine_lives += 1
        process = Process(self.loop, f"engine-{self.engine_lives}")
        self._engines.append(process)
        self.story.tell(process.name, "starts")
        process.start(self._engine_life(process))
        return process

    @property
    def engine(self) -> Engine | None:
        """The engine that people can reach: the latest that lives."""
        self._reachable = [entry for entry in self._reachable if entry[1].alive]
        return self._reachable[-1][0] if self._reachable else None

    def engine_lives_alive(self) -> list[Process]:
        """Every engine's process that lives."""
        self._engines = [process for process in self._engines if process.alive]
        return self._engines

    async def _engine_life(self, process: Process) -> None:
        try:
            journal = MemoryJournal(self.database, process)
        except (RefusedError, DiskError) as error:
            self.story.tell(process.name, f"ends: {error}")
            return
        records = journal.read()
        clock = SimulatedClock(self, records[-1].at if records else None)
        transport = SimulatedTransport(self.broker, process)
        async with AsyncExitStack() as stack:
            if self.knobs.hosts_within:
                try:
                    await self._serve(stack, tuple(self.capabilities), process, clock)
                except UnavailableError as error:
                    self.story.tell(process.name, f"ends: {error}")
                    return
            engine = Engine(
                lab=LAB,
                devices=tuple(self.capabilities),
                journal=journal,
                transport=transport,
                clock=clock,
                context=FaultContext(self.knobs, self._version),
                suggest=self._suggest,
                identity=f"records-{self.seed}",
                version=__version__,
                heartbeat_s=self.knobs.scale.beat_s,
                beat_s=self.knobs.scale.beat_s if self.knobs.dead_man else None,
            )
            self._reachable.append((engine, process))
            began = any(record.event.kind == "campaign_started" for record in records)
            start = None if began else campaign_of(self.knobs, self.seed)
            try:
                self.state = await engine.run(start)
            except (DiskError, RefusedError) as error:  # full from the start; another engine
                self.story.tell(process.name, f"ends: {error}")
        journal.close()

    def _suggest(self, state: LabState, campaign: str, count: int) -> tuple[msg.Proposal, ...]:
        if self._chance(self.knobs.suggest_fails):
            self.story.tell("optimiser", "fails")
            raise RuntimeError("the matrix is singular")
        return suggest(state, campaign, count)

    def start_host(self, name: str) -> Process:
        """A device host of its own beside the machine."""
        self._host_lives += 1
        process = Process(self.loop, f"{name}-host")
        self.story.tell(process.name, "starts")
        process.start(self._host_life(name, process))
        self.host_processes[name] = process
        life = HostLife(name, process, self.loop.time())
        self.host_lives.append(life)
        process.on_death.append(lambda: life.end(self.loop.time()))
        return process

    async def _host_life(self, name: str, process: Process) -> None:
        async with AsyncExitStack() as stack:
            await self._serve(stack, (name,), process, SimulatedClock(self))
            await asyncio.Event().wait()

    async def _serve(
        self, stack: AsyncExitStack, names: tuple[str, ...], process: Process, clock: SimulatedClock
    ) -> None:
        transport = SimulatedTransport(self.broker, process)
        interlocks = FaultContext(self.knobs).interlocks
        self._host_lives += 1
        for name in names:
            capability = self.capabilities[name]
            lid = name == "pump" and self.knobs.interlock
            machine = self.room.machine(name, draws=name == "drain")
            driver = MachineDriver(lambda m=machine: Cable(self.room, m), clock, lid=lid)
            timed = self.knobs.dead_man and capability != "weighing"
            timing = HostTiming(
                heartbeat_s=self.knobs.scale.beat_s,
                telemetry_s=4.0,
                connect_s=10.0,
                safe_s=10.0,
                settle_s=40.0,
                dead_man_s=DEAD_MAN_S if timed else None,
                safe_on_error=timed and self.knobs.hosts_within,
            )
            host = DeviceHost(
                LAB,
                name,
                driver,  # pyright: ignore[reportArgumentType]  # made without a context
                machine_manifest(name, capability, lid=lid, version=str(self._version)),
                transport,
                self.ledger(name, process),
                clock,
                boot=f"{name}-{self._host_lives}",
                real_time=clock.wall,
                timing=timing,
                interlocks=[lock for lock in interlocks if lock.device == name],
            )
            await stack.enter_async_context(host)

    def ledger(self, name: str, process: Process) -> CommandLedger:
        """The file of a device's host: it outlives the process, and is open in one at a time."""
        holder = self._ledger_holders.get(name)
        if holder is not None and holder.alive and holder is not process:
            raise UnavailableError(f"the ledger of {name} is held by another process")
        self._ledger_holders[name] = process
        if name in self._ledgers and self._chance(self.knobs.ledgers_lost):
            self.story.tell(process.name, "finds that its ledger is gone")
            self._ledgers.pop(name).close()
            self.ledger_disks.pop(name, None)
        if name not in self._ledgers:
            self._ledgers_made += 1
            self._ledgers[name] = self._new_ledger(name, f"{name}-{self._ledgers_made}")
        return self._ledgers[name]

    def _new_ledger(self, name: str, identity: str) -> CommandLedger:
        """On an ordinary disk where nothing happens to it: noting what could be lost takes time."""
        if not (self.knobs.power_cuts or self.knobs.store.ledgers_full):
            return CommandLedger(identity=identity, factory=KeptLedger.take)

        def make(*args: Any, **more: Any) -> LedgerDisk:
            disk = self.ledger_disks[name] = LedgerDisk.take(*args, **more)
            return disk

        return CommandLedger(identity=identity, factory=make, plays_disk=True)

    # -- the supervisor ---------------------------------------------------------------------------

    async def keep_engine(self) -> None:
        """Start the engine again whenever it died, until a campaign is over."""
        pause = 1.0
        while self.state is None:
            process, before = self.start_engine(), self.loop.time()
            self._schedule_death(process, self.knobs.engine_kills)
            await self._death_of(process)
            pause = 1.0 if self.loop.time() > before + 1.0 else min(pause * 2.0, 60.0)
            if self.state is None:
                await asyncio.sleep(pause * (0.5 + self.rng.random()))
                if self.knobs.dead_man and self._chance(0.5):
                    await asyncio.sleep(2.0 * DEAD_MAN_S)  # long enough to be missed
            if self.knobs.new_version:
                self._version = 2

    async def keep_host(self, name: str) -> None:
        """Start a device's host again whenever it died, for ever."""
        while True:
            process = self.start_host(name)
            self._schedule_death(process, self.knobs.host_kills)
            await self._death_of(process)
            await asyncio.sleep(0.5 + 3.0 * self.rng.random())

    def _schedule_death(self, process: Process, kills: int) -> None:
        """Killed at a callback: early ones (in the midst of recovery) are as likely as late ones."""
        if not self.calm and kills and self.rng.random() < kills / (kills + 1.0):
            process.dies_at = int(2 ** (3 + (self.knobs.scale.life - 3) * self.rng.random()))

    async def _death_of(self, process: Process) -> None:
        died = asyncio.Event()
        process.on_death.append(died.set)
        if process.alive:
            await died.wait()
        self.story.tell(process.name, "is dead")
        if process.error is not None:
            self.crashes.append(f"{process.name}: {process.error!r}")

    def close(self) -> None:
        """Take everything down, after the story."""
        self.loop.bury()
        for ledger in self._ledgers.values():
            ledger.close()
