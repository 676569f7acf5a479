"""The web server is loaded beside the loop: who asks meanwhile waits, and who leaves meanwhile leaves nothing behind."""

from __future__ import annotations

import asyncio
import socket
import time
from urllib.parse import urlsplit

import pytest

from lab.control import server as server_module
from lab.control.client import ControlClient
from lab.control.server import ControlServer
from lab.domain.errors import UnavailableError
from tests.support.fake_engine import FakeEngine


@pytest.fixture
def slowly(monkeypatch):
    """Loading the web server takes a while."""
    real = server_module._web_server

    def load():
        time.sleep(0.3)
        return real()

    monkeypatch.setattr(server_module, "_web_server", load)


@pytest.fixture
async def engine(tmp_path):
    return FakeEngine(f"sqlite:///{tmp_path / 'lab.db'}")


@pytest.mark.usefixtures("slowly")
async def test_who_asks_before_it_is_loaded_is_answered_and_the_loop_goes_on_meanwhile(engine):
    began = time.monotonic()
    async with ControlServer(engine) as server:
        assert time.monotonic() - began < 0.2, "entered before it is loaded"
        assert server.file.exists()
        client = ControlClient(server.url, server.token)
        asking = asyncio.create_task(asyncio.to_thread(client.status))
        turns = 0
        while not asking.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert turns > 10
        assert (await asking)["engine"]["lab"] == engine.info().lab
        client.close()


@pytest.mark.usefixtures("slowly")
async def test_who_leaves_before_it_is_loaded_leaves_nothing_behind(engine):
    async with ControlServer(engine) as server:
        place = urlsplit(server.url)
    assert not server.file.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((place.hostname, place.port), timeout=5).close()


async def test_it_may_be_loaded_later_and_who_leaves_before_does_not_wait_for_it(
    engine, monkeypatch
):
    loaded = []
    real = server_module._web_server

    def load():
        loaded.append(time.monotonic())
        return real()

    monkeypatch.setattr(server_module, "_web_server", load)
    began = time.monotonic()
    async with ControlServer(engine, after_s=60.0):
        await asyncio.sleep(0.05)
    assert time.monotonic() - began < 10.0
    assert loaded == []
    began = time.monotonic()
    async with ControlServer(engine, after_s=0.3) as server:
        client = ControlClient(server.url, server.token)
        await asyncio.to_thread(client.status)
        client.close()
    assert loaded[0] - began >= 0.3


async def test_what_can_t_be_had_is_said_before_anything_begins(engine, monkeypatch):
    def refuse(*_):
        raise OSError("no more ports")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(UnavailableError, match="no port on 127"):
        await ControlServer(engine).__aenter__()
