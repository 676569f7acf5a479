"""Linear algebra on one thread: a sum over several differs in the last bit from run to run, and the
matrices are too small to gain from more.
"""

# threadpoolctl has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["single_threaded", "single_threaded_torch"]


@contextmanager
def single_threaded() -> Generator[None]:
    """Run numpy and scipy on one thread, and restore what was set before."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@contextmanager
def single_threaded_torch() -> Generator[None]:
    """Run torch on one thread, for the same reasons, and restore what was set before. Loads torch."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
