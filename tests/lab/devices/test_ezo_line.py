"""The line to an EZO circuit against a script: what it asks again, what it skips, and what it calls an error."""

from __future__ import annotations

import asyncio

import pytest

from lab.devices.driver import DeviceError
from lab.devices.ezo_line import EzoLine
from lab.devices.memory_stream import stream_pair
from lab.devices.stream import StreamClosedError
from tests.bench.virtual import run_virtual


class Script:
    """A circuit that gives the written answers to each command, the last one again and again."""

    def __init__(self, **answers):
        self.answers = {key: list(value) for key, value in answers.items()}
        self.sent = []
        self.restarts = 0

    async def serve(self, stream):
        try:
            while True:
                for line in (await stream.read()).split(b"\r")[:-1]:
                    self.sent.append(line.decode())
                    await stream.write(self.answer(line.decode()))
        except StreamClosedError:
            return

    def answer(self, command):
        key = "".join(c for c in command if c.isalnum())
        written = self.answers.get(key, [b"*OK\r"])
        return written.pop(0) if len(written) > 1 else written[0]

    async def restarted(self):
        self.restarts += 1


def on_line(test, **answers):
    async def main():
        script = Script(**answers)
        ours, theirs = stream_pair()
        serving = asyncio.create_task(script.serve(theirs))
        line = EzoLine(ours, timeout_s=1.0, on_restart=script.restarted)
        try:
            return await test(line, script)
        finally:
            await line.close()
            await line.close()
            await serving

    return run_virtual(main())


def error_of(action, **answers):
    async def test(line, script):
        with pytest.raises(DeviceError) as caught:
            await action(line)
        return caught.value, script

    return on_line(test, **answers)


def test_a_circuit_is_woken_silenced_and_recognised():
    async def test(line, script):
        assert await line.greet("PH") == "1.98"
        assert script.sent == ["*OK,1", "C,0", "i"]

    on_line(test, i=[b"?i,pH,1.98\r*OK\r"])


def test_what_wakes_it_is_lost_and_sent_again():
    async def test(line, script):
        await line.greet("EC")
        assert script.sent.count("*OK,1") == 3

    on_line(test, OK1=[b"*WA\r", b"*ER\r", b"*OK\r"], i=[b"?I,EC,2.16\r*OK\r"])


def test_one_that_never_wakes_is_given_up():
    async def test(line, script):
        with pytest.raises(TimeoutError):
            await line.greet("EC")
        assert script.sent == ["*OK,1"] * 4

    on_line(test, OK1=[b""])


def test_another_kind_is_refused():
    error, _ = error_of(lambda line: line.greet("PH"), i=[b"?I,EC,2.16\r*OK\r"])
    assert (error.code, str(error)) == ("wrong_device", "expected an EZO-PH, found EZO-EC")


def test_a_reading_is_one_number():
    async def test(line, script):
        assert await line.reading() == 7.003
        assert script.sent == ["R"]

    on_line(test, R=[b"7.003\r*OK\r"])


def test_a_second_reading_in_the_answer_silences_the_circuit_and_is_read_again():
    async def test(line, script):
        assert await line.reading() == 7.003
        assert script.sent == ["R", "C,0", "R", "C,0", "R"]

    on_line(test, R=[b"7.001\r7.002\r*OK\r", b"7.0\xff\r*OK\r", b"7.003\r*OK\r"])


def test_rubbish_is_given_up_after_three_tries():
    error, script = error_of(lambda line: line.reading(), R=[b"seven\r*OK\r"])
    assert (error.code, error.effect, script.sent.count("R")) == ("bad_reply", "none", 3)


@pytest.mark.parametrize("code", ["OV", "UV"])
@pytest.mark.parametrize("action", [lambda line: line.reading(), lambda line: line.store("R")])
def test_a_supply_voltage_out_of_range_spoils_a_reading(action, code):
    error, _ = error_of(action, R=[f"*{code}\r7.003\r*OK\r".encode()])
    assert error.code == "supply_voltage"


@pytest.mark.parametrize("action", [lambda line: line.reading(), lambda line: line.store("R")])
def test_a_restart_is_an_error_after_all_is_set_again(action):
    error, script = error_of(action, R=[b"*RS\r*RE\r"])
    assert (error.code, script.restarts) == ("rebooted", 1)


def test_an_order_does_not_mind_a_restart():
    async def test(line, script):
        await line.order("C,0")
        assert script.restarts == 0

    on_line(test, C0=[b"*RS\r*RE\r7.0\r*OK\r"])


def test_an_order_whose_answer_is_rubbish_is_an_error():
    error, script = error_of(lambda line: line.order("T,25.00"), T2500=[b"?\r*OK\r"])
    assert (error.code, script.sent) == ("bad_reply", ["T,25.00"])


def test_a_question_skips_what_it_did_not_ask():
    async def test(line, script):
        assert await line.numbers("Slope,?", "SLOPE", 3) == (99.7, 100.3, -0.89)
        assert len(script.sent) == 2

    on_line(test, Slope=[b"?Slo\xff\r*OK\r", b"7.003\r?Slope,99.7,100.3,-0.89\r*OK\r"])


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"?Slope,99.7\r*OK\r", "was answered by"),
        (b"?Cal,2\r*OK\r", "no answer"),
        (b"?Slope,1,2,nan\r*OK\r", "not a number: 'nan'"),
    ],
)
def test_an_answer_to_something_else_is_an_error(answer, says):
    error, _ = error_of(lambda line: line.numbers("Slope,?", "SLOPE", 3), Slope=[answer])
    assert error.code == "bad_reply"
    assert says in str(error)


def test_a_refusal_is_not_repeated():
    error, script = error_of(lambda line: line.store("Cal,low,4.00"), Callow400=[b"*ER\r"])
    assert (error.code, len(script.sent)) == ("refused", 1)
    assert "'Cal,low,4.00'" in str(error)


def test_readings_without_end_do_not_keep_an_answer_waiting_for_ever():
    async def main():
        ours, theirs = stream_pair()

        async def chatter():
            try:
                while True:
                    await theirs.write(b"7.003\r")
                    await asyncio.sleep(0.1)
            except StreamClosedError:
                return

        talking = asyncio.create_task(chatter())
        line = EzoLine(ours, timeout_s=1.0, on_restart=Script().restarted)
        with pytest.raises(TimeoutError):
            await line.order("C,0")
        await line.close()
        await talking

    run_virtual(main())
