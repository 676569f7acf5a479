"""Refuses Python files longer than 500 lines: `python scripts/check_file_length.py [ROOT]`.

A file that long holds more than one idea; split it. Exit code 1 and one line per culprit, else 0.
"""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["LIMIT", "long_files", "main"]

LIMIT = 500
_FOLDERS = ("lab", "drivers", "simulators", "dashboard", "tests", "scripts")


def long_files(root: Path, limit: int = LIMIT) -> list[tuple[Path, int]]:
    """Python files of the project under `root` with more than `limit` lines, longest first."""
    found: list[tuple[Path, int]] = []
    for folder in _FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > limit:
                found.append((path.relative_to(root), lines))
    return sorted(found, key=lambda item: -item[1])


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).parents[1]
    if not (root / "lab").is_dir():
        print(f"{root}: not the project's root (no folder lab)", file=sys.stderr)
        return 2
    culprits = long_files(root)
    for path, lines in culprits:
        print(f"{path}: {lines} lines, more than {LIMIT}")
    return 1 if culprits else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
