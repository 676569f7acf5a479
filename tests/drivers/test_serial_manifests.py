"""The manifests of pump and balance say what the code does."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

from lab.devices.capability import CAPABILITIES
from lab.devices.registry import read_manifest

DRIVERS = Path(__file__).parents[2] / "drivers"
NAMES = ["new_era_ne1000", "mettler_toledo_sics"]


def load(name):
    return read_manifest(f"drivers.{name}", name)


def find(entry):
    module, _, attribute = entry.partition(":")
    return getattr(importlib.import_module(module), attribute)


@pytest.mark.parametrize("name", NAMES)
def test_driver_and_simulator_are_where_the_manifest_says(name):
    manifest = load(name)
    assert manifest.driver == name
    assert hasattr(find(manifest.simulator), "serve")
    driver = find(manifest.entry)
    for capability in manifest.capabilities:
        for action, spec in CAPABILITIES[capability].actions.items():
            parameters = inspect.signature(getattr(driver, action)).parameters
            keywords = {key for key, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
            assert keywords == set(spec.args), action
            for argument, value in spec.args.items():
                if not value.required:
                    assert parameters[argument].default == value.default


@pytest.mark.parametrize("name", NAMES)
def test_every_error_that_the_code_raises_is_explained_and_none_else(name):
    source = "".join(path.read_text() for path in sorted((DRIVERS / name).glob("*.py")))
    raised = set(re.findall(r'DeviceError\(\s*"(\w+)"', source))
    # codes that are chosen in an expression
    for codes in re.findall(r'code = "(\w+)" if .* else "(\w+)"', source):
        raised |= set(codes)
    for table in re.findall(r"codes = \{(.*?)\}", source, re.S):
        raised |= set(re.findall(r': "(\w+)"', table))
    assert raised == set(load(name).errors)
