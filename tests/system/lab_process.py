"""Running `lab` as people do: a process of its own, watched through its records."""

from __future__ import annotations

import functools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Acts", "journal_rows", "lab", "simulators", "start_lab", "wait_until"]

ELECTROLYTE = Path("sops/electrolyte_conductivity")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}


def lab(*words: str, timeout: float = 180) -> subprocess.CompletedProcess[str]:
    """`lab WORDS`, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "lab.cli.main", *words],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=_environment(),
        check=False,
    )


@contextmanager
def start_lab(*words: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`lab WORDS` in the background; killed at the end if it still runs. Its words go to `log`."""
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "lab.cli.main", *words],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=_environment(),
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait(10)


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 90) -> None:
    """Poll until true; fails loudly after that many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s in vain for: {what}")
        time.sleep(0.02)


@contextmanager
def simulators(
    folder: Path, *, speed: float, seed: int = 1, lab_file: Path = ELECTROLYTE / "lab.yaml"
) -> Iterator[Path]:
    """`lab devices simulate` while entered; yields the endpoints file. Acts go to `folder/acts.jsonl`."""
    endpoints = folder / "endpoints.json"
    with start_lab(
        "devices", "simulate", str(lab_file), "--speed", str(speed), "--seed", str(seed),
        "--endpoints", str(endpoints), "--acts", str(folder / "acts.jsonl"),
        log=folder / "simulators.log",
    ) as process:  # fmt: skip
        wait_until(
            lambda: endpoints.exists() or process.poll() is not None, "the simulators to answer"
        )
        assert process.poll() is None, (folder / "simulators.log").read_text()
        yield endpoints


def journal_rows(database: Path) -> list[dict[str, object]]:
    """All events as the file holds them now; none while it doesn't exist."""
    if not database.exists():
        return []
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        rows = connection.execute("SELECT body FROM journal ORDER BY seq").fetchall()
    except sqlite3.OperationalError:
        return []
    finally:
        connection.close()
    return [_parsed(body) for (body,) in rows]


@functools.lru_cache(maxsize=10_000)
def _parsed(body: str) -> dict[str, object]:
    """The file is read fifty times a second while a test waits, and holds what it held, and a row more."""
    return json.loads(body)


class Acts:
    """What the simulated world saw, whatever the software under test believes."""

    def __init__(self, file: Path) -> None:
        lines = file.read_text().splitlines() if file.exists() else []
        self.doses = [act for act in map(json.loads, lines) if act["kind"] == "dispense"]

    def count(self) -> Counter[str]:
        """Doses by pump; a dose of next to nothing is none."""
        return Counter(
            act["device"] for act in self.doses if float(act["detail"]["volume_ml"]) > 0.001
        )
