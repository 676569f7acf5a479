"""`lab plan`: what it says to people and to programs."""

from __future__ import annotations

import json

from tests.support.command_line import lab_here
from tests.support.sop_files import EXAMPLE
from tests.system.lab_process import lab

CAMPAIGN = str(EXAMPLE / "campaign.yaml")


def test_a_plan_for_people_says_how_long_and_what_would_help(tmp_path):
    page = tmp_path / "plan.html"
    done = lab("plan", CAMPAIGN, "--samples", "4", "--time", "0", "--html", str(page))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "start s\tend s\tsample\tstep\tdevice"
    assert sum("electrolyte/r00" in line for line in lines) >= 44
    assert any(line.startswith("makespan ") and "feasible" in line for line in lines)
    assert any("the bottleneck is cell_" in line for line in lines)
    assert any(line.startswith("cell_1\ttransfer_pump_1") and "%" in line for line in lines)
    assert lines[-1] == str(page)
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_document_has_what_programs_rely_on():
    done = lab_here("plan", CAMPAIGN, "--samples", "2", "--time", "0.2", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"makespan_s", "lower_bound_s", "broken_holds", "status", "timeline"} <= set(found)
    assert {"sample", "step", "device", "start_s", "end_s"} <= set(found["timeline"][0])
    assert found["status"] in ("optimal", "feasible")


def test_bad_input_is_said_without_a_traceback(tmp_path):
    for words, code, said in (
        (["plan"], 2, "lab"),
        (["plan", str(tmp_path / "none.yaml")], 2, "none.yaml"),
        (["plan", CAMPAIGN, "--samples", "0"], 2, "greater than or equal to 1"),
        (["plan", CAMPAIGN, "--time", "-1"], 2, "greater than or equal to 0"),
        (["plan", str(EXAMPLE / "lab.yaml")], 2, "is a lab file"),
    ):
        done = lab_here(*words)
        assert done.returncode == code, (words, done.stderr)
        assert said in done.stderr + done.stdout
        assert "Traceback" not in done.stderr
