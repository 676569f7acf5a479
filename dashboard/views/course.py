"""A run's course on the page of the records: flags, decisions, people's work, time windows and quality."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, cast

import streamlit as st

from dashboard.views.frame import table
from dashboard.words import clock_time, duration, number, status_sign, unit_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lab.records.reader import Records
    from lab.records.rows import Row

__all__ = ["course_tables", "show_course"]


def show_course(records: Records, run: str) -> None:
    """A table for each thing that there is of it, under a heading; nothing where there is nothing."""
    for heading, rows in course_tables(records, run).items():
        if rows:
            st.subheader(heading)
            table(rows, alt=heading)


def course_tables(records: Records, run: str) -> dict[str, list[Row]]:
    """Heading -> rows as people read them, what is out of order first."""
    return {
        "Flags": [
            {"At": _at(r["at"]), "Kind": r["flag"], "Step": r["step"], "Reason": r["reason"]}
            for r in records.flags(run)
        ],
        "Questions to people": [_question(r) for r in records.questions(run)],
        "Longest times in danger": [_hold(r) for r in records.holds(run)],
        "Time windows": [_window(r) for r in sorted(records.windows(run), key=_urgency)],
        "Values beyond their limits": [_limit(r) for r in records.limits(run)],
        "Quality": [_quality(r) for r in records.quality(run)],
        "Manual tasks": _tasks(records.tasks(run), records.answers(run)),
        "Decisions": [_decision(r) for r in records.decisions(run)],
    }


def _at(value: object) -> str:
    return clock_time(value.timestamp()) if isinstance(value, datetime) else ""


def _status(status: object) -> str:
    sign = status_sign(str(status))
    return f"{sign.glyph} {sign.word}"


def _number(value: object, unit: object = "") -> str:
    if not isinstance(value, int | float):
        return ""
    return f"{number(value, 6)} {unit_text(str(unit))}".rstrip()


def _question(row: Row) -> Row:
    return {
        "Asked": _at(row["asked_at"]),
        "Question": row["text"],
        "Status": _status(row["status"]),
        "Answer": row["answer"],
        "By": row["answered_by"],
        "Reason": row["reason"],
    }


def _urgency(row: Row) -> int:
    """What is broken comes first, what was never reached last; else in the order of the SOP."""
    return ("broken", "open", "kept", "not_reached").index(str(row["status"]))


def _window(row: Row) -> Row:
    return {
        "Window": row["window"],
        "Status": _status(row["status"]),
        "Took": _number(row["lag_s"], "s"),
        "At least": _number(row["more_than_s"], "s"),
        "At most": _number(row["less_than_s"], "s"),
        "To spare": _number(row["slack_s"], "s"),
        "From the ideal": _number(row["deviation_s"], "s"),
    }


def _hold(row: Row) -> Row:
    by = row["by_s"]
    return {
        "Told": _at(row["at"]),
        "Window": row["window"],
        "From": row["first"],
        "To": row["second"],
        "Status": _status(row["status"]),
        "Too short by": duration(by) if isinstance(by, float) and by else "",
        "Due by": _at(row["due_at"]),
        "Why": row["reason"],
    }


def _limit(row: Row) -> Row:
    unit = row["unit"]
    return {
        "At": _at(row["at"]),
        "Signal": row["signal"],
        "After step": row["step"],
        "Value": _number(row["value"], unit),
        "At least": _number(row["minimum"], unit),
        "At most": _number(row["maximum"], unit),
    }


def _quality(row: Row) -> Row:
    unit, limit_unit = row["unit"], row["limit_unit"]
    return {
        "Check": f"{row['check']} {row['name']}",
        "Verdict": _status(row["status"]),
        "Found": _number(row["value"], unit),
        "Certified": _number(row["certified_value"], unit),
        "At least": _number(row["minimum"], limit_unit),
        "At most": _number(row["maximum"], limit_unit),
        "Detail": row["detail"],
    }


def _tasks(tasks: Iterable[Row], answers: Iterable[Row]) -> list[Row]:
    said: dict[object, list[str]] = {}
    for row in answers:
        value = row["text"] if row["value"] is None else _number(row["value"], row["unit"])
        if value is not None:
            said.setdefault(row["task"], []).append(f"{row['field']} = {value}")
    return [
        {
            "Asked": _at(row["asked_at"]),
            "Task": row["prompt"],
            "Status": _status(row["status"]),
            "Answers": ", ".join(said.get(row["task"], [])) or row["reason"],
            "Signed by": row["answered_by"],
            "At": _at(row["answered_at"]),
            "Witnessed by": row["witnessed_by"],
        }
        for row in tasks
    ]


def _decision(row: Row) -> Row:
    seen: dict[str, dict[str, object]] = json.loads(str(row["saw"]))
    saw = ", ".join(
        f"{name} = {_seen(known.get('value', known.get('values')), known['unit'])}"
        for name, known in seen.items()
    )
    return {
        "At": _at(row["at"]),
        "Question": row["title"],
        "Condition": row["expression"],
        "Answer": "yes" if row["value"] else "no",
        "Saw": saw,
    }


def _seen(value: object, unit: object) -> str:
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    if isinstance(value, list):
        several = cast("list[object]", value)
        return f"({', '.join(_number(one) for one in several)}) {unit_text(str(unit))}".rstrip()
    return _number(value, unit)
