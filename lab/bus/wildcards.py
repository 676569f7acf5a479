"""MQTT topic names and patterns: `+` stands for one level, `#` for the rest (MQTT 3.1.1, section 4.7)."""

from __future__ import annotations

from functools import lru_cache

__all__ = ["check_pattern", "check_topic", "matches"]

_MAX_BYTES = 65_535


def check_topic(topic: str) -> str:
    """The topic itself; ValueError where no message may be published to it."""
    if not topic or "\0" in topic or len(topic.encode()) > _MAX_BYTES:
        raise ValueError(f"not a topic: {topic[:80]!r}")
    if "+" in topic or "#" in topic:
        raise ValueError(f"a message can't be published to a pattern: {topic!r}")
    return topic


def check_pattern(pattern: str) -> str:
    """The pattern itself; ValueError where MQTT does not allow it."""
    if not pattern or "\0" in pattern or len(pattern.encode()) > _MAX_BYTES:
        raise ValueError(f"not a topic pattern: {pattern[:80]!r}")
    levels = pattern.split("/")
    for position, level in enumerate(levels):
        if "#" in level and (level != "#" or position != len(levels) - 1):
            raise ValueError(f"'#' must be the whole last level: {pattern!r}")
        if "+" in level and level != "+":
            raise ValueError(f"'+' must be a whole level: {pattern!r}")
    return pattern


@lru_cache(maxsize=4096)
def matches(pattern: str, topic: str) -> bool:
    """Whether a valid pattern covers a topic. `a/#` covers `a` too; a leading wildcard covers no `$...` topic."""
    wanted, given = pattern.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    for position, level in enumerate(wanted):
        if level == "#":
            return True
        if position >= len(given) or level not in ("+", given[position]):
            return False
    return len(wanted) == len(given)
