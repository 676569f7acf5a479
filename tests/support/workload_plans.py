"""A workload of `lab bench lab-workload` as the engine sees it: a device and a station for each place, one arm.

Where stations block (s2), a sample holds its place until the arm has fetched it; where they do
not (s1, screen), it waits in a nest beside it, so only devices are taken. Furnaces that hold
batches (s3) are as many single ones here.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from itertools import product

from lab.domain.plan import Plan, PlannedStep, TimeWindow

UNIT_S = 30.0


@cache
def workload_plans(name: str = "s2", number: int = 0) -> tuple[Plan, ...]:
    """The candidates of a sample of one of its SOPs: one for each choice of places."""
    text = files("lab.plan.formats").joinpath("lab_workloads.json").read_text(encoding="utf-8")
    spec = json.loads(text)["workloads"][name]
    sop = spec["sops"][number]
    stations = dict.fromkeys(step["station"] for step in sop)
    choices = [[_place(s, n, spec) for n in range(spec["capacity"][s])] for s in stations]
    return tuple(
        _plan(sop, dict(zip(stations, chosen, strict=True)), blocking=spec["blocking"])
        for chosen in product(*choices)
    )


def _place(station: str, number: int, spec: dict) -> str:
    return f"{station}_{number + 1}" if spec["capacity"][station] > 1 else station


def _plan(sop: list[dict], places: dict[str, str], *, blocking: bool) -> Plan:
    steps: list[PlannedStep] = []
    windows: list[TimeWindow] = []
    before, left = "", ()
    visits: dict[str, int] = {}
    for item in sop:
        station = item["station"]
        visits[station] = visits.get(station, 0) + 1
        path = station if visits[station] == 1 else f"{station}_again_{visits[station]}"
        place = places[station]
        there = (place,) if blocking else ()
        move = f"to_{path}"
        steps.append(_step(move, "arm", 1, before, (*left, *there)))
        steps.append(_step(path, f"{place}_device", item["duration"], move, there))
        if "max_wait_before" in item:
            windows.append(
                TimeWindow(
                    name=f"until_{path}", from_steps=(before,), from_mark="end",
                    to_steps=(path,), to_mark="start",
                    less_than_s=item["max_wait_before"] * UNIT_S,
                )
            )  # fmt: skip
        before, left = path, there
    steps.append(_step("to_storage", "arm", 1, before, left))
    return Plan(
        sop_id="workload", sop_version="1", sop_sha256="0" * 64, bindings=places, parameters={},
        stations=tuple(places.values()) if blocking else (), steps=tuple(steps),
        timing=tuple(windows),
    )  # fmt: skip


def _step(
    path: str, device: str, units: float, before: str, claims: tuple[str, ...]
) -> PlannedStep:
    return PlannedStep(
        path=path, title=path, capability="any", action="act", device=device,
        needs=(before,) if before else (), claims=claims, duration_s=units * UNIT_S,
        timeout_s=units * UNIT_S * 10 + 600, effect="once",
    )  # fmt: skip
