"""The balance's driver against the simulated balance, and against lines that no good balance sends."""

from __future__ import annotations

import asyncio

import pytest

from drivers.mettler_toledo_sics.driver import MTSics
from lab.devices.driver import DeviceError
from lab.devices.stream import StreamClosedError
from lab.domain.errors import InputError
from simulators.mt_sics import MTSicsSimulator
from tests.bench.devices import Bench, act
from tests.bench.virtual import run_virtual


class Stand(Bench):
    """A balance with a pot of water on it."""

    def __init__(self, **simulate):
        super().__init__()
        self.world.fill("pot", 10.0, 1.0, {})
        self.balance = MTSicsSimulator(
            self.simulator_context("balance", **{"at": "pot", **simulate})
        )
        self.attach(self.balance)

    async def driver(self, **settings):
        driver = MTSics(self.driver_context("balance", settings))
        await driver.connect()
        return driver

    def sent(self, connection=0):
        return [data.decode().removesuffix("\r\n") for data in self.taps[connection].sent]


def on_stand(test, *, settings=None, **simulate):
    async def main():
        stand = Stand(**simulate)
        driver = await stand.driver(**(settings or {}))
        try:
            return await test(stand, driver)
        finally:
            await driver.disconnect()
            await stand.end()

    return run_virtual(main())


PLAIN = {
    "SI": [["S S 0.0000 g"]],
    "I4": [['I4 A "B1"']],
    "@": [['I4 A "B1"']],
    "I2": [['I2 A "X 220.0000 g"']],
    "I3": [['I3 A "1.0"']],
}


class Script:
    """A balance of given lines: command -> replies, one list a time, the last one for ever."""

    def __init__(self, **replies):
        self.replies = {name: list(lists) for name, lists in {**PLAIN, **replies}.items()}
        self.commands = []

    async def serve(self, stream):
        try:
            while True:
                command = (await stream.read()).decode().removesuffix("\r\n")
                self.commands.append(command)
                lists = self.replies.get(command, [[]])
                lines = lists.pop(0) if len(lists) > 1 else lists[0]
                await stream.write("".join(f"{line}\r\n" for line in lines).encode())
        except StreamClosedError:
            return


def with_script(test, script, **settings):
    async def main():
        bench = Bench()
        bench.attach(script)
        driver = MTSics(bench.driver_context("balance", settings))
        await driver.connect()
        try:
            return await test(driver)
        finally:
            await driver.disconnect()
            await bench.end()

    return run_virtual(main())


# -- connecting ----------------------------------------------------------------------------------


def test_it_says_what_it_is():
    async def main():
        stand = Stand()
        driver = MTSics(stand.driver_context("balance", {}))
        identity = await driver.connect()
        assert identity.manufacturer == "Mettler Toledo"
        assert identity.model == "XPR205 Excellence"
        assert identity.serial_number.startswith("B")
        assert identity.firmware == "2.10 10.28.0.493.142"
        assert not identity.simulated  # what is on the line, the host is told
        assert stand.sent() == ["SI", "I4", "I2", "I3"]
        await driver.disconnect()
        await driver.disconnect()
        await stand.end()

    run_virtual(main())


def test_a_new_connection_keeps_the_tare():
    async def test(stand, driver):
        await driver.tare(act("tare"))
        await driver.disconnect()
        stand.world.fill("pot", 12.5, 1.0, {})
        again = await stand.driver()
        assert stand.sent(1) == ["SI", "I4", "I2", "I3"]
        assert (await again.weigh(act("weigh")))["mass"] == pytest.approx(2.5, abs=5e-4)
        await again.disconnect()

    on_stand(test, noise_g=0.0)


def test_a_host_that_dies_at_any_moment_of_a_connection_leaves_the_tare():
    async def test(stand, driver):
        await driver.tare(act("tare"))
        await driver.disconnect()
        stand.world.fill("pot", 12.5, 1.0, {})
        for sent in range(4):
            dying = asyncio.create_task(stand.driver())
            tap = len(stand.taps)
            while len(stand.taps) == tap or len(stand.sent(tap)) < sent:
                await asyncio.sleep(0)
            dying.cancel()
            await asyncio.gather(dying, return_exceptions=True)
        again = await stand.driver()
        assert (await again.weigh(act("weigh")))["mass"] == pytest.approx(2.5, abs=5e-4)
        await again.disconnect()

    on_stand(test, noise_g=0.0)


