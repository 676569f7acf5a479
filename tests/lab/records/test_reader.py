"""Reading records: state kept up to date, tables complete, nothing written, nothing blocked."""

from __future__ import annotations

import builtins
import sqlite3
from datetime import timedelta
from threading import Thread

import pytest

from lab.domain import event as ev
from lab.domain.errors import UnavailableError
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from lab.records import reader as reader_module
from lab.records.columns import COLUMNS
from lab.records.reader import open_records
from lab.records.rows import Rows, cell_text
from tests.support.sample_journal import CAMPAIGN, START, SampleLab


@pytest.fixture
def sample(tmp_path):
    lab = SampleLab(tmp_path / "lab.db")
    yield lab
    lab.close()


@pytest.fixture
def records(sample):
    with open_records(sample.path) as opened:
        yield opened


def test_state_is_that_of_the_whole_journal(sample, records):
    assert records.state() == reduce_all(LabState(), sample.journal.read())
    assert [t.status for t in records.state().campaigns[CAMPAIGN].trials.values()] == [
        "done",
        "done",
        "failed",
        "done",
        "pending",
        "pending",
    ]


def test_state_takes_only_new_rows(sample, records, monkeypatch):
    asked = []
    real = reader_module.read_records

    def counting(engine, after=0):
        for record in real(engine, after):
            asked.append(record.seq)
            yield record

    monkeypatch.setattr(reader_module, "read_records", counting)
    first = records.state()
    assert asked == list(range(1, first.seq + 1))
    assert records.state() is first
    new = sample.advance(100)
    asked.clear()
    assert records.state().seq == new[-1].seq > first.seq
    assert asked == [record.seq for record in new]
    assert records.state() == reduce_all(LabState(), sample.journal.read())


def test_tables_of_an_empty_journal_have_their_columns(tmp_path):
    lab = SampleLab(tmp_path / "empty.db", until_s=-1.0)
    with open_records(lab.path) as records:
        assert records.state() == LabState()
        tables = {
            "campaigns": records.campaigns(),
            "trials": records.trials(),
            "runs": records.runs(),
            "steps": records.steps(),
            "commands": records.commands(),
            "observations": records.observations(),
        }
        for name, rows in tables.items():
            assert rows == []
            assert rows.columns == list(COLUMNS[name])
        assert "0 events" in repr(records)
    lab.close()


def test_rows_have_exactly_the_declared_columns_and_those_with_units(records):
    tables = {
        "campaigns": records.campaigns(),
        "trials": records.trials(),
        "runs": records.runs(),
        "steps": records.steps(),
        "commands": records.commands(),
        "observations": records.observations(),
    }
    for name, rows in tables.items():
        assert rows
        declared = list(COLUMNS[name])
        assert list(rows[0])[: len(declared)] == declared
        assert all(column.endswith("]") for column in list(rows[0])[len(declared) :])
        assert all(list(row) == list(rows[0]) for row in rows)


def test_trials_tell_factors_values_and_failures(records):
    rows = records.trials(CAMPAIGN)
    assert [row["status"] for row in rows] == [
        "done",
        "done",
        "failed",
        "done",
        "pending",
        "pending",
    ]
    assert rows[0]["concentrate_volume [mL]"] == 4.0
    assert rows[0]["unit"] == "mS/cm"
    assert 8.5 < rows[0]["value"] < 9.2
    assert rows[2]["value"] is None
    assert "the mass differs" in rows[2]["reason"]
    assert rows[2]["ended_at"] > rows[2]["proposed_at"] > START
    assert records.trials("another") == []


def test_runs_tell_why_they_failed_and_what_they_gave(records):
    rows = {row["trial"]: row for row in records.runs()}
    assert rows[3]["status"] == "failed"
    assert rows[3]["reason"].startswith("weigh:")
    assert rows[3]["steps_succeeded"] == 4
    assert rows[3]["conductivity [mS/cm]"] is None
    assert rows[1]["conductivity [mS/cm]"] == pytest.approx(records.trials()[0]["value"])
    assert rows[1]["conductivity_sd [mS/cm]"] == 0.02
    assert rows[1]["duration_s"] == pytest.approx(
        (rows[1]["ended_at"] - rows[1]["started_at"]).total_seconds()
    )
    assert rows[5]["ended_at"] is None
    assert records.runs("another") == []


