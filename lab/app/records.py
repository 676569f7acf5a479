"""Which records and which engine a person means, from a campaign file or from --db."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.app.files import open_campaign
from lab.domain.errors import InputError
from lab.records.database import database_url
from lab.records.reader import open_records

if TYPE_CHECKING:
    from pathlib import Path

    from lab.records.reader import Records

__all__ = ["open_where", "url_of"]


def url_of(where: Path | None, db: str | None) -> str:
    """The database's URL. `--db` goes before the campaign's lab file."""
    if db is not None:
        return database_url(db)
    if where is None:
        raise InputError(
            "it isn't clear which records are meant",
            hint="name the campaign file, or the database with --db",
        )
    if where.suffix == ".db":
        return database_url(str(where))
    return database_url(open_campaign(where, earlier=False).database)


def open_where(where: Path | None, db: str | None) -> Records:
    """The records, read-only."""
    return open_records(url_of(where, db))
