"""What the optimiser believes: Gaussian processes in plain arrays, fitted with written-out gradients.

Inputs are scaled to the unit cube and outcomes standardised with the sign turned so that more is
better.
"""

from __future__ import annotations

from lab.optimize.model.fitted import (
    FittedModel,
    Recommendation,
    Slice,
    fit_model,
    history_seed,
    recommend,
    slice,
)

__all__ = [
    "FittedModel",
    "Recommendation",
    "Slice",
    "fit_model",
    "history_seed",
    "recommend",
    "slice",
]
