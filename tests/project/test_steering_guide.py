"""Each command of docs/how-to/steer_a_campaign.md is understood, and says what the page says of it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import lab.cli.trials
from lab.cli.main import app

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "steer_a_campaign.md"
COMMANDS = [line for line in GUIDE.read_text("utf-8").splitlines() if line.startswith("lab trial ")]


def _do(command: str) -> str:
    return shlex.split(command)[2]


def test_the_page_shows_every_verb():
    shown = {_do(command) for command in COMMANDS}
    assert shown == {"approve", "reject", "edit", "pin", "veto", "context", "add", "withdraw"}


@pytest.mark.parametrize("command", COMMANDS, ids=_do)
def test_it_is_understood(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[tuple[str, Path, str, str, dict[str, Any]]] = []

    def send(verb: str, where: Path, db: str | None, actor: str, reason: str, **more: Any) -> int:
        asked.append((verb, where, actor, reason, more["args"]))
        return 0

    monkeypatch.setattr(lab.cli.trials, "send_request", send)
    monkeypatch.chdir(tmp_path)
    table = "volume [mL],temperature [degC],conductivity [mS/cm]\n0.8,25,8.1\n"
    (tmp_path / "march.csv").write_text(table, encoding="utf-8")
    result = CliRunner().invoke(app, shlex.split(command)[1:])
    assert result.exit_code == 0, result.output
    [(verb, where, actor, reason, args)] = asked
    assert (verb, str(where), actor) == ("trial", "my/campaign.yaml", "Ada")
    assert args["do"] == _do(command)
    assert reason or args["do"] in ("approve", "context")
