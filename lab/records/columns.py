"""The data dictionary: each table of the records with its columns, their types, units and meaning.

A table has all of these columns, in this order, with rows or without. Those that depend on the procedure (factors,
parameters, results) follow them and carry their unit in brackets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["COLUMNS", "DICTIONARY", "TABLES", "Column", "ColumnType"]

ColumnType = Literal["text", "number", "integer", "yes/no", "time", "json"]
"""time: ISO 8601, UTC, process time. json: one JSON document in the cell. yes/no: `true` or `false`."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `unit` is that of every cell; "" where there is none or another column names it."""

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""


# fmt: off
_RUN = (
    Column("run", "text", "Id of the run: one execution of a plan, for one sample"),
    Column("campaign", "text", "Id of its campaign"),
    Column("trial", "integer", "Number of its trial within the campaign"),
)
_SOP = (
    Column("sop", "text", "Id of the SOP"),
    Column("sop_version", "text", "Its version"),
    Column("sop_sha256", "text", "SHA-256 of the procedure, its wording left out"),
)
_STEP = Column("step", "text", "Path of the step in the plan; of a round of a loop `loop[2].step`")
_TITLE = Column("title", "text", "Heading of the step, for people")

TABLES: dict[str, tuple[Column, ...]] = {
    "campaigns": (
        Column("campaign", "text", "Id of the campaign"),
        Column("title", "text", "Its title"),
        Column("status", "text", "running, completed, stopped or failed"),
        Column("reason", "text", "Why it ended"),
        Column("objective", "text", "Result that is optimised"),
        Column("unit", "text", "Unit of the objective"),
        Column("direction", "text", "maximize, minimize or target"),
        Column("method", "text", "Strategy: bayesian or sobol"),
        Column("seed", "integer", "Seed of all randomness"),
        Column("trials_planned", "integer", "Budget"),
        Column("trials_done", "integer", "Trials that gave a value"),
        Column("trials_failed", "integer", "Trials that gave none"),
        Column("trials_open", "integer", "Trials that are proposed and not ended"),
        Column("best_trial", "integer", "Trial with the best measured value so far; of several fidelities by the one that counts"),
        Column("best_value", "number", "That value, in `unit`"),
        Column("front", "text", "Of several outcomes: the trials that no other beats and that keep all limits"),
        Column("started_at", "time", "When it began"),
        Column("ended_at", "time", "When it ended"),
        *_SOP,
        Column("lab", "text", "Id of the lab"),
    ),
    "trials": (
        Column("campaign", "text", "Id of the campaign"),
        Column("trial", "integer", "Number within the campaign; results that people told from outside have -1, -2, ..."),
        Column("run", "text", "Id of the run that it led to"),
        Column("status", "text", "pending, done, failed or rejected"),
        Column("origin", "text", "Who proposed it: the strategy's name; outside: told by a person"),
        Column("fidelity", "text", "How it is measured, where the campaign has several ways; the last of them counts"),
        Column("objective", "text", "Result that is optimised"),
        Column("value", "number", "What was measured, in `unit`"),
        Column("unit", "text", "Unit of the objective"),
        Column("standard_deviation", "number", "Standard deviation of the value, in `unit`"),
        Column("predicted_mean", "number", "What the model expected, in `unit`"),
        Column("predicted_sd", "number", "Standard deviation of that expectation, in `unit`"),
        Column("nearest_trial", "integer", "Nearest trial that was known when it was proposed"),
        Column("note", "text", "What the strategy says of it"),
        Column("explores", "text", "Where it lies apart from all that was tried before"),
        Column("better", "number", "Probability, as foretold, that its value is better than the best before it"),
        Column("chance", "number", "Probability, as foretold, that the limits on results are kept, or that it gives a value"),
        Column("approved_by", "text", "Who let it be made, where the campaign asks for approval"),
        Column("reason", "text", "Why it gave no value"),
        Column("proposed_at", "time", "When it was proposed"),
        Column("ended_at", "time", "When it ended"),
    ),
    "plans": (
        Column("campaign", "text", "Id of the campaign"),
        Column("seq", "integer", "Record that holds the timeline, or the verdict where it is not followed"),
        Column("at", "time", "When it was made"),
        Column("followed", "yes/no", "Whether the engine followed it; one that was looked for beside the engine may come too late"),
        Column("source", "text", "order (the standing one, times corrected), insertion, repair, reservation, search or solver"),
        Column("reason", "text", "Why it was made; where it is not followed, why not"),
        Column("gain_s", "number", "Of one that was looked for: how much earlier samples end, by their weight and summed", "s"),
        Column("makespan_gain_s", "number", "Of one that was looked for: how much earlier the last sample ends", "s"),
        Column("holds_not_kept", "integer", "Limits on time that it does not keep; each is in `holds`"),
    ),
    "runs": (
        *_RUN,
        Column("status", "text", "running, stopping, succeeded, failed or aborted"),
        Column("reason", "text", "Why it failed or was aborted"),
        Column("started_at", "time", "When it began"),
        Column("ended_at", "time", "When it ended"),
        Column("duration_s", "number", "From its begin to its end", "s"),
        Column("steps", "integer", "Main steps in its plan, safe-state steps not counted"),
        Column("steps_succeeded", "integer", "Main steps that succeeded"),
        Column("steps_skipped", "integer", "Main steps that were skipped: decided otherwise, or given up"),
        Column("flags", "integer", "Flags on the sample; the table `flags` has them one by one"),
        Column("windows_broken", "integer", "Time windows whose limit was broken"),
        Column("quality_rejected", "integer", "Standards, blanks and replicates that were not accepted"),
        *_SOP,
        Column("bindings", "json", "Role or container of the SOP -> device or station of the lab"),
        Column("lots", "json", "Material -> stock and lot that served as it"),
    ),
    "steps": (
        *_RUN, _STEP, _TITLE,
        Column("device", "text", "Device that does it; `operator` where a person does"),
        Column("capability", "text", "Capability that it needs"),
        Column("action", "text", "Action of that capability"),
        Column("manual", "yes/no", "Done by a person"),
        Column("safe_state", "yes/no", "Taken only when the run ends badly"),
        Column("compensates", "text", "Of a compensation: the main step whose failure it makes good"),
        Column("status", "text", "waiting, running, succeeded, failed, skipped, not_run (the run ended before it) or interrupted"),
        Column("reason", "text", "Of a skipped step: the decision or the failure that it was skipped for"),
        Column("attempts", "integer", "Tries, by device or person"),
        Column("planned_start", "time", "Planned by the timeline in force when it began"),
        Column("planned_end", "time", "The same of its end"),
        Column("started_at", "time", "Begin of the first try"),
        Column("ended_at", "time", "End of the last try, or when it was skipped"),
        Column("errors", "text", "Error of each try that failed, separated by ` | `"),
        Column("args", "json", "Arguments known beforehand, in the units of the capability; `commands` has all"),
        Column("outputs", "json", "What it gave, in the units of the capability or of the answers"),
        Column("command", "text", "Id of the last command"),
    ),
    "commands": (
        Column("command", "text", "Id of the command, never used twice"),
        Column("run", "text", "Id of the run"),
        _STEP,
        Column("attempt", "integer", "Number of the try, from 1"),
        Column("device", "text", "Device that was asked"),
        Column("action", "text", "What it was asked for"),
        Column("args", "json", "Arguments as sent, in the units of the capability"),
        Column("effect", "text", "none (a reading), absolute (a setting) or once (an act like dosing)"),
        Column("result", "text", "open, refused, succeeded, failed_no_effect, failed_partial, unknown or settled_<verdict>"),
        Column("reason", "text", "Error, refusal, or what was said when it was settled"),
        Column("settled_by", "text", "By whose word an unknown outcome was settled"),
        Column("intended_at", "time", "When it was made durable, before it was sent"),
        Column("accepted_at", "time", "When the device host took it"),
        Column("ended_at", "time", "When its end was known"),
        Column("epoch", "integer", "Number of the engine's start that sent it"),
    ),
    "observations": (
        Column("seq", "integer", "Number of the event in the journal"),
        Column("at", "time", "When it was recorded"),
        Column("campaign", "text", "Id of the campaign"),
        Column("trial", "integer", "Number of the trial within the campaign"),
        Column("run", "text", "Id of the run"),
        _STEP,
        Column("command", "text", "Id of the command, or of the task where a person read it off"),
        Column("name", "text", "Quantity, as the capability or the answer names it"),
        Column("value", "number", "What was measured, in `unit`"),
        Column("unit", "text", "Unit of the value"),
        Column("standard_deviation", "number", "Standard deviation as the device tells it, in `unit`"),
        Column("device", "text", "Device that measured it; `operator` where a person read it off"),
        Column("manufacturer", "text", "Of the device, as it described itself then"),
        Column("model", "text", "The same"),
        Column("serial_number", "text", "The same"),
        Column("firmware", "text", "The same"),
        Column("driver", "text", "Driver that spoke with it"),
        Column("driver_version", "text", "Its version"),
        Column("simulated", "yes/no", "A simulator, or a simulated person, gave the value"),
    ),
    "decisions": (
        *_RUN,
        Column("at", "time", "When it was decided"),
        Column("decision", "text", "Path of the branch, or of the round of the loop"),
        Column("title", "text", "Its heading"),
        Column("kind", "text", "branch, or loop (is its end reached?)"),
        Column("expression", "text", "Condition as the SOP writes it"),
        Column("value", "yes/no", "The answer"),
        Column("saw", "json", "Name in the expression -> value and unit that it had at that moment"),
    ),
    "tasks": (
        *_RUN, _STEP, _TITLE,
        Column("task", "text", "Id of the task"),
        Column("attempt", "integer", "Number of the try, from 1"),
        Column("prompt", "text", "What was asked of the person"),
        Column("sign", "text", "Who had to sign: none, performer, or witness (a second person, too)"),
        Column("status", "text", "open, unwitnessed (waits for a witness), done, failed (the person says so), not_witnessed or unanswered (too late, or withdrawn)"),
        Column("asked_at", "time", "When it was asked"),
        Column("timeout_s", "number", "After this time without an answer the try has failed", "s"),
        Column("answered_by", "text", "Who did it and signs for it"),
        Column("answered_at", "time", "When it was answered"),
        Column("answers", "json", "Field -> value in the unit of the field; the table `answers` has them one by one"),
        Column("reason", "text", "What the person added; why, where it failed"),
        Column("witnessed_by", "text", "Second person who confirmed it"),
        Column("witnessed_at", "time", "When it was confirmed"),
        Column("simulated", "yes/no", "A simulated person answered"),
    ),
    "answers": (
        *_RUN, _STEP,
        Column("task", "text", "Id of the task"),
        Column("field", "text", "Name of the field"),
        Column("prompt", "text", "The question"),
        Column("kind", "text", "quantity, integer, yes_no, choice or text"),
        Column("value", "number", "A number, in `unit`"),
        Column("text", "text", "Any other answer: yes or no, a choice, a text"),
        Column("unit", "text", "Unit of the value"),
        Column("answered_by", "text", "Who answered"),
        Column("answered_at", "time", "When"),
        Column("witnessed_by", "text", "Second person who confirmed it"),
        Column("simulated", "yes/no", "A simulated person answered"),
    ),
    "questions": (
        *_RUN, _STEP,
        Column("question", "text", "Id of the question"),
        Column("kind", "text", "hold (a step failed), limit (a value left its limits), outcome (of a command, unknown) or service (to be done for the laboratory)"),
        Column("text", "text", "The question"),
        Column("choices", "text", "Possible answers, separated by ` | `"),
        Column("command", "text", "Command that it is about, if one"),
        Column("status", "text", "open, answered, or withdrawn (the device told it, or the run ended)"),
        Column("asked_at", "time", "When it was asked"),
        Column("answer", "text", "The choice that was taken"),
        Column("answered_by", "text", "Who took it"),
        Column("answered_at", "time", "When"),
        Column("reason", "text", "Why"),
        Column("service", "text", "What people were asked to do, e.g. `stock water`; empty for other questions"),
        Column("simulated", "yes/no", "A simulated person answered"),
    ),
    "flags": (
        *_RUN, _STEP,
        Column("at", "time", "When it was flagged"),
        Column("flag", "text", "check (a warning), skipped (given up after a failure), timing, limit or quality"),
        Column("reason", "text", "What is out of order"),
    ),
    "windows": (
        *_RUN,
        Column("window", "text", "Name of the limit on time; `step.settle` where a step asks for a rest after it"),
        Column("from_mark", "text", "Mark where it begins: `step.start` or `step.end`; of several the last that was taken"),
        Column("to_mark", "text", "Mark where it ends; of several the first that was taken"),
        Column("more_than_s", "number", "Shortest allowed time", "s"),
        Column("less_than_s", "number", "Longest allowed time", "s"),
        Column("ideal_s", "number", "Time that is meant", "s"),
        Column("status", "text", "kept, broken, open (begun, not ended) or not_reached"),
        Column("lag_s", "number", "Time that it took", "s"),
        Column("slack_s", "number", "Distance to the nearer limit; negative: broken by so much", "s"),
        Column("deviation_s", "number", "Time that it took less the ideal", "s"),
        Column("on_violation", "text", "flag, scrap (the sample is given up) or abort"),
        Column("at", "time", "When both marks were known"),
    ),
    "holds": (
        *_RUN,
        Column("at", "time", "When it was told"),
        Column("window", "text", "Name of the limit on time that is in danger"),
        Column("first", "text", "Step from which it counts"),
        Column("second", "text", "Step that must follow in time"),
        Column("status", "text", "endangered, hopeless (nothing can keep it), excused (a person lets the sample go on) or safe"),
        Column("by_s", "number", "Time that is too short; 0 where that depends on when a device comes back", "s"),
        Column("reason", "text", "Why"),
        Column("away", "text", "Devices that it takes and that are out of use, separated by ` | `"),
        Column("due_at", "time", "When the second step is due at the latest, where the time has begun"),
    ),
    "limits": (
        *_RUN, _STEP,
        Column("at", "time", "When the value was recorded"),
        Column("signal", "text", "`role.output` that the SOP watches"),
        Column("device", "text", "Device that measured it"),
        Column("value", "number", "What was measured, in `unit`"),
        Column("unit", "text", "Unit of value, minimum and maximum"),
        Column("minimum", "number", "Least allowed value, in `unit`"),
        Column("maximum", "number", "Greatest allowed value, in `unit`"),
        Column("beyond", "number", "By how much it left its limits, in `unit`"),
        Column("on_violation", "text", "hold (a person decides) or abort"),
    ),
    "quality": (
        *_RUN,
        Column("name", "text", "Name of the standard, blank or set of replicates"),
        Column("check", "text", "standard, blank or replicates"),
        Column("status", "text", "accepted, rejected, or not_judged (the run ended before)"),
        Column("value", "number", "What was found, in `unit`; of replicates the mean"),
        Column("unit", "text", "Unit of value, certified value and uncertainty"),
        Column("certified_value", "number", "Of a standard, in `unit`"),
        Column("deviation", "number", "Value less certified value, in `unit`"),
        Column("expanded_uncertainty", "number", "Of the certified value, in `unit`"),
        Column("coverage_factor", "number", "Of that uncertainty"),
        Column("certificate", "text", "Number of the standard's certificate"),
        Column("minimum", "number", "Least value that is accepted, in `limit_unit`"),
        Column("maximum", "number", "Greatest value that is accepted, in `limit_unit`"),
        Column("limit_unit", "text", "Limits are on the deviation of a standard, the value of a blank, the relative standard deviation of replicates"),
        Column("least", "integer", "Replicates that are needed"),
        Column("on_failure", "text", "flag, or fail (the run has failed)"),
        Column("detail", "text", "What was judged against which limit"),
        Column("at", "time", "When it was judged"),
    ),
    "events": (
        Column("seq", "integer", "Number in the journal, from 1 without gaps"),
        Column("epoch", "integer", "Number of the engine's start"),
        Column("at", "time", "Process time, with microseconds"),
        Column("kind", "text", "Kind of fact"),
        Column("campaign", "text", "Id of the campaign, if one is concerned"),
        Column("run", "text", "Id of the run, if one is concerned"),
        Column("body", "json", "The fact, as canonical JSON"),
        Column("prev_hash", "text", "Hash of the row before"),
        Column("hash", "text", "SHA-256 over prev_hash, seq, epoch, at and body, joined by line feeds"),
    ),
}
"""Table -> its columns. All but `events` are computed from `events`."""

DICTIONARY: tuple[Column, ...] = (
    Column("table", "text", "Table, which is also the name of the file"),
    Column("column", "text", "Its heading; those of the SOP's own names carry their unit in brackets"),
    Column("type", "text", "text, number, integer, yes/no, time or json"),
    Column("unit", "text", "Unit of every cell"),
    Column("meaning", "text", "What it holds"),
)
"""The columns of the dictionary itself, as it is exported."""
# fmt: on

COLUMNS: dict[str, tuple[str, ...]] = {
    table: tuple(column.name for column in columns) for table, columns in TABLES.items()
}
"""Table -> the names of its columns."""
