"""The workload `s3` with its batches as the engine sees it: a run is a batch of samples that share a furnace load.

A run is one execution of a plan for one sample or batch. So eight samples of one SOP that are heated together are one
run: each has its own steps and its own limits on time, and what they do together, the heating, is one step and one
command. Samples of the SOP without a furnace are runs of their own. As in `workload_plans`, a sample waits in a nest
beside a station, so devices are taken and no places. Which of several places of a station a sample gets is fixed: they are
used in turn, beginning with another one for each run.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from lab.domain.plan import Plan, PlannedStep, TimeWindow
from tests.support.closed_loop import ClosedLoop
from tests.support.workload_plans import UNIT_S, _step

__all__ = ["BatchedLab", "Judged", "batched_loop", "batched_s3", "judged"]


@dataclass(frozen=True)
class BatchedLab:
    """Runs in the order in which they are proposed, and which samples of the workload are in each."""

    plans: tuple[Plan, ...]
    samples: tuple[tuple[int, ...], ...]
    spec: dict


def batched_s3(samples: int) -> BatchedLab:
    """So many samples; those of SOPs with a furnace in batches of what it holds."""
    text = files("lab.plan.formats").joinpath("lab_workloads.json").read_text(encoding="utf-8")
    spec = json.loads(text)["workloads"]["s3"]
    size = spec["capacity"]["furnace"]
    sops = spec["sops"]
    groups: list[tuple[int, ...]] = []
    for number, sop in enumerate(sops):
        mine = [n for n in range(samples) if n % len(sops) == number]
        together = size if any(step["station"] == "furnace" for step in sop) else 1
        groups += [tuple(mine[i : i + together]) for i in range(0, len(mine), together)]
    # those with most to do are proposed first; of equals, in turn
    length = [sum(step["duration"] for step in sop) for sop in sops]
    groups.sort(key=lambda group: (-length[group[0] % len(sops)], group))
    plans = tuple(
        _plan(sops[group[0] % len(sops)], group, spec, turn) for turn, group in enumerate(groups)
    )
    return BatchedLab(plans, tuple(groups), spec)


def batched_loop(lab: BatchedLab, **more) -> ClosedLoop:
    """The engine's core with all of it to do."""
    first, *others = lab.plans
    kinds = [(plan,) for plan in others]
    return ClosedLoop((first,), len(lab.plans), others=kinds, **more)


@dataclass(frozen=True)
class Judged:
    """What was done, judged by the workload's own words and by nothing of the planner or the engine."""

    faults: list[str]
    broken: set[int]
    """Samples of which a longest time was not kept."""
    loads: list[tuple[str, int]]
    """Of the furnace, in turn: programme and number of samples."""


def judged(lab: BatchedLab, loop: ClosedLoop) -> Judged:
    """Every sample's way through the stations, each device's work and the furnace's loads, from the recorded times."""
    faults: list[str] = []
    broken: set[int] = set()
    work: dict[str, list[tuple[float, float, str]]] = {}
    loads: list[tuple[float, str, int]] = []
    runs = sorted(loop.state.runs.values(), key=lambda run: run.trial)
    if len(runs) != len(lab.plans):
        faults.append(f"{len(runs)} runs were made of {len(lab.plans)}")
    for run, group in zip(runs, lab.samples, strict=True):
        times = {
            path: (step.started_s, step.ended_s)
            for path, step in run.steps.items()
            if step.started_s is not None and step.ended_s is not None
        }
        for step in run.plan.steps:
            start, end = times[step.path]
            work.setdefault(step.device, []).append((start, end, f"{run.id} {step.path}"))
        for sample in group:
            before = -math.inf
            visits: dict[str, int] = {}
            for item in lab.spec["sops"][sample % len(lab.spec["sops"])]:
                station = item["station"]
                visits[station] = visits.get(station, 0) + 1
                name = station if visits[station] == 1 else f"{station}_again_{visits[station]}"
                together = station in lab.spec["batch_stations"]
                path = f"{name}_{item['programme']}" if together else f"s{sample}_{name}"
                move, (start, end) = times[f"s{sample}_to_{name}"], times[path]
                if not before <= move[0] < move[1] <= start < end:
                    faults.append(f"sample {sample} is not brought to {name} in turn")
                wait = item.get("max_wait_before")
                if wait is not None and start - before > wait * UNIT_S + 1e-6:
                    broken.add(sample)
                if together and sample == group[0]:
                    loads.append((start, item["programme"], len(group)))
                before = end
            if times[f"s{sample}_to_storage"][0] < before:
                faults.append(f"sample {sample} is stored before it is done")
    places = {name: lab.spec["capacity"][name] for name in lab.spec["capacity"]}
    for device, spans in work.items():
        station = device.rpartition("_")[0] if device != "arm" else device
        most = 1 if station in lab.spec["batch_stations"] else places[station]
        if device != "arm" and int(device.rpartition("_")[2]) > most:
            faults.append(f"there is no {device}")
        for one, two in pairwise(sorted(spans)):
            if two[0] < one[1] - 1e-6:
                faults.append(f"{device} does {one[2]} and {two[2]} at once")
    faults += [
        f"{count} samples in the furnace at once"
        for _, _, count in loads
        if count > places["furnace"]
    ]
    return Judged(faults, broken, [(programme, count) for _, programme, count in sorted(loads)])


def _plan(sop: list[dict], group: tuple[int, ...], spec: dict, turn: int) -> Plan:
    """All samples of a run step by step: what shares a device comes in the order of the samples."""
    steps: list[PlannedStep] = []
    windows: list[TimeWindow] = []
    before = dict.fromkeys(group, "")
    visits: dict[str, int] = {}
    for item in sop:
        station = item["station"]
        visits[station] = visits.get(station, 0) + 1
        name = station if visits[station] == 1 else f"{station}_again_{visits[station]}"
        together = station in spec["batch_stations"]
        moves: list[str] = []
        for place, sample in enumerate(group):
            move = f"s{sample}_to_{name}"
            steps.append(_step(move, "arm", 1, before[sample], ()))
            moves.append(move)
            if together:
                continue
            device = f"{station}_{1 + (turn + place) % spec['capacity'][station]}"
            step = _step(f"s{sample}_{name}", device, item["duration"], move, ())
            steps.append(step)
            if "max_wait_before" in item:
                windows.append(_window(sample, before[sample], step.path, item))
            before[sample] = step.path
        if together:
            path = f"{name}_{item['programme']}"
            step = _step(path, f"{station}_1", item["duration"], "", ())
            steps.append(step.model_copy(update={"needs": tuple(moves)}))
            before = dict.fromkeys(group, path)
    steps += [_step(f"s{s}_to_storage", "arm", 1, before[s], ()) for s in group]
    return Plan(
        sop_id="workload", sop_version="1", sop_sha256="0" * 64, bindings={}, parameters={},
        stations=(), steps=tuple(steps), timing=tuple(windows),
    )  # fmt: skip


def _window(sample: int, first: str, second: str, item: dict) -> TimeWindow:
    return TimeWindow(
        name=f"s{sample}_until_{second}", from_steps=(first,), from_mark="end",
        to_steps=(second,), to_mark="start", less_than_s=item["max_wait_before"] * UNIT_S,
    )  # fmt: skip
