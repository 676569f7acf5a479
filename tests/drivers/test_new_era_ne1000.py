"""The pump's driver against the simulated pump: connecting and dosing."""

from __future__ import annotations

import re

import pytest

from drivers.new_era_ne1000.driver import NE1000
from drivers.new_era_ne1000.wire import encode_safe
from lab.devices.driver import DeviceError, Identity
from lab.devices.stream import StreamClosedError
from lab.domain.errors import InputError
from tests.bench.pump_stand import SETTINGS, Stand, command, dispense, on_stand, refusal
from tests.bench.virtual import run_virtual

# -- connecting ----------------------------------------------------------------------------------


def test_it_says_what_it_is():
    async def main():
        stand = Stand()
        driver = NE1000(stand.driver_context("pump", SETTINGS))
        identity = await driver.connect()
        assert identity == Identity("New Era Pump Systems", "NE-1000", "", "3.923")
        await driver.disconnect()
        await driver.disconnect()
        await stand.end()

    run_virtual(main())


def test_connecting_moves_nothing_and_clears_no_total():
    async def test(stand, driver):
        await dispense(driver, volume=2.0)
        await driver.disconnect()
        again = await stand.driver()
        assert await again.read_telemetry() == {"infused_volume": 2.0, "withdrawn_volume": 2.0}
        assert stand.taps[1].sent == [b"0VER\r", b"0DIS\r"]
        await again.disconnect()

    on_stand(test)


def test_a_pump_that_was_left_in_safe_mode_is_brought_back():
    async def main():
        stand = Stand()
        stand.inject(b"0\r" + encode_safe("0SAF60"))
        driver = await stand.driver()
        assert encode_safe("0SAF0") in stand.taps[0].sent
        assert await dispense(driver, volume=1.0) == {"volume": 1.0}
        await driver.disconnect()
        await stand.end()

    run_virtual(main())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", TimeoutError),
        (b"\x0200SXYZ1\x03", DeviceError),
        (b"\x0205SNE1000V3.9\x03", TimeoutError),
    ],
)
def test_what_is_no_pump_at_this_address_is_refused_and_the_line_is_freed(answer, error):
    class Other:
        async def serve(self, stream):
            try:
                while await stream.read():
                    await stream.write(answer)
            except StreamClosedError:
                return

    async def main():
        stand = Stand()
        stand.attach(Other())
        with pytest.raises(error):
            await stand.driver()
        with pytest.raises(StreamClosedError):
            await stand.taps[0].inner.write(b"x")
        await stand.end()

    run_virtual(main())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "syringe_diameter_mm"),
        ({"syringe_diameter_mm": 26.7}, "syringe_volume_ml"),
        ({**SETTINGS, "syringe_diameter_mm": 267}, "syringe_diameter_mm"),
        ({**SETTINGS, "address": 100}, "address"),
        ({**SETTINGS, "address": "one"}, "address"),
    ],
)
def test_settings_that_can_not_be_are_refused_with_a_remedy(settings, message):
    async def main():
        with pytest.raises(InputError, match=message) as caught:
            NE1000(Stand().driver_context("pump", settings))
        assert caught.value.hint

    run_virtual(main())


def test_another_address_on_the_network_is_used_throughout():
    async def test(stand, driver):
        assert await dispense(driver, volume=1.0) == {"volume": 1.0}
        assert all(data.startswith(b"42") for data in stand.taps[0].sent)

    on_stand(test, settings={"address": 42}, address=42)


def test_without_a_connection_it_says_so():
    async def main():
        with pytest.raises(DeviceError, match="not connected"):
            await NE1000(Stand().driver_context("pump", SETTINGS)).make_safe()

    run_virtual(main())


# -- dosing --------------------------------------------------------------------------------------


def test_a_dose_is_programmed_proved_started_and_counted_in_these_bytes():
    async def test(stand, driver):
        assert await dispense(driver, volume=4.0, rate=20.0) == {"volume": 4.0}
        sent = [data.decode().rstrip("\r")[1:] for data in stand.taps[0].sent]
        start = sent.index("RUN1")
        program = ["FUNRAT", "RAT20.00MM", "VOLML", "VOL4.000"]
        assert sent[start - 19 : start + 1] == [
            "DIA26.70", "CLDINF", "CLDWDR",
            "PHN1", *program, "DIRWDR",
            "PHN2", *program, "DIRINF",
            "PHN3", "FUNSTP",
            "PHN1", "DIS", "RUN1",
        ]  # fmt: skip
        assert set(sent[start + 1 :]) == {"DIS"}

    on_stand(test)


