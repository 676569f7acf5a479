"""Real processes, a real broker, kill -9 at any moment: no dose twice, no dose lost from the books."""

from __future__ import annotations

import asyncio
import random
import sys
import time

import pytest

from lab.bus import topics
from lab.bus.broker import EmbeddedBroker
from lab.bus.envelope import CommandMessage, Hello, QueryMessage, parse_upstream
from lab.bus.mqtt import MqttTransport


class Engine:
    """Sends each command until it knows its end, as an engine does; survives the host's deaths."""

    def __init__(self, transport: MqttTransport, epoch: int) -> None:
        self.transport = transport
        self.epoch = epoch
        self.seq = 0
        self.boot = ""
        self.ready: set[str] = set()
        self.ends: dict[str, str] = {}

    async def listen(self) -> None:
        async for message in await self.transport.subscribe(*topics.status_of_all("lab1")):
            report = parse_upstream(message.payload)
            if report.kind == "hb":
                self.boot = report.boot
                if report.state == "ready":
                    self.ready.add(report.boot)
            elif report.kind == "outcome" and report.outcome.result != "unknown":
                self.ends[report.id] = report.outcome.result
            elif report.kind == "query_reply" and report.status == "never_seen":
                self.ends[report.id] = "failed_no_effect"
            elif report.kind == "query_reply" and report.settlement is not None:
                verdict = report.settlement.verdict
                self.ends[report.id] = "succeeded" if verdict == "done" else "failed_no_effect"

    async def send(self, message) -> None:
        payload = message.model_dump_json().encode()
        await self.transport.publish(topics.cmd("lab1", "doser"), payload)

    async def dose(self, id: str, volume: float) -> None:
        self.seq += 1
        await self.send(
            CommandMessage(
                id=id,
                journal="j1",
                ledger="l1",
                epoch=self.epoch,
                seq=self.seq,
                run="r",
                step="s",
                attempt=1,
                action="dispense",
                args={"volume": volume},
                effect="once",
                settle="query",
                timeout_s=30.0,
                sent_at=time.time(),
                expires_s=30.0,
                actor="test",
                horizon=0,
            )
        )

    async def learn(self, id: str, within_s: float) -> bool:
        end = time.monotonic() + within_s
        while id not in self.ends and time.monotonic() < end:
            await asyncio.sleep(0.005)
        return id in self.ends


@pytest.mark.faults
async def test_kill_9_at_any_moment(tmp_path):
    chance = random.Random(7)
    (tmp_path / "doses").write_text("")
    async with EmbeddedBroker() as broker, MqttTransport(broker.url) as transport:
        engine = Engine(transport, epoch=1)
        listener = asyncio.create_task(engine.listen())
        host = await _start(broker.url, tmp_path, "b0", engine)
        kills = 0
        for number in range(1, 13):
            id, volume = f"c{number}", float(number)
            await engine.dose(id, volume)
            await asyncio.sleep(chance.uniform(0.0, 0.09))
            if number % 4:  # now and then it may live
                host.kill()
                await host.wait()
                kills += 1
                host = await _start(broker.url, tmp_path, f"b{number}", engine)
            async with asyncio.timeout(20):
                while not await engine.learn(id, 0.3):
                    await engine.send(
                        QueryMessage(journal="j1", ledger="l1", id=id, epoch=engine.epoch)
                    )
            await engine.dose(id, volume)  # a late copy with a new number: must not act
        await asyncio.sleep(0.3)
        host.terminate()
        await host.wait()
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
    doses = [float(line) for line in (tmp_path / "doses").read_text().split()]
    assert kills == 9
    assert len(doses) == len(set(doses)), f"dosed twice: {doses}"
    said = {float(id[1:]) for id, end in engine.ends.items() if end == "succeeded"}
    assert said == set(doses), "the books and the world differ"
    assert len(engine.ends) == 12


async def _start(url: str, folder, boot: str, engine: Engine) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.lab.devices.doser_process", url, str(folder), boot
    )
    async with asyncio.timeout(20):
        while boot not in engine.ready:
            assert process.returncode is None, "the host ended at once"
            await asyncio.sleep(0.01)
    await engine.send(Hello(journal="j1", epoch=engine.epoch))
    return process
