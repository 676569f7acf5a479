"""Which station can be the container, which stock the material, which device the role: every consistent choice."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lab.domain.action import CapabilitySpec
    from lab.sop.document import Path
    from lab.sop.lab_model import Lab
    from lab.sop.model import Equipment
    from lab.sop.procedure import Procedure

__all__ = ["Assignment", "assignments"]

Assignment = dict[str, str]
"""Container, material or role of the SOP -> station, stock or device of the lab."""


def assignments(
    procedure: Procedure,
    lab: Lab,
    capabilities: Mapping[str, CapabilitySpec],
    device_capabilities: Mapping[str, Sequence[str]],
) -> Iterator[Assignment]:
    """Consistent assignments, lazily, in a fixed order. InputError where there is none."""
    places = list(_places(procedure, lab))
    any_found = False
    first_gap: InputError | None = None
    for place in places:
        try:
            candidates = {
                role: _devices(procedure, role, place, lab, capabilities, device_capabilities)
                for role in procedure.sop.equipment
            }
        except InputError as error:
            first_gap = first_gap or error
            continue
        for devices in product(*candidates.values()):
            any_found = True
            yield {**place, **dict(zip(candidates, devices, strict=True))}
    if not any_found:
        raise first_gap or InputError("the lab has no place for this procedure")


def _places(procedure: Procedure, lab: Lab) -> Iterator[Assignment]:
    """Containers to stations of their kind that are large enough; materials to stocks."""
    sop = procedure.sop
    stations: list[list[str]] = []
    for name, container in sop.containers.items():
        kind = container.kind or name
        of_kind = [key for key, item in lab.stations.items() if (item.kind or key) == kind]
        fitting = [
            key
            for key in of_kind
            if lab.stations[key].capacity.base >= container.capacity.base * (1 - 1e-9)
        ]
        if not fitting:
            size = f" of at least {container.capacity}" if of_kind else ""
            raise _gap(
                procedure,
                ("containers", name),
                f'the lab has no station{size} for the container "{name}" (kind {kind})',
                f"add a station with `kind: {kind}` and that capacity to the lab file",
            )
        stations.append(fitting)
    used = {source for role in sop.equipment.values() for source in role.draws}
    used |= {name for name in sop.materials if _is_poured(procedure, name)}
    stocks: list[list[str]] = []
    drawn = [name for name in sop.materials if name in used]
    for name in drawn:
        fitting = [key for key, item in lab.stock.items() if (item.material or key) == name]
        if not fitting:
            raise _gap(
                procedure,
                ("materials", name),
                f'the lab has no stock of "{name}"',
                f"add `{name}: {{volume: ...}}` under `stock` of the lab file",
            )
        stocks.append(fitting)
    containers = list(sop.containers)
    for chosen in product(*stations):
        if len(set(chosen)) < len(chosen):
            continue
        for liquids in product(*stocks):
            yield {
                **dict(zip(containers, chosen, strict=True)),
                **dict(zip(drawn, liquids, strict=True)),
            }


def _is_poured(procedure: Procedure, material: str) -> bool:
    return any(
        isinstance(argument, dict) and material in argument
        for step in procedure.sop.procedure
        for argument in step.arguments.values()
    )


def _devices(
    procedure: Procedure,
    role_name: str,
    place: Assignment,
    lab: Lab,
    capabilities: Mapping[str, CapabilitySpec],
    device_capabilities: Mapping[str, Sequence[str]],
) -> list[str]:
    role = procedure.sop.equipment[role_name]
    able = [name for name in lab.devices if role.capability in device_capabilities.get(name, ())]
    path = ("equipment", role_name, "capability")
    if not able:
        raise _gap(
            procedure,
            path,
            f'no device of the lab can do "{role.capability}", which "{role_name}" needs',
            f"add a device whose driver offers {role.capability} to the lab file",
            code="capability",
        )
    several = any(
        action.doses == "volumes" for action in capabilities[role.capability].actions.values()
    )
    fitting = [name for name in able if _fits(role, name, place, lab, several=several)]
    if not fitting:
        wanted = _place_words(role.at, role.draws, role.into, place)
        there = "; ".join(
            f"{name}: {_place_words(item.at, item.draws, item.into, {})}"
            for name, item in ((key, lab.devices[key]) for key in able[:6])
        )
        raise _gap(
            procedure,
            path,
            f'no {role.capability} device stands where "{role_name}" needs it ({wanted})',
            f"devices with this capability are {there}",
            code="capability",
        )
    return fitting


def _fits(role: Equipment, device: str, place: Assignment, lab: Lab, *, several: bool) -> bool:
    """True where the device stands, draws and fills as the role asks; silence of the role fits all."""
    item = lab.devices[device]
    if role.at and item.at != place.get(role.at, role.at):
        return False
    if role.into and item.into != place.get(role.into, role.into):
        return False
    if several and not item.draws:
        return True  # a robot that reaches every stock on its deck
    return {place.get(name, name) for name in role.draws} <= set(item.draws)


def _place_words(at: str, draws: Sequence[str], into: str, place: Assignment) -> str:
    parts = [f"at {place.get(at, at)}"] if at else []
    if draws:
        parts.append("drawing " + ", ".join(place.get(name, name) for name in draws))
    if into:
        parts.append(f"into {place.get(into, into)}")
    return " ".join(parts) or "anywhere"


def _gap(
    procedure: Procedure, path: Path, message: str, hint: str, code: str = "lab"
) -> InputError:
    finding = procedure.document.finding(path, code, message, hint=hint)
    return InputError(message, hint=hint, diagnostics=[finding])
