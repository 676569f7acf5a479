"""`lab new`: first files that pass `lab check`, to be changed from there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.sop.schema import json_schemas, schema_text
from lab.sop.templates import new_files

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_new"]


def write_new(kind: str, name: str, folder: Path) -> list[Path]:
    """Write `folder/name/...`; nothing that exists is touched. A campaign brings its SOP and its lab.

    The JSON Schemas that editors use are written beside, in `folder/schemas`, where there are none above.
    Raises InputError for an unknown kind, a bad name, or files that exist.
    """
    home = (folder / name).resolve()
    schemas = _schemas(folder)
    kinds = ("sop", "lab", "campaign") if kind == "campaign" else (kind,)
    targets = {
        folder / relative: text
        for part in kinds
        for relative, text in new_files(part, name, schemas=os.path.relpath(schemas, home)).items()
    }
    taken = [path for path in targets if path.exists()]
    if taken:
        raise InputError(
            f"{taken[0]} exists already", hint="choose another name, or another folder with --in"
        )
    if kind != "driver" and not schemas.exists():
        targets |= {schemas / f"{part}.schema.json": schema_text(part) for part in json_schemas()}
    for path, text in targets.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(targets)


def _schemas(folder: Path) -> Path:
    here = folder.resolve()
    for above in (here, *here.parents):
        if (above / "schemas" / "sop.schema.json").exists():
            return above / "schemas"
    return here / "schemas"
