"""People at work in a real browser beside a real engine: an answer, a refusal, a witness, and the run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.support.plays import RICH
from tests.system.lab_process import journal_rows, lab, start_lab, wait_until
from tests.ui.pages import PATIENCE_MS, served, visit

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = [pytest.mark.ui, pytest.mark.system]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path, None, None]:
    """The procedure that uses every construct, on simulated instruments and with no simulated people."""
    folder = tmp_path_factory.mktemp("run")
    records = folder / "records.db"
    words = ("run", str(RICH), "--simulate", "--broker", "in-process", "--speed", "10")
    with start_lab(*words, "--db", str(records), log=folder / "run.log") as process:
        wait_until(
            lambda: bool(_of_kind(records, "task_asked")) or process.poll() is not None,
            "the first task",
            120,
        )
        assert process.poll() is None, (folder / "run.log").read_text()
        yield records


def _of_kind(records: Path, kind: str) -> list[dict[str, object]]:
    return [row for row in journal_rows(records) if row["kind"] == kind]


@pytest.mark.timeout(180)
def test_one_person_does_it_another_confirms_and_the_run_goes_on(page: Page, running: Path) -> None:
    with served(running) as address:
        visit(page, address, "", "Overview")
        expect(page.get_by_text("People are needed")).to_be_visible(timeout=PATIENCE_MS)
        visit(page, address, "tasks", "Tasks")
        expect(page.get_by_text("Sample 1: Look at the cell")).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_role("radio", name="yes").click()
        page.get_by_role("radio", name="clear").click()
        room = page.get_by_role("spinbutton", name="Temperature of the room (15 to 30 °C)")
        room.fill("40")
        page.get_by_role("textbox", name="Signed by").fill("Ada Lovelace")
        page.wait_for_timeout(4000)  # the page is redrawn meanwhile; what is typed must stay
        page.get_by_role("button", name="Sign and send").click()
        expect(page.get_by_text("of at least 15 degC and of at most 30 degC")).to_be_visible()
        assert _of_kind(running, "task_answered") == []
        room.fill("21.55")
        page.get_by_role("button", name="Sign and send").click()
        expect(page.get_by_text("a second person must witness it")).to_be_visible()
        expect(page.get_by_text("21.55 °C")).to_be_visible()
        witness = page.get_by_role("textbox", name="Witnessed by")
        expect(witness).to_have_value("")
        witness.fill("ada lovelace")
        page.get_by_role("button", name="I confirm it").click()
        expect(page.get_by_text("a witness must be somebody else")).to_be_visible()
        witness.fill("Grace Hopper")
        page.get_by_role("button", name="I confirm it").click()
        expect(page.get_by_text("witnessed by Grace Hopper")).to_be_visible()
        expect(page.get_by_text("Nobody is asked for anything.")).to_be_visible()
    [answered] = _of_kind(running, "task_answered")
    assert answered["actor"] == "Ada Lovelace"
    assert answered["answers"] == {"clean": True, "colour": "clear", "room": 21.55}
    assert not answered["simulated"]
    assert [row["actor"] for row in _of_kind(running, "task_witnessed")] == ["Grace Hopper"]
    wait_until(lambda: len(_of_kind(running, "step_succeeded")) > 1, "the next step")


@pytest.mark.timeout(120)
def test_a_finished_run_shows_its_course(page: Page, tmp_path: Path) -> None:
    records = tmp_path / "rich.db"
    assert lab("run", str(RICH), "--virtual", "--db", str(records)).returncode == 0
    with served(records) as address:
        visit(page, address, "records", "Records")
        for heading in ("Flags", "Time windows", "Quality", "Manual tasks", "Decisions"):
            expect(page.get_by_role("heading", name=heading, level=3)).to_be_visible(
                timeout=PATIENCE_MS
            )
        expect(page.get_by_role("heading", name="Questions to people")).to_have_count(0)
        expect(page.get_by_role("button", name="quality.csv")).to_be_visible()
