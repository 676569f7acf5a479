"""From the lab file and the manifests to the hosts' timers and the engine's beats."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lab.app.drivers import LabDrivers, build_simulation
from lab.app.files import open_campaign, open_lab
from lab.app.hosts import host_devices
from lab.bus import topics
from lab.bus.envelope import EngineBeat, State
from lab.bus.memory import MemoryBus, MemoryTransport
from lab.engine.clock import VirtualClock
from lab.engine.virtual_loop import run_virtual
from tests.lab.app.electrolyte import CAMPAIGN, copied

if TYPE_CHECKING:
    from pathlib import Path

    from lab.bus.transport import Subscription


def with_times(folder: Path, **times: str) -> LabDrivers:
    lab = copied(folder).with_name("lab.yaml")
    text = lab.read_text(encoding="utf-8")
    for device, time in times.items():
        text = text.replace(f"  {device}:\n", f"  {device}:\n    dead_man: {time}\n")
    lab.write_text(text, encoding="utf-8")
    return open_lab(lab)


def test_what_can_act_has_ten_seconds_and_what_only_measures_has_none() -> None:
    drivers = open_campaign(CAMPAIGN).drivers
    assert drivers.dead_man_s("drain_pump_1") == drivers.dead_man_s("hotplate_1") == 10.0
    assert drivers.dead_man_s("balance") is None
    assert drivers.beat_s == 2.0


def test_the_lab_file_says_otherwise_and_the_beats_follow_the_shortest(tmp_path: Path) -> None:
    drivers = with_times(tmp_path, drain_pump_1="5 s", hotplate_1="0 s", hotplate_2="2 min")
    found = [drivers.dead_man_s(n) for n in ("drain_pump_1", "hotplate_1", "hotplate_2")]
    assert found == [5.0, None, 120.0]
    assert drivers.beat_s == 1.0


def test_where_no_device_waits_for_beats_there_are_none(tmp_path: Path) -> None:
    off = {name: "0 s" for name in open_campaign(CAMPAIGN).lab.devices if "pump" in name}
    drivers = with_times(tmp_path, **off, hotplate_1="0 s", hotplate_2="0 s")
    assert drivers.beat_s is None


@pytest.mark.parametrize(("alone", "lasting"), [(True, False), (False, True), (False, False)])
def test_hosts_miss_an_engine_where_what_they_do_lasts(
    tmp_path: Path, alone: bool, lasting: bool
) -> None:
    """Apart from it they count from their start, in its process from its first sign; in a world of their own not at all."""

    async def main() -> set[str]:
        drivers = open_campaign(CAMPAIGN).drivers
        clock = VirtualClock(asyncio.get_running_loop())
        bus = MemoryBus()
        world = build_simulation(drivers, seed=1, clock=clock)
        safe: set[str] = set()
        async with MemoryTransport(bus) as transport:
            world.start_messages(transport)
            async with host_devices(
                drivers,
                transport,
                clock,
                ledger=tmp_path / "ledger" if lasting else None,
                boot="b",
                world=world,
                messages=lambda _: MemoryTransport(bus),
                alone=alone,
            ):
                states = await transport.subscribe(topics.state(drivers.lab.id, "+"))
                listening = asyncio.create_task(_listen(states, safe))
                await clock.sleep(8 if alone else 60)
                beat = EngineBeat(journal="j1", epoch=1, sent_at=clock.wall())
                bus.publish(topics.engine_beat(drivers.lab.id), beat.model_dump_json().encode())
                await clock.sleep(9)
                assert safe == set()
                await clock.sleep(60)
                await states.close()
                await listening
        await world.close()
        return safe

    found = run_virtual(main())
    lab = open_campaign(CAMPAIGN).lab
    acting = {n for n in lab.devices if "pump" in n or "plate" in n}
    assert found == (acting if alone or lasting else set())


async def _listen(states: Subscription, safe: set[str]) -> None:
    async for message in states:
        state = State.model_validate_json(message.payload)
        if state.state == "safe":
            safe.add(state.device)
