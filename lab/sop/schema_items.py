"""The entries of a list of steps in the JSON Schema: which kind it is shows by its key, so that an editor can tell.

A plain `oneOf` makes an editor say "matches multiple schemas" for an item with one misspelt key. Here a chain of
`if ... then ... else` chooses exactly one kind, and what is wrong is said of that kind alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from lab.sop.model_steps import (
    BranchBlock,
    CallBlock,
    ForEachBlock,
    ManualStep,
    ParallelBlock,
    RepeatBlock,
    Stage,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel, JsonValue

__all__ = ["choose_by_key"]

_Node = dict[str, "JsonValue"]

_KINDS: dict[str, type[BaseModel]] = {
    "manual": ManualStep,
    "stage": Stage,
    "parallel": ParallelBlock,
    "repeat": RepeatBlock,
    "for_each": ForEachBlock,
    "branch": BranchBlock,
    "call": CallBlock,
}
"""Key that only this kind of item has -> its model; an item without any of them is a plain step."""

_OPTION_TYPES: list[JsonValue] = ["choice", "text", "yes_no"]


def choose_by_key(schema: _Node) -> _Node:
    """The schema of `sop.yaml` with `Item` and `AnyParameter` as definitions of their own, in place of `oneOf`."""
    definitions = cast("_Node", schema["definitions"])
    rewritten = cast("_Node", _rewritten(schema))
    more: _Node = {"AnyParameter": _parameter(), "Item": _item(definitions)}
    known = cast("_Node", rewritten["definitions"])
    rewritten["definitions"] = {**known, **more}
    return rewritten


def _rewritten(node: JsonValue) -> JsonValue:
    if isinstance(node, list):
        return [_rewritten(part) for part in node]
    if not isinstance(node, dict):
        return node
    names = _choice(node)
    if names == {"Parameter", "Option"}:
        return _ref("AnyParameter")
    if names == {Step.__name__, *(model.__name__ for model in _KINDS.values())}:
        return _ref("Item")
    return {key: _rewritten(value) for key, value in node.items()}


def _choice(node: Mapping[str, JsonValue]) -> set[str]:
    """The definitions that a `oneOf` chooses from."""
    options = node.get("oneOf")
    if not isinstance(options, list):
        return set()
    refs = [str(option.get("$ref", "")) for option in options if isinstance(option, dict)]
    return {ref.rpartition("/")[2] for ref in refs}


def _ref(name: str) -> _Node:
    return {"$ref": f"#/definitions/{name}"}


def _parameter() -> _Node:
    return {
        "description": "A quantity, or a choice, text or yes/no.",
        "type": "object",
        "if": {"required": ["type"], "properties": {"type": {"enum": _OPTION_TYPES}}},
        "then": _ref("Option"),
        "else": _ref("Parameter"),
    }


def _item(definitions: Mapping[str, JsonValue]) -> _Node:
    """The chain, and beside it the keys that make an item a block, so that an editor offers them for a new one."""
    chain: _Node = _ref(Step.__name__)
    for key, model in reversed(_KINDS.items()):
        chain = {"if": {"required": [key]}, "then": _ref(model.__name__), "else": chain}
    keys: _Node = {}
    for key, model in _KINDS.items():
        own = cast("_Node", cast("_Node", definitions[model.__name__])["properties"])
        described = cast("_Node", own[key])
        keys[key] = {"description": described["description"], "examples": [_EXAMPLES[key]]}
    found: _Node = {
        "description": "A step of a device; or, where it has that key, a step of a person or a block of steps.",
        "type": "object",
        "properties": keys,
    }
    found.update(chain)
    return found


_A_STEP: _Node = {
    "id": "weigh", "title": "Weigh the dose", "equipment": "balance", "action": "weigh",
    "duration": "8 s", "timeout": "60 s",
}  # fmt: skip

_EXAMPLES: dict[str, JsonValue] = {
    "manual": {"prompt": "Look through the vial against the light."},
    "stage": [_A_STEP],
    "parallel": [[_A_STEP], [{**_A_STEP, "id": "weigh_other", "equipment": "other_balance"}]],
    "repeat": {"max_iterations": 5, "until": "${weigh.mass > 5 g}", "steps": [_A_STEP]},
    "for_each": {"name": "level", "in": ["1 mL", "2 mL"], "steps": [_A_STEP]},
    "branch": {"when": "${weigh.mass > 5 g}", "then": [_A_STEP]},
    "call": {"sop": "rinse.yaml", "version": "1.0.0", "sha256": "0" * 64},
}
