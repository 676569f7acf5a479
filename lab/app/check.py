"""`lab check`: which of the three files it is, and what is found in it."""

from __future__ import annotations

from dataclasses import dataclass
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

__all__ = ["Checked", "check_files", "checked", "file_kind", "files_in"]

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


@dataclass(frozen=True, slots=True)
class Checked:
    """What `lab check` has to say of files."""

    findings: list[Diagnostic]
    """In the order of the files, each once."""
    hashes: dict[str, str]
    """SOP file that can be run -> its `sop_sha256`, which a `call` of it must name."""


def check_files(paths: tuple[Path, ...]) -> list[Diagnostic]:
    """The findings of `checked`."""
    return checked(paths).findings


def checked(paths: tuple[Path, ...]) -> Checked:
    """Read and check all files. A campaign brings its SOP and lab, and is bound once for a try.

    InputError where a file can't be read at all.
    """
    from lab.devices.registry import Registry

    registry = Registry.installed()
    texts = {path: read_text(path, str(path)) for path in paths}
    kinds = {path: file_kind(text, str(path)) for path, text in texts.items()}
    found: dict[Path, list[Diagnostic]] = {}
    hashes: dict[Path, str] = {}
    brought: set[Path] = set()
    for path in paths:
        if kinds[path] == "campaign":
            found[path], beside, known = _campaign(path, registry)
            brought |= beside
            hashes |= known
    for path, text in texts.items():
        if path in found or path.resolve() in brought:
            continue
        if kinds[path] == "lab":
            from lab.app.files import check_lab_file

            found[path] = check_lab_file(text, str(path), registry)[1]
        else:
            procedure, found[path] = load_sop(path, text, str(path), CAPABILITIES)
            if procedure is not None and not any(item.blocking for item in found[path]):
                hashes[path.resolve()] = procedure.sha256
    return Checked(
        list(dict.fromkeys(item for path in paths for item in found.get(path, ()))),
        {str(path): known for path in paths if (known := hashes.get(path.resolve()))},
    )


def file_kind(text: str, name: str) -> str:
    """`campaign`, `lab` or `sop`, by the key that says the format (also where the file is damaged)."""
    keys = {line.partition(":")[0] for line in text.splitlines()}
    if not keys.intersection(_FORMATS):
        keys = set(read_document(text, name).data or ())
    return next((kind for kind in ("campaign", "lab") if f"{kind}_format" in keys), "sop")


def _campaign(
    path: Path, registry: Registry
) -> tuple[list[Diagnostic], set[Path], dict[Path, str]]:
    """Its findings, the files that were checked with it, and the hash of its SOP."""
    from lab.app.context import FilesContext
    from lab.app.files import open_campaign

    try:
        files = open_campaign(path, registry)
    except LabError as error:
        if error.diagnostics:
            return list(error.diagnostics), set(), {}
        raise
    context = FilesContext(files)
    for trial in files.samples:
        context.candidates(1, trial)
    bundle = files.bundle
    hashes = {bundle.paths["sop"]: bundle.procedure.sha256}
    return list(bundle.diagnostics), set(bundle.paths.values()), hashes
