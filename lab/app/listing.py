"""What `lab devices list` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.app.files import open_lab
from lab.devices.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["device_rows", "driver_rows"]

_Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]


def driver_rows() -> _Rows:
    """Every installed driver."""
    registry = Registry.installed()
    rows = [
        (
            manifest.driver,
            manifest.title,
            ", ".join(manifest.capabilities),
            manifest.connection,
            "yes" if manifest.tested_on_hardware else "no",
        )
        for manifest in (registry.manifest(name) for name in registry.names())
    ]
    return ("driver", "title", "capabilities", "connection", "tested on hardware"), rows


def device_rows(lab_file: Path) -> _Rows:
    """The devices of a lab file."""
    drivers = open_lab(lab_file)
    lab = drivers.lab
    rows = [
        (
            name,
            device.driver,
            ", ".join(drivers.manifests[name].capabilities),
            device.url,
            device.at or device.into,
            drivers.manifests[name].safe_state,
        )
        for name, device in lab.devices.items()
    ]
    return ("device", "driver", "capabilities", "url", "station", "safe state"), rows
