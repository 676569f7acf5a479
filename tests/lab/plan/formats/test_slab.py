"""S-LAB tables: read as they were written, refused at file, line and cell, and never a problem that waits for itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain.errors import InputError
from lab.plan.formats.slab import TABLES, read_slab
from lab.plan.model.problem import Mode
from lab.plan.search.construct import Constructor
from tests.support.plan_checker import violations

GOOD = {
    "machines.tsv": "Machine_ID\ttype\tname\n7\t1\tarm\n8\t1\tother arm\n9\t4\treader\n",
    "operations.tsv": "job\top\ttype\ttime\n1\t1\t1\t5\tnote\n1\t2\t4\t6\n1\t3\t1\t1\n2\t1\t4\t2\n",
    "dependency.tsv": "job\ta\tb\n1\t1\t2\n1\t2\t3\n",
    "tcmb.tsv": "job\ta\tp\tb\tp\tlimit\n1\t1\tend\t2\tstart\t3\n",
}


@st.composite
def folders(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, list[tuple[int, ...]]]]:
    """An instance as tables, and what stands in them as numbers."""
    kinds = draw(st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))
    machines = [
        (number, kind)
        for number, kind in enumerate(
            [*kinds, *draw(st.lists(st.sampled_from(kinds), max_size=4))], draw(st.integers(0, 50))
        )
    ]
    operations: list[tuple[int, ...]] = []
    order: list[tuple[int, ...]] = []
    limits: list[tuple[int, ...]] = []
    for job in draw(st.lists(st.integers(0, 20), min_size=1, max_size=4, unique=True)):
        names = draw(st.lists(st.integers(0, 30), min_size=1, max_size=5, unique=True))
        operations += [
            (job, n, draw(st.sampled_from(kinds)), draw(st.integers(0, 9))) for n in names
        ]
        for later, name in enumerate(names[1:], 1):
            earlier = names[draw(st.integers(0, later - 1))]
            order.append((job, earlier, name))
            if draw(st.booleans()):
                limits.append((job, earlier, name, draw(st.integers(0, 40))))
    tables = {
        "machines.tsv": "id\ttype\tname\n" + "".join(f"{n}\t{k}\tm{n}\n" for n, k in machines),
        "operations.tsv": "h\n" + "".join("\t".join(map(str, row)) + "\n" for row in operations),
        "dependency.tsv": "h\n" + "\n".join("\t".join(map(str, row)) for row in order),
        "tcmb.tsv": "h\n" + "".join(f"{j}\t{a}\tend\t{b}\tstart\t{m}\n" for j, a, b, m in limits),
    }
    rows = {"machines": machines, "operations": operations, "order": order, "limits": limits}
    return tables, rows


@settings(deadline=None, max_examples=60)
@given(folders())
def test_tables_are_read_as_they_were_written(folder):
    tables, rows = folder
    instance = read_slab(tables, "a/b/")
    problem = instance.problem
    assert instance.name == "b"
    assert list(zip(instance.jobs, instance.operations, strict=True)) == [
        r[:2] for r in rows["operations"]
    ]
    of_kind = {kind: [n for n, k in rows["machines"] if k == kind] for _, kind in rows["machines"]}
    assert [list(units) for units in instance.machines] == list(of_kind.values())
    assert [resource.capacity for resource in problem.resources] == [
        len(u) for u in of_kind.values()
    ]
    kinds = list(of_kind)
    assert [op.modes for op in problem.operations] == [
        (Mode(kinds.index(kind), time),) for _, _, kind, time in rows["operations"]
    ]
    named = {name: n for n, name in enumerate(r[:2] for r in rows["operations"])}
    assert [(lag.first, lag.second) for lag in problem.lags if lag.most is None] == [
        (named[job, a], named[job, b]) for job, a, b in rows["order"]
    ]
    assert [lag.most for lag in problem.lags if lag.most is not None] == [
        r[3] for r in rows["limits"]
    ]


@settings(deadline=None, max_examples=25)
@given(folders())
def test_what_was_read_can_be_planned(folder):
    problem = read_slab(folder[0], "x").problem
    plan = Constructor(problem).best
    assert violations(problem, plan.placed, broken_lags_allowed=True) == []


@pytest.mark.parametrize(
    ("table", "content", "where"),
    [
        ("machines.tsv", "h\n1\n", "machines.tsv:2:1: 1 cells"),
        ("machines.tsv", "h\n1\tarm\n", 'machines.tsv:2:2: "arm"'),
        ("operations.tsv", "h\n\n1\t1\t1\t5.5\n", 'operations.tsv:3:4: "5.5"'),
        ("operations.tsv", "h\n1\t1\t1\t1_0\n", 'operations.tsv:2:4: "1_0"'),
        ("operations.tsv", "h\n1\t1\t1\t99999999999\n", 'operations.tsv:2:4: "99999999999"'),
        ("operations.tsv", "", "operations.tsv: no operation"),
        ("dependency.tsv", "h\n1\t1\t1\n", "dependency.tsv:2:1: operation 1 of job 1 would wait for itself"),
        ("dependency.tsv", "h\n1\t1\t2\n1\t2\t1\n", "dependency.tsv:3:1: operation 1 of job 1 would wait"),
        ("dependency.tsv", "h\n1\t1\t2\n1\t2\t3\n1\t3\t1\n", "dependency.tsv:4:1"),
        ("dependency.tsv", "h\n2\t1\t2\n", "dependency.tsv:2:1: operation 2 of job 2"),
        ("dependency.tsv", "h\n3\t1\t2\n", "dependency.tsv:2:1: operation 1 of job 3"),
        ("tcmb.tsv", "h\n1\t1\tend\t2\tEnd\t4\n", 'mark "end" or "End"'),
        ("tcmb.tsv", "h\n1\t1\tend\t2\tstart\t-4\n", 'tcmb.tsv:2:6: "-4"'),
        ("tcmb.tsv", "h\n1\t1\tend\t9\tstart\t4\n", "tcmb.tsv:2:1: operation 9 of job 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_at_its_cell(table, content, where):
    with pytest.raises(InputError) as raised:
        read_slab({**GOOD, table: content}, "x")
    assert where in raised.value.message
    assert raised.value.message.startswith(f"x/{table}")
    assert raised.value.hint


def test_the_same_dependency_twice_is_no_circle():
    again = {**GOOD, "dependency.tsv": "h\n1\t1\t2\n1\t1\t2\n1\t1\t3\n1\t2\t3\n"}
    assert len(read_slab(again, "x").problem.lags) == 5


@settings(max_examples=200)
@given(st.sampled_from(TABLES), st.text(alphabet="0123\t\n-.x endstar", max_size=40))
def test_no_table_is_a_surprise(table, content):
    try:
        instance = read_slab({**GOOD, table: "header\n" + content}, "some")
    except InputError as error:
        refused = error
    else:
        assert instance.problem.operations
        return
    assert refused.message.startswith("some/")
    assert refused.hint


def test_a_limit_counts_to_both_sides():
    lag = read_slab(GOOD, "x").problem.lags[-1]
    assert (lag.least, lag.most, lag.name) == (-3, 3, "line 2")
