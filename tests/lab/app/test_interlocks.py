"""An interlock of the lab file, from its text to a campaign that goes by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.app.files import open_campaign
from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.domain import event as ev
from lab.domain.errors import InputError
from lab.records.reader import open_records
from tests.lab.app.electrolyte import copied

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
interlocks:
  cool:
    device: hotplate_1
    signal: temperature
    maximum: 320 K
    max_age: 30 s
    blocks: [transfer_pump_1, transfer_pump_2]
    actions: [dispense]
    reason: the tubes stand 50 degC
"""


def interlocked(folder: Path, text: str = TEXT) -> Path:
    campaign = copied(folder)
    lab = campaign.with_name("lab.yaml")
    lab.write_text(lab.read_text(encoding="utf-8") + text, encoding="utf-8")
    return campaign


def test_its_limits_come_in_the_unit_of_the_signal(tmp_path: Path) -> None:
    [lock] = open_campaign(interlocked(tmp_path)).drivers.interlocks
    assert (lock.device, lock.signal, lock.unit) == ("hotplate_1", "temperature", "degC")
    assert lock.minimum is None
    assert lock.maximum == pytest.approx(46.85)
    assert (lock.max_age_s, lock.blocks) == (30.0, ("transfer_pump_1", "transfer_pump_2"))
    assert lock.actions == ("dispense",)


def test_one_about_nothing_refuses_the_campaign(tmp_path: Path) -> None:
    campaign = interlocked(tmp_path, TEXT.replace("signal: temperature", "signal: temprature"))
    with pytest.raises(InputError) as refusal:
        open_campaign(campaign)
    [finding] = refusal.value.diagnostics
    assert 'no live signal "temprature"' in finding.message
    assert "temperature" in finding.hint


def test_a_campaign_starts_what_it_blocks_only_while_it_holds(tmp_path: Path) -> None:
    options = RunOptions(
        campaign=interlocked(tmp_path), virtual=True, seed=3, trials=2, database=str(tmp_path / "x")
    )
    report = run_campaign(options)
    assert report.state == "completed"
    with open_records(report.database) as records:
        events = [record.event for record in records.events()]
    holds, blocked, heard = False, 0, 0
    for event in events:
        if isinstance(event, ev.InterlockChanged):
            holds = event.state == "holds"
            heard += holds
        elif isinstance(event, ev.CommandIntended):
            command = event.command
            if command.device.startswith("transfer_pump") and command.action == "dispense":
                blocked += 1
                assert holds, "sent while nobody knew the temperature"
    assert heard >= 1
    assert blocked >= 2
