"""`lab bench`: what it prints is a schedule of the file, checked from the raw file."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from lab.app import scheduling
from lab.cli import main as cli
from lab.engine.solver.process import SolverProcess
from lab.plan.formats import workload
from lab.plan.formats.shop import read_flexible_job_shop
from tests.support.instance_checker import (
    check_shop,
    check_slab,
    check_workload,
    flexible_jobs,
    job_shops,
)
from tests.support.shop_rules import best_rule

DATA = Path(__file__).parents[2] / "data" / "scheduling"
WORKLOADS = json.loads((Path(workload.__file__).parent / "lab_workloads.json").read_text())
KEYS = {
    "instance",
    "makespan",
    "lower_bound",
    "status",
    "seconds",
    "first_plan_seconds",
    "schedule",
}


@pytest.fixture(scope="module")
def solver():
    with SolverProcess() as process:
        yield process


@pytest.fixture
def bench_alone(monkeypatch, capsys):
    """`lab bench`, with whatever it starts by itself."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lab", "bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0), out.out, out.err

    return call


@pytest.fixture
def bench(bench_alone, solver, monkeypatch):
    """`lab bench` with one solver for all tests, as each start of one costs half a second."""
    monkeypatch.setattr(scheduling, "solver_if_installed", lambda: nullcontext(solver))
    return bench_alone


def test_slab_instances_are_named_by_their_folder_and_planned_to_the_published_best(bench_alone):
    folders = sorted((DATA / "slab").iterdir())
    code, out, _ = bench_alone("schedule", *folders, "--format", "slab", "--time", "6", "--json")
    found = json.loads(out)
    assert code == 0
    assert [row["instance"] for row in found] == [folder.name for folder in folders]
    for folder, row in zip(folders, found, strict=True):
        assert set(row) >= KEYS
        assert check_slab(folder, row["schedule"]) == []
        assert row["makespan"] == max(line["end"] for line in row["schedule"])
        assert row["lower_bound"] <= row["makespan"]
    makespans = {row["instance"]: row["makespan"] for row in found}
    assert makespans["Gu2016_N1"] == 87
    assert makespans["qPCR_N5"] <= 149
    assert makespans["Gu2016_N5"] <= 310
    assert makespans["RNAseq_N5"] <= 1010


def test_the_slab_checker_refuses_a_schedule_that_is_off_by_one(bench):
    folder = DATA / "slab" / "Gu2016_N1"
    _, out, _ = bench("schedule", folder, "--format", "slab", "--time", "0.2", "--json")
    rows = json.loads(out)[0]["schedule"]
    assert check_slab(folder, rows) == []
    for number in range(len(rows)):
        moved = [dict(row) for row in rows]
        moved[number]["end"] += 1
        assert check_slab(folder, moved)
    late = [dict(row) for row in rows]
    last = max(late, key=lambda row: row["end"])
    last["start"], last["end"] = last["start"] + 50, last["end"] + 50
    assert check_slab(folder, late)


def test_flexible_job_shops(bench):
    files = [DATA / "fjsp" / "mk01.fjs", DATA / "fjsp" / "mk05.fjs"]
    code, out, _ = bench("schedule", *files, "--format", "fjsp", "--time", "2", "--json")
    assert code == 0
    for file, row in zip(files, json.loads(out), strict=True):
        assert row["instance"] == file.stem
        assert check_shop(flexible_jobs(file), row["schedule"]) == []
        assert row["status"] in ("optimal", "feasible")
        moved = [dict(line, machine=99) for line in row["schedule"]]
        assert check_shop(flexible_jobs(file), moved)


def test_job_shops_of_a_json_file_and_as_text(bench, tmp_path):
    file = DATA / "jsp" / "jsp_selected.json"
    _, out, _ = bench("schedule", file, "--format", "jsp", "--time", "0.3", "--json")
    shops = job_shops(file)
    found = json.loads(out)
    assert [row["instance"] for row in found] == list(shops)
    for row in found:
        assert check_shop(shops[row["instance"]], row["schedule"]) == []
    text = tmp_path / "ft06.txt"
    jobs = shops["ft06"]
    lines = [" ".join(f"{m} {t}" for op in job for m, t in op.items()) for job in jobs]
    text.write_text("\n".join(["6 6", *lines]))
    _, out, _ = bench("schedule", text, "--format", "jsp", "--time", "5", "--json")
    (row,) = json.loads(out)
    assert (row["instance"], row["makespan"], row["status"]) == ("ft06", 55, "optimal")
    assert check_shop(jobs, row["schedule"]) == []


