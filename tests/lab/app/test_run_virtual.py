"""Virtual campaigns through the composition root: repeatable, resumable, and refused where they must be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from lab.domain.errors import InputError, RefusedError
from lab.records.database import open_database
from lab.records.reader import open_records
from lab.records.verify import first_broken_row
from tests.lab.app.electrolyte import copied, run_virtual_campaign

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.state import LabState

TRIALS = 20


def state_of(database: Path) -> LabState:
    with open_records(f"sqlite:///{database}") as records:
        return records.state()


def head_of(document: dict) -> str:
    return document["journal"]["head"]


def test_the_same_seed_gives_the_same_journal_and_another_seed_another(tmp_path: Path) -> None:
    first, again, other = (
        run_virtual_campaign(tmp_path / f"{name}.db", seed=seed).document
        for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert head_of(first) == head_of(again)
    assert first["best"] == again["best"]
    assert head_of(other) != head_of(first)
    assert other["best"] != first["best"]
    assert first["state"] == "completed"
    assert first["runs"] == {"succeeded": 2, "failed": 0, "aborted": 0}


def test_a_second_campaign_in_the_same_records_gets_its_own_number(tmp_path: Path) -> None:
    database = tmp_path / "lab.db"
    assert run_virtual_campaign(database, trials=1).document["campaign"] == "electrolyte-1"
    assert run_virtual_campaign(database, trials=1).document["campaign"] == "electrolyte-2"
    state = state_of(database)
    assert state.epoch == 2
    assert [c.status for c in state.campaigns.values()] == ["completed", "completed"]


def test_there_is_nothing_to_resume_in_new_or_finished_records(tmp_path: Path) -> None:
    database = tmp_path / "lab.db"
    with pytest.raises(InputError, match="no unfinished campaign"):
        run_virtual_campaign(database, resume=True)
    run_virtual_campaign(database, trials=1)
    with pytest.raises(InputError, match="no unfinished campaign"):
        run_virtual_campaign(database, resume=True)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no campaign file"):
        run_virtual_campaign(tmp_path / "lab.db", campaign=tmp_path / "none.yaml")
    assert not (tmp_path / "lab.db").exists()


def killed_in_the_middle(campaign: Path, database: Path, *, after_trials: int) -> LabState:
    """Start `lab run --virtual` as a process and kill it when so many trials are done."""
    command = [
        sys.executable, "-m", "lab.cli.main", "run", str(campaign), "--virtual", "--json",
        "--db", str(database), "--seed", "7", "--trials", str(TRIALS), "--method", "sobol",
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert process.poll() is None, process.communicate()[1].decode()
            if database.exists():
                try:
                    state = state_of(database)
                except Exception:
                    # Between the file's creation and its first table.
                    state = None
                campaign_state = None if state is None else state.active_campaign
                if campaign_state is not None:
                    done = [t for t in campaign_state.trials.values() if t.status == "done"]
                    if len(done) >= after_trials:
                        break
            time.sleep(0.05)
        else:
            pytest.fail("the campaign did not get so far in a minute")
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    return state_of(database)


@pytest.mark.faults
def test_a_killed_campaign_is_refused_anew_and_resumed_with_what_it_had(tmp_path: Path) -> None:
    database = tmp_path / "lab.db"
    campaign = copied(tmp_path)
    before = killed_in_the_middle(campaign, database, after_trials=2)
    unfinished = before.active_campaign
    assert unfinished is not None
    done = {n: t.value for n, t in unfinished.trials.items() if t.status == "done"}
    under_way = [run.id for run in before.open_runs()]
    assert len(done) >= 2

    with pytest.raises(RefusedError, match="unfinished campaign, electrolyte-1"):
        run_virtual_campaign(database, campaign=campaign)

    sop = campaign.parent / "sop.yaml"
    text = sop.read_text(encoding="utf-8")
    assert "duration: 40 s" in text
    sop.write_text(text.replace("duration: 40 s", "duration: 41 s"), encoding="utf-8")
    with pytest.raises(RefusedError, match="the procedure has changed"):
        run_virtual_campaign(database, campaign=campaign, resume=True)
    # A comment changes nothing that is done.
    sop.write_text(text + "\n# another hand was here\n", encoding="utf-8")
    assert state_of(database).active_campaign is not None, "a refusal ends nothing"

    report = run_virtual_campaign(database, campaign=campaign, resume=True)
    after = state_of(database)
    ended = after.campaigns["electrolyte-1"]
    assert report.state == ended.status == "completed"
    assert len(ended.trials) == TRIALS
    assert {n: ended.trials[n].value for n in done} == done, "finished trials stay"
    for run in under_way:
        assert after.runs[run].status == "aborted"
        assert "simulated laboratory ended" in after.runs[run].reason
        assert ended.trials[after.runs[run].trial].status == "failed"
    assert report.document["runs"]["aborted"] == len(under_way)  # pyright: ignore[reportIndexIssue]
    assert not after.open_commands()
    engine = open_database(f"sqlite:///{database}", read_only=True)
    assert first_broken_row(engine) is None
    engine.dispose()
