"""`lab diff`: two SOP files, read and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.sop.diagnostics import validate
from lab.sop.diff import difference
from lab.sop.document import read_document
from lab.sop.load import read_text
from lab.sop.model import Sop

if TYPE_CHECKING:
    from pathlib import Path

    from lab.sop.diff import Difference
    from lab.sop.document import Document

__all__ = ["compare_files", "read_sop"]


def read_sop(path: Path) -> tuple[Sop, Document, str]:
    """An SOP as it is written, its document and its text. InputError with diagnostics where it can't be read as one."""
    text = read_text(path, str(path))
    document = read_document(text, str(path))
    sop, findings = validate(Sop, document)
    if sop is None:
        raise InputError(f"{path} can't be read as an SOP", diagnostics=findings)
    return sop, document, text


def compare_files(before: Path, after: Path) -> Difference:
    """What differs. InputError where one of the two can't be read."""
    first, _, _ = read_sop(before)
    second, _, _ = read_sop(after)
    return difference(first, second)
