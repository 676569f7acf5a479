"""No file grows beyond 500 lines, and the check that says so can say no."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "check_file_length.py"


def check(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(root)], capture_output=True, text=True, check=False
    )


def test_the_project_passes():
    result = check(ROOT)
    assert result.returncode == 0, result.stdout


def test_a_long_file_is_refused_and_named(tmp_path: Path):
    (tmp_path / "lab").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "lab" / "just_right.py").write_text("x = 1\n" * 500)
    (tmp_path / "lab" / "long.py").write_text("x = 1\n" * 501)
    (tmp_path / "tests" / "test_longer.py").write_text("x = 1\n" * 900)
    result = check(tmp_path)
    assert result.returncode == 1
    assert [line.split(":")[0] for line in result.stdout.splitlines()] == [
        "tests/test_longer.py",
        "lab/long.py",
    ]


def test_a_wrong_folder_is_no_clean_bill(tmp_path: Path):
    assert check(tmp_path).returncode == 2
