"""JSON Schemas of the three files, for editors. Generated from the models; `schemas/` holds the committed copies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from lab.sop.campaign_model import Campaign
from lab.sop.lab_model import Lab
from lab.sop.model import Sop
from lab.sop.schema_items import choose_by_key

if TYPE_CHECKING:
    from pydantic import BaseModel, JsonValue

__all__ = ["json_schemas", "schema_text"]

_MODELS: dict[str, type[BaseModel]] = {"sop": Sop, "lab": Lab, "campaign": Campaign}
_LEFT_OUT: list[JsonValue] = [{"type": "null"}, {"const": "", "type": "string"}]
_DIALECT = "http://json-schema.org/draft-07/schema#"


def json_schemas() -> dict[str, dict[str, JsonValue]]:
    """`sop`, `lab`, `campaign` -> JSON Schema (draft 7, which editors know best)."""
    return {name: _schema(name, model) for name, model in _MODELS.items()}


def schema_text(name: str) -> str:
    """The committed file's content."""
    return json.dumps(json_schemas()[name], indent=2, ensure_ascii=False) + "\n"


def _schema(name: str, model: type[BaseModel]) -> dict[str, JsonValue]:
    raw = model.model_json_schema(by_alias=True, ref_template="#/definitions/{model}")
    plain = cast("dict[str, JsonValue]", _plain(raw))
    definitions = plain.pop("$defs", {})
    schema: dict[str, JsonValue] = {
        "$schema": _DIALECT,
        "title": f"Labwright {name}.yaml",
        **{key: value for key, value in plain.items() if key != "title"},
        "definitions": definitions,
    }
    return choose_by_key(schema) if model is Sop else schema


def _plain(node: JsonValue) -> JsonValue:
    """Without nulls (a key is left out instead), generated titles and draft-2020 words.

    Draft 7 ignores what stands beside a `$ref`, so a reference with a description goes into `allOf`.
    """
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _plain(value) for key, value in node.items() if not _generated(key, value)}
    options = found.get("anyOf")
    if isinstance(options, list):
        options = [item for item in options if item not in _LEFT_OUT]
        if len(options) == 1 and isinstance(options[0], dict):
            del found["anyOf"]
            found = {**options[0], **found}
        else:
            found["anyOf"] = options
    if "patternProperties" in found:
        found.pop("propertyNames", None)
        found["additionalProperties"] = False
    if "default" in found and found["default"] in (None, "", [], {}):
        del found["default"]
    if "$ref" in found and len(found) > 1:
        found["allOf"] = [{"$ref": found.pop("$ref")}]
    return found


def _generated(key: str, value: JsonValue) -> bool:
    """True for titles that pydantic makes of field names (a property called `title` is a mapping)."""
    return key == "title" and isinstance(value, str)
