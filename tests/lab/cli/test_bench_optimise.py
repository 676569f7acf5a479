"""`lab bench optimise`: its document, its table, and what it refuses."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from lab.cli import main as cli

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def bench(monkeypatch, capsys):
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lab", "bench", "optimise", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out = capsys.readouterr()
        return int(ended.value.code or 0), out.out, out.err

    return call


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "grid.csv"
    rows = [f"{a},{b},{a + b}" for a in range(5) for b in range(5)]
    path.write_text("\n".join(["a,b,gain", *rows]) + "\n", encoding="utf-8")
    return path


def test_a_function_as_json(bench):
    code, out, _ = bench(
        "--function", "branin", "--init", 4, "--batch", 2, "--batches", 2, "--seeds", 2, "--json"
    )
    assert code == 0
    found = json.loads(out)
    assert set(found) == {"task", "seeds", "methods", "missing"}
    assert found["task"]["name"] == "branin"
    ours = found["methods"]["ours"]
    assert {"best_by_batch", "regret_by_batch", "cpu_seconds_per_batch"} <= set(ours)
    assert len(ours["regret_by_batch"]["by_seed"]) == 2


def test_a_table_as_text_and_a_peer_that_is_missing(bench, table, monkeypatch):
    monkeypatch.setattr("lab.optimize.bench.run.installed", lambda name: False)
    code, out, err = bench(
        "--data",
        table,
        "--objective",
        "gain",
        "--direction",
        "max",
        "--init",
        5,
        "--batches",
        1,
        "--seeds",
        2,
        "--peers",
        "ax",
    )
    assert code == 0
    assert "share of top 5 %" in out
    assert "ours" in out
    assert "ax is not installed" in err


def test_a_table_with_two_objectives(bench, tmp_path: Path):
    table = tmp_path / "two.csv"
    rows = [f"{a},{b},{a + b},{(a - b) ** 2 + b}" for a in range(4) for b in range(4)]
    table.write_text("\n".join(["a,b,gain,cost", *rows]) + "\n", encoding="utf-8")
    goals = (
        "--objective",
        "gain",
        "--direction",
        "max",
        "--objective",
        "cost",
        "--direction",
        "min",
    )
    sizes = ("--init", 2, "--batch", 1, "--batches", 1, "--seeds", 1)
    code, out, _ = bench("--data", table, *goals, *sizes)
    assert code == 0
    assert "share of the volume" in out
    assert "random" in out
    code, out, _ = bench("--data", table, *goals, *sizes, "--json")
    assert code == 0
    assert "volume_share_by_batch" in json.loads(out)["methods"]["ours"]


def test_what_a_batch_costs(bench, table):
    sizes = ("--cost", "5, 9", "--batch", 2, "--seeds", 2)
    code, out, _ = bench("--function", "branin", *sizes)
    assert code == 0
    assert "times ours" in out
    assert [line.split("\t")[:2] for line in out.splitlines()[1:]] == [["ours", "5"], ["ours", "9"]]
    goal = ("--objective", "gain", "--direction", "max")
    code, out, _ = bench("--data", table, *goal, *sizes, "--json")
    assert code == 0
    found = json.loads(out)["methods"]["ours"]["by_trials"]
    assert [len(found[count]["by_seed"]) for count in ("5", "9")] == [2, 2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--function", "hartman6"], "no test function"),
        (["--objective", "gain"], "--objective without --data"),
        (["--data", "TABLE"], "--data without --objective"),
        (["--data", "TABLE", "--objective", "gain"], "no direction for gain"),
        (["--data", "TABLE", "--function", "branin"], "choose one of the two"),
        (["--data", "TABLE", "--objective", "y", "--direction", "min"], "no column y"),
        (
            ["--data", "TABLE", "--objective", "gain", "--direction", "max", "--descriptors", "a"],
            "COLUMN=FILE",
        ),
        (["--peers", "edbo"], "edbo is no peer"),
        (["--cost", "50,many"], "--cost many is no count of trials"),
        (["--cost", "1"], "after 1 trials"),
        (["--function", "snar", "--cost", "50"], "--cost where several goals are sought"),
        (
            ["--data", "TABLE", "--objective", "gain", "--direction", "max", "--cost", "24"],
            "28 trials of 25 rows",
        ),
        (["--function", "snar", "--peers", "optuna"], "not run where several goals are sought"),
        (
            ["--data", "TABLE", "--objective", "gain", "--objective", "a", "--direction", "max"],
            "no direction for a",
        ),
        (
            ["--data", "TABLE", "--objective", "gain", "--direction", "max", "--direction", "min"],
            "2 directions for 1 objectives",
        ),
    ],
)
def test_what_does_not_go_together_is_refused(bench, table, arguments, words):
    code, out, err = bench(*[table if word == "TABLE" else word for word in arguments])
    assert code == 2
    assert words in err
    assert "Traceback" not in err + out
