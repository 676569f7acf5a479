"""Words, signs and colours for what the lab does. A colour never stands alone: a sign and a word go with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lab.plan.gantt import sample_colour as trial_colour

__all__ = [
    "AMBER",
    "BLUE",
    "GREEN",
    "GREY",
    "INK",
    "RED",
    "Sign",
    "clock_time",
    "device_sign",
    "duration",
    "mode_sign",
    "no_engine_sign",
    "number",
    "status_sign",
    "trial_colour",
    "unit_text",
    "words_of",
]

INK = "#1f2937"
GREY = "#6b7280"
BLUE = "#1d5b8f"
GREEN = "#1a7f4b"
AMBER = "#a15c00"
RED = "#b42318"


@dataclass(frozen=True, slots=True)
class Sign:
    """How a state is shown: a glyph of its own shape, a word, a colour that reads on white."""

    glyph: str
    word: str
    colour: str


_DEVICES = {
    "busy": Sign("▶", "working", BLUE),
    "ready": Sign("●", "ready", GREEN),
    "manual": Sign("◆", "in manual use", AMBER),
    "fault": Sign("✖", "fault", RED),
    "safe": Sign("■", "safe state", AMBER),
    "disconnected": Sign("◌", "disconnected", RED),
    "lost": Sign("◌", "no heartbeat", RED),
}
_MODES = {
    "running": Sign("▶", "Running", GREEN),
    "paused": Sign("❚❚", "Paused", AMBER),
    "stopping": Sign("◼", "Stopping", AMBER),
    "safe": Sign("■", "Made safe", RED),
    "idle": Sign("○", "Idle", GREY),
}
_STATUS = {
    "running": Sign("▶", "running", BLUE),
    "stopping": Sign("◼", "ending", AMBER),
    "succeeded": Sign("✔", "succeeded", GREEN),
    "done": Sign("✔", "done", GREEN),
    "completed": Sign("✔", "completed", GREEN),
    "failed": Sign("✖", "failed", RED),
    "aborted": Sign("✖", "aborted", RED),
    "stopped": Sign("◼", "stopped", AMBER),
    "interrupted": Sign("✖", "interrupted", RED),
    "pending": Sign("…", "under way", BLUE),
    "waiting": Sign("…", "waiting", GREY),
    "not_run": Sign("-", "not run", GREY),
    "skipped": Sign("↷", "skipped", GREY),
    "open": Sign("◔", "open", BLUE),
    "answered": Sign("✔", "answered", GREEN),
    "withdrawn": Sign("-", "withdrawn", GREY),
    "unwitnessed": Sign("◔", "waits for a witness", BLUE),
    "not_witnessed": Sign("✖", "nobody witnessed it", RED),
    "unanswered": Sign("✖", "nobody answered", RED),
    "kept": Sign("✔", "kept", GREEN),
    "broken": Sign("✖", "broken", RED),
    "not_reached": Sign("-", "not reached", GREY),
    "accepted": Sign("✔", "accepted", GREEN),
    "rejected": Sign("✖", "not accepted", RED),
    "not_judged": Sign("-", "not judged", GREY),
    "endangered": Sign("▲", "in danger", AMBER),
    "hopeless": Sign("✖", "can't be kept", RED),
    "excused": Sign("◆", "not kept, goes on", AMBER),
    "safe": Sign("✔", "no longer in danger", GREEN),
}


def device_sign(state: str, *, busy: bool = False) -> Sign:
    """The sign of a device; one that is ready and has a command is working."""
    if busy and state in ("ready", "unknown"):
        return _DEVICES["busy"]
    return _DEVICES.get(state, Sign("?", state or "unknown", GREY))


def mode_sign(mode: str, *, idle: bool = False) -> Sign:
    """The sign of the lab's mode; running without an open campaign is idle."""
    return _MODES["idle"] if idle and mode == "running" else _MODES[mode]


def no_engine_sign() -> Sign:
    """In place of the mode where no engine runs: then nothing starts, whatever the mode was."""
    return Sign("○", "No engine", GREY)


def status_sign(status: str) -> Sign:
    """The sign of a run's, step's, trial's or campaign's status."""
    return _STATUS.get(status, Sign("?", status, GREY))


def duration(seconds: float) -> str:
    """`48 s`, `4 min 10 s`, `3 h 5 min`, `2 d 4 h`."""
    whole = round(max(seconds, 0.0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    if whole < 86400:
        hours, rest = divmod(whole // 60, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days, rest = divmod(whole // 3600, 24)
    return f"{days} d {rest} h" if rest else f"{days} d"


def clock_time(iso_or_seconds: str | float | None) -> str:
    """`08:24:10` in UTC out of ISO 8601 text or process seconds; a dash where nothing is known."""
    if iso_or_seconds is None:
        return "-"
    if isinstance(iso_or_seconds, str):
        return f"{datetime.fromisoformat(iso_or_seconds).astimezone(UTC):%H:%M:%S}"
    return f"{datetime.fromtimestamp(iso_or_seconds, UTC):%H:%M:%S}"


def words_of(name: str) -> str:
    """A name of a parameter as people read it: `concentrate_volume` -> `concentrate volume`."""
    return name.replace("_", " ")


def unit_text(unit: str) -> str:
    """A unit as it is printed: `degC` -> `°C`, `uL` -> `µL`."""
    return {"degC": "°C", "delta_degC": "K", "degF": "°F", "uL": "\N{MICRO SIGN}L", "ohm": "Ω"}.get(
        unit, unit
    )


def number(value: float | str | None, digits: int = 4) -> str:
    """A number with so many significant digits; a dash where there is none. A choice is its own name."""
    if isinstance(value, str):
        return value
    return "-" if value is None else f"{value:.{digits}g}"
