"""Pieces of the overview as HTML text. Pure; every name and message from the records is escaped."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from dashboard.words import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    INK,
    RED,
    clock_time,
    device_sign,
    duration,
    mode_sign,
    no_engine_sign,
    number,
    status_sign,
    trial_colour,
    unit_text,
    words_of,
)
from lab.domain.ids import run_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dashboard.words import Sign
    from lab.control.document import (
        CurrentDocument,
        DeviceDocument,
        EngineDocument,
        HoldDocument,
        QueuedDocument,
        RunDocument,
        ServiceDocument,
        StatusDocument,
        SupplyDocument,
        TaskDocument,
        WaitDocument,
        WindowDocument,
    )
    from lab.records.rows import Row

__all__ = [
    "AGED_S",
    "banner",
    "device_tiles",
    "holds",
    "queue",
    "run_cards",
    "services",
    "sign_text",
    "task_answers",
    "task_head",
    "task_notice",
]

_MOST_HOLDS = 8
"""A device that fails may endanger every sample; more than this nobody reads."""

_NEED_A_PERSON = ("question", "person")

AGED_S = 600.0
"""A reading older than this (process seconds) is greyed: it says what was, not what is."""

_CSS = f"""<style>
.lw {{ color: {INK}; font-size: 1rem; line-height: 1.45; }}
.lw .muted {{ color: {GREY}; }}
.lw-banner {{ display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; align-items: baseline; border-left: 6px solid;
  background: #f8fafc; border-radius: 6px; padding: .7rem 1rem; }}
.lw-banner .mode {{ font-size: 1.35rem; font-weight: 650; }}
.lw-banner .right {{ margin-left: auto; text-align: right; font-variant-numeric: tabular-nums; }}
.lw-grid {{ display: grid; gap: .8rem; }}
.lw-runs {{ grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); }}
.lw-tiles {{ grid-template-columns: repeat(auto-fill, minmax(13.5rem, 1fr)); }}
.lw-card {{ border: 1px solid #e2e5ea; border-radius: 8px; padding: .75rem .95rem; background: white; }}
.lw-card.late {{ border-color: {AMBER}; }}
.lw-head {{ display: flex; gap: .6rem; align-items: baseline; }}
.lw-head b {{ font-size: 1.08rem; }}
.lw-head .muted {{ margin-left: auto; font-variant-numeric: tabular-nums; }}
.lw-chip {{ display: inline-block; width: .7rem; height: .7rem; border-radius: 3px; }}
.lw-bar {{ height: 6px; border-radius: 3px; background: #e5e7eb; margin: .5rem 0 .6rem; overflow: hidden; }}
.lw-bar div {{ height: 100%; }}
.lw-row {{ display: grid; grid-template-columns: 1.3rem 1fr auto; gap: .3rem; padding: .16rem 0; }}
.lw-row .time {{ color: {GREY}; font-variant-numeric: tabular-nums; white-space: nowrap; }}
.lw-value {{ font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; margin-top: .2rem; }}
.lw-value.aged {{ color: #9aa1ab; font-weight: 500; }}
.lw-small {{ font-size: .86rem; }}
</style>"""


def sign_text(sign: Sign) -> str:
    """Glyph and word in the sign's colour."""
    return (
        f'<span style="color:{sign.colour};font-weight:600">{sign.glyph} {escape(sign.word)}</span>'
    )


def _page(body: str) -> str:
    return f'{_CSS}<div class="lw">{body}</div>'


def banner(
    document: StatusDocument, engine: EngineDocument | None, trouble: str, read_at: datetime
) -> str:
    """Mode with who and why; the engine, or that none runs; and how fresh all of this is."""
    idle = not any(campaign["status"] == "running" for campaign in document["campaigns"])
    sign = mode_sign(document["mode"], idle=idle) if engine else no_engine_sign()
    text = document["mode_text"]
    if document["mode"] == "running" and not idle:
        text = "steps start as planned"
    since = f"since {clock_time(document['mode_since'])}" if document["mode_since"] else ""
    if engine is None:
        text = f"last recorded: {document['mode_text']}"
        told = "<b>No engine answers: read-only.</b> Nothing starts until one does."
        if trouble:
            told += f' <span class="muted lw-small">({escape(trouble)})</span>'
    else:
        pace = f", {engine['speed']:g}x real time" if engine["clock"] == "scaled" else ""
        told = (
            f"engine {engine['epoch']} answers, process {engine['pid']}, "
            f"{escape(engine['clock'])} clock{pace}"
        )
        if engine["trouble"]:
            text = f"nothing begins: {engine['trouble']}"
    last = clock_time(document["last_event"])
    return _page(
        f'<div class="lw-banner" style="border-color:{sign.colour}" role="status">'
        f'<span class="mode">{sign_text(sign)}</span>'
        f'<span>{escape(text)} <span class="muted">{since}</span></span>'
        f'<span class="muted">{told}</span>'
        f'<span class="right">data as of <b>{read_at:%H:%M:%S}</b>'
        f'<span class="muted lw-small"> · event {document["seq"]} at {last} process time, UTC</span></span>'
        "</div>"
    )


def run_cards(runs: Sequence[RunDocument], units: Mapping[str, str], *, live: bool = True) -> str:
    """One card per open run: what it does now, what it waits for and since when.

    units: of the factors. live: an engine runs; otherwise the steps are those that were under way when it ended.
    """
    if not runs:
        return _page('<p class="muted">○ No run is open.</p>')
    return _page(
        f'<div class="lw-grid lw-runs">{"".join(_run_card(run, units, live=live) for run in runs)}</div>'
    )


def _run_card(run: RunDocument, units: Mapping[str, str], *, live: bool) -> str:
    share = 100 * run["steps_succeeded"] / max(run["steps"], 1)
    colour = trial_colour(run["trial"])
    factors = ", ".join(
        escape(f"{words_of(k)} {number(v)} {unit_text(units.get(k, ''))}".rstrip())
        for k, v in run["factors"].items()
    )
    ending = ""
    if run["status"] != "running":
        ending = f"<div>{sign_text(status_sign(run['status']))}: {escape(run['reason'])}</div>"
    if live:
        rows = "".join(
            _line(
                "▶",
                BLUE,
                _step_text(step),
                f"{duration(step['for_s'])} of about {duration(step['planned_s'])}",
            )
            for step in run["current"]
        )
        rows += "".join(_wait(wait) for wait in run["waits"])
        rows += "".join(_window(window) for window in run["windows"])
    else:
        # Whether it still runs, nobody knows; and it waits for an engine, whatever held it before.
        rows = "".join(
            _line(
                "?", GREY, f"{_step_text(step)} was under way", f"since {clock_time(step['since'])}"
            )
            for step in run["current"]
        )
        rows += _line("…", GREY, "waits for an engine: none answers", "")
    flags = "".join(_line("⚑", AMBER, f"flagged: {escape(flag)}", "") for flag in run["flags"])
    return (
        f'<div class="lw-card{" late" if any(w["kind"] in _NEED_A_PERSON for w in run["waits"]) else ""}">'
        f'<div class="lw-head"><span class="lw-chip" style="background:{colour}"></span>'
        f"<b>Sample {run['trial']}</b>"
        f'<span class="muted">{run["steps_succeeded"]} of {run["steps"]} steps · {duration(run["for_s"])}</span></div>'
        f'<div class="muted lw-small">{escape(run["run"])} · {factors}</div>'
        f'<div class="lw-bar"><div style="width:{share:.0f}%;background:{colour}"></div></div>'
        f"{ending}{rows}{flags}</div>"
    )


def _step_text(step: CurrentDocument) -> str:
    again = f", try {step['attempt']}" if step["attempt"] > 1 else ""
    return f"<b>{escape(step['title'])}</b> on {escape(step['device'])}{again}"


def _wait(wait: WaitDocument) -> str:
    held = (*_NEED_A_PERSON, "paused", "safe", "device", "unknown")
    colour = AMBER if wait["kind"] in held else GREY
    glyph = "⚑" if wait["kind"] in _NEED_A_PERSON else "…"
    return _line(
        glyph,
        colour,
        f"<b>{escape(wait['title'])}</b> waits for {escape(wait['waits_for'])}",
        f"since {clock_time(wait['since'])} ({duration(wait['for_s'])})",
    )


def _window(window: WindowDocument) -> str:
    left_s = window["left_s"]
    what = f"time window <b>{escape(window['window'])}</b>"
    if left_s < 0:
        return _line("✖", RED, f"{what} is broken: overdue", f"by {duration(-left_s)}")
    return _line("◔", GREY, f"{what} closes", f"in {duration(left_s)}")


def _line(glyph: str, colour: str, text: str, time: str) -> str:
    return (
        f'<div class="lw-row"><span style="color:{colour}">{glyph}</span>'
        f'<span>{text}</span><span class="time">{time}</span></div>'
    )


def task_notice(tasks: Sequence[TaskDocument]) -> str:
    """That people are needed, for a page that is not the tasks' own."""
    rows = "".join(
        _line("⚑", AMBER, _task_words(task), f"{duration(task['left_s'])} left") for task in tasks
    )
    return _page(
        f'<div class="lw-banner" style="border-color:{AMBER}" role="status"><div style="flex:1">'
        f"<b>People are needed</b>: see the page Tasks{rows}</div></div>"
    )


def _task_words(task: TaskDocument) -> str:
    who = "a witness" if task["waits_for"] == "witness" else "somebody to do it"
    return f"<b>Sample {task['trial']}, {escape(task['title'])}</b> waits for {who}"


def holds(found: Sequence[HoldDocument], *, live: bool = True) -> str:
    """Longest times in danger: which sample, between which steps, why, and what the campaign does; the worst first."""
    shown = "".join(_hold(hold, live=live) for hold in found[:_MOST_HOLDS])
    more = len(found) - _MOST_HOLDS
    rest = _line("…", GREY, f"and {more} more: see `lab status`", "") if more > 0 else ""
    worst = RED if any(hold["state"] == "hopeless" for hold in found) else AMBER
    return _page(
        f'<div class="lw-banner" style="border-color:{worst}" role="status"><div style="flex:1">'
        f"<b>Longest times in danger</b>{shown}{rest}</div></div>"
    )


def _hold(hold: HoldDocument, *, live: bool) -> str:
    sign = status_sign(hold["state"])
    sample = run_number(hold["run"])
    told = f"<b>Sample {sample or escape(hold['run'])}</b>, {escape(hold['window'])}"
    between = f"from {escape(hold['first'])} to {escape(hold['second'])}"
    # What follows is the engine's to do.
    follows = (
        f" {escape(hold['follows'][:1].upper() + hold['follows'][1:])}."
        if live and hold["follows"]
        else ""
    )
    parts: list[str] = []
    if hold["by_s"]:
        parts.append(f"{duration(hold['by_s'])} too long")
    if hold["until"]:
        parts.append(f"due by {clock_time(hold['until'])}")
    return _line(
        sign.glyph,
        sign.colour,
        f"{told} ({between}): <b>{escape(sign.word)}</b>"
        f'<div class="muted lw-small">{escape(hold["reason"])}.{follows}</div>',
        ", ".join(parts),
    )


def task_head(task: TaskDocument) -> str:
    """Which sample, where, what is asked, since when, and how long there is time."""
    where = f" · at {escape(', '.join(task['at']))}" if task["at"] else ""
    short = task["left_s"] < 0.2 * (task["left_s"] + task["for_s"])
    left = f'<b style="color:{RED if short else INK}">{duration(task["left_s"])} left</b>'
    more = f'<div class="muted">{escape(task["instruction"])}</div>' if task["instruction"] else ""
    return _page(
        f'<div class="lw-head"><span class="lw-chip" style="background:{trial_colour(task["trial"])}"></span>'
        f"<b>Sample {task['trial']}: {escape(task['title'])}</b>"
        f'<span class="muted">asked at {clock_time(task["since"])}, {duration(task["for_s"])} ago · {left}</span></div>'
        f'<div class="muted lw-small">{escape(task["run"])}{where} · {escape(task["id"])}</div>'
        f'<div style="font-size:1.15rem;margin:.5rem 0 .2rem">{escape(task["prompt"])}</div>{more}'
    )


def task_answers(task: TaskDocument) -> str:
    """What the performer answered, for the witness to compare."""
    rows = "".join(
        _line("✔", GREEN, f"{escape(field['prompt'] or words_of(field['name']))} <b>{said}</b>", "")
        for field in task["fields"]
        if (said := _said(task["answers"].get(field["name"]), field["unit"]))
    )
    return _page(f"<div>{escape(task['answered_by'])} has done it:</div>{rows}")


def _said(value: float | bool | str | None, unit: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape(f"{value} {unit_text(unit)}".rstrip())


def queue(queued: Sequence[QueuedDocument]) -> str:
    """Runs that are planned and have not started, with the reason."""
    return _page("".join(_queued(run) for run in queued))


def _queued(run: QueuedDocument) -> str:
    wait = run["waits"][0]
    return _line(
        "…",
        GREY,
        f"<b>{escape(run['run'])}</b> waits for {escape(wait['waits_for'])}",
        f"since {clock_time(wait['since'])} ({duration(wait['for_s'])})",
    )


def services(planned: Sequence[ServiceDocument], supplies: Sequence[SupplyDocument]) -> str:
    """What people are asked for and will be, and how much is left of what they give back."""
    return _page(
        "".join(_service(item) for item in planned) + "".join(_supply(item) for item in supplies)
    )


def _service(item: ServiceDocument) -> str:
    about = f"<b>{escape(item['task'])}</b>"
    if item["question"]:
        return _line("?", AMBER, f"{about} is asked for", f"since {clock_time(item['start'])}")
    waits = f"before {escape(item['run'])} {escape(item['step'])}" if item["run"] else ""
    return _line("…", GREY, f"{about} {waits}", f"about {clock_time(item['start'])}")


def _supply(item: SupplyDocument) -> str:
    unit = item["unit"] or "actions"
    left = f"{item['left']:.4g} of {item['room']:.4g} {unit} left" if item["room"] else ""
    done = item["done"]
    by = f"seen to by {item['done_by']} at {clock_time(done)}" if done else ""
    return _line("·", GREY, f"{escape(item['service'])} {left}", escape(by))


def device_tiles(
    devices: Sequence[DeviceDocument], latest: Sequence[Row], now_s: float, *, live: bool
) -> str:
    """One tile per device: state in words, what it does, its newest reading with age. Greyed where it is aged."""
    readings: dict[str, list[Row]] = {}
    for row in latest:
        readings.setdefault(str(row["device"]), []).append(row)
    tiles = "".join(_tile(d, readings.get(d["device"], []), now_s, live=live) for d in devices)
    return _page(f'<div class="lw-grid lw-tiles">{tiles}</div>')


def _tile(device: DeviceDocument, readings: Sequence[Row], now_s: float, *, live: bool) -> str:
    busy = device["busy_with"]
    sign = device_sign(device["state"], busy=busy is not None)
    state = (
        sign_text(sign) if live else f'<span class="muted">{sign.glyph} {escape(sign.word)}</span>'
    )
    doing = f"{escape(busy['action'])} for {escape(busy['run'].rpartition('/')[2])}" if busy else ""
    since = f"for {duration(device['for_s'])}" if device["for_s"] is not None and not busy else ""
    detail = escape(device["detail"]) if device["detail"] else ""
    told = escape(" ".join(part for part in (device["manufacturer"], device["model"]) if part))
    simulated = " · simulated" if device["simulated"] else ""
    values = "".join(_reading(row, now_s) for row in readings)
    about = " · ".join(part for part in (doing, detail, since) if part)
    return (
        f'<div class="lw-card"><div class="lw-head"><b>{escape(device["device"])}</b></div>'
        f'<div>{state} <span class="muted lw-small">{about}</span></div>{values}'
        f'<div class="muted lw-small">{told}{simulated}</div></div>'
    )


def _reading(row: Row, now_s: float) -> str:
    at, value = row["at"], row["value"]
    age_s = now_s - at.timestamp() if isinstance(at, datetime) else 0.0
    aged = age_s > AGED_S
    shown = number(value if isinstance(value, float) else None)
    old = "old value, " if aged else ""
    return (
        f'<div class="lw-value{" aged" if aged else ""}">{shown} {escape(unit_text(str(row["unit"])))}</div>'
        f'<div class="muted lw-small">{escape(words_of(str(row["name"])))}, {old}{duration(age_s)} ago</div>'
    )
