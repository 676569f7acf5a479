"""One engine at a time on both databases; a standby gets the lab when its holder is gone or gives no sign of life."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.app.standby import opened_journal
from lab.cli.main import app
from lab.domain import event as ev
from lab.domain.errors import InputError, RefusedError, UnavailableError
from lab.records import locks
from lab.records.database import database_url, open_database
from lab.records.journal import Journal, raise_epoch, read_records
from lab.records.locks import EngineLock, LabTakenError
from tests.support.sample_journal import START

if TYPE_CHECKING:
    from datetime import datetime

CAMPAIGN = Path("sops/electrolyte_conductivity/campaign.yaml")


def paused(actor: str) -> list[tuple[ev.Event, datetime]]:
    return [(ev.LabPaused(actor=actor), START)]


@contextmanager
def held(url: str, **options: bool):
    journal = Journal(url, **options)
    try:
        yield journal
    finally:
        journal.close()


@pytest.fixture
def quick(monkeypatch):
    """Leases that are over in the time of a test."""
    monkeypatch.setattr(locks, "LEASE_S", 1.0)
    monkeypatch.setattr(locks, "_RENEW_S", 0.05)


def stop_renewing(journal: Journal) -> None:
    """What happens to a process that is paused."""
    lock = journal._lock
    lock._over.set()
    assert lock._renewing is not None
    lock._renewing.join()
    lock._renewing = None


def test_a_second_engine_is_refused_a_hundred_times_of_a_hundred_and_at_once(url):
    with held(url, leased=True) as journal:
        engine = open_database(url)
        slowest = 0.0
        for _ in range(100):
            began = monotonic()
            with pytest.raises(LabTakenError, match="another engine already drives the lab"):
                EngineLock(url, engine)
            slowest = max(slowest, monotonic() - began)
        assert slowest < 1.0
        with pytest.raises(LabTakenError) as taken:
            Journal(url, standby=True)  # its lease stands, so a standby is refused as well
        assert "--standby" in taken.value.hint
        assert journal.append(paused("Ada"))[0].seq == 1, "the first one goes on"
        journal.close()
        EngineLock(url, engine).close()  # what is free is given
        engine.dispose()


def test_a_lease_that_is_renewed_is_not_broken(url, quick):
    with held(url, leased=True):
        until = monotonic() + 1.5
        while monotonic() < until:
            with pytest.raises(LabTakenError):
                Journal(url, standby=True)
            sleep(0.1)


def test_a_standby_takes_over_from_a_holder_that_gives_no_sign_of_life(url, quick):
    with held(url, leased=True) as first:
        first.append(paused("Ada"))
        stop_renewing(first)
        sleep(1.1)
        with pytest.raises(LabTakenError):
            Journal(url)  # only a standby may
        with held(url, leased=True, standby=True) as second:
            assert second.epoch == first.epoch + 1
            with pytest.raises(RefusedError, match="another engine has taken these records"):
                first.append(paused("Bo"))
            second.append(paused("Cy"))
            assert [record.event.actor for record in second.read()] == ["Ada", "Cy"]  # pyright: ignore
            first.close()
            with pytest.raises(LabTakenError):
                Journal(url)  # that the old one is gone frees nothing


def test_a_lock_without_a_lease_is_never_broken(url, quick):
    with held(url, leased=True):
        pass  # leaves the traces of a lease
    with held(url):
        sleep(1.1)
        with pytest.raises(LabTakenError):
            Journal(url, standby=True)


def test_a_lock_file_that_was_put_away_meanwhile_counts_for_nothing(tmp_path):
    lock = locks._FileLock(tmp_path / "lab.db.lock")
    real = Path.open

    def opened(path: Path, *args: object, **more: object):
        file = real(path, *args, **more)  # pyright: ignore
        path.unlink()
        return file

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", opened)
        assert not lock.take()
    assert lock.take()
    lock.close()


async def test_a_standby_waits_until_the_lab_is_free(tmp_path):
    url = database_url(str(tmp_path / "lab.db"))
    said: list[str] = []
    first = Journal(url)
    with pytest.raises(LabTakenError):
        await opened_journal(RunOptions(CAMPAIGN), url)
    waiting = asyncio.create_task(
        opened_journal(RunOptions(CAMPAIGN, standby=True), url, said.append)
    )
    await asyncio.sleep(0.8)
    assert not waiting.done()
    first.close()
    async with asyncio.timeout(20):
        journal = await waiting
    assert journal.epoch == first.epoch + 1
    journal.close()
    assert said == [
        "another engine has the lab; standing by",
        "the lab is free: this is engine 2 now",
    ]


def test_a_standby_of_an_engine_that_ended_in_order_begins_nothing(tmp_path):
    database = tmp_path / "lab.db"
    Journal(database_url(str(database))).close()
    options = RunOptions(CAMPAIGN, virtual=True, standby=True, database=str(database))
    with pytest.raises(InputError, match="ended in order"):
        run_campaign(options)


def test_after_a_backup_was_restored_the_next_engine_is_newer_than_all_before(url):
    with held(url) as journal:
        assert journal.epoch == 1
        with pytest.raises(LabTakenError):
            raise_epoch(url, 10)
    assert raise_epoch(url, 10) == 11
    with held(url) as journal:
        assert journal.epoch == 12


def test_the_command_that_raises_the_epoch_says_what_comes(tmp_path):
    path = tmp_path / "lab.db"
    ask = ["records", "raise-epoch", "--db", str(path)]
    said = CliRunner().invoke(app, ask, standalone_mode=False)
    assert said.output == "the next engine of these records will be number 1001\n"
    told = CliRunner().invoke(app, [*ask, "--by", "5", "--json"], standalone_mode=False)
    assert json.loads(told.output) == {"epoch": 1005}


# -- real processes -----------------------------------------------------------------------------------

_ENGINE = """
import os, signal, sys
from sqlalchemy import Engine, event
from lab.domain import event as ev
from lab.domain.errors import LabError
from lab.records import database, locks
from lab.records.journal import Journal
from tests.support.sample_journal import START
locks._RENEW_S = 0.05
database._NO_LONG_PAUSE = "-c idle_in_transaction_session_timeout=1s"
journal = Journal(sys.argv[1], leased=True)
stops = []
event.listen(Engine, "commit", lambda _: stops and os.kill(os.getpid(), stops.pop()))
print(journal.epoch, flush=True)
for line in sys.stdin:
    actor, _, how = line.strip().partition(" ")
    if how == "stops within its commit":
        stops.append(signal.SIGSTOP)
    try:
        journal.append([(ev.LabPaused(actor=actor), START)])
        print("kept", flush=True)
    except LabError as error:
        print(error.message, flush=True)
