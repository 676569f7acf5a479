"""What a comparison says: sizes that make sense, means over the runs that have a value, paired differences."""

from __future__ import annotations

import math

import pytest

from lab.domain.errors import InputError
from lab.optimize.bench.result import Sizes, by_batch, document, gap
from lab.optimize.bench.tasks import function_task
from lab.optimize.pool import Pool


def test_sizes_that_make_no_comparison_are_refused():
    pool = Pool.from_columns({"a": [float(k) for k in range(20)]})
    Sizes(4, 4, 4, 1).check(pool)
    with pytest.raises(InputError, match="24 trials of 20 rows"):
        Sizes(4, 4, 5, 1).check(pool)
    Sizes(4, 4, 5, 1).check(None)
    for sizes in (Sizes(1, 1, 1, 1), Sizes(4, 0, 1, 1), Sizes(4, 1, 0, 1), Sizes(4, 1, 1, 0)):
        with pytest.raises(InputError, match="first points"):
            sizes.check(None)


def test_the_mean_is_over_runs_with_a_value_and_they_are_counted():
    found = by_batch([[math.inf, 2.0], [1.0, 4.0], [3.0, 6.0]])
    assert found["mean"] == [2.0, 4.0]
    assert found["without_value"] == [1, 0]
    assert found["by_seed"][0] == [None, 2.0]
    # the standard deviations are root 2 of two values and 2 of three
    assert found["half_width_95"] == pytest.approx([1.96, 1.96 * 2.0 / math.sqrt(3.0)])
    alone = by_batch([[1.0, math.inf]])
    assert alone["mean"] == [1.0, None]
    assert alone["half_width_95"] is None


def test_a_gap_is_the_mean_of_paired_differences():
    assert gap([]) == {"mean": None, "half_width_95": None}
    assert gap([0.5]) == {"mean": 0.5, "half_width_95": None}
    found = gap([1.0, 3.0])
    assert found["mean"] == 2.0
    assert found["half_width_95"] == pytest.approx(1.96)


def test_the_document_says_what_was_compared():
    task = function_task("branin")
    found = document(task, {"noise": 0.0}, Sizes(5, 2, 3, 4), {"ours": {}}, ["ax"])
    assert found["task"] == {
        "name": "branin",
        "noise": 0.0,
        "rows": None,
        "columns": 2,
        "init": 5,
        "batch": 2,
        "batches": 3,
    }
    assert (found["seeds"], found["methods"], found["missing"]) == (4, {"ours": {}}, ["ax"])
