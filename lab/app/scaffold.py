"""`lab new`: first files that pass `lab check`, to be changed from there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError
from lab.sop.schema import json_schemas, schema_text
from lab.sop.template_sop import measurements, sop_files
from lab.sop.templates import new_files

if TYPE_CHECKING:
    from pathlib import Path

    from lab.sop.template_sop import Answers

__all__ = ["readings", "write_new"]


def readings() -> list[str]:
    """Capabilities that a first SOP can measure with."""
    return list(measurements(CAPABILITIES))


def write_new(kind: str, name: str, folder: Path, answers: Answers | None = None) -> list[Path]:
    """Write `folder/name/...`; nothing that exists is touched. A campaign brings its SOP and its lab.

    `answers` say what an SOP is to contain; without them it is the one that goes with the lab and the campaign.

    The JSON Schemas that editors use are written beside, in `folder/schemas`, where there are none above.
    Raises InputError for an unknown kind, a bad name, or files that exist.
    """
    home = (folder / name).resolve()
    schemas = _schemas(folder)
    kinds = ("sop", "lab", "campaign") if kind == "campaign" else (kind,)
    where = os.path.relpath(schemas, home)
    made = (
        [new_files(part, name, schemas=where) for part in kinds]
        if answers is None or kind != "sop"
        else [sop_files(name, answers, CAPABILITIES, schemas=where)]
    )
    targets = {folder / relative: text for files in made for relative, text in files.items()}
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
