"""`lab dashboard` as a process: it serves, whatever ends it leaves nothing behind, and wrong records are refused."""

from __future__ import annotations

import re
import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import lab_here
from tests.support.sample_journal import SampleLab
from tests.system.lab_process import start_lab

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def port_of(process: subprocess.Popen[bytes], log: Path) -> int:
    """Where it serves, once it does."""
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        assert process.poll() is None, log.read_text()
        found = re.search(r"dashboard: http://127\.0\.0\.1:(\d+)", log.read_text())
        if found and listens(int(found[1])):
            return int(found[1])
        time.sleep(0.1)
    pytest.fail(f"it doesn't serve: {log.read_text()}")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_what_ends_it_leaves_nothing_behind(by: signal.Signals, tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    SampleLab(records).close()
    log = tmp_path / "log"
    with start_lab("dashboard", "--db", str(records), "--port", "0", log=log) as process:
        port = port_of(process, log)
        process.send_signal(by)
        process.wait(30)
        assert not listens(port)


def test_records_that_are_not_there_are_said_and_nothing_is_served(tmp_path: Path) -> None:
    ended = lab_here("dashboard", "--db", str(tmp_path / "nothing.db"), "--port", "0")
    assert ended.returncode == 3
    assert "nothing.db" in ended.stderr
    assert "dashboard:" not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
