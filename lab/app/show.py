"""`lab show`: an SOP to read, as a page, a picture or a workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.app.diff import read_sop
from lab.domain.errors import InputError
from lab.domain.ids import sha256_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["cwl_document", "graph_text", "handbook_page", "handbook_text", "write_text"]


def handbook_text(path: Path) -> str:
    """The handbook page of an SOP in Markdown. InputError where the file can't be read as an SOP."""
    from lab.sop.handbook import handbook

    sop, _, text = read_sop(path)
    return handbook(sop, sha256_text(text))


def handbook_page(path: Path) -> str:
    """The same as one HTML file."""
    from lab.sop.handbook_html import handbook_html

    sop, _, text = read_sop(path)
    return handbook_html(sop, sha256_text(text))


def graph_text(path: Path, kind: str) -> str:
    """The steps as a graph: `mermaid` or `dot`."""
    from lab.sop.graph import dot, mermaid, step_graph

    writers = {"mermaid": mermaid, "dot": dot}
    if kind not in writers:
        raise InputError(
            f'there is no graph in the language "{kind}"', hint=f"known: {', '.join(writers)}"
        )
    return writers[kind](step_graph(read_sop(path)[0]))


def cwl_document(path: Path) -> str:
    """The SOP as an abstract workflow in the Common Workflow Language."""
    from lab.devices.capability import CAPABILITIES
    from lab.sop.cwl import cwl_text

    return cwl_text(read_sop(path)[0], CAPABILITIES)


def write_text(path: Path, text: str) -> None:
    """InputError where it can't be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path} can't be written: {error.strerror}") from error
