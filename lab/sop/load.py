"""Reads a campaign with its SOP and its lab: the only place of these floors that opens files."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lab.domain.diagnostic import Diagnostic
from lab.domain.errors import FindingsError, InputError, RefusedError
from lab.domain.ids import sha256_text
from lab.sop.assignment import assignments
from lab.sop.candidates import Candidates, read_candidates
from lab.sop.check import check_campaign, check_lab, check_sop
from lab.sop.check_context import own_box
from lab.sop.check_factors import chosen_choices
from lab.sop.check_together import campaign_box, check_together
from lab.sop.descriptors import read_descriptors
from lab.sop.diagnostics import sorted_diagnostics
from lab.sop.document import Document, read_document
from lab.sop.earlier import EarlierTable, read_earlier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pydantic import JsonValue

    from lab.domain.action import CapabilitySpec
    from lab.sop.campaign_model import Campaign
    from lab.sop.check_lab_safety import DriverTraits
    from lab.sop.descriptors import Descriptors
    from lab.sop.document import Path as DocumentPath
    from lab.sop.lab_model import Lab
    from lab.sop.procedure import Procedure

__all__ = ["CampaignBundle", "load_campaign", "load_sop", "read_text", "refuse"]

_MAX_BYTES = 1_000_000
_MAX_CALLS = 5


@dataclass(frozen=True, slots=True)
class CampaignBundle:
    """All that a campaign is made of, checked. `diagnostics` holds warnings and notes only."""

    campaign: Campaign
    procedure: Procedure
    lab: Lab
    paths: Mapping[str, Path]
    """`campaign`, `sop`, `lab` -> resolved path."""
    hashes: Mapping[str, str]
    """`campaign`, `sop`, `lab` -> SHA-256 of the raw text; `procedure` -> that of the parsed SOP."""
    diagnostics: tuple[Diagnostic, ...]
    candidates: tuple[tuple[float | str, ...], ...] | None = None
    """Rows of settings in the factors' units and order, where the campaign names a list."""
    descriptors: Mapping[str, Mapping[str, tuple[float, ...]]] = field(
        default_factory=dict[str, "Mapping[str, tuple[float, ...]]"]
    )
    """Factor -> choice -> numbers that say how alike the choices are."""
    earlier: Mapping[str, EarlierTable] = field(default_factory=dict[str, EarlierTable])
    """Earlier campaign -> its trials, of those that name a file."""


def load_campaign(
    path: Path | str,
    capabilities: Mapping[str, CapabilitySpec],
    driver_capabilities: Mapping[str, tuple[str, ...]] | None = None,
    today: date | None = None,
    chemistries: Mapping[str, Sequence[str]] | None = None,
    traits: Mapping[str, DriverTraits] | None = None,
    *,
    earlier: bool = True,
) -> CampaignBundle:
    """Read and check a campaign file and the two files that it names.

    `earlier`: whether tables of earlier campaigns are read, too; of a campaign that has begun its journal holds them.

    With `driver_capabilities` (driver -> capabilities, from the manifests) it is also checked that the lab has a
    device in the right place for each role; with `today`, that no calibration is too old; with `chemistries` (name ->
    its settings), that the simulated world has one of them; with `traits`, what the lab file says about safety.

    Raises
    ------
    InputError
        The campaign file can't be read.
    FindingsError
        One of the files has findings of severity error, or names a file that can't be read.
    RefusedError
        Only safety findings stand in the way.
    """
    source = Path(path).absolute()
    text = read_text(source, str(path))
    name = str(path)
    campaign, findings = check_campaign(text, name)
    if campaign is None:
        refuse(findings)
        raise AssertionError("a campaign without a model has blocking findings")
    document = read_document(text, name)
    sop_path = _beside(source, campaign.sop, document, ("sop",))
    lab_path = _beside(source, campaign.lab, document, ("lab",))
    sop_name, lab_name = (_shown(Path(name), item) for item in (campaign.sop, campaign.lab))
    sop_text = read_text(sop_path, sop_name, document, ("sop",))
    lab_text = read_text(lab_path, lab_name, document, ("lab",))
    procedure, sop_findings = load_sop(sop_path, sop_text, sop_name, capabilities)
    lab, lab_findings = check_lab(
        lab_text,
        lab_name,
        driver_capabilities,
        capabilities=capabilities,
        chemistries=chemistries,
        traits=traits,
    )
    findings = [*findings, *sop_findings, *lab_findings]
    if procedure is not None:
        findings += check_together(
            campaign, document, procedure, lab, capabilities, driver_capabilities, traits
        )
    candidates = None
    if procedure is not None and campaign.candidates is not None:
        candidates = _candidates(campaign, document, procedure, source, Path(name), findings)
    descriptors: dict[str, Descriptors] = {}
    if procedure is not None and not any(item.blocking for item in findings):
        descriptors = _descriptors(campaign, document, procedure, source, Path(name), findings)
    tables: dict[str, EarlierTable] = {}
    if earlier and procedure is not None and not any(item.blocking for item in findings):
        tables = _earlier(campaign, document, procedure, source, Path(name), findings)
    refuse(findings)
    if procedure is None or lab is None:
        raise AssertionError("a file without a model has blocking findings")
    if driver_capabilities is not None:
        _fit(procedure, lab, capabilities, driver_capabilities, today)
    return CampaignBundle(
        campaign=campaign,
        procedure=procedure,
        lab=lab,
        paths={"campaign": source.resolve(), "sop": sop_path, "lab": lab_path},
        hashes={
            "campaign": sha256_text(text),
            "sop": sha256_text(sop_text),
            "lab": sha256_text(lab_text),
            "procedure": procedure.sha256,
        },
        diagnostics=tuple(sorted_diagnostics(findings)),
        candidates=None if candidates is None else candidates.rows,
        descriptors=descriptors,
        earlier=tables,
    )


