"""The pages beside a real engine at work: live values, and a pause that the laboratory obeys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.system.lab_process import ELECTROLYTE, journal_rows, start_lab, wait_until
from tests.ui.pages import PATIENCE_MS, drawn, served, visit

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = [pytest.mark.ui, pytest.mark.system]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path, None, None]:
    """A campaign on simulated instruments in a process of their own; yields its records."""
    folder = tmp_path_factory.mktemp("run")
    records = folder / "records.db"
    words = ("run", str(ELECTROLYTE / "campaign.yaml"), "--speed", "60", "--seed", "3")
    with start_lab(*words, "--db", str(records), log=folder / "run.log") as process:
        wait_until(
            lambda: _count(records, "trial_completed") >= 1 or process.poll() is not None,
            "the first result",
            120,
        )
        assert process.poll() is None, (folder / "run.log").read_text()
        yield records


@pytest.fixture(scope="module")
def address(running: Path) -> Generator[str, None, None]:
    with served(running) as url:
        yield url


def _count(records: Path, kind: str) -> int:
    return sum(row["kind"] == kind for row in journal_rows(records))


def _event_number(page: Page) -> int:
    text = page.get_by_text(re.compile(r"event \d+")).first.inner_text(timeout=PATIENCE_MS)
    found = re.search(r"event (\d+)", text)
    assert found is not None
    return int(found[1])


@pytest.mark.timeout(180)
def test_every_view_shows_what_goes_on(page: Page, address: str) -> None:
    visit(page, address, "", "Overview")
    expect(page.get_by_text("engine 1 answers")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("hotplate_1").first).to_be_visible()
    first = _event_number(page)
    page.wait_for_function(
        "n => { const m = document.body.innerText.match(/event (\\d+)/); return m && +m[1] > n; }",
        arg=first,
    )
    visit(page, address, "timeline", "Timeline")
    chart = page.get_by_test_id("stPlotlyChart")
    expect(drawn(page, "transfer_pump_1")).to_be_visible(timeout=PATIENCE_MS)
    expect(chart.locator(".barlayer .point").first).to_be_attached()
    visit(page, address, "campaign", "Campaign")
    expect(page.get_by_text("Best measured:")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.timeout(180)
def test_a_pause_by_name_reaches_the_engine(page: Page, address: str, running: Path) -> None:
    visit(page, address, "", "Overview")
    expect(page.get_by_text("engine 1 answers")).to_be_visible(timeout=PATIENCE_MS)
    name = page.get_by_role("textbox", name="Your name")
    name.fill("Ada")
    name.press("Enter")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text("paused by Ada").first).to_be_visible(timeout=PATIENCE_MS)
    rows = journal_rows(running)
    assert [row["actor"] for row in rows if row["kind"] == "lab_paused"] == ["Ada"]
    page.get_by_role("button", name="Resume", exact=True).click()
    wait_until(lambda: _count(running, "lab_resumed") == 1, "the engine to go on")
