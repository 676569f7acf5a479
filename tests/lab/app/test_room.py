"""A simulated campaign whose bottle and waste vessel people must see to: the room's own liquids judge."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from lab.app.room import serve_room
from lab.domain import event as ev
from lab.domain.errors import RefusedError
from lab.records.reader import open_records
from tests.lab.app.electrolyte import copied, run_virtual_campaign

if TYPE_CHECKING:
    from pathlib import Path

CONCENTRATE = ("concentrate: {volume: 400 mL}", "concentrate: {volume: 12 mL, refill: 3 min}")
WASTE = (
    "waste: {capacity: 5 L, shared: true}",
    "waste: {capacity: 60 mL, shared: true, emptying: 5 min}",
)


def example(folder: Path, *changes: tuple[str, str]) -> Path:
    campaign = copied(folder)
    lab = campaign.parent / "lab.yaml"
    text = lab.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    lab.write_text(text, encoding="utf-8")
    return campaign


def questions_of(database: Path) -> list[dict]:
    with open_records(f"sqlite:///{database}") as records:
        return [dict(row) for row in records.questions()]


def test_simulated_people_serve_a_virtual_laboratory(tmp_path: Path) -> None:
    acts, database = tmp_path / "acts.jsonl", tmp_path / "lab.db"
    campaign = example(tmp_path, CONCENTRATE, WASTE)
    report = run_virtual_campaign(database, campaign=campaign, trials=8, acts=acts)
    assert report.document["runs"] == {"succeeded": 8, "failed": 0, "aborted": 0}
    rows = questions_of(database)
    asked = {row["service"] for row in rows}
    assert asked == {"stock concentrate", "station waste"}
    assert {(row["kind"], row["answer"], row["answered_by"]) for row in rows} == {
        ("service", "done", "simulated operator")
    }
    assert all(row["simulated"] and row["run"] == "" for row in rows)
    # the room's own count: more was dispensed than the bottle held, and none of it was air
    lines = [json.loads(line) for line in acts.read_text(encoding="utf-8").splitlines()]
    assert not any(act["kind"] in ("spill", "air_drawn") for act in lines)
    drawn = [a["detail"]["volume_ml"] for a in lines if a["device"] == "concentrate_pump"]
    assert sum(drawn) > 12.0
    refills = [row["answered_at"] for row in rows if row["service"] == "stock concentrate"]
    assert len(refills) >= sum(drawn) // 12.0
    for row in rows:
        waited = row["answered_at"] - row["asked_at"]
        takes_s = 180 if row["service"] == "stock concentrate" else 300
        assert waited.total_seconds() == pytest.approx(takes_s, abs=1e-3)


def test_a_manual_step_that_nobody_is_there_for_is_refused_before_anything_starts(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "ph"
    shutil.copytree("sops/ph_calibration", folder, ignore=shutil.ignore_patterns(".lab"))
    lab = folder / "lab.yaml"
    hours = '\nattended: ["Tue 10:00-10:01"]\n'
    lab.write_text(lab.read_text(encoding="utf-8") + hours, encoding="utf-8")
    campaign = folder / "campaign.yaml"
    with pytest.raises(RefusedError, match="nobody is there for longer"):
        run_virtual_campaign(tmp_path / "lab.db", campaign=campaign)
    assert not (tmp_path / "lab.db").exists()


class TellingEngine:
    """What `serve_room` uses of an engine."""

    def __init__(self, events: list[ev.Event]) -> None:
        from lab.domain.state import LabState

        self.state = LabState()
        self._events = events

    async def events(self, after: int):
        from tests.lab.engine.kit import START

        for seq, event in enumerate(self._events, start=after + 1):
            yield ev.Recorded(seq=seq, epoch=1, at=START, event=event)


def test_only_what_is_done_changes_the_room() -> None:
    def asked(name: str, service: str) -> ev.Event:
        return ev.QuestionAsked(
            question=name, command="", run="", text="", choices=("done",), service=service
        )

    def said(name: str, answer: str) -> ev.Event:
        return ev.QuestionAnswered(question=name, answer=answer, actor="Ada")

    events = [
        asked("a", "stock water"),
        said("a", "could_not"),
        asked("b", "stock water"),
        asked("q", ""),
        said("q", "done"),
        said("b", "done"),
    ]
    served: list[str] = []
    asyncio.run(serve_room(TellingEngine(events), served.append, 3))  # pyright: ignore[reportArgumentType]
    assert served == ["stock water"]
