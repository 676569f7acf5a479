"""The reference pages that are written from the code are what the code would write now."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from lab.records.columns import TABLES
from lab.sop.campaign_model import Campaign
from lab.sop.lab_model import Lab
from lab.sop.model import Sop
from lab.sop.model_steps import Item
from scripts import write_reference

PAGES = write_reference.pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_page_is_what_the_code_writes(path) -> None:
    assert path.read_text(encoding="utf-8") == PAGES[path], "run python scripts/write_reference.py"


def section(name: str) -> dict[str, list[str]]:
    """Key -> cells of a part of the page of keys."""
    text = write_reference.keys_page().split(f"\n### {name}\n")[1].split("\n#")[0]
    rows = [
        re.split(r"(?<!\\\\) \| ", line.strip("| "))
        for line in text.splitlines()
        if line.startswith("| `")
    ]
    return {row[0].strip("`"): [cell.strip() for cell in row[1:]] for row in rows}


def parts(model: Any) -> set[type[BaseModel]]:
    """Every model that a file may hold, found without the script under test."""
    todo: list[Any] = [model]
    found: set[type[BaseModel]] = set()
    while todo:
        one = todo.pop()
        if isinstance(one, type) and issubclass(one, BaseModel) and one not in found:
            found.add(one)
            todo += [field.annotation for field in one.model_fields.values()]
        todo += get_args(one)
    return found


@pytest.mark.parametrize("model", sorted(parts(Sop) | parts(Lab) | parts(Campaign), key=str))
def test_every_key_of_every_part_is_there_with_its_meaning(model: type[BaseModel]) -> None:
    rows = section(model.__name__)
    assert list(rows) == [field.alias or name for name, field in model.model_fields.items()]
    for name, (takes, default, *_) in rows.items():
        assert takes, name
        field = next(f for n, f in model.model_fields.items() if (f.alias or n) == name)
        assert (default == "must be given") is field.is_required()
        assert (field.description or "?") in "".join(rows[name]).replace("\\|", "|")


def test_every_kind_of_step_is_a_part() -> None:
    kinds = {get_args(kind)[0].__name__ for kind in get_args(get_args(Item)[0])}
    assert len(kinds) == 8
    assert all(section(kind) for kind in kinds)


@pytest.mark.parametrize(
    ("part", "key", "takes", "default", "example"),
    [
        ("Sop", "id", "name", "must be given", "`density_by_mass`"),
        ("Step", "duration", "duration", "must be given", "`30 s`"),
        ("Step", "critical", "`true` or `false`", "`true`", "`false`"),
        ("Step", "needs", "list of names", "", "`[tare]`"),
        ("OnError", "then", "`abort` or `skip` or `hold`", "`abort`", "`hold`"),
        ("Timing", "from", "text", "must be given", "`dose.end`"),
        ("Branch", "else", None, "", ""),
        ("Equipment", "draws", "name or a list of names", "", "`solvent`"),
        ("ForEach", "in", "list of text or number", "must be given", "`[0 mL, 1 mL, 2 mL]`"),
        ("Lab", "database", "text", "`.lab/lab.db`", "`.lab/lab.db`"),
        ("Campaign", "seed", "whole number", "", "`7`"),
    ],
)
def test_a_key_tells_type_default_and_example(part, key, takes, default, example) -> None:
    cells = section(part)[key]
    if takes is not None:
        assert cells[0] == takes
    assert cells[1] == default
    assert (cells[3] if len(cells) > 3 else "") == example


def test_every_table_and_column_of_the_records_is_there() -> None:
    text = write_reference.records_page()
    for table, columns in TABLES.items():
        part = text.split(f"\n## {table}\n")[1].split("\n## ")[0]
        assert re.findall(r"^\| `(\w+)`", part, re.MULTILINE) == [c.name for c in columns]
        assert all(column.meaning.replace("|", "\\|") in part for column in columns)
