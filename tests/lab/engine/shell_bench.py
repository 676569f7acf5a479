"""A bench for the engine's shell: a journal in a file, device hosts on a ledger, two tiny devices, virtual time.

Devices outlive hosts and engines and count what they did by themselves, so no ledger can hide a second act.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Literal

from lab.bus.memory import MemoryBus, MemoryTransport
from lab.devices.driver import Identity
from lab.devices.host import DeviceHost, HostTiming
from lab.devices.ledger import CommandLedger
from lab.devices.manifest import Manifest
from lab.domain.command import Settlement
from lab.domain.errors import RefusedError
from lab.engine import messages as msg
from lab.engine.clock import VirtualClock
from lab.engine.shell import Engine
from lab.records.database import database_url, open_database
from lab.records.journal import Journal, read_records
from tests.lab.engine.kit import KitContext, campaign_started, plan_of, step
from tests.lab.engine.rich_plan import READINGS, rich_plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path

    from lab.domain import event as ev
    from lab.domain.command import Command
    from lab.domain.state import LabState

LAB = "bench"
START = campaign_started(trials=2, parallel=2, batch=1)


def _manifest(driver: str, capability: str) -> Manifest:
    return Manifest(
        driver=driver,
        version="1",
        title=driver,
        manufacturer="Nobody",
        models=("T1",),
        capabilities=(capability,),
        entry="tests.lab.engine.shell_bench:TinyDriver",
        connection="stream",
        safe_state="off",
    )


MANIFESTS = {
    "pump": _manifest("tiny_pump", "liquid_dosing"),
    "balance": _manifest("tiny_balance", "weighing"),
}


def bench_context() -> KitContext:
    """Dose (once), weigh (none), and a safe-state step that empties the pot."""
    dose = {"action": "dispense", "args": {"volume": 1.0, "rate": 10.0}, "effect": "once"}
    return KitContext(
        plan_of(
            step("dose", "pump", claims=("pot",), **dose),
            step(
                "weigh",
                "balance",
                ("dose",),
                claims=("pot",),
                action="weigh",
                effect="none",
                retry={"max_retries": 2},
                output_units={"mass": "g"},
            ),
            step("empty", "pump", safe_state=True, claims=("pot",), draws_from=("pot",), **dose),
        )
    )


def rich_context(ends: str = "well") -> KitContext:
    """Everything that a procedure can do, on these devices."""
    dose = {"action": "dispense", "args": {"volume": 1.0, "rate": 10.0}, "effect": "once"}
    weigh = {"action": "weigh", "effect": "none", "output_units": {"mass": "g"}}
    return KitContext(rich_plan(dose, weigh, ends=ends))


class TinyDevice:
    """`acts` is the device's own diary of what it did, by run, step and attempt."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, str, int]] = []
        self.made_safe = 0
        self.can_tell = True

    def did(self, path: str) -> list[str]:
        """Runs for which it did a step, once for each time."""
        return sorted(run for run, step_path, _ in self.acts if step_path == path)


class TinyDriver:
    """Doses and weighs with the patience of a real device; process time passes before and after the act."""

    def __init__(self, device: TinyDevice, clock: VirtualClock) -> None:
        self._device = device
        self._clock = clock

    async def connect(self) -> Identity:
        return Identity("Nobody", "T1", simulated=True)

    async def disconnect(self) -> None:
        pass

    async def make_safe(self) -> None:
        self._device.made_safe += 1

    async def settle(self, command: Command) -> Settlement:
        if not self._device.can_tell:
            return Settlement(verdict="unknown", detail="the diary is wet")
        did = (command.run, command.step, command.attempt) in self._device.acts
        if did:
            return Settlement(verdict="done", outputs={"volume": 1.0})
        return Settlement(verdict="not_done", detail="the diary has no such act")

    async def read_telemetry(self) -> dict[str, float]:
        return {}

    async def dispense(self, act, *, volume: float, rate: float) -> dict[str, float]:
        await self._clock.sleep(2)
        await act.begin()
        command = act.command
        self._device.acts.append((command.run, command.step, command.attempt))
        await self._clock.sleep(8)
        return {"volume": volume}

    async def weigh(self, act) -> dict[str, float]:
        await self._clock.sleep(6)
        command = act.command
        self._device.acts.append((command.run, command.step, command.attempt))
        return {"mass": READINGS.get(command.step, 1.25), "mass_sd": 0.0004}


class KilledError(Exception):
    """The engine's process died here."""


