"""How long it takes to check a long procedure, and all examples."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from lab.app.check import check_files
from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_sop
from tests.support.long_sop import long_sop
from tests.support.small_sops import dose, parallel, small_tree, step

_SOPS = Path(__file__).parents[2] / "sops"


@pytest.mark.bench
def test_a_procedure_of_300_steps() -> None:
    text = long_sop(300)
    check_sop(long_sop(6), "sop.yaml", CAPABILITIES)  # imports
    started = time.process_time()
    procedure, _ = check_sop(text, "sop.yaml", CAPABILITIES)
    spent = time.process_time() - started
    assert procedure is not None
    print(
        f"\n300 steps ({len(procedure.steps)} written out, {len(text)} bytes): {spent:.2f} s of CPU"
    )
    assert spent < 1.0


@pytest.mark.bench
def test_300_doses_in_parallel_lanes() -> None:
    lanes = [[dose(f"d{number}", "water_pot", "${size * 0.01 mL}")] for number in range(300)]
    text = json.dumps(small_tree([parallel("p", *lanes), step("weigh", "balance", "weigh")]))
    started = time.process_time()
    procedure, _ = check_sop(text, "sop.yaml", CAPABILITIES)
    spent = time.process_time() - started
    assert procedure is not None
    print(f"\n300 doses in parallel lanes: {spent:.2f} s of CPU")
    assert spent < 2.0


@pytest.mark.bench
def test_all_examples() -> None:
    """As `lab check` does it: SOPs, labs, and campaigns with both."""
    paths = tuple(sorted(_SOPS.glob("*/*.yaml")))
    check_files(paths[:1])  # imports
    started = time.process_time()
    found = check_files(paths)
    spent = time.process_time() - started
    assert not any(item.blocking for item in found)
    print(f"\n{len(paths)} files of all examples: {spent:.2f} s of CPU")
    assert spent < 2.0
