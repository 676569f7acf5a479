"""Records of the sample campaign for the pages, and an engine that answers for them."""

from __future__ import annotations

import pytest
import streamlit as st

from tests.support.fake_engine import EngineThread
from tests.support.sample_journal import SampleLab


@pytest.fixture
def sample(tmp_path, monkeypatch):
    lab = SampleLab(tmp_path / "lab.db")
    monkeypatch.setenv("LABWRIGHT_DB", str(lab.path))
    monkeypatch.setattr("sys.argv", ["app.py"])
    st.cache_data.clear()
    yield lab
    st.cache_resource.clear()
    st.cache_data.clear()
    lab.close()


@pytest.fixture
def engine(sample):
    with EngineThread(sample.path) as port:
        yield port
