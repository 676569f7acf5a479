"""A disk of its own that is soon full: a file system in memory of a given size."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from tests.conftest import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SmallDisk", "small_disk"]


class SmallDisk:
    """`fill` takes all that is left, `make_room` gives it back."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        with self._filler.open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))

    def make_room(self) -> None:
        self._filler.unlink()


@contextmanager
def small_disk(size: str) -> Iterator[SmallDisk]:
    """Mounted while entered, where a server's user may reach it too. A skip where that is not permitted."""
    path = Path(mkdtemp(prefix="labwright-disk-"))
    path.chmod(0o755)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs", str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        path.rmdir()
        missing("file system of its own", f"it needs the right to mount one: {done.stderr.strip()}")
    try:
        assert os.path.ismount(path)
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
        path.rmdir()
