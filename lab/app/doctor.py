"""`lab doctor`: is everything there? Each check is tried for real, and says its cure."""

from __future__ import annotations

import asyncio
import importlib
import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lab.domain.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Finding", "examine"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. An optional one that fails costs a feature, not the whole."""

    check: str
    ok: bool
    detail: str
    cure: str = ""
    optional: bool = False

    def document(self) -> dict[str, object]:
        """As JSON."""
        return asdict(self)


def examine(*, broker: str | None, database: str | None) -> list[Finding]:
    """All findings in a fixed order."""
    findings = [_python()]
    findings += [_import(*entry) for entry in _PACKAGES]
    findings += [_drivers(), _database(None)]
    if database is not None:
        findings.append(_database(database))
    if broker is not None:
        findings.append(_broker(broker))
    return findings


# Importing the working submodule, not the top package: some of these import and then don't work.
_PACKAGES = (
    ("scipy.optimize", "optimiser", "pip install -c constraints.txt 'labwright[optimize]'"),
    ("threadpoolctl", "optimiser", "pip install -c constraints.txt 'labwright[optimize]'"),
    ("torch", "benchmark of the optimiser", "pip install -c constraints.txt 'labwright[optimize]'"),
    (
        "botorch.acquisition",
        "benchmark of the optimiser",
        "pip install -c constraints.txt 'labwright[optimize]'",
    ),
    (
        "rdkit.Chem.Descriptors",
        "molecules by their SMILES",
        "pip install -c constraints.txt 'labwright[chem]'",
    ),
    ("opentrons.protocol_engine", "Opentrons pre-flight", "pip install 'labwright[opentrons]'"),
    ("streamlit", "dashboard", "pip install 'labwright[dashboard]'"),
    ("pyarrow", "tables of the dashboard", "pip install 'pyarrow>=24,<26,!=25.0.0'"),
    ("amqtt.broker", "embedded broker", "pip install 'labwright[broker]'"),
)


def _python() -> Finding:
    good = sys.version_info[:2] == (3, 11)
    return Finding("Python 3.11", good, platform.python_version(), "" if good else "install 3.11")


def _import(module: str, purpose: str, cure: str) -> Finding:
    check = f"{module} ({purpose})"
    try:
        importlib.import_module(module)
    except Exception as error:
        # Broken binary packages raise anything at import; whatever it is, it is the finding.
        return Finding(check, False, f"{type(error).__name__}: {error}", cure, optional=True)
    return Finding(check, True, "imports", optional=True)


def _tried(check: str, attempt: Callable[[], str], cure: str) -> Finding:
    try:
        return Finding(check, True, attempt())
    except LabError as error:
        return Finding(check, False, error.message, error.hint or cure)
    except OSError as error:
        return Finding(check, False, str(error), cure)


def _drivers() -> Finding:
    def attempt() -> str:
        from lab.devices.registry import Registry

        registry = Registry.installed()
        for name in registry.names():
            registry.manifest(name)
        return f"{len(registry.names())} manifests read"

    return _tried("drivers", attempt, "reinstall Labwright")


def _database(text: str | None) -> Finding:
    def attempt() -> str:
        from lab.records.database import database_url, open_database

        if text is not None:
            open_database(database_url(text), read_only=True).dispose()
            return "opens"
        with TemporaryDirectory() as folder:
            open_database(database_url(str(Path(folder) / "try.db"))).dispose()
        return "a new SQLite database opens and takes the journal"

    return _tried(f"database {text or '(SQLite)'}", attempt, "check the path and its rights")


def _broker(url: str) -> Finding:
    async def round_trip() -> str:
        from lab.bus.mqtt import MqttTransport

        async with MqttTransport(url) as transport:
            subscription = await transport.subscribe("labwright/1/_doctor/#")
            await transport.publish("labwright/1/_doctor/hello", b"hello")
            async with asyncio.timeout(5):
                message = await anext(subscription)
            await subscription.close()
        return f"a message came back ({len(message.payload)} bytes)"

    def attempt() -> str:
        try:
            return asyncio.run(round_trip())
        except TimeoutError as error:
            raise OSError("connected, but a message did not come back within 5 s") from error

    return _tried(f"broker {url}", attempt, "check address, port and firewall")
