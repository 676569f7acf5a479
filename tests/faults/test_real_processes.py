"""Real processes are killed at random moments, over Mosquitto and ptys: no act is doubled, none is lost, nobody is asked."""

from __future__ import annotations

import os
import random
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.faults.kill_rounds import finish, judge, kill_rounds
from tests.faults.proxy import flaky_proxy
from tests.faults.real_lab import answers, free_port, mosquitto, real_lab, rows_of, wait

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.faults, pytest.mark.system, pytest.mark.long]

KILLS = int(os.environ.get("LABWRIGHT_KILLS", "6"))
"""For each store; a night's run may ask for hundreds: LABWRIGHT_KILLS=500 pytest tests/faults/test_real_processes.py -k sqlite"""
TRIALS = 3
MANY_TRIALS = 12
"""Of a campaign that is killed more often."""
LONG_TRIALS = 20
"""Last long enough for fifty restarts of the broker."""


@pytest.mark.timeout(600 + 12 * KILLS)
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_no_dose_is_doubled_or_lost_whatever_is_killed(tmp_path: Path, store: str) -> None:
    # The first six of this seed hit each kind. An engine outlives its database, so only its own deaths tell of restarts.
    tally = kill_rounds(tmp_path, store, KILLS, TRIALS if KILLS < 50 else MANY_TRIALS, seed=19)
    assert tally.kills.total() >= KILLS
    assert tally.doses > 0
    assert tally.asked == []
    assert tally.began_s
    assert tally.acted_s


@pytest.mark.timeout(900)
def test_fifty_broker_restarts_lose_no_command_and_double_none(tmp_path: Path) -> None:
    port = free_port()
    broker = mosquitto(tmp_path, port)
    url = f"sqlite:///{tmp_path / 'records.db'}"
    with ExitStack() as stack:
        stack.callback(broker.kill)
        broker.start()
        wait(lambda: answers(port), "the broker")
        lab = stack.enter_context(real_lab(tmp_path, f"mqtt://127.0.0.1:{port}", url, LONG_TRIALS))
        lab.start(lambda: len(rows_of(url)) > 3)
        chance = random.Random(5)
        while broker.kills < 50 and lab.engine.code is None:
            time.sleep(0.2 + 1.5 * chance.random())
            broker.kill()
            broker.start()
        rows = finish(lab, url)
        print(f"{broker.kills} restarts of the broker")
        assert broker.kills == 50
        judge(lab, rows, url, LONG_TRIALS)


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
        judge(lab, rows, url, TRIALS)
