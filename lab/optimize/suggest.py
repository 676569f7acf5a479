"""The entry points: from a history to the next trials, of a space or of a list of candidates. Pure, so a replay asks
for the same batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lab.domain.errors import InputError, RefusedError
from lab.optimize.history import (
    Design,
    Direction,
    Suggestion,
    TrialRecord,
    check_history,
    nearest_trial,
)
from lab.optimize.options import Earlier, Options
from lab.optimize.sobol import derived_seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.aim import Aim
    from lab.optimize.acquire.cost import CostOf
    from lab.optimize.pool import Pool
    from lab.optimize.space import Setting, Space

__all__ = ["Method", "suggest", "suggest_from"]

Method = Literal["bayesian", "sobol"]

_TARGET_EVERY = 3
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
    options: Options | None = None,
    cost_of: CostOf | None = None,
) -> list[Suggestion]:
    """The next `n` trials, with the factors in `held` as they are there (today's bath is at 60 degC).

    `sought`: whether more or less of the one value is better, or an `Aim` of several outcomes.

    Trials up to the `initial`-th are those of the `design` (scrambled Sobol points, unless it says
    otherwise), chosen by the count of trials before them; then a Gaussian process and noisy expected improvement choose
    (`lab.optimize.acquisition`), unless `method` is "sobol" or fewer than two trials have given a
    value. Failed trials teach where trials fail, and enter as the worst value seen, with doubt; pending ones as points whose
    outcome is not known. Suggestions are numbered on from the highest number in the history.

    `options`: outliers, set points that are not exact, costs, earlier campaigns, fidelities (`lab.optimize.options`).
    `cost_of`: what a trial with given factors would cost, such as its planned time: the gain per cost is sought.

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
    wishes = Options() if options is None else options
    wishes.check(space, sought, records, pool=False)
    if cost_of is not None and wishes.fidelities:
        raise InputError(
            "a function of the cost beside fidelities", hint="each fidelity has its cost"
        )
    first_number = max((record.number for record in records), default=0) + 1
    measured = _measured_in(sought, [record for record in records if wishes.is_target(record)])
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
    favourite: dict[str, Setting] | None = None
    if spread and not records and method == "bayesian" and wishes.earlier and not space.alike:
        favourite = _favourite(space, sought, wishes.earlier, seed, held)
        spread_out[0] = spread_out[0] if favourite is None else favourite
    for offset, factors in enumerate(spread_out):
        suggestions.append(
            Suggestion(
                number=first_number + offset,
                factors=factors,
                origin="design" if design != "sobol" and len(records) + offset < start else "sobol",
                nearest_trial=nearest_trial(space, records, factors),
                note="earlier campaigns expect the best here" if factors is favourite else note,
                fidelity=_first_fidelity(wishes, len(records) + offset),
            )
        )
    if spread < n:
        waiting = [
            TrialRecord(
                number=item.number, factors=item.factors, status="pending", fidelity=item.fidelity
            )
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
            options,
            cost_of,
        )
    for item in suggestions:
        broken = space.broken(item.factors)
        if broken:
            raise RefusedError(
                f"trial {item.number} as suggested is not lawful: {'; '.join(broken)}",
                hint="this is a fault of the optimiser: nothing was changed to make it fit",
            )
    return suggestions


def suggest_from(
    pool: Pool,
    sought: Direction | Aim,
    history: Sequence[TrialRecord],
    n: int,
    *,
    seed: int,
    initial: int,
    held: Mapping[str, Setting] | None = None,
    options: Options | None = None,
    cost_of: CostOf | None = None,
) -> list[Suggestion]:
    """The next `n` candidates, none of which is in the history (fewer where fewer are left), with the factors in
    `held` as they are there. Where there may be outliers, one that is too good to be true is measured again.

    Up to the `initial`-th trial, and until two trials have given a value, candidates are drawn at
    random; then the model chooses (`lab.optimize.candidates`). Equal arguments give equal
    suggestions, and the history's order doesn't matter. Trials that are no candidates teach, too. `options` and
    `cost_of`: see `suggest`.

    Raises InputError where no candidate is left and for a history that doesn't fit the factors.
    """
    if n < 1 or initial < 0:
        raise InputError(f"{n} trials asked for, {initial} initial ones", hint="ask for 1 or more")
    records = check_history(pool.space, history)
    (options or Options()).check(pool.space, sought, records, pool=True)
    used = [pool.find(record.factors) for record in records]
    lawful = pool.lawful(held)
    import numpy as np

    free = np.setdiff1d(lawful, [index for index in used if index is not None])
    if not len(free):
        kept = "" if len(lawful) == len(pool) else f" of {len(pool)} that keep what is asked"
        raise InputError(
            f"all {len(lawful)} candidates{kept} have been tried",
            hint="add candidates, or stop here",
        )
    n = min(n, len(free))
    measured = _measured_in(sought, records)
    spread = n if measured < _FEWEST_VALUES else min(n, max(0, initial - len(records)))
    number = max((record.number for record in records), default=0) + 1
    generator = np.random.Generator(np.random.PCG64(derived_seed("pool", seed, len(records))))
    drawn = generator.permutation(free)[:spread]
    made: list[Suggestion] = []
    for offset, index in enumerate(drawn.tolist()):
        factors = pool.values(index)
        made.append(
            Suggestion(
                number=number + offset,
                factors=factors,
                origin="random",
                nearest_trial=nearest_trial(pool.space, records, factors),
                note="initial trial: drawn from the candidates",
            )
        )
    if spread < n:
        waiting = [
            TrialRecord(number=item.number, factors=item.factors, status="pending") for item in made
        ]
        free = np.setdiff1d(free, drawn)
        if isinstance(sought, str):
            from lab.optimize.candidates import propose_from

            made += propose_from(
                pool,
                sought,
                [*records, *waiting],
                free,
                n - spread,
                seed=seed,
                held=held,
                options=options,
                cost_of=cost_of,
            )
        else:
            from lab.optimize.several import propose_several

            made += propose_several(
                pool.space,
                sought,
                [*records, *waiting],
                n - spread,
                seed=seed,
                pool=pool,
                free=free,
                options=options,
                cost_of=cost_of,
            )
    return made


def _measured_in(sought: Direction | Aim, records: Sequence[TrialRecord]) -> int:
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
    options: Options | None,
    cost_of: CostOf | None,
) -> list[Suggestion]:
    if isinstance(sought, str):
        from lab.optimize.acquisition import propose

        return propose(
            space, sought, records, n, seed=seed, held=held, options=options, cost_of=cost_of
        )
    from lab.optimize.several import propose_several

    return propose_several(
        space, sought, records, n, seed=seed, held=held, options=options, cost_of=cost_of
    )


def _favourite(
    space: Space,
    sought: Direction | Aim,
    earlier: Sequence[Earlier],
    seed: int,
    held: Mapping[str, Setting] | None,
) -> dict[str, Setting] | None:
    """Where earlier campaigns expect the best: the first trial, from which most is learned of whether they are right.
    None where several outcomes are sought.
    """
    if not isinstance(sought, str):
        return None
    from lab.optimize.model.joined import expected_best

    return expected_best(space, sought, earlier, seed, held)


def _first_fidelity(options: Options, place: int) -> str | None:
    """Of the even spread every third trial is measured at the target and the others at the cheapest, so that what the
    two have in common can be learned."""
    if not options.fidelities:
        return None
    cheapest = min(options.fidelities, key=lambda one: one.cost)
    return options.target.name if place % _TARGET_EVERY == 0 else cheapest.name


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
