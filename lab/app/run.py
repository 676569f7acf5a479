"""Running a campaign: every room put together for one clock, one bus and one database."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lab import __version__
from lab.app.broker import BrokerChoice, broker_for
from lab.app.context import FilesContext
from lab.app.control import EngineControl
from lab.app.drivers import build_simulation
from lab.app.earlier import earlier_of
from lab.app.files import CampaignFiles, open_campaign
from lab.app.hosts import host_devices
from lab.app.interrupt import interruptible
from lab.app.optimiser import suggest_from_state
from lab.app.options import RunOptions, RunReport
from lab.app.plan_needs import refuse_what_takes_too_long
from lab.app.report import report_document, report_lines
from lab.app.room import serve_room
from lab.app.simulators import read_endpoints, simulator_process
from lab.app.standby import opened_journal
from lab.app.unattended import unattended
from lab.bus.memory import MemoryBus, MemoryTransport
from lab.control.server import ControlServer
from lab.devices.device_line import HostTiming
from lab.domain import event as ev
from lab.domain.errors import InputError, RefusedError
from lab.domain.ids import sha256_text
from lab.domain.state import CampaignState, LabState
from lab.engine.clock import LocalZone, ScaledClock, VirtualClock, wall_seconds
from lab.engine.improver import improver_for
from lab.engine.shell import Engine
from lab.engine.virtual_loop import run_virtual
from lab.plan.upkeep import needs
from lab.records.database import database_path, database_url
from lab.sop.check_lab_people import attended_hours

if TYPE_CHECKING:
    from lab.bus.transport import Transport
    from lab.engine.clock import EngineClock
    from lab.records.journal import Journal

__all__ = ["Watcher", "run_campaign"]

Serve = Callable[[str], None]

Watcher = Callable[[LabState, ev.Recorded], None]
"""Called with each record as it is made, for progress on a screen; must return at once."""

_VIRTUAL_HEARTBEAT_S = 60.0

_FIRST_WORDS_S = 1.0
"""An engine's first words go before the loading of a web framework: after a crash devices wait for them."""
_WORLD_ENDED = "the simulated laboratory ended with the process that held it"
"""Why a resumed virtual campaign has lost its samples: devices are asked as ever, but the vessels are empty."""


def run_campaign(
    options: RunOptions,
    watch: Watcher | None = None,
    say: Callable[[str], None] = lambda _text: None,
) -> RunReport:
    """Run or go on with a campaign until it ends.

    Raises InputError (files), RefusedError (safety, lock, an unfinished campaign in the records) and
    UnavailableError (broker, database, simulators).
    """
    # Of a campaign that has begun the journal holds what earlier ones say.
    files = open_campaign(options.campaign, earlier=not (options.resume or options.standby))
    # Bind once before anything starts: a missing capability is found here, not in the middle of the night.
    context = FilesContext(files)
    for trial in files.samples:
        refuse_what_takes_too_long(context.candidates(1, trial), attended_hours(files.lab))
    _refuse_haste(options, files)
    url = _database(options, files)
    work = _run(options, files, url, watch, say)
    return run_virtual(work) if options.virtual else asyncio.run(work)


def _refuse_haste(options: RunOptions, files: CampaignFiles) -> None:
    """A real instrument knows one speed; a clock that runs ahead of it would time it out or break its holds."""
    if options.virtual or options.simulate or options.endpoints or options.speed == 1.0:
        return
    real = [name for name in files.lab.devices if name not in files.drivers.simulated]
    if real and options.hosts:
        raise RefusedError(
            f"--speed {options.speed:g} is for simulated devices, and {real[0]} is a real one",
            hint="leave --speed out, or add --simulate to use simulators for all devices",
        )


def _database(options: RunOptions, files: CampaignFiles) -> str:
    if options.database is not None:
        return database_url(options.database)
    if not options.virtual:
        return files.database
    # A virtual run gets records of its own: they'd be mistaken for real ones beside the lab's.
    folder = Path(".lab") / "virtual"
    number = 1
    while (path := folder / f"{files.bundle.campaign.id}-{number}.db").exists():
        number += 1
    return database_url(str(path))


