"""The command's life as one table, and the states of steps and runs.

A command is one try of one physical act. Two ideas shape the table:

1. An intent is durable before anything is sent. So after a crash every act that may have happened has a row.
2. `unknown` is a state, not an error. From it leads only a word of the device or of a person; the engine never
   guesses it into success, and never tries again before a recorded verdict that the act did not happen.

    intent -> accepted -> done | failed_no_effect | failed_partial
       |          |
       |          +------> unknown -> settled_done | settled_not_done | settled_partial | settled_discarded
       +-> refused          ^
       +--------------------+

Reports may come late, twice or out of order (an outcome before the receipt, a receipt after the engine gave up
waiting), so a report that adds nothing is not an error: `advance` returns None for it. A report that contradicts
what is settled is dropped the same way; the journal still holds the message that was acted upon first.
"""

from __future__ import annotations

from typing import Literal

__all__ = [
    "CLOSED",
    "NOT_ACTED",
    "OPERATOR",
    "TRANSITIONS",
    "CommandReport",
    "CommandStatus",
    "RunStatus",
    "StepStatus",
    "advance",
]

CommandStatus = Literal[
    "intent",
    "accepted",
    "refused",
    "done",
    "failed_no_effect",
    "failed_partial",
    "unknown",
    "settled_done",
    "settled_not_done",
    "settled_partial",
    "settled_discarded",
]

CommandReport = Literal[
    "accepted",
    "refused",
    "succeeded",
    "failed_no_effect",
    "failed_partial",
    "unknown",
    "settle_done",
    "settle_not_done",
    "settle_partial",
    "settle_discarded",
]

StepStatus = Literal["waiting", "running", "succeeded", "failed", "skipped"]
RunStatus = Literal["running", "stopping", "succeeded", "failed", "aborted"]

OPERATOR = "operator"
"""The device of manual steps: people. A run asks for one thing at a time; several runs may ask at once."""

_OUTCOMES: dict[CommandReport, CommandStatus] = {
    "succeeded": "done",
    "failed_no_effect": "failed_no_effect",
    "failed_partial": "failed_partial",
    "unknown": "unknown",
}
_SETTLEMENTS: dict[CommandReport, CommandStatus] = {
    "settle_done": "settled_done",
    "settle_not_done": "settled_not_done",
    "settle_partial": "settled_partial",
    "settle_discarded": "settled_discarded",
}

TRANSITIONS: dict[CommandStatus, dict[CommandReport, CommandStatus]] = {
    "intent": {"accepted": "accepted", "refused": "refused", **_OUTCOMES},
    "accepted": {**_OUTCOMES},
    # The device's late word counts as long as nobody settled it: an outcome is knowledge.
    "unknown": {
        "succeeded": "done",
        "failed_no_effect": "failed_no_effect",
        "failed_partial": "failed_partial",
        **_SETTLEMENTS,
    },
}
"""Every lawful move. States without an entry are final."""

CLOSED: frozenset[CommandStatus] = frozenset(
    {
        "refused",
        "done",
        "failed_no_effect",
        "failed_partial",
        "settled_done",
        "settled_not_done",
        "settled_partial",
        "settled_discarded",
    }
)
"""States in which nothing more is awaited from the device."""

NOT_ACTED: frozenset[CommandStatus] = frozenset({"refused", "failed_no_effect", "settled_not_done"})
"""Of these, those in which the device surely did nothing."""


def advance(status: CommandStatus, report: CommandReport) -> CommandStatus | None:
    """The next state, or None where the report adds nothing (late, doubled, or after a settlement)."""
    return TRANSITIONS.get(status, {}).get(report)
