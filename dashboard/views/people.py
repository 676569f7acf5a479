"""Tasks: what people are asked to do, decide and confirm. Whoever does it signs with a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from dashboard import actions, markup
from dashboard.data import database, look
from dashboard.views.asking import (
    ask_button,
    question_card,
    request_id,
    send,
    show_reply,
    tell_reply,
)
from dashboard.views.frame import REFRESH_S, guarded
from dashboard.words import number, unit_text, words_of
from lab.control.evidence import context_lines, evidence_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.control.document import CampaignDocument, TaskDocument, TaskFieldDocument
    from lab.control.port import Verb

__all__ = ["given_answers", "show"]


def show() -> None:
    """Draw the page. Cards come and go by themselves; what is being typed stays."""
    st.title("Tasks")
    _now()


@st.fragment(run_every=REFRESH_S)
@guarded
def _now() -> None:
    db = database()
    view = look(db)
    live = view.engine is not None
    st.html(markup.banner(view.document, view.engine, view.trouble, view.read_at))
    tasks, questions = view.document["tasks"], view.document["questions"]
    said = _last_said()
    if said is not None and said.task not in {task["id"] for task in tasks}:
        show_reply(said.reply, about=said.title)  # the card is gone, what came of it is not
    for question in questions:
        question_card(db, question, live=live)
    waiting = [
        c
        for c in view.document["campaigns"]
        if any(item["waits_for_approval"] for item in c["proposed"])
    ]
    told = [
        c
        for c in view.document["campaigns"]
        if c["status"] == "running" and any(not item["device"] for item in c["context"])
    ]
    if questions or waiting or told:
        st.text_input("Reason", key="reason", placeholder="Reason (recorded)", width=280)
    if said is None or said.reply is not st.session_state.get("reply"):
        tell_reply()
    for task in tasks:
        _task(db, task, live=live)
    for campaign in waiting:
        _approvals(db, campaign, live=live)
    for campaign in told:
        _context(db, campaign, live=live)
    if not tasks and not questions and not waiting and not told:
        st.info("Nobody is asked for anything.", icon=":material/task_alt:")


def _context(db: str, campaign: CampaignDocument, *, live: bool) -> None:
    """What nobody chooses and no device tells: people say what it is, for the trials that are proposed from then on."""
    st.subheader("What nobody chooses")
    if campaign["awaited"] is not None and not campaign["awaited"]["device"]:
        st.warning(
            f"Nothing is proposed: {campaign['awaited']['detail']}.", icon=":material/pan_tool:"
        )
    for item in campaign["context"]:
        if item["device"]:
            continue
        name = item["factor"]
        with st.container(border=True, key=f"card-context-{name}"):
            st.markdown("".join(context_lines([item])) or f"{name} has not been told.")
            with st.container(horizontal=True, vertical_alignment="bottom"):
                unit = unit_text(item["unit"])
                value = st.text_input(
                    f"{words_of(name)} is now",
                    key=f"context-{name}",
                    placeholder=f"with its unit, {unit}" if unit else "one of its choices",
                    width=280,
                )
                ask_button(
                    db,
                    "trial",
                    "Tell",
                    key=f"tell-context-{name}",
                    args={"do": "context", "factors": {name: value.strip()}},
                    disabled=not live or not value.strip(),
                )


def _approvals(db: str, campaign: CampaignDocument, *, live: bool) -> None:
    """Trials that wait until a person lets them be made."""
    st.subheader("Trials to approve")
    unit = campaign["objective"]["unit"]
    for item in campaign["proposed"]:
        if not item["waits_for_approval"]:
            continue
        with st.container(border=True, key=f"card-trial-{item['trial']}"):
            factors = ", ".join(
                f"{words_of(name)} {number(value)}" for name, value in item["factors"].items()
            )
            st.markdown(f"**Trial {item['trial']}**: {factors}")
            st.caption(item["note"])
            for line in evidence_lines(item, unit, campaign["cost_unit"]):
                st.markdown(f"- {line}")
            with st.container(horizontal=True):
                for do, label in (("approve", "Approve"), ("reject", "Reject")):
                    ask_button(
                        db,
                        "trial",
                        label,
                        key=f"{do}-trial-{item['trial']}",
                        kind="primary" if do == "approve" else "secondary",
                        args={"do": do, "trial": item["trial"]},
                        disabled=not live,
                    )


@dataclass(frozen=True)
class _Said:
    """What came of the last that was said of a task from this browser window."""

    task: str
    title: str
    reply: actions.Reply


def _last_said() -> _Said | None:
    return st.session_state.get("task-said")


def _say(
    db: str,
    verb: Verb,
    task: TaskDocument,
    key: str,
    request: str,
    who: str,
    reason: str,
    args: Mapping[str, JsonValue],
) -> None:
    given = {"question": task["id"], **args}
    reply = send(db, verb, key, request, who, reason, given)
    title = f"Sample {task['trial']}, {task['title']}"
    st.session_state["task-said"] = _Said(task["id"], title, reply)


def _task(db: str, task: TaskDocument, *, live: bool) -> None:
    name = task["id"]
    with st.container(border=True, key=f"card-{name}"):
        st.html(markup.task_head(task))
        if task["waits_for"] == "performer":
            _performer(db, task, live=live)
        else:
            _witness(db, task, live=live)
        said = _last_said()
        if said is not None and said.task == name:
            show_reply(said.reply)


# -- who does it ------------------------------------------------------------------------------------


def _performer(db: str, task: TaskDocument, *, live: bool) -> None:
    name = task["id"]
    key = f"send-{name}"
    signs = task["sign"] != "none"
    with st.form(f"form-{name}", border=False, enter_to_submit=False):
        for field in task["fields"]:
            _input(name, field)
        st.session_state.setdefault(f"who-{name}", str(st.session_state.get("who", "")))
        st.text_input(
            "Signed by" if signs else "Done by",
            key=f"who-{name}",
            placeholder="Full name of whoever did it",
            width=420,
            help="It is recorded with the answers."
            + (
                " A second person, not you, must confirm them." if task["sign"] == "witness" else ""
            ),
        )
        st.form_submit_button(
            "Sign and send" if signs else "Done",
            key=key,
            type="primary",
            icon=":material/signature:" if signs else ":material/check:",
            disabled=not live,
            on_click=_answer,
            args=(db, task, key, request_id(key)),
        )
    with st.popover("It could not be done", icon=":material/report:", disabled=not live):
        key = f"fail-{name}"
        st.write("The step fails with your reason; the procedure says what follows.")
        st.text_input("Why", key=f"why-{name}", placeholder="e.g. the meter is not calibrated")
        # Of its own: what stands in a form reaches this page only with the form's button.
        st.session_state.setdefault(f"fail-who-{name}", str(st.session_state.get("who", "")))
        st.text_input("Reported by", key=f"fail-who-{name}", placeholder="Full name")
        st.button(
            "Report that it failed",
            key=key,
            on_click=_fail,
            args=(db, task, key, request_id(key)),
        )


def _input(task: str, field: TaskFieldDocument) -> None:
    """The widget for a kind of answer. Limits are shown, and judged by the engine, which says what is wrong."""
    key = f"{task}-{field['name']}"
    label = field["prompt"] or words_of(field["name"])
    optional = "" if field["required"] else " (may be left out)"
    match field["kind"]:
        case "yes_no":
            st.segmented_control(label + optional, ["yes", "no"], key=key)
        case "choice":
            st.segmented_control(label + optional, field["choices"], key=key)
        case "quantity" | "integer":
            whole = field["kind"] == "integer"
            st.number_input(
                f"{label}{_limits(field)}{optional}",
                value=None,
                step=1 if whole else None,
                format="%d" if whole else "%.10g",
                key=key,
                placeholder=field["takes"],
                width=420,
            )
        case _:
            st.text_input(label + optional, key=key, max_chars=2000, width=640)


def _limits(field: TaskFieldDocument) -> str:
    """` (15 to 30 °C)`: always in sight, also while something stands in the field."""
    low, high = number(field["minimum"]), number(field["maximum"])
    span = {
        (True, True): f"{low} to {high}",
        (True, False): f"at least {low}",
        (False, True): f"at most {high}",
        (False, False): "",
    }[field["minimum"] is not None, field["maximum"] is not None]
    text = f"{span} {unit_text(field['unit'])}".strip()
    return f" ({text})" if text else ""


def given_answers(task: TaskDocument, state: Mapping[str, object]) -> dict[str, JsonValue]:
    """What stands in the widgets of a task; fields that are empty are left out."""
    given = {field["name"]: state.get(f"{task['id']}-{field['name']}") for field in task["fields"]}
    return {
        name: value
        for name, value in given.items()
        if isinstance(value, str | int | float) and value != ""
    }


def _answer(db: str, task: TaskDocument, key: str, request: str) -> None:
    answers = given_answers(task, {str(k): v for k, v in st.session_state.items()})
    who = str(st.session_state.get(f"who-{task['id']}", ""))
    _say(db, "answer", task, key, request, who, "", {"answers": answers})


def _fail(db: str, task: TaskDocument, key: str, request: str) -> None:
    name = task["id"]
    who = str(st.session_state.get(f"fail-who-{name}", ""))
    why = str(st.session_state.get(f"why-{name}", ""))
    _say(db, "answer", task, key, request, who, why, {"failed": True})


# -- who saw it -------------------------------------------------------------------------------------


def _witness(db: str, task: TaskDocument, *, live: bool) -> None:
    name = task["id"]
    key = f"witness-{name}"
    st.html(markup.task_answers(task))
    with st.form(f"seen-{name}", border=False, enter_to_submit=False):
        # Never filled in beforehand: at a shared screen the name in the side bar is the performer's.
        st.text_input(
            "Witnessed by",
            key=f"witness-who-{name}",
            placeholder=f"Full name, not {task['answered_by']}",
            width=420,
            help="You confirm what was answered. You must be somebody else than who did it.",
        )
        st.form_submit_button(
            "I confirm it",
            key=key,
            type="primary",
            icon=":material/how_to_reg:",
            disabled=not live,
            on_click=_confirm,
            args=(db, task, key, request_id(key)),
        )


def _confirm(db: str, task: TaskDocument, key: str, request: str) -> None:
    who = str(st.session_state.get(f"witness-who-{task['id']}", ""))
    _say(db, "witness", task, key, request, who, "", {})
