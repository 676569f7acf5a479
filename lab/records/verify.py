"""Whether the journal is whole: every row fits the one before it, and says what its body says.

Reads plain columns, not objects: a million rows take seconds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from lab.records.codec import campaign_of, chain_hash
from lab.records.tables import GENESIS_HASH, JournalRow

if TYPE_CHECKING:
    from pydantic import JsonValue
    from sqlalchemy import Engine

__all__ = ["first_broken_row", "has_head"]

_Row = tuple[int, int, str, str, str, str, str, str, str]
_COLUMNS = "seq, epoch, at, kind, campaign, run, body, prev_hash, hash"
_ALL = text(f"SELECT {_COLUMNS} FROM journal ORDER BY seq")
_ONE = text(f"SELECT {_COLUMNS} FROM journal WHERE seq = :seq")
_BATCH = 10_000


def first_broken_row(engine: Engine) -> int | None:
    """The sequence number of the first row that does not fit the chain; None where all fit.

    A row that is missing or unreadable counts as broken. Rows cut off at the end leave a chain that fits: a head that was
    kept elsewhere (a notebook, a printed report) proves with `has_head` that nothing before it was cut.
    """
    previous, expected = GENESIS_HASH, 1
    with engine.connect() as connection:
        try:
            # Closed also where it is left early: a server's cursor is.
            with connection.execution_options(yield_per=_BATCH).execute(_ALL) as rows:
                for found in rows:
                    row = cast("_Row", found)
                    if not _fits(row, expected, previous):
                        return row[0]
                    previous, expected = row[8], expected + 1
        except (OperationalError, UnicodeDecodeError, ValueError):
            return _first_unreadable(engine, expected, previous)
    return None


def has_head(engine: Engine, head: str) -> bool:
    """Is there a row with that hash? In a whole chain it stands for itself and for all rows before it."""
    with Session(engine) as session:
        statement = select(JournalRow.seq).where(col(JournalRow.hash) == head).limit(1)
        return head == GENESIS_HASH or session.exec(statement).first() is not None


def _fits(row: _Row, expected: int, previous: str) -> bool:
    seq, epoch, at, kind, campaign, run, body, prev_hash, own = row
    return (
        seq == expected
        and prev_hash == previous
        and own == chain_hash(previous, seq, epoch, at, body)
        and _says_what_its_body_says(kind, campaign, run, body)
    )


def _says_what_its_body_says(kind: str, campaign: str, run: str, body: str) -> bool:
    """The columns that people search by are no part of the hash: they must follow from the body."""
    if not body.startswith(f'{{"kind":"{kind}"'):
        return False
    # Most rows are told by their text; the few others are read.
    if run and f'"run":"{run}"' in body and campaign == run.partition("/")[0]:
        return True
    if not run and '"run":' not in body and f'"campaign":"{campaign}"' in body:
        return True
    if not run and not campaign and '"run":' not in body and '"campaign":' not in body:
        return True
    told: dict[str, JsonValue] = json.loads(body)
    own = told.get("run")
    command = told.get("command")
    if not own and isinstance(command, dict):
        own = command.get("run")
    return (own or "", campaign_of(str(told.get("campaign") or ""), str(own or ""))) == (
        run,
        campaign,
    )


def _first_unreadable(engine: Engine, expected: int, previous: str) -> int:
    """Row by row from `expected`, because a damaged byte makes a whole batch of rows unreadable."""
    while True:
        with engine.connect() as connection:
            try:
                row = cast("_Row | None", connection.execute(_ONE, {"seq": expected}).one_or_none())
                if row is None or not _fits(row, expected, previous):
                    return expected
            except (OperationalError, UnicodeDecodeError, ValueError):
                return expected
            previous, expected = row[8], expected + 1