def test_steps_tell_planned_and_actual_times_and_every_try(records):
    rows = {(row["trial"], row["step"]): row for row in records.steps()}
    done = rows[1, "heat"]
    assert done["status"] == "succeeded"
    assert done["planned_end"] - done["planned_start"] == timedelta(seconds=360)
    assert done["started_at"] > START
    assert done["device"] == "hotplate_1"
    failed = rows[3, "weigh"]
    assert (failed["status"], failed["attempts"]) == ("failed", 3)
    assert failed["errors"].count("the mass differs") == 3
    assert rows[3, "transfer"]["status"] == "not_run"
    assert rows[3, "heater_off"]["status"] == "succeeded"
    assert rows[1, "heater_off"]["status"] == "not_run"
    assert rows[5, "heat"]["status"] == "running"
    assert rows[5, "drain"]["status"] == "waiting"
    run = f"{CAMPAIGN}/r003"
    assert {row["run"] for row in records.steps(run)} == {run}


def test_a_step_keeps_the_plan_under_which_it_began(sample, records):
    before = {row["step"]: row["planned_start"] for row in records.steps(f"{CAMPAIGN}/r005")}
    slots = records.state().campaigns[CAMPAIGN].slots
    run = f"{CAMPAIGN}/r005"
    moved = tuple(
        slot.model_copy(
            update={"run": run, "start_s": slot.start_s + 1000, "end_s": slot.end_s + 1000}
        )
        for slot in slots
    )
    sample.add(ev.TimelinePlanned(campaign=CAMPAIGN, origin=START, reason="later", slots=moved))
    after = {row["step"]: row["planned_start"] for row in records.steps(run)}
    assert after["heat"] == before["heat"]  # runs already
    assert after["drain"] > before["drain"]


def test_commands_tell_every_try(records):
    rows = records.commands(f"{CAMPAIGN}/r003")
    weighs = [row for row in rows if row["step"] == "weigh"]
    assert [row["attempt"] for row in weighs] == [1, 2, 3]
    assert len({row["command"] for row in rows}) == len(rows)
    assert all(row["accepted_at"] >= row["intended_at"] for row in rows)
    running = [row for row in records.commands(f"{CAMPAIGN}/r005") if row["step"] == "heat"]
    assert running[0]["result"] == "open"
    assert running[0]["ended_at"] is None


def test_what_is_settled_by_a_person_says_so(sample, records):
    command = next(c.command for c in records.state().open_commands() if c.command.step == "heat")
    sample.add(
        ev.CommandUnknown(
            command=command.id, device=command.device, reason="the host was restarted"
        ),
        ev.CommandSettled(
            command=command.id,
            device=command.device,
            settlement=ev.Settlement(verdict="not_done", detail="cold"),
            by="person",
            actor="Ada",
        ),
        ev.CommandEnded(  # late: no longer changes what was settled
            command=command.id, device=command.device, outcome=ev.Outcome(result="succeeded")
        ),
    )
    (row,) = [row for row in records.commands() if row["command"] == command.id]
    assert (row["result"], row["settled_by"], row["reason"]) == ("settled_not_done", "Ada", "cold")
    assert records.state().commands[command.id].status == "settled_not_done"


def test_observations_carry_the_instrument(records):
    rows = records.observations()
    conductivities = [row for row in rows if row["name"] == "conductivity"]
    assert [row["trial"] for row in conductivities] == [1, 2, 4]
    assert conductivities[0]["serial_number"] == "EC-0451"
    assert conductivities[0]["standard_deviation"] == 0.02
    assert len({row["command"] for row in conductivities}) == 3
    assert {row["trial"] for row in rows if row["name"] == "mass"} == {1, 2, 4, 5}


