"""One run of the records, in words or as one document. Pure."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from lab.cli.event_text import answers_text
from lab.records.columns import TABLES
from lab.records.rows import cell_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.records.rows import Row, Rows

__all__ = ["run_document", "run_lines"]


def run_document(tables: Mapping[str, Rows]) -> dict[str, object]:
    """The run's own row, and under each other table's name its rows; cells that hold JSON are opened."""
    opened = {name: [_plain(name, row) for row in rows] for name, rows in tables.items()}
    [run] = opened.pop("runs")
    return {"run": run, **opened}


def _plain(table: str, row: Row) -> Row:
    kinds = {column.name: column.type for column in TABLES[table]}
    return {
        name: json.loads(str(value))
        if kinds.get(name) == "json"
        else cell_text(value)
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    }


def run_lines(tables: Mapping[str, Rows]) -> list[str]:
    """What a person asks of a run, in that order: how it ended, what is out of order, what was done."""
    [run] = tables["runs"]
    lines = [f"{run['run']}: {run['status']}{_after(': ', run['reason'])}"]
    ended = run["ended_at"]
    lines.append(
        f"  {_clock(run['started_at'])} to {_clock(ended) if ended else 'now'}, "
        f"{run['steps_succeeded']} of {run['steps']} steps done, {run['steps_skipped']} skipped"
    )
    lines += [f"  {text}" for text in _values(run)]
    for heading, found in (
        ("flags", _flags(tables["flags"])),
        ("questions", _questions(tables["questions"])),
        ("limits left", _limits(tables["limits"])),
        ("time windows", _windows(tables["windows"])),
        ("longest times in danger", _holds(tables["holds"])),
        ("quality", _quality(tables["quality"])),
        ("manual tasks", _tasks(tables["tasks"], tables["answers"])),
        ("decisions", _decisions(tables["decisions"])),
        ("steps", _steps(tables["steps"])),
    ):
        texts = list(found)
        if texts:
            lines += [heading, *(f"  {text}" for text in texts)]
    return lines


def _after(mark: str, value: object) -> str:
    return f"{mark}{value}" if value not in (None, "") else ""


def _words(status: object) -> str:
    return str(status).replace("_", " ")


def _clock(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else ""


def _time(value: object) -> str:
    return f"{value:%H:%M:%S}" if isinstance(value, datetime) else "        "


def _values(run: Row) -> Iterator[str]:
    """Parameters and results: `mass [g]` and `mass_sd [g]` -> `mass = 1.5 ± 0.01 g`."""
    own = {column.name for column in TABLES["runs"]}
    for heading, value in run.items():
        name, _, unit = heading.rstrip("]").partition(" [")
        of_spread = name.endswith("_sd") and heading.replace("_sd", "", 1) in run
        if heading in own or of_spread:
            continue
        spread = run.get(heading.replace(name, f"{name}_sd", 1))
        around = "" if spread is None else f" ± {_number(spread, 2)}"
        yield f"{name} = {_number(value)}{around}{'' if value is None else f' {unit}'}".rstrip()


def _number(value: object, digits: int = 6) -> str:
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    return "not measured" if value is None else str(value)


def _flags(rows: Rows) -> Iterator[str]:
    for row in rows:
        yield f"{_time(row['at'])}  {row['flag']}{_after(', step ', row['step'])}: {row['reason']}"


def _questions(rows: Rows) -> Iterator[str]:
    for row in rows:
        said = (
            f"{row['answered_by']} said {row['answer']}{_after(': ', row['reason'])}"
            if row["status"] == "answered"
            else row["status"]
        )
        yield f"{_time(row['asked_at'])}  {row['text']} {said}"


def _limits(rows: Rows) -> Iterator[str]:
    for row in rows:
        value, beyond = _number(row["value"]), _number(row["beyond"])
        unit = row["unit"]
        yield f"{_time(row['at'])}  {row['signal']} was {value} {unit} after {row['step']}, {beyond} {unit} too far"


def _windows(rows: Rows) -> Iterator[str]:
    for row in rows:
        took = "" if row["lag_s"] is None else f", took {_number(row['lag_s'])} s"
        slack = row["slack_s"]
        if row["status"] == "broken" and isinstance(slack, float):
            took += f", {_number(-slack)} s out of its limits"
        ideal = row["deviation_s"]
        meant = f" ({ideal:+g} s from the ideal)" if isinstance(ideal, float) else ""
        yield f"{row['window']}: {_words(row['status'])}{took}{meant}"


def _holds(rows: Rows) -> Iterator[str]:
    for row in rows:
        by = f", by {_number(row['by_s'])} s" if row["by_s"] else ""
        told = f"{row['status']}{by}{_after(': ', row['reason'])}"
        yield f"{_time(row['at'])}  {row['window']} ({row['first']} to {row['second']}) {told}"


def _quality(rows: Rows) -> Iterator[str]:
    for row in rows:
        found = (
            f" {_number(row['value'])} {row['unit']}".rstrip() if row["value"] is not None else ""
        )
        against = row["certified_value"]
        certified = f", certified {_number(against)} {row['unit']}" if against is not None else ""
        yield f"{row['check']} {row['name']}: {_words(row['status'])}{found}{certified}{_after('; ', row['detail'])}"


def _tasks(rows: Rows, answers: Rows) -> Iterator[str]:
    units: dict[tuple[object, str], str] = {
        (row["task"], str(row["field"])): str(row["unit"]) for row in answers
    }
    for row in rows:
        own = {field: unit for (task, field), unit in units.items() if task == row["task"]}
        said = answers_text(json.loads(str(row["answers"])), own)
        by = _after(" by ", row["answered_by"])
        seen = _after(", witnessed by ", row["witnessed_by"])
        simulated = " (simulated)" if row["simulated"] else ""
        told = f"{_after(': ', said)}{_after('; ', row['reason'])}"
        yield (
            f"{_time(row['asked_at'])}  {row['step']}, {row['prompt']} "
            f"{_words(row['status'])}{by}{seen}{simulated}{told}"
        )


def _decisions(rows: Rows) -> Iterator[str]:
    for row in rows:
        seen: dict[str, dict[str, object]] = json.loads(str(row["saw"]))
        saw = ", ".join(
            f"{name} = {_number(known.get('value', known.get('values')))} {known['unit']}".rstrip()
            for name, known in seen.items()
        )
        yield (
            f"{_time(row['at'])}  {row['decision']}: {'yes' if row['value'] else 'no'} to "
            f"{row['expression']}{f' with {saw}' if saw else ''}"
        )


def _steps(rows: Rows) -> Iterator[str]:
    for row in rows:
        why = row["reason"] or row["errors"]
        what = f"{_words(row['status'])}{_after(': ', why)}"
        good = f", makes good {row['compensates']}" if row["compensates"] else ""
        yield f"{_time(row['started_at'])}  {row['step']} ({row['title']}, {row['device']}{good}) {what}"