class MortalJournal:
    """A journal whose engine dies at its n-th append: before the append is durable, or just after it."""

    def __init__(self, journal: Journal, at: int, *, durable: bool) -> None:
        self.epoch = journal.epoch
        self._journal = journal
        self._left = at
        self._durable = durable

    def append(self, events: list[tuple[ev.Event, datetime]]) -> list[ev.Recorded]:
        self._left -= 1
        if self._left != 0:
            return self._journal.append(events)
        if self._durable:
            self._journal.append(events)
        raise KilledError

    def caught_up(self) -> list[ev.Recorded]:
        return self._journal.caught_up()

    def read(self, after: int = 0) -> list[ev.Recorded]:
        return self._journal.read(after)

    def load(self) -> LabState:
        return self._journal.load()

    def keep(self, state: LabState) -> None:
        self._journal.keep(state)


def suggest(state: LabState, campaign: str, count: int) -> tuple[msg.Proposal, ...]:
    """Factors from the number of the trial: a pure function of the state, as it must be."""
    first = len(state.campaigns[campaign].trials)
    return tuple(msg.Proposal({"x": 0.1 * (first + n)}, "sobol") for n in range(count))


class ShellBench:
    """Use inside a virtual loop. `engine()` is one process with its journal; `hosts()` another with its ledger."""

    def __init__(
        self,
        folder: Path,
        context: KitContext | None = None,
        start: ev.CampaignStarted = START,
    ) -> None:
        self.start = start
        self.simulate_people = True
        self.identity = "j1"
        self.take_over = False
        self.context = context or bench_context()
        self.url = database_url(str(folder / "lab.db"))
        self.ledger = folder / "ledger.db"
        self.bus = MemoryBus()
        self.devices = {"pump": TinyDevice(), "balance": TinyDevice()}
        self.clock = VirtualClock(asyncio.get_running_loop())
        self._boots = 0

    @asynccontextmanager
    async def hosts(self) -> AsyncIterator[None]:
        self._boots += 1
        ledger = CommandLedger(self.ledger, identity=f"l{self._boots}")
        try:
            async with AsyncExitStack() as stack:
                transport = await stack.enter_async_context(MemoryTransport(self.bus))
                for name, manifest in MANIFESTS.items():
                    host = DeviceHost(
                        LAB,
                        name,
                        TinyDriver(self.devices[name], self.clock),  # pyright: ignore[reportArgumentType]
                        manifest,
                        transport,
                        ledger,
                        self.clock,
                        boot=f"boot-{self._boots}",
                        real_time=self.clock.wall,
                        timing=HostTiming(),
                    )
                    await stack.enter_async_context(host)
                yield
        finally:
            ledger.close()

    def lose_ledger(self) -> None:
        """The next hosts begin a new one."""
        for file in self.ledger.parent.glob(f"{self.ledger.name}*"):
            file.unlink()

    @asynccontextmanager
    async def engine(
        self,
        wrap: Callable[[Journal], object] = lambda journal: journal,
        suggest: Callable[..., tuple[msg.Proposal, ...]] = suggest,
    ) -> AsyncIterator[Engine]:
        journal = Journal(self.url)
        try:
            async with MemoryTransport(self.bus) as transport:
                yield Engine(
                    lab=LAB,
                    devices=tuple(MANIFESTS),
                    journal=wrap(journal),  # pyright: ignore[reportArgumentType]
                    identity=self.identity,
                    take_over=self.take_over,
                    transport=transport,
                    clock=self.clock,
                    context=self.context,
                    suggest=suggest,
                    version="0",
                    simulate_people=self.simulate_people,
                )
        finally:
            journal.close()

    @asynccontextmanager
    async def running(
        self,
        start: ev.CampaignStarted | Literal["own"] | None = "own",
        **more: Callable[..., object],
    ) -> AsyncIterator[tuple[Engine, asyncio.Task[LabState]]]:
        """An engine at work, which ends (or is cancelled) with the context."""
        async with self.engine(**more) as engine:  # pyright: ignore[reportArgumentType]
            work = asyncio.create_task(engine.run(self.start if start == "own" else start))
            try:
                yield engine, work
            finally:
                work.cancel()
                with suppress(asyncio.CancelledError, KilledError, RefusedError):
                    await work

    async def until(self, condition: Callable[[], bool], limit_s: float = 600) -> None:
        async with asyncio.timeout(limit_s):
            while not condition():
                await self.clock.sleep(0.25)

    def records(self) -> list[ev.Recorded]:
        engine = open_database(self.url, read_only=True)
        try:
            return list(read_records(engine))
        finally:
            engine.dispose()
