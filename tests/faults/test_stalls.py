"""What hangs, dies or is full stalls nothing but what needs it, and `lab status` says what waits for what: real processes."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.kill_rounds import finish, judge
from tests.faults.real_lab import RealLab, answers, free_port, mosquitto, real_lab, rows_of, wait
from tests.faults.serial_relay import serial_relay
from tests.system.test_kill_and_resume import doses_by_the_records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.faults, pytest.mark.system, pytest.mark.timeout(600)]

TRIALS = 4
CELL_1 = ("hotplate_1", "probe_1", "drain_pump_1")
"""What only the samples in the first cell need."""

Row = dict[str, Any]


@contextmanager
def begun(folder: Path, trials: int = TRIALS, url: str = "", **more: Any) -> Iterator[RealLab]:
    """A lab of real processes at work."""
    port = free_port()
    broker = mosquitto(folder, port)
    url = url or f"sqlite:///{folder / 'records.db'}"
    with ExitStack() as stack:
        stack.callback(broker.kill)
        broker.start()
        wait(lambda: answers(port), "the broker")
        lab = stack.enter_context(real_lab(folder, f"mqtt://127.0.0.1:{port}", url, trials, **more))
        lab.start(lambda: len(rows_of(url)) > 3)
        yield lab


def under_way(rows: list[Row], devices: tuple[str, ...]) -> list[Row]:
    """Commands that these devices took and that have not ended."""
    taken = {row["command"] for row in rows if row["kind"] == "command_accepted"}
    over = {row["command"] for row in rows if row["kind"] in ("command_ended", "command_settled")}
    commands = [row["command"] for row in rows if row["kind"] == "command_intended"]
    return [c for c in commands if c["id"] in taken - over and c["device"] in devices]


def caught(lab: RealLab, devices: tuple[str, ...]) -> Row:
    """Wait until one of them is at work; its command."""
    found: list[Row] = []

    def at_work() -> bool:
        assert lab.engine.code is None, lab.engine.told()
        found[:] = under_way(rows_of(lab.database), devices)
        return bool(found)

    wait(at_work, f"work of {', '.join(devices)}", 180)
    return found[0]


def others_end(lab: RealLab, stuck: Row, since: int) -> None:
    """Wait until a sample that does not need what is stuck has come to its end after that many rows."""
    wait(
        lambda: any(
            row["kind"] == "run_finished" and row["run"] != stuck["run"]
            for row in rows_of(lab.database)[since:]
        ),
        "another sample to end",
        240,
    )


def waits_told(lab: RealLab, stuck: Row) -> list[Row]:
    """What `lab status` says of the stuck sample: each with its reason and since when."""
    run = next(run for run in lab.status()["runs"] if run["run"] == stuck["run"])
    for told in run["waits"]:
        assert told["waits_for"]
        assert told["since"]
        assert told["for_s"] > 0
    return list(run["waits"])  # pyright: ignore[reportReturnType]


@pytest.mark.long
@pytest.mark.parametrize("how", ["hung", "dead"])
def test_a_device_host_stalls_only_what_needs_its_devices(tmp_path: Path, how: str) -> None:
    with begun(tmp_path, apart=CELL_1) as lab:
        stuck = caught(lab, CELL_1)
        since = len(rows_of(lab.database))
        if how == "hung":
            lab.other_host.pause()
        else:
            lab.other_host.kill()
        others_end(lab, stuck, since)
        assert any(stuck["device"] == told["device"] for told in waits_told(lab, stuck))
        lost = {d["device"] for d in lab.status()["devices"] if d["state"] == "lost"}
        assert lost == set(CELL_1)
        if how == "hung":
            lab.other_host.go_on()
        else:
            lab.other_host.start()
        judge(lab, finish(lab, lab.database), lab.database, TRIALS, excused=stuck["run"])


@pytest.mark.long
def test_an_instrument_that_falls_silent_stalls_only_what_needs_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        relays = []

        @contextmanager
        def relayed(endpoints: Path) -> Iterator[Path]:
            with serial_relay(endpoints, "drain_pump_1") as (relay, through):
                relays.append(relay)
                yield through

        lab = stack.enter_context(begun(tmp_path, relayed=relayed))
        stuck = caught(lab, ("drain_pump_1",))
        since = len(rows_of(lab.database))
        relays[0].silent = True
        others_end(lab, stuck, since)
        told = lab.status()
        [pump] = [each for each in told["devices"] if each["device"] == "drain_pump_1"]
        run = next(run for run in told["runs"] if run["run"] == stuck["run"])
        named = [*run["current"], *run["waits"]]
        assert pump["state"] == "disconnected" or any(
            entry["device"] == "drain_pump_1" and entry["since"] for entry in named
        )
        relays[0].silent = False
        wait(lambda: answered(lab), "the sample to be accounted for", 120)
        rows = finish(lab, lab.database)
        assert lab.acts().count() == doses_by_the_records(rows), (
            "no dose is doubled, lost or made up"
        )
        ended = {row["run"]: row["outcome"] for row in rows if row["kind"] == "run_finished"}
        assert ended.pop(stuck["run"]) in ("succeeded", "failed")
        assert list(ended.values()) == ["succeeded"] * (TRIALS - 1)


def answered(lab: RealLab) -> bool:
    """Where the pump was silent for longer than its step may take, the cell could not be emptied: a person says that it was.
    True when there is nothing to ask, because the silence was shorter or its question is answered."""
    for question in lab.status()["questions"]:
        assert "cell_1" in question["text"]
        lab.ask("answer", question["id"], "emptied", "--who", "Ada")
    return all(run["status"] != "stopping" for run in lab.status()["runs"])
