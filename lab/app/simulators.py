"""The simulated laboratory in a process of its own, behind ptys, TCP, HTTP and MQTT."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from lab.app.drivers import build_simulation
from lab.app.files import open_lab
from lab.domain.errors import InputError, UnavailableError
from lab.engine.clock import ScaledClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable
    from typing import BinaryIO

__all__ = [
    "Simulators",
    "read_endpoints",
    "run_simulators",
    "serve_simulators",
    "simulator_process",
]

_START_S = 60.0


def read_endpoints(path: Path) -> dict[str, str]:
    """The URLs that `lab devices simulate` wrote; InputError when the file is not what it should be."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(name): str(url) for name, url in content["devices"].items()}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path} is not an endpoints file: {error}",
            hint="write one with `lab devices simulate LAB --endpoints FILE`, and keep that command running",
        ) from error


def _write_endpoints(path: Path, lab: str, speed: float, urls: dict[str, str]) -> None:
    """Whole or not at all: whoever waits for the file may read it as soon as it is there."""
    scratch = path.with_name(path.name + ".part")
    content = json.dumps({"lab": lab, "speed": speed, "devices": urls}, indent=2)
    scratch.write_text(content + "\n", encoding="utf-8")
    scratch.replace(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _there(path: Path) -> bool:
    return path.exists()


async def serve_simulators(
    lab_file: Path,
    *,
    speed: float,
    seed: int,
    broker: str | None,
    endpoints: Path,
    acts: Path | None = None,
    on_ready: Callable[[dict[str, str]], object] | None = None,
    told: AsyncIterator[str] | None = None,
) -> None:
    """Serve all devices of a lab file until cancelled. The endpoints file appears when all answer.

    `told` names what people have done for the room, as `stock water`.
    """
    drivers = open_lab(lab_file)
    lab = drivers.lab
    clock = ScaledClock(speed)
    world = build_simulation(drivers, seed=seed, clock=clock, acts=acts)
    speaks_mqtt = any(m.connection == "mqtt" for m in drivers.manifests.values())
    if speaks_mqtt and broker is None:
        raise InputError(
            f"{lab_file} has devices that speak MQTT, but no broker is named",
            hint="give --broker mqtt://HOST:PORT",
        )
    transport = None
    if speaks_mqtt and broker:
        from lab.bus.mqtt import MqttTransport

        transport = MqttTransport(broker)
    if transport is not None:
        await transport.__aenter__()
    try:
        async with world.served(transport, broker or "") as urls:
            _write_endpoints(endpoints, lab.id, speed, urls)
            if on_ready is not None:
                on_ready(urls)
            if told is not None:
                async for service in told:
                    world.serve(service)
            await asyncio.Event().wait()
    finally:
        _remove(endpoints)
        if transport is not None:
            await transport.__aexit__(None, None, None)


def run_simulators(
    lab_file: Path,
    *,
    speed: float,
    seed: int,
    broker: str | None,
    endpoints: Path,
    acts: Path | None,
    parent: int | None,
    on_ready: Callable[[dict[str, str]], object],
) -> None:
    """`serve_simulators` as a command: ends in order on SIGTERM, on Ctrl-C and when `parent` is gone."""
    endpoints.parent.mkdir(parents=True, exist_ok=True)

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        work = asyncio.create_task(
            serve_simulators(
                lab_file,
                speed=speed,
                seed=seed,
                broker=broker,
                endpoints=endpoints,
                acts=acts,
                on_ready=on_ready,
                told=None if parent is None else _lines_of(sys.stdin.buffer),
            )
        )
        loop.add_signal_handler(signal.SIGTERM, work.cancel)
        guard = asyncio.create_task(_end_with(parent, work))
        try:
            await work
        except asyncio.CancelledError:
            pass
        finally:
            guard.cancel()

    with suppress(KeyboardInterrupt):
        asyncio.run(serve())


async def _lines_of(pipe: BinaryIO) -> AsyncIterator[str]:
    """What the parent says, line by line, until it closes the pipe."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    while line := await reader.readline():
        yield line.decode().strip()


async def _end_with(parent: int | None, work: asyncio.Task[None]) -> None:
    while parent is not None:
        await asyncio.sleep(1.0)
        if os.getppid() != parent:
            work.cancel()
            return


class Simulators(NamedTuple):
    """The devices' URLs, and how the room is told what people did for it."""

    urls: dict[str, str]
    serve: Callable[[str], None]


@asynccontextmanager
async def simulator_process(
    lab_file: Path, *, speed: float, seed: int, broker: str | None, acts: Path | None
) -> AsyncGenerator[Simulators, None]:
    """Run `lab devices simulate` as a child."""
    with TemporaryDirectory(prefix="labwright-") as folder:
        endpoints = Path(folder) / "endpoints.json"
        command = [
            sys.executable, "-m", "lab.cli.main", "devices", "simulate", str(lab_file),
            "--speed", str(speed), "--seed", str(seed), "--endpoints", str(endpoints),
            "--parent", str(os.getpid()),
        ]  # fmt: skip
        if broker is not None:
            command += ["--broker", broker]
        if acts is not None:
            command += ["--acts", str(acts)]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            # Ctrl-C is for the engine: the simulated lab must stand until the engine has stopped in order.
            start_new_session=True,
        )
        try:
            urls = await _wait_for(process, endpoints)

            def serve(service: str) -> None:
                if process.stdin is not None and process.returncode is None:
                    process.stdin.write(f"{service}\n".encode())

            yield Simulators(urls, serve)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                try:
                    await asyncio.wait_for(process.wait(), 5.0)
                except TimeoutError:
                    process.kill()
                    await process.wait()


async def _wait_for(process: asyncio.subprocess.Process, endpoints: Path) -> dict[str, str]:
    try:
        async with asyncio.timeout(_START_S):
            while not _there(endpoints):
                if process.returncode is not None:
                    break
                await asyncio.sleep(0.05)
    except TimeoutError:
        pass
    if _there(endpoints):
        return read_endpoints(endpoints)
    words = b""
    if process.returncode is not None and process.stderr is not None:
        words = await process.stderr.read()
    raise UnavailableError(
        f"the simulators did not start: {words.decode(errors='replace').strip() or 'no answer'}",
        hint="run `lab devices simulate` by itself to see why",
    )
