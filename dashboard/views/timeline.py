"""The timeline: planned as outline, actual filled, by device or by sample."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

import streamlit as st

from dashboard.data import database, look, records_of
from dashboard.gantt import Bar, timeline_figure
from dashboard.views.frame import REFRESH_S, figure, guarded, table
from dashboard.words import clock_time, duration
from lab.domain.ids import run_number
from lab.plan.gantt import source_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.state import LabState
    from lab.records.history import StepTime
    from lab.records.rows import Row

__all__ = ["bars_of", "plan_table", "show", "within"]

_WINDOWS = {"Last 30 minutes": 1800.0, "Last 2 hours": 7200.0, "Everything": None}
_SOURCES = {
    "order": "the same order, times corrected",
    "insertion": "the same order, new samples placed around it",
    "repair": "samples that have begun placed anew, the others in their order",
    "reservation": "all samples placed anew",
    "search": "search beside the engine",
    "solver": "solver beside the engine",
}
_MOST_PLANS = 50
_MOST_BARS = 1200
"""More than this is neither readable nor quick to draw."""


def show() -> None:
    """Draw the page; the choices stay in the address, so that a reload keeps them."""
    st.title("Timeline")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(
            "Rows", ["By device", "By sample"], default="By device", key="rows", bind="query-params"
        )
        st.segmented_control(
            "Time", list(_WINDOWS), default="Last 30 minutes", key="window", bind="query-params"
        )
        st.toggle(
            "Problems only",
            key="problems",
            help="Failed steps and steps that needed more than one try",
        )
    st.caption(
        "Outline: planned. Filled: actual. Striped with ▶: running. Red with ✖: failed. "
        "The colour and the number are the sample's; dotted is now. Point at a bar for its times."
    )
    _chart()


@st.fragment(run_every=REFRESH_S)
@guarded
def _chart() -> None:
    db = database()
    view = look(db)
    now_s = datetime.fromisoformat(view.document["now"]).timestamp()
    bars = bars_of(view.state, records_of(db).step_times(), now_s)
    if not bars:
        st.info("No run has been planned yet.", icon=":material/info:")
        return
    if st.session_state.get("problems"):
        bars = [bar for bar in bars if bar.problem]
        if not bars:
            st.success("No step has failed or needed a second try.", icon=":material/check:")
            return
    length = _WINDOWS.get(st.session_state.get("window") or "Everything")
    window = None if length is None else _window(bars, now_s, length)
    shown = within(bars, window)
    by: Literal["device", "sample"] = (
        "sample" if st.session_state.get("rows") == "By sample" else "device"
    )
    if len(shown) < len(bars) and window is None:
        st.caption(f"The newest {len(shown)} of {len(bars)} steps are drawn.")
    drawn = timeline_figure(shown, by, now_s, window)
    figure(drawn, key=f"timeline-{by}", alt="Gantt chart of planned and actual steps", tools=True)
    running = "" if view.engine else " No engine answers: the plan stands still."
    st.caption(f"Data as of {view.read_at:%H:%M:%S}, event {view.document['seq']}.{running}")
    plans = plan_table(records_of(db).plans())
    if plans:
        st.subheader("Plans")
        st.caption(
            "The newest first. While the engine goes on, a search and a solver look for a better order; "
            "what they find is followed only if it is better and still fits."
        )
        why = {"Why": st.column_config.TextColumn(width="large")}
        table(plans, columns=why, alt="Plans, newest first", key="plans")


def bars_of(state: LabState, times: Sequence[StepTime], now_s: float) -> list[Bar]:
    """Bars of all steps that are planned or begun, and of planned runs that have not started."""
    bars: list[Bar] = []
    for time in times:
        step, run = time.state, state.runs[time.run]
        planned = (
            None
            if time.planned_start_s is None or time.planned_end_s is None
            else (time.planned_start_s, time.planned_end_s)
        )
        actual = None
        if step.started_s is not None:
            end_s = step.ended_s if step.ended_s is not None else run.ended_s
            actual = (step.started_s, max(now_s, step.started_s) if end_s is None else end_s)
        gone = actual is None and not run.open  # what an ended run never reached was not done
        if gone or (planned is None and actual is None):
            continue
        status = "interrupted" if step.status == "running" and not run.open else step.status
        bars.append(
            Bar(
                run=time.run,
                trial=time.trial,
                step=time.planned.path,
                title=time.planned.title,
                device=time.planned.device,
                status=status,
                attempts=time.tries,
                planned_s=planned,
                actual_s=actual,
                note=time.errors[-1] if time.errors else "",
                planned_by=source_text(time.duration_from, time.duration_runs),
            )
        )
    return bars + _not_started(state)


def plan_table(rows: Sequence[Row]) -> list[Row]:
    """The newest plans as people read them; of those that only correct the times, what came of it is in the chart."""
    told = [row for row in rows if row["source"] != "order" or row["holds_not_kept"]]
    return [
        {
            "At (UTC)": clock_time(at.timestamp()) if isinstance(at := row["at"], datetime) else "",
            "From": _SOURCES.get(str(row["source"]), str(row["source"])),
            "Followed": "✔ yes" if row["followed"] else "- no",
            "Why": row["reason"],
            "Samples end earlier": _gain(row["gain_s"]),
            "Last one": _gain(row["makespan_gain_s"]),
            "Limits not kept": "" if row["holds_not_kept"] is None else str(row["holds_not_kept"]),
        }
        for row in reversed(told[-_MOST_PLANS:])
    ]


def _gain(seconds: object) -> str:
    """`4 min 10 s`; `-20 s` where it costs time."""
    if not isinstance(seconds, float):
        return ""
    return f"{'-' if seconds < 0 else ''}{duration(abs(seconds))}"


def _not_started(state: LabState) -> list[Bar]:
    campaign = state.active_campaign
    if campaign is None:
        return []
    return [
        Bar(
            run=slot.run,
            trial=run_number(slot.run),
            step=slot.step,
            title=slot.step,
            device=slot.device,
            status="waiting",
            attempts=0,
            planned_s=(campaign.origin_s + slot.start_s, campaign.origin_s + slot.end_s),
            actual_s=None,
            planned_by=source_text(slot.duration_from, slot.duration_runs),
        )
        for slot in campaign.slots
        if slot.run not in state.runs
    ]


def _window(bars: Sequence[Bar], now_s: float, length_s: float) -> tuple[float, float]:
    """The last `length_s` seconds and the plan ahead, as far as it goes but not more than as long again."""
    ahead = [bar.planned_s[1] for bar in bars if bar.planned_s is not None]
    end_s = min(max([now_s, *ahead]), now_s + length_s)
    first = min(
        span[0] for bar in bars for span in (bar.actual_s, bar.planned_s) if span is not None
    )
    pad = 0.02 * length_s
    return max(now_s - length_s, first) - pad, end_s + pad


def within(bars: Sequence[Bar], window: tuple[float, float] | None) -> list[Bar]:
    """The bars that the window shows, at most as many as can be drawn: the newest."""

    def span(bar: Bar) -> tuple[float, float]:
        spans = [s for s in (bar.planned_s, bar.actual_s) if s is not None]
        return min(s[0] for s in spans), max(s[1] for s in spans)

    kept = [
        bar
        for bar in bars
        if window is None or (span(bar)[1] >= window[0] and span(bar)[0] <= window[1])
    ]
    kept.sort(key=lambda bar: span(bar)[0])
    return kept[-_MOST_BARS:]
