"""Machine code where numba is installed, plain Python with the same results where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    _Function = TypeVar("_Function", bound=Callable[..., Any])

try:
    import numba
except ImportError:  # the `plan` extra is not installed
    numba = None

__all__ = ["COMPILED", "compiled"]

COMPILED = numba is not None
"""Whether functions marked with `compiled` run as machine code."""


def compiled(function: _Function) -> _Function:
    """Compile when it is first called; the code is kept beside the source for the next process."""
    if numba is None:
        return function
    decorate = cast("Callable[[_Function], _Function]", cast("Any", numba).njit(cache=True))
    return decorate(function)
