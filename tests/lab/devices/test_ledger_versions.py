"""Ledgers that other versions of Labwright wrote, and places where none may lie."""

from __future__ import annotations

import sqlite3

import pytest

from lab.devices import ledger as module
from lab.devices.ledger import Claim, CommandLedger
from lab.domain.errors import RefusedError, UnavailableError
from tests.lab.devices.test_ledger import command

_VERSION_1 = """
CREATE TABLE command (
    device TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    command TEXT, outcome TEXT, settlement TEXT, reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
    act_order INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (device, id)
) STRICT;
CREATE TABLE epoch (device TEXT PRIMARY KEY, epoch INTEGER NOT NULL) STRICT;
CREATE TABLE seq (
    device TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (device, epoch)
) STRICT;
CREATE TABLE safe_request (
    device TEXT NOT NULL, id TEXT NOT NULL, armed INTEGER NOT NULL, confirmed INTEGER NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (device, id)
) STRICT;
CREATE TABLE charge (device TEXT PRIMARY KEY, somebody INTEGER NOT NULL) STRICT;
PRAGMA user_version = 1;
INSERT INTO epoch VALUES ('pump', 7);
INSERT INTO seq VALUES ('pump', 7, 3);
INSERT INTO safe_request VALUES ('pump', 's1', 0, 1, '');
INSERT INTO command (device, id, state, epoch, seq, act_order) VALUES ('pump', 'old', 'acting', 7, 3, 1);
"""


def test_a_ledger_of_the_version_before_is_taken_over(tmp_path):
    path = tmp_path / "ledger.db"
    db = sqlite3.connect(path)
    db.executescript(_VERSION_1)
    db.close()
    for _ in range(2):
        book = CommandLedger(path, identity="l1")
        ledger = book.device("pump")
        assert [entry.id for entry in ledger.interrupted()] == ["old"]
        assert [request.id for request in ledger.safe_in_force()] == ["s1"]
        assert (book.identity, ledger.holder()) == ("l1", Claim("", 7, free=True))
        book.close()
    book = CommandLedger(path, identity="l2")
    ledger = book.device("pump")
    assert ledger.claim(8, "j1"), "whatever records it belonged to, they had no identity yet"
    ledger.receive(command(), 8, 1, "j1")
    book.close()


def test_a_ledger_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "ledger.db"
    CommandLedger(path, identity="l1").close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 3")
    db.close()
    with pytest.raises(UnavailableError, match="newer version"):
        CommandLedger(path, identity="l1")


def test_a_ledger_on_a_network_file_system_is_refused(tmp_path, monkeypatch):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nserver:/x {tmp_path.resolve()}/far nfs4 rw 0 0\n")
    monkeypatch.setattr(module, "_MOUNTS", mounts)
    with pytest.raises(RefusedError, match="network file system \\(nfs4\\)"):
        CommandLedger(tmp_path / "far" / "ledger.db", identity="l1")
    assert not (tmp_path / "far").exists()
    CommandLedger(tmp_path / "near.db", identity="l1").close()
