"""The import contracts hold today, and each of them refuses what it is there for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("lab", "drivers", "simulators", "dashboard")

# contract id -> files that break it and it alone has to notice
VIOLATIONS: dict[str, dict[str, str]] = {
    "floors": {"lab/domain/intruder.py": "import lab.engine\n"},
    "rooms-of-floor-2": {"lab/devices/intruder.py": "import lab.records\n"},
    "control-off-the-bus": {"lab/control/intruder.py": "import lab.bus\n"},
    "wings": {"lab/engine/intruder.py": "import drivers\n"},
    "dashboard-apart": {"dashboard/intruder.py": "import lab.engine\n"},
    "pure-floors": {"lab/plan/intruder.py": "import random\n"},
    "torch": {"lab/engine/intruder.py": "def late() -> None:\n    import torch\n"},
    "molecules": {"lab/app/intruder.py": "def late() -> None:\n    import rdkit\n"},
    "solver": {"lab/plan/search/intruder.py": "def late() -> None:\n    import ortools\n"},
    "drivers-below": {
        "drivers/acme_one/__init__.py": "",
        "drivers/acme_one/driver.py": "import lab.engine\n",
    },
    "drivers-apart": {
        "drivers/acme_one/__init__.py": "",
        "drivers/acme_two/__init__.py": "",
        "drivers/acme_two/driver.py": "import drivers.acme_one\n",
    },
    "no-circles": {
        "lab/optimize/model/intruder.py": "def late() -> None:\n    import lab.optimize.acquire\n"
    },
    "simulators": {
        "drivers/acme_one/__init__.py": "",
        "drivers/acme_one/driver.py": "",
        "simulators/intruder.py": "import drivers.acme_one.driver\n",
    },
}

INNOCENT: dict[str, dict[str, str]] = {
    "simulators": {
        "drivers/acme_one/__init__.py": "",
        "drivers/acme_one/wire.py": "",
        "drivers/acme_one/driver.py": "",
        "simulators/newcomer.py": "import drivers.acme_one.wire\n",
    },
    "floors": {"lab/engine/newcomer.py": "import lab.domain\nimport lab.plan\n"},
    "torch": {"lab/optimize/newcomer.py": "import torch\n"},
    "no-circles": {"lab/optimize/acquire/newcomer.py": "import lab.optimize.model.kernel\n"},
}


def contract_ids() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [contract["id"] for contract in settings["tool"]["importlinter"]["contracts"]]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the packages and of the contracts, free to be spoilt."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path


def lint(root: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    chosen = [part for contract in contracts for part in ("--contract", contract)]
    program = "from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache", *chosen],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_all_contracts_hold_now(house: Path):
    result = lint(house)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(contract_ids())} kept, 0 broken" in result.stdout


def test_every_contract_has_a_violation_here():
    assert sorted(VIOLATIONS) == sorted(contract_ids())


@pytest.mark.parametrize("contract", sorted(VIOLATIONS))
def test_a_contract_refuses(house: Path, contract: str):
    put(house, VIOLATIONS[contract])
    result = lint(house, contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "0 kept, 1 broken" in result.stdout


@pytest.mark.parametrize("contract", sorted(INNOCENT))
def test_a_contract_lets_the_innocent_pass(house: Path, contract: str):
    put(house, INNOCENT[contract])
    result = lint(house, contract)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_room_without_a_floor_is_refused(house: Path):
    put(house, {"lab/cellar/__init__.py": ""})
    result = lint(house, "floors")
    assert result.returncode == 1
    assert "cellar" in result.stdout
