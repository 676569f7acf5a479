"""Connection URLs, ports that can't be opened, and the traps of pseudo-terminals."""

from __future__ import annotations

import asyncio
import logging
import os
import threading

import pytest

from lab.devices.line_url import SerialUrl, SocketUrl, parse_line_url, parse_settings
from lab.devices.serial_stream import SerialStream, open_serial
from lab.domain.errors import InputError, UnavailableError
from simulators.serving import serve_pty


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("serial:///dev/ttyUSB0", SerialUrl("/dev/ttyUSB0")),
        (
            "serial:///dev/ttyS1?baud=19200&bytesize=7&parity=E&stopbits=2",
            SerialUrl("/dev/ttyS1", 19200, 7, "E", 2),
        ),
        ("serial://COM3?baud=1200&xonxoff=true", SerialUrl("COM3", 1200, xonxoff=True)),
        ("serial:///dev/ttyS1?rtscts=1&xonxoff=false", SerialUrl("/dev/ttyS1", rtscts=True)),
        ("socket://10.0.0.7:4001", SocketUrl("10.0.0.7", 4001)),
        ("socket://[::1]:4001/", SocketUrl("::1", 4001)),
    ],
)
def test_line_urls(url, line):
    assert parse_line_url(url) == line


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "not a byte line"),
        ("/dev/ttyUSB0", "not a byte line"),
        ("sim:", "not a byte line"),
        ("http://10.0.0.7", "not a byte line"),
        ("serial://", "names no port"),
        ("socket://10.0.0.7", "not a socket"),
        ("socket://:4001", "not a socket"),
        ("socket://h:70000", "ort"),
        ("socket://h:1?baud=9600", "not a socket"),
        ("serial:///dev/x?baud=fast", "baud=fast"),
        ("serial:///dev/x?baud=0", "baud=0"),
        ("serial:///dev/x?baud=²", "baud="),
        ("serial:///dev/x?parity=even", "parity=even"),
        ("serial:///dev/x?bytesize=9", "bytesize=9"),
        ("serial:///dev/x?stopbits=0", "stopbits=0"),
        ("serial:///dev/x?baudrate=9600", "no 'baudrate'"),
        ("serial:///dev/x?baud=9600&baud=19200", "twice"),
        ("serial:///dev/x?xonxoff", "line settings"),
    ],
)
def test_what_is_wrong_with_a_url_is_said_with_what_would_be_right(url, says):
    with pytest.raises(InputError, match=says) as caught:
        parse_line_url(url)
    assert caught.value.hint


def test_a_near_miss_is_suggested():
    with pytest.raises(InputError) as caught:
        parse_settings("pariti=E")
    assert caught.value.hint == "did you mean 'parity'?"


async def test_no_such_port():
    with pytest.raises(UnavailableError, match="/dev/ttyNOSUCH") as caught:
        await open_serial("serial:///dev/ttyNOSUCH")
    assert "plugged in" in caught.value.hint


async def test_a_file_is_no_port(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError):
        await open_serial(f"serial://{tmp_path}/file")


async def test_nobody_answers_at_a_socket():
    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:1") as caught:
        await open_serial("socket://127.0.0.1:1")
    assert "switched on" in caught.value.hint


async def _silent(stream):
    await stream.read()


async def test_a_port_is_opened_exclusively():
    server = await serve_pty(_silent)
    try:
        first = await open_serial(server.url)
        with pytest.raises(UnavailableError) as caught:
            await open_serial(server.url)
        assert "another program" in caught.value.hint
        await first.close()
        again = await open_serial(server.url)
        await again.close()
    finally:
        await server.close()


async def test_seven_bits_on_a_pseudo_terminal_are_opened_as_eight_and_logged(caplog):
    caplog.set_level(logging.WARNING)
    master, slave = os.openpty()
    try:
        # Without the detour the second of these fails: the kernel has dropped the parity.
        for _ in range(3):
            stream = await open_serial(f"serial://{os.ttyname(slave)}?bytesize=7&parity=E")
            await stream.write(b"x")
            await stream.close()
    finally:
        os.close(master)
        os.close(slave)
    assert "8N1 instead of 7E1" in caplog.text


async def test_closing_leaves_no_thread():
    server = await serve_pty(_silent)
    before = {t for t in threading.enumerate() if t.name.startswith("serial ")}
    stream = await open_serial(server.url)
    assert any(t.name == f"serial {server.path}" for t in threading.enumerate())
    await stream.close()
    assert {t for t in threading.enumerate() if t.name.startswith("serial ")} == before
    await server.close()


def test_a_loop_that_ends_first_does_not_break_the_thread():
    master, slave = os.openpty()

    async def open_and_forget():
        return await open_serial(f"serial://{os.ttyname(slave)}")

    stream = asyncio.run(open_and_forget())
    assert isinstance(stream, SerialStream)
    os.write(master, b"too late")
    stream._thread.join(5)
    assert not stream._thread.is_alive()
    stream._port.close()
    os.close(master)
    os.close(slave)
