"""The simulated balance: its physics on a clock set by hand, its lines over memory."""

from __future__ import annotations

import asyncio
import contextlib
import re
import statistics
from random import Random

import pytest

from lab.devices.memory_stream import stream_pair
from lab.domain.errors import InputError
from lab.engine.clock import VirtualClock
from simulators.contract import SimulatorContext
from simulators.mt_sics import MTSicsSimulator
from simulators.weighing_cell import WeighingCell
from simulators.world import World
from tests.bench.hand_clock import HandClock
from tests.bench.virtual import run_virtual

QUIET = {"noise_g": 0.0}


class Terminal:
    """A balance with a pot on it, and somebody who types."""

    def __init__(self, **settings):
        self.clock = VirtualClock(asyncio.get_running_loop())
        self.world = World(4, self.clock)
        self.balance = MTSicsSimulator(
            SimulatorContext(
                "balance", self.world, self.clock, Random(4), {"at": "pot", **settings}
            )
        )
        self.near, far = stream_pair()
        self._serving = asyncio.create_task(self.balance.serve(far))
        self._received = b""

    def fill(self, mass_g):
        self.world.fill("pot", mass_g, 1.0, {})

    async def type(self, *commands):
        for command in commands:
            await self.near.write(command.encode() + b"\r\n")

    async def line(self, within_s=1000.0):
        async with asyncio.timeout(within_s):
            while b"\r\n" not in self._received:
                self._received += await self.near.read()
        line, self._received = self._received.split(b"\r\n", 1)
        return line.decode()

    async def ask(self, command):
        await self.type(command)
        return await self.line()

    async def end(self):
        await self.near.close()
        await self._serving


def at_terminal(test, **settings):
    async def main():
        terminal = Terminal(**settings)
        try:
            return await test(terminal)
        finally:
            await terminal.end()

    return run_virtual(main())


# -- the weighing cell ---------------------------------------------------------------------------


def cell(**changes):
    clock = HandClock()
    world = World(1, clock)
    values = {"vessel_mass_g": 35.0, "noise_g": 0.0, "readability_g": 1e-4, "random": Random(1)}
    made = WeighingCell(world, "pot", **{**values, **changes})
    world.advance_hooks.append(made.advance)

    def look(seconds):
        clock.seconds += seconds
        world.advance()
        return made.read()

    return world, look


def test_the_reading_follows_a_load_in_about_a_second():
    world, look = cell()
    assert look(1.0) == (35.0, True)
    world.fill("pot", 10.0, 1.0, {})
    assert look(0.0) == (35.0, False)
    reading, stable = look(1.0)
    assert reading == pytest.approx(45.0 - 10.0 * 0.3679, abs=1e-3)
    assert not stable
    reading, stable = look(12.0)
    assert reading == pytest.approx(45.0, abs=1e-4)
    assert stable


def test_air_carries_part_of_a_liquid_and_of_the_weights():
    world, look = cell(air_density_g_ml=0.0012)
    assert look(1.0) == (35.0, True)
    world.fill("pot", 10.0, 0.9982, {})
    reading, _ = look(30.0)
    # ISO 4787 and ISO 8655-6 multiply what is weighed of water at 20 degC by about 1.0011 for its mass
    assert 9.982 / (reading - 35.0) == pytest.approx(1.00105, abs=1e-5)
    world, look = cell(air_density_g_ml=0.0012)
    world.fill("pot", 5.0, 8.0, {})
    assert look(30.0)[0] == pytest.approx(75.0, abs=1e-4), "steel weighs what it is said to"


def test_a_small_change_needs_the_window_to_count_as_rest():
    world, look = cell(window_s=4.0)
    look(10.0)
    world.fill("pot", 0.0001, 1.0, {})
    assert [look(1.0)[1] for _ in range(5)] == [False, False, False, True, True]


def test_noise_is_as_told_and_a_draught_makes_it_worse_and_never_stable():
    _, look = cell(noise_g=0.001)
    readings = [look(1.0)[0] for _ in range(400)]
    assert statistics.stdev(readings) == pytest.approx(0.001, rel=0.15)
    assert statistics.mean(readings) == pytest.approx(35.0, abs=3e-4)
    _, look = cell(noise_g=0.001, draught=True)
    results = [look(1.0) for _ in range(400)]
    assert statistics.stdev(reading for reading, _ in results) == pytest.approx(0.02, rel=0.15)
    assert not any(stable for _, stable in results)


def test_how_often_one_looks_does_not_matter():
    def after(looks):
        world, look = cell()
        world.fill("pot", 10.0, 1.0, {})
        for _ in range(looks):
            look(3.0 / looks)
        return look(0.0)[0]

    assert after(1) == pytest.approx(after(300), abs=1e-9)


# -- the lines -----------------------------------------------------------------------------------


