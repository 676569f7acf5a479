"""The story that tests of states go on with."""

from __future__ import annotations

import pytest

from tests.lab.domain.story import SAMPLE, Story
from tests.support.sample_journal import START


@pytest.fixture
def story():
    """A campaign with one run that has just started."""
    told = Story()
    for record in SAMPLE:
        told.tell(record.event, (record.at - START).total_seconds())
        if record.event.kind == "run_started":
            break
    return told