@pytest.mark.parametrize("name", ["s1", "s2", "s3"])
@pytest.mark.parametrize("samples", [1, 24])
def test_workloads_break_no_hold_and_pull_fifo_is_what_was_measured(bench, name, samples):
    code, out, _ = bench(
        "lab-workload", "--workload", name, "--samples", samples, "--time", "0.5", "--json"
    )
    found = json.loads(out)
    wrong, broken = check_workload(WORKLOADS, name, samples, found["schedule"])
    assert (code, wrong, broken, found["broken_holds"]) == (0, [], set(), 0)
    assert found["makespan"] == max(row["end"] for row in found["schedule"])
    if samples == 24:
        assert found["pull_fifo"] == WORKLOADS["pull_fifo"][f"{name}-24"]
        assert found["makespan"] <= found["pull_fifo"]["makespan"]
    assert found["makespan"] >= found["lower_bound"]


@pytest.mark.parametrize("samples", [12, 24])
def test_a_screen_is_planned_no_worse_than_greedily_in_less_than_a_second(bench, samples):
    code, out, _ = bench(
        "lab-workload", "--workload", "screen", "--samples", samples, "--time", "0.9", "--json"
    )
    found = json.loads(out)
    wrong, broken = check_workload(WORKLOADS, "screen", samples, found["schedule"])
    assert (code, wrong, broken) == (0, [], set())
    assert found["history"][0][1] <= found["pull_fifo"]["makespan"]
    assert found["makespan"] <= min(
        0.8 * found["pull_fifo"]["makespan"], 1.16 * found["lower_bound"]
    )


def test_the_workload_checker_refuses_what_a_laboratory_cannot_do(bench):
    _, out, _ = bench(
        "lab-workload", "--workload", "s3", "--samples", "12", "--time", "0", "--json"
    )
    rows = json.loads(out)["schedule"]

    def judged(change):
        moved = [dict(row) for row in rows]
        change(moved)
        return check_workload(WORKLOADS, "s3", 12, moved)

    def shift(row, by):
        for key in ("move_start", "start", "end"):
            row[key] += by

    assert judged(lambda moved: None) == ([], set())
    assert judged(lambda moved: shift(moved[0], 500))[0]
    assert judged(lambda moved: [shift(row, -1) for row in moved[5:]])[0]
    oven = next(n for n, row in enumerate(rows) if row["station"] == "furnace")
    assert judged(lambda moved: shift(moved[oven], 1))[0]
    cool = next(n for n, row in enumerate(rows) if row["station"] == "cool")
    assert judged(lambda moved: shift(moved[cool], 300))[1]
    assert judged(lambda moved: moved.pop())[0]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("", "the file is empty"),
        ("two machines\n", ":1:1"),
        ("1 2\n0 3 1 x\n", ':2:7: "x" is not a whole number'),
        ("2 2\n0 3 1 2\n", "1 jobs where the header says 2"),
        ("1 2\n0 3 7 2\n", "machine 7 of 2"),
        ("1 2\n0 3 1\n", ":2:1"),
        ("[1]", "instance 0 is no job shop"),
        ("{", "not JSON"),
    ],
)
def test_bad_files_are_refused_with_their_place_and_a_remedy(bench, tmp_path, content, where):
    file = tmp_path / "bad.txt"
    file.write_text(content)
    code, out, err = bench("schedule", file, "--format", "jsp", "--json")
    assert code == 2
    assert where in err
    assert json.loads(out)["hint"]
    assert "Traceback" not in err


