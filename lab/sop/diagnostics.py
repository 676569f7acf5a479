"""Validation errors in words of the bench, each at its line and column."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lab.domain.diagnostic import Diagnostic
    from lab.sop.document import Document, Path

__all__ = ["did_you_mean", "model_diagnostics", "sorted_diagnostics", "validate"]

_Model = TypeVar("_Model", bound=BaseModel)
_MAX_FINDINGS = 50


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """A hint: the nearest known name, else all of them (up to ten)."""
    names = list(known)
    close = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    if not names:
        return "there are none"
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f"known are: {shown}"


def sorted_diagnostics(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By file, line and column, each finding once."""
    unique = dict.fromkeys(findings)
    return sorted(unique, key=lambda item: (item.file, item.line, item.column, item.code))


def validate(model: type[_Model], document: Document) -> tuple[_Model | None, list[Diagnostic]]:
    """The document as that model; None with diagnostics where it is not one."""
    if document.data is None:
        return None, list(document.diagnostics)
    try:
        return model.model_validate(document.data), []
    except ValidationError as error:
        return None, model_diagnostics(error, document, model)


def model_diagnostics(
    error: ValidationError, document: Document, model: type[BaseModel]
) -> list[Diagnostic]:
    """One diagnostic for each place (of a choice between types, the first that says why)."""
    found: dict[Path, Diagnostic] = {}
    for detail in error.errors(include_url=False)[:_MAX_FINDINGS]:
        raw: Path = tuple(detail["loc"])
        path, rest = _existing(raw, document)
        finding = _finding(dict(detail), path, rest, document, model)
        key = (*path, rest[0]) if detail["type"] == "missing" and rest else path
        found.setdefault(key, finding)
    for path, finding in list(found.items()):
        # a misspelt key is one mistake, not an unknown key and a missing one
        meant = re.fullmatch(r'did you mean "(.*)"\?', finding.hint)
        if finding.code == "key-unknown" and meant:
            missing = found.get((*path[:-1], meant[1]))
            if missing is not None and missing.code == "key-missing":
                del found[(*path[:-1], meant[1])]
    return sorted_diagnostics(found.values())


def _existing(location: Path, document: Document) -> tuple[Path, Path]:
    """The part of an error's location that is in the file, and what is not.

    Between them pydantic puts names of union members and of validators; those are skipped.
    """
    path: Path = ()
    for index, part in enumerate(location):
        if (*path, part) in document.values:
            path = (*path, part)
        elif index == len(location) - 1:
            return path, (part,)
    return path, ()


def _finding(
    detail: Mapping[str, Any], path: Path, rest: Path, document: Document, model: type[BaseModel]
) -> Diagnostic:
    kind = str(detail["type"])
    context: Mapping[str, Any] = detail.get("ctx") or {}
    if kind == "missing":
        name = str(rest[0]) if rest else "a key"
        return document.finding(
            path, "key-missing", f'"{name}" is missing{_inside(path)}', at_key=True,
            hint=f'add "{name}: ..."{_described(model, path, name)}',
        )  # fmt: skip
    if kind == "extra_forbidden":
        name, parent = str(path[-1]), path[:-1]
        known = [
            key
            for key in dict.fromkeys(_keys(model, parent))
            if (*parent, key) not in document.values
        ]
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        hint = f'did you mean "{close[0]}"?' if close else did_you_mean(name, known)
        return document.finding(
            path, "key-unknown", f'unknown key "{name}"{_inside(parent)}', at_key=True, hint=hint
        )
    if kind == "quantity":
        return document.finding(
            path,
            str(context.get("code", "quantity")),
            str(detail["msg"]),
            why=str(context.get("why", "")),
            hint=str(context.get("hint", "")),
        )
    message, hint = _plain_words(kind, context, detail)
    at_key = bool(rest) and rest[0] == "[key]"
    return document.finding(path, "value", message, hint=hint, at_key=at_key)


_DUE = {
    "string_type": ("a text is due", 'put it in quotes: "..."'),
    "int_type": ("a whole number is due", "write digits only, without a unit"),
    "int_from_float": ("a whole number is due", "write digits only, without a unit"),
    "float_type": ("a number is due", "write digits only, without a unit"),
    "bool_type": ("true or false is due", "write true or false (yes, no, on and off are texts)"),
    "list_type": ("a list is due", "write [item, item], or one line `- item` for each"),
    "dict_type": ("a mapping of keys to values is due", "write indented `key: value` lines"),
    "model_type": ("a mapping of keys to values is due", "write indented `key: value` lines"),
    "model_attributes_type": ("a mapping of keys to values is due", "write `key: value` lines"),
}


