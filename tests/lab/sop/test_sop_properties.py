"""Procedures made at random: what is valid stays itself in any layout, and no damage goes by with a traceback."""

from __future__ import annotations

import copy
import cProfile
import io
import random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_sop
from tests.support.long_sop import long_sop
from tests.support.sop_strategy import Tree, valid_sops

if TYPE_CHECKING:
    from lab.sop.procedure import Procedure

_QUICK = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
_JUNK = (
    "",
    "x",
    -1,
    1.5,
    True,
    [],
    {},
    ["a"],
    {"a": 1},
    "5 lx",
    "-5 lx",
    "${nothing}",
    "${1 / 0}",
    "9" * 400,
)


def written(tree: object, *, flow: bool = False, indent: int = 2) -> str:
    stream = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = flow
    yaml.indent = indent
    yaml.allow_unicode = True
    yaml.representer.ignore_aliases = lambda *_: True
    yaml.dump(tree, stream)
    return stream.getvalue()


def checked(text: str) -> Procedure:
    procedure, findings = check_sop(text, "sop.yaml", CAPABILITIES)
    assert procedure is not None, "\n".join(item.text() for item in findings)
    return procedure


def shuffled(tree: object, chance: random.Random) -> object:
    """The same with the keys of all mappings in another order (of lists, the order counts)."""
    if isinstance(tree, dict):
        pairs = [(key, shuffled(value, chance)) for key, value in tree.items()]
        chance.shuffle(pairs)
        return dict(pairs)
    return [shuffled(item, chance) for item in tree] if isinstance(tree, list) else tree


@_QUICK
@given(valid_sops(), st.integers(0, 2**32))
def test_the_layout_does_not_change_the_hash(tree: Tree, seed: int) -> None:
    chance = random.Random(seed)
    text = written(tree)
    plain = checked(text)
    assert checked(written(tree, flow=True)).sha256 == plain.sha256
    assert checked(written(tree, indent=5)).sha256 == plain.sha256
    lines = text.split("\n")
    comments = [line if "\\" in line else f"{line}\n\n# about it" for line in lines[:1]] + lines[1:]
    assert checked("# first\n" + "\n".join(comments)).sha256 == plain.sha256
    assert checked(written(shuffled(tree, chance))).sha256 == plain.sha256


@_QUICK
@given(valid_sops())
def test_the_content_changes_the_hash(tree: Tree) -> None:
    other = copy.deepcopy(tree)
    other["parameters"]["dose"]["default"] = "0.2 mL"
    assert checked(written(other)).sha256 != checked(written(tree)).sha256


@_QUICK
@given(valid_sops(), st.sampled_from(["5 s", "5.0 s", "5e0 s", "0.5e1 s"]))
def test_one_number_may_be_written_in_several_ways(tree: Tree, duration: str) -> None:
    other = copy.deepcopy(tree)
    other["procedure"][0]["duration"] = duration
    assert checked(written(other)).sha256 == checked(written(tree)).sha256


def places(tree: object) -> list[tuple[Tree, str]]:
    """(mapping, key) of everything in a tree."""
    if isinstance(tree, dict):
        inner = [found for value in tree.values() for found in places(value)]
        return [(tree, key) for key in tree] + inner
    return [found for item in tree for found in places(item)] if isinstance(tree, list) else []


@_QUICK
@given(valid_sops(), st.integers(0, 2**32), st.sampled_from(["delete", "rename", "junk", "unit"]))
def test_damage_to_one_field_is_harmless_or_found(tree: Tree, seed: int, kind: str) -> None:
    chance = random.Random(seed)
    before = checked(written(tree))
    damaged = copy.deepcopy(tree)
    holder, key = chance.choice(places(damaged))
    if kind == "delete":
        del holder[key]
    elif kind == "rename":
        holder[f"{key}_"] = holder.pop(key)
    elif kind == "junk":
        holder[key] = chance.choice(_JUNK)
    elif isinstance(holder[key], str):
        holder[key] = holder[key].replace(" mL", " g").replace(" s", " mL").replace(" degC", " rpm")
    text = written(damaged)
    after, findings = check_sop(text, "sop.yaml", CAPABILITIES)
    assert (after is None) == any(item.blocking for item in findings)
    for item in findings:
        assert item.hint, item.text()
        assert 1 <= item.line <= text.count("\n") + 1
    if after is not None and damaged != tree:
        # what was left out may have been the default; all else is another procedure
        assert after.sha256 != before.sha256 or kind == "delete"


def test_a_long_procedure_is_right_and_each_name_is_looked_up_once(monkeypatch) -> None:
    """Work, not seconds: how often names are computed does not grow with the square of the steps."""
    import lab.sop.rules as rules

    counts: list[int] = []
    original = rules.planned_names

    def counted(*arguments: object, **named: object) -> object:
        counts[-1] += 1
        return original(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(rules, "planned_names", counted)
    for steps in (60, 300):
        counts.append(0)
        checked(long_sop(steps))
    assert counts[1] <= 2
    assert counts[0] == counts[1]


def test_twice_the_steps_take_little_more_than_twice_the_work() -> None:
    """Calls of functions, not seconds: the same on every machine."""

    def work(text: str) -> int:
        profile = cProfile.Profile()
        procedure, _ = profile.runcall(check_sop, text, "sop.yaml", CAPABILITIES)
        assert procedure is not None
        return sum(int(entry.callcount) for entry in profile.getstats())

    work(long_sop(12))  # what is kept for the next time counts for neither
    once, twice = work(long_sop(72)), work(long_sop(144))
    assert twice < 2.6 * once
