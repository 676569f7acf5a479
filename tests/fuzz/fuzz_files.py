"""Damages files in many ways and checks them: diagnostics may come back, nothing else.

    python -m tests.fuzz.fuzz_files 100000           # that many files, from seed 0
    python -m tests.fuzz.fuzz_files 500 --seed 7

Half of the files are small procedures put together at random, well-formed but seldom right; the others are damaged:
bytes (cut, doubled, overwritten), structure (keys dropped, renamed, swapped, values replaced by junk of another type),
or whole sections generated from a small grammar. Each seed gives the same file again. A file that
raises, takes more than a second of CPU, or makes the process grow by more than 200 MB is told by its seed.
"""

from __future__ import annotations

import argparse
import copy
import json
import random
import resource
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from ruamel.yaml import YAML

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_campaign, check_lab, check_sop
from tests.corpus.cases import base
from tests.fuzz.random_sops import random_sop
from tests.support.drivers import CHEMISTRIES, DRIVERS
from tests.support.rich_sop import called

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.diagnostic import Diagnostic

__all__ = ["Outcome", "damaged", "findings_of", "fuzz"]

_MAX_SECONDS = 1.0
_MAX_GROWTH_KB = 200_000
_BASES = ("plain", "rich", "rich", "lab", "campaign")
_SPLINTERS = (
    "", " ", "\t", ":", "- ", "{", "}", "[", "]", "#", "&a ", "*a ", "!!int ", "|", ">-", '"', "'", "0", "-1", "1e9", "1e-9",
    "1,5", "\u00b1", "\u00b0C", " mL", " g", " degC", "null", "true", "~", "${", "}", "${x}", "${well}", "abs(", "**", "/ 0",
    "\x00", "\ufeff", "\u2028", "needs: []\n", "  ", "\n", "\u00e9", "\U0001d6fc", "9" * 60, "1e999", "<<: ", "? ", "---\n",
    "%YAML 1.1\n", "mean(", "in: [1, 2]\n", "repeat:\n", "when: ${1 > 0}\n", "0x1F", ".inf", "\r", "\x85",
)  # fmt: skip
_JUNK: tuple[object, ...] = (
    "", "x", 0, -1, 1.5, True, False, [], {}, [[]], [{}], {"a": 1}, "5 mL", "-5 mL", "5 g", "1e30 mL", "0 s", "1e9 h",
    "25 degC", "${x}", "${1 mL}", "${weigh.mass}", "${mean(read.conductivity)}", "${1 / 0}", "${" + "(" * 60 + "}",
    "cell", "pump", "tare", "weigh.mass", "weigh.end", 10**30, "9" * 400, "rinse.yaml", ["cell", "cell"], "1.0.0", None,
)  # fmt: skip


@cache
def _tree(name: str) -> Any:
    return YAML(typ="safe", pure=True).load(base(name))


def _bytes(name: str, chance: random.Random) -> str:
    return _hurt(base(name), chance)


def _hurt(text: str, chance: random.Random) -> str:
    for _ in range(chance.randint(1, 5)):
        spot = chance.randrange(len(text) + 1)
        lines = text.split("\n")
        row, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.randrange(7):
            case 0:
                text = text[:spot] + chance.choice(_SPLINTERS) + text[spot:]
            case 1:
                text = text[:spot] + text[spot + chance.randint(1, 40) :]
            case 2:
                text = text[:spot] + chr(chance.randrange(1, 256)) + text[spot + 1 :]
            case 3:
                text = "\n".join([*lines[:row], lines[other], *lines[row:]])
            case 4:
                lines[row], lines[other] = lines[other], lines[row]
                text = "\n".join(lines)
            case 5:
                words = lines[row].split(" ")
                words[chance.randrange(len(words))] = chance.choice(_SPLINTERS)
                text = "\n".join([*lines[:row], " ".join(words), *lines[row + 1 :]])
            case _:
                lines[row] = " " * chance.randint(0, 8) + lines[row].strip()
                text = "\n".join(lines)
    return text


def _nodes(tree: object) -> list[tuple[Any, Any]]:
    """(container, key) of everything in a tree."""
    found: list[tuple[Any, Any]] = []
    pairs: list[tuple[Any, Any]] = []
    if isinstance(tree, dict):
        pairs = list(cast("dict[Any, Any]", tree).items())
    elif isinstance(tree, list):
        pairs = list(enumerate(cast("list[Any]", tree)))
    for key, value in pairs:
        found.append((tree, key))
        found += _nodes(value)
    return found


