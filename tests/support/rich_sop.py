"""The procedure that uses every construct of the format once, and the one that it calls."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_sop

if TYPE_CHECKING:
    from lab.sop.procedure import Procedure

__all__ = ["called", "rich_text"]

_FOLDER = Path(__file__).with_name("rich")


def rich_text() -> str:
    """Its text."""
    return (_FOLDER / "sop.yaml").read_text(encoding="utf-8")


@cache
def called() -> dict[str, Procedure]:
    """Path as written in its call -> that procedure."""
    text = (_FOLDER / "rinse.yaml").read_text(encoding="utf-8")
    procedure, findings = check_sop(text, "rinse.yaml", CAPABILITIES)
    assert procedure is not None, [item.text() for item in findings]
    return {"rinse.yaml": procedure}
