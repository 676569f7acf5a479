"""The engine's side of the bus, with the device's part played by hand."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.bus import envelope as env
from lab.bus import topics
from lab.bus.memory import MemoryBus, MemoryTransport
from lab.domain.command import Command
from lab.engine.gateway import DeviceGateway
from lab.engine.messages import DeviceLost, Outranked, Signal
from lab.engine.virtual_loop import run_virtual

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from lab.bus.transport import Message

LAB = "bench"
EPOCH = 3


class Stand:
    """A gateway, what it delivered, and what it sent."""

    gateway: DeviceGateway

    def __init__(self) -> None:
        self.bus = MemoryBus()
        self.delivered: list[object] = []
        self.sent: list[env.Downstream] = []

    @asynccontextmanager
    async def open(self, *, take_over: bool = False) -> AsyncIterator[DeviceGateway]:
        async with MemoryTransport(self.bus) as transport, MemoryTransport(self.bus) as device:
            inbox = await device.subscribe(topics.cmd(LAB, "+"))
            gateway = DeviceGateway(
                transport,
                LAB,
                ("pump",),
                self.delivered.append,
                asyncio.get_running_loop().time,
                take_over=take_over,
            )
            await gateway.start(EPOCH, "j1")

            async def listen() -> None:
                async for message in inbox:
                    self.sent.append(env.parse_downstream(message.payload))

            listening = asyncio.create_task(listen())
            await self.quiet()
            try:
                yield gateway
            finally:
                await gateway.close()
                await gateway.close()
                await inbox.close()
                listening.cancel()

    async def quiet(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def say(self, leaf: str, message: env.Upstream | bytes, *, retain: bool = False) -> None:
        payload = message if isinstance(message, bytes) else message.model_dump_json().encode()
        self.bus.publish(f"labwright/1/{LAB}/pump/{leaf}", payload, retain=retain)
        await self.quiet()

    async def beat(self, **changes: object) -> None:
        await self.say("hb", env.Heartbeat.model_validate(BEAT | changes))


def on_stand(test: Callable[[Stand], Awaitable[None]], *, take_over: bool = False) -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.open(take_over=take_over) as stand.gateway:
            await test(stand)

    run_virtual(main())


BEAT: dict[str, object] = {
    "device": "pump",
    "boot": "b1",
    "ledger": "l1",
    "journal": "j1",
    "epoch": EPOCH,
    "free": False,
    "state": "ready",
}
HELLO = env.Hello(epoch=EPOCH, journal="j1")
READY = env.State(ledger="l1", device="pump", state="ready")
OUTCOME = env.Ack(device="pump", id="c", accepted=True)


def test_its_first_word_claims_the_epoch() -> None:
    async def test(stand: Stand) -> None:
        assert stand.sent == [HELLO]

    on_stand(test)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff\x00", b"{}", b"[]", b'{"kind":"ack"}', b'{"kind":"ack","device":"pump"}'],
)
def test_a_malformed_message_is_dropped_and_the_next_one_heard(payload: bytes) -> None:
    async def test(stand: Stand) -> None:
        await stand.say("ack", payload)
        assert stand.delivered == []
        await stand.say("ack", OUTCOME)
        assert stand.delivered == [OUTCOME]

    on_stand(test)


def test_a_message_in_another_s_name_or_of_a_foreign_device_is_dropped() -> None:
    async def test(stand: Stand) -> None:
        await stand.say("ack", OUTCOME.model_copy(update={"device": "balance"}))
        foreign = OUTCOME.model_copy(update={"device": "kettle"}).model_dump_json().encode()
        stand.bus.publish(topics.ack(LAB, "kettle"), foreign)
        await stand.quiet()
        assert stand.delivered == []

    on_stand(test)


def test_what_a_broker_kept_is_no_news_but_a_description_is() -> None:
    async def main() -> None:
        stand = Stand()
        outcome = env.OutcomeMessage.model_validate(
            {"device": "pump", "id": "c", "outcome": {"result": "succeeded"}}
        )
        description = env.Description(
            device="pump",
            driver="d",
            driver_version="1",
            manufacturer="m",
            model="m",
            serial_number="",
            firmware="",
            simulated=True,
            capabilities=[],
            safe_state="off",
            telemetry={},
        )
        await stand.say("evt", outcome, retain=True)
        await stand.say("state", READY, retain=True)
        await stand.say("desc", description, retain=True)
        async with stand.open():
            assert stand.delivered == [description]
            await stand.beat()
            assert stand.delivered == [description, READY], "the heartbeat makes it true"

    run_virtual(main())


def test_ready_is_believed_only_from_a_device_whose_heart_beats() -> None:
    async def test(stand: Stand) -> None:
        await stand.say("state", READY)
        assert stand.delivered == []
        fault = env.State(ledger="l1", device="pump", state="fault", detail="stalled")
        await stand.say("state", fault)
        assert stand.delivered == [fault], "trouble is believed at once"
        await stand.beat()
        assert stand.delivered == [fault, READY]
        await stand.beat()
        assert stand.delivered == [fault, READY], "a beat that says the same is no news"

    on_stand(test)


def test_what_keeps_a_device_safe_is_news_even_where_its_state_is_not() -> None:
    async def test(stand: Stand) -> None:
        for requests in (("safe-1",), ("safe-1",), ("safe-1", "safe-4"), ()):
            await stand.beat(state="safe", safe_requests=requests)
        told = [report.safe_requests for report in stand.delivered]  # pyright: ignore[reportAttributeAccessIssue]
        assert told == [("safe-1",), ("safe-1", "safe-4"), ()]

    on_stand(test)


def test_a_host_that_obeys_a_lower_epoch_is_told_again() -> None:
    async def test(stand: Stand) -> None:
        await stand.beat(epoch=EPOCH)
        assert len(stand.sent) == 1
        for _ in range(2):
            await stand.beat(epoch=EPOCH - 1)
            await stand.beat(epoch=EPOCH - 1)
            assert stand.sent[1:] == [HELLO], "not at each beat: they may come in heaps"
            stand.sent.pop()
            await asyncio.sleep(1)

    on_stand(test)


OTHERS: dict[str, object] = {"journal": "j2", "epoch": 7}


def test_a_device_that_other_records_hold_is_claimed_and_then_given_up() -> None:
    async def test(stand: Stand) -> None:
        outranked = Outranked("pump", 7, "j2")
        await stand.beat(**OTHERS)
        await stand.beat(**OTHERS)
        assert outranked not in stand.delivered, "they may have been under way since before"
        await stand.beat(**OTHERS)
        await stand.beat(**OTHERS)
        assert stand.delivered.count(outranked) == 1
        assert set(map(repr, stand.sent)) == {repr(HELLO)}, "nothing is taken by force"

    on_stand(test)


def test_remains_of_the_past_end_no_engine() -> None:
    async def test(stand: Stand) -> None:
        for _ in range(5):
            await stand.beat(**OTHERS)
            await stand.beat(**OTHERS)
            await stand.beat()
            await stand.beat(free=True, **OTHERS)
            await stand.beat(epoch=EPOCH - 1)
        assert not [item for item in stand.delivered if isinstance(item, Outranked)]

    on_stand(test)


def test_a_later_engine_of_the_same_records_ends_this_one() -> None:
    async def test(stand: Stand) -> None:
        await stand.beat()
        for _ in range(3):
            await stand.beat(epoch=EPOCH + 1)
        assert Outranked("pump", EPOCH + 1, "j1") in stand.delivered

    on_stand(test, take_over=True)


def test_where_a_person_means_it_the_device_is_taken_from_its_holder_by_name() -> None:
    async def test(stand: Stand) -> None:
        await stand.beat(**OTHERS)
        takes = env.Held(journal="j2", epoch=7)
        assert stand.sent == [HELLO, HELLO.model_copy(update={"takes": takes})]
        await stand.beat()
        for _ in range(3):
            await stand.beat(journal="j3", epoch=1)
        assert stand.sent[2:] == [HELLO] * 2, "what was taken from it is not taken back"
        assert Outranked("pump", 1, "j3") in stand.delivered

    on_stand(test, take_over=True)


def test_leaving_waits_a_little_for_the_hosts_word() -> None:
    async def test(stand: Stand) -> None:
        await stand.beat()
        loop = asyncio.get_running_loop()
        began = loop.time()
        leaving = asyncio.create_task(stand.gateway.leave())
        await asyncio.sleep(0.5)
        assert not leaving.done()
        await stand.beat(free=True)
        await leaving
        assert loop.time() - began == 0.5
        await stand.beat()
        began = loop.time()
        await stand.gateway.leave()
        assert loop.time() - began == 2.0, "but not for ever"

    on_stand(test)


def test_silence_is_noticed_once_and_the_next_beat_ends_it() -> None:
    async def test(stand: Stand) -> None:
        await asyncio.sleep(60)
        assert stand.delivered == [], "one that was never there is not lost"
        for _ in range(10):
            await stand.beat()
            await asyncio.sleep(1)
        assert stand.delivered == [READY]
        await asyncio.sleep(60)
        assert stand.delivered == [READY, DeviceLost("pump")]
        await stand.beat()
        assert stand.delivered == [READY, DeviceLost("pump"), READY]

    on_stand(test)


def test_a_reboot_is_a_loss_however_quick_it_was() -> None:
    async def test(stand: Stand) -> None:
        await stand.beat(boot="b1")
        await stand.beat(boot="b2")
        assert stand.delivered == [READY, DeviceLost("pump"), READY]

    on_stand(test)


def test_the_engine_s_own_beats_are_heard_by_all_hosts_until_it_leaves_in_order() -> None:
    async def main() -> None:
        bus = MemoryBus()
        beats: list[env.EngineBeat] = []
        loop = asyncio.get_running_loop()
        async with MemoryTransport(bus) as transport, MemoryTransport(bus) as host:
            inbox = await host.subscribe(topics.engine_beat(LAB))

            async def listen() -> None:
                async for message in inbox:
                    beat = env.parse_downstream(message.payload)
                    assert isinstance(beat, env.EngineBeat)
                    beats.append(beat)

            listening = asyncio.create_task(listen())
            for leaves in (True, False):
                gateway = DeviceGateway(
                    transport, LAB, ("pump",), lambda _: None, loop.time, beat_s=2.0
                )
                beats.clear()
                await gateway.start(EPOCH, "j1")
                began = loop.time()
                await asyncio.sleep(9)
                assert [beat.sent_at - began for beat in beats] == [0, 2, 4, 6, 8]
                if leaves:
                    await gateway.leave()
                await gateway.close()
                await asyncio.sleep(60)
                assert [beat.leaving for beat in beats] == [False] * 5 + [True] * leaves
                assert {beat.epoch for beat in beats} == {EPOCH}
            await inbox.close()
            await listening

    run_virtual(main())


def test_live_values_are_delivered_where_they_were_asked_for() -> None:
    async def main() -> None:
        bus = MemoryBus()
        delivered: list[object] = []
        loop = asyncio.get_running_loop()
        async with MemoryTransport(bus) as transport:
            gateway = DeviceGateway(
                transport,
                LAB,
                ("pump", "balance"),
                delivered.append,
                loop.time,
                signals={("balance", "mass")},
                speed=2.0,
            )
            await gateway.start(EPOCH, "j1")

            async def say(
                device: str,
                channel: str,
                named: str = "",
                *,
                retain: bool = False,
                late_s: float = 0.0,
                samples: Sequence[tuple[float, float]] = ((1.0, 2.0),),
            ) -> None:
                live = env.Telemetry(
                    device=named or device,
                    boot="b1",
                    channel=channel,
                    unit="g",
                    sent_at=loop.time() - late_s,
                    samples=list(samples),
                )
                topic = topics.data(LAB, device, channel)
                bus.publish(topic, live.model_dump_json().encode(), retain=retain)
                await asyncio.sleep(0.01)

            await say("balance", "mass")
            fresh = Signal("balance", "mass", "g", 2.0, "b1", told_s=1.0, age_s=0.0)
            assert delivered == [fresh]
            delivered.clear()
            await say("balance", "mass", late_s=3.0, samples=[(1.0, 2.0), (5.0, 4.0)])
            await say("balance", "mass", late_s=-40.0)
            await say("balance", "mass", samples=[])
            assert delivered == [
                replace(fresh, age_s=10.0),
                replace(fresh, value=4.0, told_s=5.0, age_s=6.0),
                fresh,
            ], (
                "under way for three real seconds, each two of the process; no value comes from the future"
            )
            await say("balance", "temperature")
            await say("pump", "mass")
            await say("balance", "mass", named="pump")
            bus.publish(topics.data(LAB, "balance", "mass"), b"nonsense")
            await asyncio.sleep(0.01)
            assert len(delivered) == 3
            await gateway.close()
            await say("balance", "mass", retain=True)
            again = DeviceGateway(
                transport, LAB, ("balance",), delivered.append, loop.time,
                signals={("balance", "mass")},
            )  # fmt: skip
            await again.start(EPOCH, "j1")
            await asyncio.sleep(0.01)
            assert len(delivered) == 3, "what a broker kept is no live value"
            await again.close()

    run_virtual(main())


def test_where_no_host_counts_no_beat_is_sent() -> None:
    async def test(stand: Stand) -> None:
        inbox: list[bytes] = []
        async with MemoryTransport(stand.bus) as host:
            heard = await host.subscribe(topics.engine_beat(LAB))
            task = asyncio.create_task(_collect(heard, inbox))
            await asyncio.sleep(600)
            await heard.close()
            await task
        assert inbox == []

    on_stand(test)


async def _collect(heard: AsyncIterator[Message], into: list[bytes]) -> None:
    async for message in heard:
        into.append(message.payload)


@pytest.mark.parametrize(
    ("still_open", "horizon"),
    [(("c",), 3), ((), 3), (("b", "c"), 2), (("a", "c"), 1), (("an earlier epoch's", "c"), 0)],
)
def test_the_horizon_is_below_whatever_may_still_be_asked_for(
    still_open: tuple[str, ...], horizon: int
) -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.open() as gateway:
            await gateway.command(command("a"), "l1", ("a",))
            await gateway.command(command("b"), "l1", ("a", "b"))
            await gateway.command(command("c"), "l1", still_open)
            await stand.quiet()
            numbers = [m.horizon for m in stand.sent if isinstance(m, env.CommandMessage)]
            assert numbers == [1, 1, horizon]

    run_virtual(main())


def command(id: str) -> Command:
    return Command(
        id=id,
        run="r",
        step="dose",
        attempt=1,
        device="pump",
        action="dispense",
        effect="once",
        settle="query",
        timeout_s=60,
    )


def test_commands_are_numbered_and_carry_their_expiry() -> None:
    async def main() -> None:
        stand = Stand()
        async with stand.open() as gateway:
            for id in ("a", "b"):
                await gateway.command(command(id), "l1", ("a", "b"))
            await gateway.query("a", "pump", "l1")
            await gateway.safe("Ada", "safe-9")
            await gateway.lift("pump", ("safe-9",))
            await stand.quiet()
            _, a, b, query, safe, lift = stand.sent
            assert isinstance(a, env.CommandMessage)
            assert isinstance(b, env.CommandMessage)
            assert (a.id, a.seq, b.id, b.seq) == ("a", 1, "b", 2)
            assert (a.epoch, a.journal, a.ledger) == (EPOCH, "j1", "l1")
            assert a.expires_s > 0
            assert query == env.QueryMessage(id="a", epoch=EPOCH, journal="j1", ledger="l1")
            assert safe == env.SafeMessage(id="safe-9", epoch=EPOCH, journal="j1", actor="Ada")
            assert lift == env.Hello(epoch=EPOCH, journal="j1", lifts=("safe-9",))

    run_virtual(main())
