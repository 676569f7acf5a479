"""Longest times that are in danger, told before they are broken, and what follows where nothing can save one. Pure.

endangered   the plan does not keep it, or a device that it takes is out of use
hopeless     what its own run must still do takes longer than is left: the campaign's policy decides
excused      a person lets the sample go on all the same; it is flagged, and not given up when the limit is broken
safe         no longer in danger
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from lab.domain import event as ev
from lab.domain.holds import Hold, devices_away, holds_of
from lab.domain.ids import hold_id
from lab.engine.look import Decision

if TYPE_CHECKING:
    from lab.domain.state import CampaignState, DeviceStatus, LabState, Question, RunState
    from lab.engine.look import Look

__all__ = ["excused", "hold_asked", "judge_holds"]

_TOLERANCE_S = 1.0
"""By less than this nothing is called hopeless: durations are not known better."""
_WORSE = 1.5
"""A danger is told again when it has grown by this factor, and by a minute."""
_WORSE_S = 60.0


def judge_holds(look: Look) -> Decision:
    """Tell what has changed about the limits of the campaign's runs, and do as its policy says."""
    campaign = look.state.active_campaign
    if campaign is None or look.state.mode == "safe":
        return Decision()
    events: list[ev.Event] = []
    wakes: list[float] = []
    judged: set[tuple[str, str]] = set()
    for run in look.state.open_runs():
        if run.status != "running" or run.campaign != campaign.spec.campaign:
            continue
        for hold in holds_of(run, look.now_s):
            key = run.id, hold.window.name
            known = campaign.hold(*key)
            if known is not None and known.state in ("hopeless", "excused"):
                judged.add(key)
            elif hold.begun and hold.slack_s < -_TOLERANCE_S:
                judged.add(key)
                events += _hopeless(look, campaign, run, hold)
            else:
                if hold.begun:
                    wakes.append(look.now_s + max(0.0, hold.slack_s) + 1.5 * _TOLERANCE_S)
                danger = _away(look, campaign, run, hold)
                if danger is not None:
                    judged.add(key)
                    events += _if_news(campaign, danger)
    if not campaign.plan_stale:
        events += _by_the_plan(look.state, campaign, judged)
    return Decision(tuple(events), (), min(wakes, default=None))


def _by_the_plan(
    state: LabState, campaign: CampaignState, judged: set[tuple[str, str]]
) -> list[ev.Event]:
    """Dangers that the plan names, also for samples that have not begun; and those that are over."""
    events: list[ev.Event] = []
    for item in campaign.broken:
        key = item.run, item.window
        if key in judged or item.by_s <= _TOLERANCE_S:
            continue
        judged.add(key)
        events += _if_news(
            campaign,
            ev.HoldJudged(
                campaign=campaign.spec.campaign,
                run=item.run,
                window=item.window,
                first=item.first,
                second=item.second,
                state="endangered",
                by_s=round(item.by_s, 1),
                reason=f"the plan takes {item.by_s:.0f} s too long from {item.first} to {item.second}",
            ),
        )
    for known in campaign.holds:
        key = known.run, known.window
        if known.state == "endangered" and key not in judged and _still_to_come(state, *key):
            update = {"state": "safe", "by_s": 0.0, "reason": "", "until": None}
            events.append(known.model_copy(update=update))
    return events


def _still_to_come(state: LabState, run: str, window: str) -> bool:
    entry = state.runs.get(run)
    return entry is None or (entry.status == "running" and window not in entry.timing)


def _if_news(campaign: CampaignState, event: ev.HoldJudged) -> list[ev.Event]:
    known = campaign.hold(event.run, event.window)
    if known is None or known.state != event.state or known.away != event.away:
        return [event]
    worse = event.by_s > max(_WORSE * known.by_s, known.by_s + _WORSE_S)
    return [event] if worse else []


def _event(
    campaign: CampaignState,
    run: RunState,
    hold: Hold,
    state: Literal["endangered", "hopeless"],
    reason: str,
    away: tuple[str, ...],
) -> ev.HoldJudged:
    return ev.HoldJudged(
        campaign=campaign.spec.campaign,
        run=run.id,
        window=hold.window.name,
        first=hold.first,
        second=hold.second,
        state=state,
        by_s=round(max(0.0, -hold.slack_s), 1),
        reason=reason,
        away=away,
        until=datetime.fromtimestamp(hold.deadline_s, UTC),
    )


def _away(look: Look, campaign: CampaignState, run: RunState, hold: Hold) -> ev.HoldJudged | None:
    devices = devices_away(run, hold.second, look.state.devices)
    if not devices:
        return None
    return _event(campaign, run, hold, "endangered", _words(devices), tuple(devices))


def _words(devices: dict[str, DeviceStatus]) -> str:
    return ", ".join(
        f"{name} is {status.state}{f' ({status.detail})' if status.detail else ''}"
        for name, status in devices.items()
    )


def _hopeless(look: Look, campaign: CampaignState, run: RunState, hold: Hold) -> list[ev.Event]:
    devices = devices_away(run, hold.second, look.state.devices)
    why = f"; {_words(devices)}" if devices else ""
    reason = (
        f"{hold.window.name} can't be kept any more: at most {hold.window.less_than_s:g} s from {hold.first} to "
        f"{hold.second}, and it takes at least {-hold.slack_s:.0f} s more{why}"
    )
    judged = _event(campaign, run, hold, "hopeless", reason, tuple(devices))
    events: list[ev.Event] = [
        judged,
        ev.SampleFlagged(run=run.id, step=hold.second, flag="timing", reason=reason),
    ]
    match campaign.spec.hopeless_holds:
        case "scrap":
            events.append(ev.RunStopping(run=run.id, outcome="aborted", reason=reason))
        case "ask":
            events.append(
                ev.QuestionAsked(
                    question=_question(run.id, hold.window.name, hold.second),
                    command="",
                    run=run.id,
                    step=hold.second,
                    text=f"{run.id}: {reason}. Does the sample go on all the same, or is it given up?",
                    choices=("continue", "abort"),
                )
            )
        case "wait":
            pass
    return events


def _question(run: str, window: str, second: str) -> str:
    return hold_id(run, second, 0, f"the limit {window}")


def hold_asked(state: LabState, question: Question) -> ev.HoldJudged | None:
    """The judgement that a question is about, if it is about one."""
    run = state.runs.get(question.run)
    campaign = None if run is None else state.campaigns.get(run.campaign)
    if campaign is None:
        return None
    for judged in campaign.holds:
        if judged.run == question.run and question.id == _question(
            judged.run, judged.window, judged.second
        ):
            return judged
    return None


def excused(look: Look, run: RunState, window: str) -> bool:
    """Has a person let the sample go on in spite of this limit?"""
    campaign = look.state.campaigns.get(run.campaign)
    judged = None if campaign is None else campaign.hold(run.id, window)
    return judged is not None and judged.state == "excused"
