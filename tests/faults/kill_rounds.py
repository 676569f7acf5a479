"""Campaigns of real processes under kill -9, one after another until there were enough kills; what was seen is counted."""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from lab.records.database import open_database
from lab.records.verify import first_broken_row
from tests.faults.real_lab import (
    Killable,
    RealLab,
    answers,
    free_port,
    mosquitto,
    own_postgres,
    real_lab,
    rows_of,
    wait,
)
from tests.system.test_kill_and_resume import doses_by_the_records

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Tally", "Watch", "finish", "judge", "kill_rounds"]

_LOOK_S = 0.05
_PATIENCE_S = 20.0
_ACTING = ("command_intended", "command_ended", "command_settled")
"""Rows by which an engine that was started again shows that it works: it sends a command, or knows what became of one."""


@dataclass
class Tally:
    """What was killed and what came of it. `began_s`, `acted_s`: seconds from an engine's start to its first row and to its
    first word about a command."""

    kills: Counter[str] = field(default_factory=Counter[str])
    rounds: int = 0
    doses: int = 0
    rows: int = 0
    interrupted: int = 0
    """Commands that were open when something died, and were found out about without a person."""
    asked: list[str] = field(default_factory=list[str])
    began_s: list[float] = field(default_factory=list[float])
    acted_s: list[float] = field(default_factory=list[float])

    def told(self) -> str:
        """One line for whoever ran it."""

        def of(values: list[float]) -> str:
            if not values:
                return "none"
            late = sorted(values)[math.ceil(0.95 * len(values)) - 1]
            return f"median {median(values):.2f}, 95 % below {late:.2f} (n = {len(values)})"

        killed = ", ".join(f"{name} {n}" for name, n in sorted(self.kills.items()))
        return (
            f"{self.kills.total()} kills ({killed}) in {self.rounds} campaigns; {self.doses} doses, {self.rows} rows;"
            f" {self.interrupted} commands interrupted, {len(self.asked)} questions to people; seconds from an engine's"
            f" start to its first row: {of(self.began_s)}; to its first word about a command: {of(self.acted_s)}"
        )


class Watch(threading.Thread):
    """Reads the journal as it grows, to say how long each start of an engine took."""

    def __init__(self, url: str, tally: Tally) -> None:
        super().__init__(daemon=True)
        self._engine = create_engine(url)
        self._tally = tally
        self._over = threading.Event()
        self._seq = 0
        self._epoch = 0
        self._began_at = 0.0
        self._started_at = time.monotonic()
        self.acted = True
        """The engine that was last started has said something about a command."""
        self.finished = False
        """The campaign's end is recorded: an engine killed after that has nothing to resume."""

    def restarts(self) -> None:
        """The engine's process is started in this moment."""
        self._started_at, self.acted = time.monotonic(), False

    def run(self) -> None:
        while not self._over.wait(_LOOK_S):
            try:
                with self._engine.connect() as connection:
                    found = connection.execute(
                        text("SELECT seq, epoch, body FROM journal WHERE seq > :seq ORDER BY seq"),
                        {"seq": self._seq},
                    ).all()
            except DBAPIError:
                continue  # not there yet, or killed
            now = time.monotonic()
            for seq, epoch, body in found:
                self._see(now, seq, epoch, json.loads(body)["kind"])

    def _see(self, now: float, seq: int, epoch: int, kind: str) -> None:
        self._seq = seq
        self.finished = self.finished or kind == "campaign_finished"
        if self._epoch == 0:
            self._epoch = epoch  # the first engine, which was not started again
        elif epoch > self._epoch:
            self._epoch, self._began_at = epoch, self._started_at
            self._tally.began_s.append(now - self._began_at)
        if not self.acted and self._began_at == self._started_at and kind in _ACTING:
            self.acted = True
            self._tally.acted_s.append(now - self._began_at)

    def end(self) -> None:
        self._over.set()
        self.join(10)
        self._engine.dispose()


def finish(lab: RealLab, url: str, others: Iterable[Killable] = ()) -> list[dict[str, object]]:
    """Let the campaign end in peace; its rows. `others` are started again where they ended: a database's new server refuses
    to start as long as a child of the killed one lives."""

    def over() -> bool:
        if lab.engine.code is not None and any(
            row["kind"] == "campaign_finished" for row in rows_of(url)
        ):
            return True
        for each in (*others, lab.engine):
            each.revive()
        time.sleep(0.5)
        return False

    try:
        wait(over, "the campaign's end", 300)
    except AssertionError as error:
        told = "\n".join(f"{each.name}: {each.told()}" for each in (*others, lab.engine))
        raise AssertionError(f"{error}\n{told}") from None
    return rows_of(url)


