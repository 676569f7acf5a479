"""Which station can be the container, which stock the material, which device the role: every consistent choice."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from lab.domain.errors import FindingsError, InputError
from lab.sop.model_steps import ManualStep
from lab.sop.suitability import unsuitable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from lab.domain.action import CapabilitySpec
    from lab.sop.document import Path
    from lab.sop.lab_model import Lab, Station
    from lab.sop.model_materials import Container, Equipment
    from lab.sop.procedure import Procedure

__all__ = ["Assignment", "assignments"]

Assignment = dict[str, str]
"""Container, material or role of the SOP -> station, stock or device of the lab."""


def assignments(
    procedure: Procedure,
    lab: Lab,
    capabilities: Mapping[str, CapabilitySpec],
    device_capabilities: Mapping[str, Sequence[str]],
    today: date | None = None,
) -> Iterator[Assignment]:
    """Consistent assignments, lazily, in a fixed order. InputError where there is none.

    With `today`, devices whose calibration is too old for their role are left out.
    """
    places = list(_places(procedure, lab))
    any_found = False
    first_gap: InputError | None = None
    for place in places:
        try:
            candidates = {
                role: _devices(
                    procedure, role, place, lab, capabilities, device_capabilities, today
                )
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
        large = [
            key
            for key in of_kind
            if lab.stations[key].capacity.base >= container.capacity.base * (1 - 1e-9)
        ]
        if not large:
            size = f" of at least {container.capacity}" if of_kind else ""
            raise _gap(
                procedure,
                ("containers", name),
                f'the lab has no station{size} for the container "{name}" (kind {kind})',
                f"add a station with `kind: {kind}` and that capacity to the lab file",
            )
        fitting = [key for key in large if not _differs(container, lab.stations[key])]
        difference = _differs(container, lab.stations[large[0]])
        if not fitting and difference is not None:
            reason, key = difference
            raise _gap(
                procedure,
                ("containers", name),
                f'no station of the lab can be the container "{name}": "{large[0]}" {reason}',
                f"correct `{key}` of a station in the lab file, or use another vessel",
            )
        stations.append(fitting)
    used = {source for role in sop.equipment.values() for source in role.draws}
    used |= _poured(procedure)
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
        if sop.materials[name].lot_required:
            fitting = [key for key in fitting if lab.stock[key].lot]
            if not fitting:
                raise _gap(
                    procedure,
                    ("materials", name, "lot_required"),
                    f'the lot of "{name}" must be known, and the lab file does not say it',
                    f"add `lot: ...` to the stock of {name} in the lab file",
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


def _differs(container: Container, station: Station) -> tuple[str, str] | None:
    """Why a station that is large enough still can't be this container, and the key that says so."""
    dead, allowed = station.dead_volume, container.dead_volume
    if dead is not None and allowed is not None and dead.base > allowed.base * (1 + 1e-9):
        return f"keeps back {dead}, and the procedure counts on {allowed}", "dead_volume"
    stands, asked = station.maximum_temperature, container.maximum_temperature
    if stands is not None and asked is not None and stands.base < asked.base - 1e-9:
        return f"stands {stands}, and the procedure counts on {asked}", "maximum_temperature"
    if station.sealed is not None and station.sealed != container.sealed:
        words = ("sealed", "open") if station.sealed else ("open", "sealed")
        return f"is {words[0]}, and the procedure counts on a vessel that is {words[1]}", "sealed"
    return None


def _poured(procedure: Procedure) -> set[str]:
    """Materials that steps name in their arguments, in names of the outermost SOP."""
    found: set[str] = set()
    for flat in (*procedure.flat.steps, *procedure.flat.safe):
        if isinstance(flat.step, ManualStep):
            continue
        for argument in flat.step.arguments.values():
            if isinstance(argument, dict):
                found |= {flat.scope.material(name) for name in argument}
    return found


def _devices(
    procedure: Procedure,
    role_name: str,
    place: Assignment,
    lab: Lab,
    capabilities: Mapping[str, CapabilitySpec],
    device_capabilities: Mapping[str, Sequence[str]],
    today: date | None,
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
    units = _units(role, capabilities)
    problems = {name: unsuitable(role, lab.devices[name], units, today) for name in fitting}
    suited = [name for name in fitting if not problems[name]]
    if not suited:
        first = fitting[0]
        problem = problems[first][0]
        raise _gap(
            procedure,
            ("equipment", role_name, *problem.place),
            f'"{first}" can\'t be "{role_name}": {problem.message}',
            problem.hint.format(device=first),
            code="capability",
        )
    return suited


def _units(role: Equipment, capabilities: Mapping[str, CapabilitySpec]) -> dict[str, str]:
    """Argument or output of the role's actions -> unit."""
    units: dict[str, str] = {}
    for action in capabilities[role.capability].actions.values():
        units.update({name: spec.unit for name, spec in action.args.items()})
        units.update({name: spec.unit for name, spec in action.outputs.items()})
    return units


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
    return FindingsError(message, hint=hint, diagnostics=[finding])
