"""Damages files in many ways and checks them: diagnostics may come back, nothing else.

    python -m tests.fuzz.fuzz_files 20000            # that many files, from seed 0
    python -m tests.fuzz.fuzz_files 500 --seed 7

Three kinds of damage: bytes (cut, doubled, overwritten), structure (keys dropped, renamed, swapped, values replaced by
junk of another type) and files generated from a small grammar. Each seed gives the same file again. A file that
raises, takes more than a second of CPU, or makes the process grow by more than 200 MB is printed and kept.
"""

from __future__ import annotations

import argparse
import copy
import io
import random
import resource
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from ruamel.yaml import YAML

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_campaign, check_lab, check_sop
from tests.corpus.cases import base
from tests.support.drivers import DRIVERS
from tests.support.rich_sop import called

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic

__all__ = ["damaged", "findings_of", "fuzz"]

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
    text = base(name)
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
    stream = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.representer.ignore_aliases = lambda *_: True
    yaml.dump(tree, stream)
    return stream.getvalue()


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
    kind = chance.randrange(5)
    if kind < 2:
        return name, _bytes(name, chance)
    return ("rich", _generated(chance)) if kind == 4 else (name, _structure(name, chance))


def findings_of(name: str, text: str) -> list[Diagnostic]:
    """What is said about a text that stands where a base stood."""
    if name == "lab":
        return check_lab(text, "lab.yaml", DRIVERS)[1]
    if name == "campaign":
        return check_campaign(text, "campaign.yaml")[1]
    procedure, found = check_sop(text, "sop.yaml", CAPABILITIES, called())
    assert (procedure is None) == any(item.blocking for item in found)
    return found


def fuzz(seeds: range) -> list[str]:
    """Check a file for each seed; returns what went wrong, one line each."""
    problems: list[str] = []
    for seed in seeds:
        name, text = damaged(seed)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.process_time()
        try:
            for item in findings_of(name, text):
                assert all((item.message, item.code, item.hint)), item.text()
                assert 1 <= item.line <= text.count("\n") + 1, item.text()
        except Exception as error:  # whatever it is, it is what we look for
            problems.append(f"seed {seed} ({name}): {type(error).__name__}: {str(error)[:300]}")
        spent = time.process_time() - started
        growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        if spent > _MAX_SECONDS:
            problems.append(f"seed {seed} ({name}): {spent:.1f} s")
        if growth > _MAX_GROWTH_KB:
            problems.append(f"seed {seed} ({name}): grew by {growth // 1000} MB")
    return problems


def main() -> int:
    """The number of problems, at most 1, as an exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("number", type=int, nargs="?", default=1000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    problems = fuzz(range(chosen.seed, chosen.seed + chosen.number))
    print("\n".join([*problems, f"{chosen.number} files, {len(problems)} problems"]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
