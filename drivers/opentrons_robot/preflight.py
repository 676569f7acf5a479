"""Runs the vendor's own protocol analysis (package `opentrons` 9.0.0) in a child process.

A child, because the package starts threads that are not daemons, writes a configuration folder when it is
imported, and takes 2 to 4 s to load. `python -m drivers.opentrons_robot.preflight protocol.json` does the same
from a shell (exit code 1 when the analysis finds an error).

The analysis finds tip, volume-per-stroke, slot and labware errors. It does NOT find overdraw and overfill: see
`drivers.opentrons_robot.volumes`.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

__all__ = ["PreflightError", "PreflightReport", "analyse", "analyse_async"]

_TIMEOUT_S = 120.0
_MARK = "labwright-analysis:"


class PreflightError(RuntimeError):
    """The analysis itself could not run (package missing, child died)."""


@dataclass(frozen=True, slots=True)
class PreflightReport:
    """`errors` as `type: detail`; `keys` of the commands that were analysed; `wells` as tracked, in uL."""

    ok: bool
    errors: tuple[str, ...]
    command_count: int
    keys: tuple[str, ...]
    wells: dict[str, float]


def _child_command() -> tuple[list[str], dict[str, str]]:
    # -P keeps this folder off the child's path, where `protocol.py` would hide other modules of that name
    return [sys.executable, "-P", str(Path(__file__).resolve()), "--child"], dict(os.environ)


def analyse(document: bytes) -> PreflightReport:
    """Analyse a JSON protocol; blocks for 2 to 5 s. Raises PreflightError when the analysis can't run."""
    command, environment = _child_command()
    with tempfile.TemporaryDirectory(prefix="labwright-preflight-") as folder:
        environment["OT_API_CONFIG_DIR"] = folder
        try:
            done = subprocess.run(
                command, input=document, capture_output=True, timeout=_TIMEOUT_S, env=environment,
                check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise PreflightError(f"the analysis took longer than {_TIMEOUT_S:g} s") from error
    return _report(done.stdout, done.stderr)


async def analyse_async(document: bytes, *, clock_speed: float) -> PreflightReport:
    """As `analyse`, without holding up the event loop.

    On a virtual clock (infinite speed) it blocks instead: a child's real seconds must not become an order of
    events that differs from run to run.
    """
    if math.isinf(clock_speed):
        return analyse(document)
    command, environment = _child_command()
    with tempfile.TemporaryDirectory(prefix="labwright-preflight-") as folder:
        environment["OT_API_CONFIG_DIR"] = folder
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                stdout, stderr = await process.communicate(document)
        except TimeoutError as error:
            raise PreflightError(f"the analysis took longer than {_TIMEOUT_S:g} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    return _report(stdout, stderr)


def _report(stdout: bytes, stderr: bytes) -> PreflightReport:
    for line in stdout.decode(errors="replace").splitlines():
        if line.startswith(_MARK):
            data = cast("dict[str, Any]", json.loads(line.removeprefix(_MARK)))
            return PreflightReport(
                ok=not data["errors"],
                errors=tuple(dict.fromkeys(data["errors"])),
                command_count=len(data["keys"]),
                keys=tuple(data["keys"]),
                wells=dict(data["wells"]),
            )
    last = stderr.decode(errors="replace").strip().splitlines()[-1:]
    raise PreflightError(f"the analysis did not run: {last[0] if last else 'no output'}")


def _child(document: bytes) -> dict[str, Any]:  # pragma: no cover - runs in the child process
    """In the child: analyse and return plain data. Uses internals of the pinned package (9.0.0)."""
    from opentrons.cli.analyze import (
        _do_analyze,  # pyright: ignore[reportPrivateUsage] # no public function returns the wells
    )
    from opentrons.protocol_reader import ProtocolFilesInvalidError, ProtocolReader

    async def run() -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="labwright-protocol-") as folder:
            path = Path(folder) / "protocol.json"
            path.write_bytes(document)
            try:
                source = await ProtocolReader().read_saved(files=[path], directory=None)
            except ProtocolFilesInvalidError as error:
                return {"errors": [f"ProtocolFilesInvalid: {error}"], "keys": [], "wells": {}}
            result = await _do_analyze(source, {}, {})
        summary = result.state_summary
        errors = [text for error in summary.errors for text in _flatten(error)]
        wells = {
            f"{item.labware_id}:{item.well_name}": float(item.loaded_volume or 0.0)
            for item in summary.wells
        }
        return {"errors": errors, "keys": [item.key for item in result.commands], "wells": wells}

    return asyncio.run(run())


def _flatten(error: Any) -> list[str]:  # noqa: ANN401 - ErrorOccurrence of the vendor's package
    causes = cast("list[Any]", error.wrappedErrors or [])
    wrapped = [text for item in causes for text in _flatten(item)]
    return wrapped or [f"{error.errorType} {error.errorCode}: {error.detail}"]


def _main(arguments: list[str]) -> int:
    if arguments == ["--child"]:  # pragma: no cover - runs in the child process
        outcome = _child(sys.stdin.buffer.read())
        sys.stdout.write(f"\n{_MARK}{json.dumps(outcome)}\n")
        sys.stdout.flush()
        # the package's threads would keep the interpreter alive
        os._exit(0)
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m drivers.opentrons_robot.preflight PROTOCOL.json\n")
        return 2
    try:
        report = analyse(Path(arguments[0]).read_bytes())
    except (OSError, PreflightError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for text in report.errors:
        sys.stdout.write(f"{text}\n")
    sys.stdout.write(f"{'ok' if report.ok else 'not ok'}, {report.command_count} commands\n")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
