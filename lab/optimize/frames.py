"""Trials as pandas data frames: one row per trial, a column per factor."""

# pandas' types have holes.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.domain.errors import InputError
from lab.optimize.space import Category

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from lab.optimize.history import Suggestion, TrialRecord
    from lab.optimize.space import Setting, Space

__all__ = ["experiments", "history_frame", "outcomes", "suggestions_frame"]

_OUTCOME = ("value", "sd", "failed")
_RESERVED = {"trial", "status", *_OUTCOME}


def _pandas(space: Space | None = None) -> Any:  # noqa: ANN401 - the module
    try:
        import pandas
    except ImportError as error:
        raise InputError(
            "pandas is not installed", hint="pip install pandas, or use ask and tell"
        ) from error
    for name in space.names if space else ():
        if name in _RESERVED:
            raise InputError(
                f"a factor called {name} would hide a column of that name",
                hint="use ask and tell, or rename the factor",
            )
    return pandas


def suggestions_frame(space: Space, items: Sequence[Suggestion]) -> pd.DataFrame:
    """Suggestions with their evidence, indexed by trial."""
    rows = [
        {
            "trial": item.number,
            **{name: item.factors[name] for name in space.names},
            "origin": item.origin,
            "predicted_mean": item.predicted_mean,
            "predicted_sd": item.predicted_sd,
            "nearest_trial": item.nearest_trial,
            "note": item.note,
        }
        for item in items
    ]
    return _pandas(space).DataFrame(rows).set_index("trial")


def history_frame(space: Space, records: Sequence[TrialRecord]) -> pd.DataFrame:
    """All trials, indexed by trial."""
    rows = [
        {
            "trial": record.number,
            **{name: record.factors[name] for name in space.names},
            "status": record.status,
            "value": record.value,
            "sd": record.standard_deviation,
        }
        for record in records
    ]
    columns = ["trial", *space.names, "status", "value", "sd"]
    frame = _pandas(space).DataFrame(rows, columns=columns)
    return frame.astype({"value": float, "sd": float}).set_index("trial")


def outcomes(
    frame: pd.DataFrame,
) -> Iterator[tuple[int, float | None, float | None, bool]]:
    """Number, value, standard deviation and whether it failed, row by row."""
    _pandas()
    if "trial" in frame.columns:
        frame = frame.set_index("trial")
    _demand_value(frame)
    for label, row in frame.iterrows():
        if isinstance(label, bool) or not isinstance(label, int):
            raise InputError(
                f"the row {label!r} names no trial",
                hint="index the frame by the numbers of the suggestions, or give a column `trial`",
            )
        yield (label, *_outcome(row, f"trial {label}"))


def experiments(
    space: Space, frame: pd.DataFrame
) -> Iterator[tuple[dict[str, Setting], float | None, float | None, bool]]:
    """Factors, value, standard deviation and whether it failed, row by row."""
    _pandas(space)
    _demand_value(frame)
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
        yield (factors, *_outcome(row, where))


def _demand_value(frame: pd.DataFrame) -> None:
    if "value" not in frame.columns:
        raise InputError(
            "the table has no column `value`",
            hint="name the column of the measured objective `value`",
        )


def _outcome(row: Any, where: str) -> tuple[float | None, float | None, bool]:  # noqa: ANN401
    """A row that failed has no value; one without a value must say that it failed."""
    failed = row.get("failed", False)
    failed = False if _missing(failed) else bool(failed)
    value = None if _missing(row["value"]) else _number(row["value"], where, "value")
    if value is None and not failed:
        raise InputError(
            f"{where}: the value is missing",
            hint="a trial that gave no number failed: say so in a column `failed`, or leave the row out",
        )
    sd = row.get("sd")
    return value, None if _missing(sd) else _number(sd, where, "sd"), failed


def _missing(value: Any) -> bool:  # noqa: ANN401
    return value is None or bool(_pandas().isna(value))


def _number(value: Any, where: str, name: str) -> float:  # noqa: ANN401
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{where}: {name} is {value!r}", hint="give a number") from error
