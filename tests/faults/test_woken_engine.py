"""An engine is paused with a command in its hand, another takes the lab over, the first wakes up: real processes."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.conftest import missing
from tests.faults.kill_rounds import judge
from tests.faults.real_lab import own_postgres, rows_of, wait
from tests.faults.test_stalls import begun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.real_lab import RealLab

pytestmark = [
    pytest.mark.faults, pytest.mark.system, pytest.mark.long, pytest.mark.timeout(600),
]  # fmt: skip

TRIALS = 2
SPEED = 25.0
"""Slower than elsewhere, so that a busy machine keeps the times that a step may take: nothing but the pause is in question."""
PROGRAM = ("-m", "tests.faults.stopping_engine")

Row = dict[str, Any]


@contextmanager
def listening(lab: RealLab, file: Path) -> Iterator[None]:
    """All that passes over the bus, written down by somebody else's program."""
    program = shutil.which("mosquitto_sub") or missing("mosquitto_sub", "install mosquitto-clients")
    port = urlsplit(lab.broker_url).port
    with file.open("wb") as out:
        words = [program, "-h", "127.0.0.1", "-p", str(port), "-t", "labwright/#", "-v"]
        process = subprocess.Popen(words, stdout=out)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def messages(file: Path, leaf: str) -> list[Row]:
    """Payloads on topics that end so, in order."""
    lines = [line.partition(" ") for line in file.read_text(errors="replace").splitlines()]
    return [json.loads(told) for topic, _, told in lines if topic.endswith(f"/{leaf}")]


def interrupted(url: str) -> list[str]:
    """Commands that the second engine found open."""
    return [
        str(row["command"])
        for row in rows_of(url)
        if row["kind"] == "command_unknown" and "restarted" in str(row["reason"])
    ]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_what_a_woken_engine_publishes_no_device_obeys(tmp_path: Path, store: str) -> None:
    with ExitStack() as stack:
        url = ""
        if store == "postgres":
            _, url = stack.enter_context(own_postgres(tmp_path))
        lab = stack.enter_context(
            begun(tmp_path, url=url, speed=SPEED, engine_program=PROGRAM, trials=TRIALS)
        )
        heard = tmp_path / "heard.txt"
        stack.enter_context(listening(lab, heard))
        lab.standby.start()
        wait(lambda: bool(interrupted(lab.database)), "the standby to take over", 120)
        kept = interrupted(lab.database)[-1]
        wait(
            lambda: any(
                row["kind"] == "command_settled" and row["command"] == kept
                for row in rows_of(lab.database)
            ),
            "the command to be settled",
        )
        lab.engine.go_on()
        wait(lambda: lab.engine.code is not None, "the first engine to end")
        assert lab.engine.code == 4, "refused"
        assert "another engine" in lab.engine.told()
        late = [m for m in messages(heard, "cmd") if m.get("op") == "command" and m["id"] == kept]
        assert [m["epoch"] for m in late] == [1], "it was published after all"
        wait(lambda: lab.standby.code is not None, "the campaign's end", 300)
        rows = rows_of(lab.database)
        settled = next(r for r in rows if r["kind"] == "command_settled" and r["command"] == kept)
        assert settled["settlement"]["verdict"] == "not_done"  # pyright: ignore
        judge(lab, rows, lab.database, TRIALS)
