"""Results beyond what can be measured, on the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import streamlit as st

from dashboard.views.campaign import trial_table
from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.records.reader import open_records
from tests.dashboard.test_views import page
from tests.lab.app.test_ranges_of_a_campaign import _folder  # pyright: ignore[reportPrivateUsage]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.sample_journal import SampleLab


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Records of a campaign whose best trials are all beyond the range."""
    made = str(tmp_path / "records.db")
    run_campaign(RunOptions(campaign=_folder(tmp_path, trials=4), virtual=True, seed=3, database=made))  # fmt: skip
    monkeypatch.setenv("LABWRIGHT_DB", made)
    monkeypatch.setattr("sys.argv", ["app.py"])
    st.cache_data.clear()
    yield made
    st.cache_resource.clear()
    st.cache_data.clear()


def test_the_pages_mark_what_lies_beyond(database: str):
    overview = page("overview")
    assert not overview.exception
    assert any(metric.value == "> 8 mS/cm" for metric in overview.metric)
    campaign = page("campaign")
    assert not campaign.exception
    texts = [element.value for element in campaign.markdown]
    assert any("Best measured: **> 8 mS/cm** in trial" in text for text in texts)
    with open_records(database) as records:
        rows = trial_table(records.trials())
    assert "conductivity: above" in {row["beyond"] for row in rows}


def test_what_lies_within_is_not_marked(sample: SampleLab):
    with open_records(str(sample.path)) as records:
        (row, *_) = trial_table(records.trials())
    assert "beyond" not in row
    assert not any("> " in str(metric.value) for metric in page("overview").metric)
