"""What is refused when a problem is made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.plan.model.problem import STORAGE, Job, Lag, Mode, Operation, Problem, Resource, Use

GOOD = Problem(
    "good",
    (Resource("station"), Resource("arm")),
    (Operation(0, "one", (Mode(0, 5),), carriers=(1,), move=2),),
    (),
    (Job("a"),),
)
ONE = GOOD.operations[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"operations": (replace(ONE, job=1),)}, "job 1"),
        ({"operations": (replace(ONE, modes=()),)}, "no way"),
        ({"operations": (replace(ONE, modes=(Mode(7, 5),)),)}, "station 7"),
        ({"operations": (replace(ONE, modes=(Mode(0, -1),)),)}, "below 0"),
        ({"operations": (replace(ONE, modes=(Mode(0, 1, (Use(9),)),)),)}, "resource 9"),
        ({"operations": (replace(ONE, carriers=(2,)),)}, "carrier 2"),
        ({"operations": (replace(ONE, fetched_by=3),)}, "operation after 3"),
        ({"lags": (Lag(0, 4),)}, "operation of a lag 4"),
        ({"lags": (Lag(0, 0, 5, 4),)}, "least 5 > most 4"),
        ({"resources": (Resource("none", 0), Resource("arm"))}, "capacity below 1"),
        (
            {"resources": (Resource("s", 2, setup={("a", "b"): 1}), Resource("arm"))},
            "capacity of 1",
        ),
    ],
)
def test_what_no_planner_could_read_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        replace(GOOD, **change)


def test_moves_come_from_the_table_where_there_is_one():
    assert GOOD.move(0, 0, 0) == 2
    table = replace(GOOD, travel={(STORAGE, 0): 7})
    assert table.move(0, 0, 0) == 7
    assert replace(table, travel={(0, STORAGE): 7}).move(0, 0, 0) == 2
    by_hand = replace(GOOD, operations=(replace(ONE, carriers=()),))
    assert by_hand.move(0, 0, 0) == 0
