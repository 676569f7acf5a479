"""Even spread over the unit cube: scrambled Sobol points by index."""

# scipy has no type stubs.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false, reportUnknownVariableType=false

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.optimize.domain import Array

__all__ = ["derived_seed", "normal_points", "sobol_points"]


def derived_seed(*parts: str | int) -> int:
    """A seed of 63 bits that depends on all parts and on nothing else, the same in every process."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def sobol_points(seed: int, first: int, count: int, dimension: int) -> list[tuple[float, ...]]:
    """Points `first` to `first + count - 1` of the scrambled Sobol sequence of `seed`, in [0, 1).

    Point k is a function of the seed and k alone, however the sequence is cut into calls.
    """
    # scipy.stats takes half a second to load: not before somebody asks for points.
    import numpy as np
    from scipy.stats import qmc

    generator = np.random.Generator(np.random.PCG64(derived_seed("sobol", seed)))
    engine = qmc.Sobol(dimension, scramble=True, rng=generator)
    if first:
        engine.fast_forward(first)
    # One by one: a first draw of a number that's no power of two would warn about balance, which is
    # of no interest for a sequence that's used point by point.
    drawn: list[list[float]] = [engine.random(1)[0].tolist() for _ in range(count)]
    return [tuple(point) for point in drawn]


def normal_points(seed: int, count: int, dimension: int) -> Array:
    """`count` (a power of two) rows of `dimension` quasi-random standard normal numbers."""
    import numpy as np
    from scipy.special import ndtri
    from scipy.stats import qmc

    generator = np.random.Generator(np.random.PCG64(derived_seed("normal", seed)))
    uniform: Array = qmc.Sobol(dimension, scramble=True, rng=generator).random(count)
    return ndtri(np.clip(uniform, 1e-12, 1.0 - 1e-12))
