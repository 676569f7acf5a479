"""The loop of mortal processes: virtual time, order within a process, death at any callback."""

from __future__ import annotations

import asyncio
import random

import pytest

from lab.engine.virtual_loop import StuckError
from lab.faults.loop import Process, SimulationLoop


def loop_of(seed: int = 1) -> SimulationLoop:
    return SimulationLoop(random.Random(seed))


async def _count(heard: list[str], name: str, times: int = 5) -> None:
    for number in range(times):
        heard.append(f"{name}{number}")
        await asyncio.sleep(0)


def _two(seed: int, dies_at: int = -1) -> list[str]:
    loop, heard = loop_of(seed), []

    async def main():
        for name in "ab":
            process = Process(loop, name)
            process.dies_at = dies_at if name == "a" else -1
            process.start(_count(heard, name))
        await asyncio.sleep(1)

    loop.run(main())
    loop.bury()
    return heard


def test_a_year_takes_no_time():
    loop = loop_of()

    async def main():
        await asyncio.sleep(365 * 86400)
        return loop.time()

    assert loop.run(main()) == 365 * 86400


def test_a_timer_that_was_cancelled_takes_no_other_along_to_its_moment():
    loop = loop_of()

    async def main():
        later = loop.call_later(2.0, print)
        woken = asyncio.ensure_future(asyncio.sleep(1.0))
        await asyncio.sleep(0)
        loop.call_later(1.0, print).cancel()  # at the moment of the sleep, and behind it
        await woken
        assert loop.time() == 1.0
        later.cancel()

    loop.run(main())
    loop.bury()


def test_processes_interleave_by_the_seed_and_each_keeps_its_own_order():
    orders = {tuple(_two(seed)) for seed in range(20)}
    assert len(orders) > 10
    for order in orders:
        assert [word for word in order if word[0] == "a"] == ["a0", "a1", "a2", "a3", "a4"]
    assert _two(3) == _two(3)


@pytest.mark.parametrize("callback", range(1, 6))
def test_a_process_dies_before_its_nth_callback_and_the_other_lives_on(callback):
    heard = _two(1, dies_at=callback)
    assert sum(word[0] == "a" for word in heard) == callback - 1
    assert sum(word[0] == "b" for word in heard) == 5


def test_a_killed_process_runs_no_finally_while_the_story_goes_on():
    loop, heard = loop_of(), []

    async def life():
        try:
            await asyncio.sleep(10)
        finally:
            heard.append("finally")

    async def main():
        process = Process(loop, "x")
        process.on_death.append(lambda: heard.append("dead"))
        process.start(life())
        await asyncio.sleep(1)
        process.kill()
        process.kill()
        await asyncio.sleep(100)
        assert heard == ["dead"]

    loop.run(main())
    loop.bury()


def test_a_process_ends_with_its_main_task_and_keeps_its_error():
    loop = loop_of()

    async def fails():
        await asyncio.sleep(1)
        raise ValueError("no")

    async def main():
        process = Process(loop, "x")
        process.start(fails())
        await asyncio.sleep(2)
        assert not process.alive
        return process.error

    assert isinstance(loop.run(main()), ValueError)


def test_a_paused_process_goes_on_where_it_was_when_it_wakes():
    loop, heard = loop_of(), []

    async def ticks():
        while True:
            await asyncio.sleep(1)
            heard.append(loop.time())

    async def main():
        process = Process(loop, "x")
        process.start(ticks())
        await asyncio.sleep(2.5)
        process.paused_until = 10.0
        await asyncio.sleep(9)

    loop.run(main())
    loop.bury()
    assert heard == [1.0, 2.0, 10.0, 11.0]


def test_work_in_a_thread_is_done_later_and_its_answer_dies_with_the_process():
    loop, done = SimulationLoop(random.Random(1), lambda: 5.0), []

    async def life():
        await asyncio.to_thread(done.append, "work")
        done.append("heard")

    async def main():
        process = Process(loop, "x")
        process.start(life())
        await asyncio.sleep(4)
        assert done == []
        await asyncio.sleep(2)
        assert done == ["work", "heard"]
        second = Process(loop, "y")
        second.start(life())
        await asyncio.sleep(4)
        second.kill()
        await asyncio.sleep(4)

    loop.run(main())
    loop.bury()
    assert done == ["work", "heard"], "a thread outlived its process"


def test_errors_of_work_in_threads_reach_the_one_who_waits():
    loop = loop_of()

    def fails():
        raise OSError("full")

    async def main():
        with pytest.raises(OSError, match="full"):
            await asyncio.to_thread(fails)

    loop.run(main())


def test_nothing_to_do_and_no_timer_is_an_error_and_no_hang():
    loop = loop_of()

    async def main():
        await asyncio.Event().wait()

    with pytest.raises(StuckError):
        loop.run(main())
    loop.bury()
