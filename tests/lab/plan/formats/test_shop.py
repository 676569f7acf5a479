"""Job shops as text and JSON: whatever a file holds, it is read as it stands or refused at its place."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain.errors import InputError
from lab.plan.formats.instance import LARGEST, Instance, numbers, shortened, whole
from lab.plan.formats.shop import read_flexible_job_shop, read_job_shop
from lab.plan.model.problem import Mode
from lab.plan.model.solution import Placed
from lab.plan.shop.rules import RULES
from tests.lab.plan.shop.test_rules import machine_plan
from tests.support.plan_checker import violations

Shop = list[list[list[tuple[int, int]]]]


@st.composite
def shops(draw: st.DrawFn, *, flexible: bool) -> tuple[Shop, int]:
    """Jobs of operations of alternatives; machines from 0, of which the first and the last are used."""
    machines = draw(st.integers(1, 5))
    times = st.integers(0, 99)
    operation = st.lists(
        st.tuples(st.integers(0, machines - 1), times),
        min_size=1,
        max_size=3 if flexible else 1,
        unique_by=lambda pair: pair[0],
    )
    jobs = draw(st.lists(st.lists(operation, min_size=1, max_size=4), min_size=1, max_size=5))
    jobs.append([[(0, draw(times))], [(machines - 1, draw(times))]])
    return jobs, machines


def flexible_text(jobs: Shop, machines: int, base: int) -> str:
    rows = [f"{len(jobs)} {machines} 1.5"]
    for job in jobs:
        cells = [len(job)]
        for operation in job:
            cells.append(len(operation))
            for machine, time in operation:
                cells += [machine + base, time]
        rows.append(" ".join(map(str, cells)))
    return "# by hand\n" + "\n".join(rows) + "\n"


def plain_text(jobs: Shop, machines: int, base: int) -> str:
    rows = [" ".join(f"{m + base}  {t}" for [(m, t)] in job) for job in jobs]
    return f"{len(jobs)} {machines}\n" + "\n\n".join(rows)


def shop_of(instance: Instance) -> Shop:
    """What was read, as what was written."""
    jobs: Shop = [[] for _ in instance.problem.jobs]
    for op in instance.problem.operations:
        jobs[op.job].append(
            [(m.station if m.station is not None else -1, m.duration) for m in op.modes]
        )
    return jobs


@settings(deadline=None, max_examples=60)
@given(shops(flexible=True), st.sampled_from([0, 1]))
def test_a_flexible_shop_is_read_as_it_was_written(shop, base):
    jobs, machines = shop
    [instance] = read_flexible_job_shop(flexible_text(jobs, machines, base), "folder/some.fjs")
    assert shop_of(instance) == jobs
    assert instance.name == "some"
    assert instance.machines == tuple((machine + base,) for machine in range(machines))
    assert len(instance.problem.lags) == sum(len(job) - 1 for job in jobs)


@settings(deadline=None, max_examples=60)
@given(shops(flexible=False), st.sampled_from([0, 1]))
def test_a_job_shop_is_the_same_as_text_and_as_json(shop, base):
    jobs, machines = shop
    [by_text] = read_job_shop(plain_text(jobs, machines, base), "x.jsp")
    assert shop_of(by_text) == jobs
    item = {
        "duration_matrix": [[t for [(_, t)] in job] for job in jobs],
        "machines_matrix": [[m for [(m, _)] in job] for job in jobs],
    }
    [by_json] = read_job_shop(json.dumps(item), "x.json")
    assert by_json.problem == by_text.problem if base == 0 else shop_of(by_json) == jobs


@settings(deadline=None, max_examples=30)
@given(shops(flexible=True))
def test_what_was_read_can_be_planned_and_the_rows_are_numbered_as_in_the_file(shop):
    jobs, machines = shop
    [instance] = read_flexible_job_shop(flexible_text(jobs, machines, 1), "x.fjs")
    for rule in range(RULES):
        plan = machine_plan(instance.problem, rule, active=rule % 2 == 0)
        assert violations(instance.problem, plan.placed) == []
        for row in instance.schedule(plan.placed):
            alternatives = jobs[row["job"]][row["operation"]]
            assert (row["machine"] - 1, row["end"] - row["start"]) in alternatives


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "bad: the file is empty"),
        ("# nothing\n\n", "bad: the file is empty"),
        ("0 0\n", 'bad:1:1: "0 0" is no header'),
        ("2\n0 1\n", 'bad:1:1: "2" is no header'),
        ("-1 2\n0 1\n", 'bad:1:1: "-1 2" is no header'),
        ("1 2.5\n0 1\n", 'bad:1:1: "1 2.5" is no header'),
        ("1 1000000000\n0 1\n", "is no header"),
        ("# c\n\n1 x\n0 1\n", 'bad:3:1: "1 x" is no header'),
        ("1 2\n0 1 1\n", "bad:2:1: 3 numbers"),
        ("1 2\n0 1_0\n", 'bad:2:3: "1_0" is not a whole number'),
        ("1 2\n0 1.5\n", 'bad:2:3: "1.5" is not a whole number'),
        ("1 2\n  0\t٣\n", 'bad:2:5: "٣" is not a whole number'),
        ("1 2\n0 99999999999\n", 'bad:2:3: "99999999999" is not a whole number'),
        ("1 2\n55 5 x5 5\n", 'bad:2:6: "x5" is not a whole number'),
        ("1 2\n0 -1\n", "a time below 0"),
        ("1 2\n-1 1\n", "machine -1 of 2"),
        ("1 2\n2 1 0 4\n", "machine 2 of 2"),
        ("2 2\n0 1\n", "1 jobs where the header says 2"),
        ("1 2\n0 1\n0 1\n", "2 jobs where the header says 1"),
        ("1 2\n", "no operation"),
    ],
)
def test_a_wrong_job_shop_is_refused_at_its_place(text, where):
    with pytest.raises(InputError) as raised:
        read_job_shop(text, "bad")
    assert where in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ([], "no instance"),
        ({}, "no instance"),
        ([1], "instance 0 is no job shop"),
        ({"a": {"duration_matrix": [[1]]}}, "instance 0 is no job shop"),
        ({"duration_matrix": 1, "machines_matrix": 2}, "instance 0 is no job shop"),
        ({"duration_matrix": [[1, 2]], "machines_matrix": [[0]]}, "instance 0 is no job shop"),
        ({"duration_matrix": [], "machines_matrix": []}, "no operation"),
        ({"duration_matrix": [[]], "machines_matrix": [[]]}, "no operation"),
        ({"duration_matrix": [[1], [2.5]], "machines_matrix": [[0], [0]]}, "job 1, operation 0: machine 0, time 2.5"),
        ({"duration_matrix": [[True]], "machines_matrix": [[0]]}, "job 0, operation 0"),
        ({"duration_matrix": [[None]], "machines_matrix": [[0]]}, "time None"),
        ({"duration_matrix": [[float("inf")]], "machines_matrix": [[0]]}, "time inf"),
        ({"duration_matrix": [[float("nan")]], "machines_matrix": [[0]]}, "time nan"),
        ({"duration_matrix": [[1, 2]], "machines_matrix": [[0, 10**8]]}, "operation 1: machine 100000000"),
        ({"duration_matrix": [[1]], "machines_matrix": [[-1]]}, "machine -1"),
        ({"duration_matrix": [[-1]], "machines_matrix": [[0]]}, "a time below 0"),
        ({"duration_matrix": [[10**30]], "machines_matrix": [[0]]}, "time 1000000"),
    ],
)  # fmt: skip
def test_a_wrong_json_job_shop_is_refused_by_name_and_place(document, where):
    with pytest.raises(InputError) as raised:
        read_job_shop(json.dumps(document), "bad.json")
    assert raised.value.message.startswith("bad.json")
    assert where in raised.value.message
    assert raised.value.hint


@pytest.mark.parametrize(
    ("text", "where"),
    [("[1,\n 2", "bad:2:3: not JSON"), ("{", "bad:1:2: not JSON"), ("[" * 200_000, "not read")],
)
def test_json_that_is_none_is_refused_where_it_ends(text, where):
    with pytest.raises(InputError, match=re.escape(where)):
        read_job_shop(text, "bad")


@settings(max_examples=200)
@given(st.text(alphabet='0123456789 \n\t-+.#x[]{}:,"e', max_size=40))
def test_no_text_is_a_surprise(text):
    for read in (read_job_shop, read_flexible_job_shop):
        found = read_or_refused(read, text)
        if isinstance(found, InputError):
            assert found.message.startswith("some")
            assert found.hint
        else:
            assert all(instance.problem.operations for instance in found)


def read_or_refused(read, text: str) -> list[Instance] | InputError:
    try:
        return read(text, "some")
    except InputError as error:
        return error


@settings(max_examples=100)
@given(st.lists(st.integers(-3, 9), min_size=1, max_size=25))
def test_no_row_of_numbers_is_a_surprise_to_the_flexible_reader(row):
    text = "1 3\n" + " ".join(map(str, row)) + "\n"
    found = read_or_refused(read_flexible_job_shop, text)
    if isinstance(found, InputError):
        assert found.message.startswith("some")
        return
    [instance] = found
    assert len(instance.problem.operations) == row[0]
    used = [number for number, machine in told(row) if machine]
    base = 1 if 0 not in used and 3 in used else 0
    read = [cell for job in shop_of(instance) for op in job for cell in (len(op), *sum(op, ()))]
    assert read == [number - (base if machine else 0) for number, machine in told(row)]


def told(row: list[int]) -> list[tuple[int, bool]]:
    """The numbers after the first, and whether each is a machine."""
    found: list[tuple[int, bool]] = []
    left = iter(row[1:])
    for count in left:
        found.append((count, False))
        for _ in range(count):
            found += [(next(left), True), (next(left), False)]
    return found


@pytest.mark.parametrize("cell", ["7", "+7", 7, "007"])
def test_what_is_a_whole_number(cell):
    assert whole(cell) == 7


@pytest.mark.parametrize(
    "cell", ["", "7.0", 7.0, True, None, "\u0667", "7e0", "1_0", " 7", LARGEST + 1, [7]]
)
def test_what_is_none(cell):
    assert whole(cell) is None


def test_limits_are_included():
    assert [whole(str(n)) for n in (LARGEST, -LARGEST)] == [LARGEST, -LARGEST]


def test_a_line_gives_all_its_numbers():
    assert numbers(" 1\t-2   +3 ", "x", 1) == [1, -2, 3]
    assert numbers("", "x", 1) == []


def test_long_words_are_shortened():
    assert shortened("  short ") == "short"
    assert len(shortened("x" * 500)) == 60
    with pytest.raises(InputError) as raised:
        numbers("9" * 500, "x", 3)
    assert len(raised.value.message) < 120


def test_the_machine_of_an_operation_that_needs_none_is_minus_one():
    [instance] = read_job_shop("1 1\n0 3\n", "x.jsp")
    assert instance.schedule([Placed(0, None, 0, 0, 3)])[0]["machine"] == 0
    op = instance.problem.operations[0]
    assert op.modes == (Mode(0, 3),)