def test_a_dose_moves_liquid_once():
    async def test(stand, driver):
        await dispense(driver, volume=4.0, rate=20.0)
        assert stand.doses == [pytest.approx(4.0)]
        assert stand.pot_ml == pytest.approx(4.0)
        assert stand.world.vessel("pot").mass_g == pytest.approx(5.24)
        assert stand.clock.monotonic() == pytest.approx(24.0, abs=1.0)

    on_stand(test)


def test_what_it_reports_is_what_the_pump_was_told():
    async def test(stand, driver):
        assert await dispense(driver, volume=1.23449) == {"volume": 1.234}
        assert await dispense(driver, volume=12.3449) == {"volume": 12.34}

    on_stand(test)


def test_small_syringes_are_dosed_in_microlitres():
    async def test(stand, driver):
        assert await dispense(driver, volume=0.25, rate=1.0) == {"volume": pytest.approx(0.25)}
        assert b"0VOL250.0\r" in stand.taps[0].sent
        assert stand.pot_ml == pytest.approx(0.25)

    on_stand(test, settings={"syringe_diameter_mm": 10.3, "syringe_volume_ml": 2.5})


def test_nothing_to_dose_is_nothing_to_do():
    async def test(stand, driver):
        before, begun = len(stand.taps[0].sent), []
        assert await dispense(driver, begun, volume=0.0) == {"volume": 0.0}
        # The host hears of the act, as of any other; the pump hears of nothing.
        assert (len(begun), len(stand.taps[0].sent)) == (1, before)

    on_stand(test)


def test_the_start_is_durable_before_the_pump_is_told_to_run():
    async def test(stand, driver):
        sent_before_begin = []

        class Watched:
            command = command(volume=1.0)

            async def begin(self):
                sent_before_begin.extend(stand.taps[0].sent)

            async def progress(self, values):
                pass

        await driver.dispense(Watched(), volume=1.0)
        assert sent_before_begin[-1] == b"0DIS\r"
        assert b"0RUN1\r" not in sent_before_begin
        assert stand.taps[0].sent.count(b"0RUN1\r") == 1

    on_stand(test)


def test_progress_rises_to_the_dose():
    async def test(stand, driver):
        progress = []
        await dispense(driver, progress=progress, volume=10.0, rate=10.0)
        volumes = [values["volume"] for values in progress]
        assert volumes == sorted(volumes)
        assert volumes[0] == 0.0
        assert 5.0 < volumes[-1] <= 10.0

    on_stand(test)


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ({"volume": -1.0}, "bad_volume", "not possible"),
        ({"volume": float("nan")}, "bad_volume", "not possible"),
        ({"volume": 50.1}, "bad_volume", "syringe of 50 mL"),
        ({"volume": 0.0004}, "bad_volume", "smallest number"),
        ({"volume": 1.0, "rate": 28.6}, "bad_rate", r"28\.55 mL/min"),
        ({"volume": 1.0, "rate": 0.0}, "bad_rate", "26.7 mm"),
    ],
)
def test_a_dose_that_the_pump_can_not_do_is_refused_before_it_hears_of_it(args, code, message):
    async def test(stand, driver):
        before = len(stand.taps[0].sent)
        error, begun = await refusal(driver, **args)
        assert (error.code, error.effect, begun) == (code, "none", False)
        assert re.search(message, str(error))
        assert len(stand.taps[0].sent) == before

    on_stand(test)


def test_a_pump_that_runs_already_is_left_alone():
    async def test(stand, driver):
        stand.inject(b"0DIA26.70\r0DIRWDR\r0RAT10.00MM\r0VOL5.000\r0RUN1\r")
        error, begun = await refusal(driver, volume=1.0)
        assert (error.code, error.effect, begun) == ("busy", "none", False)
        assert stand.pump.drive.moving

    on_stand(test)


def test_a_pump_that_somebody_paused_is_stopped_before_the_dose():
    async def test(stand, driver):
        stand.inject(b"0DIRWDR\r0RAT10.00MM\r0VOL5.000\r0RUN1\r0STP\r")
        assert await dispense(driver, volume=1.0) == {"volume": 1.0}

    on_stand(test)