async def _run(
    options: RunOptions,
    files: CampaignFiles,
    url: str,
    watch: Watcher | None,
    say: Callable[[str], None],
) -> RunReport:
    began = wall_seconds()
    # The same seed gives the same records, wherever a virtual run is made.
    context = FilesContext(files, UTC if options.virtual else LocalZone())
    journal = await opened_journal(options, url, say)
    try:
        before = journal.load()
        if options.standby and before.active_campaign is None:
            raise InputError(
                "the engine that had the lab ended in order: these records hold no unfinished campaign",
                hint="start one with `lab run CAMPAIGN`",
            )
        start = _start(options, files, before)
        seed = start.seed if start is not None else _open_campaign(before).spec.seed
        not_before = datetime.fromtimestamp(before.at_s, UTC) if before.seq else None
        clock: EngineClock = (
            VirtualClock(asyncio.get_running_loop(), not_before)
            if options.virtual
            else ScaledClock(options.speed, not_before)
        )
        process_start = clock.monotonic()
        async with _devices(options, files, url, clock, seed, journal.epoch) as (transport, serve):
            engine = Engine(
                lab=files.lab.id,
                devices=tuple(files.lab.devices),
                journal=journal,
                identity=_identity(seed) if options.virtual else uuid.uuid4().hex,
                transport=transport,
                clock=clock,
                context=context,
                suggest=partial(suggest_from_state, lasting=context.lasting),
                version=__version__,
                improver=improver_for(clock),
                heartbeat_s=_VIRTUAL_HEARTBEAT_S if options.virtual else 1.0,
                beat_s=None if options.virtual else files.drivers.beat_s,
                simulate_people=options.virtual,
                take_over=options.take_over,
            )
            async with _control(options, engine, files, journal, clock, url):
                watching = (
                    asyncio.create_task(_watch(engine, watch, journal.seq)) if watch else None
                )
                room = (
                    None
                    if serve is None
                    else asyncio.create_task(serve_room(engine, serve, journal.seq))
                )
                lost = _WORLD_ENDED if options.virtual else ""
                running = asyncio.create_task(engine.run(start, samples_lost=lost))
                if options.virtual:
                    state, interrupted = await unattended(engine, running, journal.seq), False
                else:
                    state, interrupted = await _to_the_end(engine, running, say)
                for listening in (watching, room):
                    if listening is not None:
                        await listening
        campaign = start.campaign if start is not None else _open_campaign(before).spec.campaign
        document = report_document(
            state,
            campaign,
            events=journal.seq,
            head=journal.head,
            virtual_seconds=clock.monotonic() - process_start,
            wall_seconds=wall_seconds() - began,
        )
        path = database_path(url)
        return RunReport(
            document,
            str(path) if path else url,
            state.campaigns[campaign].status,
            lines=tuple(report_lines(state, campaign)),
            interrupted=interrupted,
        )
    finally:
        journal.close()


async def _to_the_end(
    engine: Engine, running: asyncio.Task[LabState], say: Callable[[str], None]
) -> tuple[LabState, bool]:
    """The engine's last state, and whether somebody interrupted it."""
    async with interruptible(engine, running, say) as interrupts:
        try:
            return await running, interrupts.count > 0
        except asyncio.CancelledError:
            if interrupts.count < 2:
                raise
            return engine.state, True


def _open_campaign(state: LabState) -> CampaignState:
    campaign = state.active_campaign
    if campaign is None:
        raise InputError(
            "these records hold no unfinished campaign", hint="start one with `lab run CAMPAIGN`"
        )
    return campaign


def _start(
    options: RunOptions, files: CampaignFiles, before: LabState
) -> ev.CampaignStarted | None:
    """The new campaign's first event; None when the unfinished one goes on."""
    unfinished = before.active_campaign
    if options.resume or options.standby:
        campaign = _open_campaign(before)
        if campaign.spec.sop_sha256 != files.bundle.procedure.sha256:
            raise RefusedError(
                f"the procedure has changed since {campaign.spec.campaign} began "
                f"({campaign.spec.sop_sha256[:12]} then, {files.bundle.procedure.sha256[:12]} now)",
                hint="restore the SOP that it began with, or stop this campaign and start a new one",
            )
        return None
    if unfinished is not None:
        raise RefusedError(
            f"these records hold an unfinished campaign, {unfinished.spec.campaign}",
            hint="go on with it by `lab resume`, or name other records with --db",
        )
    campaign = files.bundle.campaign
    sop = files.bundle.procedure.sop
    number = 1 + sum(name.startswith(f"{campaign.id}-") for name in before.campaigns)
    seed = options.seed if options.seed is not None else campaign.seed
    return ev.CampaignStarted(
        campaign=f"{campaign.id}-{number}",
        title=campaign.title,
        file=options.campaign.name if options.virtual else str(options.campaign),
        sop_id=sop.id,
        sop_version=sop.version,
        sop_sha256=files.bundle.procedure.sha256,
        lab_id=files.lab.id,
        factors=files.factors,
        constraints=files.constraints,
        at_most=files.at_most,
        alike=tuple(campaign.alike),
        candidates=files.bundle.candidates or (),
        fixed=files.fixed,
        objective=files.objectives[0],
        further=files.objectives[1:],
        weigh=campaign.weigh,
        limits=files.limits,
        stop=files.stop,
        approval=campaign.strategy.approval,
        method=options.method or campaign.strategy.method,
        initial=campaign.strategy.initial,
        design=campaign.strategy.design,
        batch=campaign.strategy.batch,
        trials=options.trials or campaign.budget.trials,
        parallel=campaign.budget.parallel,
        hopeless_holds=campaign.hopeless_holds,
        outliers=campaign.strategy.outliers,
        accuracy=files.accuracy,
        quantile=campaign.strategy.quantile,
        earlier=earlier_of(files, options.campaign, before),
        fidelities=files.fidelities,
        cost_budget=campaign.budget.cost,
        per=campaign.strategy.per or "",
        cost=files.cost,
        supplies={need.name: need.room for need in needs(files.lab).values() if need.room},
        seed=0 if seed is None else seed,
    )


