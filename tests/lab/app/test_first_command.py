"""What a resumed campaign loads before its first command goes out: nothing that only later work needs.

Counted in modules, not in seconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CAMPAIGN = ROOT / "sops" / "electrolyte_conductivity" / "campaign.yaml"

LATER = (
    *("torch", "botorch", "gpytorch", "scipy", "numba", "ortools", "opentrons", "pandas"),
    *("fastapi", "starlette", "uvicorn"),
    *("plotly", "dash", "matplotlib", "streamlit", "PIL", "pint", "httpx", "rich", "alembic"),
)
"""The optimiser, the planner's search, the control API's web server, pictures, other formats: each costs as much as the rest of a start."""

_SCRIPT = """
import json, os, sys
from lab.engine import gateway

after, real, sent = int(sys.argv[1]), gateway.DeviceGateway.command, 0

async def command(self, *args, **named):
    global sent
    sent += 1
    if sent == after:
        loaded = sorted({name.partition(".")[0] for name in sys.modules})
        print("LOADED", json.dumps(loaded), flush=True)
        os._exit(9)  # as a kill does
    await real(self, *args, **named)

gateway.DeviceGateway.command = command
sys.argv = ["lab", *sys.argv[2:]]
from lab.cli.main import main
main()
"""


def until_command(number: int, folder: Path, *arguments: str) -> list[str]:
    """The top-level modules that are loaded when so many commands have gone out; the process dies then."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(number), *arguments],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 9, done.stderr[-2000:]
    [line] = [line for line in done.stdout.splitlines() if line.startswith("LOADED ")]
    return json.loads(line.removeprefix("LOADED "))


def test_a_resumed_campaign_acts_before_it_loads_what_only_later_work_needs(tmp_path):
    records = tmp_path / "r.db"
    where = (str(CAMPAIGN), "--virtual", "--db", str(records))
    until_command(3, tmp_path, "run", *where, "--seed", "7")
    loaded = until_command(1, tmp_path, "resume", *where)
    assert not set(LATER) & set(loaded)
    assert {"lab", "pydantic", "sqlalchemy"} <= set(loaded), "the names are those of modules"
