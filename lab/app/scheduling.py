"""Planning benchmarks: public instances, and our laboratory workloads beside pull-FIFO."""

from __future__ import annotations

import json
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lab.domain.errors import InputError
from lab.engine.clock import wall_seconds
from lab.engine.solver.anytime import plan_anytime
from lab.engine.solver.process import SolverProcess, solver_installed
from lab.plan.formats.shop import read_flexible_job_shop, read_job_shop
from lab.plan.formats.slab import TABLES, read_slab
from lab.plan.formats.workload import lab_workload
from lab.plan.model.solution import broken_lags
from lab.plan.model.verify import faults
from lab.plan.search import construct
from lab.plan.search.compiled import is_kept
from lab.plan.search.pull_fifo import pull_fifo
from lab.plan.shop import search as shop_search
from lab.plan.shop.search import ShopSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from lab.engine.solver.anytime import Planned
    from lab.plan.formats.instance import Instance
    from lab.plan.model.problem import Problem
    from lab.plan.model.solution import Solution

__all__ = [
    "Format",
    "bench_instances",
    "bench_workload",
    "compile_all",
    "prepare",
    "read_instances",
    "solver_if_installed",
]

Format = Literal["slab", "fjsp", "jsp"]


Told: TypeAlias = "Callable[[str], None]"
"""Where a line for a person who waits goes."""

_CONSTRUCTION_CODE = Path(construct.__file__).parent
_SHOP_CODE = Path(shop_search.__file__).parent
_PATIENCE_S = 60.0
"""Real seconds that the solver's library may take to load."""


def _silent(line: str) -> None:
    del line


def read_instances(path: Path, kind: Format) -> list[Instance]:
    """The instances of a file, or of an S-LAB folder; InputError for what cannot be read."""
    if not path.exists():
        raise InputError(f"there is nothing at {path}", hint="give a file, or a folder for S-LAB")
    try:
        if kind == "slab":
            folder = path if path.is_dir() else path.parent
            tables = {
                table: (folder / table).read_text(encoding="utf-8")
                for table in TABLES
                if (folder / table).is_file()
            }
            return [read_slab(tables, str(folder.resolve()) if folder.name == "" else str(folder))]
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is no text", hint="give a file of that format") from None
    except OSError as error:
        raise InputError(
            f"{path}: can't be read: {error.strerror}", hint="give a file, or a folder for S-LAB"
        ) from None
    return (read_job_shop if kind == "jsp" else read_flexible_job_shop)(text, str(path))


@contextmanager
def solver_if_installed() -> Generator[SolverProcess | None]:
    if not solver_installed():
        yield None
        return
    with SolverProcess() as solver:
        yield solver


def bench_instances(
    paths: Sequence[Path], kind: Format, seconds: float, seed: int, told: Told = _silent
) -> list[dict[str, Any]]:
    """One document per instance, in order; times in the instance's unit, `seconds` real.

    The search's machine code and the solver's library are loaded first. The time of the first instance of a file begins
    before the file is read, that of the others where the one before ends; so all that happens then counts. Every plan
    is verified before it is given out.
    """
    found: list[dict[str, Any]] = []
    with solver_if_installed() as solver:
        prepare(solver, shop=kind != "slab", told=told)
        for path in paths:
            since = wall_seconds()
            for instance in read_instances(path, kind):
                planned = plan_anytime(
                    instance.problem, seconds, wall_seconds, solver, seed, since=since
                )
                _verify(instance.problem, planned.plan)
                found.append(
                    {
                        "instance": instance.name,
                        **_document(planned),
                        "schedule": instance.schedule(planned.plan.placed),
                    }
                )
                since = wall_seconds()
    return found


def bench_workload(
    name: str, samples: int, seconds: float, seed: int, told: Told = _silent
) -> dict[str, Any]:
    """Our plan of a laboratory workload and what pull-FIFO makes of it; times in units of 30 s."""
    problem = lab_workload(_workloads(), name, samples)
    with solver_if_installed() as solver:
        prepare(solver, told=told)
        planned = plan_anytime(problem, seconds, wall_seconds, solver, seed)
    _verify(problem, planned.plan)
    fifo = pull_fifo(problem)
    return {
        "workload": name,
        "samples": samples,
        **_document(planned),
        "broken_holds": len(broken_lags(problem, planned.plan.placed)),
        "pull_fifo": {
            "makespan": fifo.makespan,
            "broken_holds": len(broken_lags(problem, fifo.placed)),
        },
        "schedule": _steps(problem, planned.plan),
    }


def _steps(problem: Problem, plan: Solution) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for op, place in zip(problem.operations, plan.placed, strict=True):
        station = op.modes[place.mode].station
        rows.append(
            {
                "sample": op.job,
                "step": int(op.name.split(" ")[0].split(".")[1]),
                "station": "storage" if station is None else problem.resources[station].name,
                "move_start": place.start,
                "start": place.begin,
                "end": place.end,
            }
        )
    return sorted(rows, key=lambda row: (row["move_start"], row["sample"]))


def _document(planned: Planned) -> dict[str, Any]:
    return {
        "makespan": planned.plan.makespan,
        "lower_bound": planned.bound,
        "status": planned.status,
        "seconds": round(planned.seconds, 3),
        "first_plan_seconds": round(planned.first_seconds, 4),
        "impossible_limits": [
            {"job": item.job, "from": item.first, "to": item.second, "by": item.by}
            for item in planned.impossible
        ],
        "history": [[round(time, 3), makespan] for time, makespan in planned.history],
    }


def _verify(problem: Problem, plan: Solution) -> None:
    wrong = faults(problem, plan.placed)
    if wrong:
        raise AssertionError(
            f"{problem.name}: not a plan that a laboratory could carry out: {wrong[0]}"
        )


def _workloads() -> dict[str, Any]:
    text = files("lab.plan.formats").joinpath("lab_workloads.json").read_text(encoding="utf-8")
    return json.loads(text)


def prepare(solver: SolverProcess | None, *, shop: bool = False, told: Told = _silent) -> None:
    """Load what planning needs, so that its time is spent on planning; machine code that is missing is made first."""
    if not is_kept(_SHOP_CODE if shop else _CONSTRUCTION_CODE):
        told("compiling the planner's search; once, about a minute ...")
    if shop:
        _load_shop_search()
    else:
        _load_construction()
    if solver is not None:
        solver.wait_until_ready(_PATIENCE_S)


def _load_construction() -> None:
    plan_anytime(lab_workload(_workloads(), "s3", 3), 0.0, wall_seconds)


def _load_shop_search() -> None:
    shop = read_flexible_job_shop("2 2\n2 1 0 2 2 0 2 1 3\n2 1 0 2 1 1 3\n", "two jobs")
    search = ShopSearch(shop[0].problem)
    going = iter((True, False))
    search.improve(lambda: next(going))


def compile_all() -> None:
    """Makes and keeps the machine code of every search."""
    _load_construction()
    _load_shop_search()
