"""A journal as long as one likes: the sample campaign again and again, each time under names and command ids of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import insert

from lab.records.codec import Columns, chain_hash, columns_of_event
from lab.records.database import open_database
from lab.records.tables import GENESIS_HASH, JournalRow
from tests.support.sample_journal import CAMPAIGN, sample_records

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["long_rows", "write_long_journal"]

_AT_ONCE = 10_000
_COMMAND = re.compile(r'(?<="command":")[0-9a-f]{8}|(?<="command":\{"id":")[0-9a-f]{8}')


def long_rows(count: int) -> Iterator[Columns]:
    """The first `count` rows of an endless series of campaigns, chained."""
    sample = [
        columns_of_event(record.event, seq=1, epoch=1, at=record.at, prev_hash=GENESIS_HASH)
        for record in sample_records()
    ]
    head = GENESIS_HASH
    for seq in range(1, count + 1):
        copy, place = divmod(seq - 1, len(sample))
        row = sample[place]
        own = f"{CAMPAIGN}-{copy:05d}"
        body = _COMMAND.sub(f"{copy:08x}", row["body"].replace(CAMPAIGN, own))
        prev_hash, head = head, chain_hash(head, seq, 1, row["at"], body)
        yield Columns(
            seq=seq,
            epoch=1,
            at=row["at"],
            kind=row["kind"],
            campaign=row["campaign"].replace(CAMPAIGN, own),
            run=row["run"].replace(CAMPAIGN, own),
            body=body,
            prev_hash=prev_hash,
            hash=head,
        )


def write_long_journal(url: str, count: int) -> None:
    """Into new records, without an engine."""
    engine = open_database(url)
    rows, waiting = long_rows(count), list[Columns]()
    with engine.begin() as connection:
        for row in rows:
            waiting.append(row)
            if len(waiting) == _AT_ONCE:
                connection.execute(insert(JournalRow), waiting)
                waiting = []
        if waiting:
            connection.execute(insert(JournalRow), waiting)
    engine.dispose()
