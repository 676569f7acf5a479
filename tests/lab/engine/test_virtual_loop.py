"""Virtual time: jumps, holds, and says so when nothing can happen any more."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from lab.domain.errors import InputError
from lab.engine import virtual_loop
from lab.engine.clock import VIRTUAL_START, ScaledClock, VirtualClock
from lab.engine.virtual_loop import LivelockError, StuckError, VirtualLoop, run_virtual


def test_a_day_passes_at_once_and_in_order() -> None:
    order: list[str] = []

    async def wait(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        order.append(name)

    async def main() -> float:
        await asyncio.gather(wait("day", 86_400), wait("hour", 3_600), wait("second", 1))
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(86_400)
    assert order == ["second", "hour", "day"]


def test_timers_of_the_same_moment_come_in_the_same_order_each_time() -> None:
    async def main() -> list[int]:
        order: list[int] = []

        async def note(number: int) -> None:
            await asyncio.sleep(5)
            order.append(number)

        await asyncio.gather(*(note(n) for n in range(50)))
        return order

    first = run_virtual(main())
    assert sorted(first) == list(range(50))
    assert run_virtual(main()) == first


@pytest.mark.parametrize("start_s", [0.0, 2.0**24 + 0.3, 3e9 + 0.1])
def test_timers_come_also_after_years(start_s: float) -> None:
    """Where a nanosecond is nothing beside the time that has passed."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(start_s)
        moments = [loop.time()]
        for pause in (0.1, 1e-8, 7.0, 0.3):
            await asyncio.sleep(pause)
            moments.append(loop.time())
        return moments

    moments = run_virtual(main())
    assert moments == sorted(moments)
    assert moments[-1] - start_s == pytest.approx(7.4, abs=1e-5)


def test_a_timeout_is_virtual_too() -> None:
    async def main() -> None:
        async with asyncio.timeout(3600):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        run_virtual(main())


def test_time_stands_still_while_outside_work_is_declared() -> None:
    released = threading.Event()

    def work() -> str:
        assert released.wait(5)
        return "done"

    async def main(hold: bool) -> str:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        job = asyncio.create_task(asyncio.to_thread(work))
        if not hold:
            try:
                return await asyncio.wait_for(asyncio.shield(job), 60)
            except TimeoutError:
                released.set()
                with loop.hold():
                    await job
                return "timed out"
        with loop.hold():
            threading.Timer(0.2, released.set).start()
            return await asyncio.wait_for(job, 60)

    assert run_virtual(main(hold=True)) == "done"
    released.clear()
    assert run_virtual(main(hold=False)) == "timed out"


def test_real_sockets_are_still_polled() -> None:
    async def main() -> bytes:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()
            await writer.wait_closed()

        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            with loop.hold():
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"ping\n")
                answer = await reader.readline()
                writer.close()
                await writer.wait_closed()
            return answer

    assert run_virtual(main()) == b"ping\n"


def test_a_world_in_which_nothing_can_happen_is_an_error_and_not_a_hang() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StuckError, match="nothing can happen"):
        run_virtual(main())


def test_the_virtual_clock_always_begins_at_the_same_moment() -> None:
    async def main() -> tuple[datetime, float, datetime]:
        clock = VirtualClock(asyncio.get_running_loop())
        first = clock.now()
        await clock.sleep(90)
        return first, clock.monotonic(), clock.now()

    first, passed, then = run_virtual(main())
    assert first == VIRTUAL_START
    assert passed == pytest.approx(90)
    assert then - first == timedelta(seconds=90)


def test_a_resumed_clock_never_runs_back() -> None:
    future = datetime.now(UTC) + timedelta(days=3)
    assert ScaledClock(60, not_before=future).now() >= future
    past = datetime.now(UTC) - timedelta(days=3)
    assert ScaledClock(60, not_before=past).now() > past + timedelta(days=2)


async def test_a_scaled_clock_runs_ahead_of_the_loop() -> None:
    clock = ScaledClock(1000)
    loop = asyncio.get_running_loop()
    real, process = loop.time(), clock.monotonic()
    await clock.sleep(50)
    real, process = loop.time() - real, clock.monotonic() - process
    assert process >= 50
    assert process / real > 100
    assert clock.kind == "scaled"
    assert ScaledClock().kind == "real"


@pytest.mark.parametrize("speed", [0.0, -1.0, 1e6])
def test_an_impossible_speed_is_refused(speed: float) -> None:
    with pytest.raises(InputError, match="the clock can't run"):
        ScaledClock(speed)


def test_a_livelock_ends_with_its_names_instead_of_running_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(virtual_loop, "_PATIENCE", 1000)

    async def asks_again_and_again() -> None:
        while True:
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.sleep(7.5)
        await asks_again_and_again()

    with pytest.raises(LivelockError, match=r"stands still at 7\.5 s after 1000 passes.*main"):
        run_virtual(main())


def test_much_work_in_one_moment_or_over_time_is_no_livelock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(virtual_loop, "_PATIENCE", 1000)

    async def main() -> float:
        for _ in range(10):
            for _ in range(900):
                await asyncio.sleep(0)
            await asyncio.sleep(1.0)
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == pytest.approx(10.0)


def test_what_holds_time_still_may_take_as_many_passes_as_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(virtual_loop, "_PATIENCE", 100)

    async def main() -> str:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        with loop.hold():
            for _ in range(500):
                await asyncio.sleep(0)
        return "done"

    assert run_virtual(main()) == "done"
