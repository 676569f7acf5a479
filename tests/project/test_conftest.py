"""The suite's own guards: a leaked task fails its test, a missing service skips, and fails under CI."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = (Path(__file__).parents[1] / "conftest.py").read_text(encoding="utf-8")


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An empty test suite with this project's conftest and no services."""
    for name in ("CI", "CHROMIUM", "LABWRIGHT_MQTT_URL", "LABWRIGHT_POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeconftest(CONFTEST)
    pytester.makeini(
        "[pytest]\nasyncio_mode=auto\nasyncio_default_fixture_loop_scope=function\n"
        "filterwarnings=error\n"
    )
    return pytester


def test_a_task_that_outlives_its_test_fails_it(suite: pytest.Pytester):
    suite.makepyfile(
        """
        import asyncio

        kept = []

        async def test_leaks():
            kept.append(asyncio.create_task(asyncio.sleep(3600), name="forgotten"))

        async def test_next_is_untouched():
            task = asyncio.create_task(asyncio.sleep(0))
            await task
        """
    )
    result = suite.runpytest_subprocess()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*tasks outlived their test*", "*forgotten*"])


def test_a_fixture_that_ends_its_task_is_fine(suite: pytest.Pytester):
    suite.makepyfile(
        """
        import asyncio
        import pytest

        @pytest.fixture
        async def worker():
            task = asyncio.create_task(asyncio.sleep(3600))
            yield task
            task.cancel()

        async def test_uses_it(worker):
            assert not worker.done()

        def test_plain():
            assert True
        """
    )
    suite.runpytest_subprocess().assert_outcomes(passed=2)


def test_missing_services_skip_with_a_remedy(suite: pytest.Pytester):
    suite.makepyfile("def test_a(mqtt_url): pass\ndef test_b(postgres_url): pass\n")
    result = suite.runpytest_subprocess("-rs")
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["*LABWRIGHT_MQTT_URL*", "*LABWRIGHT_POSTGRES_URL*"])


def test_missing_services_fail_in_ci(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("CHROMIUM", "no-such-browser")
    suite.makepyfile(
        "def test_a(mqtt_url): pass\n"
        "def test_b(postgres_url): pass\n"
        "def test_c(chromium_path): pass\n"
    )
    suite.runpytest_subprocess().assert_outcomes(errors=3)


def test_services_are_handed_on(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LABWRIGHT_MQTT_URL", "mqtt://127.0.0.1:9")
    monkeypatch.setenv("CHROMIUM", "sh")
    suite.makepyfile(
        """
        def test_a(mqtt_url, chromium_path):
            assert mqtt_url == "mqtt://127.0.0.1:9"
            assert chromium_path.endswith("/sh")
        """
    )
    suite.runpytest_subprocess().assert_outcomes(passed=1)


def test_what_drives_processes_and_browsers_is_begun_first(suite: pytest.Pytester):
    suite.makepyfile(
        test_a="def test_quick(): pass",
        test_b="""
        import pytest

        def test_before_it(): pass

        @pytest.mark.system
        def test_processes(): pass
        """,
    )
    result = suite.runpytest_subprocess(
        "--collect-only", "--quiet", "--override-ini", "markers=system: real processes"
    )
    result.stdout.fnmatch_lines(
        ["test_b.py::test_before_it", "test_b.py::test_processes", "test_a.py::test_quick"]
    )


def test_every_second_process_reads_the_files_from_the_end_and_runs_them_in_the_same_order(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    for name in ("one", "two", "three"):
        folder = suite.mkdir(name)
        text = f"print('read {name}')\n\ndef test_runs():\n    print('ran {name}')\n"
        (folder / f"test_{name}.py").write_text(text, encoding="utf-8")
    order = {}
    for worker in ("gw0", "gw1", "gw2"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        result = suite.runpytest_subprocess("--capture=no")
        result.assert_outcomes(passed=3)
        words = [line.rsplit(maxsplit=2) for line in result.outlines]
        order[worker] = {
            verb: [line[-1] for line in words if len(line) > 1 and line[-2] == verb]
            for verb in ("read", "ran")
        }
    names = ["one", "three", "two"]
    assert order["gw0"] == order["gw2"]
    assert order["gw0"] == {"read": names, "ran": names}
    assert order["gw1"] == {"read": names[::-1], "ran": names}