def _plain_words(
    kind: str, context: Mapping[str, Any], detail: Mapping[str, Any]
) -> tuple[str, str]:
    shown = _show(detail.get("input"))
    if kind in _DUE:
        due, hint = _DUE[kind]
        return f"{shown} stands where {due}", hint
    if kind == "literal_error":
        expected = str(context.get("expected", "")).replace("'", "")
        if " or " not in expected and "," not in expected:
            return f"{shown} stands where only {expected} is known", f"write {expected}"
        options = [part.strip() for part in expected.replace(" or ", ",").split(",")]
        return f"{shown} is not one of {expected}", did_you_mean(str(detail.get("input")), options)
    if kind == "string_pattern_mismatch":
        return f"{shown} has the wrong form", _pattern_hint(str(context.get("pattern", "")))
    bounds = {
        "greater_than_equal": ("must be at least", "ge"),
        "less_than_equal": ("must be at most", "le"),
        "greater_than": ("must be above", "gt"),
        "less_than": ("must be below", "lt"),
    }
    if kind in bounds:
        words, key = bounds[kind]
        limit = context.get(key)
        return f"{shown} {words} {limit}", f"write a number that is {words[8:]} {limit}"
    if kind == "string_too_short":
        return "the text is empty", "write it, or leave the key out"
    if kind == "too_short":
        least = int(context.get("min_length", 1))
        number = "one is" if least == 1 else f"{least} are"
        return f"at least {number} needed here", "add what is missing, or leave the key out"
    if kind == "string_too_long":
        return f"the text is longer than {context.get('max_length')} characters", "shorten it"
    return str(detail["msg"]).lower(), "see docs/reference/files.md for what this key takes"


def _pattern_hint(pattern: str) -> str:
    if pattern.startswith(r"^[A-Za-z][A-Za-z0-9_"):
        return "a name begins with a letter and has letters, digits and _ only"
    if pattern.startswith(r"^\d+\.\d+\.\d+"):
        return 'a version is three numbers in quotes: "1.0.0"'
    if "embedded" in pattern:
        return "write in-process, embedded, or mqtt://host:port (passwords belong in the keyring)"
    if "start|end" in pattern:
        return "write step.start or step.end, e.g. dose.end"
    if pattern.startswith(r"^[A-Za-z]\w*\."):
        return "write step.output, e.g. measure.conductivity"
    if pattern.startswith(r"^\d{4}"):
        return 'a date is year, month and day in quotes: "2026-11-21"'
    if "[0-9a-f]{64}" in pattern:
        return "a sha256 has 64 digits from 0 to 9 and a to f, as `lab check` prints it"
    return f"it must match {pattern}"


def _show(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f'"{text[:60]}"'


def _inside(path: Path) -> str:
    if not path:
        return ""
    name = path[-1]
    return f" in item {name + 1} of {path[-2]}" if isinstance(name, int) else f' in "{name}"'


def _models_at(model: type[BaseModel], path: Path) -> Sequence[type[BaseModel]]:
    """The models that describe what is at a path, found through the field annotations."""
    current: list[type[BaseModel]] = [model]
    for part in path:
        following: list[type[BaseModel]] = []
        for candidate in current:
            for name, information in candidate.model_fields.items():
                if part in (name, information.alias):
                    following += _models_in(information.annotation)
        # a list index or the name of an entry stays at the model of the entries
        current = following or current
    return current


def _models_in(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401  # any type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found: list[type[BaseModel]] = []
    for inner in get_args(annotation):
        found += _models_in(inner)
    return found


def _keys(model: type[BaseModel], path: Path) -> list[str]:
    names: list[str] = []
    for candidate in _models_at(model, path):
        names += [info.alias or name for name, info in candidate.model_fields.items()]
    return names


def _described(model: type[BaseModel], path: Path, name: str) -> str:
    for candidate in _models_at(model, path):
        for field_name, information in candidate.model_fields.items():
            if name in (field_name, information.alias) and information.description:
                return f" ({information.description})"
    return ""
