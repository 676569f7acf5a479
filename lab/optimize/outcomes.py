"""What a person tells of a trial with several outcomes, all at once or as it comes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.optimize.history import TrialRecord

if TYPE_CHECKING:
    from lab.domain.aim import Aim

__all__ = ["with_outcomes"]


def with_outcomes(aim: Aim, record: TrialRecord, value: object, sd: object = None) -> TrialRecord:
    """The record with these outcomes beside those that it had, done as soon as it has all of the aim's.

    InputError for what is no mapping, for a name that the aim does not have, and for a number that is not finite.
    """
    where = f"trial {record.number}"
    told = _numbers(aim, where, value)
    if not told:
        raise InputError(f"{where}: no outcome", hint="tell outcomes by name, or failed=True")
    deviations = {} if sd is None else _numbers(aim, where, sd)
    outcomes = {**record.outcomes, **told}
    kept = {name: number for name, number in record.deviations.items() if name not in told}
    return TrialRecord(
        number=record.number,
        factors=record.factors,
        status="done" if all(name in outcomes for name in aim.outcomes) else "pending",
        outcomes=outcomes,
        deviations={**kept, **deviations},
        cost=record.cost,
    )


def _numbers(aim: Aim, where: str, given: object) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise InputError(
            f"{where}: {given!r} where several outcomes are sought",
            hint=f"tell them by name: {', '.join(aim.outcomes)}",
        )
    found: dict[str, float] = {}
    for name, number in given.items():  # pyright: ignore[reportUnknownVariableType]
        if name not in aim.outcomes:
            raise InputError(
                f"{where}: {name} is no outcome of this campaign",
                hint=f"its outcomes are: {', '.join(aim.outcomes)}",
            )
        try:
            found[str(name)] = float(number)  # pyright: ignore[reportArgumentType, reportUnknownArgumentType]
        except (TypeError, ValueError) as error:
            raise InputError(f"{where}: {name} is {number!r}", hint="give a number") from error
    return found
