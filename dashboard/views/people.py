"""Tasks: what people are asked to do, decide and confirm. Whoever does it signs with a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard import actions, markup
from dashboard.data import database, look
from dashboard.views.asking import question_card, request_id, send, show_reply
from dashboard.views.frame import REFRESH_S, guarded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.control.document import TaskDocument, TaskFieldDocument

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
    replies = _replies()
    for task in [name for name in replies if name not in {task["id"] for task in tasks}]:
        show_reply(replies[task])  # the card is gone, what came of it is not
    for question in questions:
        question_card(db, question, live=live)
    if questions:
        st.text_input("Reason", key="reason", placeholder="Reason (recorded)", width=280)
        reply = st.session_state.get("reply")
        if isinstance(reply, actions.Reply) and reply not in replies.values():
            show_reply(reply)
    for task in tasks:
        _task(db, task, live=live)
    if not tasks and not questions:
        st.info("Nobody is asked for anything.", icon=":material/task_alt:")


def _replies() -> dict[str, actions.Reply]:
    """Task -> what came of the last that was said of it."""
    return st.session_state.setdefault("task-replies", {})


def _task(db: str, task: TaskDocument, *, live: bool) -> None:
    name = task["id"]
    with st.container(border=True, key=f"card-{name}"):
        st.html(markup.task_head(task))
        if task["waits_for"] == "performer":
            _performer(db, task, live=live)
        else:
            _witness(db, task, live=live)
        reply = _replies().get(name)
        if reply is not None:
            show_reply(reply)


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
        st.button(
            "Report that it failed",
            key=key,
            on_click=_fail,
            args=(db, name, key, request_id(key)),
        )


def _input(task: str, field: TaskFieldDocument) -> None:
    """The widget for a kind of answer. Limits are shown, and judged by the engine, which says what is wrong."""
    key = f"{task}-{field['name']}"
    label = field["prompt"] or field["name"]
    optional = "" if field["required"] else " (may be left out)"
    match field["kind"]:
        case "yes_no":
            st.segmented_control(label + optional, ["yes", "no"], key=key)
        case "choice":
            st.segmented_control(label + optional, field["choices"], key=key)
        case "quantity" | "integer":
            unit = f" in {field['unit']}" if field["unit"] else ""
            whole = field["kind"] == "integer"
            st.number_input(
                f"{label}{unit}{optional}",
                value=None,
                step=1 if whole else None,
                format="%d" if whole else "%.10g",
                key=key,
                placeholder=field["takes"],
                width=420,
            )
        case _:
            st.text_input(label + optional, key=key, max_chars=2000)


def given_answers(task: TaskDocument, state: Mapping[str, object]) -> dict[str, JsonValue]:
    """What stands in the widgets of a task; fields that are empty are left out."""
    given = {field["name"]: state.get(f"{task['id']}-{field['name']}") for field in task["fields"]}
    return {
        name: value
        for name, value in given.items()
        if isinstance(value, str | int | float) and value != ""
    }


def _answer(db: str, task: TaskDocument, key: str, request: str) -> None:
    name = task["id"]
    args: dict[str, JsonValue] = {
        "question": name,
        "answers": given_answers(task, {str(k): v for k, v in st.session_state.items()}),
    }
    who = str(st.session_state.get(f"who-{name}", ""))
    _replies()[name] = send(db, "answer", key, request, who, "", args)


def _fail(db: str, name: str, key: str, request: str) -> None:
    who = str(st.session_state.get(f"who-{name}", "") or st.session_state.get("who", ""))
    why = str(st.session_state.get(f"why-{name}", ""))
    args: dict[str, JsonValue] = {"question": name, "failed": True}
    _replies()[name] = send(db, "answer", key, request, who, why, args)


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
            args=(db, name, key, request_id(key)),
        )


def _confirm(db: str, name: str, key: str, request: str) -> None:
    who = str(st.session_state.get(f"witness-who-{name}", ""))
    _replies()[name] = send(db, "witness", key, request, who, "", {"question": name})
