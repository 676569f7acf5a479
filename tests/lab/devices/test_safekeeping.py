"""When nobody is in charge any more the device becomes safe by itself, in time and only then."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, cast

import pytest

from lab.bus import topics
from lab.bus.envelope import EngineBeat, Hello, SafeMessage, State
from lab.bus.memory import MemoryBus, MemoryTransport
from lab.devices.host import DeviceHost, HostTiming
from lab.devices.ledger import CommandLedger
from lab.domain.errors import RefusedError
from lab.domain.ids import dead_man_of
from lab.engine.virtual_loop import run_virtual
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


def test_a_thousand_losses_end_in_the_safe_state_in_time() -> None:
    chance = random.Random(5)

    async def main() -> list[float]:
        stand = Stand()
        took: list[float] = []
        async with stand.host():
            for number in range(1000):
                last = await stand.live(chance.uniform(0.0, 30.0))
                lost = last.sent_at
                # Whatever else is on the bus is no sign of life: old copies, and an engine whose time is over.
                kind = chance.choice(("silence", "copies", "zombie", "hello", "dose"))
                if kind == "dose":
                    message = stand.make(
                        f"c{number}", seq=number + 1, epoch=stand.epoch, sent_at=lost
                    )
                    stand.say(message)
                for _ in range(40):
                    await asyncio.sleep(0.3)
                    if stand.requests:
                        break
                    if kind == "copies":
                        stand.say(last)
                    elif kind == "zombie":
                        stand.beat(epoch=stand.epoch - 1)
                    elif kind == "hello":
                        stand.say(Hello(journal="j1", epoch=stand.epoch))
                assert len(stand.safe_at) == number + 1, kind
                took.append(stand.safe_at[-1] - lost)
                await stand.restart_engine()
        return took

    took = run_virtual(main())
    assert len(took) == 1000
    assert all(LIMIT_S - 0.001 <= seconds <= LIMIT_S + 1.0 for seconds in took), (
        min(took),
        max(took),
    )


def test_while_the_engine_lives_nothing_happens_and_one_lost_beat_is_no_loss() -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.host():
            await stand.live(3600)
            await asyncio.sleep(LIMIT_S - 0.5)
            stand.beat()
            await asyncio.sleep(LIMIT_S - 0.5)
            assert stand.safe_at == []
            await asyncio.sleep(1)
            assert len(stand.safe_at) == 1
            assert "no sign of the engine" in stand.detail

    run_virtual(main())


def test_a_beat_that_was_long_under_way_is_no_sign_of_life() -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.host():
            stand.beat()
            for _ in range(5):
                await asyncio.sleep(2.5)
                stand.beat(sent_at=0.0)
            assert len(stand.safe_at) == 1

    run_virtual(main())


def test_an_old_beat_puts_nobody_in_charge() -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.host():
            stand.beat(leaving=True)
            await asyncio.sleep(100)
            stand.beat(sent_at=0.0)
            await asyncio.sleep(100)
            assert stand.safe_at == []

    run_virtual(main())


def test_a_device_without_a_limit_is_left_alone() -> None:
    async def main() -> None:
        stand = Stand(None)
        async with stand.host():
            await stand.live(60)
            await asyncio.sleep(3600)
            assert stand.safe_at == []

    run_virtual(main())


def test_a_host_whose_ledger_was_lost_counts_from_its_start_and_goes_on_with_the_next_engine() -> (
    None
):
    async def main() -> None:
        stand = Stand()
        async with stand.host():
            await stand.live(20)
        stand.ledger = CommandLedger(identity="l2")
        async with stand.host():
            began = stand.now
            await asyncio.sleep(LIMIT_S + 1)
            assert len(stand.safe_at) == 1
            assert stand.safe_at[0] - began <= LIMIT_S + 1
            assert dead_man_of(stand.requests)
            await stand.restart_engine()
            await stand.live(20)
            stand.beat(leaving=True)
            await stand.settle()
        async with stand.host():
            await asyncio.sleep(3600)
            assert len(stand.safe_at) == 1, "by now its ledger knows that nobody is in charge"

    run_virtual(main())


def test_a_command_alone_puts_somebody_in_charge() -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.host():
            stand.say(stand.make(sent_at=stand.now))
            await asyncio.sleep(LIMIT_S + 1)
            assert stand.device.doses == [2.5]
            assert len(stand.safe_at) == 1

    run_virtual(main())


def test_an_engine_that_leaves_in_order_leaves_the_device_as_it_is() -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.host():
            await stand.live(20)
            before = stand.beat()
            stand.beat(leaving=True)
            stand.say(before)  # overtaken by the last word
            await asyncio.sleep(3600)
        async with stand.host():
            await asyncio.sleep(3600)
            assert stand.safe_at == []
            stand.epoch += 1
            stand.beat()
            await asyncio.sleep(LIMIT_S + 1)
            assert len(stand.safe_at) == 1, "the next engine counts again"

    run_virtual(main())


def test_the_last_word_of_a_fenced_engine_does_not_count() -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.host():
            stand.epoch = 2
            stand.beat()
            stand.beat(epoch=1, leaving=True)
            await asyncio.sleep(LIMIT_S + 1)
            assert len(stand.safe_at) == 1

    run_virtual(main())


def test_a_host_that_starts_again_without_an_engine_counts_from_its_start() -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.host():
            await stand.live(20)
        async with stand.host():
            began = stand.now
            await asyncio.sleep(LIMIT_S + 1)
            assert len(stand.safe_at) == 1
            assert stand.safe_at[0] - began <= LIMIT_S + 1
            [request] = stand.requests
        async with stand.host():
            assert stand.requests == (request,), "it stays safe over a restart"
            await stand.restart_engine()
            await stand.live(20)
            await asyncio.sleep(LIMIT_S + 1)
            assert stand.requests not in ((), (request,)), "the next silence is another request"

    run_virtual(main())


def test_a_running_dose_is_stopped_and_its_outcome_told_honestly() -> None:
    async def main() -> None:
        stand = Stand()
        script = Script.waiting_at("after_begin")
        async with stand.host(script):
            stand.say(stand.make(sent_at=stand.now))
            await asyncio.sleep(LIMIT_S + 1)
            assert script.reached == ["before_begin", "after_begin"]
            assert stand.device.calls == ["safe", "settle"]
            assert stand.device.doses == []
            entry = stand.ledger.device("doser").entry("c1")
            assert entry is not None
            assert entry.outcome is not None
            assert (entry.outcome.result, entry.outcome.error_code) == (
                "failed_no_effect",
                "stopped",
            )

    run_virtual(main())


def test_a_device_that_a_person_made_safe_needs_no_second_request() -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.host():
            stand.beat()
            stand.say(SafeMessage(journal="j1", id="safe-7", epoch=1, actor="Ada"))
            await asyncio.sleep(60)
            assert stand.requests == ("safe-7",)
            assert stand.detail == ""
            assert len(stand.safe_at) == 1
            await stand.live(4)
            stand.say(Hello(journal="j1", epoch=1, lifts=("safe-7",)))
            await asyncio.sleep(LIMIT_S + 1)
            assert dead_man_of(stand.requests)

    run_virtual(main())


def test_a_person_s_word_does_not_lift_a_later_silence() -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.host():
            stand.beat()
            rearm = Hello(journal="j1", epoch=1, lifts=("safe-7",))
            stand.say(rearm)
            await asyncio.sleep(LIMIT_S + 1)
            [request] = stand.requests
            stand.say(rearm)
            await stand.settle()
            assert stand.requests == (request,)

    run_virtual(main())


def test_a_device_that_is_away_becomes_safe_when_it_is_back() -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.host():
            stand.beat()
            stand.device.plugged = False
            await asyncio.sleep(60)
            assert dead_man_of(stand.requests)
            assert stand.safe_at == []
            stand.device.plugged = True
            await asyncio.sleep(60)
            assert stand.safe_at

    run_virtual(main())


@pytest.mark.parametrize(
    ("error", "safe_on_error", "safe"),
    [
        (ValueError("a bug"), True, True),
        (ExceptionGroup("of tasks", [ValueError("a bug")]), True, True),
        (ValueError("a bug"), False, False),
        (RefusedError("another engine has taken these records"), True, False),
        (asyncio.CancelledError(), True, False),
        (None, True, False),
    ],
)
def test_a_host_in_the_process_of_an_engine_that_fails_makes_its_device_safe_before_it_ends(
    error: BaseException | None, safe_on_error: bool, safe: bool
) -> None:
    async def main() -> None:
        stand = Stand(None, safe_on_error=safe_on_error)
        await stand.fails(error)
        assert len(stand.safe_at) == safe
        async with stand.host():
            assert bool(dead_man_of(stand.requests)) is safe
            if safe:
                await stand.restart_engine()

    run_virtual(main())


def test_it_stops_what_runs_first_and_tells_its_outcome_honestly() -> None:
    async def main() -> None:
        stand = Stand(None, safe_on_error=True)
        script = Script.waiting_at("after_begin")
        await stand.fails(ValueError("a bug"), stand.make(sent_at=stand.now), script)
        assert script.reached == ["before_begin", "after_begin"]
        assert stand.device.calls == ["safe", "settle"]
        assert stand.device.doses == []
        entry = stand.ledger.device("doser").entry("c1")
        assert entry is not None
        assert entry.outcome is not None
        assert entry.outcome.error_code == "stopped"

    run_virtual(main())


def test_a_person_s_request_that_is_in_force_is_enough() -> None:
    async def main() -> None:
        stand = Stand(None, safe_on_error=True)
        asked = SafeMessage(journal="j1", id="safe-7", epoch=1, actor="Ada")
        await stand.fails(ValueError("a bug"), asked)
        assert len(stand.safe_at) == 1
        async with stand.host():
            assert stand.requests == ("safe-7",)

    run_virtual(main())


def test_a_full_disk_does_not_hold_back_what_makes_the_device_safe() -> None:
    async def main() -> None:
        stand = Stand()
        script = Script.waiting_at("after_act")
        async with stand.host(script):
            await stand.live(20)
            stand.say(stand.make(sent_at=stand.now))
            await asyncio.sleep(1)
            last = stand.beat()
            stand.ledger._db.execute("PRAGMA query_only = 1")
            assert script.after_act is not None
            script.after_act.set()
            await asyncio.sleep(LIMIT_S + 1)
            assert [round(at - last.sent_at) for at in stand.safe_at] == [LIMIT_S]
            stand.ledger._db.execute("PRAGMA query_only = 0")
            await asyncio.sleep(5)
            entry = stand.ledger.device("doser").entry("c1")
            assert entry is not None
            assert entry.outcome is not None
            assert entry.outcome.result == "succeeded"
            assert len(stand.safe_at) == 1

    run_virtual(main())


def test_a_host_that_asks_what_became_of_an_act_makes_the_device_safe_in_time() -> None:
    async def main() -> None:
        stand = Stand()
        script = Script.waiting_at("after_act")
        async with stand.host(script):
            stand.say(stand.make(sent_at=stand.now))
            await asyncio.sleep(1)
            last = stand.beat()
            await asyncio.sleep(1)
        stand.device.settle_waits = asyncio.Event()
        began = stand.now
        async with stand.host():
            await asyncio.sleep(LIMIT_S + 1)
            assert stand.device.asked[0] == "c1"
            [safe_at] = stand.safe_at
            assert last.sent_at < began
            assert safe_at - began <= LIMIT_S + 0.1, "and not after the question's own limit"
            stand.device.settle_waits.set()
            await asyncio.sleep(1)
            entry = stand.ledger.device("doser").entry("c1")
            assert entry is not None
            assert entry.settlement is not None

    run_virtual(main())


@pytest.mark.parametrize("limit_s", [LIMIT_S, None])
def test_a_host_that_fails_takes_its_timer_along_so_its_device_is_made_safe_first(
    limit_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("a bug")

    async def live(stand: Stand) -> None:
        async with stand.host():
            await stand.live(4)
            assert stand.safe_at == []
            monkeypatch.setattr(DeviceHost, "_on_beat", fail)
            stand.beat()
            await asyncio.sleep(1)

    async def main() -> None:
        stand = Stand(limit_s)
        with pytest.raises(ExceptionGroup, match="unhandled errors") as caught:
            await live(stand)
        assert caught.group_contains(ValueError, match="a bug")
        assert len(stand.safe_at) == (limit_s is not None), "only where one would be missed"

    run_virtual(main())
