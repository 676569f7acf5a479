"""Engine, device hosts and simulators as three processes, a broker that others wrote between them."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.conftest import missing
from tests.system.lab_process import (
    ELECTROLYTE,
    journal_rows,
    lab,
    simulators,
    start_lab,
    wait_until,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.system

SPEED = "120"


def own_lab(folder: Path) -> Path:
    """The example under a lab id of its own: the broker is shared."""
    copy = folder / "example"
    shutil.copytree(ELECTROLYTE, copy, ignore=shutil.ignore_patterns(".lab"))
    lab_file = copy / "lab.yaml"
    lab_id = f"cell_{abs(hash(str(folder))) % 10**8}"
    lab_file.write_text(lab_file.read_text().replace("id: electrolyte_cell", f"id: {lab_id}", 1))
    return copy


@pytest.mark.timeout(180)
def test_three_processes_and_a_listener(tmp_path: Path, mqtt_url: str) -> None:
    listener_program = shutil.which("mosquitto_sub") or missing(
        "mosquitto_sub", "install mosquitto-clients"
    )
    example = own_lab(tmp_path)
    lab_id = (example / "lab.yaml").read_text().split("\nid: ")[1].split("\n")[0]
    broker = urlsplit(mqtt_url)
    heard = tmp_path / "heard.txt"
    with heard.open("wb") as file:
        listener = subprocess.Popen(
            [
                listener_program, "-h", str(broker.hostname), "-p", str(broker.port or 1883),
                "-t", f"labwright/1/{lab_id}/#", "-v",
            ],
            stdout=file,
        )  # fmt: skip
    records = tmp_path / "records.db"
    try:
        with (
            simulators(tmp_path, speed=float(SPEED), lab_file=example / "lab.yaml") as endpoints,
            start_lab(
                "devices", "host", str(example / "lab.yaml"), "--broker", mqtt_url,
                "--endpoints", str(endpoints), "--ledger", str(tmp_path / "host.ledger"),
                "--speed", SPEED,
                log=tmp_path / "host.log",
            ),
        ):  # fmt: skip
            done = lab(
                "run", str(example / "campaign.yaml"), "--no-hosts", "--broker", mqtt_url,
                "--speed", SPEED, "--trials", "2", "--db", str(records), "--json",
            )  # fmt: skip
        assert done.returncode == 0, done.stderr + (tmp_path / "host.log").read_text()
    finally:
        listener.terminate()
        listener.wait(10)
    assert json.loads(done.stdout)["runs"] == {"succeeded": 2, "failed": 0, "aborted": 0}
    topics = [line.split(" ", 1)[0] for line in heard.read_text().splitlines()]
    leaves = {topic.split("/", 4)[4].split("/")[0] for topic in topics if topic.count("/") >= 4}
    assert {"cmd", "ack", "evt", "hb", "desc", "state"} <= leaves
    assert f"labwright/1/{lab_id}/_event" in topics
    intended = {
        row["command"]["id"]  # type: ignore[index]
        for row in journal_rows(records)
        if row["kind"] == "command_intended"
    }
    commanded = {
        json.loads(line.split(" ", 1)[1]).get("id")
        for line in heard.read_text().splitlines()
        if "/cmd " in line and '"op":"command"' in line
    }
    assert commanded == intended


@pytest.mark.timeout(120)
def test_a_host_that_is_killed_and_comes_back_is_asked(tmp_path: Path, mqtt_url: str) -> None:
    example = own_lab(tmp_path)
    records = tmp_path / "records.db"
    with simulators(tmp_path, speed=60, lab_file=example / "lab.yaml") as endpoints:
        host = (
            "devices", "host", str(example / "lab.yaml"), "--broker", mqtt_url,
            "--endpoints", str(endpoints), "--ledger", str(tmp_path / "host.ledger"),
            "--speed", "60",
        )  # fmt: skip
        run = (
            "run", str(example / "campaign.yaml"), "--no-hosts", "--broker", mqtt_url,
            "--speed", "60", "--trials", "1", "--db", str(records),
        )  # fmt: skip
        log = tmp_path / "run.log"
        with start_lab(*run, log=log) as engine:
            with start_lab(*host, log=tmp_path / "host.log") as first:

                def dosing() -> bool:
                    rows = journal_rows(records)
                    accepted = sum(row["kind"] == "command_accepted" for row in rows)
                    return accepted > sum(row["kind"] == "command_ended" for row in rows) >= 1

                wait_until(dosing, "a command under way")
                first.kill()
                first.wait(10)
            with start_lab(*host, log=tmp_path / "host.log"):
                wait_until(lambda: engine.poll() is not None, "the campaign's end", 100)
        assert engine.returncode == 0, log.read_text()
    rows = journal_rows(records)
    assert any(row["kind"] == "command_unknown" for row in rows)
    assert sum(row["kind"] == "trial_completed" for row in rows) == 1
