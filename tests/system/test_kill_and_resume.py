"""The engine is killed in the middle, the laboratory lives on: no dose twice, none lost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from lab.records.database import database_url, open_database
from lab.records.verify import first_broken_row
from tests.support.command_line import lab_here
from tests.system.lab_process import (
    ELECTROLYTE,
    Acts,
    journal_rows,
    lab,
    simulators,
    start_lab,
    wait_until,
)

if TYPE_CHECKING:
    from pathlib import Path

CAMPAIGN = str(ELECTROLYTE / "campaign.yaml")
SPEED = 60.0

Rows = list[dict[str, object]]


def intents(rows: Rows) -> dict[str, dict[str, object]]:
    """Commands by id."""
    found: dict[str, dict[str, object]] = {}
    for row in rows:
        if row["kind"] == "command_intended":
            command = row["command"]
            assert isinstance(command, dict)
            assert command["id"] not in found, "a command id was used twice"
            found[command["id"]] = command
    return found


def doses_by_the_records(rows: Rows) -> Counter[str]:
    """Doses that the records say were made, by pump."""
    commands = intents(rows)
    made: Counter[str] = Counter()
    for row in rows:
        ended = row["kind"] == "command_ended" and row["outcome"]["result"] == "succeeded"  # type: ignore[index]
        settled = row["kind"] == "command_settled" and row["settlement"]["verdict"] == "done"  # type: ignore[index]
        command = commands.get(str(row.get("command")), {})
        if (ended or settled) and command.get("action") == "dispense":
            args = command["args"]
            assert isinstance(args, dict)
            if float(args["volume"]) > 0.001:
                made[str(command["device"])] += 1
    return made


def open_dose(rows: Rows) -> bool:
    """Is a dose under way by the records?"""
    commands = intents(rows)
    accepted = {row["command"] for row in rows if row["kind"] == "command_accepted"}
    over = {row["command"] for row in rows if row["kind"] in ("command_ended", "command_settled")}
    return any(commands[str(c)]["action"] == "dispense" for c in accepted - over)


@pytest.mark.system
@pytest.mark.timeout(300)
def test_no_dose_is_doubled_or_lost_when_the_engine_dies(tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    log = tmp_path / "engine.log"
    common = ("--speed", str(SPEED), "--db", str(database), "--broker", "embedded")
    kills = 0
    with simulators(tmp_path, speed=SPEED) as endpoints:
        words = ["run", CAMPAIGN, "--trials", "4", "--seed", "3"]
        for done_before in (1, 5, 9):
            with start_lab(*words, *common, "--endpoints", str(endpoints), log=log) as engine:

                def in_the_middle_of_a_dose(wanted: int = done_before) -> bool:
                    assert engine.poll() is None, log.read_text()
                    rows = journal_rows(database)
                    return sum(doses_by_the_records(rows).values()) >= wanted and open_dose(rows)

                wait_until(in_the_middle_of_a_dose, f"a dose after {done_before} others")
                engine.kill()
                engine.wait(10)
                kills += 1
            words = ["resume", CAMPAIGN]
        finished = lab(*words, *common, "--endpoints", str(endpoints), "--json", timeout=200)
        assert finished.returncode == 0, finished.stderr
    rows = journal_rows(database)
    assert kills == 3
    assert sum(row["kind"] == "engine_started" for row in rows) == 4
    assert '"state": "completed"' in finished.stdout
    assert any(row["kind"] == "command_unknown" for row in rows), "no kill hit an open command"
    seen = Acts(tmp_path / "acts.jsonl").count()
    assert seen == doses_by_the_records(rows)
    # Four trials: three stocks, one transfer, one drain each; a dilute dose may be nothing at all.
    assert seen["concentrate_pump"] == 4
    assert seen["solvent_pump"] == 4
    assert seen["transfer_pump_1"] + seen["transfer_pump_2"] == 4
    assert seen["drain_pump_1"] + seen["drain_pump_2"] == 4
    assert sum(row["kind"] == "trial_completed" for row in rows) == 4
    engine_of_records = open_database(database_url(str(database)), read_only=True)
    assert first_broken_row(engine_of_records) is None
    engine_of_records.dispose()


@pytest.mark.system
@pytest.mark.timeout(120)
def test_a_second_engine_on_the_same_records_is_refused(tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    common = ("--speed", "60", "--db", str(database), "--broker", "in-process")
    with simulators(tmp_path, speed=60) as endpoints:
        words = ("run", CAMPAIGN, "--trials", "2", *common, "--endpoints", str(endpoints))
        with start_lab(*words, log=tmp_path / "first.log"):
            wait_until(lambda: bool(journal_rows(database)), "the first engine's records")
            second = lab_here(*words)
    assert second.returncode == 4, second.stderr
    assert "another engine" in second.stderr
