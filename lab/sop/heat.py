"""Rules for heating: boiling and flash points, what a vessel stands, stirring before heat."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lab.domain.units import unit
from lab.sop.arguments import BadArgumentError
from lab.sop.expression import ExpressionError
from lab.sop.finding import RuleFinding
from lab.sop.model_steps import ManualStep
from lab.sop.value import CalculationError, Value
from lab.sop.volumes import action_of, filled_by_hand, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.action import ActionSpec, CapabilitySpec
    from lab.domain.diagnostic import Severity
    from lab.domain.quantity import Quantity
    from lab.sop.flow import Order
    from lab.sop.model import Sop
    from lab.sop.overrides import Overrides
    from lab.sop.presence import Presence
    from lab.sop.unfold import FlatStep
    from lab.sop.volumes import Amounts, Book

__all__ = ["BOILING_MARGIN", "check_heat", "heated_steps"]

BOILING_MARGIN = 5.0
"""Kelvin below a boiling point: temperatures overshoot, and mixtures boil below their lowest component's point."""


def heated_steps(
    steps: Sequence[FlatStep], sop: Sop, capabilities: Mapping[str, CapabilitySpec]
) -> list[tuple[str, str]]:
    """(path, container) of each step that heats a container of the SOP."""
    found: list[tuple[str, str]] = []
    for step in steps:
        action = action_of(step, sop, capabilities)
        if action is not None and action.heats and place_of(step, sop) in sop.containers:
            found.append((step.path, place_of(step, sop)))
    return found


def check_heat(
    order: Order,
    sop: Sop,
    capabilities: Mapping[str, CapabilitySpec],
    amounts: Amounts,
    books: Mapping[str, Book],
    presence: Presence,
    overrides: Overrides,
) -> list[RuleFinding]:
    """All findings about heating; each once for a step as written, a container and a material."""
    stirring = _stirring(order, sop, capabilities, amounts)
    check = _Heat(order, sop, capabilities, books, presence, overrides, stirring)
    for path, container in heated_steps(order.steps, sop, capabilities):
        number = order.index[path]
        step = order.steps[number]
        action = action_of(step, sop, capabilities)
        target = action and _argument(action.heats, step, action, amounts)
        if target is not None:
            check.vessel(step, container, target)
            check.materials(number, container, target)
        check.liquid(number, container)
    return list(dict.fromkeys(check.findings))


def _argument(name: str, step: FlatStep, action: ActionSpec, amounts: Amounts) -> Value | None:
    """A quantity among the arguments; None where it can't be told (which is reported with the arguments)."""
    if isinstance(step.step, ManualStep):
        return None
    spec = action.args[name]
    raw = step.step.arguments.get(name, spec.default)
    if raw is None:
        return None
    try:
        return amounts.value(raw, spec, step.scope)
    except (BadArgumentError, CalculationError, ExpressionError):
        return None


def _stirring(
    order: Order, sop: Sop, capabilities: Mapping[str, CapabilitySpec], amounts: Amounts
) -> dict[str, list[tuple[int, bool]]]:
    """Container -> (step, True where it starts to stir, False where that stops), in order."""
    found: dict[str, list[tuple[int, bool]]] = {}
    for number, step in enumerate(order.steps):
        action = action_of(step, sop, capabilities)
        container = place_of(step, sop)
        if action is None or not container or isinstance(step.step, ManualStep):
            continue
        if action.stirs:
            speed = _argument(action.stirs, step, action, amounts)
            found.setdefault(container, []).append((number, speed is not None and speed.low > 0))
        elif step.step.action == "stop" and can_stir(step, sop, capabilities):
            found.setdefault(container, []).append((number, False))
    return found


def can_stir(step: FlatStep, sop: Sop, capabilities: Mapping[str, CapabilitySpec]) -> bool:
    """Could the role of a step stir, too?"""
    role = sop.equipment.get(step.role)
    capability = capabilities.get(role.capability) if role else None
    return capability is not None and any(item.stirs for item in capability.actions.values())


