"""Full disks under real processes: nothing begins that could not be written down, the lab says why, and goes on when there is room."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text

from lab.app.files import open_lab
from lab.bus import topics
from lab.bus.envelope import State
from lab.bus.mqtt import MqttTransport
from lab.domain.ids import dead_man_of
from tests.faults.kill_rounds import finish, judge
from tests.faults.real_lab import own_postgres, rows_of, wait
from tests.faults.small_disk import small_disk
from tests.faults.test_stalls import CELL_1, TRIALS, begun, caught, others_end

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.real_lab import RealLab
    from tests.faults.small_disk import SmallDisk

pytestmark = [pytest.mark.faults, pytest.mark.system, pytest.mark.timeout(600)]

DEAD_MAN_S = 4.0


@contextmanager
def records_on_a_small_disk(folder: Path, store: str) -> Iterator[tuple[SmallDisk, str]]:
    """The disk, and the URL of records that lie on it."""
    with ExitStack() as stack:
        if store == "sqlite":
            disk = stack.enter_context(small_disk("4m"))
            yield disk, f"sqlite:///{disk.path / 'records.db'}"
            return
        _, url = stack.enter_context(own_postgres(folder))
        disk = stack.enter_context(small_disk("4m"))
        place = disk.path / "tables"
        place.mkdir()
        place.chmod(0o700)
        owner = (folder / "pg").stat()
        os.chown(place, owner.st_uid, owner.st_gid)
        admin = create_engine(url, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"CREATE TABLESPACE small LOCATION '{place}'"))
            connection.execute(text("CREATE DATABASE lab TABLESPACE small"))
        admin.dispose()
        yield disk, url.rpartition("/")[0] + "/lab"


def trouble(lab: RealLab) -> str:
    return lab.status()["engine"]["trouble"]


def held(lab: RealLab) -> None:
    """Wait until the engine says that it can't write."""
    wait(lambda: "can't be written" in trouble(lab), "word of the trouble", 120)


@pytest.mark.parametrize("store", ["sqlite", pytest.param("postgres", marks=pytest.mark.long)])
def test_a_full_disk_under_the_records_holds_the_lab_until_there_is_room(
    tmp_path: Path, store: str
) -> None:
    with ExitStack() as stack:
        disk, url = stack.enter_context(records_on_a_small_disk(tmp_path, store))
        lab = stack.enter_context(begun(tmp_path, url=url))
        caught(lab, ("concentrate_pump", "solvent_pump", "transfer_pump_1", "transfer_pump_2"))
        disk.fill()
        held(lab)
        time.sleep(
            2.0
        )  # what was under way at the instruments is over: at this speed that is two minutes
        rows, acts = rows_of(url), lab.acts().doses
        time.sleep(4.0)
        told = lab.status()["engine"]
        assert told["trouble_since"]
        assert ("full" in told["trouble"]) or ("No space left" in told["trouble"])
        assert (rows_of(url), lab.acts().doses) == (rows, acts), "nothing acts, nothing is written"
        assert lab.engine.code is None
        disk.make_room()
        wait(lambda: not trouble(lab), "the engine to go on")
        judge(lab, finish(lab, url), url, TRIALS)
        assert sum(row["kind"] == "engine_started" for row in rows_of(url)) == 1


@pytest.mark.long
def test_devices_of_an_engine_that_can_t_write_become_safe_by_themselves(tmp_path: Path) -> None:
    """It lives, but nobody is in charge; and `lab safe` needs no record to be obeyed."""
    with ExitStack() as stack:
        disk, url = stack.enter_context(records_on_a_small_disk(tmp_path, "sqlite"))
        lab = stack.enter_context(begun(tmp_path, url=url, dead_man=f"{DEAD_MAN_S:g} s"))
        caught(lab, ("hotplate_1", "hotplate_2"))
        disk.fill()
        held(lab)
        by_themselves = asyncio.run(safe_devices(lab))
        assert by_themselves, "devices that can act"
        answer = lab.ask("pause")
        assert answer.returncode == 4
        assert "can't be written" in answer.stdout
        disk.make_room()
        wait(lambda: not trouble(lab), "the engine to go on")


async def safe_devices(lab: RealLab) -> set[str]:
    """Wait until all that have a timer say that they are safe, for want of an engine."""
    drivers = open_lab(lab.campaign.with_name("lab.yaml"))
    due = {name for name in drivers.lab.devices if drivers.dead_man_s(name) is not None}
    seen: set[str] = set()
    async with MqttTransport(lab.broker_url) as transport:
        states = await transport.subscribe(topics.state(drivers.lab.id, "+"))
        async with asyncio.timeout(60):
            async for message in states:
                state = State.model_validate_json(message.payload)
                if state.state == "safe" and dead_man_of(state.safe_requests):
                    seen.add(state.device)
                if seen == due:
                    break
        await states.close()
    return seen


@pytest.mark.long
def test_a_full_disk_under_a_ledger_stalls_only_its_devices(tmp_path: Path) -> None:
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk("1m"))
        lab = stack.enter_context(begun(tmp_path, apart=CELL_1, ledgers_of_other=disk.path))
        stuck = caught(lab, CELL_1)
        since = len(rows_of(lab.database))
        disk.fill()

        def told() -> list[str]:
            return [
                device["detail"]
                for device in lab.status()["devices"]
                if device["device"] in CELL_1 and device["state"] == "fault"
            ]

        wait(lambda: bool(told()), "a device that says why it takes nothing", 180)
        assert all("the command ledger can't be written" in detail for detail in told())
        others_end(lab, stuck, since)
        acts = [act for act in lab.acts().doses if act["device"] in CELL_1]
        time.sleep(2.0)
        assert [act for act in lab.acts().doses if act["device"] in CELL_1] == acts
        disk.make_room()
        judge(lab, finish(lab, lab.database), lab.database, TRIALS, excused=stuck["run"])
