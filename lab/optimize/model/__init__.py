"""What the optimiser believes: Gaussian processes in plain arrays, fitted with written-out gradients.

Inputs are scaled to the unit cube and outcomes standardised with the sign turned so that more is
better.
"""

from __future__ import annotations

from lab.optimize.model.fitted import (
    FittedModel,
    Slice,
    fit_model,
    history_seed,
    slice,
)

__all__ = [
    "FittedModel",
    "Slice",
    "fit_model",
    "history_seed",
    "slice",
]
