"""Every wrong file is refused in words of the bench: the cause, the place, the remedy.

`expected.txt` holds all that is said, as it was when somebody last read it and found it right. After a change that is
meant to alter messages, renew it and read its difference before you commit it:

    LABWRIGHT_RENEW_GOLDEN=1 pytest tests/corpus
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_lab
from lab.sop.load import load_sop
from tests.corpus import expressions, options, procedures, reading, safety, together, values
from tests.corpus.cases import BASES, base
from tests.corpus.codes import codes_in_source
from tests.corpus.judge import findings, golden_text
from tests.support.drivers import CHEMISTRIES, DRIVERS

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic
    from tests.corpus.cases import Case

CASES = (
    *reading.CASES,
    *values.CASES,
    *expressions.CASES,
    *procedures.CASES,
    *safety.CASES,
    *together.CASES,
    *options.CASES,
)
GOLDEN = Path(__file__).with_name("expected.txt")


class _Found:
    """What is said about a case; each is judged once, in the test that asks first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._said: dict[str, list[Diagnostic]] = {}

    def __call__(self, case: Case) -> list[Diagnostic]:
        if case.name not in self._said:
            self._said[case.name] = findings(case, self._folder)
        return self._said[case.name]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> _Found:
    return _Found(tmp_path_factory.mktemp("corpus"))


@cache
def _golden() -> dict[str, str]:
    parts = GOLDEN.read_text(encoding="utf-8").split("=== ")[1:]
    return {part[: part.index(" (")]: f"=== {part}" for part in parts}


def test_there_are_many_and_each_has_its_name() -> None:
    names = [case.name for case in CASES]
    assert len(names) >= 150
    assert len(set(names)) == len(names)
    assert {case.base for case in CASES} == set(BASES)


@pytest.mark.parametrize("name", ["plain", "rich"])
def test_the_bases_themselves_are_right(name: str) -> None:
    folder, file = BASES[name]
    procedure, said = load_sop(folder / file, base(name), file, CAPABILITIES)
    assert [item.text() for item in said] == []
    assert procedure is not None


def test_the_lab_itself_is_right() -> None:
    found = check_lab(
        base("lab"), "lab.yaml", DRIVERS, capabilities=CAPABILITIES, chemistries=CHEMISTRIES
    )[1]
    assert found == []


def test_every_code_that_the_checker_knows_has_a_case() -> None:
    known = codes_in_source()
    assert len(known) > 60
    assert known - {case.raises for case in CASES} == set()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_says_what_it_is_there_for(case: Case, found: _Found) -> None:
    said = found(case)
    assert case.raises in [item.code for item in said], golden_text(case, said)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_finding_has_its_place_and_its_remedy(case: Case, found: _Found) -> None:
    lines = case.text().decode(errors="replace").removeprefix("\ufeff").split("\n")
    for item in found(case):
        assert item.message
        assert item.hint, item.text()
        assert "must match ^" not in item.hint, item.text()
        assert not item.message.startswith("value error"), item.text()
        if item.file != BASES[case.base][1]:
            continue
        assert 1 <= item.line <= len(lines), item.text()
        assert item.source_line in ("", lines[item.line - 1].rstrip("\r")), item.text()
        assert 1 <= item.column <= len(lines[item.line - 1]) + 1, item.text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_words_are_those_that_were_found_right(case: Case, found: _Found) -> None:
    text = golden_text(case, found(case))
    if os.environ.get("LABWRIGHT_RENEW_GOLDEN") == "1":
        if case is CASES[0]:
            everything = [golden_text(item, found(item)) for item in CASES]
            GOLDEN.write_text("\n".join(everything), encoding="utf-8")
            _golden.cache_clear()
        pytest.skip("the golden file was renewed: read its difference before you commit it")
    assert _golden().get(case.name, "").rstrip() == text.rstrip(), (
        "if that is meant, renew with LABWRIGHT_RENEW_GOLDEN=1"
    )


def test_nothing_is_in_the_golden_file_that_is_no_case() -> None:
    assert set(_golden()) == {case.name for case in CASES}