def test_a_weighing_that_an_earlier_host_began_is_waited_for_and_the_tare_stays():
    async def test(stand, driver):
        await driver.tare(act("tare"))
        await driver.disconnect()
        stand.world.fill("pot", 12.5, 1.0, {})
        before = await stand.stream("sim:")
        await before.write(b"S\r\n")
        again = await stand.driver()
        assert stand.sent(2) == ["SI", "I4", "I2", "I3"]
        assert (await again.weigh(act("weigh")))["mass"] == pytest.approx(2.5, abs=5e-4)
        await again.disconnect()

    on_stand(test, noise_g=0.0)


def test_a_balance_that_was_left_repeating_or_adjusting_is_brought_to_rest():
    async def test(stand, driver):
        for left in (b"SIR\r\n", b"C3\r\n"):
            before = await stand.stream("sim:")
            await before.write(left)
            await asyncio.sleep(3.0)
            again = await stand.driver()
            assert (await again.weigh(act("weigh")))["mass"] == pytest.approx(45.0, abs=1e-3)
            await again.disconnect()

    on_stand(test)


def test_what_does_not_answer_is_no_balance_and_the_line_is_freed():
    async def main():
        bench = Bench()
        bench.attach(Script(SI=[[]], **{"@": [[]]}))
        with pytest.raises(TimeoutError):
            await MTSics(bench.driver_context("balance", {})).connect()
        with pytest.raises(StreamClosedError):
            await bench.taps[0].inner.write(b"x")
        await bench.end()

    run_virtual(main())


@pytest.mark.parametrize("value", [0, -1, "small", True])
@pytest.mark.parametrize("name", ["repeatability_g", "stability_timeout_s"])
def test_settings_that_can_not_be_are_refused(name, value):
    async def main():
        with pytest.raises(InputError, match=name) as caught:
            MTSics(Bench().driver_context("balance", {name: value}))
        assert caught.value.hint

    run_virtual(main())


def test_without_a_connection_it_says_so():
    async def main():
        driver = MTSics(Bench().driver_context("balance", {}))
        with pytest.raises(DeviceError, match="not connected"):
            await driver.weigh(act("weigh"))

    run_virtual(main())


# -- weighing ------------------------------------------------------------------------------------


def test_tare_then_weigh_gives_what_was_added():
    async def test(stand, driver):
        assert await driver.tare(act("tare")) == {}
        stand.world.fill("pot", 14.321, 1.0, {})
        outputs = await driver.weigh(act("weigh"))
        assert outputs["mass"] == pytest.approx(4.321, abs=5e-4)
        assert outputs["mass_sd"] == pytest.approx(1e-4)

    on_stand(test)


def test_the_uncertainty_is_the_rounding_where_that_is_larger():
    async def test(stand, driver):
        outputs = await driver.weigh(act("weigh"))
        assert outputs["mass_sd"] == pytest.approx(0.01 / 12.0**0.5)

    on_stand(test, readability_g=0.01)


def test_it_waits_for_rest():
    async def test(stand, driver):
        await driver.tare(act("tare"))
        stand.world.fill("pot", 20.0, 1.0, {})
        assert (await driver.weigh(act("weigh")))["mass"] == pytest.approx(10.0, abs=5e-4)
        assert stand.clock.monotonic() > 5.0

    on_stand(test)


def test_other_units_are_converted():
    for unit, line in (
        ("mg", "S S    10000.5 mg"),
        ("kg", "S S 0.01000050 kg"),
        ("g", "S S 10.0005 g"),
    ):
        script = Script(S=[[line]])

        async def test(driver):
            return await driver.weigh(act("weigh"))

        assert with_script(test, script)["mass"] == pytest.approx(10.0005), unit


