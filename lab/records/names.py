"""What a database is called: as people write it, and as SQLAlchemy does."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from lab.domain.errors import InputError

__all__ = ["database_path", "database_url"]


def database_url(text: str) -> str:
    """A database as people write it (`.lab/x.db`, `postgresql://...`, `:memory:`) as an SQLAlchemy URL."""
    if text == ":memory:":
        return "sqlite://"
    for short in ("postgres://", "postgresql://"):
        if text.startswith(short):
            # Named, because which PostgreSQL driver a bare URL means differs between SQLAlchemy versions.
            return "postgresql+psycopg://" + text.removeprefix(short)
    if "://" in text:
        return text
    # Only what a URL would read otherwise: options follow a question mark, % begins an escape.
    return "sqlite:///" + text.replace("%", "%25").replace("?", "%3F")


def database_path(url: str) -> Path | None:
    """The file of an SQLite database; None for a server or for memory."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InputError(
            f"{url!r} is not a database",
            hint="write a file (.lab/records.db) or a server (postgresql://user@host/name)",
        ) from error
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return None
    return Path(str(parsed.database))