def _structure(name: str, chance: random.Random) -> str:
    tree = copy.deepcopy(_tree(name))
    for _ in range(chance.randint(1, 4)):
        nodes = _nodes(tree)
        if not nodes:
            break
        holder, key = chance.choice(nodes)
        other_holder, other_key = chance.choice(nodes)
        match chance.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[chance.choice([other_key, "x", f"{key}_", ""])] = holder.pop(key)
            case 2:
                holder[key] = copy.deepcopy(chance.choice(_JUNK))
            case 3:
                first, second = copy.deepcopy(holder[key]), copy.deepcopy(other_holder[other_key])
                holder[key], other_holder[other_key] = second, first
            case 4 if isinstance(holder, list):
                cast("list[Any]", holder).insert(key, copy.deepcopy(other_holder[other_key]))
            case _:
                holder[key] = copy.deepcopy(other_holder[other_key])
    return _written(tree)


def _written(tree: object) -> str:
    """As JSON, which is YAML too, and written in no time; keys that are no texts become texts."""
    return json.dumps(tree, ensure_ascii=False, indent=1)


def _generated(chance: random.Random) -> str:
    """Anything that YAML can say, with keys that mean something."""
    keys = [key for _, key in _nodes(_tree("rich")) if isinstance(key, str)]

    def value(depth: int) -> object:
        if depth <= 0 or chance.random() < 0.3:
            return chance.choice(_JUNK)
        if chance.random() < 0.4:
            return [value(depth - 1) for _ in range(chance.randrange(4))]
        return {chance.choice(keys): value(depth - 1) for _ in range(chance.randrange(6))}

    tree = copy.deepcopy(_tree("rich"))
    for key in chance.sample(sorted(tree), chance.randint(1, 6)):
        tree[key] = value(chance.randint(1, 6))
    return _written(tree)


def damaged(seed: int) -> tuple[str, str]:
    """(base, text) of that seed."""
    chance = random.Random(seed)
    name = chance.choice(_BASES)
    kind = chance.randrange(20)
    if kind < 10:
        text = random_sop(chance)
        return "random", _hurt(text, chance) if kind < 3 else text
    if kind < 14:
        return name, _bytes(name, chance)
    return ("rich", _generated(chance)) if kind == 19 else (name, _structure(name, chance))


def findings_of(name: str, text: str) -> list[Diagnostic]:
    """What is said about a text that stands where a base stood."""
    if name == "lab":
        return check_lab(
            text, "lab.yaml", DRIVERS, capabilities=CAPABILITIES, chemistries=CHEMISTRIES
        )[1]
    if name == "campaign":
        return check_campaign(text, "campaign.yaml")[1]
    procedure, found = check_sop(text, "sop.yaml", CAPABILITIES, called())
    assert (procedure is None) == any(item.blocking for item in found)
    return found


@dataclass(slots=True)
class Outcome:
    """What a run of many files came to."""

    files: int = 0
    problems: list[str] = field(default_factory=list[str])
    """One line for each file that raised, was slow or took much memory."""
    slowest_s: float = 0.0
    slowest_seed: int = -1
    growth_kb: int = 0
    """The most that the process has grown by in one file."""

    def text(self) -> str:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
        return (
            f"{self.files} files, {len(self.problems)} problems; slowest {self.slowest_s:.2f} s of CPU "
            f"(seed {self.slowest_seed}), most growth in one file {self.growth_kb / 1000:.1f} MB, peak of the process {peak} MB"
        )


def fuzz(seeds: range, say: Callable[[str], object] | None = None) -> Outcome:
    """Check a file for each seed. `say` gets each problem at once, and where the run is after each 1000 files."""
    outcome = Outcome()
    for seed in seeds:
        name, text = damaged(seed)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.process_time()
        found: list[str] = []
        try:
            for item in findings_of(name, text):
                assert all((item.message, item.code, item.hint)), item.text()
                assert 1 <= item.line <= text.count("\n") + 1, item.text()
        except Exception as error:  # whatever it is, it is what we look for
            found.append(f"{type(error).__name__}: {str(error)[:300]}")
        spent = time.process_time() - started
        for _ in range(2 if spent > _MAX_SECONDS else 0):
            # a busy machine makes one run slow, a slow file all of them
            started = time.process_time()
            with suppress(Exception):
                findings_of(name, text)
            spent = min(spent, time.process_time() - started)
        growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        if spent > _MAX_SECONDS:
            found.append(f"{spent:.1f} s")
        if growth > _MAX_GROWTH_KB:
            found.append(f"grew by {growth // 1000} MB")
        lines = [f"seed {seed} ({name}): {line}" for line in found]
        outcome.files += 1
        outcome.problems += lines
        outcome.growth_kb = max(outcome.growth_kb, growth)
        if spent > outcome.slowest_s:
            outcome.slowest_s, outcome.slowest_seed = spent, seed
        if say is not None:
            for line in lines:
                say(line)
            if outcome.files % 1000 == 0:
                say(f"up to seed {seed}: {outcome.text()}")
    return outcome


def main() -> int:
    """The number of problems, at most 1, as an exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("number", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    fuzz(range(12))  # imports and the called procedure count for nobody
    seeds = range(chosen.seed, chosen.seed + chosen.number)
    outcome = fuzz(seeds, lambda line: print(line, flush=True))
    print(outcome.text())
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
