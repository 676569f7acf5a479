"""Time windows that run at present, for the status document. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.control.moments import elapsed, iso
from lab.domain.course import begin_of

if TYPE_CHECKING:
    from lab.control.document import HoldDocument, WindowDocument
    from lab.domain.event_plan import HopelessPolicy
    from lab.domain.state import LabState, RunState

__all__ = ["hold_documents", "window_documents"]


def window_documents(run: RunState, now_s: float) -> list[WindowDocument]:
    """Those with a longest allowed time that have begun and not ended, the next to close first."""
    found: list[WindowDocument] = []
    for window in run.plan.timing:
        limit_s = window.less_than_s
        if limit_s is None or window.name in run.timing:
            continue
        begin_s = begin_of(run, window)
        # Where all steps of its end are skipped, it will never end.
        waiting = [path for path in window.to_steps if run.steps[path].status != "skipped"]
        if begin_s is not None and waiting:
            found.append(
                {
                    "window": window.name,
                    "ends": f"{waiting[0]}.{window.to_mark}",
                    "since": iso(begin_s),
                    "for_s": elapsed(begin_s, now_s),
                    "left_s": round(begin_s + limit_s - now_s, 3),
                }
            )
    return sorted(found, key=lambda window: window["left_s"])


def hold_documents(state: LabState) -> list[HoldDocument]:
    """Limits in danger of samples that are under way or planned; those that nothing can save first."""
    campaign = state.active_campaign
    found: list[HoldDocument] = []
    if campaign is None:
        return found
    for judged in campaign.holds:
        run = state.runs.get(judged.run)
        over = run is not None and (run.status != "running" or judged.window in run.timing)
        if judged.state == "safe" or over:
            continue
        found.append(
            {
                "run": judged.run,
                "window": judged.window,
                "first": judged.first,
                "second": judged.second,
                "state": judged.state,
                "by_s": judged.by_s,
                "reason": judged.reason,
                "away": list(judged.away),
                "until": None if judged.until is None else iso(judged.until.timestamp()),
                "follows": _follows(judged.state, campaign.spec.hopeless_holds),
            }
        )
    return sorted(found, key=lambda item: (item["state"] == "endangered", -item["by_s"]))


def _follows(state: str, policy: HopelessPolicy) -> str:
    """What becomes of the sample, in words; nothing more where a person has let it go on."""
    match policy:
        case _ if state == "excused":
            return ""
        case "wait":
            words = "the sample is flagged and goes on when it can"
        case "scrap":
            words = "the sample is given up at once"
        case "ask":
            words = "the sample waits until a person decides"
    return words if state == "hopeless" else f"if nothing can save it, {words}"
