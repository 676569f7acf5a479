"""Records of an earlier format are brought to this one: a file by itself, after a copy; a server's when a person says so."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from lab.records.locks import EngineLock
from lab.records.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["Migrated", "format_of", "migrate"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Migrated:
    """From which format to which; `copy` is how a file was before."""

    before: int
    after: int
    copy: Path | None = None


def format_of(connection: Connection) -> int | None:
    """The format that the records say they have; None where nothing is said, as in a new database."""
    told = connection.execute(text("SELECT value FROM meta WHERE key = 'schema_version'")).scalar()
    return None if told is None else int(str(told))


def migrate(url: str, engine: Engine, path: Path | None) -> Migrated:
    """Bring the records to this version's format in one transaction; the journal's rows stay as they are.

    RefusedError while an engine has them. A file (`path`) is copied before.
    """
    lock = EngineLock(url, engine)
    try:
        with engine.connect() as connection:
            before = format_of(connection)
        if before is None or before >= SCHEMA_VERSION:
            return Migrated(SCHEMA_VERSION, SCHEMA_VERSION)
        copy = None if path is None else _copied(engine, path, before)
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                # Its driver begins a transaction before the first change of rows only, not of tables.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            _upgrade(connection, before)
            connection.execute(
                text("UPDATE meta SET value = :value WHERE key = 'schema_version'"),
                {"value": str(SCHEMA_VERSION)},
            )
    finally:
        lock.close()
    if copy is not None:
        _LOG.warning(
            "the records %s were brought from format %d to %d; as they were they are kept in %s",
            path,
            before,
            SCHEMA_VERSION,
            copy,
        )
    return Migrated(before, SCHEMA_VERSION, copy)


def _copied(engine: Engine, path: Path, before: int) -> Path:
    copy = path.with_name(f"{path.name}.format-{before}")
    number = 1
    while copy.exists():
        number += 1
        copy = path.with_name(f"{path.name}.format-{before}-{number}")
    with engine.connect() as connection:
        # Whole, with what still stands in the write-ahead log.
        connection.exec_driver_sql("VACUUM INTO ?", (str(copy),))
    return copy


def _upgrade(connection: Connection, before: int | None) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    # What the records say of themselves counts, whether or not Alembic has seen them before.
    command.stamp(config, "base" if before is None else str(before), purge=True)
    command.upgrade(config, str(SCHEMA_VERSION))
