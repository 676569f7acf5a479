"""`lab new sop` on a terminal, `lab show` and `lab check --watch` as processes of their own."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command_line import lab_here
from tests.support.procedures import FULL
from tests.system.lab_process import lab, start_lab, wait_until

ROOT_ENV = {**os.environ, "PYTHONPATH": str(Path.cwd()), "NO_COLOR": "1"}


def on_a_terminal(words: list[str], answers: list[str]) -> tuple[int, str]:
    """`lab WORDS` with a real terminal; each answer is typed when a question (ending in `:`) is there."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "lab.cli.main", *words],
        stdin=other, stdout=other, stderr=other, env=ROOT_ENV, start_new_session=True,
    )  # fmt: skip
    os.close(other)
    said, left, from_here = "", list(answers), 0
    while select.select([main], [], [], 60)[0]:
        try:
            said += os.read(main, 4096).decode()
        except OSError:  # Linux says so at the end
            break
        if left and said[from_here:].rstrip().endswith(":"):
            from_here = len(said)
            os.write(main, left.pop(0).encode() + b"\n")
    os.close(main)
    return process.wait(60), said


def test_a_new_sop_asks_and_passes_its_check(tmp_path):
    answers = ["Acid in vinegar", "nonsense", "ph", "y", "n", "y"]
    code, said = on_a_terminal(["new", "sop", "vinegar", "--in", str(tmp_path)], answers)
    assert code == 0, said
    text = (tmp_path / "vinegar" / "sop.yaml").read_text()
    assert 'title: "Acid in vinegar"' in text
    assert "capability: ph\n" in text
    assert "repeat:" in text
    assert "heater" not in text
    done = lab_here("check", str(tmp_path / "vinegar" / "sop.yaml"))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("terminal", [False, True])
def test_without_a_terminal_or_with_yes_nothing_is_asked(tmp_path, terminal):
    words = ["new", "sop", "mine", "--in", str(tmp_path)]
    if terminal:
        code, said = on_a_terminal([*words, "--yes"], [])
        assert "?" not in said
    else:
        code = lab(*words).returncode
    assert code == 0
    assert (
        "title: Dose a volume of water and weigh it" in (tmp_path / "mine" / "sop.yaml").read_text()
    )


def test_show_prints_a_page_and_writes_files(tmp_path):
    sop = tmp_path / "sop.yaml"
    sop.write_text(FULL, encoding="utf-8")
    page, cwl = tmp_path / "out" / "page.html", tmp_path / "out" / "flow.cwl"
    assert lab_here("show", str(sop)).stdout.startswith("# Make an ester")
    done = lab("show", str(sop), "--html", str(page), "--cwl", str(cwl))
    assert done.stdout.split() == [str(page), str(cwl)]
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert json.loads(cwl.read_text())["class"] == "Workflow"
    assert lab_here("show", str(sop), "--graph", "dot").stdout.startswith("digraph")
    assert lab_here("show", str(sop), "--graph", "mermaid").stdout.startswith("flowchart TD")
    refused = lab_here("show", str(sop), "--graph", "crayon")
    assert refused.returncode == 2
    assert "mermaid, dot" in refused.stderr
    assert lab_here("show", str(tmp_path / "none.yaml")).returncode == 2


def test_watch_checks_again_until_it_is_interrupted(tmp_path):
    assert lab_here("new", "sop", "mine", "--in", str(tmp_path)).returncode == 0
    sop, log = tmp_path / "mine" / "sop.yaml", tmp_path / "log"
    good = sop.read_text()
    with start_lab("check", str(sop), "--watch", log=log) as process:
        wait_until(lambda: "no blocking findings" in log.read_text(), "a first check")
        sop.write_text(good.replace("timeout: 60 s", "timeout: 60", 1))
        wait_until(lambda: "1 errors" in log.read_text(), "the mistake")
        sop.unlink()
        wait_until(lambda: "there is no file" in log.read_text(), "the missing file")
        sop.write_text(good)
        wait_until(lambda: log.read_text().count("no blocking findings") == 2, "the mended file")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    assert "Traceback" not in log.read_text()


def test_diff_says_by_its_code_what_it_found(tmp_path: Path):
    a, b = tmp_path / "a.yaml", tmp_path / "b.yaml"
    a.write_text(FULL, encoding="utf-8")
    b.write_text(FULL.replace("less_than: 5 min", "less_than: 300 s"), encoding="utf-8")
    assert lab_here("diff", str(a), str(b)).returncode == 0
    b.write_text(FULL.replace("less_than: 5 min", "less_than: 6 min"), encoding="utf-8")
    assert lab("diff", str(a), str(b)).returncode == 1
    b.write_text("nonsense: [", encoding="utf-8")
    done = lab_here("diff", str(a), str(b))
    assert done.returncode == 2
    assert "b.yaml:1:" in done.stderr
