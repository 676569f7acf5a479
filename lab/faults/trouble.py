"""The bad time of a seed: what happens when, by its knobs; and the moment after which all behaves."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lab.faults.laboratory import Laboratory

__all__ = ["make_calm", "troubles"]


def troubles(lab: Laboratory) -> list[Callable[[], Awaitable[None]]]:
    """One entry for each event of the bad time, besides what is drawn message by message."""
    knobs = lab.knobs
    events: list[Callable[[], Awaitable[None]]] = []
    events += [lambda: _broker_away(lab)] * knobs.network.outages
    events += [lambda: _second_engine(lab)] * knobs.second_engines
    events += [lambda: _clock_jumps(lab)] * knobs.clock_jumps
    events += [lambda: _power_cut(lab)] * knobs.power_cuts
    events += [lambda: _database_full(lab)] * knobs.store.full
    events += [lambda: _ledger_full(lab)] * knobs.store.ledgers_full
    events += [lambda: _hang(lab)] * knobs.room.hangs
    events += [lambda: _reboot(lab)] * knobs.room.reboots
    events += [lambda: _line_drops(lab)] * knobs.room.line_drops
    events += [lambda: _lid(lab)] * knobs.room.flaps
    return events


def make_calm(lab: Laboratory) -> None:
    """The end of all faults: what is dead will be started, and nothing more dies."""
    lab.story.tell("world", "is calm from now on")
    lab.calm = lab.room.calm = lab.database.calm = True
    lab.jump_s = 0.0
    lab.room.lid_open_since = None
    lab.broker.calm()
    for disk in lab.ledger_disks.values():
        disk.full = False
    for process in (*lab.engine_lives_alive(), *lab.host_processes.values()):
        process.dies_at = -1


async def _sometime(lab: Laboratory) -> None:
    await asyncio.sleep(lab.rng.random() * lab.knobs.bad_s)


async def _broker_away(lab: Laboratory) -> None:
    await _sometime(lab)
    await lab.broker.away(1.0 + 20.0 * lab.rng.random(), forgets=lab.knobs.network.forgets)


async def _second_engine(lab: Laboratory) -> None:
    """Somebody starts another engine; or the first is paused, loses its lease, and wakes up while another works. Half of
    these are paused with a command in their hand."""
    await _sometime(lab)
    living = lab.engine_lives_alive()
    if living and lab.rng.random() < 0.7:
        first = living[-1]
        seconds = 1.0 + 40.0 * lab.rng.random()
        paused = asyncio.Event()

        def pause() -> None:
            lab.story.tell(first.name, f"is paused for {seconds:.1f} s")
            first.paused_until = lab.loop.time() + seconds
            lab.database.holder = None
            paused.set()

        if lab.rng.random() < 0.5:
            first.before_command = pause
            with suppress(TimeoutError):
                async with asyncio.timeout(lab.knobs.bad_s):
                    await paused.wait()
            first.before_command = None
        else:
            pause()
        await asyncio.sleep(0.5)
    if lab.state is None:
        lab.start_engine()


async def _clock_jumps(lab: Laboratory) -> None:
    await _sometime(lab)
    lab.jump_s = 0.0 if lab.jump_s else lab.knobs.jump_s
    lab.story.tell("clock", f"is now {lab.jump_s:g} s off")


async def _power_cut(lab: Laboratory) -> None:
    """Everywhere, or at the machine of the engine or of one device host. What was not flushed there is gone."""
    await _sometime(lab)
    hosts = list(lab.host_processes)
    where = lab.rng.choice(("everywhere", "everywhere", "engine", *hosts))
    lab.story.tell("power", f"is gone for a moment ({where})")
    dark = hosts if where == "everywhere" else [where] if where in hosts else []
    if where in ("everywhere", "engine"):
        for process in lab.engine_lives_alive():
            process.kill()
        lab.database.lose_power()
        if not hosts:  # they live in the engine's process
            dark = list(lab.capabilities)
    for name in dark:
        if name in lab.host_processes:
            lab.host_processes[name].kill()
        lost = lab.ledger_disks[name].lose_power(lab.rng) if name in lab.ledger_disks else 0
        if lost:
            lab.story.tell(name, f"its ledger loses {lost} writes that were not flushed")
    if where != "everywhere":
        return  # the machines have plugs of their own
    for machine in lab.room.machines.values():
        machine.reboot()
    await lab.broker.away(1.0, forgets=True)


async def _database_full(lab: Laboratory) -> None:
    await _sometime(lab)
    seconds = 1.0 + 30.0 * lab.rng.random()
    lab.story.tell("database", f"its disk is full for {seconds:.1f} s")
    lab.database.full_until_s = lab.loop.time() + seconds


async def _ledger_full(lab: Laboratory) -> None:
    await _sometime(lab)
    if lab.ledger_disks:
        name = lab.rng.choice(list(lab.ledger_disks))
        lab.story.tell(name, "the disk of its ledger is full")
        lab.ledger_disks[name].full = True
        await asyncio.sleep(1.0 + 30.0 * lab.rng.random())
        if name in lab.ledger_disks:
            lab.ledger_disks[name].full = False
            lab.story.tell(name, "the disk of its ledger has room")


async def _hang(lab: Laboratory) -> None:
    await _sometime(lab)
    lab.rng.choice(list(lab.room.machines.values())).hang(1.0 + 30.0 * lab.rng.random())


async def _reboot(lab: Laboratory) -> None:
    await _sometime(lab)
    lab.rng.choice(list(lab.room.machines.values())).reboot()


async def _line_drops(lab: Laboratory) -> None:
    await _sometime(lab)
    machine = lab.rng.choice(list(lab.room.machines.values()))
    if machine.cable is not None:
        lab.story.tell(machine.name, "its port vanishes")
        machine.cable.cut("the port vanished")


async def _lid(lab: Laboratory) -> None:
    await _sometime(lab)
    lab.story.tell("lid", "is opened")
    if lab.room.lid_open_since is None:
        lab.room.lid_open_since = lab.loop.time()
    await asyncio.sleep(0.5 + 20.0 * lab.rng.random())
    lab.room.lid_open_since = None
    lab.story.tell("lid", "is closed")
