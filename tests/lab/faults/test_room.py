"""The simulated room: machines behind lines, told by frames; their driver; and lines that spoil."""

from __future__ import annotations

import asyncio
import random

import pytest

from lab.devices.driver import Act, DeviceError
from lab.domain.command import Command
from lab.faults.knobs import RoomKnobs
from lab.faults.loop import SimulationLoop
from lab.faults.machine_driver import MachineDriver
from lab.faults.room import Cable, Room, frame, unframe
from lab.faults.story import Story
from tests.lab.devices.fake_device import TestClock


class Bench:
    """A room with a pump and its driver; `begun` counts the points of no return."""

    def __init__(self, seed: int = 1, garbles: float = 0.0, early_ends: float = 0.0) -> None:
        self.loop = SimulationLoop(random.Random(seed))
        story = Story(self.loop.time)
        self.room = Room(
            self.loop,
            random.Random(seed),
            RoomKnobs(garbles=garbles, early_ends=early_ends),
            story,
            [],
        )
        self.machine = self.room.machine("pump")
        self.driver = MachineDriver(lambda: Cable(self.room, self.machine), TestClock(), lid=True)
        self.begun = 0

    def act(self, volume: float = 1.0) -> Act:
        async def begin():
            self.begun += 1

        async def progress(_values):
            pass

        return Act(self.command(volume), begin, progress)

    def command(self, volume: float = 1.0) -> Command:
        return Command(
            id="c", run="r", step="s", attempt=1, device="pump", action="dispense",
            args={"volume": volume}, effect="once", settle="query", timeout_s=10.0,
        )  # fmt: skip

    async def dose(self):
        return await self.driver.dispense(self.act(), volume=1.0, rate=10.0)

    def run(self, work):
        async def main():
            await self.driver.connect()
            return await work()

        try:
            return self.loop.run(main())
        finally:
            self.loop.bury()


def test_frames_are_checked():
    assert unframe(frame("1 N").rstrip(b"\n")) == "1 N"
    for at in range(3):
        spoilt = bytearray(frame("1 N").rstrip(b"\n"))
        spoilt[at] ^= 1
        assert unframe(bytes(spoilt)) is None
    assert unframe(b"") is None


def test_a_dose_takes_its_time_and_is_in_the_rooms_books():
    bench = Bench()
    assert bench.run(bench.dose) == {"volume": 1.0}
    bench.machine.finish()
    [act] = bench.room.acts
    assert (act.volume, act.delivered, bench.begun, bench.room.pot_ul) == (1000, 1000.0, 1, 1000.0)
    assert bench.loop.time() >= 2.0


@pytest.mark.parametrize("seed", range(25))
def test_a_bad_line_never_doubles_a_dose_and_never_lies(seed):
    bench = Bench(seed, garbles=0.3)
    told = ""
    try:
        bench.run(bench.dose)
    except (DeviceError, TimeoutError) as error:
        told = getattr(error, "effect", "unknown") if bench.begun else "none"
    bench.machine.finish()
    done = [act.delivered for act in bench.room.acts]
    assert len(done) <= 1
    assert done == [1000.0] if not told else told != "none" or not done


def test_an_early_end_is_partial_and_settled_as_that():
    bench = Bench(early_ends=1.0)

    async def work():
        with pytest.raises(DeviceError, match="of 1000 uL") as caught:
            await bench.driver.dispense(bench.act(), volume=1.0, rate=10.0)
        return caught.value.effect, (await bench.driver.settle(bench.command())).verdict

    assert bench.run(work) == ("partial", "partial")


def test_what_it_did_before_a_reboot_nobody_can_tell():
    bench = Bench()

    async def work():
        dose = asyncio.ensure_future(bench.driver.dispense(bench.act(), volume=1.0, rate=10.0))
        await asyncio.sleep(1.0)
        bench.machine.reboot()
        with pytest.raises(DeviceError) as caught:
            await dose
        return caught.value.effect, (await bench.driver.settle(bench.command())).verdict

    assert bench.run(work) == ("unknown", "unknown")
    assert 0 < bench.room.acts[0].delivered < 1000
    assert bench.room.pot_ul == pytest.approx(bench.room.acts[0].delivered)


def test_a_machine_that_hangs_takes_later_what_it_was_told_the_port_closed_or_not():
    bench = Bench()

    async def work():
        bench.machine.hang(30.0)
        with pytest.raises(TimeoutError):
            await bench.driver.dispense(bench.act(), volume=1.0, rate=10.0)
        await bench.driver.disconnect()
        await asyncio.sleep(40.0)
        assert not bench.begun
        await bench.driver.connect()
        await bench.driver.make_safe()

    bench.run(work)
    assert bench.room.acts == []


def test_a_drain_takes_no_more_than_there_is_and_gives_back_what_it_did_not_take():
    bench = Bench()
    drain = bench.room.machine("drain", draws=True)
    bench.room.pour(1000.0)

    async def work():
        assert drain.answer("1 D 5000") == "1 OK"
        await asyncio.sleep(1.0)
        drain.answer("2 X")

    bench.run(work)
    assert bench.room.pot_ul == pytest.approx(500.0)
    assert drain.answer("3 nonsense") is None
