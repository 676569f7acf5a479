"""What a pump can be asked for, told from its settings, and what it truly takes."""

from __future__ import annotations

import pytest

from drivers.new_era_ne1000.settings import PumpSettings, durations, limits, read_settings
from lab.domain.errors import InputError
from tests.bench.pump_stand import SETTINGS, dispense, on_stand, refusal

SMALL = {"syringe_diameter_mm": 10.3, "syringe_volume_ml": 2.5}


def test_settings_are_read_with_the_first_address_as_default():
    assert read_settings(SMALL) == PumpSettings(10.3, 2.5, 0)
    assert read_settings({**SMALL, "address": 7}).address == 7


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "syringe_diameter_mm is missing"),
        ({"syringe_diameter_mm": 10.3}, "syringe_volume_ml is missing"),
        ({**SMALL, "syringe_volume_ml": 0}, "syringe_volume_ml is 0"),
        ({**SMALL, "syringe_volume_ml": True}, "syringe_volume_ml is True, not a number"),
        ({**SMALL, "syringe_diameter_mm": "10.3 mm"}, "is '10.3 mm', not a number"),
        ({**SMALL, "syringe_diameter_mm": float("nan")}, "syringe_diameter_mm is nan"),
        ({**SMALL, "address": 100}, "address is 100"),
    ],
)
def test_settings_that_are_wrong_are_named_with_a_remedy(settings, says):
    with pytest.raises(InputError, match=says) as caught:
        limits(settings)
    assert caught.value.hint


@pytest.mark.parametrize("settings", [SMALL, SETTINGS])
def test_the_pump_takes_what_lies_within_the_limits_and_refuses_what_lies_beyond(settings):
    told = limits(settings)
    (least, most), (slowest, fastest) = told["volume"], told["rate"]
    assert least == 0.0

    async def test(stand, driver):
        for rate in (fastest, 2 * slowest):
            # so little that the slowest plunger gets there
            assert (await dispense(driver, volume=1e-2, rate=rate))["volume"] == pytest.approx(1e-2)
        assert (await dispense(driver, volume=most, rate=fastest))["volume"] == pytest.approx(most)
        sent = len(stand.taps[0].sent)
        for volume, rate, code in (
            (1.001 * most, fastest, "bad_volume"),
            (-0.001, fastest, "bad_volume"),
            (1e-2, 1.001 * fastest, "bad_rate"),
            (1e-2, 0.999 * slowest, "bad_rate"),
        ):
            error, begun = await refusal(driver, volume=volume, rate=rate)
            assert (error.code, begun) == (code, False)
        assert len(stand.taps[0].sent) == sent

    on_stand(test, settings=settings)


@pytest.mark.parametrize(("volume", "rate"), [(2.0, 10.0), (0.5, 4.0), (10.0, 20.0)])
def test_a_dose_takes_as_long_as_it_is_told_beforehand(volume, rate):
    told = durations("dispense", {"volume": volume, "rate": rate}, SETTINGS)
    assert told == pytest.approx(2 * 60 * volume / rate)

    async def test(stand, driver):
        began = stand.clock.monotonic()
        await dispense(driver, volume=volume, rate=rate)
        assert stand.clock.monotonic() - began == pytest.approx(told, rel=0.01, abs=1.0)

    on_stand(test)


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("dispense", {}),
        ("dispense", {"volume": 1.0}),
        ("dispense", {"rate": 1.0}),
        ("dispense", {"volume": 1.0, "rate": 0.0}),
        ("weigh", {"volume": 1.0, "rate": 1.0}),
    ],
)
def test_what_cannot_be_told_is_left_to_the_procedure(action, args):
    assert durations(action, args, SETTINGS) is None