"""
"""Takes a name in each line and makes it durable."""


@contextmanager
def engine_process(url: str):
    process = subprocess.Popen(
        [sys.executable, "-c", _ENGINE, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdigit()
        yield process
    finally:
        process.kill()
        process.communicate()


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def say(process: subprocess.Popen[str], actor: str) -> str:
    tell(process, actor)
    return heard(process)


def stopped(process: subprocess.Popen[str]) -> bool:
    state = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2]
    return state.startswith("T")


def taken_within(url: str, seconds: float) -> Journal:
    until = monotonic() + seconds
    while True:
        try:
            return Journal(url, standby=True)
        except LabTakenError:
            assert monotonic() < until
            sleep(0.05)


@pytest.mark.faults
@pytest.mark.long
def test_a_paused_engine_that_wakes_up_after_the_take_over_can_write_nothing(url, quick):
    with engine_process(url) as first:
        assert say(first, "Ada") == "kept"
        first.send_signal(signal.SIGSTOP)
        second = taken_within(url, 30)
        second.append(paused("Bo"))
        first.send_signal(signal.SIGCONT)
        assert "another engine has taken these records" in say(first, "Cy")
        assert [record.event.actor for record in second.read()] == ["Ada", "Bo"]  # pyright: ignore
        second.close()


@pytest.mark.faults
@pytest.mark.long
def test_a_killed_engine_frees_the_lab_at_once(url):
    with engine_process(url) as first:
        assert say(first, "Ada") == "kept"
        with pytest.raises(LabTakenError):
            Journal(url, standby=True)
        first.kill()
        taken_within(url, 5).close()


def stop_within_a_commit(first: subprocess.Popen[str]) -> None:
    assert say(first, "Ada") == "kept"
    tell(first, "Bo stops within its commit")
    until = monotonic() + 30
    while not stopped(first):
        assert monotonic() < until
        sleep(0.02)


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.system
def test_the_server_ends_a_commit_that_is_paused_before_a_standby_goes_on(postgres, quick):
    """Its transaction keeps the epoch's row: without an end to it the standby would wait for ever."""
    with engine_process(postgres) as first:
        stop_within_a_commit(first)
        began = monotonic()
        second = taken_within(postgres, 30)
        assert monotonic() - began < 10
        second.append(paused("Cy"))
        first.send_signal(signal.SIGCONT)
        assert "can't be written" in heard(first)
        assert "another engine has taken these records" in say(first, "Di")
        assert [record.event.actor for record in second.read()] == ["Ada", "Cy"]  # pyright: ignore
        second.close()


