"""A dosing balance that exists only here: a device that outlives its driver, and a driver that does as scripted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from lab.bus import topics
from lab.bus.envelope import CommandMessage, Hello, QueryMessage, SafeMessage, parse_upstream
from lab.bus.memory import MemoryBus, MemoryTransport
from lab.devices.driver import Identity
from lab.devices.host import DeviceHost, HostTiming
from lab.devices.ledger import CommandLedger
from lab.devices.manifest import Manifest
from lab.devices.stream import StreamClosedError
from lab.domain.command import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.devices.driver import Driver
    from lab.domain.interlock import Interlock

MANIFEST = Manifest(
    driver="fake_doser",
    version="1.0.0",
    title="Fake doser",
    manufacturer="Nobody",
    models=("F1",),
    capabilities=("liquid_dosing", "weighing", "heating_stirring"),
    entry="tests.lab.devices.fake_device:FakeDriver",
    connection="stream",
    safe_state="pump stopped",
    telemetry={"pressure": "bar"},
    errors={"stall": "the plunger stalled: look at the syringe"},
)

FAST = HostTiming(
    heartbeat_s=0.02,
    telemetry_s=0.02,
    first_retry_s=0.01,
    last_retry_s=0.02,
    connect_s=1.0,
    safe_s=1.0,
    settle_s=1.0,
    read_s=0.5,
    grace_s=0.2,
)


class TestClock:
    """Process time is loop time; the same on a virtual loop."""

    __test__ = False
    speed = 1.0

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.monotonic())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class FakeDevice:
    """The hardware: what it did, and what is wrong with it. It knows nothing of commands' ids."""

    doses: list[float] = field(default_factory=list)
    temperatures: list[float] = field(default_factory=list)
    made_safe: int = 0
    plugged: bool = True
    connections: int = 0
    safe_fails: bool = False
    telemetry: dict[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """safe and settle, in order."""
    settle_as: str = "by_count"
    """by_count, unknown, or fails."""
    settle_waits: asyncio.Event | None = None
    """The question is answered no sooner; nor is one for live values."""
    counted: int = 0
    """Doses at the begin of the latest act, as a pump's own counter would be read before and after."""


@dataclass
class Script:
    """How the next actions of a driver go: where it waits, and what it raises."""

    before_begin: asyncio.Event | None = None
    after_begin: asyncio.Event | None = None
    after_act: asyncio.Event | None = None
    error_before: BaseException | None = None
    error_after_begin: BaseException | None = None
    error_after_act: BaseException | None = None
    outputs: dict | None = None
    skip_begin: bool = False
    swallow_cancel_s: float | None = None
    """A driver that ignores its cancellation for so long, and then goes on."""
    reached: list[str] = field(default_factory=list)
    at: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def waiting_at(cls, point: str, swallow_cancel_s: float | None = None) -> Script:
        """A script that stops at before_begin, after_begin or after_act until the event is set."""
        script = cls(swallow_cancel_s=swallow_cancel_s)
        setattr(script, point, asyncio.Event())
        return script

    async def point(self, name: str, gate: asyncio.Event | None) -> None:
        self.reached.append(name)
        self.at.set()
        if gate is not None:
            try:
                await gate.wait()
            except asyncio.CancelledError:
                if self.swallow_cancel_s is None:
                    raise
                await asyncio.sleep(self.swallow_cancel_s)


class FakeDriver:
    """Fulfils liquid_dosing, weighing and heating_stirring on a FakeDevice."""

    def __init__(self, device: FakeDevice, script: Script | None = None) -> None:
        self.device = device
        self.script = script or Script()
        self.open = False

    def _line(self) -> None:
        if not self.device.plugged or not self.open:
            self.open = False
            raise StreamClosedError("unplugged")

    async def connect(self) -> Identity:
        if not self.device.plugged:
            raise StreamClosedError("nothing on the port")
        self.open = True
        self.device.connections += 1
        return Identity("Nobody", "F1", serial_number="42", firmware="7", simulated=True)

    async def disconnect(self) -> None:
        self.open = False

    async def make_safe(self) -> None:
        self._line()
        if self.device.safe_fails:
            raise TimeoutError("no answer")
        self.device.calls.append("safe")
        self.device.made_safe += 1

    async def settle(self, command) -> Settlement:
        self._line()
        self.device.asked.append(command.id)
        if self.device.settle_waits is not None:
            await self.device.settle_waits.wait()
        self.device.calls.append("settle")
        if self.device.settle_as == "fails":
            raise TimeoutError("no answer to the settling question")
        if self.device.settle_as == "unknown":
            return Settlement(verdict="unknown", detail="the counter was reset")
        if len(self.device.doses) > self.device.counted:
            return Settlement(verdict="done", outputs={"volume": self.device.doses[-1]})
        return Settlement(verdict="not_done", detail="the counter stands still")

    async def read_telemetry(self) -> dict[str, float]:
        self._line()
        if self.device.settle_waits is not None:
            await self.device.settle_waits.wait()
        return dict(self.device.telemetry)

    async def dispense(self, act, *, volume: float, rate: float = 10.0) -> dict:
        script = self.script
        self._line()
        await script.point("before_begin", script.before_begin)
        if script.error_before is not None:
            raise script.error_before
        if not script.skip_begin:
            await act.begin()
        self.device.counted = len(self.device.doses)
        await script.point("after_begin", script.after_begin)
        if script.error_after_begin is not None:
            raise script.error_after_begin
        self._line()
        self.device.doses.append(volume)
        await act.progress({"volume": volume / 2})
        await script.point("after_act", script.after_act)
        if script.error_after_act is not None:
            raise script.error_after_act
        return {"volume": volume} if script.outputs is None else script.outputs

    async def tare(self, act) -> dict:
        self._line()
        return {}

    async def weigh(self, act) -> dict:
        self._line()
        await self.script.point("weigh", self.script.before_begin)
        if self.script.error_before is not None:
            raise self.script.error_before
        return self.script.outputs or {"mass": 1.25, "mass_sd": 0.0004}

    async def heat(self, act, *, temperature: float, tolerance: float = 0.5) -> dict:
        self._line()
        await act.begin()
        self.device.temperatures.append(temperature)
        await self.script.point("heating", self.script.after_begin)
        if self.script.error_after_begin is not None:
            raise self.script.error_after_begin
        return {"temperature": temperature}

    async def stir(self, act, *, speed: float) -> dict:
        self._line()
        return {"speed": speed}

    async def stop(self, act) -> dict:
        self._line()
        return {}


class Bench:
    """An engine's end of the bus, a device, its ledger, and hosts that come and go."""

    def __init__(self) -> None:
        self.bus = MemoryBus()
        self.engine = MemoryTransport(self.bus)
        self.device = FakeDevice()
        self.script = Script()
        self.ledger = CommandLedger(identity="l1")
        self.clock = TestClock()
        self.now = 1000.0
        self.interlocks: tuple[Interlock, ...] = ()
        self.heard: list = []
        self.boots = 0
        self._seq = 0
        self._listening: asyncio.Task | None = None

    async def __aenter__(self) -> Bench:
        await self.engine.__aenter__()
        inbox = await self.engine.subscribe("labwright/1/lab1/doser/#")
        self._listening = asyncio.create_task(self._listen(inbox))
        return self

    async def __aexit__(self, *_) -> None:
        await self.engine.__aexit__(None, None, None)
        assert self._listening is not None
        await self._listening
        self.ledger.close()

    async def _listen(self, inbox) -> None:
        async for message in inbox:
            leaf = topics.split(message.topic)[2]
            if leaf != "cmd" and not leaf.startswith("data/"):
                self.heard.append(parse_upstream(message.payload))

    def host(self, script: Script | None = None) -> _Hosting:
        self.boots += 1
        if script is not None:
            self.script = script
        return _Hosting(self)

    def command(self, id: str = "c1", action: str = "dispense", **changes) -> CommandMessage:
        self._seq += 1
        args = {"dispense": {"volume": 2.5}, "heat": {"temperature": 60.0}}.get(action, {})
        effect = {"dispense": "once", "weigh": "none"}.get(action, "absolute")
        fields = {
            "id": id,
            "journal": "j1",
            "ledger": "l1",
            "epoch": 1,
            "seq": self._seq,
            "run": "r1",
            "step": "dose",
            "attempt": 1,
            "action": action,
            "args": args,
            "effect": effect,
            "settle": "query",
            "timeout_s": 30.0,
            "sent_at": self.now,
            "expires_s": 30.0,
            "actor": "test",
            "horizon": 0,
        }
        return CommandMessage.model_validate(fields | changes)

    async def send(self, message, *, retain: bool = False) -> None:
        topic = topics.cmd("lab1", "doser")
        payload = message if isinstance(message, bytes) else message.model_dump_json().encode()
        await self.engine.publish(topic, payload, retain=retain)

    async def query(self, id: str, epoch: int = 1, **fields):
        given = {"id": id, "journal": "j1", "ledger": "l1", "epoch": epoch} | fields
        return await self._asked(QueryMessage.model_validate(given), "query_reply")

    async def safe(self, id: str = "s1", epoch: int = 1):
        return await self._asked(
            SafeMessage(journal="j1", id=id, epoch=epoch, actor="ada"), "safe_reply"
        )

    async def hello(self, epoch: int = 1, **fields) -> None:
        await self.send(Hello.model_validate({"journal": "j1", "epoch": epoch} | fields))
        await self.quiet()

    async def _asked(self, message, kind: str):
        start = len(self.heard)
        await self.send(message)
        return await self.hears(lambda m: m.kind == kind and m.id == message.id, start)

    async def do(self, message) -> tuple[Any, Any]:
        """Send a command; its acknowledgement and its outcome (None where it was refused)."""
        start = len(self.heard)
        await self.send(message)
        ack = await self.hears(lambda m: m.kind == "ack" and m.id == message.id, start)
        if not ack.accepted:
            return ack, None
        return ack, (await self.outcome(message.id, start)).outcome

    async def outcome(self, id: str, start: int = 0):
        return await self.hears(lambda m: m.kind == "outcome" and m.id == id, start)

    async def state(self, name: str, start: int = 0):
        return await self.hears(lambda m: m.kind == "state" and m.state == name, start)

    async def hears(self, wanted: Callable, start: int = 0):
        async with asyncio.timeout(5):
            while True:
                for message in self.heard[start:]:
                    if wanted(message):
                        return message
                await asyncio.sleep(0.002)

    async def reaches(self, name: str) -> None:
        """Wait until the driver is at a point of its script."""
        async with asyncio.timeout(5):
            while name not in self.script.reached:
                await asyncio.sleep(0.002)

    async def quiet(self) -> None:
        """Let everything that is under way arrive."""
        for _ in range(20):
            await asyncio.sleep(0)

    def states(self) -> list[str]:
        return [m.state for m in self.heard if m.kind == "state"]


class _Hosting:
    """`async with bench.host():` one life of a device host, ready when entered (if the device is plugged)."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.transport = MemoryTransport(bench.bus)
        self.driver = FakeDriver(bench.device, bench.script)
        self.host = DeviceHost(
            "lab1",
            "doser",
            cast("Driver", self.driver),
            MANIFEST,
            self.transport,
            bench.ledger,
            bench.clock,
            boot=f"boot{bench.boots}",
            real_time=lambda: bench.now,
            timing=FAST,
            interlocks=bench.interlocks,
        )

    async def __aenter__(self) -> DeviceHost:
        start = len(self.bench.heard)
        await self.transport.__aenter__()
        await self.host.__aenter__()
        if self.bench.device.plugged and not self.bench.device.safe_fails:
            await self.bench.hears(
                lambda m: m.kind == "state" and m.state in ("ready", "safe"), start
            )
        return self.host

    async def __aexit__(self, *_) -> None:
        await self.host.__aexit__(None, None, None)
        await self.transport.__aexit__(None, None, None)

    async def crash(self) -> None:
        """End the host in the midst of what it does; the ledger stays as it is."""
        await self.__aexit__()
