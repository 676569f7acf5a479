"""What the robot remembers of our protocols: which run belongs to a command, and the levels after the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drivers.opentrons_robot.protocol import MARK
from drivers.opentrons_robot.volumes import Levels, Transfer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drivers.opentrons_robot.deck import Deck
    from drivers.opentrons_robot.wire import Protocol, Run

__all__ = ["find_runs", "latest_levels"]

_Volume = Annotated[float, Field(allow_inf_nan=False)]


class _Mark(BaseModel):
    """Our entry in a protocol's metadata (see `compile_protocol`)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    command: str
    load: str
    stocks: dict[str, _Volume]
    wells: dict[str, _Volume]
    transfers: list[tuple[str, str, _Volume]]


def _mark(protocol: Protocol) -> _Mark | None:
    """None for a protocol that is not ours."""
    if MARK not in protocol.metadata:
        return None
    try:
        return _Mark.model_validate(protocol.metadata[MARK])
    except ValidationError:
        return None


def find_runs(protocols: Sequence[Protocol], runs: Sequence[Run], command_id: str) -> list[Run]:
    """The runs of the protocols that carry this command id, oldest first."""
    ours: set[str] = set()
    for protocol in protocols:
        mark = _mark(protocol)
        if mark is not None and mark.command == command_id:
            ours.add(protocol.id)
    return [run for run in runs if run.protocol_id in ours]


def latest_levels(deck: Deck, protocols: Sequence[Protocol], runs: Sequence[Run]) -> Levels:
    """The levels after the newest of our protocols for this filling of the deck (`load`).

    A protocol whose run was played counts as made in full, whatever became of it: the safe side for the stock and
    for the well. Stocks that the newest protocol does not know count from the settings.
    """
    played = {run.protocol_id for run in runs if run.started_at is not None}
    for protocol in reversed(protocols):
        mark = _mark(protocol)
        if mark is None or mark.load != deck.load:
            continue
        full = Levels.full(deck)
        levels = Levels({**full.stocks, **mark.stocks}, dict(mark.wells))
        if protocol.id in played:
            levels.charge(Transfer(*item) for item in mark.transfers)
        return levels
    return Levels.full(deck)
