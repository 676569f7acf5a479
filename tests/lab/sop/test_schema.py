"""The committed JSON Schemas are those of the models, and say the same as the checks about examples and mistakes."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from lab.sop.document import read_document
from lab.sop.schema import json_schemas, schema_text
from tests.support.sop_files import ROOT, changed, example

NAMES = ("sop", "lab", "campaign")


def problems(name: str, text: str) -> list[str]:
    document = read_document(text, name)
    assert document.data is not None
    validator = jsonschema.Draft7Validator(json_schemas()[name])
    return [error.message for error in validator.iter_errors(document.data)]


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_file_is_current(name):
    path = ROOT / "schemas" / f"{name}.schema.json"
    committed = json.loads(path.read_text(encoding="utf-8"))
    assert committed == json_schemas()[name], f"lab schema {name} > schemas/{name}.schema.json"
    assert json.loads(schema_text(name)) == committed


def test_no_other_schema_is_committed_for_these_files():
    assert set(json_schemas()) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_a_schema_of_draft_7(name):
    jsonschema.Draft7Validator.check_schema(json_schemas()[name])


@pytest.mark.parametrize("folder", sorted((ROOT / "sops").iterdir()), ids=lambda path: path.name)
@pytest.mark.parametrize("name", NAMES)
def test_examples_fulfil_it_and_name_it(folder, name):
    path = folder / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    assert problems(name, text) == []
    first = text.split("\n", 1)[0]
    assert first.startswith("# yaml-language-server: $schema=")
    named = (folder / first.split("=", 1)[1]).resolve()
    assert named == ROOT / "schemas" / f"{name}.schema.json"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("sop", "timeout: 60 s", "timout: 60 s"),
        ("sop", "status: approved", "status: aproved"),
        ("sop", "duration: 5 s", "duration: 5"),
        ("sop", "id: tare", "id: tare it"),
        ("sop", "retry: 2", "retry: 11"),
        ("lab", "shared: true", "wells: 97"),
        ("lab", "  pot: {", "  the pot: {"),
        ("campaign", "direction: maximize", "direction: up"),
    ],
)
def test_mistakes_are_seen_by_an_editor_too(name, old, new):
    assert problems(name, example(name)) == []
    assert problems(name, changed(name, (old, new))) != []


def walk(node: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(node, dict):
        for key, value in node.get("properties", {}).items():
            found += [(f"{path}/{key}", value), *walk(value, f"{path}/{key}")]
        for key, value in node.get("definitions", {}).items():
            found += walk(value, key)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_key_has_a_description_and_none_is_null(name):
    schema = json_schemas()[name]
    keys = walk(schema)
    assert len(keys) > 10
    assert [path for path, value in keys if not value.get("description")] == []
    assert '"null"' not in json.dumps(schema)
    assert "$defs" not in json.dumps(schema)
