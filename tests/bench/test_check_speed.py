"""How long it takes to check a long procedure, and all examples."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_sop
from lab.sop.load import load_sop
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
    started = time.process_time()
    paths = sorted(_SOPS.glob("*/*sop*.yaml"))
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert load_sop(path, text, path.name, CAPABILITIES)[0] is not None
    spent = time.process_time() - started
    print(f"\n{len(paths)} example procedures: {spent:.2f} s of CPU")
    assert spent < 2.0
