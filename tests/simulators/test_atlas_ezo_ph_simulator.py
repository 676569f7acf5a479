"""What the simulated pH circuit says, byte by byte, and how far its electrode is off."""

from __future__ import annotations

import asyncio
import statistics

import pytest

from lab.devices.memory_stream import stream_pair
from lab.domain.errors import InputError
from simulators.atlas_ezo_ph import AtlasEzoPhSimulator, nernst_mv
from simulators.chemistry.acid_base import ph
from tests.bench.devices import Bench
from tests.bench.virtual import run_virtual

IDEAL = {"offset_mv": 0.0, "slope_percent": 100.0, "drift_mv_per_h": 0.0, "noise_mv": 0.0}
QUIET = {"drift_mv_per_h": 0.0, "noise_mv": 0.0}
BUFFERS = {
    "phthalate": {"KHP": 0.05},
    "phosphate": {"KH2PO4": 0.025, "Na2HPO4": 0.025},
    "carbonate": {"NaHCO3": 0.025, "Na2CO3": 0.025},
}


class Terminal:
    """A person who types commands at a circuit, and swaps what the electrode stands in."""

    def __init__(self, bench, stream):
        self.bench = bench
        self._stream = stream

    async def ask(self, command):
        await self._stream.write(command + b"\r")
        await self.bench.clock.sleep(1.0)
        return (await self._stream.read()).split(b"\r")[:-1]

    async def read(self):
        return float((await self.ask(b"R"))[0])

    def stand_in(self, contents, celsius=25.0, volume_ml=20.0):
        self.bench.world.fill("cup", volume_ml, 1.0, contents).temperature_c = celsius


def at_terminal(test, **simulate):
    async def main():
        bench = Bench()
        circuit = AtlasEzoPhSimulator(bench.simulator_context("probe", at="cup", **simulate))
        ours, theirs = stream_pair()
        serving = asyncio.create_task(circuit.serve(theirs))
        terminal = Terminal(bench, ours)
        terminal.stand_in(BUFFERS["phosphate"])
        await ours.read()
        await terminal.ask(b"C,0")
        try:
            return await test(terminal)
        finally:
            await ours.close()
            await serving

    return run_virtual(main())


def test_the_circuit_answers_in_its_own_words():
    async def test(terminal):
        commands = b"i STATUS cal,? Slope,? T,? Name,pot name,? baud,? *OK,? C,? l,? find"
        said = [await terminal.ask(command) for command in commands.split()]
        assert said == [
            [b"?i,pH,2.16", b"*OK"], [b"?Status,P,5.038", b"*OK"], [b"?Cal,0", b"*OK"],
            [b"?Slope,100.0,100.0,0.00", b"*OK"], [b"?T,25.00", b"*OK"], [b"*OK"],
            [b"?Name,pot", b"*OK"], [b"?Baud,9600", b"*OK"], [b"?*OK,1"], [b"?C,0", b"*OK"],
            [b"?L,1", b"*OK"], [b"*OK"],
        ]  # fmt: skip

    at_terminal(test)


def test_without_a_driver_it_sends_a_reading_each_second():
    async def main():
        bench = Bench()
        bench.world.fill("cup", 20.0, 1.0, {}).temperature_c = 25.0
        circuit = AtlasEzoPhSimulator(
            bench.simulator_context("probe", at="cup", model="constant", ph=9.56, **IDEAL)
        )
        ours, theirs = stream_pair()
        serving = asyncio.create_task(circuit.serve(theirs))
        await bench.clock.sleep(3.5)
        assert await ours.read() == b"*RS\r*RE\r" + 3 * b"9.560\r"
        await ours.close()
        await serving

    run_virtual(main())


@pytest.mark.parametrize(
    "command",
    [b"Cal", b"Cal,7", b"Cal,mid", b"Cal,mid,x", b"Cal,mid,14.1", b"Cal,mid,nan", b"Cal,one,7", b"Slope",
     b"Slope,1", b"K,?", b"RT", b"RT,nan", b"T,hot", b"O,?", b"R,1", b""],
)  # fmt: skip
def test_what_it_does_not_know_is_an_error(command):
    async def test(terminal):
        assert await terminal.ask(command) == [b"*ER"]

    at_terminal(test)


