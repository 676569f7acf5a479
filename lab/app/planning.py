"""`lab plan`: what the planner would do with some samples, without doing it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lab.app.check import file_kind
from lab.app.context import FilesContext
from lab.app.files import open_campaign, open_lab
from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError
from lab.domain.ids import run_id
from lab.engine.clock import wall_seconds
from lab.plan.bind import bind
from lab.plan.estimates import Learned, learn, with_durations
from lab.plan.pools import least_makespan, one_more
from lab.plan.review import critical_path, expected, holds, utilisation
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from lab.plan.translate import translate
from lab.plan.worth import worth
from lab.records.reader import open_records
from lab.sop.load import load_sop, read_text, refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from lab.domain.plan import Plan
    from lab.plan.snapshot import Schedule

__all__ = ["plan_samples"]

_ONE_MORE_SAMPLES = 24
"""So many samples tell what one more device would bring."""


@dataclass(frozen=True, slots=True)
class _Work:
    """One of the files that were named."""

    name: str
    lab: Path
    candidates: Callable[[int], tuple[Plan, ...]]
    """The plans of the n-th run in this lab (from 1, over all files)."""


def plan_samples(
    paths: Sequence[Path],
    samples: int,
    seconds: float = 1.0,
    lab_file: Path | None = None,
    db: str | None = None,
) -> dict[str, Any]:
    """A document about that many samples of each campaign or SOP, on one laboratory's devices.

    A campaign's factors are in the middle of their ranges, an SOP's parameters have their defaults. The planner
    searches for `seconds` of real time after its first plan. The records `db` tell how long steps took in earlier runs.

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
    snapshot = PlanningSnapshot(0.0, tuple(runs))
    first = schedule(snapshot)
    planned, proved = _searched(snapshot, first, seconds)
    return _document(snapshot, planned, max(proved, least_makespan(snapshot)))


def _open(path: Path, lab_file: Path | None) -> _Work:
    text = read_text(path, str(path))
    kind = file_kind(text, str(path))
    if kind == "lab":
        raise InputError(
            f"{path} is a lab file", hint="name campaigns or SOPs; `--lab` names their lab"
        )
    if kind == "campaign":
        files = open_campaign(path)
        context, middle = FilesContext(files), files.middle
        return _Work(
            files.bundle.campaign.id,
            files.lab_file.resolve(),
            lambda number: context.candidates(number, middle),
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
    snapshot: PlanningSnapshot, first: Schedule, seconds: float
) -> tuple[Schedule, float]:
    """The best timeline that is found in time, and a bound on the makespan in seconds."""
    if first.blocked or seconds <= 0 or find_spec("numpy") is None:
        return first, 0.0
    from lab.app.scheduling import solver_if_installed, warm_up
    from lab.engine.solver.anytime import plan_anytime
    from lab.plan.model.solution import Solution, score
    from lab.plan.model.verify import faults
    from lab.plan.search.construct import Unplaced
    from lab.plan.tiers import adopted

    translation = translate(snapshot, first.plans, weighted=False)
    problem, placed = translation.problem, translation.placed(first)
    standing = None if faults(problem, placed) else Solution(placed, score(problem, placed))
    with solver_if_installed() as solver:
        warm_up()
        try:
            found = plan_anytime(problem, seconds, wall_seconds, solver, standing=standing)
        except Unplaced:
            return first, 0.0
    # with a choice of plans, the bound is one on the chosen ones only
    only = translation.exact and all(len(run.plans) == 1 for run in snapshot.runs)
    best = adopted(translation, first, found.plan.placed)
    return best, translation.origin_s + found.bound / 1000 if only else 0.0


def _document(snapshot: PlanningSnapshot, planned: Schedule, bound_s: float) -> dict[str, Any]:
    timeline, makespan = planned.timeline, planned.timeline.makespan_s
    judged = worth(snapshot, planned)
    uses = utilisation(snapshot, planned)
    alone = {
        id(run.plans): schedule(PlanningSnapshot(0.0, (run,))).timeline.makespan_s
        for run in snapshot.runs
    }
    status = "optimal" if makespan <= bound_s + 1e-3 else "feasible"
    if judged.blocked or judged.broken_s:
        status = "infeasible"
    return {
        "samples": len(snapshot.runs),
        "makespan_s": makespan,
        "lower_bound_s": min(bound_s, makespan) if not planned.blocked else bound_s,
        "broken_holds": len(planned.broken),
        "status": status,
        "sequential_s": sum(alone[id(run.plans)] for run in snapshot.runs),
        "not_planned": dict(planned.blocked),
        "bottleneck": uses[0].name if uses else "",
        "utilisation": [use._asdict() for use in uses],
        "one_more": _one_more(snapshot),
        "durations": [item._asdict() for item in expected(planned)],
        "holds": [
            {
                "sample": hold.run,
                "window": hold.window,
                "from": hold.first,
                "to": hold.second,
                "at_most_s": hold.at_most_s,
                "took_s": hold.took_s,
                "slack_s": hold.slack_s,
                "on_violation": hold.on_violation,
            }
            for hold in holds(snapshot, planned)
        ],
        "critical_path": [
            {
                "sample": link.slot.run,
                "step": link.slot.step,
                "device": link.slot.device,
                "start_s": link.slot.start_s,
                "end_s": link.slot.end_s,
                "because": link.because,
            }
            for link in critical_path(planned)
        ],
        "sample_names": [run.run for run in snapshot.runs],
        "timeline": [
            {
                "sample": slot.run,
                "step": slot.step,
                "device": slot.device,
                "start_s": slot.start_s,
                "end_s": slot.end_s,
                "stations": list(slot.claims),
                "duration_from": slot.duration_from,
                "duration_runs": slot.duration_runs,
            }
            for slot in sorted(timeline.slots, key=lambda slot: (slot.start_s, slot.run))
        ],
    }


def _one_more(snapshot: PlanningSnapshot) -> list[dict[str, Any]]:
    """What the first planner makes of the lab with one more of each, compared with the lab as it is."""
    few = PlanningSnapshot(0.0, snapshot.runs[:_ONE_MORE_SAMPLES])
    before = schedule(few).timeline.makespan_s
    found: list[dict[str, Any]] = []
    for twin in one_more(few):
        after = schedule(twin.snapshot).timeline.makespan_s
        found.append(
            {
                "name": twin.name,
                "kind": twin.kind,
                "together": list(twin.together),
                "change": min(0.0, after / before - 1) if before > 0 else 0.0,
            }
        )
    return sorted(found, key=lambda item: item["change"])
