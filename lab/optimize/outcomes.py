"""What a person tells of a trial: numbers, "> 100" of what is beyond the range of the instrument, the name of a grade; of
several outcomes all at once or as they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.optimize.history import Side, TrialRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.domain.aim import Aim

__all__ = ["Reading", "read_value", "with_outcomes"]

Reading = float | str
"""A number, "> 100" or "< 0.1", or the name of a grade."""


def read_value(
    given: object, where: str, name: str = "the value", levels: Sequence[str] = ()
) -> tuple[float, Side | None]:
    """The number that is told, and on which side of it the result lies where it is beyond the range. Of a grade (`levels`)
    its place among them. InputError for what is none of these.
    """
    if levels:
        if given in levels:
            return float(levels.index(str(given))), None
        raise InputError(
            f"{where}: {name} is {given!r}", hint=f"the grades are: {', '.join(levels)}"
        )
    side: Side | None = None
    text = given
    if isinstance(given, str) and given.strip()[:1] in (">", "<"):
        side = "above" if given.strip()[0] == ">" else "below"
        text = given.strip()[1:]
    try:
        return float(text), side  # pyright: ignore[reportArgumentType] - whatever a person gave
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{where}: {name} is {given!r}",
            hint='give a number, or "> 100" where it is beyond the range of the instrument',
        ) from error


def with_outcomes(
    aim: Aim,
    record: TrialRecord,
    value: object,
    sd: object = None,
    *,
    failed: bool = False,
    reason: str = "",
) -> TrialRecord:
    """The record with these outcomes beside those that it had, done as soon as it has all of the aim's. One that `failed`
    keeps what was told of it while it was pending.

    InputError for what is no mapping, for a name that the aim does not have, and for a number that is not finite.
    """
    where = f"trial {record.number}"
    if failed and record.status != "pending":
        record = record.model_copy(update={"outcomes": {}, "deviations": {}, "sides": {}})
    read = {} if failed and value is None else _read(aim, where, value)
    if not read and not failed:
        raise InputError(f"{where}: no outcome", hint="tell outcomes by name, or failed=True")
    told = {name: number for name, (number, _) in read.items()}
    deviations = {} if sd is None else {name: n for name, (n, _) in _read(aim, where, sd).items()}
    outcomes = {**record.outcomes, **told}
    kept = {name: number for name, number in record.deviations.items() if name not in told}
    sides: dict[str, Side] = {n: side for n, side in record.sides.items() if n not in told}
    sides |= {name: side for name, (_, side) in read.items() if side is not None}
    return TrialRecord(
        number=record.number,
        factors=record.factors,
        status="failed"
        if failed
        else "done"
        if all(name in outcomes for name in aim.outcomes)
        else "pending",
        reason=reason,
        outcomes=outcomes,
        deviations={**kept, **deviations},
        sides=sides,
        cost=record.cost,
    )


def _read(aim: Aim, where: str, given: object) -> dict[str, tuple[float, Side | None]]:
    if not isinstance(given, Mapping):
        raise InputError(
            f"{where}: {given!r} where several outcomes are sought",
            hint=f"tell them by name: {', '.join(aim.outcomes)}",
        )
    found: dict[str, tuple[float, Side | None]] = {}
    for name, number in given.items():  # pyright: ignore[reportUnknownVariableType]
        if name not in aim.outcomes:
            raise InputError(
                f"{where}: {name} is no outcome of this campaign",
                hint=f"its outcomes are: {', '.join(aim.outcomes)}",
            )
        found[str(name)] = read_value(number, where, str(name))  # pyright: ignore[reportUnknownArgumentType]
    return found
