"""Machine code where numba is installed, plain Python with the same results where it is not."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    _Function = TypeVar("_Function", bound=Callable[..., Any])

try:
    import numba
except ImportError:  # the `plan` extra is not installed
    numba = None

__all__ = ["COMPILED", "compiled", "is_kept"]

COMPILED = numba is not None
"""Whether functions marked with `compiled` run as machine code."""


@cache
def _cache_folder(here: Path) -> str:
    """Where the machine code of just the sources of a folder is kept.

    numba looks only at the file of a function, not at those of the functions that it calls; so the folder is named
    after the contents of all of them. Machine code calls nothing outside its folder.
    """
    digest = hashlib.sha256()
    for source in sorted(here.glob("*.py")):
        digest.update(source.read_bytes())
    home = (
        here / "__pycache__" if os.access(here, os.W_OK) else Path.home() / ".cache" / "labwright"
    )
    return str(home / f"machine-code-{digest.hexdigest()[:12]}")


def is_kept(folder: Path) -> bool:
    """Whether machine code of a folder's present sources was made before, so that it only has to be loaded."""
    if numba is None:
        return True
    return any(Path(_cache_folder(folder)).rglob("*.nbi"))


def compiled(function: _Function) -> _Function:
    """Compile when it is first called; the machine code is kept for the next process."""
    if numba is None:
        return function
    if "NUMBA_CACHE_DIR" not in os.environ:
        # it is read while a function is decorated
        cast("Any", numba).config.CACHE_DIR = _cache_folder(
            Path(function.__code__.co_filename).parent
        )
    decorate = cast("Callable[[_Function], _Function]", cast("Any", numba).njit(cache=True))
    return decorate(function)
