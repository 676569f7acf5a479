"""Rows of the plans: each timeline, better ones that were not followed, and longest times in danger. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.ids import run_number
from lab.records.columns import COLUMNS
from lab.records.rows import Rows, utc

if TYPE_CHECKING:
    from lab.records.facts import Facts

__all__ = ["hold_rows", "plan_rows"]


def plan_rows(facts: Facts, campaign: str = "") -> Rows:
    """One row per timeline, and per better one that was looked for and not followed."""
    rows = Rows(columns=COLUMNS["plans"])
    rows.extend(
        {
            "campaign": fact.campaign,
            "seq": fact.seq,
            "at": utc(fact.at_s),
            "followed": fact.followed,
            "source": fact.source,
            "reason": fact.reason,
            "gain_s": fact.gain_s,
            "makespan_gain_s": fact.makespan_gain_s,
            "holds_not_kept": fact.holds_not_kept,
        }
        for fact in facts.plans.plans
        if campaign in ("", fact.campaign)
    )
    return rows


def hold_rows(facts: Facts, run: str = "") -> Rows:
    """One row each time that something was told of a longest time; its run may never have begun."""
    rows = Rows(columns=COLUMNS["holds"])
    for fact in facts.plans.holds:
        event = fact.event
        if run in ("", event.run):
            rows.append(
                {
                    "run": event.run,
                    "campaign": event.campaign,
                    "trial": run_number(event.run),
                    "at": utc(fact.at_s),
                    "window": event.window,
                    "first": event.first,
                    "second": event.second,
                    "status": event.state,
                    "by_s": event.by_s,
                    "reason": event.reason,
                    "away": " | ".join(event.away),
                    "due_at": None if event.until is None else utc(event.until.timestamp()),
                }
            )
    return rows
