"""A host under the virtual clock, and an engine that is played by hand: for what happens when nobody is in charge."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, cast

import pytest

from lab.bus import topics
from lab.bus.envelope import EngineBeat, Hello, State
from lab.bus.memory import MemoryBus, MemoryTransport
from lab.devices.host import DeviceHost, HostTiming
from lab.devices.ledger import CommandLedger
from lab.domain.ids import dead_man_of
from tests.lab.devices.fake_device import (
    MANIFEST,
    Bench,
    FakeDevice,
    FakeDriver,
    Script,
    TestClock,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pydantic import BaseModel

    from lab.devices.driver import Driver

LIMIT_S = 10.0
BEAT_S = 2.0


class Watched(FakeDriver):
    """Notes when it was made safe."""

    def __init__(self, device: FakeDevice, script: Script | None, when: list[float]) -> None:
        super().__init__(device, script)
        self._when = when

    async def make_safe(self) -> None:
        await super().make_safe()
        self._when.append(asyncio.get_running_loop().time())


class Stand:
    """A host under the virtual clock, and an engine that is played by hand."""

    def __init__(self, limit_s: float | None = LIMIT_S, *, safe_on_error: bool = False) -> None:
        self.bus = MemoryBus()
        self.ledger = CommandLedger(identity="l1")
        self.device = FakeDevice()
        self.limit_s = limit_s
        self.safe_on_error = safe_on_error
        self.epoch = 1
        self.safe_at: list[float] = []
        self.requests: tuple[str, ...] = ()
        self.detail = ""
        self.make = Bench().command
        self._boots = 0
        self._reports = 0

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    @asynccontextmanager
    async def host(self, script: Script | None = None) -> AsyncIterator[None]:
        self._boots += 1
        clock = TestClock()
        async with MemoryTransport(self.bus) as transport, MemoryTransport(self.bus) as engine:
            inbox = await engine.subscribe(topics.state("lab1", "doser"))
            listening = asyncio.create_task(self._listen(inbox))
            async with DeviceHost(
                "lab1",
                "doser",
                cast("Driver", Watched(self.device, script, self.safe_at)),
                MANIFEST,
                transport,
                self.ledger,
                clock,
                boot=f"b{self._boots}",
                real_time=clock.monotonic,
                timing=HostTiming(dead_man_s=self.limit_s, safe_on_error=self.safe_on_error),
            ):
                await self.settle()
                yield
            await inbox.close()
            await listening

    async def fails(
        self,
        error: BaseException | None,
        before: BaseModel | None = None,
        script: Script | None = None,
    ) -> None:
        """An engine in the host's process that ends like that, a while after it has said something."""
        with nullcontext() if error is None else pytest.raises(type(error)):
            async with self.host(script):
                await self.live(4)
                if before is not None:
                    self.say(before)
                    await asyncio.sleep(1.0)
                if error is not None:
                    raise error

    async def _listen(self, inbox) -> None:
        async for message in inbox:
            report = State.model_validate_json(message.payload)
            self.requests, self.detail = report.safe_requests, report.detail

    async def settle(self) -> None:
        await asyncio.sleep(0.01)

    def say(self, message: BaseModel) -> None:
        topic = topics.cmd("lab1", "doser")
        if isinstance(message, EngineBeat):
            topic = topics.engine_beat("lab1")
        self.bus.publish(topic, message.model_dump_json().encode())

    def beat(self, **changes: object) -> EngineBeat:
        fields = {"journal": "j1", "epoch": self.epoch, "sent_at": self.now, **changes}
        message = EngineBeat.model_validate(fields)
        self.say(message)
        return message

    async def live(self, seconds: float) -> EngineBeat:
        """The engine is in charge for so long; returns its last beat."""
        last = self.beat()
        end = self.now + seconds
        while self.now + BEAT_S <= end:
            await asyncio.sleep(BEAT_S)
            last = self.beat()
        return last

    async def restart_engine(self) -> None:
        """The next engine says hello and lifts what the host did by itself."""
        self.epoch += 1
        self.say(Hello(journal="j1", epoch=self.epoch))
        self.beat()
        await self.settle()
        self.say(Hello(journal="j1", epoch=self.epoch, lifts=(dead_man_of(self.requests),)))
        await self.settle()
        assert self.requests == ()
