"""Now: what runs, what waits and why, who is needed, and the verbs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import markup
from dashboard.data import database, look, records_of
from dashboard.views.asking import ask_button, question_card, tell_reply
from dashboard.views.frame import REFRESH_S, guarded
from dashboard.words import number
from lab.domain.event_base import range_mark

if TYPE_CHECKING:
    from dashboard.data import View
    from lab.control.port import Verb

__all__ = ["show"]

_VERBS: tuple[tuple[Verb, str, str, str, tuple[str, ...]], ...] = (
    ("pause", "Pause", ":material/pause:", "Running steps end. No new step starts until you resume.", ("running",)),
    ("resume", "Resume", ":material/play_arrow:", "Steps may start again.", ("paused",)),
    (
        "stop",
        "Stop campaign",
        ":material/stop:",
        "Running steps end, safe-state steps run, then the campaign ends for good.",
        ("running", "paused"),
    ),
    (
        "safe",
        "Make safe",
        ":material/health_and_safety:",
        "Every device goes to its declared safe state now and stays there until somebody re-arms. "
        "This is a request by software: the emergency stop is the red button on the bench.",
        ("running", "paused", "stopping"),
    ),
    ("rearm", "Re-arm", ":material/lock_open:", "Work is allowed again. Look at the bench first.", ("safe",)),
)  # fmt: skip


def show() -> None:
    """Draw the page. What changes is redrawn by itself; the fields for name and reason are not."""
    st.title("Overview")
    _now()


@st.fragment(run_every=REFRESH_S)
@guarded
def _now() -> None:
    db = database()
    view = look(db)
    st.html(markup.banner(view.document, view.engine, view.trouble, view.read_at))
    for question in view.document["questions"]:
        question_card(db, question, live=view.engine is not None)
    if view.document["tasks"]:
        st.html(markup.task_notice(view.document["tasks"]))
    if view.document["holds"]:
        st.html(markup.holds(view.document["holds"], live=view.engine is not None))
    _verbs(db, view)
    _numbers(view)
    st.subheader("Runs")
    st.html(markup.run_cards(view.document["runs"], _units(view), live=view.engine is not None))
    if view.document["queued"] and view.engine is not None:
        st.subheader("Planned next")
        st.html(markup.queue(view.document["queued"]))
    if view.document["services"] or view.document["supplies"]:
        st.subheader("For people to do")
        st.html(markup.services(view.document["services"], view.document["supplies"]))
    st.subheader("Devices")
    now_s = datetime.fromisoformat(view.document["now"]).timestamp()
    latest = records_of(db).latest()
    tiles = markup.device_tiles(
        view.document["devices"], latest, now_s, live=view.engine is not None
    )
    st.html(tiles)


def _units(view: View) -> dict[str, str]:
    specs = [campaign.spec for campaign in view.state.campaigns.values()]
    return {factor.name: factor.unit for spec in specs for factor in spec.factors}


def _verbs(db: str, view: View) -> None:
    if view.engine is None:
        st.caption(
            "Start the engine with `lab run` or `lab resume` to pause, resume or stop from here."
        )
        return
    open_campaign = any(c["status"] == "running" for c in view.document["campaigns"])
    with st.container(horizontal=True, vertical_alignment="bottom", key="verbs"):
        for verb, label, icon, effect, modes in _VERBS:
            if view.document["mode"] not in modes or (
                verb in ("pause", "stop") and not open_campaign
            ):
                continue
            if verb == "stop":
                with st.popover(label, icon=icon, help=effect):
                    st.write(effect)
                    ask_button(db, verb, "Yes, stop the campaign", key="verb-stop", kind="primary")
            else:
                kind = "primary" if verb in ("resume", "rearm") else "secondary"
                ask_button(db, verb, label, key=f"verb-{verb}", icon=icon, effect=effect, kind=kind)
        st.text_input(
            "Reason",
            key="reason",
            placeholder="Reason (recorded)",
            label_visibility="collapsed",
            width=280,
        )
    tell_reply()


def _numbers(view: View) -> None:
    campaigns = view.document["campaigns"]
    if not campaigns:
        st.info("No campaign has been started with these records.", icon=":material/info:")
        return
    campaign = campaigns[-1]
    trials, objective, best = campaign["trials"], campaign["objective"], campaign["best"]
    st.subheader(campaign["title"])
    cells = st.columns(4)
    cells[0].metric("Trials done", f"{trials['done']} of {trials['budget']}", border=True)
    cells[1].metric("Under way", f"{trials['open']}", border=True)
    cells[2].metric("Failed", f"{trials['failed']}", border=True)
    if best is None:
        cells[3].metric(f"Best {objective['result']}", "-", border=True)
    else:
        mark = range_mark(best["beyond"])
        cells[3].metric(
            f"Best {objective['result']} (trial {best['trial']})",
            f"{mark}{number(best['value'])} {objective['unit']}",
            border=True,
        )
