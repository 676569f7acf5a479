"""What goes wrong in one seed: each class of faults is on in some seeds only, so that some stories are about few things.

The numbers of the classes are those of `CLASSES`, which `lab faults` prints.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

__all__ = [
    "CLASSES",
    "Knobs",
    "NetworkKnobs",
    "RoomKnobs",
    "Scale",
    "StoreKnobs",
    "draw_knobs",
    "seventeen_days",
]

CLASSES = {
    1: "the engine is killed, also while it recovers",
    2: "a second engine, a paused one that wakes up",
    3: "a device host is killed, and may find its ledger gone",
    4: "the broker goes down, and may forget",
    5: "messages are lost, doubled, late, spoiled, retained",
    6: "a device hangs, reboots, ends early, tells nonsense",
    7: "a serial line garbles, echoes, breaks",
    8: "the database refuses, loses its answer, is slow; its disk or a ledger's is full",
    9: "clocks jump",
    10: "operators press everything, answer twice or late",
    11: "the procedure or a driver changes at a restart",
    12: "the optimiser is slow or fails",
    13: "an interlock opens, flaps, or is not heard of",
    14: "the broker's queue is short",
    15: "the power goes, everywhere or at one machine, with what was not flushed",
}
"""The fault classes."""


@dataclass(frozen=True, slots=True)
class NetworkKnobs:
    """Shares of messages, seconds, and the length of the broker's queue (0: no limit)."""

    loses: float = 0.0
    doubles: float = 0.0
    late: float = 0.0
    late_s: float = 0.0
    jitter_s: float = 0.0
    junk: float = 0.0
    retains: float = 0.0
    limit: int = 0
    outages: int = 0
    forgets: bool = False

    @property
    def any(self) -> bool:
        return bool(self.jitter_s or self.limit)


@dataclass(frozen=True, slots=True)
class StoreKnobs:
    """Shares of commits that fail, and of these that are done all the same; seconds of a slow one. How often the disk under the
    database, or under a device host's ledger, is full for a while."""

    fails: float = 0.0
    after: float = 0.0
    slow_s: float = 0.0
    full: int = 0
    ledgers_full: int = 0


@dataclass(frozen=True, slots=True)
class RoomKnobs:
    """What happens to devices and lines: shares of frames, and numbers of events in the bad time."""

    garbles: float = 0.0
    line_drops: int = 0
    hangs: int = 0
    reboots: int = 0
    early_ends: float = 0.0
    nonsense: float = 0.0
    flaps: int = 0


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the lab and how slow its life is. Volumes name steps, so many trials need a large pot and quick pumps."""

    base_ul: int = 1000
    pot_ul: float = 2500.0
    """Two doses of one sample, and no third."""
    ul_per_s: float = 500.0
    soak_s: float = 0.0
    """How long a sample stays in the pot before it is weighed."""
    beat_s: float = 4.0
    look_s: float = 5.0
    """How often people look."""
    life: int = 12
    """A process that is to be killed is so at its 2^life-th callback at the latest."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """One seed's faults. `bad_s`: virtual seconds after which everything behaves."""

    classes: frozenset[int]
    bad_s: float
    network: NetworkKnobs
    store: StoreKnobs
    room: RoomKnobs
    engine_kills: int = 0
    second_engines: int = 0
    host_kills: int = 0
    ledgers_lost: float = 0.0
    """Share of host starts that find their ledger gone."""
    clock_jumps: int = 0
    jump_s: float = 0.0
    presses: int = 0
    power_cuts: int = 0
    new_version: bool = False
    suggest_s: float = 0.1
    suggest_fails: float = 0.0
    trials: int = 1
    parallel: int = 1
    warms: bool = False
    interlock: bool = False
    hosts_within: bool = False
    """The device hosts live in the engine's process."""
    dead_man: bool = False
    scale: Scale = Scale()


