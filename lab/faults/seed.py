"""One seed from its knobs to its verdict."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.engine.virtual_loop import StuckError
from lab.faults.invariants import violations
from lab.faults.knobs import Knobs, draw_knobs
from lab.faults.laboratory import Laboratory
from lab.faults.people import People
from lab.faults.trouble import make_calm, troubles

if TYPE_CHECKING:
    from lab.faults.story import Moment

__all__ = ["SeedVerdict", "live", "run_seed"]

_LIMIT_S = 3600.0
"""Virtual seconds after the bad time in which every run must end, or wait for a question that is asked by name."""


@dataclass(frozen=True, slots=True)
class SeedVerdict:
    """What became of a seed. `fingerprint` is of story and journal."""

    seed: int
    knobs: Knobs
    violations: tuple[str, ...]
    story: tuple[Moment, ...]
    fingerprint: str
    acts: int
    virtual_s: float
    journal: tuple[tuple[float, str], ...]
    """Virtual seconds at which a row became durable, and its event."""
    asked: int
    """Questions that a person had to answer about a command."""
    crashes: int
    """Engine and host lives beyond the first."""


def run_seed(seed: int, knobs: Knobs | None = None) -> SeedVerdict:
    """Live through a seed and judge it. Deterministic: the same seed gives the same fingerprint."""
    knobs = knobs or draw_knobs(random.Random(f"knobs {seed}"))
    lab = Laboratory(seed, knobs)
    logger = logging.getLogger("lab")
    level, logger.level = logger.level, logging.CRITICAL + 1
    try:
        stuck = ""
        try:
            lab.loop.run(live(lab))
        except (TimeoutError, StuckError) as error:
            stuck = f"I11: the campaign does not end: {type(error).__name__}"
        return _verdict(lab, stuck)
    finally:
        lab.close()
        logger.level = level


async def live(lab: Laboratory) -> None:
    """The bad time, and what follows until the campaign is over. TimeoutError where it never is."""
    people = People(lab)
    people_tasks = [people.attend(), people.press(lab.knobs.presses)]
    hosts = () if lab.knobs.hosts_within else tuple(lab.capabilities)
    for work in (*people_tasks, *(lab.keep_host(name) for name in hosts)):
        lab.loop.create_task(work)
    for event in troubles(lab):
        lab.loop.create_task(event())  # pyright: ignore[reportArgumentType]
    engine = lab.loop.create_task(lab.keep_engine())
    await asyncio.wait((engine,), timeout=lab.knobs.bad_s)
    make_calm(lab)
    async with asyncio.timeout(_LIMIT_S):
        await asyncio.shield(engine)


def _verdict(lab: Laboratory, stuck: str) -> SeedVerdict:
    found = [*([stuck] if stuck else []), *violations(lab)]
    bodies = tuple(row.body for row in lab.database.rows)
    head = lab.database.rows[-1].hash if lab.database.rows else ""
    return SeedVerdict(
        seed=lab.seed,
        knobs=lab.knobs,
        violations=tuple(found),
        story=tuple(lab.story.moments),
        fingerprint=f"{lab.story.fingerprint()[:16]}-{head[:16]}",
        acts=len(lab.room.acts),
        virtual_s=lab.loop.time(),
        journal=tuple(zip(lab.database.committed_s, bodies, strict=True)),
        asked=sum('"question_asked"' in body and '"command":""' not in body for body in bodies),
        crashes=lab.engine_lives - 1,
    )
