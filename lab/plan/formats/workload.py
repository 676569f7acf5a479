"""Our laboratory workloads: samples that one arm brings from station to station.

The document gives for each workload the stations with their capacity, whether a sample blocks its station until it
is fetched, the batch stations, and one or more SOPs of `{station, duration[, max_wait_before][, programme]}`. Each
step is preceded by a move of one unit, and a last move takes the sample to storage; `max_wait_before` counts from
the end of the step before to the begin of this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from lab.domain.errors import InputError
from lab.plan.model.problem import Job, Lag, Mode, Operation, Problem, Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["lab_workload"]

_MOVE = 1


def lab_workload(document: Mapping[str, Any], workload: str, samples: int) -> Problem:
    """The problem of that many samples; InputError for a workload that is not in the document."""
    workloads = cast("dict[str, Any]", document["workloads"])
    if workload not in workloads:
        raise InputError(f'no workload "{workload}"', hint=f"there are {', '.join(workloads)}")
    spec = cast("dict[str, Any]", workloads[workload])
    batches = cast("list[str]", spec.get("batch_stations", []))
    names = list(cast("dict[str, int]", spec["capacity"]))
    index = {name: number for number, name in enumerate(names)}
    resources = tuple(
        Resource(name, spec["capacity"][name], batch=name in batches) for name in names
    )
    sops = cast("list[list[dict[str, Any]]]", spec["sops"])
    operations: list[Operation] = []
    lags: list[Lag] = []
    for sample in range(samples):
        sop = sops[sample % len(sops)]
        for position in range(len(sop) + 1):
            number = len(operations)
            last = position == len(sop)
            step = {} if last else sop[position]
            station = None if last else index[str(step["station"])]
            before = number - 1 if position else None
            operations.append(
                Operation(
                    job=sample,
                    name=f"{sample}.{position} {'storage' if last else step['station']}",
                    modes=(Mode(station, int(step.get("duration", 0))),),
                    carriers=(index["arm"],),
                    move=_MOVE,
                    comes_from=before,
                    fetched_by=number + 1 if spec["blocking"] and not last else None,
                    programme=str(step.get("programme", "")),
                )
            )
            if before is not None:
                lags.append(Lag(before, number))
                wait = step.get("max_wait_before")
                if wait is not None:
                    lags.append(Lag(before, number, None, int(wait), "end", "begin", name="hold"))
    jobs = tuple(Job(f"sample {sample}") for sample in range(samples))
    return Problem(f"{workload}-{samples}", resources, tuple(operations), tuple(lags), jobs)
