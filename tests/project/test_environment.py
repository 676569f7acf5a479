"""The pins are complete and work together, asked in the places where they are known to break.

`pip check` finds none of these: pyarrow that refuses numpy 1.26 when a table is drawn, opentrons whose top package
imports while its engine does not (docs/decisions/0004).
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def pins() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if text:
            match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.!+]+)", text)
            assert match, f"constraints.txt: not a plain name==version: {line!r}"
            found[canonicalize_name(match[1])] = match[2]
    return found


def declared(without: tuple[str, ...] = ()) -> list[Requirement]:
    """Every requirement of pyproject.toml, all extras but these, without the references to ourselves."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [*project["dependencies"]]
    for name, extra in project["optional-dependencies"].items():
        texts += extra if name not in without else []
    return [Requirement(text) for text in texts if not text.startswith("labwright[")]


def closure(requirements: list[Requirement]) -> set[str]:
    """Names of everything that these requirements bring into this environment."""
    seen: set[tuple[str, str]] = set()
    names: set[str] = set()
    todo = [(item, extra) for item in requirements for extra in ("", *item.extras)]
    while todo:
        item, extra = todo.pop()
        name = canonicalize_name(item.name)
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        names.add(name)
        if name == "torch":  # the CUDA build brings NVIDIA's packages, the CPU build none
            continue
        for text in metadata.requires(item.name) or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                todo += [(needed, inner) for inner in ("", *needed.extras)]
    return names


def test_every_declared_requirement_is_pinned_within_its_range():
    pinned = pins()
    for item in declared():
        version = pinned.get(canonicalize_name(item.name))
        assert version, f"{item.name} has no pin in constraints.txt"
        assert item.specifier.contains(version), f"{item} does not admit the pin {version}"


def test_nothing_that_is_brought_along_is_left_unpinned():
    absent = () if importlib.util.find_spec("ax") else ("peers",)  # no part of `all`
    assert sorted(closure(declared(absent)) - set(pins()) - {"setuptools"}) == []


def test_pins_are_sorted_and_single():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    names = [canonicalize_name(line.split("==")[0]) for line in lines if "==" in line]
    assert names == sorted(set(names))


@pytest.mark.parametrize(
    ("name", "version"),
    [("pyarrow", "26.0.1"), ("pyarrow", "25.0.0"), ("opentrons", "10.1.0"), ("numpy", "2.1.0")],
)
def test_known_bad_versions_stay_outside_the_ranges(name: str, version: str):
    item = next(item for item in declared() if item.name == name)
    assert not item.specifier.contains(version)


@pytest.mark.slow
def test_the_engine_of_opentrons_imports():
    """The top package imports even where the engine can't, so the engine is what is asked for."""
    done = subprocess.run(
        [sys.executable, "-c", "import opentrons.protocol_engine, opentrons.simulate"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_table_is_really_drawn():
    """A frame goes through pyarrow as it does on a page, which is where a wrong pair crashes."""
    page = (
        "import pandas as pd, streamlit as st\n"
        "st.dataframe(pd.DataFrame({'sample': ['a', 'b'], 'mS/cm': [9.1, 9.2]}))\n"
    )
    script = (
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_string({page!r}).run(timeout=60)\n"
        "assert not app.exception, app.exception\n"
        "assert list(app.dataframe[0].value['mS/cm']) == [9.1, 9.2]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