def _descriptors(
    campaign: Campaign,
    document: Document,
    procedure: Procedure,
    source: Path,
    shown: Path,
    findings: list[Diagnostic],
) -> dict[str, Descriptors]:
    """The tables that factors name; adds to the findings."""
    found: dict[str, Descriptors] = {}
    for name, choices in chosen_choices(campaign, procedure.sop).items():
        named = campaign.factors[name].descriptors
        if named is None:
            continue
        place = ("factors", name, "descriptors")
        path = _beside(source, named, document, place)
        text = read_text(path, _shown(shown, named), document, place)
        table, wrong = read_descriptors(text, _shown(shown, named), name, choices)
        findings += wrong
        if table is not None:
            found[name] = table
    return found


def _earlier(
    campaign: Campaign,
    document: Document,
    procedure: Procedure,
    source: Path,
    shown: Path,
    findings: list[Diagnostic],
) -> dict[str, EarlierTable]:
    """The tables of earlier campaigns; adds to the findings."""
    found: dict[str, EarlierTable] = {}
    results = {
        item.result: procedure.sop.results[item.result].unit
        for item in (*campaign.sought, *campaign.limits)
    }
    for index, item in enumerate(campaign.earlier):
        if item.file is None:
            continue
        place = ("earlier", index, "file")
        path = _beside(source, item.file, document, place)
        text = read_text(path, _shown(shown, item.file), document, place)
        rows, wrong = read_earlier(
            text,
            _shown(shown, item.file),
            _units_of(campaign, procedure),
            results,
            {**campaign_box(campaign, procedure), **own_box(campaign, procedure.sop)},
        )
        findings += wrong
        found[item.name] = EarlierTable(item.file, sha256_text(text), rows)
    return found


def _units_of(campaign: Campaign, procedure: Procedure) -> dict[str, str | Sequence[str]]:
    """Factor -> its unit, or its choices."""
    units = {name: low.unit for name, (low, _) in own_box(campaign, procedure.sop).items()}
    units |= {name: item.unit for name, item in procedure.sop.quantities.items()}
    choices = chosen_choices(campaign, procedure.sop)
    return {name: choices[name] if name in choices else units[name] for name in campaign.factors}


def _candidates(
    campaign: Campaign,
    document: Document,
    procedure: Procedure,
    source: Path,
    shown: Path,
    findings: list[Diagnostic],
) -> Candidates | None:
    """The list that a campaign names; adds to the findings."""
    named = campaign.candidates or ""
    if any(item.blocking for item in findings):
        return None
    factors = _units_of(campaign, procedure)
    path = _beside(source, named, document, ("candidates",))
    text = read_text(path, _shown(shown, named), document, ("candidates",))
    box = campaign_box(campaign, procedure)
    found, wrong = read_candidates(text, _shown(shown, named), factors, box)
    findings += wrong
    if found is not None and campaign.budget.trials > len(found.rows):
        findings.append(
            document.finding(
                ("budget", "trials"), "range",
                f"{campaign.budget.trials} trials of {len(found.rows)} candidates",
                hint="plan at most as many trials as there are candidates",
            )
        )  # fmt: skip
    return found