def test_a_load_that_comes_to_rest_late_is_asked_for_again():
    script = Script(S=[["S I"], ["S I"], ["S S 1.0000 g"]], T=[["T I"], ["T S 1.0000 g"]])

    async def test(driver):
        assert (await driver.weigh(act("weigh")))["mass"] == 1.0
        await driver.tare(act("tare"))

    with_script(test, script)
    assert (script.commands.count("S"), script.commands.count("T")) == (3, 2)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("S I", "not_stable"),
        ("S +", "overload"),
        ("S -", "underload"),
        ("S L", "refused"),
        ("ES", "refused"),
        ("EL", "refused"),
        ("ET", "refused"),
        ("S S Error 6b", "hardware"),
        ("S S x g", "bad_reply"),
    ],
)
def test_each_refusal_has_its_name_and_no_effect(line, code):
    async def test(driver):
        with pytest.raises(DeviceError) as caught:
            await driver.weigh(act("weigh"))
        assert (caught.value.code, caught.value.effect) == (code, "none")

    with_script(test, Script(S=[[line]]))


@pytest.mark.parametrize(
    ("line", "code"), [("T I", "not_stable"), ("T +", "overload"), ("T L", "refused")]
)
def test_a_tare_that_is_refused_is_told(line, code):
    async def test(driver):
        with pytest.raises(DeviceError) as caught:
            await driver.tare(act("tare"))
        assert caught.value.code == code

    with_script(test, Script(T=[[line]]))


def test_a_transmission_error_is_tried_again_once():
    script = Script(S=[["ET"], ["S S 1.0000 g"]])

    async def test(driver):
        return await driver.weigh(act("weigh"))

    assert with_script(test, script)["mass"] == 1.0


def test_lines_that_answer_something_else_are_skipped_up_to_five():
    printed = ["", "22.11.2025", "PCS 12", "T S 1.0 g", "I10 I"]

    async def test(driver):
        return await driver.weigh(act("weigh"))

    assert with_script(test, Script(S=[[*printed, "S S 2.0000 g"]]))["mass"] == 2.0
    with pytest.raises(DeviceError) as caught:
        with_script(test, Script(S=[[*printed, "more", "S S 2.0000 g"]]))
    assert caught.value.code == "bad_reply"


def test_a_line_printed_before_the_command_is_not_taken_for_the_answer():
    async def test(stand, driver):
        tap = stand.taps[0]
        tap.inner._received.feed(b"S S    99.0000 g\r\nS S")  # print key, just before
        assert (await driver.weigh(act("weigh")))["mass"] == pytest.approx(45.0, abs=1e-3)

    on_stand(test)


def test_an_open_door_is_told_as_no_rest():
    async def test(stand, driver):
        stand.balance.cell.draught = True
        with pytest.raises(DeviceError) as caught:
            await driver.weigh(act("weigh"))
        assert caught.value.code == "not_stable"

    on_stand(test)


def test_a_balance_that_falls_silent_is_a_timeout():
    async def test(stand, driver):
        stand.taps[0].to_device = lambda data: b""
        with pytest.raises(TimeoutError):
            await driver.weigh(act("weigh"))

    on_stand(test, settings={"stability_timeout_s": 5})


def test_a_pulled_cable_is_told():
    async def test(stand, driver):
        stand.balance.cell.draught = True
        weighing = asyncio.create_task(driver.weigh(act("weigh")))
        await asyncio.sleep(2.0)
        await stand.taps[0].close()
        with pytest.raises(StreamClosedError):
            await weighing

    on_stand(test)


def test_telemetry_is_the_mass_now_or_nothing():
    async def test(stand, driver):
        assert (await driver.read_telemetry())["mass"] == pytest.approx(45.0, abs=1e-3)
        stand.world.fill("pot", 300.0, 1.0, {})
        await asyncio.sleep(10.0)
        assert await driver.read_telemetry() == {}
        await driver.make_safe()

    on_stand(test)


def test_weighing_may_always_be_repeated():
    async def test(stand, driver):
        assert (await driver.settle(act("weigh").command)).verdict == "not_done"

    on_stand(test)
