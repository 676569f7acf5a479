"""Exports: complete, uniform, readable by any program, and checkable without Labwright."""

from __future__ import annotations

import csv
import hashlib
import json
from datetime import datetime, timedelta

import pandas as pd
import pytest

from lab.domain import event as ev
from lab.domain.errors import InputError
from lab.records.export import export_csv
from lab.records.reader import open_records
from tests.support.sample_journal import SampleLab

FILES = ["campaigns", "trials", "runs", "steps", "commands", "observations", "events"]


@pytest.fixture
def exported(tmp_path):
    lab = SampleLab(tmp_path / "lab.db")
    lab.add(ev.LabPaused(actor='Ada "the boss", MSc', reason="first line\nsecond line; μS ± 1"))
    lab.close()
    with open_records(lab.path) as records:
        paths = export_csv(records, tmp_path / "deep" / "out")
        yield {path.stem: path for path in paths}, records


def _rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_files_are_written_with_all_rows(exported):
    paths, records = exported
    assert list(paths) == FILES
    for name in ("trials", "runs", "steps", "commands", "observations"):
        assert len(_rows(paths[name])) == len(getattr(records, name)()) > 0
    assert len(_rows(paths["events"])) == records.state().seq


def test_failed_work_is_in_it_with_its_reason(exported):
    paths, _ = exported
    (failed,) = [row for row in _rows(paths["runs"]) if row["status"] == "failed"]
    assert "mass differs" in failed["reason"]
    (trial,) = [row for row in _rows(paths["trials"]) if row["status"] == "failed"]
    assert trial["value"] == ""
    weigh = [
        row
        for row in _rows(paths["commands"])
        if row["run"] == failed["run"] and row["step"] == "weigh"
    ]
    assert len(weigh) == 3


def test_times_are_iso_utc(exported):
    paths, _ = exported
    for row in _rows(paths["steps"]):
        for column in ("planned_start", "planned_end", "started_at", "ended_at"):
            if row[column]:
                assert row[column].endswith("Z")
                assert datetime.fromisoformat(row[column]).utcoffset() == timedelta(0)
    assert any(row["started_at"] for row in _rows(paths["steps"]))


def test_pandas_reads_every_file(exported):
    paths, records = exported
    for path in paths.values():
        assert len(pd.read_csv(path)) >= 1
    seen = pd.read_csv(paths["observations"], parse_dates=["at"])
    assert seen["value"].tolist() == [row["value"] for row in records.observations()]


def test_the_chain_can_be_checked_from_the_file_alone(exported):
    paths, _ = exported
    previous = "0" * 64
    rows = _rows(paths["events"])
    for row in rows:
        assert row["prev_hash"] == previous
        content = f"{previous}\n{row['seq']}\n{row['epoch']}\n{row['at']}\n{row['body']}"
        assert hashlib.sha256(content.encode()).hexdigest() == row["hash"]
        previous = row["hash"]
    last = json.loads(rows[-1]["body"])
    assert last["actor"] == 'Ada "the boss", MSc'
    assert last["reason"] == "first line\nsecond line; μS ± 1"


def test_exporting_again_replaces(exported):
    paths, records = exported
    before = {name: path.read_bytes() for name, path in paths.items()}
    again = export_csv(records, paths["runs"].parent)
    assert {path.stem: path.read_bytes() for path in again} == before


def test_an_empty_journal_exports_headings(tmp_path):
    lab = SampleLab(tmp_path / "lab.db", until_s=-1)
    lab.close()
    with open_records(lab.path) as records:
        for path in export_csv(records, tmp_path / "out"):
            assert len(path.read_text().splitlines()) == 1
            assert len(pd.read_csv(path).columns) > 5


def test_a_folder_that_cannot_be_written_is_refused(exported, tmp_path):
    _, records = exported
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can't be written") as refused:
        export_csv(records, tmp_path / "file")
    assert "may write" in refused.value.hint
