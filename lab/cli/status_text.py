"""The status document in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.app.report import setting, with_unit
from lab.cli.event_text import answers_text
from lab.control.evidence import context_lines, evidence_lines, failure_line
from lab.domain.event_base import range_mark

if TYPE_CHECKING:
    from lab.control.document import (
        CampaignDocument,
        EngineDocument,
        EngineStatus,
        HoldDocument,
        ProposedTrialDocument,
        StatusDocument,
        SupplyDocument,
        TaskDocument,
        WaitDocument,
        WindowDocument,
    )

__all__ = ["lab_lines", "status_lines"]

_DECISIONS_SHOWN = 3
"""The latest; `lab status --json` and `lab records show` have them all."""


_SERVICES_SHOWN = 3
"""What people will be asked for next."""


def status_lines(document: EngineStatus) -> list[str]:
    """The engine's own trouble first, then the lab's state."""
    return _trouble(document["engine"]) + lab_lines(document)


def lab_lines(document: StatusDocument) -> list[str]:
    """What an operator wants first: what needs a person, then what runs, what waits and why, then the devices."""
    lines = [f"lab is {document['mode_text']}"]
    for question in document["questions"]:
        lines += [
            f"QUESTION {question['id']}: {question['text']}",
            f"    answer with: lab answer {question['id']} {'|'.join(question['choices'])} --who NAME",
        ]
    for task in document["tasks"]:
        lines += _task(task)
    lines += [
        f"NEXT {service['task']}, about {service['start']}, before {service['run']} {service['step']}"
        for service in document["services"][:_SERVICES_SHOWN]
        if not service["question"]
    ]
    for campaign in document["campaigns"]:
        trials = campaign["trials"]
        text = (
            f"campaign {campaign['campaign']} {campaign['status']}: {trials['done']} done, "
            f"{trials['failed']} failed, {trials['open']} open of {trials['budget']}"
        )
        if trials["counting"]:
            text += f" ({trials['counted']} done by {trials['counting']}, which counts)"
        if trials["cost_left"] is not None:
            text += f"; {trials['cost_left']:g} of a cost of {trials['cost_budget']:g} left"
        best = campaign["best"]
        if best is not None:
            mark = range_mark(best["beyond"])
            text += f"; best {mark}{best['value']:.4g} {campaign['objective']['unit']} (trial {best['trial']})"
        elif campaign["further"]:
            text += f"; {len(campaign['front'])} trials on the front"
        lines.append(text)
        near, unit = campaign["nearness"], campaign["objective"]["unit"]
        if near is not None:
            lines.append(
                f"    trial {near['trial']} is within {near['within']:g} {near['unit']} of the optimum with a probability of "
                f"{near['probability']:.0%}"
            )
        lines += _context(campaign)
        cost_unit = campaign["cost_unit"]
        if cost_unit:
            lines.append(f"    its ended trials did cost {with_unit(campaign['spent'], cost_unit)}")
        for item in campaign["proposed"]:
            lines += _proposed(item, unit, cost_unit)
        told = campaign["outside"]
        if told["latest"]:
            lines.append(
                f"    {told['done'] + told['failed']} results from outside, the last {told['latest']}"
            )
        lines += [
            f"    trial {item['trial']} {failure_line(item)}" for item in campaign["failures"]
        ]
    for run in document["runs"]:
        lines.append(
            f"  {run['run']} {run['status']}, {run['steps_succeeded']}/{run['steps']} steps done"
            + (f", {run['steps_skipped']} skipped" if run["steps_skipped"] else "")
        )
        lines += [f"    FLAG   {flag}" for flag in run["flags"]]
        lines += [
            f"    does   {step['title']} on {step['device']}, for {_duration(step['for_s'])}"
            f" of about {_duration(step['planned_s'])}"
            + (
                f"; STOP asked by {step['cancel_asked_by']}, not confirmed yet"
                if step["cancel_asked_by"]
                else ""
            )
            for step in run["current"]
        ]
        lines += [_window(window) for window in run["windows"]]
        lines += [f"    decided {text}" for text in run["decisions"][-_DECISIONS_SHOWN:]]
        lines += [_waiting(wait) for wait in run["waits"]]
    for queued in document["queued"]:
        lines.append(f"  {queued['run']} not begun")
        lines += [_waiting(wait) for wait in queued["waits"]]
    lines += [_hold(hold) for hold in document["holds"]]
    for lock in document["interlocks"]:
        text = f"  interlock {lock['interlock']} {lock['state']}: {lock['detail']}"
        if lock["state"] != "holds":
            text += (
                f"; keeps {', '.join(lock['blocks'])} from acting, for {_duration(lock['for_s'])}"
            )
        lines.append(text)
    lines += [_supply(supply) for supply in document["supplies"]]
    for device in document["devices"]:
        busy = device["busy_with"]
        doing = f"busy with {busy['run']} {busy['action']}" if busy else device["state"]
        detail = f" ({device['detail']})" if device["detail"] else ""
        lines.append(f"  {device['device']:<20} {doing}{detail}")
    return lines


def _context(campaign: CampaignDocument) -> list[str]:
    """What nobody chooses, and what proposals wait for."""
    lines = [f"    {text}" for text in context_lines(campaign["context"])]
    waits = campaign["awaited"]
    if waits is None:
        return lines
    lines.append(
        f"    NOTHING IS PROPOSED, for {_duration(waits['for_s'])}: {waits['detail']} ({waits['factor']})"
    )
    if not waits["device"]:
        lines.append(f"    tell it with: lab trial context --set {waits['factor']}=... --who NAME")
    return lines


def _proposed(item: ProposedTrialDocument, unit: str, cost_unit: str) -> list[str]:
    """An open trial, and why it was proposed."""
    factors = ", ".join(f"{name} = {setting(value)}" for name, value in item["factors"].items())
    if item["fidelity"]:
        factors += f", measured by {item['fidelity']}"
    note = f" ({item['note']})" if item["note"] else ""
    lines = [f"    trial {item['trial']}: {factors}{note}"]
    if item["waits_for_approval"]:
        lines = [
            f"APPROVE trial {item['trial']}: {factors}{note}",
            f"    lab trial approve {item['trial']} --who NAME, or reject or edit it",
        ]
    lines += [f"        {text}" for text in evidence_lines(item, unit, cost_unit)]
    return lines


def _trouble(engine: EngineDocument) -> list[str]:
    if not engine["trouble"]:
        return []
    since = f" since {engine['trouble_since']}" if engine["trouble_since"] else ""
    return [
        f"TROUBLE{since}: {engine['trouble']}",
        "    nothing begins until they can; devices with a dead-man timer become safe; only `lab safe` is obeyed",
    ]


def _task(task: TaskDocument) -> list[str]:
    """What is asked, since when, and what the next person types."""
    lines = [
        f"TASK {task['id']}: {task['prompt']} ({task['run']}, {task['title']}), "
        f"for {_duration(task['for_s'])}, {_duration(task['left_s'])} left"
    ]
    if task["waits_for"] == "witness":
        said = answers_text(task["answers"], {f["name"]: f["unit"] for f in task["fields"]})
        return [
            *lines,
            f"    {task['answered_by']} has done it{f': {said}' if said else ''}",
            f"    waits for a witness, somebody else: lab witness {task['id']} --who NAME",
        ]
    fields: list[str] = []
    for field in task["fields"]:
        optional = "" if field["required"] else ", may be left out"
        prompt = f"{field['prompt']}: " if field["prompt"] else ""
        lines.append(f"    {field['name']}: {prompt}{field['takes']}{optional}")
        fields.append(f"{field['name']}=..." if field["required"] else f"[{field['name']}=...]")
    typed = " ".join(["lab answer", task["id"], *fields, "--who NAME"])
    after = ", then a witness" if task["sign"] == "witness" else ""
    return [*lines, f"    answer with: {typed}{after}"]


def _supply(supply: SupplyDocument) -> str:
    """`  stock water          12 of 50 mL left; seen to by Ada at ...`"""
    by = f"; seen to by {supply['done_by']} at {supply['done']}" if supply["done"] else ""
    if not supply["room"]:
        return f"  {supply['service']:<20}{by.removeprefix(';')}"
    unit = supply["unit"] or "actions"
    return f"  {supply['service']:<20} {supply['left']:.4g} of {supply['room']:.4g} {unit} left{by}"


def _hold(hold: HoldDocument) -> str:
    limit = f"  LIMIT {hold['window']} of {hold['run']} ({hold['first']} to {hold['second']})"
    match hold["state"]:
        case "endangered":
            due = f"; due by {hold['until']}" if hold["until"] else ""
            return f"{limit} is in danger: {hold['reason']}{due}; {hold['follows']}"
        case "hopeless":
            return f"{limit} can't be kept, by {_duration(hold['by_s'])}; {hold['follows']}"
        case "excused":
            return f"{limit} is not kept; the sample is {hold['reason']}"


def _window(window: WindowDocument) -> str:
    left_s = window["left_s"]
    if left_s < 0:
        return f"    WINDOW {window['window']} is overdue by {_duration(-left_s)}"
    return f"    window {window['window']} closes in {_duration(left_s)}"


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