def test_an_ideal_electrode_needs_no_calibration():
    async def test(terminal):
        for contents in (*BUFFERS.values(), {"HCl": 0.01}, {"NaOH": 0.05}):
            terminal.stand_in(contents)
            assert await terminal.read() == pytest.approx(ph(contents), abs=0.001)

    at_terminal(test, **IDEAL)


def test_a_real_one_is_off_until_it_is_calibrated_in_two_buffers():
    async def test(terminal):
        assert await terminal.read() == pytest.approx(
            7 - (12.0 + 0.965 * 59.16 * (7 - ph(BUFFERS["phosphate"]))) / 59.16, abs=0.001
        )
        await terminal.ask(b"Cal,mid,6.865")
        assert await terminal.read() == 6.865
        terminal.stand_in(BUFFERS["phthalate"])
        assert abs(await terminal.read() - 4.005) > 0.08  # the slope is still taken for ideal
        await terminal.ask(b"Cal,low,4.005")
        assert await terminal.ask(b"Cal,?") == [b"?Cal,2", b"*OK"]
        for contents in (BUFFERS["phthalate"], {"acetic_acid": 0.1, "sodium_acetate": 0.1}):
            terminal.stand_in(contents)
            # The buffers' own deviation from their certificate (0.01) is all that is left.
            assert await terminal.read() == pytest.approx(ph(contents), abs=0.012)

    at_terminal(test, **QUIET)


def test_the_slope_says_what_is_wrong_with_the_electrode():
    async def test(terminal):
        for point, buffer in (("mid", "phosphate"), ("low", "phthalate"), ("high", "carbonate")):
            terminal.stand_in(BUFFERS[buffer])
            value = f"{ph(BUFFERS[buffer]):.3f}"
            assert await terminal.ask(f"Cal,{point},{value}".encode()) == [b"*OK"]
        said = (await terminal.ask(b"Slope,?"))[0].decode()
        acid, base, zero = map(float, said.removeprefix("?Slope,").split(","))
        assert (acid, base) == (pytest.approx(96.5, abs=0.1), pytest.approx(96.5, abs=0.1))
        assert zero == pytest.approx(12.0, abs=0.1)

    at_terminal(test, **QUIET)


def test_each_side_of_the_mid_point_has_its_own_slope():
    async def test(terminal):
        await terminal.ask(b"Cal,mid,6.875")
        terminal.stand_in(BUFFERS["carbonate"])
        await terminal.ask(b"Cal,high,10.002")
        assert await terminal.ask(b"Slope,?") == [b"?Slope,100.0,96.5,11.98", b"*OK"]
        assert await terminal.read() == pytest.approx(10.002, abs=0.001)

    at_terminal(test, **QUIET)


def test_a_new_mid_point_erases_the_others():
    async def test(terminal):
        await terminal.ask(b"Cal,mid,6.865")
        terminal.stand_in(BUFFERS["phthalate"])
        await terminal.ask(b"Cal,low,4.005")
        await terminal.ask(b"Cal,mid,4.005")
        assert (await terminal.ask(b"Cal,?"))[0] == b"?Cal,1"
        assert (await terminal.ask(b"Cal,clear")) == [b"*OK"]
        assert (await terminal.ask(b"Cal,?"))[0] == b"?Cal,0"

    at_terminal(test)


@pytest.mark.parametrize(
    "commands",
    [
        [b"Cal,low,4.005"],
        [b"Cal,high,10.012"],
        [b"Cal,mid,6.865", b"Cal,low,7.5"],
        [b"Cal,mid,6.865", b"Cal,high,4.005"],
        [b"Cal,mid,6.865", b"Cal,high,6.865"],
        [b"Cal,mid,6.865", b"Cal,low,4.005"],  # in the same buffer: no slope at all
    ],
)
def test_points_that_make_no_line_are_refused_and_change_nothing(commands):
    async def test(terminal):
        *before, last = commands
        for command in before:
            assert await terminal.ask(command) == [b"*OK"]
        state = await terminal.ask(b"Slope,?")
        assert await terminal.ask(last) == [b"*ER"]
        assert await terminal.ask(b"Slope,?") == state

    at_terminal(test)


