"""`lab run` and `lab resume`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lab.cli.output import print_json, say

if TYPE_CHECKING:
    from lab.app.options import RunOptions, RunReport

__all__ = ["register"]

_Campaign = Annotated[Path, typer.Argument(help="campaign.yaml", show_default=False)]
_Virtual = Annotated[
    bool,
    typer.Option("--virtual", help="All in one process on a virtual clock: hours pass in seconds."),
]
_Speed = Annotated[
    float,
    typer.Option(
        "--speed", min=0.001, help="Process seconds per real second (simulated devices only)."
    ),
]
_Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of all randomness.")]
_Trials = Annotated[int | None, typer.Option("--trials", min=1, help="Another budget of trials.")]
_Method = Annotated[
    str | None, typer.Option("--method", help="Another strategy: bayesian or sobol.")
]
_Broker = Annotated[
    str | None,
    typer.Option("--broker", help="mqtt://HOST:PORT, `embedded` or `in-process`."),
]
_Db = Annotated[str | None, typer.Option("--db", help="Records: a file or a postgresql:// URL.")]
_Simulate = Annotated[
    bool, typer.Option("--simulate", help="Use simulators for all devices, whatever their URL.")
]
_Endpoints = Annotated[
    Path | None,
    typer.Option("--endpoints", help="Device URLs written by `lab devices simulate`."),
]
_Acts = Annotated[
    Path | None, typer.Option("--acts", help="Let the simulated world log every physical act here.")
]
_Hosts = Annotated[
    bool,
    typer.Option(
        "--hosts/--no-hosts", help="Host the devices here, or leave it to `lab devices host`."
    ),
]
_TakeOver = Annotated[
    bool,
    typer.Option(
        "--take-over",
        help="Take devices from the engine of other records that has not ended in order.",
    ),
]
_Standby = Annotated[
    bool,
    typer.Option(
        "--standby",
        help="Wait beside the engine that has the lab, and go on with its campaign if it dies.",
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
_Plot = Annotated[
    Path | None, typer.Option("--plot", help="Write a picture of the campaign (PNG).")
]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command()(run)
    app.command()(resume)


def run(
    campaign: _Campaign,
    virtual: _Virtual = False,
    speed: _Speed = 1.0,
    seed: _Seed = None,
    trials: _Trials = None,
    method: _Method = None,
    broker: _Broker = None,
    db: _Db = None,
    simulate: _Simulate = False,
    endpoints: _Endpoints = None,
    acts: _Acts = None,
    hosts: _Hosts = True,
    take_over: _TakeOver = False,
    standby: _Standby = False,
    as_json: _Json = False,
    plot: _Plot = None,
) -> int:
    """Run a campaign until its goal or budget is reached.

    Example: lab run sops/electrolyte_conductivity/campaign.yaml --virtual --seed 7
    """
    from lab.app.options import RunOptions

    options = RunOptions(
        campaign=campaign,
        virtual=virtual,
        speed=speed,
        seed=seed,
        trials=trials,
        method=method,
        broker=broker,
        database=db,
        endpoints=endpoints,
        acts=acts,
        simulate=simulate,
        hosts=hosts,
        take_over=take_over,
        standby=standby,
    )
    return _execute(options, as_json=as_json, plot=plot)


def resume(
    campaign: Annotated[
        Path | None,
        typer.Argument(
            help="campaign.yaml of an interrupted campaign; without it, a paused engine goes on",
            show_default=False,
        ),
    ] = None,
    virtual: _Virtual = False,
    speed: _Speed = 1.0,
    broker: _Broker = None,
    db: _Db = None,
    simulate: _Simulate = False,
    endpoints: _Endpoints = None,
    acts: _Acts = None,
    hosts: _Hosts = True,
    take_over: _TakeOver = False,
    actor: Annotated[str, typer.Option("--who", help="Your name, for the records.")] = "",
    as_json: _Json = False,
    plot: _Plot = None,
) -> int:
    """Go on: an interrupted campaign from its records, or a paused engine.

    What was finished stays; what was in flight is asked of the devices first.
    """
    from lab.cli.asking import find_running, send_request

    if campaign is None or find_running(campaign, db):
        return send_request("resume", campaign, db, actor, "", as_json=as_json)
    from lab.app.options import RunOptions

    options = RunOptions(
        campaign=campaign,
        virtual=virtual,
        speed=speed,
        broker=broker,
        database=db,
        endpoints=endpoints,
        acts=acts,
        simulate=simulate,
        hosts=hosts,
        take_over=take_over,
        resume=True,
    )
    return _execute(options, as_json=as_json, plot=plot)


def _execute(options: RunOptions, *, as_json: bool, plot: Path | None) -> int:
    from lab.app.run import run_campaign
    from lab.cli.progress import ProgressLines

    progress = ProgressLines(quiet=as_json and not sys.stderr.isatty())
    report = run_campaign(options, progress.watch, say)
    if plot is not None:
        from lab.app.plot import plot_campaign

        plot_campaign(report.database, str(report.document["campaign"]), plot)
    if as_json:
        print_json(report.document)
        say(f"records: {report.database}")
    else:
        _tell(report, plot)
    if report.state == "running":
        say("the campaign is unfinished; `lab resume` goes on with it")
    if report.interrupted:
        return 130
    return 0 if report.state == "completed" else 1


def _tell(report: RunReport, plot: Path | None) -> None:
    for line in report.lines:
        print(line)
    if plot is not None:
        print(f"  plot       {plot}")
    print(f"  records    {report.database}")
    print(f"  dashboard  lab dashboard --db {report.database}")
