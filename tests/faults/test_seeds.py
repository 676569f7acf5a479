"""The lab keeps its promises in every seed; a seed is one story, whoever tells it, and the CLI tells it well."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace

import pytest

from lab.cli import main as cli
from lab.faults.knobs import CLASSES, Knobs, NetworkKnobs, RoomKnobs, StoreKnobs, draw_knobs
from lab.faults.many import Total, run_seeds, total_of
from lab.faults.seed import run_seed
from tests.faults.guards import GUARDS

QUIET = Knobs(frozenset(), 10.0, NetworkKnobs(), StoreKnobs(), RoomKnobs(), trials=2)


def test_a_quiet_lab_finishes_and_nobody_is_asked():
    verdict = run_seed(1, QUIET)
    assert verdict.violations == ()
    assert (verdict.acts, verdict.asked, verdict.crashes) == (8, 0, 0)
    assert '"state":"completed"' in verdict.journal[-1][1]


def test_a_slice_of_seeds_breaks_no_law():
    total = total_of(range(60))
    assert total.failed == ()
    assert total.seeds == 60
    assert total.restarts > 10
    assert total.acts > 200


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_ten_thousand_seeds_break_no_law():
    total = sum(run_seeds(0, 10_000), Total())
    assert total.failed == ()
    assert total.seeds == 10_000
    assert total.asked > 0


def test_chunks_on_processes_add_up_to_the_same():
    there, here = sum(run_seeds(40, 30, jobs=2), Total()), total_of(range(40, 70))
    assert there.virtual_s == pytest.approx(here.virtual_s)
    assert replace(there, virtual_s=0.0) == replace(here, virtual_s=0.0)


def test_the_same_seed_is_the_same_story_in_another_process_with_other_hashes():
    seeds = [3, 5, 8, 16, 39]
    here = [run_seed(seed).fingerprint for seed in seeds]
    assert [run_seed(seed).fingerprint for seed in seeds] == here
    assert len(set(here)) == len(here)
    code = (
        f"from lab.faults.seed import run_seed; print([run_seed(s).fingerprint for s in {seeds}])"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
        env={**os.environ, "PYTHONHASHSEED": "77"},
    )
    assert told.stdout.strip() == str(here)


def test_every_class_of_faults_is_drawn_and_each_has_its_own_knob():
    drawn = [draw_knobs(random.Random(f"knobs {seed}")) for seed in range(400)]
    assert {number for knobs in drawn for number in knobs.classes} == set(CLASSES)
    assert sum(not knobs.classes for knobs in drawn) > 20
    effects = {
        1: lambda k: k.engine_kills,
        2: lambda k: k.second_engines,
        3: lambda k: k.host_kills,
        4: lambda k: k.network.outages,
        5: lambda k: k.network.loses,
        6: lambda k: k.room.hangs,
        7: lambda k: k.room.garbles,
        8: lambda k: k.store.fails,
        9: lambda k: k.clock_jumps,
        10: lambda k: k.presses,
        11: lambda k: k.new_version,
        12: lambda k: k.suggest_fails,
        13: lambda k: k.room.flaps,
        14: lambda k: k.network.limit,
        15: lambda k: k.power_cuts,
    }
    for number, effect in effects.items():
        for knobs in drawn:
            assert bool(effect(knobs)) == (number in knobs.classes)


# -- the command line -------------------------------------------------------------------------------


@pytest.fixture
def lab(monkeypatch, capsys):
    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lab", "faults", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out = capsys.readouterr()
        return int(ended.value.code or 0), out.out, out.err

    return call


def test_run_says_what_was_run(lab):
    code, out, _ = lab("run", "--seeds", 20, "--start", 5, "--jobs", 1, "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["first_seed"], told["seeds"], told["failed"]) == (5, 20, [])
    code, out, _ = lab("run", "--seeds", 3, "--jobs", 1)
    assert out.startswith("3 seeds, 0 failed;")


def test_a_failing_seed_is_named_and_its_story_told(lab, monkeypatch):
    GUARDS["device_not_asked"](monkeypatch)
    code, _, err = lab("run", "--seeds", 60, "--jobs", 1)
    assert code == 1
    named = next(line for line in err.splitlines() if "I1: pump dosed" in line)
    seed = named.split(":")[0].removeprefix("seed ")
    assert f"lab faults replay {seed}" in err
    code, out, _ = lab("replay", seed)
    assert code == 1
    lines = out.splitlines()
    law = lines[lines.index("broken laws:") + 1].split()
    assert law[:3] == ["I1:", "pump", "dosed"]
    doses = [line for line in lines if f"pump         doses {law[3]} uL" in line]
    assert len(doses) == int(law[5])
    assert any("command_settled" in line for line in lines)
    moments = [float(line.split()[0]) for line in lines if " s  " in line[:14]]
    assert moments == sorted(moments)


def test_replay_as_json_holds_story_and_journal(lab):
    code, out, _ = lab("replay", 6, "--json")
    told = json.loads(out)
    assert (code, told["violations"], told["classes"]) == (0, [], [])
    assert {"at_s", "who", "what"} == set(told["story"][0])
    assert json.loads(told["journal"][0]["event"])["kind"] == "engine_started"


@pytest.mark.parametrize("words", [("replay", "x"), ("run", "--seeds", "0"), ("replay",)])
def test_wrong_usage_is_refused(lab, words):
    code, out, err = lab(*words)
    assert code == 2
    assert out == ""
    assert err.startswith("lab: ")
