"""Rows of what a run's course left: decisions, tasks with their answers, questions, flags, and what was judged. Pure.

As everywhere, work that failed or was aborted is in them: a time window or a quality check that the run never came to
has a row that says so.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from lab.domain.course import begin_of
from lab.domain.quantity import tidy
from lab.domain.units import DIMENSIONLESS
from lab.plan.formula import measured
from lab.records.columns import COLUMNS
from lab.records.rows import Row, Rows, utc

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import JsonValue

    from lab.domain.plan import Binding, Formula, QualityCheck, TimeWindow
    from lab.domain.state import LabState, RunState
    from lab.records.facts import Facts
    from lab.records.facts_course import CourseFacts, QuestionFact, TaskFact

    _Outputs = Mapping[str, Mapping[str, JsonValue]]

__all__ = [
    "answer_rows",
    "decision_rows",
    "flag_rows",
    "limit_rows",
    "quality_rows",
    "question_rows",
    "task_rows",
    "window_rows",
]


def _of(state: LabState, run: str) -> Row:
    """The columns that name a run."""
    entry = state.runs[run]
    return {"run": run, "campaign": entry.campaign, "trial": entry.trial}


_NO_RUN: Row = {"run": "", "campaign": "", "trial": None}
"""Of what concerns the laboratory and not a run."""


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


# -- decisions --------------------------------------------------------------------------------------


def decision_rows(state: LabState, facts: Facts, run: str = "") -> Rows:
    """One row per decision that was taken, with what its condition saw."""
    rows = Rows(columns=COLUMNS["decisions"])
    for fact in facts.course.decisions:
        event = fact.event
        if run and event.run != run:
            continue
        plan = state.runs[event.run].plan
        decision = next(d for d in plan.decisions if d.path == event.decision)
        rows.append(
            {
                **_of(state, event.run),
                "at": utc(fact.at_s),
                "decision": event.decision,
                "title": decision.title,
                "kind": decision.kind,
                "expression": decision.formula.expression,
                "value": event.value,
                "saw": _json(_saw(decision.formula, fact.outputs)),
            }
        )
    return rows


def _saw(formula: Formula, outputs: _Outputs) -> dict[str, JsonValue]:
    """Name -> value and unit; of a function over a loop's rounds, the values of all rounds."""
    found: dict[str, JsonValue] = {}
    for name, binding in formula.names.items():
        value = _value(binding, outputs)
        if value is not None:
            found[name] = {"value": value, "unit": binding.unit}
    for row in formula.rows or ():
        for name, binding in row.items():
            value = _value(binding, outputs)
            entry = found.setdefault(name, {"values": [], "unit": binding.unit})
            values = entry.get("values") if isinstance(entry, dict) else None
            if value is not None and isinstance(values, list):
                values.append(value)
    return found


def _value(binding: Binding, outputs: _Outputs) -> JsonValue:
    """As recorded, so that no noise of a calculation is in it; computed where a formula gives it."""
    if binding.value is not None:
        return binding.value
    for path in reversed(binding.outputs):
        step, _, output = path.rpartition(".")
        value = outputs.get(step, {}).get(output)
        if value is not None:
            return value
    found = None if binding.formula is None else measured(binding.formula, outputs)
    return None if found is None else found[0].number(binding.unit or DIMENSIONLESS)


# -- what people were asked -------------------------------------------------------------------------


def task_rows(state: LabState, facts: Facts, run: str = "") -> Rows:
    """One row per manual task, whatever became of it."""
    rows = Rows(columns=COLUMNS["tasks"])
    for fact in _tasks(facts.course, run):
        asked, answer, witness = fact.asked, fact.answer, fact.witness
        plan = state.runs[asked.run].plan
        rows.append(
            {
                **_of(state, asked.run),
                "step": asked.step,
                "title": plan.step(asked.step).title,
                "task": asked.task,
                "attempt": asked.attempt,
                "prompt": asked.prompt,
                "sign": asked.sign,
                "status": _task_status(fact, is_open=asked.task in state.tasks),
                "asked_at": utc(fact.asked_s),
                "timeout_s": asked.timeout_s,
                "answered_by": "" if answer is None else answer.actor,
                "answered_at": utc(fact.answered_s),
                "answers": _json({} if answer is None else answer.answers),
                "reason": "" if answer is None else answer.reason,
                "witnessed_by": "" if witness is None else witness.actor,
                "witnessed_at": utc(fact.witnessed_s),
                "simulated": None if answer is None else answer.simulated,
            }
        )
    return rows


