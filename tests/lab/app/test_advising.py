"""`lab optimise advise` on tables, good and bad."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from lab.app.advising import advise_from_table, read_experiments
from lab.domain.errors import InputError
from lab.optimize import Category, Factor
from tests.support.command_line import lab_here

if TYPE_CHECKING:
    from pathlib import Path


def _table(folder: Path, text: str) -> Path:
    path = folder / "data.csv"
    path.write_text(text, encoding="utf-8")
    return path


def _good(folder: Path) -> Path:
    lines = ["run,temperature,solvent,bath,yield"]
    for k in range(40):
        t, solvent = 20 + 13 * k % 70, ("water", "oil")[k % 2]
        lines.append(f"r{k},{t},{solvent},A,{80 - (t - 60) ** 2 / 40 + 5 * (k % 2)}")
    return _table(folder, "\n".join(lines) + "\n")


def test_a_table_becomes_a_space_and_trials(tmp_path: Path):
    space, records = read_experiments(_good(tmp_path), "yield", ["run"])
    assert space.factors == (
        Factor("temperature", "1", 20, 88),
        Category("solvent", ("water", "oil")),
    )  # the bath never changed
    assert len(records) == 40
    assert records[1].factors == {"temperature": 33.0, "solvent": "oil"}


def test_the_verb_prints_a_document(tmp_path: Path):
    options = ["--objective", "yield", "--direction", "max", "--ignore", "run", "--repeats", "2"]
    done = lab_here("optimise", "advise", "--data", str(_good(tmp_path)), *options, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["evenly_spread"] == 40
    assert document["rewards"][0]["adjusted"] >= document["rewards"][-1]["adjusted"]
    assert {"method", "adjusted", "adjusted_error", "naive", "naive_error"} == set(
        document["rewards"][0]
    )


@pytest.mark.parametrize(
    ("text", "objective", "words"),
    [
        ("a,y\n1,2\n", "z", "has no column z"),
        ("a,y\n1,2\n3,much\n", "y", 'line 3: y is "much"'),
        ("a,y\n1,2\n3,nan\n", "y", 'line 3: y is "nan"'),
        ("a,y\n1,2\nhot,3\n", "y", 'line 3: "hot" stands among the numbers of a'),
        ("a,y\n1,2\n3\n", "y", "line 3: 1 cells under 2 names"),
        ("a,y\n", "y", "holds no experiments"),
        ("", "y", "holds no experiments"),
        ("a,y\n1,2\n1,3\n", "y", "the factor space is empty"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_line(
    tmp_path: Path, text: str, objective: str, words: str
):
    with pytest.raises(InputError) as caught:
        read_experiments(_table(tmp_path, text), objective)
    assert words in caught.value.message


def test_a_table_that_is_not_there(tmp_path: Path):
    with pytest.raises(InputError, match="can't be read"):
        read_experiments(tmp_path / "none.csv", "y")


def test_more_evenly_spread_rows_than_rows(tmp_path: Path):
    with pytest.raises(InputError, match="99 evenly spread rows of 40"):
        advise_from_table(_good(tmp_path), "yield", "max", ignore=["run"], evenly_spread=99)
