"""What is found in the files of a case, as `lab check` would find it."""

from __future__ import annotations

import shutil
from functools import cache
from typing import TYPE_CHECKING

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import LabError
from lab.sop.check import check_campaign, check_lab, check_sop
from lab.sop.check_together import check_together
from lab.sop.document import read_document
from lab.sop.load import load_sop, read_text
from tests.corpus.cases import BASES
from tests.support.drivers import CHEMISTRIES, DRIVERS, TRAITS

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.diagnostic import Diagnostic
    from lab.sop.campaign_model import Campaign
    from lab.sop.lab_model import Lab
    from lab.sop.procedure import Procedure
    from tests.corpus.cases import Case

__all__ = ["findings", "golden_text"]


def findings(case: Case, folder: Path) -> list[Diagnostic]:
    """Everything that is said about a case, written into a folder of its own."""
    source, name = BASES[case.base]
    surroundings = folder / "labwright" / "case"
    if surroundings.exists():
        shutil.rmtree(surroundings)
    surroundings.mkdir(parents=True)
    for file in ("rinse.yaml", "lab.yaml"):
        neighbour = source / file if (source / file).is_file() else BASES["lab"][0] / file
        if neighbour.is_file():
            shutil.copy(neighbour, surroundings)
    path = surroundings / name
    path.write_bytes(case.text())
    try:
        text = read_text(path, name)
    except LabError as error:
        return list(error.diagnostics)
    if case.base in ("lab", "campaign"):
        return _together(case, text)
    return load_sop(path, text, name, CAPABILITIES)[1]


def _together(case: Case, text: str) -> list[Diagnostic]:
    """A campaign with its SOP and its lab, one of which is the case; what is wrong with it alone comes first."""
    campaign_text = text if case.base == "campaign" else case.other("campaign")
    lab_text = text if case.base == "lab" else case.other("lab")
    campaign, found = _campaign(campaign_text)
    lab, lab_found = _lab(lab_text)
    found = [*found, *lab_found]
    procedure = _procedure(case.other("plain"))
    if campaign is None or lab is None:
        return found
    assert procedure is not None
    document = read_document(campaign_text, "campaign.yaml")
    together = check_together(campaign, document, procedure, lab, CAPABILITIES, DRIVERS, TRAITS)
    return [*found, *together]


# What stands beside many cases is checked once.


@cache
def _campaign(text: str) -> tuple[Campaign | None, list[Diagnostic]]:
    return check_campaign(text, "campaign.yaml")


@cache
def _lab(text: str) -> tuple[Lab | None, list[Diagnostic]]:
    return check_lab(
        text, "lab.yaml", DRIVERS, capabilities=CAPABILITIES, chemistries=CHEMISTRIES, traits=TRAITS
    )


@cache
def _procedure(text: str) -> Procedure | None:
    return check_sop(text, "sop.yaml", CAPABILITIES)[0]


def golden_text(case: Case, found: list[Diagnostic]) -> str:
    """The case and its findings, as they stand in `expected.txt`."""
    lines = [f"=== {case.name} ({BASES[case.base][1]} of {case.base})"]
    for item in found:
        lines.append(
            f"{item.file}:{item.line}:{item.column}: {item.severity} {item.code}: {item.message}"
        )
        if item.source_line:
            shown = item.source_line[item.column - 1 :].strip()[:60]
            shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown)
            lines.append(f"    at:  {shown}")
        if item.why:
            lines.append(f"    why: {item.why}")
        if item.hint:
            lines.append(f"    fix: {item.hint}")
    return "\n".join(lines) + "\n"
