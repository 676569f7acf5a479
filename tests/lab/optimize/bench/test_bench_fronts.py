"""Tasks with several goals: the reaction against its rate equations, tables, and what they refuse."""

# scipy has no type stubs.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lab.domain.errors import InputError
from lab.domain.front import hypervolume
from lab.optimize.bench.fronts import FRONTS, front_table_task, snar, snar_task

if TYPE_CHECKING:
    from pathlib import Path

CORNERS = [
    (0.5, 1.0, 0.1, 30.0),
    (2.0, 5.0, 0.5, 120.0),
    (0.5, 5.0, 0.5, 30.0),
    (2.0, 1.0, 0.1, 120.0),
    (1.2, 2.5, 0.3, 80.0),
]


def _integrated(
    minutes: float, equivalents: float, molar: float, celsius: float
) -> tuple[float, float]:
    """The five rate equations as Hone et al. 2017 write them, step by step."""
    kelvin = celsius + 273.71
    k = [
        0.6 * at * math.exp(-energy / 0.008314 * (1 / kelvin - 1 / 363.71))
        for at, energy in ((57.9, 33.3), (2.70, 35.3), (0.865, 38.9), (1.63, 44.8))
    ]

    def rates(_: float, c: list[float]) -> list[float]:
        ortho, para = k[0] * c[0] * c[1], k[1] * c[0] * c[1]
        ortho_on, para_on = k[2] * c[2] * c[1], k[3] * c[3] * c[1]
        return [
            -ortho - para,
            -ortho - para - ortho_on - para_on,
            ortho - ortho_on,
            para - para_on,
            ortho_on + para_on,
        ]

    start = [molar, equivalents * molar, 0.0, 0.0, 0.0]
    end = solve_ivp(rates, (0.0, minutes), start, method="LSODA", rtol=1e-10, atol=1e-13).y[:, -1]
    grams = np.array([159.09, 71.12, 210.21, 210.21, 261.33]) * end * 1e-3
    waste = 0.789 + float(grams.sum() - grams[2])
    return 60.0 * 1e3 * float(grams[2]) / minutes, waste / float(grams[2])


@pytest.mark.parametrize("at", CORNERS)
def test_the_reaction_is_that_of_its_rate_equations(at: tuple[float, float, float, float]):
    assert snar(*at) == pytest.approx(_integrated(*at), rel=1e-5)


def test_the_reaction_does_what_chemistry_says():
    assert snar(1.0, 2.0, 0.3, 60.0)[0] > snar(1.0, 2.0, 0.3, 30.0)[0]  # warmer is faster
    assert snar(2.0, 5.0, 0.5, 120.0)[1] > snar(0.5, 1.5, 0.5, 80.0)[1]  # too hot: both sites react
    dilute, dense = snar(1.0, 2.0, 0.1, 60.0), snar(1.0, 2.0, 0.5, 60.0)
    assert dense[0] > dilute[0]
    assert dense[1] < dilute[1]  # less ethanol for each gram


def test_nothing_found_at_random_exceeds_the_whole_volume():
    task = snar_task()
    tried = [task.truth(point) for point in task.first(3, 512)]
    assert 0.3 < task.share(tried) < 1.0
    assert task.share([]) == 0.0
    # two points of the front that a search of 22 500 evaluations found
    good = [
        (0.5000, 1.5109, 0.5, 79.387),
        (0.7641, 1.2101, 0.5, 86.428),
        (0.5, 1.21, 0.5, 97.0),
    ]
    near = [dict(zip(task.aim.outcomes, snar(*point), strict=True)) for point in good]
    assert 0.9 < task.share(near) < 1.0


def test_shares_are_of_the_volume_above_the_worst():
    task = FRONTS["snar"]()
    outcomes = {"space_time_yield": 8957.0, "e_factor": 9.7}
    assert task.share([outcomes]) == pytest.approx(6000.0 * 1.0 / task.whole)
    assert task.share([outcomes, {"space_time_yield": 2000.0, "e_factor": 8.0}]) == task.share(
        [outcomes]
    )


def test_first_points_are_the_same_for_every_method():
    task = snar_task()
    assert task.first(4, 6) == task.first(4, 12)[:6]
    assert task.first(4, 6) != task.first(5, 6)
    task.space.check(task.first(4, 1)[0], "the first point")


def _table(path: Path, rows: list[str], header: str = "NAME,kind,dose,gain,cost") -> Path:
    file = path / "table.csv"
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return file


ROWS = ["0,a,1,1,5", "1,a,2,3,9", "2,b,1,2,6", "3,b,2,4,9", "4,b,2,6,7"]


def test_a_table_with_two_goals_and_a_row_of_kinds(tmp_path: Path):
    file = _table(tmp_path, ["TYPE,DATA,DATA,DATA,DATA", *ROWS])
    task = front_table_task(file, {"gain": "maximize", "cost": "minimize"})
    assert task.pool is not None
    assert len(task.pool) == 4  # the last two rows are replicates of one candidate
    assert task.space.names == ("kind", "dose")
    assert task.truth({"kind": "b", "dose": 2.0}) == {"gain": 5.0, "cost": 8.0}
    assert task.worst == (1.0, -9.0)
    assert task.whole == hypervolume([(1, -5), (3, -9), (2, -6), (5, -8)], (1.0, -9.0))
    everything = [task.truth(point) for point in task.first(0, 4)]
    assert task.share(everything) == 1.0
    with pytest.raises(InputError, match="no row of the table"):
        task.truth({"kind": "a", "dose": 1.5})


def test_goals_without_a_front_are_refused(tmp_path: Path):
    file = _table(tmp_path, ["0,a,1,1,5", "1,a,2,1,9", "2,b,1,1,6"])
    with pytest.raises(InputError, match="no row is better than the worst in all of gain, cost"):
        front_table_task(file, {"gain": "maximize", "cost": "minimize"})
    with pytest.raises(InputError, match="no column price"):
        front_table_task(file, {"gain": "maximize", "price": "minimize"})
    broken = _table(tmp_path, ["0,a,1,1,5", "1,a,2,1,none", "2,b,1,1,6"])
    with pytest.raises(InputError, match="cost is not a finite number"):
        front_table_task(broken, {"gain": "maximize", "cost": "minimize"})
