"""What the lab allows its devices, against all arguments that a campaign can lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.action import ArgSpec
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
    from lab.domain.diagnostic import Diagnostic
    from lab.sop.lab_model import Device, Lab
    from lab.sop.model_materials import Equipment, Range
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
) -> list[Diagnostic]:
    """Arguments beyond the limits that the lab sets to its devices.

    A device that could play a role counts for it; which one will is not known before a run is planned.
    """
    work = _Limits(procedure, lab, capabilities, box, settings, driver_capabilities)
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
    ) -> None:
        self._drivers = drivers
        self._procedure, self._lab, self._capabilities = procedure, lab, capabilities
        self._references = References(procedure.flat, capabilities)
        self._planned = Planned(box, settings)
        self._box = {**self._references.box, **box}

    def findings(self) -> Iterator[Diagnostic]:
        limited = {name: device for name, device in self._lab.devices.items() if device.limits}
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
                    for argument, limit in device.limits.items():
                        yield from self._beyond(flat, role, name, argument, limit)

    def _beyond(
        self, flat: FlatStep, role: Equipment, device: str, argument: str, limit: Range
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
            low, high = value.bounds(unit)
            for allowed, reached, sign in ((limit.minimum, low, -1.0), (limit.maximum, high, 1.0)):
                if allowed is None or not allowed.is_like(unit):
                    continue
                bound = allowed.to(unit).magnitude
                if sign * (reached - bound) > 1e-9 * max(1.0, abs(bound)):
                    side = "below" if sign < 0 else "above"
                    yield flat.scope.document.finding(
                        place,
                        "device-limit",
                        f'{argument} can be {Quantity(reached, unit)}, {side} the {allowed} that "{device}" is allowed',
                        why="the lab has set this limit for its device",
                        hint="narrow the factors of the campaign, or ask who keeps the lab file",
                        severity="safety",
                    )

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
