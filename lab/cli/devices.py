"""`lab devices` and `lab broker`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.cli.output import print_json, print_table, say

__all__ = ["register"]

_Lab = Annotated[Path, typer.Argument(help="lab.yaml")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Speed = Annotated[
    float, typer.Option("--speed", min=0.001, help="Process seconds per real second.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    group = typer.Typer(help="Devices: list, host, simulate.", no_args_is_help=True)
    group.command("list")(list_devices)
    group.command("host")(host)
    group.command("simulate")(simulate)
    app.add_typer(group, name="devices")
    app.command()(broker)


def list_devices(
    lab: Annotated[Path | None, typer.Argument(help="lab.yaml; without it, all drivers")] = None,
    as_json: _Json = False,
) -> None:
    """The devices of a lab file, or every installed driver."""
    from lab.app.listing import device_rows, driver_rows

    columns, rows = driver_rows() if lab is None else device_rows(lab)
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table("drivers" if lab is None else "devices", columns, rows)


def host(
    lab: _Lab,
    broker: Annotated[str, typer.Option("--broker", help="mqtt://HOST:PORT")],
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Serve only this device.")
    ] = None,
    endpoints: Annotated[
        Path | None, typer.Option("--endpoints", help="Device URLs of running simulators.")
    ] = None,
    ledger: Annotated[
        Path, typer.Option("--ledger", help="What was done, kept over restarts.")
    ] = Path(".lab/host.ledger"),
    speed: _Speed = 1.0,
) -> None:
    """Serve devices beside their instruments, until interrupted."""
    import asyncio

    from lab.app.standalone import host_alone

    asyncio.run(
        host_alone(
            lab,
            broker=broker,
            only=tuple(only or ()),
            endpoints=endpoints,
            ledger=ledger,
            speed=speed,
            on_ready=lambda: say("serving; Ctrl-C ends"),
        )
    )


def simulate(
    lab: _Lab,
    endpoints: Annotated[
        Path, typer.Option("--endpoints", help="Where to write the devices' URLs.")
    ] = Path(".lab/endpoints.json"),
    speed: _Speed = 1.0,
    seed: Annotated[int, typer.Option("--seed", min=0)] = 0,
    broker: Annotated[
        str | None, typer.Option("--broker", help="For devices that speak MQTT.")
    ] = None,
    acts: Annotated[
        Path | None, typer.Option("--acts", help="Log every physical act here.")
    ] = None,
    parent: Annotated[int | None, typer.Option("--parent", hidden=True)] = None,
) -> None:
    """Serve the whole lab as simulators over ptys, TCP, HTTP and MQTT, until interrupted."""
    from lab.app.simulators import run_simulators

    run_simulators(
        lab,
        speed=speed,
        seed=seed,
        broker=broker,
        endpoints=endpoints,
        acts=acts,
        parent=parent,
        on_ready=lambda urls: [say(f"{name}  {url}") for name, url in urls.items()],
    )


def broker(
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 1883,
) -> None:
    """Run the embedded broker on this machine's loopback, for first steps. Real labs run Mosquitto."""
    from lab.bus.broker import run_broker

    run_broker(port)
