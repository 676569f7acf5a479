"""Any story of copies, crashes and takeovers: each id acts at most once, and what ends well has acted."""

from __future__ import annotations

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.bus.envelope import Hello, QueryMessage, SafeMessage
from tests.lab.devices.fake_device import Bench, Script

ids = st.sampled_from(["a", "b", "c"])
events = st.one_of(
    st.tuples(st.just("send"), ids),
    st.tuples(st.just("copy"), ids),
    st.tuples(st.just("zombie"), ids),
    st.tuples(st.just("query"), ids),
    st.tuples(st.just("crash"), st.sampled_from(["before_begin", "after_begin", "after_act"])),
    st.tuples(st.just("go"), st.just("")),
    st.tuples(st.just("safe"), st.just("")),
    st.tuples(st.just("rearm"), st.just("")),
    st.tuples(st.just("unplug"), st.just("")),
    st.tuples(st.just("plug"), st.just("")),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(story=st.lists(events, max_size=14), hold=st.sampled_from(["", "before_begin", "after_act"]))
def test_each_id_acts_at_most_once(story, hold):
    asyncio.run(_tell(story, hold))


async def _tell(story: list[tuple[str, str]], hold: str) -> None:
    async with Bench() as bench:
        sent: dict = {}
        epoch = 1
        script = _script(hold)
        hosting = bench.host(script)
        await hosting.__aenter__()
        for kind, value in story:
            if kind in ("send", "zombie"):
                # The volume names the id, so the device's log tells who acted.
                volume = float("abc".index(value) + 1)
                old = 0 if kind == "zombie" else epoch
                message = bench.command(value, args={"volume": volume}, epoch=old)
                sent.setdefault(value, message)
                await bench.send(message)
            elif kind == "copy" and value in sent:
                await bench.send(sent[value])
            elif kind == "query":
                await bench.send(QueryMessage(journal="j1", ledger="l1", id=value, epoch=epoch))
            elif kind == "crash":
                await hosting.crash()
                epoch += 1
                hosting = bench.host(_script(hold))
                await hosting.__aenter__()
                await bench.send(Hello(journal="j1", epoch=epoch))
            elif kind == "go":
                for gate in (bench.script.before_begin, bench.script.after_act):
                    if gate is not None:
                        gate.set()
            elif kind == "safe":
                await bench.send(SafeMessage(journal="j1", id="s", epoch=epoch, actor="ada"))
            elif kind == "rearm":
                await bench.send(Hello(journal="j1", epoch=epoch, lifts=("s",)))
            else:
                bench.device.plugged = kind == "plug"
            await bench.quiet()
        await hosting.__aexit__()
        await bench.quiet()
        _judge(bench)


def _script(hold: str) -> Script:
    return Script.waiting_at(hold) if hold else Script()


def _judge(bench: Bench) -> None:
    acted = list(bench.device.doses)
    assert len(acted) == len(set(acted)), f"an id acted twice: {acted}"
    ledger = bench.ledger.device("doser")
    for number, command_id in enumerate("abc", start=1):
        entry = ledger.entry(command_id)
        did_act = float(number) in acted
        if entry is None or entry.state == "refused_forever":
            assert not did_act
        elif entry.outcome is not None and entry.settlement is None:
            if entry.outcome.result == "succeeded":
                assert did_act
            if entry.outcome.result == "failed_no_effect":
                assert not did_act
        if did_act:
            assert entry is not None
            assert entry.act_order > 0, "an act without a durable begin"
    refused = {m.id for m in bench.heard if m.kind == "ack" and not m.accepted}
    for command_id in refused:
        entry = ledger.entry(command_id)
        accepted_too = any(
            m.kind == "ack" and m.accepted and m.id == command_id for m in bench.heard
        )
        assert not accepted_too, "an id was refused and accepted"
        assert float("abc".index(command_id) + 1) not in acted
