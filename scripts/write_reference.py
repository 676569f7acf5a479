"""Write the reference pages that follow from the code: the keys of the files, and the columns of the records.

    python scripts/write_reference.py

A test fails where a page is not what this would write.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from lab.domain.quantity import Quantity  # noqa: E402
from lab.records.columns import TABLES  # noqa: E402
from lab.sop import fields  # noqa: E402
from lab.sop.campaign_model import Campaign  # noqa: E402
from lab.sop.lab_model import Lab  # noqa: E402
from lab.sop.model import Sop  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["keys_page", "pages", "records_page"]

_FILES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("sop.yaml", Sop),
    ("lab.yaml", Lab),
    ("campaign.yaml", Campaign),
)
_NEVER_A_DEFAULT = (PydanticUndefined, None, "")


def pages() -> dict[Path, str]:
    """File -> what it must hold."""
    folder = ROOT / "docs" / "reference"
    return {folder / "keys.md": keys_page(), folder / "records.md": records_page()}


# -- keys of the files ------------------------------------------------------------------------------


def keys_page() -> str:
    """Every key of the three files, part by part, in the order in which the parts are first named."""
    lines = [
        "# Every key of the files",
        "",
        "Written from the models that read the files (`scripts/write_reference.py`); [Files](files.md) explains them. A key",
        "that says so must be given; one with an empty default may be left out. Arrows stand for mappings: what the keys are, and",
        "what each of them holds. A *quantity* is a number with a unit (`2 mL`), a *name* a word of letters, digits and",
        'underscores, a *version* is quoted (`"1.0.0"`) and so is a *date* (`"2026-11-21"`); an *expression* is `${...}`,',
        "or without these where only an expression can stand.",
    ]
    for file, model in _FILES:
        lines += ["", f"## `{file}`"]
        for part in _parts(model):
            lines += ["", f"### {part.__name__}", "", _sentence(part), ""]
            lines += [
                "| key | takes | default | meaning | example |",
                "| --- | --- | --- | --- | --- |",
            ]
            lines += [_row(name, field) for name, field in part.model_fields.items()]
    return "\n".join(lines) + "\n"


def _parts(model: type[BaseModel]) -> list[type[BaseModel]]:
    found = [model]
    for part in found:
        for field in part.model_fields.values():
            found += [own for own in _models(field.annotation) if own not in found]
    return found


def _models(kind: Any) -> Iterator[type[BaseModel]]:  # noqa: ANN401  # an annotation may be anything
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for inner in get_args(kind):
        yield from _models(inner)


def _sentence(part: type[BaseModel]) -> str:
    return (part.__doc__ or "").strip().splitlines()[0]


def _row(name: str, field: FieldInfo) -> str:
    own = [item for mark in field.metadata if isinstance(mark, WithJsonSchema)
           for item in (mark.json_schema or {}).get("examples", [])]  # fmt: skip
    examples = [*(field.examples or []), *own]
    example = f"`{_yaml(examples[0])}`" if examples else ""
    cells = (
        f"`{field.alias or name}`",
        _takes(field.annotation, field.metadata),
        _default(field),
        field.description or "",
        example,
    )
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    if value in _NEVER_A_DEFAULT or isinstance(value, BaseModel | list | dict):
        return ""
    return f"`{_yaml(value)}`"


def _yaml(value: object) -> str:
    """On one line, as a person would write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case dict():
            return f"{{{', '.join(f'{k}: {_yaml(v)}' for k, v in value.items())}}}"
        case list() | tuple():
            return f"[{', '.join(_yaml(item) for item in value)}]"
        case _:
            return str(value)


def _takes(kind: Any, metadata: list[Any]) -> str:  # noqa: ANN401
    """What may stand there, in words."""
    marks = _marks(Annotated[kind, *metadata]) if metadata else []
    for word, known in _KNOWN.items():
        if marks == known:
            return word
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _takes(inner[0], list(inner[1:]))
    if origin is Literal:
        return " or ".join(f"`{_yaml(value)}`" for value in inner if value != "")
    if origin in (Union, UnionType):
        texts = [_takes(one, []) for one in inner if one is not type(None) and one != Literal[""]]
        words = dict.fromkeys(text for text in texts if text)
        if "number" in words:
            words.pop("whole number", None)
        return " or ".join(words)
    if origin is list:
        each = _takes(inner[0], [])
        return f"list of {each}{'s' if each in _KNOWN else ''}"
    if origin is dict:
        return f"{_takes(inner[0], [])} -> {_takes(inner[1], [])}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    plain = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "`true` or `false`",
        Quantity: "quantity",
    }
    return plain.get(kind, "anything")


def _marks(kind: Any) -> list[Any]:  # noqa: ANN401
    return FieldInfo.from_annotation(kind).metadata


def _known() -> dict[str, list[Any]]:
    """What the shared types are called -> how pydantic marks a field that has one of them."""
    types = {
        "quantity": fields.AnyQuantity,
        "volume": fields.Volume,
        "duration": fields.Duration,
        "density": fields.Density,
        "temperature": fields.Temperature,
        "unit": fields.UnitText,
        "name": fields.Name,
        "name, also with hyphens": fields.Identifier,
        "name or a list of names": fields.Names,
        "version": fields.Version,
        "date": fields.Date,
        "expression": fields.Expr,
    }
    return {word: _marks(kind) for word, kind in types.items()}


_KNOWN = _known()


# -- columns of the records -------------------------------------------------------------------------


def records_page() -> str:
    """Every column of every table."""
    lines = [
        "# Records and exports",
        "",
        "`lab export --to FOLDER` writes one CSV file for each table below, the journal as `events.csv`, and this dictionary as",
        '`columns.csv`. In Python, `open_records("lab.db").quality().to_pandas()` gives a table, `tables()` all of them. Written from',
        "the code (`scripts/write_reference.py`).",
        "",
        "- Every table has all its columns, in this order, with rows or without. An empty cell: nothing is known.",
        "- Failed and aborted work is in all tables, and so is what a run never came to (`not_run`, `not_reached`, `not_judged`).",
        "- `run` joins the tables; `run` and `step` join those about steps.",
        "- Factors, parameters and results of the SOP follow the columns of `trials` and `runs`, with the unit in the heading:",
        "  `conductivity [mS/cm]`, and `conductivity_sd [mS/cm]` for its standard deviation.",
        "- UTF-8, commas, `\\n` at line ends; times in ISO 8601, UTC, process time; yes/no is `true` or `false`; a JSON cell holds one",
        "  document.",
    ]
    for table, columns in TABLES.items():
        lines += [
            "",
            f"## {table}",
            "",
            "| column | type | unit | meaning |",
            "| --- | --- | --- | --- |",
        ]
        lines += [f"| `{c.name}` | {c.type} | {c.unit} | {_cell(c.meaning)} |" for c in columns]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
