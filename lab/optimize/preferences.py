"""Trials that are compared instead of measured: which of two is better, as a person sees, smells or feels it.

Each trial has a merit that nobody can read off, and of two the one with the higher merit is preferred unless the judge errs
(Thurstone 1927, Psychol. Rev. 34, 273). Comparisons make merits with standard deviations, which a campaign takes in as
measured values, so all that it can do it can do here::

    campaign = Campaign(space, "maximize")
    first, second = campaign.ask(2)
    tell_preferences(campaign, [(first.number, second.number)])  # the first was the better one
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from lab.domain.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.campaign import Campaign

__all__ = ["merits", "tell_preferences"]

_ROOT_2 = math.sqrt(2.0)
_STEPS = 50
_SMALL = 1e-10


def tell_preferences(campaign: Campaign, comparisons: Sequence[tuple[int, int]]) -> None:
    """Tell a campaign that maximises the merits of all trials that were compared, each pair (better, worse) by number.

    Give all comparisons so far each time: a new one changes the merits of all. InputError for a trial that is unknown or
    failed, and for a campaign that seeks anything but more of one value.
    """
    if campaign.sought != "maximize":
        raise InputError(
            "preferences in a campaign that does not maximise one value",
            hint='make the campaign with "maximize": a merit has no other side',
        )
    found = merits(comparisons)
    known = {record.number: record for record in campaign.history}
    for number in found:
        if number not in known or known[number].status in ("failed", "aborted"):
            raise InputError(
                f"trial {number} was compared, and is {known[number].status if number in known else 'unknown'}",
                hint="compare trials that were asked for or added, and that gave something",
            )
    for number, (merit, sd) in found.items():
        campaign.tell(number, merit, sd)


def merits(comparisons: Sequence[tuple[int, int]]) -> dict[int, tuple[float, float]]:
    """Merit and standard deviation of each trial, from pairs (better, worse); a pair may come more than once, and pairs
    may contradict one another.

    The merits are those most probable where each is normal with standard deviation 1 beforehand and the judge's error in
    a merit has that of 1, too; their errors are those of a normal distribution around it (Laplace's method).
    """
    for better, worse in comparisons:
        if better == worse:
            raise InputError(f"trial {better} is compared with itself", hint="compare two trials")
    numbers = sorted({number for pair in comparisons for number in pair})
    place = {number: k for k, number in enumerate(numbers)}
    better = np.array([place[pair[0]] for pair in comparisons], dtype=np.intp)
    worse = np.array([place[pair[1]] for pair in comparisons], dtype=np.intp)
    merit = np.zeros(len(numbers))
    curvature = np.eye(len(numbers))
    for _ in range(_STEPS):
        gap = (merit[better] - merit[worse]) / _ROOT_2
        ratio = np.array([_hazard(z) for z in gap.tolist()])
        slope = -merit
        np.add.at(slope, better, ratio / _ROOT_2)
        np.add.at(slope, worse, -ratio / _ROOT_2)
        bend = ratio * (ratio + gap) / 2.0
        curvature = np.eye(len(numbers))
        for rows, columns, sign in ((better, better, 1), (worse, worse, 1), (better, worse, -1), (worse, better, -1)):  # fmt: skip
            np.add.at(curvature, (rows, columns), sign * bend)
        step = np.linalg.solve(curvature, slope)
        merit = merit + step
        if float(np.abs(step).max(initial=0.0)) < _SMALL:
            break
    errors = np.sqrt(np.diagonal(np.linalg.inv(curvature)))
    return {number: (float(merit[k]), float(errors[k])) for number, k in place.items()}


def _hazard(z: float) -> float:
    """The normal density over the probability below z; its asymptote where both are nearly 0."""
    if z < -30.0:
        return -z
    below = 0.5 * math.erfc(-z / _ROOT_2)
    return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) / below
