"""Heartbeats at the gateway: read where they say something else than before."""

from __future__ import annotations

import pytest

from lab.bus import envelope as env
from lab.engine import gateway
from tests.lab.engine.test_gateway import Stand, on_stand


def test_a_beat_that_says_the_same_is_read_once_and_one_that_does_not_is_read() -> None:
    async def test(stand: Stand) -> None:
        reads: list[bytes] = []
        real = gateway.parse_upstream

        def counted(payload: bytes) -> env.Upstream:
            reads.append(payload)
            return real(payload)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gateway, "parse_upstream", counted)
            for _ in range(5):
                await stand.beat()
            assert len(reads) == 1
            await stand.beat(state="fault", detail="jammed")
            await stand.beat()
            assert len(reads) == 3, "only the last one is kept in mind"
        states = [report.state for report in stand.delivered if isinstance(report, env.State)]
        assert states == ["ready", "fault", "ready"]

    on_stand(test)
