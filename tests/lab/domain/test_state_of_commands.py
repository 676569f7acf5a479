"""What becomes of commands in the state, and what keeps devices safe."""

from __future__ import annotations

import pytest

from lab.domain import event as ev
from lab.domain.command import Outcome, Settlement
from tests.lab.domain.story import RUN


def test_a_cancellation_is_kept_with_its_command_until_it_is_settled(story):
    command = story.intend()
    asked = ev.CancelAsked(
        command=command.id, device="balance", run=RUN, step=command.step, actor="Ada"
    )
    entry = story.tell(asked).commands[command.id]
    assert (entry.cancel, entry.cancelled, entry.open) == (asked, None, True)
    refused = ev.CommandRefused(command=command.id, device="balance", reason="withdrawn")
    assert story.tell(refused).commands[command.id].cancel == asked
    settled = ev.CancelSettled(
        command=command.id,
        device="balance",
        run=RUN,
        step=command.step,
        outcome="never_started",
    )
    assert story.tell(settled).commands[command.id].cancelled == "never_started"


@pytest.mark.parametrize(
    ("text", "field", "default"),
    [
        ('{"kind": "lab_rearmed", "actor": "Ada"}', "lifts", ()),
        (
            '{"kind": "device_state_changed", "device": "pump", "state": "safe"}',
            "safe_requests",
            (),
        ),
        (
            '{"kind": "command_ended", "command": "c", "device": "pump", '
            '"outcome": {"result": "unknown"}}',
            "outcome",
            Outcome(result="unknown", cancelled=None),
        ),
    ],
)
def test_older_journals_are_read_without_what_was_added_since(text, field, default):
    assert getattr(ev.event_from_json(text), field) == default


def test_closed_commands_are_forgotten_with_the_next_try_and_open_ones_kept(story):
    first = story.intend()
    ended = ev.CommandEnded(
        command=first.id, device="balance", outcome=Outcome(result="failed_no_effect", error="busy")
    )
    story.tell(ended)
    assert story.state.commands[first.id].reason == "busy"
    second = story.intend(attempt=2)
    assert set(story.state.commands) == {second.id}
    third = story.intend(attempt=3)
    assert set(story.state.commands) == {
        second.id,
        third.id,
    }  # what became of the second isn't known


def test_reports_that_come_too_late_change_nothing(story):
    command = story.intend()
    story.tell(ev.CommandUnknown(command=command.id, device="balance", reason="silence"))
    settled = ev.CommandSettled(
        command=command.id,
        device="balance",
        settlement=Settlement(verdict="unknown", detail="lost"),
        by="device",
    )
    before = story.tell(settled).commands[command.id]
    assert (before.status, before.reason) == ("settled_discarded", "lost")
    late = ev.CommandEnded(
        command=command.id, device="balance", outcome=Outcome(result="succeeded")
    )
    assert story.tell(late).commands[command.id] == before


@pytest.mark.parametrize("result", ["succeeded", "failed_no_effect", "failed_partial", "unknown"])
def test_only_an_end_that_is_known_closes_a_command(story, result):
    command = story.intend()
    ended = ev.CommandEnded(command=command.id, device="balance", outcome=Outcome(result=result))
    entry = story.tell(ended, 4.0).commands[command.id]
    assert entry.open == (result == "unknown")
    assert (entry.ended_s is None) == entry.open


def test_a_refusal_keeps_reason_and_detail(story):
    command = story.intend()
    refused = ev.CommandRefused(
        command=command.id, device="balance", reason="stale_epoch", detail="2 < 3"
    )
    assert story.tell(refused).commands[command.id].reason == "stale_epoch: 2 < 3"


def test_re_arming_lifts_what_it_names_and_remembers_it(story):
    story.tell(ev.LabMadeSafe(actor="Ada"))
    story.tell(ev.LabMadeSafe(actor="Bob"))
    first, second = story.state.safe_orders
    assert first != second
    story.tell(ev.LabRearmed(actor="Grace", lifts=(first,)))
    assert story.state.safe_orders == ()
    assert story.state.lifted == {first}
    story.tell(ev.LabRearmed(actor="Grace", lifts=(second, "other")))
    assert story.state.lifted == {first, second, "other"}


def test_a_device_says_what_keeps_it_safe_and_what_its_host_did_is_remembered(story):
    def told(*requests: str) -> tuple[tuple[str, ...], str]:
        changed = ev.DeviceStateChanged(device="balance", state="safe", safe_requests=requests)
        device = story.tell(changed).devices["balance"]
        return device.safe_requests, device.dead_man

    assert told("safe-3") == (("safe-3",), "")
    assert told("safe-3", "dead-man-b-1") == (("safe-3", "dead-man-b-1"), "dead-man-b-1")
    assert told() == ((), "dead-man-b-1")
    assert told("dead-man-b-2")[1] == "dead-man-b-2"
