"""`lab check --watch`: which files a check reads, and when one of them has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.document import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from lab.domain.clock import Clock

__all__ = ["LOOK_EVERY_S", "check_again", "stamps"]

LOOK_EVERY_S = 0.5
"""Between two looks at the disk."""

Stamps = dict["Path", tuple[int, int]]
"""File -> (time of its last change in ns, size in bytes)."""


def stamps(paths: Iterable[Path]) -> Stamps:
    """Of the files themselves, the YAML and CSV files beside them, and the SOP and lab that a campaign names."""
    found: Stamps = {}
    for path in paths:
        for file in {path, *path.parent.glob("*.y*ml"), *path.parent.glob("*.csv"), *_named(path)}:
            try:
                status = file.stat()
            except OSError:
                continue  # a file that is gone has no stamp: that is a change, too
            found[file] = (status.st_mtime_ns, status.st_size)
    return found


def _named(path: Path) -> list[Path]:
    try:
        data = read_document(path.read_text(encoding="utf-8"), str(path)).data or {}
    except (OSError, UnicodeDecodeError):
        return []
    return [path.parent / item for key in ("sop", "lab") if isinstance(item := data.get(key), str)]


async def check_again(
    paths: tuple[Path, ...], clock: Clock, check: Callable[[], None], rounds: int | None = None
) -> None:
    """Call `check` now and after each change, until cancelled (or for so many looks at the disk)."""
    seen: Stamps | None = None
    looks = 0
    while rounds is None or looks < rounds:
        now = stamps(paths)
        if now != seen:
            seen = now
            check()
        await clock.sleep(LOOK_EVERY_S)
        looks += 1