def test_a_file_that_is_not_there_and_a_format_that_is_not_known(bench, tmp_path):
    assert bench("schedule", tmp_path / "none", "--format", "fjsp")[0] == 2
    assert bench("schedule", tmp_path, "--format", "slab")[0] == 2
    assert bench("schedule", tmp_path, "--format", "xyz")[0] == 2
    assert bench("lab-workload", "--workload", "s9")[0] == 2


def test_the_table_for_people(bench_alone):
    code, out, _ = bench_alone(
        "lab-workload", "--workload", "s2", "--samples", "24", "--time", "0.1"
    )
    assert code == 0
    assert "pull-FIFO\t825\t17" in out
    file = DATA / "fjsp" / "mk01.fjs"
    code, out, _ = bench_alone("schedule", file, "--format", "fjsp", "--time", "0")
    assert code == 0
    assert out.splitlines()[1].startswith("mk01\t")


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"", "fjsp", "is empty"),
        (b"\n \n", "jsp", "is empty"),
        (b"\xff\xfe\x00\x01", "jsp", "is no text"),
        (b'{"a": 1}', "jsp", "is no job shop"),
        (b"2 2\n2 1 0 x\n", "fjsp", ':2:7: "x" is not a whole number'),
        (b"{" + b"7" * 9000, "fjsp", "is no header"),
        (b"1 1\n1 1 1 " + b"y" * 9000, "fjsp", "is not a whole number"),
    ],
)
def test_a_file_that_is_no_instance_is_told_in_a_short_line(bench, tmp_path, content, kind, says):
    path = tmp_path / "odd.txt"
    path.write_bytes(content)
    code, out, said = bench("schedule", path, "--format", kind)
    assert (code, out) == (2, "")
    first, hint, *_ = said.splitlines()
    assert says in first
    assert len(first) < 200 + len(str(path))
    assert hint.startswith("     ")


@pytest.mark.parametrize("kind", ["slab", "fjsp", "jsp"])
def test_what_is_not_there_or_of_the_wrong_kind_is_named(bench, tmp_path, kind):
    code, _, said = bench("schedule", tmp_path / "none", "--format", kind)
    assert code == 2
    assert f"there is nothing at {tmp_path / 'none'}" in said
    code, _, said = bench("schedule", tmp_path, "--format", kind)
    assert code == 2
    assert ("no machines.tsv" if kind == "slab" else "can't be read: Is a directory") in said


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("schedule", "x", "--format", "fjsp", "--time", "-1"), "--time"),
        (("schedule", "x", "--format", "fjsp", "--time", "nan"), "--time"),
        (("schedule", "x", "--format", "xml"), "--format"),
        (("schedule", "x"), "--format"),
        (("lab-workload", "--workload", "s2", "--samples", "0"), "--samples"),
        (("lab-workload", "--workload", "s9"), "--workload"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(bench, arguments, option):
    code, out, said = bench(*arguments)
    assert (code, out) == (2, "")
    assert option in said.splitlines()[0]


@pytest.mark.parametrize("name", ["mk01", "mk05", "mk07"])
def test_no_plan_on_the_way_is_worse_than_the_best_rule(bench, name):
    path = DATA / "fjsp" / f"{name}.fjs"
    [problem] = [found.problem for found in read_flexible_job_shop(path.read_text(), path.name)]
    _, out, _ = bench("schedule", path, "--format", "fjsp", "--time", "0.2", "--json")
    [row] = json.loads(out)
    makespans = [makespan for _, makespan in row["history"]]
    assert makespans[0] <= best_rule(problem).makespan
    assert makespans == sorted(makespans, reverse=True)
    assert makespans[-1] == row["makespan"]


@pytest.mark.parametrize(("samples", "seconds", "most"), [(12, 6, 230), (24, 0.5, 469)])
def test_a_small_screen_is_planned_to_the_best_and_a_larger_one_well(bench, samples, seconds, most):
    code, out, _ = bench(
        "lab-workload", "--workload", "screen", "--samples", samples, "--time", seconds, "--json"
    )
    found = json.loads(out)
    assert code == 0
    assert check_workload(WORKLOADS, "screen", samples, found["schedule"]) == ([], set())
    assert found["makespan"] <= most < found["pull_fifo"]["makespan"]
