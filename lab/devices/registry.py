"""Finds drivers by their entry points, so that `lab` never names one.

Each distribution that brings drivers declares, in the group `labwright.drivers`, the driver's name and the package
that holds its `manifest.yaml`: `new_era_ne1000 = "drivers.new_era_ne1000"`. The package's code is imported only when
its driver or simulator is asked for.
"""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from importlib import metadata
from importlib.resources import files
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from lab.devices.capability import CAPABILITIES
from lab.devices.manifest import Manifest
from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.devices.driver import Driver
    from lab.domain.action import Durations, Limits

__all__ = ["GROUP", "Registry", "read_manifest"]

GROUP = "labwright.drivers"


class Registry:
    """The drivers that can be used: driver name -> package with a `manifest.yaml`."""

    def __init__(self, packages: Mapping[str, str]) -> None:
        self._packages = dict(sorted(packages.items()))
        self._manifests: dict[str, Manifest] = {}

    @classmethod
    def installed(cls) -> Registry:
        """All drivers that installed distributions declare."""
        return cls({entry.name: entry.value for entry in metadata.entry_points(group=GROUP)})

    def names(self) -> list[str]:
        """All drivers, sorted."""
        return list(self._packages)

    def manifest(self, driver: str) -> Manifest:
        """A driver's manifest. InputError for an unknown driver, with the nearest name, or for a faulty manifest."""
        package = self._packages.get(driver)
        if package is None:
            near = get_close_matches(driver, self._packages, n=1, cutoff=0.5)
            known = ", ".join(self._packages) or "none"
            raise InputError(
                f"there is no driver {driver!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"installed drivers: {known}",
            )
        if driver not in self._manifests:
            self._manifests[driver] = read_manifest(package, driver)
        return self._manifests[driver]

    def driver_class(self, driver: str) -> type[Driver]:
        """The class named by `entry`, imported now. InputError when it can't be loaded."""
        return cast("type[Driver]", _load_class(self.manifest(driver).entry, driver))

    def limits(self, driver: str) -> Limits | None:
        """What its devices can be asked for, if the manifest names it. InputError when that can't be loaded."""
        return cast("Limits | None", _load_function(self.manifest(driver).limits, driver))

    def durations(self, driver: str) -> Durations | None:
        """How long its devices' actions take, if the manifest names it. InputError when that can't be loaded."""
        return cast("Durations | None", _load_function(self.manifest(driver).durations, driver))

    def simulator_class(self, driver: str) -> type[object]:
        """The class named by `simulator`; see `simulators.contract`. InputError when there is none."""
        reference = self.manifest(driver).simulator
        if not reference:
            raise InputError(
                f"driver {driver} has no simulator",
                hint="connect the real device: give its `url` instead of `sim:`",
            )
        return _load_class(reference, driver)


def read_manifest(package: str, driver: str) -> Manifest:
    """The `manifest.yaml` of a driver package. InputError says what is wrong with it."""
    where = f"{package.replace('.', '/')}/manifest.yaml"
    try:
        text = (files(package) / "manifest.yaml").read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError, UnicodeDecodeError) as error:
        raise InputError(
            f"driver {driver}: can't read {where}: {error}",
            hint="install the driver's package again, or correct its entry point",
        ) from error
    try:
        load = cast("Callable[[str], object]", YAML(typ="safe", pure=True).load)  # pyright: ignore[reportUnknownMemberType] - untyped library
        data = load(text)
        manifest = Manifest.model_validate(data)
    except YAMLError as error:
        raise InputError(f"{where}: not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}: {field or 'manifest'}: {first['msg']}") from error
    _check(manifest, driver, where)
    return manifest


def _check(manifest: Manifest, driver: str, where: str) -> None:
    if manifest.driver != driver:
        raise InputError(
            f"{where}: driver is {manifest.driver!r}, but it is installed as {driver!r}",
            hint="give the folder, the entry point and the field `driver` the same name",
        )
    for capability in manifest.capabilities:
        if capability not in CAPABILITIES:
            near = get_close_matches(capability, CAPABILITIES, n=1, cutoff=0.5)
            raise InputError(
                f"{where}: there is no capability {capability!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"one of {', '.join(CAPABILITIES)}",
            )


def _load_class(reference: str, driver: str) -> type[object]:
    loaded = _load(reference, driver)
    if not isinstance(loaded, type):
        raise InputError(f"driver {driver}: {reference!r} is not a class")
    return loaded


def _load_function(reference: str, driver: str) -> object:
    """None for an empty reference."""
    if not reference:
        return None
    loaded = _load(reference, driver)
    if not callable(loaded):
        raise InputError(f"driver {driver}: {reference!r} is not a function")
    return loaded


def _load(reference: str, driver: str) -> object:
    module_name, _, name = reference.partition(":")
    try:
        loaded: object = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"driver {driver}: can't load {reference!r}: {error}",
            hint="the manifest needs `module:Name`, and the packages that the module imports must be installed",
        ) from error
    return loaded
