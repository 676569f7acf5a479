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
from lab.records.database import database_url
from lab.records.export import export_csv
from lab.records.reader import open_records
from tests.support.plays import keep_play
from tests.support.sample_journal import SampleLab

ALWAYS = ["campaigns", "trials", "plans", "runs", "steps", "commands", "observations"]
COURSE = [
    "decisions", "tasks", "answers", "questions", "flags", "windows", "holds", "limits", "quality",
]  # fmt: skip
FILES = [*ALWAYS, *COURSE, "events", "columns"]


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
    for name in [*ALWAYS, *COURSE]:
        assert len(_rows(paths[name])) == len(getattr(records, name)())
        assert (len(_rows(paths[name])) > 0) is (name in ALWAYS)
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
    for name, path in paths.items():
        assert (len(pd.read_csv(path)) > 0) is (name not in COURSE)
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


def test_the_dictionary_explains_every_column_of_every_file(exported):
    paths, _ = exported
    told = {(row["table"], row["column"]): row for row in _rows(paths["columns"])}
    for name, path in paths.items():
        if name != "columns":
            with path.open(encoding="utf-8", newline="") as file:
                assert next(csv.reader(file)) == [c for table, c in told if table == name]
    assert all(row["meaning"] for row in told.values())
    assert told["runs", "duration_s"]["unit"] == "s"
    assert told["runs", "conductivity_sd [mS/cm]"]["unit"] == "mS/cm"
    assert "Factor" in told["trials", "dilute_volume [mL]"]["meaning"]


def test_what_people_did_is_exported_with_units_and_verdicts(tmp_path):
    keep_play(database_url(str(tmp_path / "lab.db")), "manual_with_witness")
    with open_records(tmp_path / "lab.db") as records:
        paths = {path.stem: path for path in export_csv(records, tmp_path / "out")}
        assert {path.stem: len(_rows(path)) for path in paths.values() if path.stem in COURSE} == {
            "decisions": 0, "tasks": 1, "answers": 3, "questions": 0, "flags": 0, "windows": 0, "holds": 0,
            "limits": 0, "quality": 0,
        }  # fmt: skip
        [task] = _rows(paths["tasks"])
        assert (task["answered_by"], task["witnessed_by"], task["simulated"]) == (
            "Ada",
            "Bob",
            "false",
        )
        ph = pd.read_csv(paths["answers"]).set_index("field").loc["ph"]
        assert ph["value"] == 6.8


def test_exporting_again_replaces(exported):
    paths, records = exported
    before = {name: path.read_bytes() for name, path in paths.items()}
    again = export_csv(records, paths["runs"].parent)
    assert {path.stem: path.read_bytes() for path in again} == before


def test_an_empty_journal_exports_headings(tmp_path):
    lab = SampleLab(tmp_path / "lab.db", until_s=-1)
    lab.close()
    with open_records(lab.path) as records:
        *tables, dictionary = export_csv(records, tmp_path / "out")
        for path in tables:
            assert len(path.read_text().splitlines()) == 1
            assert len(pd.read_csv(path).columns) > 5
        assert dictionary.stem == "columns"


def test_a_folder_that_cannot_be_written_is_refused(exported, tmp_path):
    _, records = exported
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="can't be written") as refused:
        export_csv(records, tmp_path / "file")
    assert "may write" in refused.value.hint
