"""The tables of the command ledger's file, and what earlier versions of them become."""

from __future__ import annotations

import sqlite3
from functools import cache

__all__ = ["FROM_1", "SCHEMA", "VERSION", "empty"]

VERSION = 2

SCHEMA = """
CREATE TABLE IF NOT EXISTS command (
    device TEXT NOT NULL, id TEXT NOT NULL, state TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    command TEXT, outcome TEXT, settlement TEXT, reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
    act_order INTEGER NOT NULL DEFAULT 0, journal TEXT NOT NULL DEFAULT '', PRIMARY KEY (device, id)
) STRICT;
CREATE TABLE IF NOT EXISTS claim (
    device TEXT NOT NULL, journal TEXT NOT NULL, epoch INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (device, journal)
) STRICT;
CREATE TABLE IF NOT EXISTS number (
    device TEXT NOT NULL, journal TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (device, journal, epoch)
) STRICT;
CREATE TABLE IF NOT EXISTS safe_request (
    device TEXT NOT NULL, id TEXT NOT NULL, armed INTEGER NOT NULL, confirmed INTEGER NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (device, id)
) STRICT;
CREATE TABLE IF NOT EXISTS charge (device TEXT PRIMARY KEY, somebody INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS self (one INTEGER PRIMARY KEY CHECK (one = 1), identity TEXT NOT NULL) STRICT;
PRAGMA user_version = 2;
"""

FROM_1 = """
BEGIN IMMEDIATE;
ALTER TABLE command ADD COLUMN journal TEXT NOT NULL DEFAULT '';
CREATE TABLE claim (
    device TEXT NOT NULL, journal TEXT NOT NULL, epoch INTEGER NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (device, journal)
) STRICT;
INSERT INTO claim SELECT device, '', epoch, 'left' FROM epoch;
DROP TABLE epoch;
DROP TABLE seq;
PRAGMA user_version = 2;
COMMIT;
"""
"""Version 1 knew one journal for all, so no engine that speaks of its records has its epochs or numbers."""


@cache
def empty() -> bytes:
    """An empty ledger's file, for those that are kept in memory: tables are made once and copied from then on."""
    database = sqlite3.connect(":memory:")
    try:
        database.executescript(SCHEMA)
        return database.serialize()
    finally:
        database.close()
