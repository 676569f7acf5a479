"""`lab check`: which of the three files it is, and what is found in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import LabError
from lab.sop.document import read_document
from lab.sop.load import load_sop, read_text

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.diagnostic import Diagnostic

__all__ = ["check_files"]


def check_files(paths: tuple[Path, ...]) -> list[Diagnostic]:
    """Findings of all files in order. A campaign brings its SOP and lab, and is bound once for a try.

    InputError where a file can't be read at all.
    """
    found: list[Diagnostic] = []
    for path in paths:
        text = read_text(path, str(path))
        match _kind(text, str(path)):
            case "campaign":
                found += _campaign(path)
            case "lab":
                from lab.app.files import check_lab_file

                found += check_lab_file(text, str(path))[1]
            case _:
                found += load_sop(path, text, str(path), CAPABILITIES)[1]
    return found


def _kind(text: str, name: str) -> str:
    """`campaign`, `lab` or `sop`, by the key that says the format (also where the file is damaged)."""
    keys = read_document(text, name).data or dict.fromkeys(
        line.partition(":")[0] for line in text.splitlines()
    )
    return next((kind for kind in ("campaign", "lab") if f"{kind}_format" in keys), "sop")


def _campaign(path: Path) -> list[Diagnostic]:
    from lab.app.context import FilesContext
    from lab.app.files import open_campaign

    try:
        files = open_campaign(path)
    except LabError as error:
        if error.diagnostics:
            return list(error.diagnostics)
        raise
    FilesContext(files).candidates(1, files.middle)
    return list(files.bundle.diagnostics)
