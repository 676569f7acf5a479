"""Fixtures for the whole suite: services that may be missing, and a watch on tasks that outlive their test.

A missing service skips a test on a person's machine and fails it where CI=true, so that a green CI has truly
spoken to a broker, a database and a browser.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import shutil
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

__all__ = ["missing"]

# How long an example takes says something of the machine, not of the code.
settings.register_profile(
    "labwright", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("labwright")


def missing(what: str, remedy: str) -> NoReturn:
    """Skip the test for want of `what`, or fail it under CI=true."""
    text = f"no {what}: {remedy}"
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(f"{text} (CI must not skip it)", pytrace=False)
    pytest.skip(text)


_TAKE_LONG = ("ui", "system", "faults")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Every second of the processes side by side reads the folders from their end.

    All of them read all files, and the first one to read a file leaves its compiled form to the others: in a tree
    that nobody has tested before each compiles a half of it, instead of all at the same time the same one.
    """
    report = yield
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    if int(worker) % 2 and isinstance(collector, pytest.Directory):
        report.result.reverse()
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that drive processes and browsers first: side by side, a long one that began last would be waited for alone."""
    files = {
        item.path for item in items if any(item.get_closest_marker(mark) for mark in _TAKE_LONG)
    }
    items.sort(key=lambda item: (item.path not in files, item.path))


def pytest_collection_finish() -> None:
    """What was imported stays: the collector need not look at it each time that a test has made some objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 10)


@pytest.fixture
def mqtt_url() -> str:
    """A real MQTT broker, e.g. `mqtt://127.0.0.1:1883`. Use topics of your own: it is shared."""
    return os.environ.get("LABWRIGHT_MQTT_URL") or missing(
        "MQTT broker", "start Mosquitto and set LABWRIGHT_MQTT_URL=mqtt://127.0.0.1:1883"
    )


@pytest.fixture
def postgres_url() -> str:
    """A real PostgreSQL database as an SQLAlchemy URL. Use a schema of your own: it is shared."""
    return os.environ.get("LABWRIGHT_POSTGRES_URL") or missing(
        "PostgreSQL",
        "set LABWRIGHT_POSTGRES_URL=postgresql+psycopg://postgres@127.0.0.1:5432/test",
    )


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser for tests marked `ui`: $CHROMIUM, or the first Chromium or Chrome on PATH."""
    named = os.environ.get("CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome", "chrome"]
    for name in names:
        if path := shutil.which(name):
            return path
    return missing("Chromium", f"looked for {', '.join(names)} on PATH; install it or set CHROMIUM")


@pytest.fixture(autouse=True)
def _watch_tasks(request: pytest.FixtureRequest) -> None:  # pyright: ignore[reportUnusedFunction]
    """Asked for by every test, so that it is set up first and looks last; only coroutine tests have tasks."""
    function = getattr(request, "function", None)
    if function is not None and inspect.iscoroutinefunction(function):
        request.getfixturevalue("no_task_left_behind")


@pytest.fixture
async def no_task_left_behind() -> AsyncIterator[None]:
    """Fails the test when a task that was started in it still runs after its fixtures are torn down."""
    before = asyncio.all_tasks()
    yield
    for _ in range(3):  # what has been cancelled needs a turn of the loop or two to end
        await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]
    names = sorted(f"{task.get_name()}: {task.get_coro()!r}" for task in left)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    if names:
        pytest.fail("tasks outlived their test:\n  " + "\n  ".join(names), pytrace=False)
