"""Machine code and plain Python give the same plans; where machine code is kept hangs on the sources alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.plan.search import compiled as own
from lab.plan.search import construct
from lab.plan.search.compiled import compiled, is_kept
from lab.plan.search.construct import Constructor
from tests.support.random_problems import random_problem

pytest.importorskip("numba")
ROOT = Path(__file__).parents[4]
SEEDS = (1, 4, 6, 11)
SCRIPT = """
import json
from tests.lab.plan.search.test_compiled import plans
print(json.dumps(plans()))
"""


def plans() -> list[list[object]]:
    """The best plans of some laboratories with everything, after a few changes."""
    found: list[list[object]] = []
    for seed in SEEDS:
        search = Constructor(random_problem(seed), seed)
        left = iter(range(4))
        search.improve(lambda left=left: next(left, None) is not None)
        found.append([list(search.best.score), [list(place) for place in search.best.placed]])
    return found


def test_without_machine_code_the_plans_are_the_same():
    """As where numba is missing, or before it has compiled anything."""
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=110,
    )
    assert json.loads(found.stdout) == json.loads(json.dumps(plans()))


def test_machine_code_of_other_sources_is_not_taken_for_that_of_these(tmp_path, monkeypatch):
    """The folder is named after all sources beside a function, so a change to one of them leaves the old code alone."""
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    (tmp_path / "a.py").write_text("x = 1\n")
    before = own._cache_folder(tmp_path)
    own._cache_folder.cache_clear()
    (tmp_path / "b.py").write_text("y = 1\n")
    after = own._cache_folder(tmp_path)
    own._cache_folder.cache_clear()
    (tmp_path / "b.py").write_text("y = 2\n")
    changed = own._cache_folder(tmp_path)
    own._cache_folder.cache_clear()
    assert len({before, after, changed}) == 3
    assert all(
        Path(folder).parent == tmp_path / "__pycache__" for folder in (before, after, changed)
    )
    assert not is_kept(tmp_path)
    kept = Path(changed) / "deep"
    kept.mkdir(parents=True)
    (kept / "f.nbi").write_bytes(b"")
    assert is_kept(tmp_path)
    own._cache_folder.cache_clear()


def test_the_code_of_the_search_is_known_to_be_there_once_it_ran():
    plans()
    assert is_kept(Path(construct.__file__).parent)


def test_without_numba_a_function_stays_what_it_is(monkeypatch):
    monkeypatch.setattr(own, "numba", None)

    def twice(number: int) -> int:
        return 2 * number

    assert compiled(twice) is twice
    assert is_kept(Path("/nowhere"))
