"""A browser, and a page that fails its test when anything leaves this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.ui.pages import PATIENCE_MS, foreign

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser(chromium_path):
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium_path, args=_FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser, tmp_path, request):
    """A page that notes every request; afterwards none may have left the machine, and nothing may have failed."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    opened = context.new_page()
    asked: list[str] = []
    failed: list[str] = []
    opened.on("request", lambda sent: asked.append(sent.url))
    opened.on("websocket", lambda socket: asked.append(socket.url))
    opened.on("pageerror", lambda error: failed.append(str(error)))
    opened.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield opened
    picture = tmp_path / f"{request.node.name}.png"
    opened.screenshot(path=str(picture), full_page=True)
    if folder := os.environ.get("LABWRIGHT_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(picture, folder)
    context.close()
    assert picture.stat().st_size > 10_000  # something was drawn
    assert asked
    assert foreign(asked) == []
    assert failed == []
