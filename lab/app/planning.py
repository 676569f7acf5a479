"""`lab plan`: what the planner would do with some samples, without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lab.app.check import file_kind
from lab.app.context import FilesContext
from lab.app.files import open_campaign, open_lab
from lab.app.plan_document import plan_document
from lab.app.plan_needs import Needs, refuse_what_takes_too_long
from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError, RefusedError
from lab.domain.ids import run_id
from lab.engine.clock import local_now, wall_seconds
from lab.plan.bind import bind
from lab.plan.estimates import Learned, learn, with_durations
from lab.plan.pools import least_makespan
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from lab.plan.translate import translate
from lab.plan.upkeep import supplies
from lab.records.reader import open_records
from lab.sop.load import load_sop, read_text, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from lab.domain.plan import Plan
    from lab.plan.snapshot import Schedule
    from lab.plan.translate import Service
    from lab.plan.upkeep import Calibration, Supply
    from lab.sop.lab_model import Lab
    from lab.sop.procedure import Procedure

__all__ = ["plan_samples"]


@dataclass(frozen=True, slots=True)
class _Work:
    """One of the files that were named."""

    name: str
    lab: Path
    candidates: Callable[[int], tuple[Plan, ...]]
    """The plans of the n-th run in this lab (from 1, over all files)."""
    procedure: Procedure
    laboratory: Lab


def plan_samples(
    paths: Sequence[Path],
    samples: int,
    seconds: float = 1.0,
    lab_file: Path | None = None,
    db: str | None = None,
    start: datetime | None = None,
    told: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """A document about that many samples of each campaign or SOP, on one laboratory's devices.

    A campaign's factors are in the middle of their ranges, an SOP's parameters have their defaults. The planner
    searches for `seconds` of real time after its first plan. The records `db` tell how long steps took in earlier runs.
    `start`: the local time at which the plan begins, now if left out; people's hours count from it. `told` gets a line
    for a person who has to wait.

    Raises InputError for files that can't be read or lie in different laboratories, UnavailableError for records that
    aren't there, and what binding raises.
    """
    works = [_open(path, lab_file) for path in paths]
    _refuse_mixed(works, paths)
    learned = Learned()
    if db is not None:
        with open_records(db) as records:
            learned = learn(run for run in records.state().runs.values() if not run.open)
    runs: list[RunSnapshot] = []
    for number in range(1, samples + 1):
        for work in works:
            plans = tuple(with_durations(plan, learned) for plan in work.candidates(len(runs) + 1))
            runs.append(RunSnapshot(run_id(work.name, number), plans))
    needs = Needs(works[0].laboratory, start or local_now())
    snapshot = PlanningSnapshot(0.0, tuple(runs), closed_s=needs.closed())
    refuse_what_takes_too_long((run.plans[0] for run in runs), needs.hours)
    first = schedule(snapshot)
    supplied = supplies(first.plans, needs.lab, CAPABILITIES) if not first.blocked else []
    procedures = {work.procedure.id: work.procedure for work in works}
    due = needs.calibrations(first, procedures)
    calibrated = [item for item in due if item.takes_s is not None]
    planned, services, proved = _searched(snapshot, first, seconds, supplied, calibrated, told)
    needs.refuse_beyond_horizon(planned, services)
    notes = needs.notes(due, services)
    bound = max(proved, least_makespan(snapshot))
    return plan_document(snapshot, planned, services, bound, notes)


def _open(path: Path, lab_file: Path | None) -> _Work:
    text = read_text(path, str(path))
    kind = file_kind(text, str(path))
    if kind == "lab":
        raise InputError(
            f"{path} is a lab file", hint="name campaigns or SOPs; `--lab` names their lab"
        )
    if kind == "campaign":
        files = open_campaign(path)
        context, middle = FilesContext(files), files.samples[0]
        return _Work(
            files.bundle.campaign.id,
            files.lab_file.resolve(),
            lambda number: context.candidates(number, middle),
            files.bundle.procedure,
            files.lab,
        )
    place = lab_file or path.parent / "lab.yaml"
    if not place.is_file():
        raise InputError(
            f"there is no lab file at {place}", hint="name the lab with `--lab lab.yaml`"
        )
    procedure, findings = load_sop(path, text, str(path), CAPABILITIES)
    refuse(findings)
    if procedure is None:
        raise AssertionError("a file without a model has blocking findings")
    drivers = open_lab(place)
    return _Work(
        procedure.id,
        place.resolve(),
        lambda number: bind(
            procedure,
            {},
            {},
            drivers.lab,
            CAPABILITIES,
            number,
            drivers.capabilities,
            durations=drivers.durations,
        ),
        procedure,
        drivers.lab,
    )


def _refuse_mixed(works: Sequence[_Work], paths: Sequence[Path]) -> None:
    for work, path in zip(works, paths, strict=True):
        if work.lab != works[0].lab:
            raise InputError(
                f"{paths[0]} and {path} are in different laboratories: {works[0].lab} and {work.lab}",
                hint="plan them one by one, or name one lab for SOPs with `--lab`",
            )
        if sum(other.name == work.name for other in works) > 1:
            raise InputError(
                f'"{work.name}" is named twice', hint="ask for more of its samples with `--samples`"
            )


def _searched(
    snapshot: PlanningSnapshot,
    first: Schedule,
    seconds: float,
    supplied: Sequence[Supply],
    calibrated: Sequence[Calibration],
    told: Callable[[str], None] | None,
) -> tuple[Schedule, list[Service], float]:
    """The best timeline that is found in time, what people do for it, and a bound on the makespan in seconds."""
    served = bool(supplied or calibrated)
    if first.blocked or (seconds <= 0 and not served):
        return first, [], 0.0
    if find_spec("numpy") is None:
        if served:
            raise InputError(
                "refills and calibrations can't be planned without NumPy",
                hint='pip install "labwright[plan]"',
            )
        return first, [], 0.0
    from lab.app.scheduling import prepare, solver_if_installed
    from lab.engine.solver.anytime import plan_anytime
    from lab.plan.model.solution import Solution, score
    from lab.plan.model.verify import faults
    from lab.plan.search.construct import Unplaced
    from lab.plan.tiers import adopted

    translation = translate(
        snapshot, first.plans, weighted=False, supplied=supplied, calibrated=calibrated
    )
    problem = translation.problem
    standing = None
    if not served:
        placed = translation.placed(first)
        standing = None if faults(problem, placed) else Solution(placed, score(problem, placed))
    with solver_if_installed() as solver:
        prepare(solver, told=told) if told else prepare(solver)
        try:
            found = plan_anytime(problem, seconds, wall_seconds, solver, standing=standing)
        except Unplaced as error:
            if served:
                raise RefusedError(
                    "no plan was found in which people refill and calibrate in time",
                    hint="provide more of what runs out, or let people be there for longer",
                ) from error
            return first, [], 0.0
    # with a choice of plans, the bound is one on the chosen ones only
    only = translation.exact and all(len(run.plans) == 1 for run in snapshot.runs)
    bound = translation.origin_s + found.bound / 1000 if only else 0.0
    placed = found.plan.placed
    if not served:
        return adopted(translation, first, placed), [], bound
    wrong = faults(problem, placed)
    if wrong:
        raise AssertionError(f"not a plan that a laboratory could carry out: {wrong[0]}")
    return translation.schedule(placed), translation.services(placed), bound
