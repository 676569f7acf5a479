"""The bench on which device hosts are tried."""

from __future__ import annotations

import pytest

from tests.lab.devices.fake_device import Bench


@pytest.fixture
async def bench():
    async with Bench() as made:
        yield made
