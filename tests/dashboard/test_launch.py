"""The command that serves the pages, and requests that nobody can take."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dashboard import actions
from dashboard.launch import launch


def settings(command: list[str]) -> dict[str, str]:
    options = command[: command.index("--")]
    return dict(
        option.removeprefix("--").split("=", 1) for option in options if option.startswith("--")
    )


def test_the_command_serves_loopback_only_and_tells_nobody():
    command = launch("lab.db", 8600)
    assert command[:4] == [sys.executable, "-m", "streamlit", "run"]
    assert Path(command[4]).name == "app.py"
    assert Path(command[4]).exists()
    chosen = settings(command)
    assert chosen["server.address"] == "127.0.0.1"
    assert chosen["browser.gatherUsageStats"] == "false"
    assert chosen["server.headless"] == "true"
    assert chosen["server.port"] == "8600"
    assert command[-2:] == ["--", "lab.db"]


def test_a_free_port_is_found_and_the_browser_opens_on_request():
    first, second = launch(Path("a.db")), launch("a.db", open_browser=True)
    assert int(settings(first)["server.port"]) > 1023
    assert settings(second)["server.headless"] == "false"


def test_every_setting_is_known_to_streamlit():
    from streamlit import config

    known = config.get_config_options()
    assert not set(settings(launch("a.db"))) - set(known)


def test_ids_are_never_used_twice():
    assert len({actions.new_id() for _ in range(100)}) == 100


def test_nobody_there_is_an_answer(tmp_path):
    reply = actions.ask(str(tmp_path / "lab.db"), "pause", "Ada", "", "one")
    assert reply.kind == "unreachable"
    assert not reply.settled
    assert "lab resume" in reply.text


@pytest.mark.parametrize("who", ["", "  "])
def test_nobody_asks_without_a_name(tmp_path, who):
    reply = actions.ask(str(tmp_path / "lab.db"), "stop", who, "", "one")
    assert (reply.kind, reply.settled) == ("incomplete", True)
