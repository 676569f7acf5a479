"""Reading the records without an engine: `open_records("lab.db").runs().to_pandas()`.

The reader opens the database read-only, works beside a running engine, and never blocks it. It keeps what it
has computed and takes only new rows at each call. May be shared by threads.
"""

from __future__ import annotations

from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Self

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from lab.domain.errors import UnavailableError
from lab.domain.reduce import reduce
from lab.records import course_rows, history, plan_rows
from lab.records.database import database_url, open_database
from lab.records.facts import Facts
from lab.records.journal import read_records, read_rows
from lab.records.rows import Rows, utc
from lab.records.snapshots import newest_snapshot
from lab.records.verify import first_broken_row, has_head

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from types import TracebackType

    from sqlalchemy import Engine

    from lab.domain.event import Recorded
    from lab.domain.state import LabState
    from lab.records.history import StepTime
    from lab.records.tables import JournalRow

__all__ = ["Records", "open_records"]


def open_records(url_or_path: str | Path) -> Records:
    """Open a lab's records to read them.

    Takes a file (`.lab/records.db`) or a server (`postgresql://user@host/name`). Raises UnavailableError where
    there are none or the server is away, RefusedError where a newer version wrote them.
    """
    url = database_url(str(url_or_path))
    return Records(url, open_database(url, read_only=True))


