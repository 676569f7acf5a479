"""What only the bus in memory promises: the same order each time, under any loop, without threads."""

from __future__ import annotations

import asyncio
import threading

import pytest

from lab.bus import inbox
from lab.bus.memory import MemoryBus, MemoryTransport
from lab.bus.transport import Message
from lab.engine.virtual_loop import run_virtual


async def _chatter() -> list[str]:
    """Five parties that answer each other; the order in which all is heard."""
    bus, heard = MemoryBus(), []
    transports = [MemoryTransport(bus) for _ in range(5)]
    for transport in transports:
        await transport.__aenter__()

    async def party(number: int) -> None:
        inbox = await transports[number].subscribe("+/say")
        await transports[number].publish(f"{number}/say", b"3")
        async for message in inbox:
            heard.append(f"{number}<{message.topic[0]}:{message.payload.decode()}")
            left = int(message.payload)
            if left and message.topic[0] != str(number):
                await asyncio.sleep(left * 10)
                await transports[number].publish(f"{number}/say", b"%d" % (left - 1))

    tasks = [asyncio.create_task(party(number)) for number in range(5)]
    await asyncio.sleep(3600)
    for transport in transports:
        await transport.__aexit__(None, None, None)
    await asyncio.gather(*tasks)
    return heard


def test_it_runs_in_virtual_time_and_always_in_the_same_order():
    before = threading.active_count()
    stories = [run_virtual(_chatter()) for _ in range(3)]
    assert len(stories[0]) > 100
    assert stories[0] == stories[1] == stories[2]
    assert threading.active_count() == before


async def test_a_message_is_in_every_inbox_before_anybody_reacts():
    bus = MemoryBus()
    async with MemoryTransport(bus) as a, MemoryTransport(bus) as b:
        first, second = await a.subscribe("x"), await b.subscribe("x")
        bus.publish("x", b"1")
        assert await anext(second) == await anext(first) == Message("x", b"1")


async def test_overlapping_patterns_of_one_subscription_deliver_once():
    async with MemoryTransport(MemoryBus()) as transport:
        inbox = await transport.subscribe("a/#", "a/b", "+/b")
        await transport.publish("a/b", b"1")
        await transport.publish("a/b", b"2")
        assert [(await anext(inbox)).payload for _ in range(2)] == [b"1", b"2"]


async def test_nobody_may_use_it_before_entering():
    transport = MemoryTransport(MemoryBus())
    with pytest.raises(RuntimeError, match="async with"):
        await transport.publish("a", b"")
    with pytest.raises(RuntimeError, match="async with"):
        await transport.subscribe("a")


async def test_a_shared_transport_is_closed_by_the_last_who_leaves():
    async with MemoryTransport(MemoryBus()) as transport:
        inbox = await transport.subscribe("a")
        async with transport:
            pass
        await transport.publish("a", b"1")
        assert (await anext(inbox)).payload == b"1"


async def test_a_publisher_in_a_loop_does_not_starve_its_readers():
    async with MemoryTransport(MemoryBus()) as transport:
        inbox = await transport.subscribe("a")
        heard = []

        async def listen():
            async for message in inbox:
                heard.append(message.payload)

        listener = asyncio.create_task(listen())
        for number in range(10):
            await transport.publish("a", b"%d" % number)
        assert len(heard) >= 8
        await inbox.close()
        await listener


async def test_who_wants_a_topic_is_asked_anew_when_subscriptions_come_and_go():
    bus = MemoryBus()
    async with MemoryTransport(bus) as one:
        first = await one.subscribe("a/+")
        await one.publish("a/1", b"1")
        second = await one.subscribe("a/1")
        await one.publish("a/1", b"2")
        assert [(await anext(first)).payload for _ in range(2)] == [b"1", b"2"]
        assert (await anext(second)).payload == b"2"
        await first.close()
        await one.publish("a/1", b"3")
        assert (await anext(second)).payload == b"3"
        with pytest.raises(StopAsyncIteration):
            await anext(first)


def test_topics_without_number_are_not_kept_in_mind_for_ever(monkeypatch):
    monkeypatch.setattr(inbox, "_TOPICS", 10)
    inboxes = inbox.Inboxes()

    async def closed(_which):
        pass

    mine = inbox.Inbox(("a/#",), closed)
    inboxes.add(mine)
    for number in range(1000):
        assert inboxes.takers(f"a/{number}") == (mine,)
        assert inboxes.takers(f"b/{number}") == ()
        assert len(inboxes._takers) <= 10
