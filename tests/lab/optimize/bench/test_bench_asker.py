"""Our own method as the benchmarks run it: `suggest` and `suggest_from`, told all that was measured."""

from __future__ import annotations

from lab.optimize.bench.asker import Ours
from lab.optimize.bench.tasks import Task, function_task
from lab.optimize.history import TrialRecord
from lab.optimize.pool import Pool
from lab.optimize.suggest import suggest, suggest_from

BRANIN = function_task("branin")


def _told(task: Task, count: int) -> list[TrialRecord]:
    return [
        TrialRecord(number=k, factors=f, status="done", value=task.truth(f))
        for k, f in enumerate(task.first(3, count), 1)
    ]


def test_in_a_space_it_asks_what_suggest_asks():
    ours, told = Ours(BRANIN, 3, 5), _told(BRANIN, 5)
    ours.tell(told[:2])
    ours.tell(told[2:])
    expected = suggest(BRANIN.space, BRANIN.sought, told, 2, seed=3, initial=5)
    assert ours.ask(2) == [item.factors for item in expected]
    assert ours.ask(2) != Ours(BRANIN, 3, 5).ask(2)  # what was told matters


def test_of_a_table_it_asks_for_rows():
    pool = Pool.from_columns({"x0": [0.0, 0.3, 0.6, 1.0], "x1": [0.1, 0.9, 0.4, 0.6]})
    task = Task("four", pool.space, "minimize", BRANIN.truth, 0.0, pool=pool)
    ours = Ours(task, 1, 2)
    asked = ours.ask(2)
    assert asked == [
        item.factors for item in suggest_from(pool, "minimize", [], 2, seed=1, initial=2)
    ]
    assert all(pool.find(factors) is not None for factors in asked)
