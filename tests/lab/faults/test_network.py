"""The simulated broker: on time and in order where nothing is wrong, and wrong in each way that it is told."""

from __future__ import annotations

import asyncio
import random

import pytest

from lab.faults.knobs import NetworkKnobs
from lab.faults.loop import Process, SimulationLoop
from lab.faults.network import Broker, SimulatedTransport
from lab.faults.story import Story

CMD = "labwright/1/room/pump/cmd"


class Net:
    """A broker; somebody who publishes, and a host that listens."""

    def __init__(self, **knobs: float) -> None:
        self.loop = SimulationLoop(random.Random(3))
        self.story = Story(self.loop.time)
        settings = NetworkKnobs(**knobs)  # pyright: ignore[reportArgumentType]
        self.broker = Broker(self.loop, random.Random(3), settings, self.story)
        self.host = Process(self.loop, "pump-host")
        self.heard: list[tuple[float, bytes, bool]] = []

    async def _listen(self) -> None:
        async with SimulatedTransport(self.broker, self.host) as transport:
            async for message in await transport.subscribe(CMD):
                self.heard.append((self.loop.time(), message.payload, message.retained))

    def run(self, work) -> list[bytes]:
        async def main() -> None:
            self.host.start(self._listen())
            await asyncio.sleep(0.1)
            async with SimulatedTransport(self.broker, self.loop.world) as transport:
                await work(transport)
            await asyncio.sleep(100.0)

        try:
            self.loop.run(main())
        finally:
            self.loop.bury()
        return [payload for _, payload, _ in self.heard]


async def twenty(transport: SimulatedTransport) -> None:
    for number in range(20):
        await transport.publish(CMD, b"%d" % number)
        await asyncio.sleep(0.5)


ALL = [b"%d" % number for number in range(20)]


def test_without_faults_each_message_comes_once_and_in_order():
    net = Net()
    assert net.run(twenty) == ALL
    assert [delivery.payload for delivery in net.broker.commands] == ALL
    assert all(delivery.to is net.host for delivery in net.broker.commands)


@pytest.mark.parametrize(
    ("knobs", "wrong"),
    [
        ({"loses": 0.5}, lambda heard: len(heard) < 20 and set(heard) < set(ALL)),
        ({"doubles": 0.5}, lambda heard: len(heard) > 20 and set(heard) == set(ALL)),
        ({"late": 0.5, "late_s": 60.0}, lambda heard: heard != ALL and sorted(heard) == sorted(ALL)),
        ({"junk": 0.5}, lambda heard: len(heard) == 20 and set(heard) != set(ALL)),
    ],
)  # fmt: skip
def test_each_knob_does_its_harm_and_calm_ends_it(knobs, wrong):
    net = Net(jitter_s=0.001, **knobs)
    assert wrong(net.run(twenty))
    net = Net(jitter_s=0.001, **knobs)
    net.broker.calm()
    assert net.run(twenty) == ALL


def test_a_short_queue_drops_what_comes_while_it_is_full():
    async def at_once(transport: SimulatedTransport) -> None:
        for payload in ALL:
            await transport.publish(CMD, payload)

    net = Net(limit=3)
    assert net.run(at_once) == ALL[:3]
    assert "its queue is full" in net.story.moments[0].what


def test_a_command_that_is_retained_by_mistake_comes_to_who_subscribes_later():
    net = Net(retains=1.0, jitter_s=0.001)

    async def later(transport: SimulatedTransport) -> None:
        await transport.publish(CMD, b"old")
        inbox = await transport.subscribe(CMD)
        message = await anext(aiter(inbox))
        assert (message.payload, message.retained) == (b"old", True)
        await inbox.close()

    assert net.run(later) == [b"old"]


@pytest.mark.parametrize("forgets", [False, True])
def test_while_it_is_away_nobody_publishes_and_it_may_forget(forgets):
    net = Net()

    async def outage(transport: SimulatedTransport) -> None:
        await transport.publish("labwright/1/room/pump/state", b"ready", retain=True)
        down = asyncio.ensure_future(net.broker.away(10.0, forgets=forgets))
        await asyncio.sleep(1.0)
        began = net.loop.time()
        await transport.publish(CMD, b"waits")
        assert net.loop.time() - began > 8.0
        await down
        inbox = await transport.subscribe("labwright/1/room/pump/state")
        with_memory = not forgets
        try:
            async with asyncio.timeout(1.0):
                assert (await anext(aiter(inbox))).retained
                assert with_memory
        except TimeoutError:
            assert forgets
        await inbox.close()

    assert net.run(outage) == [b"waits"]


def test_the_dead_hear_nothing():
    net = Net()

    async def kill(transport: SimulatedTransport) -> None:
        await transport.publish(CMD, b"1")
        await asyncio.sleep(1.0)
        await transport.publish(CMD, b"under way")
        net.host.kill()
        await transport.publish(CMD, b"2")

    assert net.run(kill) == [b"1"]
