"""The simulation is itself tested: each guard that is taken away is missed within 5,000 seeds."""

from __future__ import annotations

import gc

import pytest

from lab.faults.seed import run_seed
from tests.faults.guards import GUARDS

WITHIN = 5_000


def test_there_are_at_least_twenty():
    assert len(GUARDS) >= 20


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", GUARDS)
def test_its_removal_is_found(name, monkeypatch):
    GUARDS[name](monkeypatch)
    gc.disable()
    try:
        for seed in range(WITHIN):
            if run_seed(seed).violations:
                return
            if seed % 50 == 0:
                gc.collect()
    finally:
        gc.enable()
    pytest.fail(f"without {name}: no law was broken in {WITHIN} seeds")
