"""The engine is killed or paused, the hosts live on: every device that can act becomes safe by itself, and the lab goes on."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.app.files import open_lab
from lab.bus import topics
from lab.bus.envelope import State
from lab.bus.mqtt import MqttTransport
from lab.domain.ids import dead_man_of
from tests.faults.small_disk import small_disk
from tests.system.lab_process import journal_rows, lab, simulators, start_lab, wait_until
from tests.system.test_kill_and_resume import intents, open_dose
from tests.system.test_over_mosquitto import own_lab

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.system

LIMIT_S = 4.0
SPEED = "60"


def hurried(example: Path) -> None:
    """Shorter dead-man times than usual for all that can act."""
    file = example / "lab.yaml"
    drivers = open_lab(file)
    text = file.read_text()
    for name in drivers.lab.devices:
        if drivers.dead_man_s(name) is not None:
            text = text.replace(f"  {name}:\n", f"  {name}:\n    dead_man: {LIMIT_S:g} s\n")
    file.write_text(text)


def acts(folder: Path) -> list[dict[str, object]]:
    """What the simulated world saw."""
    return [json.loads(line) for line in (folder / "acts.jsonl").read_text().splitlines()]


def made_itself_safe(row: dict[str, object]) -> bool:
    """Whether an event says that a host made its device safe without being asked."""
    if row["kind"] != "device_state_changed":
        return False
    requests = row.get("safe_requests", [])
    assert isinstance(requests, list)
    return bool(dead_man_of(requests))


async def seconds_until_safe(url: str, example: Path, kill: Callable[[], None]) -> dict[str, float]:
    """Device -> real seconds from the kill to its word that it is safe."""
    drivers = open_lab(example / "lab.yaml")
    waited = {name for name in drivers.lab.devices if drivers.dead_man_s(name) is not None}
    found: dict[str, float] = {}
    async with MqttTransport(url) as transport:
        states = await transport.subscribe(topics.state(drivers.lab.id, "+"))
        killed = time.monotonic()
        kill()
        async with asyncio.timeout(60):
            async for message in states:
                state = State.model_validate_json(message.payload)
                if state.state == "safe" and dead_man_of(state.safe_requests):
                    found.setdefault(state.device, time.monotonic() - killed)
                if found.keys() == waited:
                    break
        await states.close()
    return found


@pytest.mark.timeout(300)
def test_engines_that_are_gone_or_paused_leave_a_safe_lab_that_goes_on_without_a_person(
    tmp_path: Path, mqtt_url: str
) -> None:
    example = own_lab(tmp_path)
    hurried(example)
    records, log = tmp_path / "records.db", tmp_path / "run.log"
    campaign = str(example / "campaign.yaml")
    common = (
        "--no-hosts", "--broker", mqtt_url, "--speed", SPEED, "--db", str(records)
    )  # fmt: skip
    words = ["run", campaign, "--trials", "3"]
    with (
        simulators(tmp_path, speed=float(SPEED), lab_file=example / "lab.yaml") as endpoints,
        start_lab(
            "devices", "host", str(example / "lab.yaml"), "--broker", mqtt_url,
            "--endpoints", str(endpoints), "--ledger", str(tmp_path / "host.ledger"),
            "--speed", SPEED,
            log=tmp_path / "host.log",
        ),
    ):  # fmt: skip
        for kills in (1, 2):
            with start_lab(*words, *common, log=log) as engine:

                def in_the_middle(wanted: int = kills) -> bool:
                    assert engine.poll() is None, log.read_text()
                    rows = journal_rows(records)
                    started = sum(row["kind"] == "engine_started" for row in rows)
                    return started == wanted and open_dose(rows)

                wait_until(in_the_middle, "a dose under way")
                gone = signal.SIGKILL if kills == 1 else signal.SIGSTOP
                leave = partial(engine.send_signal, gone)
                took = asyncio.run(seconds_until_safe(mqtt_url, example, leave))
                engine.kill()
                engine.wait(10)
            assert max(took.values()) <= LIMIT_S + 1.0, took
            words = ["resume", campaign]
        finished = lab(*words, *common, "--json", timeout=200)
        assert finished.returncode in (0, 1), finished.stderr + log.read_text()
    rows = journal_rows(records)
    assert intents(rows)
    by_itself = {str(row["device"]) for row in rows if made_itself_safe(row)}
    assert by_itself == set(took), "what happened meanwhile is on record"
    assert any(row["kind"] == "campaign_finished" for row in rows)
    assert not any(row["kind"] == "request_received" for row in rows), "nobody was needed"


@pytest.mark.timeout(300)
def test_an_engine_that_fails_leaves_the_devices_of_its_own_process_safe(tmp_path: Path) -> None:
    """No timer outlives a process whose hosts live in it, so what fails in it has to make them safe on its way out."""
    example = own_lab(tmp_path)
    records = tmp_path / "records.db"
    common = (
        str(example / "campaign.yaml"), "--speed", SPEED, "--broker", "embedded", "--db", str(records)
    )  # fmt: skip
    with simulators(tmp_path, speed=float(SPEED), lab_file=example / "lab.yaml") as endpoints:
        failing = Path(__file__).with_name("failing_engine.py")
        ended = subprocess.run(
            [sys.executable, str(failing), "run", *common, "--endpoints", str(endpoints)],
            capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip
        assert ended.returncode != 0, ended.stdout
        assert "an error of the engine's own" in ended.stderr
        [heater] = {act["device"] for act in acts(tmp_path) if act["kind"] == "heater_on"}
        switched = [
            a["kind"]
            for a in acts(tmp_path)
            if a["device"] == heater and a["kind"] in ("heater_on", "heater_off")
        ]
        assert switched[-1] == "heater_off"

        words = ("resume", *common, "--endpoints", str(endpoints))
        with start_lab(*words, log=tmp_path / "resume.log") as engine:

            def told_that_it_was_made_safe() -> bool:
                assert engine.poll() is None, (tmp_path / "resume.log").read_text()
                return any(
                    row["device"] == heater
                    for row in journal_rows(records)
                    if made_itself_safe(row)
                )

            wait_until(told_that_it_was_made_safe, "the next engine to find the heater safe")


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.timeout(300)
def test_an_engine_that_can_t_write_is_missed_by_the_hosts_in_its_own_process(
    tmp_path: Path, mqtt_url: str
) -> None:
    """The ledger lies on the same full disk."""
    example = own_lab(tmp_path)
    hurried(example)
    log = tmp_path / "run.log"
    with (
        small_disk("4m") as disk,
        start_lab(
            "run", str(example / "campaign.yaml"), "--trials", "3", "--broker", mqtt_url,
            "--speed", SPEED, "--db", str(disk.path / "records.db"), log=log,
        ) as engine,
    ):  # fmt: skip
        records = disk.path / "records.db"
        wait_until(lambda: records.exists() and open_dose(journal_rows(records)), "a dose")
        safe = asyncio.run(seconds_until_safe(mqtt_url, example, disk.fill))
        assert safe, "devices that can act"
        assert engine.poll() is None, log.read_text()
        disk.make_room()
        wait_until(
            lambda: any(made_itself_safe(row) for row in journal_rows(records)), "word of it"
        )
        assert engine.poll() is None, log.read_text()
