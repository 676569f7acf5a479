"""Codec, driver and simulator of CLSLab:Light over messages in memory."""

from __future__ import annotations

import asyncio
import json
import statistics
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.clslab_light import wire
from drivers.clslab_light.driver import ClslabLight
from lab.bus.memory import MemoryBus, MemoryTransport
from lab.devices.capability import CAPABILITIES
from lab.devices.driver import DeviceError
from lab.devices.stream import StreamClosedError
from lab.domain.errors import InputError
from simulators.chemistry import light
from simulators.clslab_light import ClslabLightSimulator
from tests.bench.devices import Bench, act
from tests.bench.virtual import run_virtual

REQUEST, REPLY = "sdl-demo/picow/test/GPIO/28", "sdl-demo/picow/test/as7341/"


class Messages(Bench):
    """The connector for messages, and a listener that sees all that is said."""

    def __init__(self):
        super().__init__()
        self.bus = MemoryBus()
        self.opened = []

    async def messages(self, url):
        transport = await MemoryTransport(self.bus).__aenter__()
        self.opened.append(transport)
        return transport


@asynccontextmanager
async def bench(settings=None, serving=True, **simulate):
    room = Messages()
    simulator = ClslabLightSimulator(room.simulator_context("light", **simulate))
    async with MemoryTransport(room.bus) as broker:
        task = asyncio.create_task(simulator.serve(broker)) if serving else None
        await asyncio.sleep(0)
        driver = ClslabLight(room.driver_context("light", settings or {}))
        try:
            yield room, driver, broker
        finally:
            await driver.disconnect()
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


def on_bench(test, *, settings=None, **simulate):
    async def main():
        async with bench(settings, **simulate) as (room, driver, broker):
            await driver.connect()
            return await test(room, driver, broker)

    return run_virtual(main())


# -- codec -----------------------------------------------------------------------------------------


def test_topics_and_request_are_those_of_the_published_client():
    assert (wire.request_topic("test"), wire.reply_topic("test")) == (REQUEST, REPLY)
    assert wire.request_pattern("test") == "sdl-demo/picow/test/GPIO/#"
    request = wire.Request(red=10, green=20.4, blue=30, session_id="s", experiment_id="e")
    assert json.loads(wire.encode(request)) == {
        "R": 10, "G": 20, "B": 30, "atime": 100, "astep": 999, "gain": 128.0,
        "_session_id": "s", "_experiment_id": "e",
    }  # fmt: skip


def test_integration_time_and_full_scale():
    assert wire.integration_s(100, 999) == pytest.approx(0.28078)
    assert wire.full_scale(100, 999) == 65535
    assert wire.full_scale(0, 999) == 1000


@pytest.mark.parametrize(
    "body",
    ["{", "[]", "7", '{"red":1,"green":2,"blue":3}', '{"R":1,"G":2}', '{"R":256,"G":2,"B":3}', '{"R":-1,"G":2,"B":3}',
     '{"R":1,"G":2,"B":3,"gain":0.1}', '{"R":1,"G":2,"B":3,"atime":256}'],
)  # fmt: skip
def test_a_request_out_of_limits_is_refused(body):
    with pytest.raises(wire.WireError):
        wire.decode_request(body.encode())


@given(*[st.integers(0, 255)] * 4, st.integers(0, 65534), st.text(max_size=20))
def test_requests_survive_the_wire(red, green, blue, atime, astep, experiment):
    sent = wire.Request(
        red=red, green=green, blue=blue, atime=atime, astep=astep, experiment_id=experiment
    )
    assert wire.decode_request(wire.encode(sent)) == sent


@given(st.binary(max_size=60))
def test_rubbish_raises_nothing_but_wire_errors(data):
    for decode in (wire.decode_request, wire.decode_reply):
        with suppress(wire.WireError):
            decode(data)


# -- driver and simulator --------------------------------------------------------------------------


