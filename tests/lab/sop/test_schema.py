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


@pytest.mark.parametrize(
    "folder",
    sorted(path.parent for path in ROOT.glob("sops/*/sop.yaml")),
    ids=lambda path: path.name,
)
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


def shows_how(value: Any) -> bool:
    """Does a key say what can be written: an example, a list of values, or a reference to a mapping of keys?"""
    if not isinstance(value, dict):
        return False
    if any(word in value for word in ("examples", "enum", "const", "$ref")):
        return True
    inner = [part for word in ("allOf", "anyOf", "oneOf") for part in value.get(word, [])]
    inner += [value.get("items"), value.get("additionalProperties")]
    return any(map(shows_how, (*inner, *value.get("patternProperties", {}).values())))


@pytest.mark.parametrize("name", NAMES)
def test_every_key_shows_how_it_is_written(name):
    assert [path for path, value in walk(json_schemas()[name]) if not shows_how(value)] == []
    assert not shows_how({"type": "string", "description": "no example"})


@pytest.mark.parametrize("name", NAMES)
def test_examples_fulfil_their_own_schema(name):
    schema = json_schemas()[name]
    for path, value in walk(schema):
        own = {"definitions": schema["definitions"], **value}
        validator = jsonschema.Draft7Validator(own)
        for shown in value.get("examples", []):
            assert list(validator.iter_errors(shown)) == [], f"{path}: {shown}"


STEP = {
    "id": "weigh", "title": "Weigh", "equipment": "balance", "action": "weigh", "duration": "8 s",
    "timeout": "60 s",
}  # fmt: skip
ITEMS: dict[str, dict[str, Any]] = {
    "step": STEP,
    "manual": {**{k: STEP[k] for k in ("id", "title", "duration", "timeout")},
               "manual": {"prompt": "Look at it."}},
    "stage": {"id": "a", "title": "A", "stage": [STEP]},
    "parallel": {"id": "a", "parallel": [[STEP], [STEP]]},
    "repeat": {"id": "a", "repeat": {"max_iterations": 2, "steps": [STEP]}},
    "for_each": {"id": "a", "for_each": {"name": "x", "in": ["1 mL"], "steps": [STEP]}},
    "branch": {"id": "a", "branch": {"when": "${x > 1}", "then": [STEP]}},
    "call": {"id": "a", "call": {"sop": "b.yaml", "version": "1.0.0", "sha256": "0" * 64}},
}  # fmt: skip


@pytest.mark.parametrize("kind", ITEMS)
def test_an_item_is_judged_as_the_one_kind_that_it_is(kind):
    schema = json_schemas()["sop"]
    one = {"definitions": schema["definitions"], "$ref": "#/definitions/Item"}
    validator = jsonschema.Draft7Validator(one)
    good = ITEMS[kind]
    assert list(validator.iter_errors(good)) == []
    (error,) = validator.iter_errors({**good, "durration": "1 s"})
    assert "'durration' was unexpected" in error.message
    (error,) = validator.iter_errors({key: value for key, value in good.items() if key != "id"})
    assert "'id' is a required property" in error.message


def test_examples_of_blocks_are_items():
    schema = json_schemas()["sop"]
    offered: Any = schema["definitions"]
    for key, value in offered["Item"]["properties"].items():
        own = {"definitions": offered, **offered[_definition_with(offered, key)]["properties"][key]}
        assert list(jsonschema.Draft7Validator(own).iter_errors(value["examples"][0])) == []


def _definition_with(definitions: dict[str, Any], key: str) -> str:
    (found,) = (
        name
        for name, value in definitions.items()
        if name != "Item" and key in value.get("required", [])
    )
    return found
