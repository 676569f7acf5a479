"""Reading instances: what they mean, and what is refused and where."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.domain.errors import InputError
from lab.plan.formats import workload
from lab.plan.formats.shop import read_flexible_job_shop, read_job_shop
from lab.plan.formats.slab import TABLES, read_slab
from lab.plan.formats.workload import lab_workload
from lab.plan.model.problem import Mode
from lab.plan.model.solution import Placed

DATA = Path(__file__).parents[3] / "data" / "scheduling"
DOCUMENT = json.loads((Path(workload.__file__).parent / "lab_workloads.json").read_text())

GOOD = {
    "machines.tsv": "Machine_ID\ttype\tname\n7\t1\tarm\n8\t1\tother arm\n9\t4\treader\n",
    "operations.tsv": "job\top\ttype\ttime\n1\t1\t1\t5\tnote\n1\t2\t4\t6\n\n\t\t\t\n",
    "dependency.tsv": "job\ta\tb\n1\t1\t2\n",
    "tcmb.tsv": "job\ta\tp\tb\tp\tlimit\n1\t1\tend\t2\tstart\t3\n",
}


def test_slab_tables():
    instance = read_slab(GOOD, "folder/name")
    problem = instance.problem
    assert instance.name == "name"
    assert [resource.capacity for resource in problem.resources] == [2, 1]
    assert problem.operations[1].modes == (Mode(1, 6),)
    order, limit = problem.lags
    assert (order.first, order.second, order.least, order.most) == (0, 1, 0, None)
    assert (limit.least, limit.most, limit.first_mark, limit.second_mark) == (-3, 3, "end", "begin")


def test_equal_machines_are_given_out_by_number_as_they_are_free():
    operations = "job\top\ttype\ttime\n" + "".join(f"{job}\t1\t1\t5\n" for job in (1, 2, 3))
    empty = {"dependency.tsv": "h\n", "tcmb.tsv": "h\n"}
    instance = read_slab({**GOOD, **empty, "operations.tsv": operations}, "x")
    placed = [Placed(0, None, start, start, start + 5) for start in (0, 2, 5)]
    rows = instance.schedule(placed)
    assert [(row["job"], row["machine"]) for row in rows] == [(1, 7), (2, 8), (3, 7)]


@pytest.mark.parametrize(
    ("table", "content", "where"),
    [
        ("operations.tsv", "h\n1\t1\t1\n", "operations.tsv:2:1: 3 cells"),
        ("operations.tsv", "h\n1\t1\tx\t5\n", 'operations.tsv:2:3: "x"'),
        ("operations.tsv", "h\n1\t1\t1\t-5\n", 'operations.tsv:2:4: "-5"'),
        ("operations.tsv", "h\n1\t1\t3\t5\n", "operations.tsv:2:1: machine type 3"),
        ("operations.tsv", "h\n1\t1\t1\t5\n1\t1\t1\t5\n", "operations.tsv:3:1"),
        ("operations.tsv", "h\n", "no operation"),
        ("dependency.tsv", "h\n1\t1\t9\n", "dependency.tsv:2:1: operation 9"),
        ("tcmb.tsv", "h\n1\t1\tmiddle\t2\tend\t4\n", 'tcmb.tsv:2:1: mark "middle"'),
        ("tcmb.tsv", "h\n1\t1\tend\t2\tend\tsoon\n", 'tcmb.tsv:2:6: "soon"'),
    ],
)
def test_a_wrong_slab_table_is_refused_at_its_line(table, content, where):
    with pytest.raises(InputError) as raised:
        read_slab({**GOOD, table: content}, "x")
    assert where in raised.value.message
    assert raised.value.hint


def test_a_slab_folder_needs_all_tables():
    for table in TABLES:
        with pytest.raises(InputError, match=table):
            read_slab({name: text for name, text in GOOD.items() if name != table}, "x")


def test_flexible_job_shops_count_machines_from_0_or_from_1():
    zero = read_flexible_job_shop("2 2 1.5\n1 2 0 3 1 4\n1 1 1 5\n", "zero.fjs")[0]
    one = read_flexible_job_shop("# Brandimarte\n2 2\n1 2 1 3 2 4\n1 1 2 5\n", "one.fjs")[0]
    assert zero.problem.operations[0].modes == one.problem.operations[0].modes
    assert zero.machines == ((0,), (1,))
    assert one.machines == ((1,), (2,))
    assert (zero.name, one.name) == ("zero", "one")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("1 2\n2 1 0 3\n", "bad:2:1: the line ends too early"),
        ("1 2\n1 1 0 3 4\n", "bad:2:1: numbers are left over"),
        ("1 2\n1 1 0 -3\n", "a time below 0"),
        ("1 2\n1 0\n", "no alternative"),
        ("1 2\n1 1 3 3\n", "machine 3 of 2"),
        ("2 2\n1 1 0 3\n", "1 jobs where the header says 2"),
        ("x\n", "bad:1:1"),
    ],
)
def test_a_wrong_flexible_job_shop_is_refused(text, where):
    with pytest.raises(InputError) as raised:
        read_flexible_job_shop(text, "bad")
    assert where in raised.value.message


def test_a_job_shop_is_the_same_as_text_and_as_json():
    item = {
        "name": "tiny",
        "duration_matrix": [[3, 2], [2, 4]],
        "machines_matrix": [[0, 1], [1, 0]],
    }
    text = "# a comment\n2 2\n0 3 1 2\n1 2 0 4\n"
    by_text = read_job_shop(text, "tiny.txt")[0]
    for document in (item, [item], {"tiny": item}):
        (found,) = read_job_shop(json.dumps(document), "tiny.json")
        assert found == by_text
    with pytest.raises(InputError, match="3 numbers"):
        read_job_shop("1 2\n0 3 1\n", "odd")
    with pytest.raises(InputError, match="no job shop"):
        read_job_shop(json.dumps([item, {"name": "no"}]), "x")


def test_the_files_of_the_project_have_their_sizes():
    sizes = {
        file.stem: len(read_flexible_job_shop(file.read_text(), file.name)[0].problem.operations)
        for file in (DATA / "fjsp").iterdir()
    }
    assert sizes == {"mk01": 55, "mk03": 150, "mk05": 106, "mk07": 100, "mk09": 240}
    for name, operations, limits in (("qPCR_N5", 80, 55), ("RNAseq_N5", 140, 65)):
        folder = DATA / "slab" / name
        problem = read_slab({t: (folder / t).read_text() for t in TABLES}, name).problem
        assert len(problem.operations) == operations
        assert sum(lag.most is not None for lag in problem.lags) == limits


def test_lab_workloads():
    problem = lab_workload(DOCUMENT, "s3", 3)
    assert [len([op for op in problem.operations if op.job == job]) for job in range(3)] == [
        9,
        8,
        10,
    ]
    baked = [op for op in problem.operations if op.programme]
    assert {op.programme for op in baked} == {"900C", "600C"}
    assert sum(lag.most is not None for lag in problem.lags) == 1 + 2 + 2
    blocking = lab_workload(DOCUMENT, "s2", 1).operations
    assert [op.fetched_by for op in blocking] == [*range(1, 9), None]
    with pytest.raises(InputError, match="s9"):
        lab_workload(DOCUMENT, "s9", 1)
