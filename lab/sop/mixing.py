"""Rules for materials that meet: in a container, or in a shared station such as the waste."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.sop.finding import RuleFinding
from lab.sop.presence import either
from lab.sop.reactivity import UnknownGroupError, groups_of, incompatibilities
from lab.sop.volumes import transfers_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lab.domain.action import CapabilitySpec
    from lab.domain.diagnostic import Severity
    from lab.sop.document import Document
    from lab.sop.model import Sop
    from lab.sop.overrides import Overrides
    from lab.sop.presence import Contents, Presence
    from lab.sop.reactivity import Incompatibility
    from lab.sop.unfold import FlatStep, Unfolded
    from lab.sop.volumes import Ledger

__all__ = ["Meeting", "check_mixing", "meetings"]


_MAX_REASONS = 3
_SEVERITY: dict[str, Severity] = {"block": "safety", "ask": "warning", "note": "note"}


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two materials that may come together."""

    first: str
    second: str
    where: str
    step: FlatStep
    """What brings the second of them in."""
    residue: bool
    """True where all but what a line can't draw of one has been removed before."""


def meetings(
    flat: Unfolded,
    sop: Sop,
    capabilities: Mapping[str, CapabilitySpec],
    ledger: Ledger,
    presence: Presence,
) -> list[Meeting]:
    """Each pair of materials that may meet, once: where they first do so (with more than a residue, if anywhere)."""
    found: dict[tuple[str, str], Meeting] = {}

    def meet(step: FlatStep, where: str, arriving: Contents, there: Contents) -> None:
        for name, left in arriving.items():
            for other, other_left in there.items():
                if name == other or not {name, other} <= sop.materials.keys():
                    continue
                pair = (min(name, other), max(name, other))
                meeting = Meeting(*pair, where, step, left or other_left)
                known = found.get(pair)
                if known is None or (known.residue and not meeting.residue):
                    found[pair] = meeting

    stations: dict[str, Contents] = {}
    for number, moves in enumerate(ledger.transfers):
        for move in moves:
            arriving = presence.arriving(move, number)
            if move.target in sop.containers:
                there = presence.walks[move.target].after[number]
            else:
                there = stations.setdefault(move.target, {})
                there |= either(there, arriving)
            meet(move.step, move.target, arriving, there)
    contents = {name: presence.ever(name) for name in sop.containers}
    for step in flat.safe:
        for move in transfers_of(step, sop, capabilities):
            arriving = contents.get(move.source, {move.source: False})
            station = stations.setdefault(move.target, {})
            there = contents.get(move.target, station)
            there |= either(there, arriving)
            meet(step, move.target, arriving, there)
            if move.empties and move.source in contents and not step.compensates:
                left = ledger.dead_volume(move.source).high > 0
                contents[move.source] = dict.fromkeys(contents[move.source], True) if left else {}
    return list(found.values())


def check_mixing(
    found: Iterable[Meeting],
    sop: Sop,
    document: Document,
    overrides: Overrides,
    extra: Sequence[Incompatibility] = (),
) -> list[RuleFinding]:
    """Which of the meetings must not be: by the SOP's own words, the table of reactive groups, and a lab's rules.

    What the SOP itself says may never meet can't be overridden.
    """
    groups, findings = _groups(sop, document)
    never = {
        (min(item.materials), max(item.materials)): item.reason
        for item in sop.safety.incompatible_materials
    }
    for meeting in found:
        pair = (meeting.first, meeting.second)
        if pair in never:
            words = f"this procedure says that they may never: {never[pair]}"
            hint = "separate them: empty and rinse in between, or use another vessel"
            findings.append(_finding(meeting, words, hint, "safety"))
            continue
        known = incompatibilities(groups[meeting.first], groups[meeting.second], extra)
        if known:
            # the gravest come first; what is milder besides says nothing more
            worst = [item for item in known if item.severity == known[0].severity]
            words = "; ".join(item.text() for item in worst[:_MAX_REASONS])
            severity = _SEVERITY[known[0].severity]
            hint = "separate them, or name who answers for it under `safety.overrides`"
            if severity == "note":
                hint = "nothing need be done where amounts are small and it can't get hot"
            why = "heat, gas or fire may come of it, faster than anyone can act"
            grave = severity == "safety" and any(item.effects for item in worst)
            finding = _finding(meeting, words, hint, severity, why if grave else "")
            findings.append(overrides.judge(finding, (*pair, meeting.where)))
    return findings


def _groups(sop: Sop, document: Document) -> tuple[dict[str, frozenset[str]], list[RuleFinding]]:
    """Material -> its reactive groups; and what names no group."""
    groups: dict[str, frozenset[str]] = {}
    findings: list[RuleFinding] = []
    for name, material in sop.materials.items():
        explicit: list[str] = []
        for number, group in enumerate(material.reactive_groups):
            try:
                groups_of([group])
            except UnknownGroupError as error:
                findings.append(
                    RuleFinding(
                        "reference",
                        f'there is no reactive group "{group}"',
                        ("materials", name, "reactive_groups", number),
                        document,
                        hint=error.hint,
                    )
                )
            else:
                explicit.append(group)
        cas = material.identifiers.cas
        groups[name] = groups_of(explicit, cas=cas, hazards=material.hazards)
    return groups, findings


def _finding(
    meeting: Meeting, words: str, hint: str, severity: Severity, why: str = ""
) -> RuleFinding:
    residue = ", where what can't be drawn of one is left" if meeting.residue else ""
    return RuleFinding(
        "incompatible",
        f'"{meeting.first}" and "{meeting.second}" may meet in "{meeting.where}"{residue}: {words}',
        meeting.step.place,
        meeting.step.scope.document,
        why=why,
        hint=hint,
        severity=severity,
    )
