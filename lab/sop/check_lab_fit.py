"""What the lab allows its devices, against all arguments that a campaign can lead to."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.action import ArgSpec
from lab.domain.errors import InputError
from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.arguments import BadArgumentError, resolve
from lab.sop.expression import ExpressionError, parse_expression, unwrap
from lab.sop.model_steps import ManualStep, Step
from lab.sop.planned import Planned
from lab.sop.references import References
from lab.sop.value import CalculationError, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lab.domain.action import CapabilitySpec
    from lab.domain.diagnostic import Diagnostic, Severity
    from lab.sop.check_lab_safety import DriverTraits
    from lab.sop.document import Document, Path
    from lab.sop.lab_model import Device, Lab
    from lab.sop.model_materials import Equipment
    from lab.sop.procedure import Box, Procedure, Setting
    from lab.sop.unfold import FlatStep

__all__ = ["lab_findings"]


def lab_findings(
    procedure: Procedure,
    lab: Lab,
    capabilities: Mapping[str, CapabilitySpec],
    box: Box,
    settings: Mapping[str, Setting],
    driver_capabilities: Mapping[str, Sequence[str]] | None = None,
    traits: Mapping[str, DriverTraits] | None = None,
) -> list[Diagnostic]:
    """Arguments beyond the limits that the lab sets to its devices, or beyond what their drivers say they can do.

    A device that could play a role counts for it; which one will is not known before a run is planned.
    """
    work = _Limits(procedure, lab, capabilities, box, settings, driver_capabilities, traits or {})
    return list(work.findings())


def _could_play(role: Equipment, device: Device, lab: Lab, procedure: Procedure) -> bool:
    """Stands, draws and fills as the role needs it."""
    places = [(role.at, [device.at]), (role.into, [device.into])]
    if device.draws:
        places += [(name, device.draws) for name in role.draws]
    return all(
        not wanted or any(_serves(wanted, there, lab, procedure) for there in offered)
        for wanted, offered in places
    )


def _serves(wanted: str, there: str, lab: Lab, procedure: Procedure) -> bool:
    """Can that station or stock of the lab be this container, material or shared station?"""
    container = procedure.sop.containers.get(wanted)
    if container is not None:
        station = lab.stations.get(there)
        return station is not None and (station.kind or there) == (container.kind or wanted)
    if there in lab.stock:
        return (lab.stock[there].material or there) == wanted
    return there == wanted


class _Limits:
    """Looks at each argument over the whole box, once for each step as written."""

    def __init__(
        self,
        procedure: Procedure,
        lab: Lab,
        capabilities: Mapping[str, CapabilitySpec],
        box: Box,
        settings: Mapping[str, Setting],
        drivers: Mapping[str, Sequence[str]] | None,
        traits: Mapping[str, DriverTraits],
    ) -> None:
        self._drivers = drivers
        self._able = {name: _able(device, traits) for name, device in lab.devices.items()}
        self._procedure, self._lab, self._capabilities = procedure, lab, capabilities
        self._references = References(procedure.flat, capabilities)
        self._planned = Planned(box, settings)
        self._box = {**self._references.box, **box}

    def findings(self) -> Iterator[Diagnostic]:
        limited = {
            name: device
            for name, device in self._lab.devices.items()
            if device.limits or self._able[name]
        }
        if not limited:
            return
        sop = self._procedure.sop
        for flat in (*self._procedure.flat.steps, *self._procedure.flat.safe):
            if isinstance(flat.step, ManualStep):
                continue
            role = sop.equipment[flat.role]
            for name, device in limited.items():
                able = self._drivers is None or role.capability in self._drivers[device.driver]
                if able and _could_play(role, device, self._lab, self._procedure):
                    for argument in dict.fromkeys((*device.limits, *self._able[name])):
                        yield from self._beyond(flat, role, name, argument)

    def _beyond(
        self, flat: FlatStep, role: Equipment, device: str, argument: str
    ) -> Iterator[Diagnostic]:
        step = flat.step
        if isinstance(step, ManualStep):
            return
        action = self._capabilities[role.capability].actions[step.action]
        spec = action.args.get(argument)
        if spec is None:
            return
        place = (*flat.place, "with", argument)
        raw: object = step.arguments.get(argument, spec.default)
        if isinstance(step, Step) and argument in ("ramp", "tolerance"):
            own = step.ramp if argument == "ramp" else step.tolerance
            if own is not None:
                raw, place = f"{own.magnitude!r} {own.unit}", (*flat.place, argument)
        entries = raw.values() if isinstance(raw, dict) else [raw]
        unit = spec.unit or DIMENSIONLESS
        for entry in entries:
            value = self._value(entry, unit, flat)
            if value is None:
                continue
            for limit in self._limits_of(device, argument, unit):
                yield from _beyond(limit, value, unit, argument, flat.scope.document, place)

    def _limits_of(self, device: str, argument: str, unit: str) -> Iterator[_Limit]:
        """The device's own limits first: the lab can't allow more."""
        for sign, magnitude in zip((-1.0, 1.0), self._able[device].get(argument, ()), strict=False):
            yield _Limit(
                sign, Quantity(magnitude, unit), f'that "{device}" can do', "error",
                why="its driver would refuse it in the middle of a run",
                hint="keep to what the device can do, or change its `settings` in the lab file with the hardware",
            )  # fmt: skip
        limit = self._lab.devices[device].limits.get(argument)
        for sign, allowed in ((-1.0, limit.minimum), (1.0, limit.maximum)) if limit else ():
            if allowed is not None and allowed.is_like(unit):
                yield _Limit(
                    sign, allowed, f'that "{device}" is allowed', "safety",
                    why="the lab has set this limit for its device",
                    hint="narrow the factors of the campaign, or ask who keeps the lab file",
                )  # fmt: skip

    def _value(self, raw: object, unit: str, flat: FlatStep) -> Value | None:
        """All that the argument can be, in the campaign's ranges; None for what is no number or is not known."""
        if raw is None or isinstance(raw, bool):
            return None
        if isinstance(raw, int | float):
            return Value.of(Quantity(float(raw), unit))
        if not isinstance(raw, str):
            return None
        try:
            names = self._planned.names(flat.scope)
            inner = unwrap(raw)
            if inner is not None:
                wanted = [name for name, _ in parse_expression(inner).names]
                names = self._references.with_outputs(
                    names, wanted, flat.scope, self._box, bounded=True
                )
            found = resolve(raw, ArgSpec(kind="quantity", unit=unit), names)
        except (BadArgumentError, ExpressionError, CalculationError):
            return (
                None  # reported where the SOP is checked, or held to its limits when it is computed
            )
        return found if isinstance(found, Value) else None


