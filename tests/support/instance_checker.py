"""Checks schedules of benchmark instances from their raw files, without a line of the planner's.

A schedule is a list of rows {job, operation, machine, start, end}, numbered as in the file.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[dict[str, int]]


def _overlaps(rows: Rows) -> list[str]:
    wrong = []
    by_machine = defaultdict(list)
    for row in rows:
        by_machine[row["machine"]].append((row["start"], row["end"]))
    for machine, spans in by_machine.items():
        spans.sort()
        for (_, end), (start, _) in pairwise(spans):
            if start < end:
                wrong.append(f"machine {machine} is used twice at {start}")
    return wrong


def check_shop(jobs: list[list[dict[int, int]]], rows: Rows) -> list[str]:
    """`jobs`: for each job, for each operation, machine -> time."""
    wrong = _overlaps(rows)
    placed = {(row["job"], row["operation"]): row for row in rows}
    if len(placed) != len(rows) or len(rows) != sum(map(len, jobs)):
        return [*wrong, f"{len(rows)} rows for {sum(map(len, jobs))} operations"]
    for job, operations in enumerate(jobs):
        until = 0
        for number, machines in enumerate(operations):
            row = placed.get((job, number))
            if row is None or row["machine"] not in machines:
                wrong.append(f"job {job} operation {number} is on no machine of its own")
                continue
            if row["end"] - row["start"] != machines[row["machine"]]:
                wrong.append(f"job {job} operation {number} takes the wrong time")
            if row["start"] < until:
                wrong.append(f"job {job} operation {number} starts before its turn")
            until = row["end"]
    return wrong


def flexible_jobs(path: Path) -> list[list[dict[int, int]]]:
    lines = path.read_text().split("\n")[1:]
    jobs = []
    for line in filter(str.strip, lines):
        values = [int(word) for word in line.split()]
        at, job = 1, []
        for _ in range(values[0]):
            count = values[at]
            job.append({values[at + 1 + 2 * k]: values[at + 2 + 2 * k] for k in range(count)})
            at += 1 + 2 * count
        jobs.append(job)
    return jobs


def job_shops(path: Path) -> dict[str, list[list[dict[int, int]]]]:
    return {
        name: [
            [{m: t} for m, t in zip(ms, ts, strict=True)]
            for ms, ts in zip(item["machines_matrix"], item["duration_matrix"], strict=True)
        ]
        for name, item in json.loads(path.read_text()).items()
    }


def check_slab(folder: Path, rows: Rows) -> list[str]:
    def table(name: str) -> list[list[str]]:
        with (folder / name).open(newline="") as file:
            return [row for row in list(csv.reader(file, delimiter="\t"))[1:] if any(row)]

    wrong = _overlaps(rows)
    kind = {int(row[0]): int(row[1]) for row in table("machines.tsv")}
    operations = {(int(r[0]), int(r[1])): (int(r[2]), int(r[3])) for r in table("operations.tsv")}
    placed = {(row["job"], row["operation"]): row for row in rows}
    if set(placed) != set(operations) or len(rows) != len(operations):
        return [*wrong, "not each operation exactly once"]
    for key, (machine_type, time) in operations.items():
        row = placed[key]
        if row["start"] < 0 or row["end"] - row["start"] != time:
            wrong.append(f"{key} takes {row['end'] - row['start']}, not {time}")
        if kind.get(row["machine"]) != machine_type:
            wrong.append(f"{key} is on machine {row['machine']}")
    for job, first, second in (map(int, row[:3]) for row in table("dependency.tsv")):
        if placed[job, second]["start"] < placed[job, first]["end"]:
            wrong.append(f"job {job}: {second} starts before {first} ends")
    for job, one, point, two, other, limit in (row[:6] for row in table("tcmb.tsv")):
        first, second = placed[int(job), int(one)][point], placed[int(job), int(two)][other]
        if abs(first - second) > int(limit):
            wrong.append(f"job {job}: {one} {point} to {two} {other} is {abs(first - second)}")
    return wrong


def check_workload(document: dict[str, Any], name: str, samples: int, rows: list[dict[str, Any]]):
    """(what a laboratory could not do, samples whose hold is broken) of rows {sample, step, station, ...}."""
    spec = document["workloads"][name]
    sops, blocking = spec["sops"], spec["blocking"]
    batches = spec.get("batch_stations", [])
    wrong, broken = [], set()
    by_sample = defaultdict(dict)
    for row in rows:
        by_sample[row["sample"]][row["step"]] = row
    taken = defaultdict(lambda: defaultdict(int))  # station -> time -> places
    arm = defaultdict(int)
    runs = defaultdict(list)  # oven -> (start, end, programme, move start)
    for sample in range(samples):
        sop = sops[sample % len(sops)]
        steps = by_sample[sample]
        if sorted(steps) != list(range(len(sop) + 1)):
            wrong.append(f"sample {sample} has steps {sorted(steps)}")
            continue
        for number in range(len(sop) + 1):
            row, want = steps[number], sop[number] if number < len(sop) else None
            before = steps[number - 1]["end"] if number else 0
            arm[row["move_start"]] += 1
            if row["move_start"] < before:
                wrong.append(f"sample {sample} is moved at {row['move_start']}, before {before}")
            if want is None:
                continue
            if row["station"] != want["station"] or row["end"] - row["start"] != want["duration"]:
                wrong.append(f"sample {sample} step {number} is not as the SOP says")
            late = row["start"] - row["move_start"] - 1
            if late < 0 or (late and want["station"] not in batches):
                wrong.append(f"sample {sample} step {number} begins {late} after its arrival")
            if row["start"] - before > want.get("max_wait_before", 10**9):
                broken.add(sample)
            until = steps[number + 1]["move_start"] + 1 if blocking else row["end"]
            for time in range(row["move_start"], until):
                taken[row["station"]][time] += 1
            if want["station"] in batches:
                run = row["start"], row["end"], want["programme"], row["move_start"]
                runs[want["station"]].append(run)
    for station, times in taken.items():
        if max(times.values()) > spec["capacity"][station]:
            wrong.append(f"{station} holds {max(times.values())}")
    if max(arm.values()) > spec["capacity"]["arm"]:
        wrong.append("the arm moves two samples at once")
    for station, found in runs.items():
        for start, end, programme, _ in found:
            for other, _, another, moved in found:
                if start == other and programme != another:
                    wrong.append(f"{station} runs {programme} and {another} together")
                if start < other < end or start <= moved < end:
                    wrong.append(f"{station} is opened at {moved} during {start} to {end}")
    return wrong, broken
