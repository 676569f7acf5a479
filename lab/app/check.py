"""`lab check`: which of the three files it is, and what is found in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.app.context import FilesContext
from lab.app.files import driver_capabilities, open_campaign
from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError, LabError
from lab.sop.check import check_lab, check_sop

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.diagnostic import Diagnostic

__all__ = ["check_files"]


def check_files(paths: tuple[Path, ...]) -> list[Diagnostic]:
    """Findings of all files in order. A campaign brings its SOP and lab, and is bound once for a try."""
    found: list[Diagnostic] = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                f"{path} can't be read: {error}", hint="check the path; files are UTF-8 text"
            ) from error
        if "campaign_format:" in text:
            found += _campaign(path)
        elif "lab_format:" in text:
            _, findings = check_lab(text, str(path), driver_capabilities())
            found += findings
        else:
            _, findings = check_sop(text, str(path), CAPABILITIES)
            found += findings
    return found


def _campaign(path: Path) -> list[Diagnostic]:
    try:
        files = open_campaign(path)
    except LabError as error:
        if error.diagnostics:
            return list(error.diagnostics)
        raise
    FilesContext(files).candidates(1, files.middle)
    return list(files.bundle.diagnostics)
