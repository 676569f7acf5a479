"""Snapshots: the state after some journal row, kept so that a start needs not fold all rows before it.

They are a convenience, never the truth. One is used only if the code that made it is the same as this one's (a fingerprint
of the source), the journal still has its row with its hash, and its own hashes fit; else the next older one, or none. What
is over (ended runs and campaigns) stands in parts that are written once and read into objects when somebody asks.
"""

from __future__ import annotations

import hashlib
import logging
import zlib
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import delete, insert, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from lab import domain
from lab.domain.replacing import replace
from lab.domain.shelf import Packed, Shelf
from lab.domain.state import CampaignState, LabState, RunState
from lab.records.tables import JournalRow, PartRow, SnapshotRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection, Engine

__all__ = ["Kept", "fold_version", "newest_of", "newest_snapshot", "write_snapshot"]

_LOG = logging.getLogger(__name__)

_KEEP = 2
"""Older snapshots are let go. The one before the newest serves if that one is damaged."""


@dataclass(slots=True)
class Kept:
    """What the database holds: the state of the newest snapshot that counts, and the parts that it stands on."""

    state: LabState = field(default_factory=LabState)
    parts: int = 0
    digest: str = ""
    over: dict[tuple[str, str], object] = field(default_factory=dict[tuple[str, str], object])
    """Kind and key -> what its newest part holds, packed or not."""


@dataclass(frozen=True, slots=True)
class _Root:
    """What a snapshot's own row holds: all that is not over, with its place among its kind."""

    state: LabState
    campaigns: dict[str, tuple[int, CampaignState]]
    runs: dict[str, tuple[int, RunState]]


@cache
def fold_version() -> str:
    """Fingerprint of the code that folds events: the sources of the domain and of this module."""
    own = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted(Path(str(domain.__file__)).parent.glob("*.py")):
        own.update(file.read_bytes())
    return own.hexdigest()


# -- reading ----------------------------------------------------------------------------------------


def newest_snapshot(engine: Engine) -> Kept:
    """The newest one that counts; an empty state where there is none, or where the tables are missing or damaged.

    What is damaged is found by what the database says, by types and by hashes. Any other error is one of this program, and raised.
    """
    try:
        with engine.connect() as connection:
            return newest_of(connection)
    except DBAPIError as error:
        _LOG.warning("no snapshot can be read, the journal is folded: %s", error.orig)
        return Kept()


def newest_of(connection: Connection) -> Kept:
    """The same within a transaction; raises what the database says of tables that are missing or damaged."""
    for found in connection.execute(_ROOTS).mappings().all():
        kept = _kept(connection, found)
        if kept is not None:
            return kept
    return Kept()


def _kept(connection: Connection, found: Mapping[Any, Any]) -> Kept | None:
    if found["version"] != fold_version():
        return None
    if not _has_types(found, _ROOT_TYPES):
        return _damaged(found["seq"])
    row = SnapshotRow(**dict[str, Any](found))
    row.body = bytes(row.body)
    if row.hash != _hash(row):
        return _damaged(row.seq)
    head = connection.execute(
        select(col(JournalRow.hash)).where(col(JournalRow.seq) == row.seq)
    ).scalar()
    if head != row.head:
        return _damaged(row.seq)
    kept = Kept()
    packed: dict[str, dict[str, tuple[int, Packed[Any]]]] = {"campaign": {}, "run": {}}
    for stored in connection.execute(_PARTS, {"most": row.parts}).mappings():
        if not _has_types(stored, _PART_TYPES) or stored["kind"] not in packed:
            return _damaged(row.seq)
        kind, key, place = stored["kind"], stored["key"], stored["place"]
        body = bytes(stored["body"])
        kept.parts += 1
        kept.digest = _digest(kept.digest, stored["number"], kind, key, place, body)
        part: Packed[Any] = Packed(partial(_unpacked, kind, body))
        packed[kind][key] = place, part
        kept.over[kind, key] = part
    if (kept.parts, kept.digest) != (row.parts, row.digest):
        return _damaged(row.seq)
    try:
        root = _adapter(_Root).validate_json(zlib.decompress(row.body))
    except (zlib.error, ValidationError):
        # Its hashes fit, so it is what was written. A lab must start all the same, and somebody must hear of it.
        _LOG.exception(
            "the snapshot after row %d is whole and can't be read; it is not used", row.seq
        )
        return None
    campaigns = {name: (place, _placed(entry)) for name, (place, entry) in root.campaigns.items()}
    kept.state = replace(
        root.state,
        campaigns=_shelf(packed["campaign"], campaigns, LabState().campaigns),
        runs=_shelf(packed["run"], root.runs, LabState().runs),
    )
    return kept


_ROOT_TYPES = {
    "seq": int, "head": str, "parts": int, "digest": str, "body": bytes | memoryview, "hash": str,
}  # fmt: skip
_PART_TYPES = {"number": int, "kind": str, "key": str, "place": int, "body": bytes | memoryview}


def _has_types(row: Mapping[Any, Any], types: Mapping[str, Any]) -> bool:
    """SQLite keeps whatever somebody puts into a column."""
    return all(isinstance(row[name], kind) for name, kind in types.items())


