"""Journals of real runs with everything that a procedure can do: the golden plays, and the rich SOP in virtual time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.records.journal import Journal
from tests.golden.plays import PLAYS, manual
from tests.lab.engine.kit import START
from tests.lab.engine.stage import Script, Stage

if TYPE_CHECKING:
    from lab.app.options import RunReport
    from lab.domain import event as ev
    from lab.records.rows import Row
    from tests.lab.engine.kit import Mind

__all__ = [
    "RICH",
    "RUN",
    "asked_of_a_person",
    "keep_play",
    "keep_records",
    "number",
    "picked",
    "run_rich",
    "second",
]

RUN = "kit-1/r001"
"""The run of every play."""

RICH = Path(__file__).with_name("rich") / "campaign.yaml"


def keep_play(url: str, name: str) -> None:
    """Play it, and write what happened into a new journal."""
    keep_records(url, Stage(*PLAYS[name]).play().mind.records)


def keep_records(url: str, records: list[ev.Recorded]) -> None:
    """Write records of a play into a new journal, with their times."""
    journal = Journal(url)
    try:
        journal.append([(record.event, record.at) for record in records])
    finally:
        journal.close()


def asked_of_a_person() -> Mind:
    """Somebody is to read the pH, and a second person to confirm it: the play `manual`, up to there."""
    mind = Stage(manual(), Script()).mind
    mind.settle()
    mind.propose()
    [weigh] = mind.state.open_commands()
    mind.end(weigh.command.id, device="balance", mass=1.0)
    return mind


def run_rich(database: Path | str) -> RunReport:
    """Two samples of the procedure that uses every construct, on simulators, with simulated people."""
    return run_campaign(RunOptions(campaign=RICH, virtual=True, database=str(database)))


def picked(row: Row, *names: str) -> tuple[object, ...]:
    """Some cells of a row."""
    return tuple(row[name] for name in names)


def number(row: Row, name: str) -> float:
    """A cell that holds a number."""
    value = row[name]
    assert isinstance(value, float)
    return value


def second(row: Row, name: str) -> float:
    """Seconds after the play's begin."""
    return (row[name] - START) / timedelta(seconds=1)  # pyright: ignore[reportOperatorIssue]