def judge(
    lab: RealLab, rows: list[dict[str, object]], url: str, trials: int, *, excused: str = ""
) -> None:
    """AssertionError where an act was doubled or lost, a row is missing, or a person was needed. The run that is `excused` may
    have failed: its device hung for longer than a step may take."""
    asked = [row["text"] for row in rows if row["kind"] == "question_asked"]
    assert asked == [], "a person was needed"
    seen = lab.acts().count()
    assert seen == doses_by_the_records(rows)
    assert seen["concentrate_pump"] == trials
    assert seen["drain_pump_1"] + seen["drain_pump_2"] == trials
    failed = [
        row["run"]
        for row in rows
        if row["kind"] == "run_finished" and row["outcome"] != "succeeded"
    ]
    assert failed in ([], [excused])
    measured = {
        row["run"] for row in rows if row["kind"] == "step_succeeded" and row["step"] == "measure"
    }
    lost = [run for run in failed if run not in measured]  # what failed after it has its value
    assert sum(row["kind"] == "trial_completed" for row in rows) == trials - len(lost)
    records = open_database(url, read_only=True)
    try:
        assert first_broken_row(records) is None
    finally:
        records.dispose()


def kill_rounds(folder: Path, store: str, kills: int, trials: int, seed: int) -> Tally:
    """Campaigns of so many trials on `store` until so many processes were killed; each is judged."""
    tally = Tally()
    chance = random.Random(seed)
    while tally.kills.total() < kills:
        tally.rounds += 1
        where = folder / f"round-{tally.rounds}"
        where.mkdir()
        where.chmod(0o755)
        _round(where, store, kills - tally.kills.total(), trials, chance, tally)
        print(f"{store}: {tally.told()}", flush=True)
    return tally


def _round(
    folder: Path, store: str, kills: int, trials: int, chance: random.Random, tally: Tally
) -> None:
    port = free_port()
    broker = mosquitto(folder, port)
    with ExitStack() as stack:
        stack.callback(broker.kill)
        victims = [broker]
        url = f"sqlite:///{folder / 'records.db'}"
        if store == "postgres":
            server, url = stack.enter_context(own_postgres(folder))
            victims.append(server)
        broker.start()
        wait(lambda: answers(port), "the broker")
        lab = stack.enter_context(real_lab(folder, f"mqtt://127.0.0.1:{port}", url, trials))
        lab.start(lambda: len(rows_of(url)) > 3)
        watch = Watch(url, tally)
        watch.start()
        stack.callback(watch.end)
        victims += [lab.host, lab.engine, lab.engine]
        _kill_at_random(lab, victims, kills, chance, watch)
        rows = finish(lab, url, victims[:-2])
        for victim in {victim.name: victim for victim in victims}.values():
            tally.kills[victim.name] += victim.kills
        judge(lab, rows, url, trials)
        tally.rows += len(rows)
        tally.doses += lab.acts().count().total()
        tally.interrupted += sum(row["kind"] == "command_unknown" for row in rows)


def _kill_at_random(
    lab: RealLab, victims: list[Killable], kills: int, chance: random.Random, watch: Watch
) -> None:
    """One after another, each started again at once, until there were so many or the campaign is over."""
    each = list({victim.name: victim for victim in victims}.values())
    while sum(victim.kills for victim in each) < kills and not watch.finished:
        time.sleep(0.1 + 2.0 * chance.random())
        # Half of all kills hit what recovers, the other half what is at work again.
        at_work = time.monotonic() + (_PATIENCE_S if chance.random() < 0.5 else 0.0)
        while not watch.acted and time.monotonic() < at_work and lab.engine.code is None:
            time.sleep(_LOOK_S)
        if watch.finished:
            return
        for victim in each:
            if victim.code is not None and victim is lab.engine:
                watch.restarts()
            victim.revive()  # what was killed before has ended it
        victim = chance.choice(victims)
        victim.kill()
        if victim is lab.engine:
            watch.restarts()
        victim.start()
