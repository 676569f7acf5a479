"""The reader's driver against its simulator, in memory and over a real socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from drivers.teaching_plate_reader.driver import TeachingPlateReader
from lab.devices.driver import Act, DeviceError, DriverContext
from lab.devices.memory_stream import stream_pair
from lab.devices.stream import StreamClosedError
from lab.domain.command import Command
from lab.domain.errors import InputError
from lab.engine.clock import ScaledClock, VirtualClock
from lab.engine.virtual_loop import run_virtual
from simulators.chemistry.dyes import path_cm, well_absorbance
from simulators.contract import SimulatorContext
from simulators.plate_reader import PlateReaderSimulator
from simulators.world import World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lab.devices.stream import ByteStream
    from lab.domain.clock import Clock

STOCKS = {"red": {"allura_red": 3e-4}, "blue": {"brilliant_blue": 6e-5}, "water": {}}
RECIPE = {"red": 40.0, "blue": 30.0, "water": 130.0}
COMMAND = Command(
    id="0" * 32,
    run="dyes/r001",
    step="read",
    attempt=1,
    device="reader",
    action="read_well",
    effect="none",
    settle="query",
    timeout_s=120.0,
)


def fill(world: World, well: str = "plate:B3") -> None:
    """The recipe, pipetted without any error."""
    total = sum(RECIPE.values())
    contents = {
        species: amount * volume / total
        for stock, volume in RECIPE.items()
        for species, amount in STOCKS[stock].items()
    }
    world.fill(well, total / 1000.0, 1.0, contents, capacity_ml=0.36)


class Stand:
    """A simulated reader and as many connections to it as one likes."""

    def __init__(self, clock: Clock, **simulate: Any) -> None:
        self.clock = clock
        self.world = World(3, clock)
        fill(self.world)
        self.simulator = PlateReaderSimulator(
            SimulatorContext("reader", self.world, clock, self.world.random_for("reader"), simulate)
        )
        self.tasks: list[asyncio.Task[None]] = []
        self.far_ends: list[ByteStream] = []

    async def stream(self, url: str) -> ByteStream:
        here, there = stream_pair()
        self.far_ends.append(there)
        self.tasks.append(asyncio.create_task(self.simulator.serve(there)))
        return here

    def http(self, url: str) -> Any:
        raise NotImplementedError(url)

    async def messages(self, url: str) -> Any:
        raise NotImplementedError(url)

    async def driver(self, **settings: Any) -> TeachingPlateReader:
        driver = TeachingPlateReader(DriverContext("reader", "sim:", self, self.clock, settings))
        await driver.connect()
        return driver


def act() -> Act:
    async def nothing(*_: Any) -> None:
        return

    return Act(COMMAND, nothing, nothing)


def virtual(work: Callable[[Clock], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await work(VirtualClock(asyncio.get_running_loop()))

    return run_virtual(main())


def expected(wavelength: float) -> float:
    return well_absorbance(RECIPE, STOCKS, wavelength, 6.86)


def test_reads_what_beer_and_lambert_say() -> None:
    async def work(clock: Clock) -> None:
        stand = Stand(clock, transmission_noise=0)
        driver = await stand.driver()
        start = clock.monotonic()
        outputs = await driver.read_well(act(), well="B3")
        assert outputs == {
            "absorbance_1": pytest.approx(expected(450.0), abs=1e-5),
            "absorbance_2": pytest.approx(expected(520.0), abs=1e-5),
            "absorbance_3": pytest.approx(expected(630.0), abs=1e-5),
        }
        assert clock.monotonic() - start == pytest.approx(2.0 + 3 * 0.8)
        other = await driver.read_well(act(), well="B3", wavelength_1=504.0)
        assert other["absorbance_1"] == pytest.approx(expected(504.0), abs=1e-5)
        await driver.disconnect()
        await driver.disconnect()

    virtual(work)


def test_an_empty_well_is_clear_and_noise_is_seeded() -> None:
    async def work(clock: Clock) -> list[Any]:
        stand = Stand(clock)
        driver = await stand.driver()
        empty = await driver.read_well(act(), well="A1")
        assert all(abs(float(str(value))) < 0.002 for value in empty.values())
        values = [(await driver.read_well(act(), well="B3"))["absorbance_1"] for _ in range(3)]
        assert len(set(values)) == 3
        await driver.disconnect()
        return values

    assert virtual(work) == virtual(work)


def test_a_plate_absorbs_itself_and_the_blank_takes_it_out() -> None:
    """Standards of known dilution: a line through the blank, with the slope of Beer and Lambert."""

    async def work(clock: Clock) -> None:
        stand = Stand(clock, transmission_noise=0, stray_light=0, blank_absorbance=0.042)
        amounts = {"A1": 0.0, "A2": 0.5e-5, "A3": 1e-5, "A4": 2e-5}
        for well, amount in amounts.items():
            stand.world.fill(f"plate:{well}", 0.2, 1.0, {"allura_red": amount}, capacity_ml=0.36)
        driver = await stand.driver()
        seen = {
            well: float(str((await driver.read_well(act(), well=well, wavelength_1=504.0))["absorbance_1"]))
            for well in (*amounts, "H12")
        }  # fmt: skip
        assert seen["A1"] == seen["H12"] == pytest.approx(0.042, abs=1e-5)
        slope = 2.4e4 * path_cm(0.2, 6.86)
        for well, amount in amounts.items():
            assert seen[well] - seen["A1"] == pytest.approx(slope * amount, abs=2e-5)
        await driver.disconnect()

    virtual(work)


@pytest.mark.parametrize("blank", [-0.01, "clear"])
def test_a_plate_that_can_not_be_is_refused(blank: Any) -> None:
    async def work(clock: Clock) -> None:
        with pytest.raises(InputError, match="blank_absorbance"):
            Stand(clock, blank_absorbance=blank)

    virtual(work)


def test_identity_and_safety() -> None:
    async def work(clock: Clock) -> None:
        stand = Stand(clock)
        driver = TeachingPlateReader(DriverContext("reader", "sim:", stand, clock))
        identity = await driver.connect()
        assert (identity.model, identity.serial_number) == ("TPR-3", "SIM-reader")
        await driver.make_safe()
        assert await driver.read_telemetry() == {}
        assert (await driver.settle(COMMAND)).verdict == "not_done"
        await driver.disconnect()

    virtual(work)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"well": "Z9"}, "unknown_well"),
        ({"well": "I1"}, "unknown_well"),
        ({"well": "B3", "wavelength_2": 200.0}, "out_of_range"),
        ({"well": "B3", "wavelength_3": 900.0}, "out_of_range"),
    ],
)
def test_refusals_are_named_and_leave_nothing_behind(arguments: dict[str, Any], code: str) -> None:
    async def work(clock: Clock) -> None:
        driver = await Stand(clock).driver()
        with pytest.raises(DeviceError) as refused:
            await driver.read_well(act(), **arguments)
        assert (refused.value.code, refused.value.effect) == (code, "none")
        assert await driver.read_well(act(), well="B3")
        await driver.disconnect()

    virtual(work)


def test_a_lamp_that_fails_once() -> None:
    async def work(clock: Clock) -> None:
        driver = await Stand(clock, lamp_fails_at=2).driver()
        await driver.read_well(act(), well="B3")
        with pytest.raises(DeviceError, match="-240 Hardware error") as failed:
            await driver.read_well(act(), well="B3")
        assert failed.value.code == "hardware"
        assert await driver.read_well(act(), well="B3")
        await driver.disconnect()

    virtual(work)


def test_an_error_of_somebody_else_is_not_this_measurements() -> None:
    async def work(clock: Clock) -> None:
        stand = Stand(clock)
        driver = await stand.driver()
        intruder = await stand.stream("sim:")
        await intruder.write(b"NONSENSE\n")
        await asyncio.sleep(0.1)
        assert await driver.read_well(act(), well="B3")
        await intruder.close()
        await driver.disconnect()

    virtual(work)


def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    async def work(clock: Clock) -> None:
        driver = await Stand(clock, transmission_noise=0).driver(measure_timeout_s=3.0)
        with pytest.raises(TimeoutError):
            await driver.read_well(act(), well="B3")
        await clock.sleep(10.0)
        await driver.disconnect()

        patient = await Stand(clock, transmission_noise=0).driver(measure_timeout_s=3.0)
        with pytest.raises(TimeoutError):
            await patient.read_well(act(), well="A1")
        await clock.sleep(10.0)
        patient._settings = patient._settings.model_copy(update={"measure_timeout_s": 60.0})
        outputs = await patient.read_well(act(), well="B3")
        assert outputs["absorbance_1"] == pytest.approx(expected(450.0), abs=1e-5)
        await patient.disconnect()

    virtual(work)


def test_a_cut_line_is_a_closed_stream() -> None:
    async def work(clock: Clock) -> None:
        stand = Stand(clock)
        driver = await stand.driver()
        reading = asyncio.create_task(driver.read_well(act(), well="B3"))
        await clock.sleep(1.0)
        await stand.far_ends[0].close()
        with pytest.raises(StreamClosedError):
            await reading
        await driver.disconnect()
        with pytest.raises(StreamClosedError):
            await driver.read_well(act(), well="B3")
        assert await driver.connect()
        assert await driver.read_well(act(), well="B3")
        await driver.disconnect()

    virtual(work)


async def _replying(lines: list[bytes]) -> ByteStream:
    here, there = stream_pair()
    for line in lines:
        await there.write(line)

    class Deaf:
        """Hands out one prepared answer for each write."""

        def __init__(self) -> None:
            self.answers = list(lines)

        async def read(self) -> bytes:
            return await here.read()

        async def write(self, data: bytes) -> None:
            if b"?" in data and self.answers:
                await there.write(self.answers.pop(0))

        async def close(self) -> None:
            await here.close()

    await here.read()
    return Deaf()


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ([b"ACME,TURBIDITY,1,2\n"], "wrong_device"),
        ([b"hello\n"], "bad_reply"),
        ([b"L,TPR-3,1,1\n", b"what\n"], "bad_reply"),
    ],
)
def test_other_instruments_are_refused(answers: list[bytes], code: str) -> None:
    async def work(clock: Clock) -> None:
        class Other(Stand):
            async def stream(self, url: str) -> ByteStream:
                return await _replying(answers)

        with pytest.raises(DeviceError) as refused:
            await Other(clock).driver()
        assert refused.value.code == code

    virtual(work)


@pytest.mark.parametrize("answer", [b"0.5\n", b"0.5,0.6,x\n", b"9.91E+37,9.91E+37,9.91E+37\n"])
def test_a_bad_answer_is_no_reading(answer: bytes) -> None:
    async def work(clock: Clock) -> None:
        no_error = b'0,"No error"\n'

        class Other(Stand):
            async def stream(self, url: str) -> ByteStream:
                return await _replying([b"L,TPR-3,1,1\n", no_error, answer, no_error])

        driver = await Other(clock).driver()
        with pytest.raises(DeviceError) as refused:
            await driver.read_well(act(), well="B3")
        assert (refused.value.code, refused.value.effect) == ("bad_reply", "none")
        await driver.disconnect()

    virtual(work)


def test_settings_are_checked() -> None:
    async def work(clock: Clock) -> None:
        stand = Stand(clock)
        with pytest.raises(InputError, match="baud"):
            TeachingPlateReader(DriverContext("reader", "sim:", stand, clock, {"baud": 9600}))
        with pytest.raises(InputError, match="7 wells"):
            Stand(clock, wells=7)
        with pytest.raises(InputError, match="diameter"):
            Stand(clock, well_diameter_mm=-1)

    virtual(work)


class _SocketStream:
    """A byte stream over a real socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        data = await self._reader.read(4096)
        if not data:
            raise StreamClosedError("closed")
        return data

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def close(self) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


async def test_over_a_real_socket() -> None:
    clock = ScaledClock(100.0)
    stand = Stand(clock, transmission_noise=0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream = _SocketStream(reader, writer)
        await stand.simulator.serve(stream)
        await stream.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def dial(_: str) -> ByteStream:
        return _SocketStream(*await asyncio.open_connection("127.0.0.1", port))

    stand.stream = dial  # type: ignore[method-assign]
    try:
        driver = await stand.driver()
        outputs = await driver.read_well(act(), well="B3")
        assert outputs["absorbance_3"] == pytest.approx(expected(630.0), abs=1e-5)
        await driver.disconnect()
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)
