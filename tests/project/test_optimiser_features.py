"""Each row of docs/reference/optimiser_features.md names a test that is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "optimiser_features.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")][2:]


def _tests_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def _missing(rows: list[str]) -> list[str]:
    """Rows whose last cell is not a test that exists."""
    wrong: list[str] = []
    for row in rows:
        found = re.fullmatch(r"`(tests/\S+\.py)::(test_\w+)`", row.strip("| ").split(" | ")[-1])
        path = ROOT / found[1] if found else None
        if not (found and path and path.is_file() and found[2] in _tests_in(path)):
            wrong.append(row)
    return wrong


def test_every_row_is_proved_by_a_test_that_exists():
    assert len(ROWS) > 20
    assert _missing(ROWS) == []


def test_a_row_without_its_test_is_found():
    here = "tests/project/test_optimiser_features.py"
    assert _missing([f"| a | b | `{here}::test_a_row_without_its_test_is_found` |"]) == []
    assert _missing([f"| a | b | `{here}::test_nothing` |"]) != []
    assert _missing(["| a | b | `tests/project/none.py::test_nothing` |"]) != []
    assert _missing(["| a | b | soon |"]) != []