@pytest.mark.faults
@pytest.mark.long
def test_a_standby_waits_for_a_file_that_is_in_the_midst_of_a_commit(tmp_path, quick):
    """Nobody can end that transaction but its process; so nothing is taken over until it has."""
    url = database_url(str(tmp_path / "lab.db"))
    with engine_process(url) as first:
        stop_within_a_commit(first)
        sleep(1.2)
        with pytest.raises(LabTakenError):
            Journal(url, standby=True)
        assert open_rows(url) == ["Ada"]
        first.send_signal(signal.SIGCONT)
        assert heard(first) == "kept"
        second = taken_within(url, 30)
        second.append(paused("Cy"))
        assert "another engine has taken these records" in say(first, "Di")
        assert open_rows(url) == ["Ada", "Bo", "Cy"]
        second.close()


def open_rows(url: str) -> list[str]:
    engine = open_database(url, read_only=True)
    try:
        return [record.event.actor for record in read_records(engine)]  # pyright: ignore
    finally:
        engine.dispose()


@pytest.mark.system
def test_a_lock_that_a_restarted_server_lost_is_taken_again(postgres, quick):
    with held(postgres, leased=True):
        engine = open_database(postgres)
        with engine.connect() as connection:
            connection.execute(locks._END_HOLDER)
        until = monotonic() + 30
        while (
            True
        ):  # until the first has it again, the lab is free for a moment, as after its death
            try:
                EngineLock(postgres, engine).close()
            except LabTakenError:
                break
            assert monotonic() < until
            sleep(0.05)
        engine.dispose()


def test_a_lease_is_renewed_on_a_disk_that_has_become_full(tmp_path):
    lock = locks._FileLock(tmp_path / "lab.db.lock")
    assert lock.take()
    lock.renew()
    said = (tmp_path / "lab.db.lock").read_text()
    os.utime(tmp_path / "lab.db.lock", (1.0, 1.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "no space left")))
        lock.renew()
    assert (tmp_path / "lab.db.lock").stat().st_mtime > 1.0
    assert (tmp_path / "lab.db.lock").read_text() == said == locks._LEASED
    lock.close()


async def test_a_standby_outwaits_a_server_that_is_away_but_not_a_wrong_name(tmp_path, monkeypatch):
    url = database_url(str(tmp_path / "lab.db"))
    says = iter(["taken", "away", "away", "free"])
    said: list[str] = []

    def opened(*_args: object, **_more: object) -> Journal:
        match next(says):
            case "taken":
                raise locks.taken(url)
            case "away":
                raise UnavailableError("the server is away")
            case _:
                return Journal(url)

    monkeypatch.setattr("lab.app.standby.Journal", opened)
    monkeypatch.setattr("lab.app.standby._LOOK_S", 0.01)
    (await opened_journal(RunOptions(CAMPAIGN, standby=True), url, said.append)).close()
    assert said[1] == "the server is away; standing by"
    assert len(said) == 3
    says = iter(["away"])
    with pytest.raises(UnavailableError):
        await opened_journal(RunOptions(CAMPAIGN, standby=True), url)
