"""What a well-formed lab file must also fulfil: names that exist, limits that mean something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.domain.units import DIMENSIONLESS
from lab.sop.check_lab_people import check_lab_people
from lab.sop.check_lab_safety import check_lab_safety
from lab.sop.diagnostics import did_you_mean, sorted_diagnostics, validate
from lab.sop.document import read_document
from lab.sop.lab_model import Lab
from lab.sop.reactivity import UnknownGroupError, group_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lab.domain.action import CapabilitySpec
    from lab.domain.diagnostic import Diagnostic
    from lab.domain.quantity import Quantity
    from lab.sop.check_lab_safety import DriverTraits
    from lab.sop.document import Document, Path
    from lab.sop.lab_model import Device

__all__ = ["check_lab"]


def check_lab(
    text: str,
    filename: str,
    drivers: Mapping[str, tuple[str, ...]] | None = None,
    *,
    capabilities: Mapping[str, CapabilitySpec] | None = None,
    chemistries: Mapping[str, Sequence[str]] | None = None,
    traits: Mapping[str, DriverTraits] | None = None,
) -> tuple[Lab | None, list[Diagnostic]]:
    """A lab file by itself.

    With `drivers` (driver -> capabilities) each device's driver must exist; with `capabilities` besides, what its
    limits and ranges are about; with `chemistries` (name -> its settings), that of the simulated world; with `traits`
    (driver -> what else its manifest says), what concerns safety.
    """
    document = read_document(text, filename)
    lab, findings = validate(Lab, document)
    if lab is None:
        return None, findings
    check = _Check(lab, document)
    findings += check.stations()
    findings += check.places()
    if drivers is not None:
        findings += check.drivers(drivers)
        findings += check.limits(drivers, capabilities or {})
    findings += check.settings(traits or {})
    findings += check_lab_people(lab, document, traits or {})
    findings += check.incompatibilities()
    findings += check.simulation(chemistries)
    findings += check_lab_safety(lab, document, traits or {})
    found = sorted_diagnostics(findings)
    return (None if any(item.blocking for item in found) else lab), found


class _Check:
    def __init__(self, lab: Lab, document: Document) -> None:
        self._lab = lab
        self._document = document

    def _unknown(
        self, path: Path, message: str, name: str, known: Iterable[str], *,
        code: str = "reference", at_key: bool = False,
    ) -> Diagnostic:  # fmt: skip
        return self._document.finding(
            path, code, message, hint=did_you_mean(name, known), at_key=at_key
        )

    def stations(self) -> Iterator[Diagnostic]:
        """Stock and stations have names of their own; a plate has a well for each run."""
        for name in self._lab.stock:
            if name in self._lab.stations:
                yield self._document.finding(
                    ("stock", name), "name", f'"{name}" is a station too', at_key=True,
                    why="a pump that draws from it could mean either", hint="rename one of the two",
                )  # fmt: skip
        for name, station in self._lab.stations.items():
            if station.shared and station.wells:
                yield self._document.finding(
                    ("stations", name, "shared"), "shape", "a plate can't be shared as one vessel",
                    hint="leave `shared` out; each run has a well of its own",
                )  # fmt: skip

    def places(self) -> Iterator[Diagnostic]:
        """Devices stand, draw and fill where the lab has something."""
        stations, liquids = list(self._lab.stations), [*self._lab.stock, *self._lab.stations]
        for name, device in self._lab.devices.items():
            wanted = [("at", device.at, stations), ("into", device.into, stations)]
            wanted += [("draws", source, liquids) for source in device.draws]
            for key, value, known in wanted:
                if value and value not in known:
                    what = "station or stock" if key == "draws" else "station"
                    yield self._unknown(
                        ("devices", name, key), f'there is no {what} "{value}"', value, known
                    )

    def drivers(self, drivers: Mapping[str, tuple[str, ...]]) -> Iterator[Diagnostic]:
        """Each device has a driver."""
        for name, device in self._lab.devices.items():
            if device.driver not in drivers:
                yield self._unknown(
                    ("devices", name, "driver"), f'there is no driver "{device.driver}"',
                    device.driver, drivers, code="driver",
                )  # fmt: skip

    def settings(self, traits: Mapping[str, DriverTraits]) -> Iterator[Diagnostic]:
        """What the drivers need to know is there and can be."""
        for name, device in self._lab.devices.items():
            known = traits.get(device.driver)
            if known is None or known.limits is None:
                continue
            try:
                known.limits(device.settings)
            except InputError as error:
                path = ("devices", name, "settings") if device.settings else ("devices", name)
                yield self._document.finding(
                    path, "settings", f"device {name}: {error}", hint=error.hint, at_key=True,
                    why="the device could not be started",
                )  # fmt: skip

    def limits(
        self, drivers: Mapping[str, tuple[str, ...]], capabilities: Mapping[str, CapabilitySpec]
    ) -> Iterator[Diagnostic]:
        """A limit, range or resolution that is about nothing the device does would guard nothing."""
        for name, device in self._lab.devices.items():
            able = [
                capabilities[key] for key in drivers.get(device.driver, ()) if key in capabilities
            ]
            actions = [action for capability in able for action in capability.actions.values()]
            if not actions:
                continue
            arguments = {key: spec.unit for action in actions for key, spec in action.args.items()}
            outputs = {key: spec.unit for action in actions for key, spec in action.outputs.items()}
            yield from self._of_device(name, device, arguments, outputs)

    def _of_device(
        self, name: str, device: Device, arguments: Mapping[str, str], outputs: Mapping[str, str]
    ) -> Iterator[Diagnostic]:
        both = {**arguments, **outputs}
        given: list[tuple[str, str, str, Quantity | None, Mapping[str, str]]] = []
        for group, ranges, known in (
            ("limits", device.limits, arguments), ("range", device.range, both),
        ):  # fmt: skip
            for item, limit in ranges.items():
                given += [(group, item, "minimum", limit.minimum, known)]
                given += [(group, item, "maximum", limit.maximum, known)]
                low, high = limit.minimum, limit.maximum
                if low is not None and high is not None and low.base > high.base:
                    yield self._document.finding(
                        ("devices", name, group, item, "maximum"), "range",
                        f"the maximum {high} is below the minimum {low}", hint="swap them",
                    )  # fmt: skip
        given += [
            ("resolution", item, "", value, outputs) for item, value in device.resolution.items()
        ]
        unknown: set[tuple[str, str]] = set()
        for group, item, key, quantity, known in given:
            path = ("devices", name, group, item)
            if item not in known:
                if (group, item) not in unknown:
                    verb = "measures" if group == "resolution" else "knows"
                    yield self._unknown(
                        path, f'{device.driver} {verb} no "{item}"', item, known, at_key=True
                    )
                unknown.add((group, item))
            elif quantity is not None and not quantity.is_like(known[item] or DIMENSIONLESS):
                due = known[item] or "a plain number"
                yield self._document.finding(
                    (*path, key) if key else path, "dimension",
                    f'{quantity} is {quantity.words}, but "{item}" is given in {due}',
                    hint=f"give it in {due}",
                )  # fmt: skip

    def incompatibilities(self) -> Iterator[Diagnostic]:
        """A rule about a group that does not exist would never speak."""
        for number, rule in enumerate(self._lab.incompatibilities):
            for place, group in enumerate(rule.groups):
                try:
                    group_words(group)
                except UnknownGroupError as error:
                    yield self._document.finding(
                        ("incompatibilities", number, "groups", place), "reference",
                        f'there is no reactive group "{group}"',
                        why="the rule would never be applied", hint=error.hint,
                    )  # fmt: skip

    def simulation(self, chemistries: Mapping[str, Sequence[str]] | None) -> Iterator[Diagnostic]:
        """The simulated world has stocks that the lab has, and a chemistry that exists."""
        world = self._lab.simulation
        if world is None:
            return
        for name in world.stock:
            if name not in self._lab.stock:
                yield self._unknown(
                    ("simulation", "stock", name), f'there is no stock "{name}"', name,
                    self._lab.stock, at_key=True,
                )  # fmt: skip
        if chemistries is None:
            return
        if world.chemistry not in chemistries:
            yield self._unknown(
                ("simulation", "chemistry"), f'there is no chemistry "{world.chemistry}"',
                world.chemistry, chemistries,
            )  # fmt: skip
            return
        known = chemistries[world.chemistry]
        for name in world.settings:
            if name not in known:
                yield self._document.finding(
                    ("simulation", "settings", name), "reference",
                    f'the chemistry "{world.chemistry}" has no setting "{name}"', at_key=True,
                    hint=did_you_mean(name, known) if known else "leave it out; it has none",
                )  # fmt: skip