def load_sop(
    path: Path,
    text: str,
    shown: str,
    capabilities: Mapping[str, CapabilitySpec],
    callers: tuple[Path, ...] = (),
    document: Document | None = None,
) -> tuple[Procedure | None, list[Diagnostic]]:
    """A SOP and those that it calls, checked. `text` is what `path` holds; `shown` is its name in messages."""
    document = document or read_document(text, shown)
    called: dict[str, Procedure] = {}
    findings: list[Diagnostic] = []
    for place, named in _calls(document):
        try:
            target = _beside(path, named, document, place)
            if target in (path.resolve(), *callers):
                raise _refused(
                    document, place, "cycle", f'"{named}" calls this SOP, which calls it'
                )
            if len(callers) >= _MAX_CALLS:
                raise _refused(
                    document, place, "too-deep", f"more than {_MAX_CALLS} calls within calls"
                )
            name = _shown(Path(shown), named)
            inner_text = read_text(target, name, document, place)
            inner_document = read_document(inner_text, name)
            if "sop_format" not in (inner_document.data or {"sop_format": 1}):
                raise _refused(
                    document,
                    place,
                    "call",
                    f'"{named}" is not a SOP',
                    "name a file with `sop_format: 1`",
                )
            inner, inner_findings = load_sop(
                target, inner_text, name, capabilities, (*callers, path.resolve()), inner_document
            )
        except InputError as error:
            findings += error.diagnostics
            continue
        findings += [item for item in inner_findings if item.blocking]
        if inner is None:
            findings.append(
                document.finding(
                    place,
                    "call",
                    f'"{named}" has findings of its own',
                    hint="correct that file first",
                )
            )
        else:
            called[named] = inner
    procedure, own = check_sop(text, shown, capabilities, called, document)
    known = {(item.file, item.line, item.column) for item in findings}
    own = [x for x in own if x.code != "call" or (x.file, x.line, x.column) not in known]
    found = sorted_diagnostics([*findings, *own])
    return (None if findings else procedure), found


def _calls(document: Document) -> list[tuple[DocumentPath, str]]:
    """(place, path) of each `call: {sop: path}` anywhere in the procedure."""
    found: list[tuple[DocumentPath, str]] = []

    def walk(node: JsonValue, place: DocumentPath) -> None:
        if isinstance(node, dict):
            call = node.get("call")
            if isinstance(call, dict) and isinstance(call.get("sop"), str):
                found.append(((*place, "call", "sop"), str(call["sop"])))
            for key, item in node.items():
                walk(item, (*place, key))
        elif isinstance(node, list):
            for index, item in enumerate(node):
                walk(item, (*place, index))

    walk((document.data or {}).get("procedure"), ("procedure",))
    return found


def _refused(
    document: Document,
    place: DocumentPath,
    code: str,
    message: str,
    hint: str = "write the steps out in one of the two",
) -> FindingsError:
    finding = document.finding(place, code, message, hint=hint)
    return FindingsError(message, diagnostics=[finding])


def _fit(
    procedure: Procedure,
    lab: Lab,
    capabilities: Mapping[str, CapabilitySpec],
    driver_capabilities: Mapping[str, tuple[str, ...]],
    today: date | None,
) -> None:
    """InputError where no assignment of stations, stocks and devices exists."""
    devices = {name: driver_capabilities[item.driver] for name, item in lab.devices.items()}
    next(assignments(procedure, lab, capabilities, devices, today))


def refuse(findings: Sequence[Diagnostic]) -> None:
    """Raise where any finding blocks: RefusedError if only safety findings do, else FindingsError."""
    blocking = [item for item in findings if item.blocking]
    if not blocking:
        return
    count = len(blocking)
    message = "one finding" if count == 1 else f"{count} findings"
    shown = sorted_diagnostics(findings)
    if all(item.severity == "safety" for item in blocking):
        raise RefusedError(f"{message} about safety", diagnostics=shown)
    raise FindingsError(f"{message} to correct", diagnostics=shown)


def read_text(
    path: Path, shown: str, document: Document | None = None, key: DocumentPath = ()
) -> str:
    """A file's text. InputError where it can't be read, is no regular file, too large or not UTF-8.

    With `document` and `key`, the finding stands where that file is named, and the error is a FindingsError.
    """
    problem = ""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            problem = f"{shown} is not a file"
        elif status.st_size > _MAX_BYTES:
            problem = f"{shown} is larger than 1 MB"
        else:
            return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        problem = f"there is no file {shown}"
    except UnicodeDecodeError:
        problem = f"{shown} is not UTF-8 text"
    except OSError as error:
        problem = f"{shown} can't be read: {error.strerror}"
    if document is not None:
        finding = document.finding(key, "file", problem, hint="correct the path or the file")
        raise FindingsError(problem, diagnostics=[finding])
    hint = "check the path; files are UTF-8 text of at most 1 MB"
    finding = Diagnostic(shown, 1, 1, "file", "error", problem, hint=hint)
    raise InputError(problem, diagnostics=[finding])


def _beside(campaign: Path, named: str, document: Document, key: DocumentPath) -> Path:
    """A path that a campaign names, inside its folder or a sibling folder. Links are followed first."""
    allowed = campaign.resolve().parent.parent
    target = (campaign.resolve().parent / named).resolve()
    if Path(named).is_absolute() or "\\" in named or not target.is_relative_to(allowed):
        message = f'"{named}" leads out of its surroundings'
        finding = document.finding(
            key,
            "path",
            message,
            why="a file from elsewhere must not make this computer read other files",
            hint="name a file in this folder or in a sibling folder, relative to this one",
        )
        raise FindingsError(message, diagnostics=[finding])
    return target


def _shown(campaign: Path, named: str) -> str:
    return str(campaign.parent / named)
