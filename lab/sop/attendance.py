"""Rules for who watches: how long nobody comes by, and what is switched off where a run ends badly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, tidy
from lab.sop.finding import RuleFinding
from lab.sop.model_steps import ManualStep, Step
from lab.sop.volumes import action_of, place_of, transfers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.action import CapabilitySpec
    from lab.sop.document import Document
    from lab.sop.model import Sop
    from lab.sop.overrides import Overrides
    from lab.sop.unfold import FlatStep, Unfolded

__all__ = ["check_attendance", "check_safe_state", "longest_unattended_s"]


def longest_unattended_s(flat: Unfolded) -> float:
    """The longest time without a manual step, in seconds, by the usual durations and with all rounds of all loops."""
    since: dict[str, float] = {}
    longest = 0.0
    for step in flat.steps:
        begun = max((since.get(name, 0.0) for name in step.needs), default=0.0)
        settle = step.step.settle if isinstance(step.step, Step) else None
        span = step.step.duration.base + (settle.base if settle is not None else 0.0)
        since[step.path] = 0.0 if isinstance(step.step, ManualStep) else begun + span
        longest = max(longest, since[step.path])
    return longest


def check_attendance(
    flat: Unfolded,
    sop: Sop,
    document: Document,
    capabilities: Mapping[str, CapabilitySpec],
    overrides: Overrides,
) -> list[RuleFinding]:
    """Nobody may be away for longer than the SOP allows; and it must say how long where it heats alone."""
    safety = sop.safety
    if safety.max_unattended is not None:
        longest = longest_unattended_s(flat)
        if longest <= safety.max_unattended.base:
            return []
        unit_name = safety.max_unattended.unit
        own = safety.max_unattended.definition
        shown = Quantity(tidy(round(longest / own.factor, 3)), unit_name)
        finding = RuleFinding(
            "unattended",
            f"there may be {shown} without a manual step, but {safety.max_unattended} are allowed",
            ("safety", "max_unattended"),
            document,
            why="nobody would see what goes wrong",
            hint="put a manual step in between, or name who answers for it under `overrides`",
            severity="safety",
        )
        return [overrides.judge(finding, ())]
    heats = any(_heats(step, sop, capabilities) for step in flat.steps)
    if safety.supervision != "none" or not heats:
        return []
    finding = RuleFinding(
        "unattended",
        "something is heated with nobody watching, and `max_unattended` is not given",
        ("safety", "supervision"),
        document,
        why="a heater that fails to switch off goes unseen",
        hint="give `max_unattended`, or let someone watch",
        severity="warning",
    )
    return [overrides.judge(finding, ())]


def _heats(step: FlatStep, sop: Sop, capabilities: Mapping[str, CapabilitySpec]) -> bool:
    action = action_of(step, sop, capabilities)
    return action is not None and bool(action.heats)


def check_safe_state(
    flat: Unfolded, sop: Sop, document: Document, capabilities: Mapping[str, CapabilitySpec]
) -> list[RuleFinding]:
    """Where a run ends badly, heaters are switched off and sealed vessels are seen to."""
    safe = [step for step in flat.safe if not step.compensates]
    stopped = {step.role for step in safe if getattr(step.step, "action", "") == "stop"}
    findings: list[RuleFinding] = []
    for role in dict.fromkeys(s.role for s in flat.steps if _heats(s, sop, capabilities)):
        if role not in stopped:
            findings.append(
                RuleFinding(
                    "safe-state", f'"{role}" heats, but nothing in the safe state stops it',
                    ("equipment", role), document, at_key=True,
                    why="a run that ends badly would go on heating",
                    hint="add a step with `action: stop` under `safety.safe_state`",
                )
            )  # fmt: skip
    tended: set[str] = set()
    for step in safe:
        tended.add(place_of(step, sop))
        tended.update(move.source for move in transfers_of(step, sop, capabilities))
    touched = {place_of(step, sop) for step in flat.steps} | {
        move.target for step in flat.steps for move in transfers_of(step, sop, capabilities)
    }
    for name, container in sop.containers.items():
        if container.sealed and name in touched and name not in tended:
            findings.append(
                RuleFinding(
                    "safe-state", f'"{name}" is sealed, but nothing in the safe state sees to it',
                    ("containers", name), document, at_key=True,
                    why="it may stay under pressure when a run ends badly",
                    hint="add a step that stops its heater or empties it under `safety.safe_state`",
                )
            )  # fmt: skip
    return findings
