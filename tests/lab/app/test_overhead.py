"""What a step costs is measured with the real parts, and all that was to be done was done."""

from __future__ import annotations

import json
import os

import pytest
from typer.testing import CliRunner

from lab.app.overhead import bench_overhead
from lab.cli.main import app
from lab.domain.errors import InputError
from tests.conftest import missing

MQTT = os.environ.get("LABWRIGHT_MQTT_URL", "mqtt://127.0.0.1:1883")


def believable(found: dict, samples: int, steps: int) -> None:
    alone, together = found["one_at_a_time"], found["at_once"]
    assert (alone["samples"], alone["steps"]) == (1, steps)
    assert (together["samples"], together["steps"]) == (samples, samples * steps)
    assert found["flush_ms"] > 0
    assert found["round_trip_ms"] > 0
    least = found["flush_ms"] + found["round_trip_ms"]
    assert alone["ratio"] == pytest.approx(alone["ms_per_step"] / least, rel=0.01)
    for part in (alone, together):
        assert part["steps_per_s"] == pytest.approx(1000 / part["ms_per_step"], rel=0.02)
        # An intent, its acceptance, its end and the step's are four records at least.
        assert part["events_per_s"] >= 3.5 * part["steps_per_s"]
        assert 0 < part["command_ms_p50"] <= part["command_ms_p99"]


def test_in_one_process_on_a_file(tmp_path):
    ask = ["bench", "overhead", "--samples", "3", "--steps", "4", "--folder", str(tmp_path)]
    said = CliRunner().invoke(app, [*ask, "--json"], standalone_mode=False)
    found = json.loads(said.output)
    assert (found["bus"], found["store"]) == ("in-process", "sqlite")
    believable(found, 3, 4)
    assert not list(tmp_path.iterdir()), "it leaves nothing"


@pytest.mark.system
def test_over_a_broker_with_hosts_of_their_own(tmp_path):
    from lab.app.doctor import _broker

    if not _broker(MQTT).ok:
        missing("an MQTT broker", "start one and set LABWRIGHT_MQTT_URL")
    found = bench_overhead(samples=2, steps=3, broker=MQTT, database=None, folder=tmp_path)
    assert (found["bus"], found["store"]) == ("mqtt", "sqlite")
    believable(found, 2, 3)


def test_a_server_without_a_name_is_refused():
    for wrong in (["--store", "postgres"], ["--db", "postgresql://h/d"]):
        with pytest.raises(InputError, match="--store postgres together with --db"):
            CliRunner().invoke(
                app, ["bench", "overhead", *wrong], standalone_mode=False, catch_exceptions=False
            )
