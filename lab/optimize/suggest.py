"""The one entry point: from a history to the next trials. Pure, so a replay asks for the same
batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lab.domain.errors import InputError, RefusedError
from lab.optimize.history import (
    Direction,
    Suggestion,
    TrialRecord,
    check_history,
    nearest_trial,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.aim import Aim
    from lab.optimize.space import Setting, Space

__all__ = ["Design", "Method", "measured_in", "suggest"]

Method = Literal["bayesian", "sobol"]
Design = Literal["sobol", "latin_hypercube", "factorial", "d_optimal"]
"""How the first trials are spread (`lab.optimize.designs`)."""

_FEWEST_VALUES = 2
"""A model of fewer measured values knows no spread: even points teach more."""


def suggest(
    space: Space,
    sought: Direction | Aim,
    history: Sequence[TrialRecord],
    n: int,
    *,
    seed: int,
    initial: int,
    method: Method = "bayesian",
    held: Mapping[str, Setting] | None = None,
    design: Design = "sobol",
) -> list[Suggestion]:
    """The next `n` trials, with the factors in `held` as they are there (today's bath is at 60 degC).

    `sought`: whether more or less of the one value is better, or an `Aim` of several outcomes.

    Trials up to the `initial`-th are those of the `design` (scrambled Sobol points, unless it says
    otherwise), chosen by the count of trials before them; then a Gaussian process and noisy expected improvement choose
    (`lab.optimize.acquisition`), unless `method` is "sobol" or fewer than two trials have given a
    value. Failed trials teach where trials fail, and enter as the worst value seen, with doubt; pending ones as points whose
    outcome is not known. Suggestions are numbered on from the highest number in the history.

    Nothing is kept between calls: equal arguments give equal suggestions, bit for bit (on one
    machine with one set of library versions), and the order of the history doesn't matter. Torch is
    loaded only if a model is due.

    Raises InputError for a history that doesn't fit the space, for numbers out of range, and for a
    space in which nothing keeps all constraints. Every suggestion is checked against the space's
    rules and refused (RefusedError) if it breaks one; nothing is clipped to make it fit.
    """
    if n < 1:
        raise InputError(f"{n} trials asked for", hint="ask for at least one")
    if initial < 0:
        raise InputError(f"{initial} initial trials", hint="0 or more; 2 to 3 per factor is usual")
    records = check_history(space, history)
    first_number = max((record.number for record in records), default=0) + 1
    measured = measured_in(sought, records)
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
    start = 0 if method == "sobol" else initial
    spread_out = _spread(space, seed, len(records), spread, held, design, start)
    for offset, factors in enumerate(spread_out):
        suggestions.append(
            Suggestion(
                number=first_number + offset,
                factors=factors,
                origin="design" if design != "sobol" and len(records) + offset < start else "sobol",
                nearest_trial=nearest_trial(space, records, factors),
                note=note,
            )
        )
    if spread < n:
        waiting = [
            TrialRecord(number=item.number, factors=item.factors, status="pending")
            for item in suggestions
        ]
        same = {name: waiting[0].factors[name] for name in space.alike} if waiting else {}
        suggestions += _by_model(
            space,
            sought,
            [*records, *waiting],
            n - spread,
            seed,
            {**same, **(held or {})},
        )
    for item in suggestions:
        broken = space.broken(item.factors)
        if broken:
            raise RefusedError(
                f"trial {item.number} as suggested is not lawful: {'; '.join(broken)}",
                hint="this is a fault of the optimiser: nothing was changed to make it fit",
            )
    return suggestions


def measured_in(sought: Direction | Aim, records: Sequence[TrialRecord]) -> int:
    """How many trials a model could be made of. InputError for records that don't fit what is sought."""
    one = isinstance(sought, str)
    for record in records:
        if record.status == "done" and (record.value is not None) != one:
            raise InputError(
                f"trial {record.number} has {'several outcomes' if one else 'one value without a name'}",
                hint="tell one value where one is optimised, and outcomes by name where an aim has them",
            )
    return sum(record.status == "done" for record in records) if one else sought.measured(records)


def _by_model(
    space: Space,
    sought: Direction | Aim,
    records: Sequence[TrialRecord],
    n: int,
    seed: int,
    held: Mapping[str, Setting],
) -> list[Suggestion]:
    if isinstance(sought, str):
        from lab.optimize.acquisition import propose

        return propose(space, sought, records, n, seed=seed, held=held)
    from lab.optimize.several import propose_several

    return propose_several(space, sought, records, n, seed=seed, held=held)


def _spread(
    space: Space,
    seed: int,
    first: int,
    count: int,
    held: Mapping[str, Setting] | None,
    design: Design,
    initial: int,
) -> list[dict[str, Setting]]:
    """Trials `first` to `first + count - 1` of an even spread; of the first `initial`, those of the design.

    Factors that the space wants alike have one value.
    """
    if design != "sobol" and first < initial:
        if space.alike:
            raise InputError(
                f"the design {design} with factors that are alike within a batch",
                hint="take sobol, which keeps them alike",
            )
        from lab.optimize.designs import design as made

        whole = made(space, design, initial, seed, held=held)
        planned = whole[first : first + count]
        missing = count - len(planned)
        return planned + _spread(space, seed, first + len(planned), missing, held, "sobol", 0)
    from lab.optimize.space.region import Region
    from lab.optimize.space.sampling import sample

    rows = sample(Region(space, held), seed, first, count)
    if len(rows) > 1 and space.alike:
        values = space.values(rows[0])
        same = {name: values[name] for name in space.alike}
        rows = sample(Region(space, {**same, **(held or {})}), seed, first, count)
    return [space.values(row) for row in rows]
