"""The one entry point: from a history to the next trials. Pure, so a replay asks for the same
batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lab.domain.errors import InputError
from lab.optimize.history import (
    Direction,
    Suggestion,
    TrialRecord,
    check_history,
    nearest_trial,
)
from lab.optimize.sobol import sobol_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.optimize.space import Space

__all__ = ["Method", "suggest"]

Method = Literal["bayesian", "sobol"]

_FEWEST_VALUES = 2
"""A model of fewer measured values knows no spread: even points teach more."""


def suggest(
    space: Space,
    direction: Direction,
    history: Sequence[TrialRecord],
    n: int,
    *,
    seed: int,
    initial: int,
    method: Method = "bayesian",
) -> list[Suggestion]:
    """The next `n` trials.

    Trials up to the `initial`-th are scrambled Sobol points, chosen by the count of trials before
    them; then a Gaussian process and noisy expected improvement choose
    (`lab.optimize.acquisition`), unless `method` is "sobol" or fewer than two trials have given a
    value. Failed trials enter as the worst value seen, pending ones as points whose outcome is not
    known. Suggestions are numbered on from the highest number in the history.

    Nothing is kept between calls: equal arguments give equal suggestions, bit for bit (on one
    machine with one set of library versions), and the order of the history doesn't matter. Torch is
    loaded only if a model is due.

    Raises InputError for a history that doesn't fit the space and for numbers out of range.
    """
    if n < 1:
        raise InputError(f"{n} trials asked for", hint="ask for at least one")
    if initial < 0:
        raise InputError(f"{initial} initial trials", hint="0 or more; 2 to 3 per factor is usual")
    records = check_history(space, history)
    first_number = max((record.number for record in records), default=0) + 1
    measured = sum(record.status == "done" for record in records)
    if method == "sobol":
        spread = n
        note = "even spread over the factor space"
    elif measured < _FEWEST_VALUES:
        spread = n
        note = f"even spread: {measured} of {_FEWEST_VALUES} values that a model needs are measured"
        if len(records) < initial:
            note = "initial trial: even spread over the factor space"
    else:
        spread = min(n, max(0, initial - len(records)))
        note = "initial trial: even spread over the factor space"
    suggestions: list[Suggestion] = []
    for offset, point in enumerate(sobol_points(seed, len(records), spread, space.dimension)):
        factors = space.from_unit(point)
        suggestions.append(
            Suggestion(
                number=first_number + offset,
                factors=factors,
                origin="sobol",
                nearest_trial=nearest_trial(space, records, factors),
                note=note,
            )
        )
    if spread < n:
        from lab.optimize.acquisition import propose

        waiting = [
            TrialRecord(number=item.number, factors=item.factors, status="pending")
            for item in suggestions
        ]
        suggestions += propose(space, direction, [*records, *waiting], n - spread, seed=seed)
    return suggestions
