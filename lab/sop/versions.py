"""Versions of SOPs and their order: semantic versioning 2.0.0, section 11 (https://semver.org)."""

from __future__ import annotations

__all__ = ["compare", "is_newer"]

_Key = tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]


def compare(first: str, second: str) -> int:
    """-1 where `first` comes before `second`, 0 where they are of the same rank, 1 where it comes after.

    Versions as the file format takes them: `1.10.0` is after `1.9.0`, `1.0.0-rc.1` before `1.0.0`. ValueError for other texts.
    """
    one, other = _key(first), _key(second)
    return (one > other) - (one < other)


def is_newer(version: str, than: str) -> bool:
    """True where `version` has the higher rank."""
    return compare(version, than) > 0


def _key(version: str) -> _Key:
    numbers, _, tail = version.partition("-")
    try:
        major, minor, patch = (int(part) for part in numbers.split("."))
    except ValueError as error:
        raise ValueError(f'"{version}" is not a version like 1.0.0') from error
    # words rank above numbers, and no tail above any tail; the shorter of two equal beginnings comes first
    parts = tuple(
        (False, int(part), "") if part.isdigit() else (True, 0, part)
        for part in tail.split(".")
        if tail
    )
    return (major, minor, patch), not tail, parts
