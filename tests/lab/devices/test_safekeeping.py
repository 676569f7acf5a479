"""When nobody is in charge any more the device becomes safe by itself, in time and only then."""

from __future__ import annotations

import asyncio
import random

from lab.bus.envelope import Hello, SafeMessage
from lab.devices.ledger import CommandLedger
from lab.domain.ids import dead_man_of
from lab.engine.virtual_loop import run_virtual
from tests.lab.devices.fake_device import (
    Script,
)
from tests.lab.devices.stand import LIMIT_S, Stand


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
