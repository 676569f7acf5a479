"""`.cache/`: programs that tests speak to and that are no part of the environment; filled once, ignored by git."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CACHE", "folder_lock"]

CACHE = Path(__file__).parents[2] / ".cache"


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Make the folder, and hold it for one process at a time: two test runs must not fill it at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
