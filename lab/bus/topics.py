"""Topic names: `labwright/1/<lab>/<device>/<leaf>` (see docs/reference/bus.md)."""

from __future__ import annotations

__all__ = [
    "ack",
    "cmd",
    "data",
    "desc",
    "engine_beat",
    "evt",
    "hb",
    "lab_events",
    "split",
    "state",
    "status_of_all",
]

_ROOT = "labwright/1"


def _topic(lab: str, device: str, leaf: str) -> str:
    return f"{_ROOT}/{lab}/{device}/{leaf}"


def desc(lab: str, device: str) -> str:
    """Retained description of a device."""
    return _topic(lab, device, "desc")


def state(lab: str, device: str) -> str:
    """Retained state of a device."""
    return _topic(lab, device, "state")


def hb(lab: str, device: str) -> str:
    """Heartbeat, each real second."""
    return _topic(lab, device, "hb")


def cmd(lab: str, device: str) -> str:
    """Commands and queries, from the engine alone; never retained."""
    return _topic(lab, device, "cmd")


def ack(lab: str, device: str) -> str:
    """Receipts: accepted or refused, with the reason."""
    return _topic(lab, device, "ack")


def evt(lab: str, device: str) -> str:
    """Progress, outcomes and answers to queries."""
    return _topic(lab, device, "evt")


def data(lab: str, device: str, channel: str) -> str:
    """Telemetry of one channel."""
    return _topic(lab, device, f"data/{channel}")


def engine_beat(lab: str) -> str:
    """The engine's own heartbeat, for all hosts of a lab."""
    return f"{_ROOT}/{lab}/_engine"


def lab_events(lab: str) -> str:
    """What the journal already holds, for whoever listens."""
    return f"{_ROOT}/{lab}/_event"


def status_of_all(lab: str) -> tuple[str, ...]:
    """Patterns by which the engine hears every device of a lab."""
    return tuple(_topic(lab, "+", leaf) for leaf in ("desc", "state", "hb", "ack", "evt"))


def split(topic: str) -> tuple[str, str, str]:
    """`(lab, device, leaf)` of a topic; ValueError for a foreign one."""
    parts = topic.split("/", 4)
    if len(parts) != 5 or "/".join(parts[:2]) != _ROOT:
        raise ValueError(f"not a labwright topic: {topic}")
    return parts[2], parts[3], parts[4]
