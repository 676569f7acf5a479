"""A million rows: how long until one changed byte is found, and until the records are open."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from lab.records.database import database_url, open_database
from lab.records.journal import Journal
from tests.faults.real_lab import own_postgres
from tests.support.long_journal import write_long_journal

if TYPE_CHECKING:
    from pathlib import Path

ROWS = int(os.environ.get("LABWRIGHT_ROWS", "1000000"))
_ROWS = text("SELECT seq, at, body, prev_hash FROM journal ORDER BY seq")
_OPEN = (
    "import sys; from lab.records.journal import Journal; print(Journal(sys.argv[1]).load().seq)"
)


def spent(*words: str) -> tuple[float, float, subprocess.CompletedProcess[str]]:
    """Wall and CPU seconds of a whole process, its start among them."""
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - started, os.times()
    cpu = (after.children_user - before.children_user) + (
        after.children_system - before.children_system
    )
    return wall, cpu, done


def read_and_hash(url: str) -> None:
    """What nobody can do without: every row leaves the database and goes through SHA-256."""
    engine = open_database(url)
    with engine.connect() as connection:
        options = {"yield_per": 10_000}
        for seq, at, body, before in connection.execute(_ROWS, execution_options=options):
            hashlib.sha256(f"{before}{seq}{at}{body}".encode()).hexdigest()
    engine.dispose()


def change_one_byte(url: str, row: int) -> None:
    """Of a body, as somebody does it who is the database's master."""
    engine = open_database(url)
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER journal_no_update"))
        else:
            connection.execute(text("ALTER TABLE journal DISABLE TRIGGER journal_no_change"))
        connection.execute(
            text(
                "UPDATE journal SET body = substr(body, 1, length(body) - 1) || ' ' WHERE seq = :row"
            ),
            {"row": row},
        )
    engine.dispose()


@pytest.mark.bench
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_a_changed_byte_is_found_and_the_records_open(tmp_path: Path, store: str) -> None:
    with ExitStack() as stack:
        if store == "sqlite":
            url = database_url(str(tmp_path / "lab.db"))
        else:
            _, url = stack.enter_context(own_postgres(tmp_path))
        write_long_journal(url, ROWS)

        started = time.process_time()
        journal = Journal(url)
        state = journal.load()
        folding = time.process_time() - started
        journal.keep(state)
        journal.close()
        open_wall, open_cpu, opened = spent(sys.executable, "-c", _OPEN, url)
        assert opened.stdout.split() == [str(ROWS)], opened.stderr

        verify = (sys.executable, "-m", "lab.cli.main", "records", "verify", "--db", url)
        whole_wall, whole_cpu, whole = spent(*verify)
        assert whole.returncode == 0, whole.stdout + whole.stderr

        started = time.process_time()
        read_and_hash(url)
        bound = time.process_time() - started

        change_one_byte(url, ROWS - 1)
        found_wall, found_cpu, found = spent(*verify)
        assert found.returncode == 1
        assert f"breaks at row {ROWS - 1}:" in found.stdout

        print(
            f"\n{ROWS} rows, {store}: open {open_wall:.2f} s ({open_cpu:.2f} s of CPU), where folding them takes {folding:.1f} s "
            f"of CPU; whole: proved in {whole_wall:.2f} s ({whole_cpu:.2f}); the last row but one changed: found in "
            f"{found_wall:.2f} s ({found_cpu:.2f}), where reading and hashing alone takes {bound:.1f} s of CPU; load {os.getloadavg()[0]:.1f}"
        )
        if ROWS >= 100_000:
            assert open_cpu < folding / 4
            assert found_cpu < 4 * bound