def draw_knobs(rng: random.Random) -> Knobs:
    """A seed's faults: none in few seeds, one or two classes in many, most of them in some."""
    share = rng.choice((0.0, 0.12, 0.12, 0.25, 0.25, 0.5, 0.8))
    on = frozenset(number for number in CLASSES if rng.random() < share)
    trials = rng.choice((1, 1, 1, 1, 2, 3))
    bad_s = trials * (8.0 + 12.0 * rng.random())

    def few(number: int, most: int) -> int:
        return rng.randint(1, most) if number in on else 0

    def part(number: int, most: float) -> float:
        return most * rng.random() if number in on else 0.0

    late_s = 60.0 if rng.random() < 0.5 else 5.0
    network = NetworkKnobs(
        loses=part(5, 0.3),
        doubles=part(5, 0.5),
        late=part(5, 0.25),
        late_s=late_s,
        jitter_s=0.001 + part(5, 0.5) if 5 in on else 0.0,
        junk=part(5, 0.05),
        retains=part(5, 0.05),
        limit=few(14, 6),
        outages=few(4, 2),
        forgets=4 in on and rng.random() < 0.5,
    )
    room = RoomKnobs(
        garbles=part(7, 0.15),
        line_drops=few(7, 2),
        hangs=few(6, 2),
        reboots=few(6, 2) if rng.random() < 0.5 else 0,
        early_ends=part(6, 0.4),
        nonsense=part(6, 0.3),
        flaps=few(13, 3),
    )
    store = StoreKnobs(fails=part(8, 0.08), after=rng.random(), slow_s=part(8, 2.0))
    dead_man = rng.random() < 0.4
    knobs = Knobs(
        classes=on,
        bad_s=bad_s,
        network=network,
        store=store,
        room=room,
        engine_kills=few(1, 4),
        second_engines=few(2, 2),
        host_kills=few(3, 3),
        ledgers_lost=part(3, 0.3),
        clock_jumps=few(9, 2),
        jump_s=rng.choice((-3600.0, -40.0, 20.0, 40.0, 3600.0)),
        presses=few(10, 5),
        power_cuts=few(15, 2),
        new_version=11 in on,
        suggest_s=0.1 + part(12, 10.0),
        suggest_fails=part(12, 0.5),
        trials=trials,
        parallel=rng.choice((1, 2)),
        # What a dead-man timer is for: a heater that nobody looks after.
        warms=dead_man or rng.random() < 0.1,
        interlock=13 in on or rng.random() < 0.1,
        hosts_within=rng.random() < 0.3,
        dead_man=dead_man,
    )
    # Drawn last, so that the seeds kept the rest of their stories when these came.
    disks = {"full": few(8, 2), "ledgers_full": few(8, 2) if rng.random() < 0.5 else 0}
    return replace(knobs, store=replace(store, **disks))


def seventeen_days(trials: int = 350) -> Knobs:
    """A campaign as long as that of the A-Lab (Szymanski et al., Nature 624, 86 (2023): 17 days, about 350 samples), with faults
    all the time: more than an hour for each sample, and deaths every few samples."""
    return Knobs(
        classes=frozenset({1, 3, 4, 5, 6, 7, 8}),
        bad_s=40 * 86400.0,
        network=NetworkKnobs(
            loses=0.02, doubles=0.05, late=0.02, late_s=20.0, jitter_s=0.1, outages=20
        ),
        store=StoreKnobs(fails=0.0005, after=0.5),
        room=RoomKnobs(garbles=0.01, line_drops=20, hangs=20, reboots=20, early_ends=0.01),
        engine_kills=200,
        host_kills=200,
        trials=trials,
        scale=Scale(
            base_ul=5000,
            pot_ul=5000.0 * 2 + 10.0 * 2 * (trials + 1),
            ul_per_s=5000.0,
            soak_s=4300.0,
            beat_s=60.0,
            look_s=300.0,
            life=17,
        ),
    )
