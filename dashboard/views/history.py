"""Records: every run with its steps, failed ones first where asked, and downloads."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.data import database, look, records_of
from dashboard.views.course import show_course
from dashboard.views.frame import guarded, table
from dashboard.words import clock_time, duration, status_sign
from lab.records.columns import TABLES
from lab.records.rows import cell_text

if TYPE_CHECKING:
    from datetime import datetime

    from lab.records.rows import Row, Rows

_DOWNLOADS = tuple(name for name in TABLES if name != "events")

__all__ = ["csv_text", "run_table", "show", "step_table"]


def show() -> None:
    """Draw the page. It is not redrawn by itself: who reads history wants it to stand still."""
    st.title("Records")
    _draw()


@guarded
def _draw() -> None:
    db = database()
    records, view = records_of(db), look(db)
    runs = records.runs()
    if not runs:
        st.info("No run has been started with these records.", icon=":material/info:")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.toggle("Problems only", key="bad_runs", help="Failed, aborted and flagged runs")
        st.button("Read again", icon=":material/refresh:")
        st.caption(f"As of {view.read_at:%H:%M:%S}, event {view.document['seq']}.")
    bad = bool(st.session_state.get("bad_runs"))
    shown = [
        row for row in runs if not bad or row["status"] in ("failed", "aborted") or row["flags"]
    ]
    if not shown:
        st.success("No run has failed, was aborted or is flagged.", icon=":material/check:")
        return
    reason = {"Reason": st.column_config.TextColumn(width="large")}
    table(run_table(shown), columns=reason, alt="Runs")
    names = [str(row["run"]) for row in reversed(shown)]
    st.subheader("One run")
    run = st.selectbox("Run", names, key="run", label_visibility="collapsed", width=320)
    show_course(records, run)
    wide = {
        "Planned": st.column_config.TextColumn(width="medium"),
        "Actual": st.column_config.TextColumn(width="medium"),
        "Why": st.column_config.TextColumn(width="large"),
    }
    st.subheader("Steps")
    table(step_table(records.steps(run)), columns=wide, alt="Steps")
    st.subheader("Downloads")
    st.caption(
        "Complete tables as CSV, failed and aborted work included, times in ISO 8601 UTC. `lab export` writes all files at once."
    )
    with st.container(horizontal=True):
        for name in _DOWNLOADS:
            # A function: the file is made when it is asked for, not at each drawing.
            st.download_button(
                f"{name}.csv",
                data=lambda name=name: csv_text(getattr(records, name)()),
                file_name=f"{name}.csv",
                mime="text/csv",
                icon=":material/download:",
                key=f"download-{name}",
                on_click="ignore",
            )


def run_table(rows: list[Row]) -> list[Row]:
    """Runs as people read them, newest first."""
    people: list[Row] = []
    for row in reversed(rows):
        sign = status_sign(str(row["status"]))
        seconds = row["duration_s"]
        shown: Row = {
            "Run": row["run"],
            "Sample": row["trial"],
            "Status": f"{sign.glyph} {sign.word}",
            "Started (UTC)": _at(row["started_at"]),
            "Took": duration(seconds) if isinstance(seconds, float) else "",
            "Steps": f"{row['steps_succeeded']} of {row['steps']}"
            + (f", {row['steps_skipped']} skipped" if row["steps_skipped"] else ""),
            "Flags": f"⚑ {row['flags']}" if row["flags"] else "",
            "Reason": row["reason"],
        }
        people.append(shown)
    return people


def step_table(rows: list[Row]) -> list[Row]:
    """Steps of a run as people read them, in the order of the plan."""
    people: list[Row] = []
    for row in rows:
        sign = status_sign(str(row["status"]))
        people.append(
            {
                "Step": row["title"],
                "Device": row["device"],
                "Status": f"{sign.glyph} {sign.word}",
                "Tries": row["attempts"],
                "Planned": _span(row["planned_start"], row["planned_end"]),
                "Actual": _span(row["started_at"], row["ended_at"]),
                "Why": row["reason"] or row["errors"],
            }
        )
    return people


def _at(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if value is not None else ""


def _span(begin: object, end: object) -> str:
    if begin is None:
        return ""
    return f"{_clock(begin)} to {_clock(end)}" if end is not None else f"since {_clock(begin)}"


def _clock(value: object) -> str:
    moment: datetime = value  # pyright: ignore[reportAssignmentType]  # rows hold aware times or None
    return clock_time(moment.timestamp())


def csv_text(rows: Rows) -> str:
    """The same file that `lab export` writes."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows([cell_text(row.get(name)) for name in rows.columns] for row in rows)
    return file.getvalue()
