"""What `lab run` says while it runs: what needs a person, what was decided, what is flagged."""

from __future__ import annotations

import pytest

from lab.cli.progress import ProgressLines
from tests.golden.plays import PLAYS
from tests.lab.engine.stage import Stage
from tests.lab.engine.test_withdrawing import Measured


@pytest.mark.parametrize(
    ("play", "words"),
    [
        ("manual_with_witness", "TASK t-"),
        ("manual_with_witness", "Read the pH meter (kit-1/r001); see lab status"),
        ("branch_taken", "kit-1/r001 light: 'mass < 2' is true"),
        ("skip", "kit-1/r001 flagged (skipped, step stir): it went wrong"),
        ("hold_skip", "QUESTION h-"),
    ],
)
def test_progress_tells_what_a_person_should_know(
    play: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mind = Stage(*PLAYS[play]).play().mind
    for quiet, told in ((True, False), (False, True)):
        progress = ProgressLines(quiet=quiet)
        for record in mind.records:
            progress.watch(mind.state, record)
        captured = capsys.readouterr()
        assert (words in captured.err + captured.out) == told


def test_a_withdrawn_result_is_told_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    mind = Measured()
    assert mind.say("withdraw", "the vial leaked", trial=2)[0]
    progress = ProgressLines(quiet=False)
    for record in mind.records:
        progress.watch(mind.state, record)
    assert "trial   2 withdrawn by Ada: the vial leaked" in capsys.readouterr().err