@asynccontextmanager
async def _devices(
    options: RunOptions,
    files: CampaignFiles,
    url: str,
    clock: EngineClock,
    seed: int,
    epoch: int,
) -> AsyncGenerator[tuple[Transport, Serve | None], None]:
    """Broker, simulators and device hosts; yields the engine's connection to the bus, and how a simulated room is told
    what people did for it."""
    async with AsyncExitStack() as stack:
        if options.virtual:
            bus = MemoryBus()
            transport = await stack.enter_async_context(MemoryTransport(bus))
            world = build_simulation(files.drivers, seed=seed, clock=clock, acts=options.acts)
            stack.push_async_callback(world.close)
            world.start_messages(transport)
            await stack.enter_async_context(
                host_devices(
                    files.drivers,
                    transport,
                    clock,
                    ledger=None,
                    boot=f"epoch-{epoch}",
                    world=world,
                    messages=lambda _url: transport,
                    timing=HostTiming(heartbeat_s=_VIRTUAL_HEARTBEAT_S, telemetry_s=60.0),
                )
            )
            yield transport, world.serve
            return
        broker = await stack.enter_async_context(broker_for(options.broker or files.lab.broker))
        transport = await stack.enter_async_context(broker.connect())
        serve = None
        if options.hosts:
            endpoints, serve = await stack.enter_async_context(
                _endpoints(options, files, broker, seed)
            )
            hosts = await stack.enter_async_context(broker.connect())
            await stack.enter_async_context(
                host_devices(
                    files.drivers,
                    hosts,
                    clock,
                    ledger=_ledger(url),
                    boot=uuid.uuid4().hex,
                    endpoints=endpoints,
                    messages=broker.connect,
                )
            )
        yield transport, serve


@asynccontextmanager
async def _endpoints(
    options: RunOptions,
    files: CampaignFiles,
    broker: BrokerChoice,
    seed: int,
) -> AsyncGenerator[tuple[dict[str, str], Serve | None], None]:
    """URLs that replace those of the lab file: given ones, those of simulators started here, or none."""
    if options.endpoints is not None:
        yield read_endpoints(options.endpoints), None
        return
    if not (options.simulate or files.drivers.simulated):
        yield {}, None
        return
    async with simulator_process(
        files.lab_file, speed=options.speed, seed=seed, broker=broker.url, acts=options.acts
    ) as (urls, serve):
        if options.simulate:
            yield urls, serve
        else:
            yield {name: urls[name] for name in files.drivers.simulated}, serve


def _identity(seed: int) -> str:
    """Of the records of a virtual campaign, whose devices end with it: the same seed gives the same records."""
    return sha256_text(f"virtual\n{seed}")[:32]


def _ledger(url: str) -> Path:
    """The device hosts' memory lies beside the records; a database server leaves it in the working folder."""
    path = database_path(url)
    return Path(".lab/ledger.db") if path is None else path.with_name(path.name + ".ledger")


@asynccontextmanager
async def _control(
    options: RunOptions,
    engine: Engine,
    files: CampaignFiles,
    journal: Journal,
    clock: EngineClock,
    url: str,
) -> AsyncGenerator[None, None]:
    """The control API, where there is somebody to ask: a virtual run is over before anyone could."""
    if not options.control or options.virtual:
        yield
        return
    async with ControlServer(
        EngineControl(engine, lab=files.lab.id, epoch=journal.epoch, url=url, clock=clock),
        after_s=_FIRST_WORDS_S,
    ):
        yield


async def _watch(engine: Engine, watch: Watcher, after: int) -> None:
    async for record in engine.events(after):
        watch(engine.state, record)
