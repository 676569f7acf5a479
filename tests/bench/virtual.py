"""Runs a device test under the engine's virtual clock: hours of process in milliseconds, always in the same order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from lab.engine import virtual_loop

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["run_virtual"]

T = TypeVar("T")


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a virtual loop; a task that is left over fails it."""

    async def watched() -> T:
        result = await main
        for _ in range(3):
            await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks outlived the test: {left}"
        return result

    return virtual_loop.run_virtual(watched())
