"""`lab check`: which of the three files it is, and what is found in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError, LabError
from lab.sop.document import read_document
from lab.sop.load import load_sop, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from lab.devices.registry import Registry
    from lab.domain.diagnostic import Diagnostic

__all__ = ["check_files", "files_in"]

_FORMATS = ("sop_format", "lab_format", "campaign_format")


def files_in(paths: Iterable[Path]) -> tuple[Path, ...]:
    """The files themselves, and in place of a folder all of our files in it, in the order of their names.

    InputError for a folder without any: nothing checked must not look like nothing found.
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = [file for file in sorted(path.rglob("*.yaml")) if _is_ours(file)]
        if not inside:
            hint = f"such a file begins with one of: {', '.join(_FORMATS)}"
            message = f"the folder {path} holds no SOP, lab or campaign file"
            raise InputError(message, hint=hint)
        files += inside
    return tuple(dict.fromkeys(files))


def _is_ours(path: Path) -> bool:
    """By its keys at the margin, so that a damaged file is not passed over, nor one that can't be read."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return True
    return any(line.startswith(tuple(f"{key}:".encode() for key in _FORMATS)) for line in lines)


def check_files(paths: tuple[Path, ...]) -> list[Diagnostic]:
    """Findings of all files in order, each once. A campaign brings its SOP and lab, and is bound once for a try.

    InputError where a file can't be read at all.
    """
    from lab.devices.registry import Registry

    registry = Registry.installed()
    texts = {path: read_text(path, str(path)) for path in paths}
    kinds = {path: _kind(text, str(path)) for path, text in texts.items()}
    found: dict[Path, list[Diagnostic]] = {}
    brought: set[Path] = set()
    for path in paths:
        if kinds[path] == "campaign":
            found[path], beside = _campaign(path, registry)
            brought |= beside
    for path, text in texts.items():
        if path in found or path.resolve() in brought:
            continue
        if kinds[path] == "lab":
            from lab.app.files import check_lab_file

            found[path] = check_lab_file(text, str(path), registry)[1]
        else:
            found[path] = load_sop(path, text, str(path), CAPABILITIES)[1]
    return list(dict.fromkeys(item for path in paths for item in found.get(path, ())))


def _kind(text: str, name: str) -> str:
    """`campaign`, `lab` or `sop`, by the key that says the format (also where the file is damaged)."""
    keys = {line.partition(":")[0] for line in text.splitlines()}
    if not keys.intersection(_FORMATS):
        keys = set(read_document(text, name).data or ())
    return next((kind for kind in ("campaign", "lab") if f"{kind}_format" in keys), "sop")


def _campaign(path: Path, registry: Registry) -> tuple[list[Diagnostic], set[Path]]:
    """Its findings, and the files that were checked with it."""
    from lab.app.context import FilesContext
    from lab.app.files import open_campaign

    try:
        files = open_campaign(path, registry)
    except LabError as error:
        if error.diagnostics:
            return list(error.diagnostics), set()
        raise
    FilesContext(files).candidates(1, files.middle)
    return list(files.bundle.diagnostics), set(files.bundle.paths.values())
