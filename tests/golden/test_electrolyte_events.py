"""The electrolyte example's event log, as it was when somebody last looked at it and found it right.

Only what happened to whom, no numbers: these differ in the last digit from machine to machine. After a change that is
meant to alter the order of events, renew the snapshot and read its difference before you commit it:

    LABWRIGHT_RENEW_GOLDEN=1 pytest tests/golden
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.records.reader import open_records

CAMPAIGN = Path("sops/electrolyte_conductivity/campaign.yaml")
GOLDEN = Path(__file__).with_name("electrolyte_events.json")


def _line(event: object) -> list[object]:
    """kind, run, step or trial, and for reports the step of the command that they are about."""
    run = getattr(event, "run", "")
    about = getattr(event, "step", None) or getattr(event, "trial", None)
    about = about or getattr(event, "device", "")
    command = getattr(event, "command", None)
    if command is not None and not isinstance(command, str):
        run, about = command.run, command.step
    return [getattr(event, "kind", ""), run, about]


def _events(database: Path) -> list[list[object]]:
    report = run_campaign(
        RunOptions(campaign=CAMPAIGN, virtual=True, seed=7, trials=4, database=str(database))
    )
    with open_records(report.database) as records:
        return [_line(record.event) for record in records.events()]


def test_the_example_still_does_what_it_did(tmp_path: Path) -> None:
    events = _events(tmp_path / "lab.db")
    if os.environ.get("LABWRIGHT_RENEW_GOLDEN") == "1":
        lines = ",\n".join("  " + json.dumps(line) for line in events)
        GOLDEN.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        pytest.skip("the snapshot was renewed: read its difference before you commit it")
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    first = next((n for n, (a, b) in enumerate(zip(events, golden, strict=False)) if a != b), None)
    if first is not None:
        pytest.fail(
            f"event {first + 1} was {golden[first]}, now it is {events[first]}; "
            "if that is meant, renew with LABWRIGHT_RENEW_GOLDEN=1",
            pytrace=False,
        )
    assert len(events) == len(golden)


def test_the_snapshot_is_of_a_whole_campaign() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    kinds = [kind for kind, _, _ in golden]
    assert kinds[0] == "engine_started"
    assert kinds[-1] == "campaign_finished"
    assert kinds.count("trial_completed") == 4
    assert kinds.count("run_finished") == 4
    assert kinds.count("command_intended") == kinds.count("step_succeeded")
