"""The pages in a real browser, served by a real Streamlit process, on a journal that grows meanwhile.

No request may leave the machine. Screenshots go to the test's folder and, where LABWRIGHT_SCREENSHOTS names one, there.
"""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import expect

from lab.domain import event as ev
from tests.support.fake_engine import EngineThread
from tests.support.sample_journal import CAMPAIGN, SampleLab
from tests.ui.pages import PATIENCE_MS, drawn, foreign, served, visit

pytestmark = pytest.mark.ui


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    lab = SampleLab(tmp_path_factory.mktemp("ui") / "electrolyte.db")
    yield lab
    lab.close()


@pytest.fixture(scope="module")
def address(sample):
    """A Streamlit process on the sample's records."""
    with served(sample.path) as url:
        yield url


def test_the_guard_sees_what_leaves_the_machine():
    local = [
        "http://127.0.0.1:1/x",
        "data:image/png;base64,",
        "blob:http://127.0.0.1/1",
        "ws://127.0.0.1:1/s",
    ]
    outside = ["https://fonts.example/a.css", "wss://example.org", "http://127.0.0.1.example.org/"]
    assert foreign(local + outside) == outside


def test_overview_shows_the_lab_and_grows_with_the_journal(page, address, sample):
    visit(page, address, "", "Overview")
    expect(page.get_by_text("No engine answers: read-only.")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Sample 5")).to_be_visible()
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("3 of 8")
    sample.advance(200)  # trial 5 is done meanwhile
    expect(page.get_by_test_id("stMetricValue").first).to_have_text("4 of 8", timeout=PATIENCE_MS)
    expect(page.get_by_text("Sample 7")).to_be_visible()


def test_timeline_is_drawn_both_ways(page, address, sample):
    visit(page, address, "timeline", "Timeline")
    chart = page.get_by_test_id("stPlotlyChart")
    expect(drawn(page, "concentrate_pump")).to_be_visible(timeout=PATIENCE_MS)
    expect(chart.locator(".barlayer .point").first).to_be_attached()
    before = chart.locator(".barlayer .point").count()
    sample.advance(120)
    page.wait_for_function(
        "n => document.querySelectorAll('.barlayer .point').length > n", arg=before
    )
    page.get_by_text("By sample").click()
    expect(drawn(page, "Sample 6")).to_be_visible()


def test_dangers_and_better_plans_are_told_where_people_look(page, address, sample):
    run = f"{CAMPAIGN}/r009"  # a sample that has not begun, and whose end the others' tests do not wait for
    told = ev.HoldJudged(
        campaign=CAMPAIGN,
        run=run,
        window="fresh",
        first="transfer",
        second="measure",
        state="endangered",
        by_s=95.0,
        reason="the plan takes 95 s too long from transfer to measure",
    )
    dropped = ev.PlanJudged(
        campaign=CAMPAIGN,
        plan=1,
        source="solver",
        adopted=False,
        reason="it moves what begins at once",
        gain_s=60.0,
        makespan_gain_s=-20.0,
    )
    sample.add(told, dropped)
    visit(page, address, "", "Overview")
    expect(page.get_by_text("Longest times in danger")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("from transfer to measure): in danger")).to_be_visible()
    expect(page.get_by_text("1 min 35 s too long")).to_be_visible()
    if folder := os.environ.get("LABWRIGHT_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/dangers.png", full_page=True)
    sample.add(told.model_copy(update={"state": "safe", "by_s": 0.0, "reason": ""}))
    expect(page.get_by_text("Longest times in danger")).to_have_count(0, timeout=PATIENCE_MS)
    visit(page, address, "timeline", "Timeline")
    expect(page.get_by_role("heading", name="Plans")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_test_id("stDataFrame")).to_be_visible(timeout=PATIENCE_MS)
    # The table is drawn on a canvas; what it says stands in the grid for screen readers.
    grid = page.get_by_test_id("stDataFrame").locator("canvas table")
    expect(grid.get_by_text("solver beside the engine").first).to_be_attached()
    expect(grid.get_by_text("it moves what begins at once").first).to_be_attached()


def test_campaign_shows_best_model_and_trials(page, address):
    visit(page, address, "campaign", "Campaign")
    expect(page.get_by_text("Best measured:")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Reference 9.13 mS/cm")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()
    # The model is fitted in the background and comes by itself.
    expect(page.get_by_text("one standard deviation")).to_be_visible(timeout=90_000)
    expect(page.locator(".contourlayer").first).to_be_attached(timeout=PATIENCE_MS)


def test_records_show_failed_work_and_download(page, address, tmp_path):
    visit(page, address, "records", "Records")
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_text("Problems only").click()
    expect(page.get_by_role("combobox", name="Run")).to_have_value("electrolyte-1/r003")
    # A click during the redrawing would ask for a file that the page has just replaced.
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
    with page.expect_download() as download:
        page.get_by_role("button", name="observations.csv").click()
    target = tmp_path / "observations.csv"
    download.value.save_as(target)
    assert target.read_text(encoding="utf-8").startswith(
        "seq,at,campaign,trial,run,step,command,name,value,unit"
    )


def test_pausing_and_answering_by_name(page, address, sample):
    with EngineThread(sample.path) as engine:
        visit(page, address, "", "Overview")
        expect(page.get_by_text("engine 1 answers")).to_be_visible(timeout=PATIENCE_MS)
        name = page.get_by_role("textbox", name="Your name")
        name.fill("Ada")
        name.press("Enter")
        page.get_by_placeholder("Reason (recorded)").fill("refilling")
        page.get_by_placeholder("Reason (recorded)").press("Enter")
        page.get_by_role("button", name="Pause", exact=True).click()
        expect(page.get_by_text("paused by Ada: refilling")).to_be_visible(timeout=PATIENCE_MS)
        assert [(r.verb, r.actor, r.reason) for r in engine.asked] == [
            ("pause", "Ada", "refilling")
        ]
        command = engine.state().open_commands()[0].command
        question = ev.QuestionAsked(
            question="q1",
            command=command.id,
            run=command.run,
            text="Is the cell hot?",
            choices=("yes", "no"),
        )
        engine.loop.call_soon_threadsafe(engine.tell, question)
        expect(page.get_by_text("Is the cell hot?").first).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_role("button", name="no", exact=True).click()
        expect(page.get_by_text("A person is needed")).to_have_count(0, timeout=PATIENCE_MS)
        assert engine.asked[-1].args == {"question": "q1", "answer": "no"}
        assert len(engine.asked) == 2
    expect(page.get_by_text("No engine answers: read-only.")).to_be_visible(timeout=PATIENCE_MS)