def test_an_observation_keeps_the_instrument_that_measured_it(sample, records):
    old = records.observations()[0]["serial_number"]
    described = records.state().devices["balance"].description
    sample.add(described.model_copy(update={"serial_number": "new one"}))
    assert records.observations()[0]["serial_number"] == old
    sample.advance(200)
    masses = [row for row in records.observations() if row["name"] == "mass"]
    assert masses[-1]["serial_number"] == "new one"


def test_the_latest_reading_of_each_device(records):
    rows = records.observations()
    latest = records.latest()
    assert {(row["device"], row["name"]) for row in latest} == {
        (row["device"], row["name"]) for row in rows
    }
    (mass,) = [row for row in latest if row["name"] == "mass"]
    assert mass == [row for row in rows if row["name"] == "mass"][-1]


def test_step_times_are_those_of_the_rows(records):
    times = records.step_times(f"{CAMPAIGN}/r001")
    rows = records.steps(f"{CAMPAIGN}/r001")
    assert [time.planned.path for time in times] == [row["step"] for row in rows]
    assert times[0].planned_start_s == rows[0]["planned_start"].timestamp()


def test_threads_share_one_reader(sample, records):
    """As the dashboard does: many viewers, one reader, rows made while others take new records."""
    failures = []

    def read():
        try:
            for _ in range(30):
                assert len(records.commands()) >= 1
                assert records.observations()
        except Exception as error:
            failures.append(error)

    readers = [Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for _ in range(30):
        sample.advance(20)
    for reader in readers:
        reader.join()
    assert failures == []
    assert records.state() == reduce_all(LabState(), sample.journal.read())


def test_rows_become_a_data_frame(records):
    frame = records.observations().to_pandas()
    assert list(frame.columns) == list(COLUMNS["observations"])
    assert str(frame["at"].dt.tz) == "UTC"
    assert frame["value"].dtype == float
    assert len(records.trials("none").to_pandas().columns) == len(COLUMNS["trials"])


def test_without_pandas_the_remedy_is_named(records, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "pandas":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"labwright\[dashboard\]"):
        records.runs().to_pandas()


def test_the_reader_reads_beside_a_long_transaction_of_the_writer(sample, records):
    raw = sqlite3.connect(sample.path, isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    raw.execute("INSERT INTO meta (key, value) VALUES ('a', 'b')")
    assert records.state().seq > 0  # does not wait for the lock
    raw.execute("ROLLBACK")
    raw.close()


def test_events_after_a_number(records):
    last = records.state().seq
    assert [record.seq for record in records.events(after=last - 2)] == [last - 1, last]
    assert len(list(records.events())) == last


def test_a_damaged_record_is_reported_with_its_place(sample):
    seq = sample.journal.seq
    sample.close()
    raw = sqlite3.connect(sample.path)
    raw.execute("DROP TRIGGER journal_no_update")
    raw.execute("UPDATE journal SET body = '{' WHERE seq = 40")
    raw.commit()
    raw.close()
    with open_records(sample.path) as records:
        for _ in range(2):  # not half applied: the second answer is the same
            with pytest.raises(UnavailableError, match="after event 39") as broken:
                records.state()
            assert "lab records verify" in broken.value.hint
        assert records.first_broken_row() == 40 < seq


def test_prints_say_what_is_there(records):
    text = repr(records)
    assert "1 campaigns, 6 runs (2 open, 1 failed or aborted)" in text
    assert "2026-03-02" in text
    table = repr(records.runs())
    assert table.splitlines()[0].startswith("run ")
    assert len(table.splitlines()) == 7
    assert "... " in repr(records.steps())
    assert repr(Rows()) == "no rows"
    html = Rows([{"a": "<b>"}])._repr_html_()
    assert "&lt;b&gt;" in html


def test_cells_as_text():
    assert cell_text(None) == ""
    assert cell_text(True) == "true"
    assert cell_text(START) == "2026-03-02T08:00:00.000Z"
    assert cell_text(0.1) == "0.1"
