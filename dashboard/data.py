"""What the pages read: records through the reader, the live engine through the control client.

Reads are short and shared by all viewers. The journal is folded once per process; each page takes what is new.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st

from lab.control.client import ControlClient
from lab.control.status import status_document
from lab.domain.errors import LabError, UnavailableError
from lab.records.database import database_path, database_url
from lab.records.reader import Records, open_records

if TYPE_CHECKING:
    from lab.control.document import EngineDocument, StatusDocument
    from lab.domain.state import LabState

__all__ = ["View", "database", "look", "records_of"]

_ENGINE_PATIENCE_S = 1.5
"""How long a page waits for the engine; a page must not hang with it."""


@dataclass(frozen=True)
class View:
    """The lab at one moment. `engine` is None where none runs; `trouble` says why, in words."""

    document: StatusDocument
    state: LabState
    engine: EngineDocument | None
    trouble: str
    read_at: datetime
    """When this was read, by this machine's clock."""


def database() -> str:
    """The records to show: ?db= in the address, else the argument of the program, else LABWRIGHT_DB."""
    asked = st.query_params.get("db")
    if asked:
        return asked
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        return sys.argv[1]
    return os.environ.get("LABWRIGHT_DB", "")


@st.cache_resource(max_entries=8, show_spinner=False, on_release=Records.close)
def _open(db: str, file: int) -> Records:
    """One reader per file: a database that was deleted and made again is another one."""
    del file
    return open_records(db)


def records_of(db: str) -> Records:
    """The shared reader of a database. Raises LabError with a hint where there is none."""
    if not db:
        raise UnavailableError(
            "no records are named",
            hint="start this page with lab dashboard, or set LABWRIGHT_DB to the database",
        )
    path = database_path(database_url(db))
    return _open(db, path.stat().st_ino if path is not None and path.exists() else 0)


@st.cache_data(ttl=1.0, max_entries=8, show_spinner=False)
def _live(db: str) -> tuple[StatusDocument | None, EngineDocument | None, str]:
    """What the engine says, at most once a second however many look."""
    try:
        with ControlClient.find(db, timeout_s=_ENGINE_PATIENCE_S) as client:
            status = client.status()
    except LabError as error:
        return None, None, error.message
    return status, status["engine"], ""


def look(db: str) -> View:
    """The lab as it is now. Raises LabError where the records can't be read."""
    state = records_of(db).state()
    document, engine, trouble = _live(db)
    if document is None:
        # Nobody counts on: the last event is as far as anything is known.
        document = status_document(state, datetime.fromtimestamp(state.at_s, UTC))
    return View(document, state, engine, trouble, datetime.now(UTC))