def test_a_spectrum_has_the_outputs_of_the_contract():
    async def test(room, driver, broker):
        outputs = await driver.measure_spectrum(act(), red=100.0, green=0.0, blue=0.0)
        assert set(outputs) == set(CAPABILITIES["light_mixing"].actions["measure_spectrum"].outputs)
        assert max(outputs, key=outputs.get) == "ch620"

    on_bench(test)


def test_without_noise_it_counts_what_the_equation_says_and_no_stray_light():
    async def test(room, driver, broker):
        outputs = await driver.measure_spectrum(act(), red=72.0, green=150.0, blue=40.0)
        for name, expected in light.counts(72, 150, 40).items():
            assert outputs[name] == pytest.approx(expected, abs=1.0)

    on_bench(test, shot_noise=0.0, ambient=0.05)


def test_stray_light_stays_in_when_it_is_not_to_be_taken_off():
    async def test(room, driver, broker):
        outputs = await driver.measure_spectrum(act(), red=0.0, green=0.0, blue=0.0)
        assert all(
            value == pytest.approx(light.rate(128, 100, 999) * 0.05, abs=1)
            for value in outputs.values()
        )

    on_bench(test, settings={"subtract_background": False}, shot_noise=0.0, ambient=0.05)


def test_the_noise_is_shot_noise():
    async def test(room, driver, broker):
        found = [
            float(
                (await driver.measure_spectrum(act(id_=f"c{n}"), red=200.0, green=0.0, blue=0.0))[
                    "ch620"
                ]
            )
            for n in range(200)
        ]
        expected = light.counts(200, 0, 0)["ch620"]
        assert statistics.fmean(found) == pytest.approx(expected, rel=0.002)
        assert statistics.stdev(found) == pytest.approx(expected**0.5, rel=0.2)

    on_bench(test, ambient=0.0)


def test_the_same_seed_gives_the_same_counts():
    async def test(room, driver, broker):
        return await driver.measure_spectrum(act(), red=9.0, green=8.0, blue=7.0)

    assert on_bench(test) == on_bench(test)


def test_a_measurement_takes_its_integration_times():
    async def test(room, driver, broker):
        began = room.clock.monotonic()
        await driver.measure_spectrum(act(), red=1.0, green=1.0, blue=1.0, integration_steps=100)
        assert room.clock.monotonic() - began == pytest.approx(0.15 + 4 * 0.28078, abs=0.01)

    on_bench(test)


def test_a_saturated_channel_is_no_measurement():
    async def test(room, driver, broker):
        with pytest.raises(DeviceError, match=r"ch470.*65535") as caught:
            await driver.measure_spectrum(
                act(), red=255.0, green=255.0, blue=255.0, integration_steps=255
            )
        assert (caught.value.code, caught.value.effect) == ("saturated", "none")

    on_bench(test)


def test_each_request_carries_the_command_s_id_and_the_reply_echoes_it():
    async def test(room, driver, broker):
        heard = await broker.subscribe("sdl-demo/#")
        await driver.measure_spectrum(act(id_="abc"), red=1.0, green=2.0, blue=3.0)
        asked, said = [json.loads((await anext(heard)).payload) for _ in range(2)]
        assert asked["_experiment_id"] == "abc"
        assert said["_input_message"] == asked
        assert set(said) >= {
            "background", "onboard_temperature_K", "sd_card_ready", "utc_timestamp", "utc_time_str",
            "logged_to_mongodb", *wire.CHANNELS,
        }  # fmt: skip

    on_bench(test)


# -- other people's messages, errors, losses -----------------------------------------------------------


def fake(body):
    return json.dumps(body).encode()


