"""Trials as pandas data frames: one row per trial, a column per factor."""

# pandas' types have holes.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.domain.errors import InputError
from lab.optimize.outcomes import Reading, read_value
from lab.optimize.space import Category

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from lab.domain.aim import Aim
    from lab.optimize.history import Direction, Side, Suggestion, TrialRecord
    from lab.optimize.space import Setting, Space

__all__ = ["experiments", "history_frame", "outcomes", "suggestions_frame"]

_OUTCOME = ("value", "sd", "failed")
_RESERVED = {"trial", "status", *_OUTCOME}

Told = Reading | dict[str, Reading] | None
"""One value, outcomes by name, or nothing."""


def _pandas(space: Space | None = None, sought: Direction | Aim = "maximize") -> Any:  # noqa: ANN401 - the module
    try:
        import pandas
    except ImportError as error:
        raise InputError(
            "pandas is not installed", hint="pip install pandas, or use ask and tell"
        ) from error
    taken = _RESERVED if isinstance(sought, str) else {*_RESERVED, *sought.outcomes}
    for name in space.names if space else ():
        if name in taken:
            raise InputError(
                f"a factor called {name} would hide a column of that name",
                hint="use ask and tell, or rename the factor",
            )
    return pandas


def suggestions_frame(
    space: Space, sought: Direction | Aim, items: Sequence[Suggestion]
) -> pd.DataFrame:
    """Suggestions with their evidence, indexed by trial; of an aim with a mean and a standard deviation for each
    outcome and the chance to keep its limits.
    """
    rows = [
        {
            "trial": item.number,
            **{name: item.factors[name] for name in space.names},
            "origin": item.origin,
            **_predicted(sought, item),
            "nearest_trial": item.nearest_trial,
            "explores": item.explores,
            "note": item.note,
        }
        for item in items
    ]
    return _pandas(space, sought).DataFrame(rows).set_index("trial")


def _predicted(sought: Direction | Aim, item: Suggestion) -> dict[str, float | None]:
    if isinstance(sought, str):
        return {
            "predicted_mean": item.predicted_mean,
            "predicted_sd": item.predicted_sd,
            "better": item.better,
            "chance": item.chance,
        }
    found: dict[str, float | None] = {}
    for name in sought.outcomes:
        mean, sd = item.predicted.get(name, (None, None))
        found |= {f"predicted_{name}": mean, f"predicted_{name}_sd": sd}
    return {**found, "chance": item.chance} if sought.limits else found


def history_frame(
    space: Space,
    records: Sequence[TrialRecord],
    sought: Direction | Aim = "maximize",
    levels: Sequence[str] = (),
) -> pd.DataFrame:
    """All trials, indexed by trial; of an aim with a column per outcome in place of `value` and `sd`. A grade is shown by
    its name, what is beyond the range as "> 100", as they were told.
    """
    if not isinstance(sought, str):
        shown = [
            {
                "trial": record.number,
                **{name: record.factors[name] for name in space.names},
                "status": record.status,
                **{
                    name: _shown(record.outcomes.get(name), record.sides.get(name))
                    for name in sought.outcomes
                },
            }
            for record in records
        ]
        columns = ["trial", *space.names, "status", *sought.outcomes]
        frame = _pandas(space, sought).DataFrame(shown, columns=columns)
        numbers = [n for n in sought.outcomes if not any(n in record.sides for record in records)]
        return frame.astype(dict.fromkeys(numbers, float)).set_index("trial")
    rows = [
        {
            "trial": record.number,
            **{name: record.factors[name] for name in space.names},
            "status": record.status,
            "value": _shown(record.value, record.side, levels),
            "sd": record.standard_deviation,
        }
        for record in records
    ]
    columns = ["trial", *space.names, "status", "value", "sd"]
    frame = _pandas(space).DataFrame(rows, columns=columns)
    named = levels or any(record.side for record in records)
    return frame.astype({"sd": float} if named else {"value": float, "sd": float}).set_index(
        "trial"
    )