def test_it_introduces_itself():
    async def test(t):
        assert await t.ask("I1") == 'I1 A "012" "2.30" "2.20" "1.00" ""'
        assert await t.ask("I2") == 'I2 A "XPR205 Excellence 220.0000 g"'
        assert re.fullmatch(r'I3 A "[\d. ]+"', await t.ask("I3"))
        serial = await t.ask("I4")
        assert re.fullmatch(r'I4 A "B\d{9}"', serial)
        assert await t.ask("@") == serial
        assert await t.ask("I11") == 'I11 A "XPR205"'
        assert await t.ask("I10") == 'I10 A "balance"'
        assert await t.ask('I10 "by the window"') == "I10 A"
        assert await t.ask("I10") == 'I10 A "by the window"'
        assert await t.ask("M28") == "M28 A 1 22.0"

    at_terminal(test)


def test_it_lists_what_it_knows_and_knows_what_it_lists():
    async def test(t):
        await t.type("I0")
        commands = []
        while True:
            line = await t.line()
            assert re.fullmatch(r'I0 [AB] \d "\S+"', line)
            commands.append(line.split('"')[1])
            if line.startswith("I0 A"):
                break
        assert {"S", "SI", "T", "TA", "@", "C3"} <= set(commands)
        for command in commands:
            if command not in ("SIR", "C3", "@"):
                await t.type(command)
                assert not (await t.line()).startswith("E"), command

    at_terminal(test)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("XYZ", "ES"),
        ("s", "ES"),
        ("S 1", "ES"),
        ("", "ES"),
        ("TA x g", "TA L"),
        ("TA 1e1 g", "TA L"),
        ("TA 1.0", "TA L"),
        ("TA 1.0 lb", "TA L"),
        ("TA -1.0 g", "TA L"),
        ("TA 500 g", "TA L"),
        ("TA 1.0 g g", "TA L"),
        ("TAC 1", "TAC L"),
        ("M21 0 9", "M21 L"),
        ("M21 1 0", "M21 L"),
        ("M21 0", "M21 L"),
        ("WS 3", "WS L"),
        ("WS 0 0", "WS L"),
        ("D text", "D L"),
        ("DW 1", "DW L"),
        ("I0 1", "I0 L"),
        ("I10 name", "I10 L"),
        ('I10 "more than twenty characters"', "I10 L"),
        ("\u00e4", "ET"),
    ],
)
def test_what_it_can_not_do_is_refused_and_changes_nothing(command, answer):
    async def test(t):
        assert await t.ask(command) == answer
        assert await t.ask("SI") == "S S    35.0000 g"
        assert await t.ask("TA") == "TA A     0.0000 g"

    at_terminal(test, **QUIET)


def test_s_waits_for_rest_and_si_does_not():
    async def test(t):
        assert await t.ask("S") == "S S    35.0000 g"
        t.fill(10.0)
        assert (await t.ask("SI")).startswith("S D ")
        before_s = t.clock.monotonic()
        assert re.fullmatch(r"S S +(45\.0000|44\.9999) g", await t.ask("S"))
        assert t.clock.monotonic() - before_s > 5.0

    at_terminal(test, **QUIET)


@pytest.mark.parametrize("command", ["S", "Z", "T"])
def test_a_load_that_does_not_come_to_rest_is_told_after_a_while(command):
    async def test(t):
        assert await t.ask("WS 1") == "WS A"
        assert await t.ask("WS") == "WS A 1"
        before_s = t.clock.monotonic()
        assert await t.ask(command) == f"{command} I"
        assert t.clock.monotonic() - before_s == pytest.approx(30.0, abs=0.5)
        assert await t.ask("WS 0") == "WS A"
        assert (await t.ask("S")).startswith("S S")

    at_terminal(test)


def test_tare_is_taken_told_preset_and_cleared():
    async def test(t):
        assert await t.ask("T") == "T S    35.0000 g"
        assert await t.ask("S") == "S S     0.0000 g"
        t.fill(12.5)
        assert re.fullmatch(r"S S +12\.(5000|4999) g", await t.ask("S"))
        assert await t.ask("TA 35.5 g") == "TA A    35.5000 g"
        assert re.fullmatch(r"S S +(12\.0000|11\.9999) g", await t.ask("S"))
        assert await t.ask("TA 35500 mg") == "TA A    35.5000 g"
        assert await t.ask("TAC") == "TAC A"
        assert re.fullmatch(r"S S +47\.(5000|4999) g", await t.ask("S"))
        t.fill(20.0)
        assert re.fullmatch(r"TI D +\d+\.\d{4} g", await t.ask("TI"))

    at_terminal(test, **QUIET)


def test_zero_has_its_range_and_clears_the_tare():
    async def test(t):
        assert await t.ask("TI") == "TI S     3.0000 g"
        assert await t.ask("Z") == "Z A"
        assert await t.ask("S") == "S S     0.0000 g"
        assert await t.ask("TA") == "TA A     0.0000 g"
        t.fill(2.0)
        assert await t.ask("ZI") == "ZI D"
        t.fill(3.0)
        assert await t.ask("Z") == "Z +"

    at_terminal(test, vessel_mass_g=3.0, **QUIET)


