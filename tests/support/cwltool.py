"""The reference implementation of the Common Workflow Language, in an environment of its own under `.cache/`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import missing
from tests.support.cache import CACHE, folder_lock

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["cwltool", "validate", "validate_all"]

_PINNED = "cwltool==3.3.20260925135507"


def cwltool() -> str:
    """Its command: `$LABWRIGHT_CWLTOOL`, or installed once. Skips where that can't be done."""
    named = os.environ.get("LABWRIGHT_CWLTOOL", "")
    if named:
        return named
    folder = CACHE / "cwltool"
    command = folder / "bin" / "cwltool"
    if not command.exists():
        with folder_lock(folder):
            if not command.exists():
                subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
                done = subprocess.run(
                    [str(folder / "bin" / "pip"), "install", "--quiet", _PINNED],
                    capture_output=True, text=True, check=False,
                )  # fmt: skip
                if done.returncode != 0 or not command.exists():
                    missing("cwltool", f"pip could not install it: {done.stderr[-300:]}")
    return str(command)


_MANY = """
import io, json, sys
from cwltool.main import main

told = []
for path in sys.argv[1:]:
    said = io.StringIO()
    words = ["--validate", "--disable-color", path]
    # a callback that does nothing keeps the schema of CWL, which is read anew otherwise
    code = main(words, stdout=said, stderr=said, custom_schema_callback=lambda: None)
    told.append((code, said.getvalue()))
print(json.dumps(told))
"""


def validate(path: Path) -> tuple[int, str]:
    """(exit code, what it says) of `cwltool --validate`."""
    done = subprocess.run(
        [cwltool(), "--validate", "--disable-color", path.name],
        cwd=path.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def validate_all(paths: Iterable[Path]) -> list[tuple[int, str]]:
    """The same of each file, in one process: most of the time of one is its start."""
    python = Path(cwltool()).with_name("python")
    words = [python, "-c", _MANY, *paths]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return [(code, said) for code, said in json.loads(done.stdout)]