@dataclass(slots=True)
class _Heat:
    order: Order
    sop: Sop
    capabilities: Mapping[str, CapabilitySpec]
    books: Mapping[str, Book]
    presence: Presence
    overrides: Overrides
    stirring: Mapping[str, list[tuple[int, bool]]]
    findings: list[RuleFinding] = field(default_factory=list[RuleFinding])

    def vessel(self, step: FlatStep, container: str, target: Value) -> None:
        """What the vessel stands."""
        vessel = self.sop.containers[container]
        rating = vessel.maximum_temperature
        if rating is not None and target.high > rating.base + 1e-9:
            self._report(
                step, "rating", f'"{container}" is heated to {_degrees(target, rating)}, but stands {rating}',
                why="the vessel may break or melt", hint="heat less, or use another vessel",
            )  # fmt: skip
        if vessel.sealed and vessel.maximum_pressure is None:
            finding = self._finding(
                step, "sealed", f'"{container}" is sealed and heated, and nobody says what pressure it stands',
                why="pressure builds up until it bursts",
                hint="give its `maximum_pressure`, or leave it open",
            )  # fmt: skip
            self.findings.append(self.overrides.judge(finding, [container]))

    def materials(self, number: int, container: str, target: Value) -> None:
        """Boiling and flash points of what may be in it."""
        if self.sop.containers[container].sealed:
            return
        step = self.order.steps[number]
        for name in self.presence.before(container, number):
            material = self.sop.materials.get(name)
            if material is None:
                continue
            boiling, flash = material.boiling_point, material.flash_point
            if boiling is not None and target.high > boiling.base - BOILING_MARGIN:
                finding = self._finding(
                    step, "boiling_point",
                    f'"{container}" is heated to {_degrees(target, boiling)}, but "{name}" in it boils at {boiling}',
                    why="it boils over or dries out, and its vapour fills the room",
                    hint="stay 5 K below, use a sealed vessel, or name who answers for it under `overrides`",
                )  # fmt: skip
                self.findings.append(self.overrides.judge(finding, [name, container]))
            if flash is not None and target.high >= flash.base:
                finding = self._finding(
                    step, "flash_point",
                    f'"{container}" is heated to {_degrees(target, flash)}, but "{name}" in it flashes at {flash}',
                    why="its vapour over the open vessel can be lit by any spark",
                    hint="heat less, use a sealed vessel, or name who answers for it under `overrides`",
                )  # fmt: skip
                self.findings.append(self.overrides.judge(finding, [name, container]))

    def liquid(self, number: int, container: str) -> None:
        """Something must be in it, and should be stirred."""
        step = self.order.steps[number]
        nothing = 1e-9 * self.sop.containers[container].capacity.base
        line = self.books[container].lines[number]
        # what a run before this one left in it is too little to heat
        if (line.most_before - self.books[container].start[1]).high <= nothing:
            if not filled_by_hand(self.sop, self.order.steps, container):
                self._report(
                    step, "heated-empty", f'"{container}" is heated, but nothing can be in it',
                    why="a dry vessel overheats", hint="fill it before it is heated",
                )  # fmt: skip
        elif can_stir(step, self.sop, self.capabilities) and not self._is_stirred(
            number, container
        ):
            self._report(
                step, "stir-before-heat", f'"{container}" is heated without being stirred before',
                why="unstirred liquid bumps, and its temperature differs from place to place",
                hint="stir before heating", severity="warning",
            )  # fmt: skip

    def _is_stirred(self, number: int, container: str) -> bool:
        """Is there a step that stirs, certainly done before, and none that stops it after that?"""
        implied = self.order.implied(number)
        running = False
        for other, starts in self.stirring.get(container, ()):
            if other >= number:
                break
            if running == starts or (starts and not self.order.is_before(other, number)):
                continue
            own = self.order.implied(other)
            if starts:
                running = all(implied.get(key) == value for key, value in own.items())
            else:
                running = any(implied.get(key, value) != value for key, value in own.items())
        return running

    def _finding(
        self, step: FlatStep, code: str, message: str, *, why: str, hint: str
    ) -> RuleFinding:
        return RuleFinding(
            code, message, step.place, step.scope.document, why, hint, severity="safety"
        )

    def _report(
        self, step: FlatStep, code: str, message: str, *, why: str, hint: str,
        severity: Severity = "safety",
    ) -> None:  # fmt: skip
        finding = self._finding(step, code, message, why=why, hint=hint)
        self.findings.append(replace(finding, severity=severity))


def _degrees(target: Value, like: Quantity) -> str:
    """The highest temperature that is aimed at, in the unit of a limit."""
    own = unit(like.unit)
    return f"{(target.high - own.offset) / own.factor:.4g} {like.unit}"