def _tasks(facts: CourseFacts, run: str) -> Iterator[TaskFact]:
    return (fact for fact in facts.tasks.values() if run in ("", fact.asked.run))


def _task_status(fact: TaskFact, *, is_open: bool) -> str:
    if fact.answer is None:
        return "open" if is_open else "unanswered"
    if fact.answer.failed:
        return "failed"
    if fact.asked.sign == "witness" and fact.witness is None:
        return "unwitnessed" if is_open else "not_witnessed"
    return "done"


def answer_rows(state: LabState, facts: Facts, run: str = "") -> Rows:
    """One row per field of each task that was answered, left-out fields included."""
    rows = Rows(columns=COLUMNS["answers"])
    for fact in _tasks(facts.course, run):
        answer = fact.answer
        if answer is None or answer.failed:
            continue
        for name, field in fact.asked.fields.items():
            given = answer.answers.get(name)
            number = given if field.kind in ("quantity", "integer") else None
            rows.append(
                {
                    **_of(state, fact.asked.run),
                    "step": fact.asked.step,
                    "task": fact.asked.task,
                    "field": name,
                    "prompt": field.prompt,
                    "kind": field.kind,
                    "value": number,
                    "text": None if number is not None else _as_text(given),
                    "unit": field.unit,
                    "answered_by": answer.actor,
                    "answered_at": utc(fact.answered_s),
                    "witnessed_by": "" if fact.witness is None else fact.witness.actor,
                    "simulated": answer.simulated,
                }
            )
    return rows


def _as_text(given: JsonValue) -> str | None:
    if isinstance(given, bool):
        return "yes" if given else "no"
    return given if isinstance(given, str) else None


def question_rows(state: LabState, facts: Facts, run: str = "") -> Rows:
    """One row per question that only a person could settle, and per thing that people were asked to do for the laboratory."""
    rows = Rows(columns=COLUMNS["questions"])
    for fact in facts.course.questions.values():
        asked, answer = fact.asked, fact.answer
        if run and asked.run != run:
            continue
        step = asked.step
        if not step and asked.command in facts.commands:
            step = facts.commands[asked.command].command.step
        rows.append(
            {
                **(_of(state, asked.run) if asked.run else _NO_RUN),
                "step": step,
                "question": asked.question,
                "kind": _question_kind(fact),
                "text": asked.text,
                "choices": " | ".join(asked.choices),
                "command": asked.command,
                "status": _question_status(fact, is_open=asked.question in state.questions),
                "asked_at": utc(fact.asked_s),
                "answer": "" if answer is None else answer.answer,
                "answered_by": "" if answer is None else answer.actor,
                "answered_at": utc(fact.answered_s),
                "reason": "" if answer is None else answer.reason,
                "service": asked.service,
                "simulated": None if answer is None else answer.simulated,
            }
        )
    return rows


def _question_kind(fact: QuestionFact) -> str:
    if fact.asked.service:
        return "service"
    if not fact.asked.step:
        return "outcome"
    return "limit" if "continue" in fact.asked.choices else "hold"


def _question_status(fact: QuestionFact, *, is_open: bool) -> str:
    if fact.answer is not None:
        return "answered"
    return "open" if is_open else "withdrawn"


# -- what was found out of order --------------------------------------------------------------------


def flag_rows(state: LabState, facts: Facts, run: str = "") -> Rows:
    """One row per flag on a sample."""
    rows = Rows(columns=COLUMNS["flags"])
    for fact in facts.course.flags:
        event = fact.event
        if run in ("", event.run):
            rows.append(
                {
                    **_of(state, event.run),
                    "step": event.step,
                    "at": utc(fact.at_s),
                    "flag": event.flag,
                    "reason": event.reason,
                }
            )
    return rows


