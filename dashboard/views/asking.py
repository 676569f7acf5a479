"""What several pages ask the engine with: buttons, questions to people, and what came of the last request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard import actions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.control.document import QuestionDocument
    from lab.control.port import Verb

__all__ = ["ask_button", "question_card", "request_id", "send", "show_reply", "tell_reply"]


def request_id(key: str) -> str:
    """The id of the next request of a button, made when it is drawn: several clicks in one rerun are one request."""
    return st.session_state.setdefault(f"id-{key}", actions.new_id())


def send(
    db: str,
    verb: Verb,
    key: str,
    request: str,
    who: str,
    reason: str,
    args: Mapping[str, JsonValue] | None,
) -> actions.Reply:
    """Ask, note what came of it, and let the button's next press be a new request once this one is settled."""
    reply = actions.ask(db, verb, who, reason, request, args)
    st.session_state["reply"] = reply
    if reply.settled:
        st.session_state.pop(f"id-{key}", None)
    return reply


def ask_button(
    db: str,
    verb: Verb,
    label: str,
    *,
    key: str,
    icon: str | None = None,
    effect: str = "",
    kind: str = "secondary",
    args: Mapping[str, JsonValue] | None = None,
    disabled: bool = False,
) -> None:
    """A button that asks with the name in the side bar and the page's reason."""
    st.button(
        label,
        key=key,
        icon=icon,
        help=effect or None,
        type="primary" if kind == "primary" else "secondary",
        disabled=disabled,
        on_click=_ask,
        args=(db, verb, key, request_id(key), args),
    )


def _ask(db: str, verb: Verb, key: str, request: str, args: Mapping[str, JsonValue] | None) -> None:
    who, reason = str(st.session_state.get("who", "")), str(st.session_state.get("reason", ""))
    reply = send(db, verb, key, request, who, reason, args)
    if reply.kind == "accepted":
        st.session_state["reason"] = ""


def question_card(db: str, question: QuestionDocument, *, live: bool) -> None:
    """A question with a button for each choice."""
    with st.container(border=True):
        st.warning(
            f"**A person is needed** for {question['run'] or question['service']}: {question['text']}",
            icon=":material/pan_tool:",
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            for choice in question["choices"]:
                ask_button(
                    db,
                    "answer",
                    choice,
                    key=f"answer-{question['id']}-{choice}",
                    args={"question": question["id"], "answer": choice},
                    disabled=not live,
                )
            st.caption(
                "Your name (in the side bar) and the reason below are recorded with the answer."
            )


def tell_reply() -> None:
    """What came of the last request that was made from this browser window."""
    reply = st.session_state.get("reply")
    if isinstance(reply, actions.Reply):
        show_reply(reply)


def show_reply(reply: actions.Reply, about: str = "") -> None:
    """A reply in words and colour; `about` names what it belongs to where that does not stand beside it."""
    text = f"{about}: {reply.text}" if about else reply.text
    match reply.kind:
        case "accepted":
            st.success(f"Accepted: {text}", icon=":material/check:")
        case "refused":
            st.error(f"Refused: {text}", icon=":material/block:")
        case "unreachable":
            st.error(
                f"Nobody knows whether it was taken; ask again: {text}",
                icon=":material/cloud_off:",
            )
        case "incomplete":
            st.warning(text, icon=":material/edit:")