def _shown(value: float | None, side: Side | None, levels: Sequence[str] = ()) -> Reading | None:
    if value is None or not (side or levels):
        return value
    if levels:
        return levels[int(value)]
    return f"{'>' if side == 'above' else '<'} {value:g}"


def outcomes(
    frame: pd.DataFrame, sought: Direction | Aim = "maximize", levels: Sequence[str] = ()
) -> Iterator[tuple[int, Told, float | None, bool]]:
    """Number, what was measured, standard deviation and whether it failed, row by row."""
    _pandas()
    if "trial" in frame.columns:
        frame = frame.set_index("trial")
    _demand_value(frame, sought)
    for label, row in frame.iterrows():
        if isinstance(label, bool) or not isinstance(label, int):
            raise InputError(
                f"the row {label!r} names no trial",
                hint="index the frame by the numbers of the suggestions, or give a column `trial`",
            )
        yield (label, *_outcome(row, f"trial {label}", sought, levels))


def experiments(
    space: Space,
    frame: pd.DataFrame,
    sought: Direction | Aim = "maximize",
    levels: Sequence[str] = (),
) -> Iterator[tuple[dict[str, Setting], Told, float | None, bool]]:
    """Factors, what was measured, standard deviation and whether it failed, row by row."""
    _pandas(space, sought)
    _demand_value(frame, sought)
    for name in space.names:
        if name not in frame.columns:
            raise InputError(
                f"the table has no column for factor {name}",
                hint=f"its columns are: {', '.join(map(str, frame.columns))}",
            )
    for label, row in frame.iterrows():
        where = f"row {label!r}"
        factors: dict[str, Setting] = {}
        for factor in space.factors:
            factors[factor.name] = (
                str(row[factor.name])
                if isinstance(factor, Category)
                else _number(row[factor.name], where, factor.name)
            )
        space.check(factors, where)
        yield (factors, *_outcome(row, where, sought, levels))


def _demand_value(frame: pd.DataFrame, sought: Direction | Aim) -> None:
    if not isinstance(sought, str):
        if not any(name in frame.columns for name in sought.outcomes):
            raise InputError(
                "the table has no column with an outcome",
                hint=f"the outcomes of this campaign are: {', '.join(sought.outcomes)}",
            )
        return
    if "value" not in frame.columns:
        raise InputError(
            "the table has no column `value`",
            hint="name the column of the measured objective `value`",
        )


def _outcome(
    row: Any,  # noqa: ANN401
    where: str,
    sought: Direction | Aim,
    levels: Sequence[str],
) -> tuple[Told, float | None, bool]:
    """A row that failed has no value; one without a value must say that it failed."""
    failed = row.get("failed", False)
    failed = False if _missing(failed) else bool(failed)
    if not isinstance(sought, str):
        found = {
            name: _told(row[name], where, name)
            for name in sought.outcomes
            if name in row.index and not _missing(row[name])
        }
        if bool(found) == failed:
            raise InputError(
                f"{where}: " + ("failed, but with an outcome" if failed else "no outcome"),
                hint="say in a column `failed` that it gave nothing, or leave the row out",
            )
        return found or None, None, failed
    value = None if _missing(row["value"]) else _told(row["value"], where, "value", levels)
    if value is None and not failed:
        raise InputError(
            f"{where}: the value is missing",
            hint="a trial that gave no number failed: say so in a column `failed`, or leave the row out",
        )
    sd = row.get("sd")
    return value, None if _missing(sd) else _number(sd, where, "sd"), failed


def _missing(value: Any) -> bool:  # noqa: ANN401
    return value is None or bool(_pandas().isna(value))


def _told(value: Any, where: str, name: str, levels: Sequence[str] = ()) -> Reading:  # noqa: ANN401
    number, side = read_value(value, where, name, levels)
    return number if side is None and not levels else str(value)


def _number(value: Any, where: str, name: str) -> float:  # noqa: ANN401
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {name} is {value!r}", hint="give a number") from error
