"""The command's life: what may follow what, and that nothing else changes anything."""

from __future__ import annotations

from typing import get_args

import pytest

from lab.domain.run import CLOSED, TRANSITIONS, CommandReport, CommandStatus, advance

STATUSES: tuple[CommandStatus, ...] = get_args(CommandStatus)
REPORTS: tuple[CommandReport, ...] = get_args(CommandReport)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("report", REPORTS)
def test_every_pair_is_a_row_of_the_table_or_nothing(status, report):
    assert advance(status, report) == TRANSITIONS.get(status, {}).get(report)


def test_closed_states_are_exactly_those_without_a_way_out():
    assert {status for status in STATUSES if status not in TRANSITIONS} == CLOSED


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_nothing_leads_out_of_a_closed_state(status):
    assert [advance(status, report) for report in REPORTS] == [None] * len(REPORTS)


def test_every_state_but_the_first_is_reached():
    reached = {target for moves in TRANSITIONS.values() for target in moves.values()}
    assert reached == set(STATUSES) - {"intent"}


@pytest.mark.parametrize(
    ("path", "end"),
    [
        (["accepted", "succeeded"], "done"),
        (["succeeded", "accepted"], "done"),  # the receipt came late
        (["accepted", "unknown", "succeeded"], "done"),  # the device's late word
        (["accepted", "unknown", "settle_not_done", "succeeded"], "settled_not_done"),
        (["unknown", "accepted"], "unknown"),  # a receipt says nothing of the outcome
        (["refused", "succeeded"], "refused"),
        (["succeeded", "succeeded", "failed_partial"], "done"),
    ],
)
def test_late_doubled_and_crossed_reports(path, end):
    status: CommandStatus = "intent"
    for report in path:
        status = advance(status, report) or status
    assert status == end


@pytest.mark.parametrize("report", [r for r in REPORTS if r.startswith("settle_")])
@pytest.mark.parametrize("status", ["intent", "accepted"])
def test_only_what_is_unknown_is_settled(status, report):
    assert advance(status, report) is None


def test_an_accepted_command_is_no_longer_refused():
    assert advance("accepted", "refused") is None
    assert advance("unknown", "refused") is None
