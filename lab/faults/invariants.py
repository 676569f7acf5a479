"""The laws, checked after a seed from the journal's rows and the room's own records; the engine's memory is not asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lab.faults.laws import LAWS, Evidence

if TYPE_CHECKING:
    from lab.faults.laboratory import Laboratory

__all__ = ["evidence_of", "violations"]

_FOLDED = 4
"""Of so many seeds the rows of one are folded anew."""


def violations(lab: Laboratory) -> list[str]:
    """Every law that this seed broke, in words."""
    found = [f"crash: {crash}" for crash in (*lab.crashes, *lab.loop.errors)]
    evidence = evidence_of(lab)
    for law in LAWS:
        found += law(evidence)
    return found


def evidence_of(lab: Laboratory) -> Evidence:
    """What is known of a seed from outside the software under test."""
    for machine in lab.room.machines.values():
        machine.finish()
    events: list[dict[str, Any]] = [json.loads(row.body) for row in lab.database.rows]
    finished = [
        at_s
        for at_s, event in zip(lab.database.committed_s, events, strict=True)
        if event["kind"] == "campaign_finished"
    ]
    return Evidence(
        rows=lab.database.rows,
        events=events,
        room=lab.room,
        commands=lab.broker.commands,
        state=lab.state,
        beats=lab.broker.beats,
        host_lives=lab.host_lives,
        knobs=lab.knobs,
        ended_s=min(finished, default=lab.loop.time()),
        thorough=lab.seed % _FOLDED == 0,
    )
