"""A campaign of 350 samples over seventeen virtual days, with faults all the time: it ends, breaks no law, and is quick."""

from __future__ import annotations

import time

import pytest

from lab.faults.knobs import seventeen_days
from lab.faults.seed import SeedVerdict, run_seed

DAY_S = 86_400.0
CPU_S = 60.0


def told(verdict: SeedVerdict, name: str) -> int:
    return sum(f'"kind":"{name}"' in body for _, body in verdict.journal)


def test_its_first_samples_take_hours_and_the_same_seed_is_the_same_story() -> None:
    first, again, other = (run_seed(seed, seventeen_days(4)) for seed in (5, 5, 6))
    assert first.violations == other.violations == ()
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert first.virtual_s > 4 * 4300.0
    assert told(first, "run_finished") == 4
    assert told(first, "trial_proposed") == 4


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_whole_campaign_in_less_than_a_minute_of_computing() -> None:
    began = time.process_time()
    verdict = run_seed(1, seventeen_days())
    took_s = time.process_time() - began
    print(
        f"{verdict.virtual_s / DAY_S:.1f} virtual days, {told(verdict, 'run_finished')} samples, {verdict.acts} doses,"
        f" {len(verdict.journal)} rows, {verdict.crashes} restarts of the engine, {verdict.asked} questions to people,"
        f" {took_s:.1f} s of CPU; journal head {verdict.fingerprint.partition('-')[2]}"
    )
    assert verdict.violations == ()
    assert told(verdict, "trial_proposed") == 350
    assert told(verdict, "run_finished") == 350
    assert verdict.virtual_s > 16.5 * DAY_S
    assert verdict.crashes >= 5
    assert took_s < CPU_S
    assert run_seed(1, seventeen_days()).fingerprint == verdict.fingerprint