def test_the_calibration_outlives_sleep_and_restart_but_not_factory():
    async def test(terminal):
        await terminal.ask(b"Cal,mid,6.865")
        await terminal.ask(b"Sleep")
        assert await terminal.ask(b"R") == [b"*WA"]
        assert (await terminal.ask(b"Baud,9600"))[:3] == [b"*OK", b"*RS", b"*RE"]
        assert b"*OK" in await terminal.ask(b"C,0")
        assert await terminal.ask(b"Status") == [b"?Status,S,5.038", b"*OK"]
        assert (await terminal.ask(b"Cal,?"))[0] == b"?Cal,1"
        await terminal.ask(b"Factory")
        await terminal.ask(b"C,0")
        assert (await terminal.ask(b"Cal,?"))[0] == b"?Cal,0"

    at_terminal(test)


@pytest.mark.parametrize("celsius", [10.0, 40.0])
def test_told_the_temperature_it_knows_the_slope(celsius):
    async def test(terminal):
        terminal.stand_in(BUFFERS["phthalate"], celsius)
        true = ph(BUFFERS["phthalate"], celsius)
        wrong = 7 - (7 - true) * nernst_mv(celsius) / nernst_mv(25.0)
        assert await terminal.read() == pytest.approx(wrong, abs=0.001)
        assert float((await terminal.ask(f"RT,{celsius}".encode()))[0]) == pytest.approx(
            true, abs=0.001
        )
        assert (await terminal.ask(b"T,?"))[0] == f"?T,{celsius:.2f}".encode()

    at_terminal(test, **IDEAL)


def test_a_calibration_at_one_temperature_serves_at_another():
    async def test(terminal):
        for point, buffer in ((b"mid", "phosphate"), (b"high", "carbonate")):
            terminal.stand_in(BUFFERS[buffer], 20.0)
            await terminal.ask(b"T,20")
            value = f"{ph(BUFFERS[buffer], 20.0):.3f}".encode()
            assert await terminal.ask(b"Cal," + point + b"," + value) == [b"*OK"]
        base = {"NaOH": 0.05}
        terminal.stand_in(base, 35.0)
        await terminal.ask(b"T,35")
        assert await terminal.read() == pytest.approx(ph(base, 35.0), abs=0.005)

    at_terminal(test, **QUIET)


def test_the_electrode_drifts_from_its_calibration():
    async def test(terminal):
        await terminal.ask(b"Cal,mid,6.865")
        await terminal.bench.clock.sleep(48 * 3600.0)
        # 48 h of 0.5 mV/h are 24 mV, each 59.16 a pH too acid.
        assert await terminal.read() == pytest.approx(6.865 - 24.0 / 59.16, abs=0.002)

    at_terminal(test, drift_mv_per_h=0.5, noise_mv=0.0)


def test_its_noise_is_in_millivolts():
    async def test(terminal):
        values = [await terminal.read() for _ in range(300)]
        assert statistics.stdev(values) == pytest.approx(0.5 / 59.16, rel=0.15)

    at_terminal(test, noise_mv=0.5)


def test_in_air_it_says_anything():
    async def test(terminal):
        terminal.stand_in({}, volume_ml=0.5)
        values = [await terminal.read() for _ in range(20)]
        assert max(values) - min(values) > 0.5

    at_terminal(test, **IDEAL)


def test_beyond_the_scale_it_shows_its_end():
    async def test(terminal):
        terminal.stand_in({"HCl": 12.0})
        assert await terminal.ask(b"R") == [b"0.001", b"*OK"]
        terminal.stand_in({"NaOH": 12.0})
        assert await terminal.ask(b"R") == [b"14.000", b"*OK"]

    at_terminal(test, **IDEAL)


@pytest.mark.parametrize(
    "settings", [{"model": "tea"}, {"noise_mv": "low"}, {"slope_percent": True}, {"at": 3}]
)
def test_wrong_settings_are_refused(settings):
    async def main():
        with pytest.raises(InputError, match="simulate"):
            AtlasEzoPhSimulator(Bench().simulator_context("probe", **settings))

    run_virtual(main())
