"""A place for records that are begun anew many times in one test."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def lives(tmp_path: Path) -> Iterator[Path]:
    """A folder for many lives, in memory where the machine has room there: who dies here is a task, whose files stay.

    On a disk each life would wait hundreds of times until its files are safe from a power cut, which none of them has.
    """
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 500e6:
        with tempfile.TemporaryDirectory(prefix="labwright-", dir=memory) as folder:
            yield Path(folder)
    else:
        yield tmp_path
