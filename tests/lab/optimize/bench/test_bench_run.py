"""Paired campaigns: what is counted, that they are paired, and that peers get what ours gets."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.domain.errors import InputError
from lab.optimize.bench.peers import PEERS, Peer, installed
from lab.optimize.bench.run import compare, one_run
from lab.optimize.bench.tasks import Task, function_task, table_task
from lab.optimize.history import TrialRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.optimize.space import Setting

BRANIN = function_task("branin")


@pytest.fixture
def grid(tmp_path: Path):
    path = tmp_path / "grid.csv"
    rows = [
        f"{a},{b},{kind},{(a - 3) ** 2 + b + (kind == 'x')}"
        for a in range(6)
        for b in range(5)
        for kind in "xy"
    ]
    path.write_text("\n".join(["a,b,kind,cost", *rows]) + "\n", encoding="utf-8")
    return table_task(path, "cost", "minimize")


def test_regret_falls_and_is_that_of_the_best():
    run = one_run(BRANIN, "ours", 1, 5, 2, 4)
    assert len(run.best) == len(run.score) == 5
    assert all(b <= a for a, b in zip(run.score, run.score[1:], strict=False))
    assert run.score == pytest.approx([best - (BRANIN.optimum or 0.0) for best in run.best])
    assert run.score[-1] < run.score[0]
    assert run.seconds > 0.0


def test_eight_trials_halve_the_regret_of_five():
    runs = [one_run(BRANIN, "ours", seed, 5, 2, 4) for seed in range(4)]
    first, last = (sum(run.score[place] for run in runs) for place in (0, -1))
    assert last < 0.5 * first  # of 24 seeds 6.9 and 0.9


@pytest.mark.timeout(120)
def test_failures_are_counted_and_have_no_value_and_peers_are_not_told_of_them():
    task = function_task("hartmann6_failing")
    run = one_run(task, "ours", 1, 12, 4, 5)
    assert task.works is not None
    first = sum(not task.works(point) for point in task.first(1, 12))
    assert first > 0
    assert run.failures <= 4  # of 20; measured 0 to 2
    assert all(b <= a for a, b in zip(run.score, run.score[1:], strict=False))
    told: list[TrialRecord] = []

    class Careless(Peer[Task]):
        def take(self, records: Sequence[TrialRecord]) -> None:
            told.extend(records)

        def propose(self, n: int) -> list[dict[str, Setting]]:
            return self.task.first(self.seed + len(self.records), n)

    peer = Careless(task, 1, 12)
    failed = TrialRecord(number=1, factors=task.first(1, 1)[0], status="failed")
    done = failed.model_copy(update={"number": 2, "status": "done", "value": 1.0})
    peer.tell([failed, done])
    assert told == peer.records == [done]
    document = compare(task, init=12, batch=1, batches=1, seeds=1)
    assert document["methods"]["ours"]["failures"] in ([0], [1])
    assert (
        compare(BRANIN, init=4, batch=1, batches=1, seeds=1)["methods"]["ours"]["failures"] is None
    )


def test_the_share_of_the_top_rises_to_all_of_it(grid):
    run = one_run(grid, "ours", 0, 6, 3, 4)
    assert all(0.0 <= a <= b <= 1.0 for a, b in zip(run.score, run.score[1:], strict=False))
    assert run.score[-1] == 1.0
    assert run.best[-1] == 0.0


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.timeout(300)
def test_a_peer_runs_on_both_kinds_of_task(peer: str, grid):
    if not installed(peer):
        pytest.skip(f"{peer} is not installed (extra `peers`)")
    for task in (BRANIN, grid):
        run = one_run(task, peer, 1, 6, 3, 2)
        ours = one_run(task, "ours", 1, 6, 3, 2)
        assert run.best[0] == ours.best[0]  # the same first points
        assert len(run.best) == 3
        assert run.seconds > 0.0


def test_the_document_pairs_the_runs():
    found = compare(BRANIN, init=5, batch=2, batches=2, seeds=3, peers=["botorch"])
    assert found["seeds"] == 3
    assert found["missing"] == []
    ours, botorch = found["methods"]["ours"], found["methods"]["botorch"]
    for method in (ours, botorch):
        regret = method["regret_by_batch"]
        assert [len(run) for run in regret["by_seed"]] == [3, 3, 3]
        assert regret["mean"] == pytest.approx(
            [sum(r[k] for r in regret["by_seed"]) / 3 for k in range(3)]
        )
        assert len(method["best_by_batch"]["half_width_95"]) == 3
    first = [run[0] for run in ours["regret_by_batch"]["by_seed"]]
    assert first == [run[0] for run in botorch["regret_by_batch"]["by_seed"]]
    gap = sum(b - a for a, b in zip(ours["mean_over_run"], botorch["mean_over_run"], strict=True))
    assert botorch["versus_ours"]["mean"] == pytest.approx(gap / 3)
    assert ours["versus_ours"] == {"mean": 0.0, "half_width_95": 0.0}


def test_peers_that_are_missing_are_named(monkeypatch):
    monkeypatch.setattr("lab.optimize.bench.run.installed", lambda name: name != "ax")
    found = compare(BRANIN, init=5, batch=1, batches=1, seeds=1, peers=["ax"])
    assert found["missing"] == ["ax"]
    assert list(found["methods"]) == ["ours"]
    assert found["methods"]["ours"]["regret_by_batch"]["half_width_95"] is None


def test_a_peer_that_can_not_be_loaded_is_told_before_anything_runs(tmp_path, monkeypatch):
    """One that lacks a part would else end the comparison with a traceback, after minutes of ours."""
    package = tmp_path / "optuna"
    package.mkdir()
    (package / "__init__.py").write_text("import a_part_that_is_not_there\n")
    for name in [key for key in sys.modules if key.split(".")[0] == "optuna"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(InputError) as refused:
        compare(BRANIN, init=5, batch=1, batches=1, seeds=1, peers=["optuna"])
    assert "optuna is installed and can't be loaded" in str(refused.value)
    assert "a_part_that_is_not_there" in str(refused.value)


def test_what_cannot_be_compared_is_refused(grid):
    with pytest.raises(InputError, match="gryffin is no peer"):
        compare(BRANIN, init=5, batch=1, batches=1, seeds=1, peers=["gryffin"])
    with pytest.raises(InputError, match="1 first points"):
        compare(BRANIN, init=1, batch=1, batches=1, seeds=1)
    with pytest.raises(InputError, match="90 trials of 60 rows"):
        compare(grid, init=10, batch=8, batches=10, seeds=1)


def test_runs_in_which_nothing_worked_have_no_value_and_say_so():
    nothing = replace(BRANIN, works=lambda _: False)
    found = compare(nothing, init=3, batch=1, batches=2, seeds=2, peers=["botorch"])
    text = json.dumps(found, allow_nan=False)  # neither NaN nor Infinity, which are no JSON
    assert "null" in text
    regret = found["methods"]["ours"]["regret_by_batch"]
    assert regret["mean"] == [None] * 3
    assert regret["by_seed"] == [[None] * 3] * 2
    assert regret["without_value"] == [2, 2, 2]
    assert found["methods"]["ours"]["mean_over_run"] == [None, None]
    assert found["methods"]["ours"]["versus_ours"] == {"mean": None, "half_width_95": None}
    assert found["methods"]["ours"]["failures"] == [2, 2]


def test_a_run_without_a_value_at_first_is_in_no_mean():
    made: list[int] = []

    def works(_: object) -> bool:
        made.append(1)
        return len(made) > 3  # the first points of the first seed fail

    found = compare(replace(BRANIN, works=works), init=3, batch=1, batches=2, seeds=2)
    regret = found["methods"]["ours"]["regret_by_batch"]
    assert regret["without_value"] == [1, 0, 0]
    assert regret["by_seed"][0][0] is None
    assert regret["mean"][0] == regret["by_seed"][1][0]
    assert regret["half_width_95"][0] is None
    assert regret["half_width_95"][1] > 0.0
