"""Real processes are killed at random moments, over Mosquitto and ptys: no act is doubled, none is lost, nobody is asked."""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from lab.records.database import open_database
from lab.records.verify import first_broken_row
from tests.faults.proxy import flaky_proxy
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
    from pathlib import Path

pytestmark = [pytest.mark.faults, pytest.mark.system, pytest.mark.long]

KILLS = int(os.environ.get("LABWRIGHT_KILLS", "6"))
"""For each test; a night's run may ask for hundreds."""
TRIALS = 3
MANY_TRIALS = 12
"""Last long enough for fifty restarts of the broker."""


def finish(lab: RealLab, url: str) -> list[dict[str, object]]:
    """Let the campaign end in peace; its rows."""

    def over() -> bool:
        if lab.engine.code == 0:
            return True
        if lab.engine.code is not None:
            lab.engine.start()
            time.sleep(1.0)
        return False

    wait(over, f"the campaign's end\n{lab.engine.told()}", 240)
    return rows_of(url)


def judge(lab: RealLab, rows: list[dict[str, object]], url: str, trials: int = TRIALS) -> None:
    asked = [row["text"] for row in rows if row["kind"] == "question_asked"]
    assert asked == [], "a person was needed"
    seen = lab.acts().count()
    assert seen == doses_by_the_records(rows)
    assert seen["concentrate_pump"] == trials
    assert seen["drain_pump_1"] + seen["drain_pump_2"] == trials
    assert sum(row["kind"] == "trial_completed" for row in rows) == trials
    records = open_database(url, read_only=True)
    try:
        assert first_broken_row(records) is None
    finally:
        records.dispose()


def kill_at_random(lab: RealLab, victims: list[Killable], kills: int, seed: int) -> None:
    """One after another, each started again at once, until there were so many or the campaign is over."""
    chance = random.Random(seed)
    while sum(victim.kills for victim in victims) < kills and lab.engine.code != 0:
        time.sleep(0.3 + 5.0 * chance.random())
        if lab.engine.code == 0:
            return
        if lab.engine.code is not None:
            lab.engine.start()  # what was killed before has ended it
            continue
        victim = chance.choice(victims)
        victim.kill()
        victim.start()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_no_dose_is_doubled_or_lost_whatever_is_killed(tmp_path: Path, store: str) -> None:
    port = free_port()
    broker = mosquitto(tmp_path, port)
    with ExitStack() as stack:
        stack.callback(broker.kill)
        victims = [broker]
        url = f"sqlite:///{tmp_path / 'records.db'}"
        if store == "postgres":
            server, url = stack.enter_context(own_postgres(tmp_path))
            victims.append(server)
        broker.start()
        wait(lambda: answers(port), "the broker")
        lab = stack.enter_context(real_lab(tmp_path, f"mqtt://127.0.0.1:{port}", url, TRIALS))
        lab.start(lambda: len(rows_of(url)) > 3)
        victims += [lab.engine, lab.host, lab.engine]
        kill_at_random(lab, victims, KILLS, seed=7)
        rows = finish(lab, url)
        killed = {victim.name: victim.kills for victim in victims}
        print(f"{store}: killed {killed}")
        assert sum(killed.values()) >= 2
        judge(lab, rows, url)


@pytest.mark.timeout(900)
def test_fifty_broker_restarts_lose_no_command_and_double_none(tmp_path: Path) -> None:
    port = free_port()
    broker = mosquitto(tmp_path, port)
    url = f"sqlite:///{tmp_path / 'records.db'}"
    with ExitStack() as stack:
        stack.callback(broker.kill)
        broker.start()
        wait(lambda: answers(port), "the broker")
        lab = stack.enter_context(real_lab(tmp_path, f"mqtt://127.0.0.1:{port}", url, MANY_TRIALS))
        lab.start(lambda: len(rows_of(url)) > 3)
        chance = random.Random(5)
        while broker.kills < 50 and lab.engine.code is None:
            time.sleep(0.2 + 1.5 * chance.random())
            broker.kill()
            broker.start()
        rows = finish(lab, url)
        print(f"{broker.kills} restarts of the broker")
        assert broker.kills == 50
        judge(lab, rows, url, MANY_TRIALS)


@pytest.mark.timeout(900)
def test_a_way_that_cuts_delays_and_corrupts_doubles_nothing(tmp_path: Path) -> None:
    port = free_port()
    broker = mosquitto(tmp_path, port)
    url = f"sqlite:///{tmp_path / 'records.db'}"
    with ExitStack() as stack:
        stack.callback(broker.kill)
        broker.start()
        wait(lambda: answers(port), "the broker")
        proxy = stack.enter_context(flaky_proxy(port, seed=3))
        lab = stack.enter_context(real_lab(tmp_path, f"mqtt://127.0.0.1:{proxy.port}", url, TRIALS))
        lab.start(lambda: len(rows_of(url)) > 3)
        rows = finish(lab, url)
        print(f"{proxy.cuts} cuts, {proxy.delays} delays, {proxy.corrupted} corruptions")
        assert min(proxy.cuts, proxy.delays, proxy.corrupted) > 0
        judge(lab, rows, url)
