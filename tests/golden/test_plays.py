"""What small procedures do in virtual time, as logs that one can read; see `plays.py` for them.

After a change that is meant to alter a log, renew them all and read the difference before you commit it:

    LABWRIGHT_RENEW_GOLDEN=1 pytest tests/golden/test_plays.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from tests.golden.plays import PLAYS
from tests.lab.engine.stage import Stage

FOLDER = Path(__file__).with_name("plays")


@pytest.mark.parametrize("name", PLAYS)
def test_a_procedure_still_does_what_it_did(name: str) -> None:
    stage = Stage(*PLAYS[name]).play()
    lines = stage.lines
    golden = FOLDER / f"{name}.txt"
    if os.environ.get("LABWRIGHT_RENEW_GOLDEN") == "1":
        FOLDER.mkdir(exist_ok=True)
        golden.write_text("\n".join(lines) + "\n", encoding="utf-8")
        pytest.skip("the log was renewed: read its difference before you commit it")
    assert lines == golden.read_text(encoding="utf-8").splitlines()
    assert reduce_all(LabState(), stage.mind.records) == stage.mind.state


def test_each_log_belongs_to_a_play_and_shows_how_it_ends() -> None:
    logs = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.txt")}
    assert logs.keys() == PLAYS.keys()
    assert all("the run has ended: " in log.splitlines()[-1] for log in logs.values())
