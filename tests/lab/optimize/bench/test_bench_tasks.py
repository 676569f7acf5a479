"""The tasks: known optima, tables with replicates, index columns and descriptors, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lab.domain.errors import InputError
from lab.optimize.bench.functions import FUNCTIONS, hartmann6
from lab.optimize.bench.tasks import (
    function_task,
    read_descriptors,
    table_task,
)
from lab.optimize.space import Category

TABLE = """run,ligand,temperature,yield
0,PPh3,60,10
1,PPh3,80,30
2,XPhos,60,50
3,XPhos,60,70
4,XPhos,80,65
"""
NUMBERS = """name,ligand_smiles,volume,charge,text
a,PPh3,1.5,0,u
b,XPhos,2.5,1,v
c,other,9.0,2,w
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "reaction.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    path = tmp_path / "ligands.csv"
    path.write_text(NUMBERS, encoding="utf-8")
    return path


ARGMAX = {
    "hartmann6": (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573),
    "branin": ((np.pi + 5.0) / 15.0, 2.275 / 15.0),
    "ackley5": (0.3, 0.55, 0.7, 0.45, 0.6),
    "levy4": (0.55,) * 4,
    "michalewicz5": tuple(z / np.pi for z in (2.202906, 1.570796, 1.284992, 1.923058, 1.720470)),
    "styblinski5": ((5.0 - 2.903534) / 10.0,) * 5,
    "hartmann6_failing": (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573),
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_functions_have_their_published_optima_and_nothing_better_nearby(name: str):
    task = function_task(name)
    best = np.array(ARGMAX[name])
    assert task.truth(task.space.from_unit(best.tolist())) == pytest.approx(task.optimum, abs=1e-4)
    rng = np.random.Generator(np.random.PCG64(1))
    for point in rng.random((300, len(best))):
        assert task.sign * task.truth(task.space.from_unit(point.tolist())) < (
            task.sign * (task.optimum or 0.0) + 1e-4
        )


def test_the_failing_region_lies_beside_the_optimum_and_is_more_than_half_of_the_cube():
    task = function_task("hartmann6_failing")
    best = np.array(ARGMAX["hartmann6_failing"])
    assert task.works is not None
    assert task.works(task.space.from_unit(best.tolist()))
    edge = best + np.array([0.065, 0.0, 0.0, 0.0, 0.0, 0.065])
    assert not task.works(task.space.from_unit(edge.tolist()))
    points = np.random.Generator(np.random.PCG64(1)).random((1000, 6))
    failed = sum(not task.works(task.space.from_unit(point.tolist())) for point in points)
    assert 500 < failed < 620
    assert function_task("hartmann6").works is None


def test_hartmann6_elsewhere():
    assert hartmann6(np.full(6, 0.5)) == pytest.approx(0.5053149, abs=1e-6)


def test_replicates_are_averaged_and_the_number_of_a_row_is_no_input(table: Path):
    task = table_task(table, "yield", "maximize")
    assert task.space.names == ("ligand", "temperature")
    assert task.pool is not None
    assert len(task.pool) == 4
    assert task.truth({"ligand": "XPhos", "temperature": 60.0}) == 60.0
    assert task.top == {task.pool.find({"ligand": "XPhos", "temperature": 80.0})}
    worst = table_task(table, "yield", "minimize", ignore=["temperature"])
    assert worst.space.names == ("ligand",)
    assert worst.pool is not None
    assert worst.top == {worst.pool.find({"ligand": "PPh3"})}
    with pytest.raises(InputError, match="is no row"):
        task.truth({"ligand": "XPhos", "temperature": 70.0})


def test_descriptors_are_found_by_the_choices(table: Path, numbers: Path):
    assert read_descriptors(numbers, "ligand", {"PPh3", "XPhos"}) == {
        "PPh3": (1.5, 0.0),
        "XPhos": (2.5, 1.0),
    }
    task = table_task(table, "yield", "maximize", descriptors={"ligand": numbers})
    ligand = task.space.factors[0]
    assert isinstance(ligand, Category)
    assert ligand.descriptors is not None


MOLECULES = "base_SMILES,acid,yield\nCCN,CC(=O)O,1\nCCCCN,CC(=O)O,2\nCCN,OC=O,3\nc1ccccc1,OC=O,5\n"


def test_a_column_of_smiles_gets_descriptors_by_its_heading_or_by_a_word(tmp_path: Path):
    path = tmp_path / "molecules.csv"
    path.write_text(MOLECULES, encoding="utf-8")
    base, acid = table_task(path, "yield", "maximize").space.factors
    assert isinstance(base, Category)
    assert base.descriptors is not None
    gaps = ((base.codes[:, None] - base.codes[None]) ** 2).sum(axis=2)
    near = base.choices[int(gaps[base.choices.index("CCN")].argsort()[1])]
    assert near == "CCCCN"  # the other amine
    assert isinstance(acid, Category)
    assert acid.descriptors is None
    both = table_task(path, "yield", "maximize", descriptors={"acid": Path("smiles")}).space.factors
    assert isinstance(both[1], Category)
    assert both[1].descriptors is not None


def test_a_smiles_that_can_not_be_read_is_refused_at_its_line(tmp_path: Path):
    path = tmp_path / "molecules.csv"
    path.write_text(MOLECULES.replace("CCCCN", "CC(C"), encoding="utf-8")
    with pytest.raises(InputError, match=r"molecules\.csv:3: base_SMILES: no molecule in 'CC\(C'"):
        table_task(path, "yield", "maximize")
    path.write_text(MOLECULES.replace("CC(=O)O", "acetic"), encoding="utf-8")
    with pytest.raises(InputError, match=":2: acid: no molecule in 'acetic'"):
        table_task(path, "yield", "maximize", descriptors={"acid": Path("smiles")})


@pytest.mark.parametrize(
    ("text", "objective", "words"),
    [
        (TABLE, "purity", "no column purity"),
        (TABLE, "ligand", "not a finite number"),
        ("a,b\n1,2\n3\n", "b", ":3: 1 fields under 2 headers"),
        ("a,b\n", "b", "no table"),
        (TABLE.replace("30", "nan"), "yield", "not a finite number"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, objective: str, words: str):
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        table_task(path, objective, "maximize")


def test_what_is_not_there_is_refused(tmp_path: Path, table: Path, numbers: Path):
    with pytest.raises(InputError, match="can't be read"):
        table_task(tmp_path / "none.csv", "y", "maximize")
    with pytest.raises(InputError, match="no test function"):
        function_task("hartman")
    with pytest.raises(InputError, match="no column has all"):
        read_descriptors(numbers, "ligand", {"PPh3", "unknown"})
    with pytest.raises(InputError, match="no column colour"):
        table_task(table, "yield", "maximize", descriptors={"colour": numbers})


def test_every_method_gets_the_same_first_points(table: Path):
    task = table_task(table, "yield", "maximize")
    assert task.first(3, 3) == task.first(3, 3)
    assert len({tuple(row.values()) for row in task.first(3, 4)}) == 4
    assert any(task.first(0, 2) != task.first(seed, 2) for seed in range(1, 6))
    smooth = function_task("branin")
    assert smooth.first(3, 5)[:2] == smooth.first(3, 2)
    assert smooth.first(3, 5) != smooth.first(4, 5)