class Records:
    """A lab's records, read-only. Every method first takes what is new in the journal.

    Tables come as rows of plain dictionaries with times in UTC; `.to_pandas()` makes a DataFrame of them.
    """

    def __init__(self, url: str, engine: Engine) -> None:
        self.url = url
        self._engine = engine
        self._lock = Lock()
        self._state: LabState | None = None
        self._facts = Facts()
        self._facts_seq = 0

    def state(self) -> LabState:
        """What is true after the last record."""
        with self._lock:
            return self._newest_state()

    def step_times(self, run: str = "") -> list[StepTime]:
        """Every step of every run (or of one) with planned and actual times, as values rather than rows."""
        with self._newest() as (state, facts):
            return list(history.step_times(state, facts, run))

    def latest(self) -> Rows:
        """The newest reading of each quantity of each device, with the columns of `observations`."""
        with self._newest() as (state, facts):
            return history.observation_rows(state, facts.latest.values())

    def events(self, after: int = 0) -> Iterator[Recorded]:
        """The records after a sequence number, in order."""
        return read_records(self._engine, after)

    def journal(self) -> Iterator[JournalRow]:
        """The journal's rows as stored, hashes included, in order."""
        return read_rows(self._engine)

    def campaigns(self) -> Rows:
        """One row per campaign: state, counts of trials, best value so far."""
        return history.campaign_rows(self.state())

    def trials(self, campaign: str = "") -> Rows:
        """One row per trial (of one campaign, or of all): factors, prediction, value or reason of failure."""
        with self._newest() as (state, facts):
            return history.trial_rows(state, facts, campaign)

    def plans(self, campaign: str = "") -> Rows:
        """One row per timeline (of one campaign, or of all), and per better one that was looked for and not followed."""
        with self._newest() as (_, facts):
            return plan_rows.plan_rows(facts, campaign)

    def runs(self, campaign: str = "") -> Rows:
        """One row per run, failed and aborted ones included: parameters, results, reason."""
        return history.run_rows(self.state(), campaign)

    def steps(self, run: str = "") -> Rows:
        """One row per step: device, planned and actual times, attempts, errors, outputs."""
        with self._newest() as (state, facts):
            return history.step_rows(state, facts, run)

    def commands(self, run: str = "") -> Rows:
        """One row per try of a step, with what became of it and by whose word."""
        with self._newest() as (_, facts):
            return history.command_rows(facts, run)

    def observations(self, run: str = "") -> Rows:
        """One row per reading: value, unit, standard deviation, instrument with serial number."""
        with self._newest() as (state, facts):
            return history.observation_rows(state, facts.observations, run)

    def decisions(self, run: str = "") -> Rows:
        """One row per branch or end of a loop that was decided, with the values that it saw."""
        with self._newest() as (state, facts):
            return course_rows.decision_rows(state, facts, run)

    def tasks(self, run: str = "") -> Rows:
        """One row per manual task: prompt, who did it and when, who witnessed it."""
        with self._newest() as (state, facts):
            return course_rows.task_rows(state, facts, run)

    def answers(self, run: str = "") -> Rows:
        """One row per answer to a field of a manual task, with its unit."""
        with self._newest() as (state, facts):
            return course_rows.answer_rows(state, facts, run)

    def questions(self, run: str = "") -> Rows:
        """One row per question to a person: held runs and unknown outcomes, with the answer."""
        with self._newest() as (state, facts):
            return course_rows.question_rows(state, facts, run)

    def flags(self, run: str = "") -> Rows:
        """One row per flag on a sample."""
        with self._newest() as (state, facts):
            return course_rows.flag_rows(state, facts, run)

    def windows(self, run: str = "") -> Rows:
        """One row per time window: kept or broken, by how much, how far from the ideal."""
        with self._newest() as (state, facts):
            return course_rows.window_rows(state, facts, run)

    def holds(self, run: str = "") -> Rows:
        """One row each time that something was told of a longest time in danger, also of samples that never began."""
        with self._newest() as (_, facts):
            return plan_rows.hold_rows(facts, run)

    def limits(self, run: str = "") -> Rows:
        """One row per reading that left its limits."""
        with self._newest() as (state, facts):
            return course_rows.limit_rows(state, facts, run)

    def quality(self, run: str = "") -> Rows:
        """One row per standard, blank and set of replicates, with the verdict."""
        with self._newest() as (state, facts):
            return course_rows.quality_rows(state, facts, run)

    def tables(self, run: str = "") -> dict[str, Rows]:
        """All tables by name, of everything or of one run; what they hold is in `lab.records.columns`."""
        whole = {"campaigns": self.campaigns(), "trials": self.trials(), "plans": self.plans()}
        runs = self.runs()
        return {
            **({} if run else whole),
            "runs": Rows((r for r in runs if run in ("", r["run"])), columns=runs.columns),
            "steps": self.steps(run),
            "commands": self.commands(run),
            "observations": self.observations(run),
            "decisions": self.decisions(run),
            "tasks": self.tasks(run),
            "answers": self.answers(run),
            "questions": self.questions(run),
            "flags": self.flags(run),
            "windows": self.windows(run),
            "holds": self.holds(run),
            "limits": self.limits(run),
            "quality": self.quality(run),
        }

    def first_broken_row(self) -> int | None:
        """The sequence number of the first record that does not fit the hash chain; None where all fit."""
        return first_broken_row(self._engine)

    def has_head(self, head: str) -> bool:
        """Whether a head that was kept elsewhere is the hash of a record: nothing up to it was cut off then."""
        return has_head(self._engine, head)

    def close(self) -> None:
        """Free the connection. Safe to call twice."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = self.state()
        failed = sum(run.status in ("failed", "aborted") for run in state.runs.values())
        since = utc(state.at_s) if state.seq else None
        last = f", last at {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
        return (
            f"Records({self.url}: {len(state.campaigns)} campaigns, {len(state.runs)} runs "
            f"({len(state.open_runs())} open, {failed} failed or aborted), {state.seq} events{last})"
        )

    @contextmanager
    def _newest(self) -> Generator[tuple[LabState, Facts]]:
        """State and facts with all that is new. Locked, because the facts grow in place."""
        with self._lock:
            state = self._newest_state()
            try:
                for record in read_records(self._engine, self._facts_seq, state.seq):
                    self._facts.apply(record)
                    self._facts_seq = record.seq
            except _DAMAGE as error:
                raise _damaged(self._facts_seq, error) from error
            yield state, self._facts

    def _newest_state(self) -> LabState:
        """With what is new; the first time from a snapshot, where one counts."""
        state = newest_snapshot(self._engine).state if self._state is None else self._state
        try:
            for record in read_records(self._engine, state.seq):
                state = reduce(state, record)
                # Facts that have been asked for before go on with it, so that nothing is read twice.
                if self._facts_seq and self._facts_seq == record.seq - 1:
                    self._facts.apply(record)
                    self._facts_seq = record.seq
        except _DAMAGE as error:
            raise _damaged(state.seq, error) from error
        finally:
            self._state = state
        return state


_DAMAGE = (DBAPIError, ValidationError, KeyError, UnicodeDecodeError)


def _damaged(after: int, error: Exception) -> UnavailableError:
    return UnavailableError(
        f"the records can't be read after event {after}: {error}",
        hint="lab records verify tells which record is damaged",
    )
