"""The status document in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.control.document import EngineStatus, WaitDocument

__all__ = ["status_lines"]


def status_lines(document: EngineStatus) -> list[str]:
    """What an operator wants first: what needs a person, then what runs, what waits and why, then the devices."""
    lines = [f"lab is {document['mode_text']}"]
    for question in document["questions"]:
        lines += [
            f"QUESTION {question['id']}: {question['text']}",
            f"    answer with: lab answer {question['id']} {'|'.join(question['choices'])}",
        ]
    for campaign in document["campaigns"]:
        trials = campaign["trials"]
        text = (
            f"campaign {campaign['campaign']} {campaign['status']}: {trials['done']} done, "
            f"{trials['failed']} failed, {trials['open']} open of {trials['budget']}"
        )
        best = campaign["best"]
        if best is not None:
            text += f"; best {best['value']:.4g} {campaign['objective']['unit']} (trial {best['trial']})"
        lines.append(text)
    for run in document["runs"]:
        lines.append(
            f"  {run['run']} {run['status']}, {run['steps_succeeded']}/{run['steps']} steps done"
        )
        lines += [
            f"    does   {step['title']} on {step['device']}, for {_duration(step['for_s'])}"
            f" of about {_duration(step['planned_s'])}"
            for step in run["current"]
        ]
        lines += [_waiting(wait) for wait in run["waits"]]
    for queued in document["queued"]:
        lines.append(f"  {queued['run']} not begun")
        lines += [_waiting(wait) for wait in queued["waits"]]
    for device in document["devices"]:
        busy = device["busy_with"]
        doing = f"busy with {busy['run']} {busy['action']}" if busy else device["state"]
        detail = f" ({device['detail']})" if device["detail"] else ""
        lines.append(f"  {device['device']:<20} {doing}{detail}")
    return lines


def _waiting(wait: WaitDocument) -> str:
    return f"    waits  {wait['step']}: {wait['waits_for']}, for {_duration(wait['for_s'])}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "?"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
