"""An SOP as a page of a laboratory handbook: Markdown to read, print, fill in and sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.ghs import statement
from lab.sop.graph import mermaid, step_graph
from lab.sop.handbook_steps import listed, procedure_lines, safe_step_lines, signature
from lab.sop.markdown import blank, bullet, code, escaped, table
from lab.sop.model import Option
from lab.sop.procedure import sop_sha256

if TYPE_CHECKING:
    from lab.sop.model import Result, Sop
    from lab.sop.model_materials import Equipment, Material

__all__ = ["GRAPH_HEADING", "handbook"]

GRAPH_HEADING = "Order of the steps"

_SUPERVISION = {
    "none": "Nobody needs to watch.",
    "remote": "Someone must watch at a screen.",
    "present": "Someone must be there all the time.",
}
_ROLES = {
    "factor": "an optimiser may vary it",
    "fixed": "a campaign may set it",
    "reported": "always the default",
}


def handbook(sop: Sop, file_sha256: str = "", *, graph: bool = True) -> str:
    """The page. `file_sha256` is that of the file it was read from; `graph=False` leaves the Mermaid picture out.

    Texts of the SOP are escaped: none of them can become markup.
    """
    lines = [
        *_head(sop),
        *_hazards(sop),
        *_parameters(sop),
        *_materials(sop),
        *_equipment(sop),
        *_picture(sop, graph),
        "## Procedure",
        "",
        *procedure_lines(sop.procedure),
        *_safe_state(sop),
        *_timing(sop),
        *_quality(sop),
        *_results(sop),
        *_approval(sop),
        "---",
        "",
        f"sop\\_sha256: `{sop_sha256(sop)}`  ",
    ]
    if file_sha256:
        lines.append(f"file sha256: `{file_sha256}`")
    return "\n".join(lines).rstrip() + "\n"


def _head(sop: Sop) -> list[str]:
    authors = ", ".join(
        " ".join(filter(None, (a.name, f"({a.affiliation})" if a.affiliation else "", a.orcid)))
        for a in sop.authors
    )
    facts = (
        ("Name", sop.id),
        ("Version", sop.version),
        ("Status", sop.status),
        ("Effective", sop.effective_date),
        ("Replaces", sop.supersedes),
        ("Authors", authors),
        ("Based on", sop.based_on),
        ("Licence", sop.license),
        ("Keywords", ", ".join(sop.keywords)),
    )
    lines = [f"# {escaped(sop.title)}", ""]
    lines += table(("", ""), [(f"**{name}**", escaped(said)) for name, said in facts if said])
    return [*lines, *([escaped(sop.intended_use), ""] if sop.intended_use else [])]


def _hazards(sop: Sop) -> list[str]:
    """What can hurt, before anything else."""
    safety = sop.safety
    lines = ["## Hazards and protection", ""]
    for name, material in sop.materials.items():
        if material.hazards:
            lines.append(bullet(f"**{escaped(material.name)}** ({code(name)})"))
            lines += [bullet(_hazard(item), 1) for item in material.hazards]
    lines += [bullet(escaped(item)) for item in safety.hazards]
    if not any(m.hazards for m in sop.materials.values()) and not safety.hazards:
        lines.append("No hazard statement is given for any material.")
    ppe = ", ".join(escaped(item) for item in safety.ppe) or "nothing named"
    lines += ["", f"**Wear:** {ppe}.", "", f"**Supervision:** {_SUPERVISION[safety.supervision]}"]
    if safety.max_unattended is not None:
        lines[-1] += f" At most {safety.max_unattended} without a person."
    if safety.notes:
        lines += ["", escaped(safety.notes)]
    lines.append("")
    for limit in safety.limits:
        what = {"hold": "a person decides", "abort": "the run ends in its safe state"}
        bounds = listed(("at least", limit.minimum), ("at most", limit.maximum))
        lines.append(bullet(f"{code(limit.signal)}: {bounds}; else {what[limit.on_violation]}."))
    for pair in safety.incompatible_materials:
        names = " and ".join(escaped(name) for name in pair.materials)
        lines.append(bullet(f"**{names} may never meet:** {escaped(pair.reason)}"))
    for item in safety.overrides:
        about = f" ({', '.join(escaped(name) for name in item.between)})" if item.between else ""
        finding = item.finding.replace("_", " ")
        lines.append(
            bullet(f"{finding}{about}: {escaped(item.name)} answers for it: {escaped(item.reason)}")
        )
    return [*lines, ""]


def _hazard(hazard: str) -> str:
    known = statement(hazard)
    return f"{escaped(hazard)}: {escaped(known.words)}" if known else escaped(hazard)


def _parameters(sop: Sop) -> list[str]:
    rows: list[tuple[str, ...]] = []
    for name, item in sop.parameters.items():
        said = escaped(". ".join(filter(None, (item.display_name, item.description))))
        if isinstance(item, Option):
            default = {True: "yes", False: "no"}.get(item.default is True, "") if isinstance(item.default, bool) else item.default  # fmt: skip
            values = escaped(", ".join(item.choices) or item.type.replace("_", "/"))
        else:
            default, values = str(item.default), escaped(f"{item.minimum} to {item.maximum}")
        rows.append((code(name), said, values, escaped(default), _ROLES[item.role], blank(14)))
    columns = ("Name", "What it is", "Possible", "Default", "Who sets it", "This run")
    return ["## Parameters", "", *table(columns, rows)] if rows else []


def _materials(sop: Sop) -> list[str]:
    rows = [
        (
            code(name),
            escaped(item.name),
            item.role.replace("_", " "),
            _identifiers(item),
            escaped(", ".join(item.hazards)),
            _properties(item),
            escaped(str(item.amount or "")),
            blank(16) + (" (required)" if item.lot_required else ""),
        )
        for name, item in sop.materials.items()
    ]
    columns = ("Name", "Label", "Role", "Identifiers", "Hazards", "Properties", "Amount", "Lot")
    lines = ["## Materials", "", *table(columns, rows)] if rows else []
    samples = (
        ("Takes in", ", ".join(sop.samples.inputs)),
        ("Gives out", ", ".join(sop.samples.outputs)),
        ("Used up by it", "yes" if sop.samples.destructive else ""),
    )
    said = [(f"**{name}**", escaped(text)) for name, text in samples if text]
    return [*lines, *(["### Samples", "", *table(("", ""), said)] if said else [])]


def _identifiers(material: Material) -> str:
    own = material.identifiers
    pairs = (("CAS", own.cas), ("InChIKey", own.inchikey), ("SMILES", own.smiles), ("CID", own.cid))
    return ", ".join(f"{name} {escaped(text)}" for name, text in pairs if text)


def _properties(material: Material) -> str:
    return escaped(
        listed(
            ("", material.density),
            ("", material.concentration),
            ("boils at", material.boiling_point),
            ("flash point", material.flash_point),
            ("purity", material.purity),
            ("store", material.storage),
            ("shelf life", material.shelf_life),
        )
    )


def _equipment(sop: Sop) -> list[str]:
    roles = [
        (code(name), escaped(item.description), escaped(item.capability), _place(item), _demands(item))
        for name, item in sop.equipment.items()
    ]  # fmt: skip
    vessels = [
        (
            code(name),
            escaped(item.description),
            escaped(str(item.capacity)),
            escaped(
                listed(
                    ("dead volume", item.dead_volume),
                    ("stands", item.maximum_temperature),
                    ("sealed, stands", item.maximum_pressure if item.sealed else None),
                )
            ),
        )
        for name, item in sop.containers.items()
    ]
    lines = ["## Equipment", ""]
    lines += table(("Role", "What it is", "Must be able to do", "Place", "Demands"), roles)
    if vessels:
        lines += ["### Containers", "", *table(("Name", "What it is", "Holds", "Limits"), vessels)]
    return lines


def _place(item: Equipment) -> str:
    draws = f"from {', '.join(item.draws)}" if item.draws else ""
    into = f"into {item.into}" if item.into else ""
    return escaped(" ".join(filter(None, (f"at {item.at}" if item.at else "", draws, into))))


def _demands(item: Equipment) -> str:
    said = [
        f"{name}: {listed(('from', span.minimum), ('to', span.maximum))}"
        for name, span in item.range.items()
    ]
    said += [f"{name}: tells {least} apart" for name, least in item.resolution.items()]
    if item.calibration_max_age is not None:
        said.append(f"calibrated within {item.calibration_max_age}")
    return escaped("; ".join(said))


def _picture(sop: Sop, wanted: bool) -> list[str]:
    if not wanted:
        return []
    return [f"## {GRAPH_HEADING}", "", "```mermaid", mermaid(step_graph(sop)).rstrip(), "```", ""]


def _safe_state(sop: Sop) -> list[str]:
    steps = sop.safety.safe_state
    if not steps:
        return []
    said = [line for step in steps for line in safe_step_lines(step)]
    return ["## When a run ends badly", "", "These steps make it safe:", "", *said, ""]


def _timing(sop: Sop) -> list[str]:
    if not sop.timing:
        return []
    what = {
        "flag": "the data say so",
        "scrap": "the sample is given up",
        "abort": "the run has failed",
    }
    lines = ["## Limits on time", ""]
    for item in sop.timing:
        bounds = listed(
            ("less than", item.less_than), ("more than", item.more_than), ("ideally", item.ideal)
        )
        name = f"{escaped(item.id)}: " if item.id else ""
        lines.append(
            bullet(
                f"{name}from {code(item.start)} to {code(item.to)} {bounds}; else {what[item.on_violation]}."
            )
        )
    return [*lines, ""]


def _quality(sop: Sop) -> list[str]:
    quality = sop.quality
    what = {"flag": "the data say so", "fail": "the run has failed"}
    lines: list[str] = []
    for name, item in quality.standards.items():
        value = f"{item.certified_value} (± {item.expanded_uncertainty}, k = {item.k:g})"
        lines.append(
            bullet(
                f"Standard {code(name)}: {escaped(item.material)}, certificate {escaped(item.certificate)}, {value}; "
                f"{code(item.measured)} may differ by {item.tolerance}, else {what[item.on_failure]}."
            )
        )
    for name, item in quality.blanks.items():
        bounds = listed(("at least", item.minimum), ("at most", item.maximum))
        lines.append(
            bullet(
                f"Blank {code(name)}: {code(item.measured)} {bounds}; else {what[item.on_failure]}."
            )
        )
    for name, item in quality.replicates.items():
        lines.append(
            bullet(
                f"Replicates {code(name)}: at least {item.least} of {code(item.measured)}, relative standard deviation "
                f"at most {item.max_relative_sd}; else {what[item.on_failure]}."
            )
        )
    if quality.qc_every is not None:
        lines.append(bullet(f"A quality-control run after every {quality.qc_every} runs."))
    if quality.control_rules:
        lines.append(bullet(f"Control charts: rules {escaped(', '.join(quality.control_rules))}."))
    return ["## Quality", "", *lines, ""] if lines else []


def _results(sop: Sop) -> list[str]:
    derived = [
        (code(name), escaped(item.description), code(item.value), escaped(item.unit))
        for name, item in sop.derived.items()
    ]
    results = [
        (
            code(name),
            escaped(item.description)
            + ("" if item.required else " (may be missing)")
            + _measured(item),
            code(item.source or item.value),
            escaped(item.unit),
            blank(16),
        )
        for name, item in sop.results.items()
    ]
    lines = ["## Results", ""]
    lines += table(("Name", "What it is", "From", "Unit", "Found"), results)
    if derived:
        columns = ("Name", "What it is", "Computed as", "Unit")
        lines += ["### Computed beforehand", "", *table(columns, derived)]
    return lines


def _measured(item: Result) -> str:
    """Between which values it can be measured, in words."""
    if item.range is None:
        return ""
    ends = [
        f"{word} {end}"
        for word, end in (("from", item.range.minimum), ("up to", item.range.maximum))
        if end is not None
    ]
    return f" (can be measured {escaped(' '.join(ends))})"


def _approval(sop: Sop) -> list[str]:
    lines: list[str] = []
    if sop.change_log:
        rows = [(escaped(c.version), escaped(c.date), escaped(c.text)) for c in sop.change_log]
        lines += ["## Changes", "", *table(("Version", "Date", "What and why"), rows)]
    approved = f" ({escaped(sop.approved_by)})" if sop.approved_by else ""
    return [
        *lines,
        "## Approval",
        "",
        bullet(signature("Written by")),
        bullet(signature(f"Approved by{approved}")),
        bullet(signature("Read and understood by")),
        "",
    ]
