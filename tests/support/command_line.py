"""`lab WORDS` without a process of its own, for tests of what it says: a start costs a second or two of imports.

What only a process shows (signals, terminals, being killed) is `tests.system.lab_process`.
"""

from __future__ import annotations

import gc
import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

from lab.cli import main as cli

__all__ = ["lab_here"]


def lab_here(*words: str) -> subprocess.CompletedProcess[str]:
    """`lab WORDS`, to its end: its exit code and what it wrote. What would be a traceback is raised."""
    out, err = io.StringIO(), io.StringIO()
    collected = gc.get_threshold()
    try:
        with (
            mock.patch.object(sys, "argv", ["lab", *words]),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            cli.main()
    except SystemExit as ended:
        code = ended.code
    else:
        raise AssertionError("`lab` ends with an exit code")
    finally:
        gc.set_threshold(*collected)
    assert isinstance(code, int)
    return subprocess.CompletedProcess(["lab", *words], code, out.getvalue(), err.getvalue())
