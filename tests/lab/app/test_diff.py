"""`lab diff` on the command line: what it prints and its exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from lab.app.diff import compare_files
from lab.cli.main import app
from lab.domain.errors import InputError
from tests.support.procedures import FULL

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    before, after = tmp_path / "a.yaml", tmp_path / "b.yaml"
    before.write_text(FULL, encoding="utf-8")
    after.write_text(FULL.replace("temperature: 25 degC", "temperature: 30 degC"), encoding="utf-8")
    return before, after


def run(*words: object):
    found = CliRunner().invoke(app, ["diff", *map(str, words)], standalone_mode=False)
    assert found.exception is None, found.exception
    return found


def test_a_difference_is_one_line_and_exit_code_1(files):
    found = run(*files)
    assert found.return_value == 1
    assert found.stdout.splitlines() == ["step warm: temperature 25 degC -> 30 degC"]
    assert "raise it" in found.stderr


def test_the_same_procedure_is_exit_code_0_with_its_hash(files):
    before, after = files
    after.write_text("# a remark\n" + FULL.replace("5 min", "300 s"), encoding="utf-8")
    found = run(before, after)
    assert found.return_value == 0
    assert "the procedure is the same (sop_sha256 " in found.stdout


def test_as_json(files):
    found = run(*files, "--json")
    document = json.loads(found.stdout)
    assert document["same"] is False
    (change,) = document["changes"]
    assert (change["part"], change["what"]) == ("step warm", "temperature")
    assert len(document["hashes"]) == 2


def test_what_can_not_be_read_is_refused_with_its_place(files, tmp_path):
    before, after = files
    with pytest.raises(InputError) as caught:
        compare_files(before, tmp_path / "none.yaml")
    assert caught.value.exit_code == 2
    after.write_text(FULL.replace("retry: 2", "retry: many"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        compare_files(before, after)
    (finding,) = caught.value.diagnostics
    assert "retry: many" in finding.source_line
