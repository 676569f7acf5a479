"""Paired campaigns with several goals: what is counted, that they are paired, and that peers get what ours gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.domain.errors import InputError
from lab.optimize.bench.front_run import compare_fronts, one_front_run
from lab.optimize.bench.fronts import FrontTask, front_table_task, snar_task
from lab.optimize.bench.peers import SEVERAL, Peer, installed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lab.optimize.history import TrialRecord
    from lab.optimize.space import Setting


@pytest.fixture
def grid(tmp_path: Path) -> FrontTask:
    path = tmp_path / "grid.csv"
    rows = [
        f"{a},{b},{kind},{a + (kind == 'x')},{(a - b) ** 2 + a}"
        for a in range(5)
        for b in range(4)
        for kind in "xy"
    ]
    path.write_text("\n".join(["a,b,kind,gain,cost", *rows]) + "\n", encoding="utf-8")
    return front_table_task(path, {"gain": "maximize", "cost": "minimize"})


@pytest.mark.timeout(300)
def test_the_volume_grows_and_faster_than_without_looking():
    task = snar_task()
    ours = one_front_run(task, "ours", 0, 8, 4, 3)
    drawn = one_front_run(task, "random", 0, 8, 4, 3)
    assert len(ours.share) == len(drawn.share) == 4
    assert ours.share[0] == drawn.share[0]  # the same first points
    assert all(a <= b for a, b in zip(ours.share, ours.share[1:], strict=False))
    assert drawn.share[-1] < ours.share[-1] < 1.0
    assert ours.share[-1] > 0.7
    assert ours.seconds > 0.0


def test_all_of_a_table_is_all_of_its_volume(grid: FrontTask):
    assert one_front_run(grid, "random", 1, 4, 12, 3).share[-1] == 1.0


def test_methods_are_told_of_noise_and_scored_without_it(monkeypatch: pytest.MonkeyPatch):
    task = snar_task()
    told: list[TrialRecord] = []

    class Careless(Peer[FrontTask]):
        def take(self, records: Sequence[TrialRecord]) -> None:
            told.extend(records)

        def propose(self, n: int) -> list[dict[str, Setting]]:
            return self.task.first(99 + len(self.records), n)

    monkeypatch.setattr("lab.optimize.bench.front_run.make_asker", lambda _, *rest: Careless(*rest))
    run = one_front_run(task, "ax", 0, 6, 2, 2)
    assert [len(told), told[-1].number] == [10, 10]
    true = [task.truth(record.factors) for record in told]
    assert run.share[-1] == task.share(true)
    gaps = [r.outcomes["e_factor"] - t["e_factor"] for r, t in zip(told, true, strict=True)]
    assert 0.0 < max(map(abs, gaps)) < 0.5
    told.clear()
    one_front_run(task, "ax", 0, 6, 2, 2)
    assert gaps == [r.outcomes["e_factor"] - t["e_factor"] for r, t in zip(told, true, strict=True)]


@pytest.mark.parametrize("peer", SEVERAL)
@pytest.mark.timeout(600)
def test_a_peer_runs_on_both_kinds_of_task(peer: str, grid: FrontTask):
    if not installed(peer):
        pytest.skip(f"{peer} is not installed (extra `peers`)")
    for task in (snar_task(), grid):
        run = one_front_run(task, peer, 1, 6, 2, 1)
        assert run.share[0] == one_front_run(task, "random", 1, 6, 2, 1).share[0]
        assert len(run.share) == 2


def test_the_document_pairs_the_runs(grid: FrontTask, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lab.optimize.bench.front_run.installed", lambda name: False)
    found = compare_fronts(grid, init=6, batch=2, batches=2, seeds=2, peers=["ax"])
    assert found["missing"] == ["ax"]
    assert found["task"]["goals"] == {"gain": "maximize", "cost": "minimize"}
    ours, drawn = found["methods"]["ours"], found["methods"]["random"]
    assert [len(runs) for runs in ours["volume_share_by_batch"]["by_seed"]] == [3, 3]
    gaps = [b - a for a, b in zip(ours["mean_over_run"], drawn["mean_over_run"], strict=True)]
    assert drawn["versus_ours"]["mean"] == pytest.approx(sum(gaps) / 2)
    assert ours["versus_ours"] == {"mean": 0.0, "half_width_95": 0.0}


def test_what_cannot_be_compared_is_refused(grid: FrontTask):
    with pytest.raises(InputError, match="botorch is not run where several goals are sought"):
        compare_fronts(grid, init=5, batch=1, batches=1, seeds=1, peers=["botorch"])
    with pytest.raises(InputError, match="gryffin is no peer"):
        compare_fronts(grid, init=5, batch=1, batches=1, seeds=1, peers=["gryffin"])
    with pytest.raises(InputError, match="45 trials of 40 rows"):
        compare_fronts(grid, init=5, batch=4, batches=10, seeds=1)