def test_overload_and_underload_are_told():
    async def test(t):
        t.fill(150.0)
        assert re.fullmatch(r"S S +(150\.0000|149\.9999) g", await t.ask("S"))
        assert await t.ask("Z") == "Z +"
        t.fill(250.0)
        for command in ("S", "SI", "T", "TI"):
            assert await t.ask(command) == f"{'S' if command == 'SI' else command} +"

    at_terminal(test, vessel_mass_g=0.0, **QUIET)

    async def missing(t):
        assert await t.ask("Z") == "Z A"
        t.balance.cell.vessel_mass_g = -16.0  # the pan was lifted off
        assert await t.ask("S") == "S -"
        assert await t.ask("T") == "T -"
        assert await t.ask("Z") == "Z -"

    at_terminal(missing, vessel_mass_g=0.0)


def test_units_change_the_number_and_its_decimals():
    async def test(t):
        assert await t.ask("M21 0 3") == "M21 A"
        assert await t.ask("M21") == "M21 A 0 3"
        assert await t.ask("S") == "S S    35000.0 mg"
        assert await t.ask("M21 0 1") == "M21 A"
        assert await t.ask("S") == "S S  0.0350000 kg"
        assert await t.ask("@") == await t.ask("I4")
        assert await t.ask("S") == "S S    35.0000 g"

    at_terminal(test, **QUIET)


def test_a_coarser_balance_has_fewer_decimals():
    async def test(t):
        assert await t.ask("S") == "S S      35.00 g"

    at_terminal(test, readability_g=0.01, **QUIET)


def test_the_display_shows_a_text_until_told_otherwise():
    async def test(t):
        assert await t.ask('D "weigh me"') == "D A"
        assert t.balance.shown == "weigh me"
        assert await t.ask("DW") == "DW A"
        assert t.balance.shown == ""

    at_terminal(test)


@pytest.mark.parametrize("stop", ["@", "S", "SI"])
def test_sir_repeats_until_it_is_told_to_stop(stop):
    async def test(t):
        await t.type("SIR")
        for _ in range(5):
            assert (await t.line()).startswith("S S")
        await t.type(stop)
        last = ""
        with contextlib.suppress(TimeoutError):
            for _ in range(50):
                last = await t.line(within_s=5.0)
            pytest.fail("it never stopped")
        assert last.startswith("I4 A" if stop == "@" else "S S")

    at_terminal(test)


def test_at_ends_what_is_waited_for_and_what_is_queued():
    async def test(t):
        await t.type("WS 1")
        assert await t.line() == "WS A"
        await t.type("S", "I10", "T")
        await asyncio.sleep(1.0)
        assert (await t.ask("@")).startswith("I4 A")
        with pytest.raises(TimeoutError):
            await t.line(within_s=60.0)

    at_terminal(test)


def test_commands_wait_for_their_turn():
    async def test(t):
        t.fill(5.0)
        await t.type("S", "I11")
        assert (await t.line()).startswith("S S")
        assert await t.line() == 'I11 A "XPR205"'

    at_terminal(test)


def test_an_adjustment_takes_minutes_and_nothing_else_is_answered_meanwhile():
    async def test(t):
        assert await t.ask("C3") == "C3 B"
        assert await t.ask("S") == "S I"
        assert await t.ask("TA") == "TA I"
        before_s = t.clock.monotonic()
        assert await t.line() == "C3 A"
        assert 60.0 <= t.clock.monotonic() - before_s <= 180.0
        assert (await t.ask("S")).startswith("S S")
        assert await t.ask("C3") == "C3 B"
        assert (await t.ask("@")).startswith("I4 A")
        assert (await t.ask("S")).startswith("S S")

    at_terminal(test)


def test_zero_and_tare_outlive_a_connection():
    async def test(t):
        await t.ask("T")
        await t.end()
        t.near, far = stream_pair()
        t._serving = asyncio.create_task(t.balance.serve(far))
        assert await t.ask("TA") == "TA A    35.0000 g"

    at_terminal(test, **QUIET)


def test_a_broken_connection_ends_a_repetition():
    async def test(t):
        await t.type("SIR")
        await t.line()

    at_terminal(test)


@pytest.mark.parametrize(
    "settings", [{"readability_g": 0.0003}, {"readability_g": 0.0}, {"noise_g": "low"}, {"at": 3}]
)
def test_settings_that_can_not_be_are_refused(settings):
    async def main():
        clock = VirtualClock(asyncio.get_running_loop())
        with pytest.raises(InputError, match=next(iter(settings))):
            MTSicsSimulator(
                SimulatorContext("balance", World(1, clock), clock, Random(1), settings)
            )

    run_virtual(main())