def test_what_belongs_to_others_is_not_taken():
    async def test(room, driver, broker):
        channels = dict.fromkeys(wire.CHANNELS, 1)
        asking = asyncio.create_task(
            driver.measure_spectrum(act(id_="mine"), red=255.0, green=0.0, blue=0.0)
        )
        await asyncio.sleep(0)
        for payload in (
            b"\xff rubbish",
            fake(
                {"_input_message": {"_experiment_id": "theirs"}, **channels, "background": channels}
            ),
            fake({"_input_message": "no json", "error": "Traceback"}),
            fake(
                {
                    "_input_message": {"_experiment_id": "theirs"},
                    "error": "Traceback\nValueError: x",
                }
            ),
        ):
            await broker.publish(REPLY, payload)
        assert (await asking)["ch620"] > 10_000

    on_bench(test)


def test_an_error_of_the_device_is_reported_with_its_last_line():
    async def main():
        async with bench(serving=False) as (_, driver, broker):
            heard = await broker.subscribe(REQUEST)

            async def fail():
                async for message in heard:
                    body = json.loads(message.payload)
                    error = "Traceback (most recent call last):\n  ...\nOSError: no sensor\n"
                    await broker.publish(REPLY, fake({"_input_message": body, "error": error}))

            failing = asyncio.create_task(fail())
            with pytest.raises(DeviceError, match="no sensor") as caught:
                await driver.connect()
            assert caught.value.code == "device_error"
            await heard.close()
            await failing

    run_virtual(main())


@pytest.mark.parametrize("missing", ["ch510", "background"])
def test_a_reply_without_all_channels_is_refused(missing):
    async def main():
        async with bench(serving=False) as (_, driver, broker):
            heard = await broker.subscribe(REQUEST)

            async def answer():
                async for message in heard:
                    channels = dict.fromkeys(wire.CHANNELS, 5)
                    body = {"_input_message": json.loads(message.payload), "error": None}
                    body |= {**channels, "background": channels}
                    del body[missing]
                    await broker.publish(REPLY, fake(body))

            answering = asyncio.create_task(answer())
            await driver.connect()
            with pytest.raises(DeviceError) as caught:
                await driver.measure_spectrum(act(), red=1.0, green=1.0, blue=1.0)
            assert caught.value.code == "bad_reply"
            await heard.close()
            await answering

    run_virtual(main())


def test_a_lost_message_is_asked_again_and_silence_is_a_timeout():
    async def main():
        async with bench(serving=False) as (room, driver, broker):
            heard = await broker.subscribe(REQUEST)
            with pytest.raises(TimeoutError, match="no reply from test"):
                await driver.connect()
            first, second = await anext(heard), await anext(heard)
            assert first.payload == second.payload
            assert room.clock.monotonic() == pytest.approx(20.0)

    run_virtual(main())


def test_the_end_of_the_connection_is_noticed_and_leaving_twice_is_fine():
    async def test(room, driver, broker):
        asking = asyncio.create_task(driver.measure_spectrum(act(), red=1.0, green=1.0, blue=1.0))
        await asyncio.sleep(0)
        await room.opened[0].__aexit__(None, None, None)
        with pytest.raises(StreamClosedError):
            await asking
        await driver.disconnect()
        await driver.disconnect()
        with pytest.raises(StreamClosedError):
            await driver.measure_spectrum(act(), red=1.0, green=1.0, blue=1.0)

    on_bench(test)


@pytest.mark.parametrize("payload", [b"{", b'{"R": 300, "G": 0, "B": 0}', b"[1]", b"\xff"])
def test_the_device_answers_a_bad_request_with_an_error(payload):
    async def main():
        room = Messages()
        said = await ClslabLightSimulator(room.simulator_context("light")).answer(payload)
        assert "Error" in str(said["error"])
        assert "ch410" not in said
        json.dumps(said)

    run_virtual(main())


@pytest.mark.parametrize(
    "settings", [{"pico_id": "a/b"}, {"pico_id": "#"}, {"gain": 0}, {"led": 1}]
)
def test_wrong_settings_are_refused_by_name(settings):
    async def main():
        with pytest.raises(InputError, match="settings of light"):
            ClslabLight(Bench().driver_context("light", settings))

    run_virtual(main())
