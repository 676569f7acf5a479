"""What `lab run` says while it runs: what needs a person, what was decided, what is flagged."""

from __future__ import annotations

import pytest

from lab.cli.progress import ProgressLines
from tests.golden.plays import PLAYS
from tests.lab.engine.stage import Stage


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