@dataclass(frozen=True, slots=True)
class _Limit:
    """The least (`sign` -1) or greatest (+1) that an argument may be, and whose limit it is."""

    sign: float
    quantity: Quantity
    owner: str
    severity: Severity
    why: str
    hint: str


def _beyond(
    limit: _Limit, value: Value, unit: str, argument: str, document: Document, place: Path
) -> Iterator[Diagnostic]:
    low, high = value.bounds(unit)
    reached, bound = (low if limit.sign < 0 else high), limit.quantity.to(unit).magnitude
    if limit.sign * (reached - bound) > 1e-9 * max(1.0, abs(bound)):
        side = "below" if limit.sign < 0 else "above"
        shown = Quantity(float(f"{limit.quantity.magnitude:.6g}"), limit.quantity.unit)
        yield document.finding(
            place,
            "device-limit",
            f"{argument} can be {Quantity(reached, unit)}, {side} the {shown} {limit.owner}",
            why=limit.why,
            hint=limit.hint,
            severity=limit.severity,
        )


def _able(device: Device, traits: Mapping[str, DriverTraits]) -> Mapping[str, tuple[float, float]]:
    """What its driver says that it can be asked for; nothing where the settings are wrong, which is reported there."""
    known = traits.get(device.driver)
    if known is None or known.limits is None:
        return {}
    with suppress(InputError):
        return known.limits(device.settings)
    return {}