def window_rows(state: LabState, facts: Facts, run: str = "") -> Rows:
    """One row per time window of each run, kept or not, reached or not."""
    rows = Rows(columns=COLUMNS["windows"])
    for entry in _runs(state, run):
        for window in entry.plan.timing:
            found = entry.timing.get(window.name)
            lag = None if found is None else found.lag_s
            ideal = window.ideal_s
            rows.append(
                {
                    **_of(state, entry.id),
                    "window": window.name,
                    "from_mark": " | ".join(f"{s}.{window.from_mark}" for s in window.from_steps),
                    "to_mark": " | ".join(f"{s}.{window.to_mark}" for s in window.to_steps),
                    "more_than_s": window.more_than_s,
                    "less_than_s": window.less_than_s,
                    "ideal_s": ideal,
                    "status": _window_status(entry, window),
                    "lag_s": lag,
                    "slack_s": None if found is None else found.slack_s,
                    "deviation_s": None if lag is None or ideal is None else round(lag - ideal, 3),
                    "on_violation": window.on_violation,
                    "at": utc(facts.course.found_s.get((entry.id, "timing_recorded", window.name))),
                }
            )
    return rows


def _runs(state: LabState, run: str) -> Iterator[RunState]:
    return (entry for entry in state.runs.values() if run in ("", entry.id))


def _window_status(run: RunState, window: TimeWindow) -> str:
    found = run.timing.get(window.name)
    if found is not None:
        return "kept" if found.kept else "broken"
    begun = run.open and begin_of(run, window) is not None
    return "open" if begun else "not_reached"


def limit_rows(state: LabState, facts: Facts, run: str = "") -> Rows:
    """One row per reading that left the limits which the SOP sets for it."""
    rows = Rows(columns=COLUMNS["limits"])
    for fact in facts.observations:
        seen = fact.event
        if run and seen.run != run:
            continue
        for limit in state.runs[seen.run].plan.limits:
            if (limit.device, limit.output) != (seen.device, seen.name):
                continue
            beyond = limit.beyond(seen.value.value)
            if beyond > 0:
                rows.append(
                    {
                        **_of(state, seen.run),
                        "step": seen.step,
                        "at": utc(fact.at_s),
                        "signal": limit.signal,
                        "device": limit.device,
                        "value": seen.value.value,
                        "unit": limit.unit,
                        "minimum": limit.minimum,
                        "maximum": limit.maximum,
                        "beyond": tidy(beyond),
                        "on_violation": limit.on_violation,
                    }
                )
    return rows


def quality_rows(state: LabState, facts: Facts, run: str = "") -> Rows:
    """One row per standard, blank and set of replicates of each run, judged or not."""
    rows = Rows(columns=COLUMNS["quality"])
    for entry in _runs(state, run):
        for check in entry.plan.quality:
            at_s = facts.course.found_s.get((entry.id, "quality_recorded", check.name))
            rows.append({**_of(state, entry.id), **_judged(entry, check), "at": utc(at_s)})
    return rows


def _judged(run: RunState, check: QualityCheck) -> Row:
    found = run.quality.get(check.name)
    value, certified = None if found is None else found.value, check.certified_value
    status = "not_judged" if found is None else "accepted" if found.accepted else "rejected"
    standard = check.kind == "standard"
    return {
        "name": check.name,
        "check": check.kind,
        "status": status,
        "value": value,
        "unit": check.unit,
        "certified_value": certified,
        "deviation": None if value is None or certified is None else tidy(value - certified),
        "expanded_uncertainty": check.expanded_uncertainty,
        "coverage_factor": check.coverage_factor if standard else None,
        "certificate": check.certificate,
        "minimum": check.minimum,
        "maximum": check.maximum,
        "limit_unit": "%" if check.kind == "replicates" else check.unit,
        "least": check.least,
        "on_failure": check.on_failure,
        "detail": "" if found is None else found.detail,
    }
