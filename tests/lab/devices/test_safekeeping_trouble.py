"""Hosts, engines and disks that fail, and processes that stand still: the device becomes safe all the same."""

from __future__ import annotations

import asyncio

import pytest

from lab.bus.envelope import SafeMessage
from lab.devices import safekeeping
from lab.devices.host import DeviceHost
from lab.domain.errors import RefusedError
from lab.domain.ids import dead_man_of
from lab.engine.virtual_loop import run_virtual
from tests.lab.devices.fake_device import (
    Script,
)
from tests.lab.devices.stand import LIMIT_S, Stand


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
    limit_s: float | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
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
        assert ("the device was made safe" in caplog.text) == (limit_s is not None)

    run_virtual(main())


@pytest.mark.parametrize("alive", [True, False])
def test_after_a_stand_still_of_the_process_what_came_meanwhile_is_heard_first(
    alive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    still_s = 0.0
    monkeypatch.setattr(safekeeping, "_now", lambda: asyncio.get_running_loop().time() + still_s)

    async def main() -> None:
        nonlocal still_s
        stand = Stand()
        async with stand.host():
            await stand.live(4)
            await stand.settle()
            still_s = 30.0
            await asyncio.sleep(6.2)
            assert stand.safe_at == [], "its timer has fired, much too late"
            if alive:
                stand.beat()
            await asyncio.sleep(1)
            assert len(stand.safe_at) == (not alive)

    run_virtual(main())


def test_a_host_in_its_engine_s_process_counts_from_the_engine_s_first_sign() -> None:
    async def main() -> None:
        stand = Stand(safe_on_error=True)
        async with stand.host():
            await stand.live(4)
        async with stand.host():
            await asyncio.sleep(3600)
            assert stand.safe_at == [], "its ledger says that somebody was in charge"
            stand.beat()
            await asyncio.sleep(LIMIT_S + 1)
            assert len(stand.safe_at) == 1

    run_virtual(main())


def test_a_host_that_fails_does_not_call_a_device_safe_that_it_can_t_reach(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stand = Stand()

    def fail(*_: object) -> None:
        stand.device.plugged = False
        raise ValueError("a bug")

    async def live() -> None:
        async with stand.host():
            monkeypatch.setattr(DeviceHost, "_on_beat", fail)
            stand.beat()
            await asyncio.sleep(1)

    async def main() -> None:
        with pytest.raises(ExceptionGroup):
            await live()
        assert stand.safe_at == []
        assert "could NOT be made safe" in caplog.text

    run_virtual(main())