def _damaged(seq: object) -> None:
    _LOG.warning("the snapshot after row %s is damaged; it is not used", seq)


def _shelf(
    packed: dict[str, tuple[int, Packed[Any]]],
    others: Mapping[str, tuple[int, Any]],
    empty: Mapping[str, Any],
) -> Shelf[Any]:
    """All in the order of their places."""
    placed: dict[str, tuple[int, Any]] = {**packed, **others}
    items = {key: placed[key][1] for key in sorted(placed, key=lambda key: placed[key][0])}
    return cast("Shelf[Any]", empty).filled(items)


def _unpacked(kind: str, body: bytes) -> RunState | CampaignState:
    if kind == "run":
        return _adapter(RunState).validate_json(zlib.decompress(body))
    return _placed(_adapter(CampaignState).validate_json(zlib.decompress(body)))


def _placed(campaign: CampaignState) -> CampaignState:
    """With the slots by run and step, which are not written."""
    return replace(campaign, places={(slot.run, slot.step): slot for slot in campaign.slots})


# -- writing ----------------------------------------------------------------------------------------


def write_snapshot(connection: Connection, state: LabState, kept: Kept) -> Kept:
    """Write a state, and the parts that are new since `kept`; the caller commits, and uses what is returned only then.

    The journal must hold the state's last row.
    """
    head = connection.execute(
        select(col(JournalRow.hash)).where(col(JournalRow.seq) == state.seq)
    ).scalar_one()
    new = Kept(state, kept.parts, kept.digest, dict(kept.over))
    parts: list[dict[str, object]] = []
    campaigns: dict[str, tuple[int, CampaignState]] = {}
    runs: dict[str, tuple[int, RunState]] = {}
    for place, name, campaign in _entries(state.campaigns):
        if isinstance(campaign, CampaignState) and campaign.status == "running":
            campaigns[name] = place, replace(campaign, places={})
        elif not _same(new.over.get(("campaign", name)), campaign):
            bare = replace(cast("CampaignState", campaign), places={})
            parts.append(_part(new, "campaign", name, place, _adapter(CampaignState), bare))
            new.over["campaign", name] = campaign
    for place, name, run in _entries(state.runs):
        if isinstance(run, RunState) and run.open:
            runs[name] = place, run
        elif not _same(new.over.get(("run", name)), run):
            parts.append(_part(new, "run", name, place, _adapter(RunState), run))
            new.over["run", name] = run
    root = _Root(replace(state, campaigns={}, runs={}), campaigns, runs)
    row = SnapshotRow(
        seq=state.seq,
        head=head,
        version=fold_version(),
        parts=new.parts,
        digest=new.digest,
        body=_packed(_adapter(_Root).dump_json(root)),
        hash="",
    )
    row.hash = _hash(row)
    # Leftovers of other versions, and of snapshots that did not count.
    connection.execute(delete(PartRow).where(col(PartRow.number) > kept.parts))
    older = connection.execute(
        select(col(SnapshotRow.seq))
        .where(col(SnapshotRow.parts) <= kept.parts, col(SnapshotRow.seq) < state.seq)
        .order_by(col(SnapshotRow.seq).desc())
        .limit(_KEEP - 1)
    ).scalars()
    connection.execute(delete(SnapshotRow).where(col(SnapshotRow.seq).not_in(list(older))))
    if parts:
        connection.execute(insert(PartRow), parts)
    connection.execute(insert(SnapshotRow), row.model_dump())
    return new


def _entries(mapping: Mapping[str, Any]) -> Iterator[tuple[int, str, Any]]:
    entries = mapping.entries() if isinstance(mapping, Shelf) else mapping.items()
    for place, (key, value) in enumerate(entries):
        yield place, key, value


def _same(known: object, value: object) -> bool:
    """Is that what the part holds?"""
    if known is None:
        return False
    return known is value or (
        isinstance(known, Packed) and cast("Packed[object]", known).made is value
    )


def _part(
    kept: Kept, kind: str, key: str, place: int, adapter: TypeAdapter[Any], value: object
) -> dict[str, object]:
    body = _packed(adapter.dump_json(value))
    kept.parts += 1
    kept.digest = _digest(kept.digest, kept.parts, kind, key, place, body)
    return {"number": kept.parts, "kind": kind, "key": key, "place": place, "body": body}


_ROOTS = text(
    "SELECT seq, head, version, parts, digest, body, hash FROM snapshot ORDER BY seq DESC"
)
_PARTS = text(
    "SELECT number, kind, key, place, body FROM part WHERE number <= :most ORDER BY number"
)


def _packed(body: bytes) -> bytes:
    return zlib.compress(body, 1)


def _digest(before: str, number: int, kind: str, key: str, place: int, body: bytes) -> str:
    own = hashlib.sha256(f"{before}\n{number}\n{kind}\n{place}\n{key}\n".encode())
    own.update(body)
    return own.hexdigest()


def _hash(row: SnapshotRow) -> str:
    said = f"{row.version}\n{row.seq}\n{row.head}\n{row.parts}\n{row.digest}\n"
    return hashlib.sha256(said.encode() + row.body).hexdigest()


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
