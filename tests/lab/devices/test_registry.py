"""Drivers are found by entry point, their manifests read and held against the contracts."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from lab.devices.conformance import check_driver
from lab.devices.registry import Registry
from lab.domain.errors import InputError

ROOT = Path(__file__).parents[3]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][
    "labwright.drivers"
]

MANIFEST = """\
driver: my_pump
version: 1.0.0
title: My pump
manufacturer: Nobody
models: [M1]
capabilities: [liquid_dosing]
entry: {package}.driver:MyPump
simulator: ""
connection: stream
safe_state: it stands still
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A driver package of its own on the path."""
    name = f"pkg_{tmp_path.name.replace('-', '_')}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "driver.py").write_text("class MyPump: ...\nthing = 3\n")
    (folder / "manifest.yaml").write_text(MANIFEST.format(package=name))
    monkeypatch.syspath_prepend(str(tmp_path))
    yield folder
    for module in [m for m in sys.modules if m.split(".")[0] == name]:
        del sys.modules[module]


def registry(package: Path) -> Registry:
    return Registry({"my_pump": package.name})


def test_a_driver_is_loaded_only_when_asked_for(package):
    drivers = registry(package)
    assert drivers.names() == ["my_pump"]
    assert drivers.manifest("my_pump").title == "My pump"
    assert f"{package.name}.driver" not in sys.modules
    assert drivers.driver_class("my_pump").__name__ == "MyPump"


def test_an_unknown_driver_is_refused_with_the_nearest_name(package):
    with pytest.raises(InputError, match="no driver 'my_pumb'") as caught:
        registry(package).manifest("my_pumb")
    assert caught.value.hint == "did you mean 'my_pump'?"
    with pytest.raises(InputError) as caught:
        registry(package).driver_class("zzz")
    assert caught.value.hint == "installed drivers: my_pump"
    with pytest.raises(InputError) as caught:
        Registry({}).manifest("zzz")
    assert caught.value.hint == "installed drivers: none"


def test_a_driver_without_a_simulator_says_what_to_do(package):
    with pytest.raises(InputError, match="no simulator") as caught:
        registry(package).simulator_class("my_pump")
    assert "`url`" in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("title: My pump\n", "", "title: Field required"),
        ("title: My pump", "tittle: My pump", "tittle|title"),
        ("version: 1.0.0", "version: 1.0", "version"),
        ("driver: my_pump", "driver: other", "installed as 'my_pump'"),
        ("[liquid_dosing]", "[liquid_dozing]", "no capability 'liquid_dozing'"),
        ("models: [M1]", "models: [M1", "not YAML"),
        (MANIFEST[:5], "- ", "manifest.yaml"),
        ("title: My pump", "title: !!python/object:os.system x", "manifest.yaml"),
    ],
)
def test_a_faulty_manifest_is_named_with_its_place(package, old, new, says):
    path = package / "manifest.yaml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=says) as caught:
        registry(package).manifest("my_pump")
    assert f"{package.name}/manifest.yaml" in str(caught.value)


def test_a_capability_that_was_misspelt_is_suggested(package):
    path = package / "manifest.yaml"
    path.write_text(path.read_text().replace("[liquid_dosing]", "[liquid_dozing]"))
    with pytest.raises(InputError) as caught:
        registry(package).manifest("my_pump")
    assert caught.value.hint == "did you mean 'liquid_dosing'?"


def test_a_package_that_is_gone_is_told():
    with pytest.raises(InputError, match=r"no_such_package/manifest\.yaml"):
        Registry({"my_pump": "no_such_package"}).manifest("my_pump")
    with pytest.raises(InputError, match=r"can.t read lab/manifest\.yaml"):
        Registry({"my_pump": "lab"}).manifest("my_pump")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{}.nothing:MyPump", "can't load"),
        ("{}.driver:YourPump", "can't load"),
        ("{}.driver", "can't load"),
        ("{}.driver:thing", "is not a class"),
    ],
)
def test_an_entry_that_leads_nowhere_is_told(package, entry, says):
    path = package / "manifest.yaml"
    path.write_text(
        path.read_text().replace(f"{package.name}.driver:MyPump", entry.format(package.name))
    )
    with pytest.raises(InputError, match=says):
        registry(package).driver_class("my_pump")


def _with_limits(package: Path, reference: str) -> Registry:
    path = package / "manifest.yaml"
    path.write_text(f"{path.read_text()}limits: {reference}\n")
    with (package / "driver.py").open("a") as file:
        file.write("def limits(settings): return {'volume': (0.0, settings['most'])}\n")
    return registry(package)


def test_limits_are_loaded_where_a_manifest_names_them(package):
    assert registry(package).limits("my_pump") is None
    limits = _with_limits(package, f"{package.name}.driver:limits").limits("my_pump")
    assert limits is not None
    assert limits({"most": 3.0}) == {"volume": (0.0, 3.0)}


@pytest.mark.parametrize(
    ("name", "says"), [("driver:limit", "can't load"), ("driver:thing", "is not a function")]
)
def test_limits_that_lead_nowhere_are_told(package, name, says):
    with pytest.raises(InputError, match=says):
        _with_limits(package, f"{package.name}.{name}").limits("my_pump")


def test_entry_points_are_used(monkeypatch, package):
    class Found:
        name = "my_pump"
        value = package.name

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Found])
    assert Registry.installed().manifest("my_pump").driver == "my_pump"


def test_every_folder_with_a_manifest_is_declared():
    folders = {path.parent.name for path in (ROOT / "drivers").glob("*/manifest.yaml")}
    assert folders == set(DECLARED)


@pytest.mark.parametrize("driver", sorted(DECLARED))
def test_the_drivers_of_this_house_conform(driver):
    drivers = Registry(DECLARED)
    assert check_driver(drivers.manifest(driver), drivers.driver_class(driver)) == []
    assert callable(drivers.simulator_class(driver))


def test_a_code_that_a_shared_part_of_the_house_raises_must_be_listed_too():
    drivers = Registry(DECLARED)
    manifest = drivers.manifest("atlas_ezo_ec")
    errors = {code: text for code, text in manifest.errors.items() if code != "rebooted"}
    found = check_driver(
        manifest.model_copy(update={"errors": errors}), drivers.driver_class("atlas_ezo_ec")
    )
    assert found == ["manifest: error code 'rebooted' is raised but not listed in errors"]


def test_durations_are_loaded_where_a_manifest_names_them(package):
    assert registry(package).durations("my_pump") is None
    path = package / "manifest.yaml"
    path.write_text(f"{path.read_text()}durations: {package.name}.driver:durations\n")
    with (package / "driver.py").open("a") as file:
        file.write("def durations(action, args, settings): return args['n'] * settings['each']\n")
    durations = registry(package).durations("my_pump")
    assert durations is not None
    assert durations("measure", {"n": 3}, {"each": 2.0}) == 6.0


def test_durations_that_lead_nowhere_are_told(package):
    path = package / "manifest.yaml"
    path.write_text(f"{path.read_text()}durations: {package.name}.driver:thing\n")
    with pytest.raises(InputError, match="is not a function"):
        registry(package).durations("my_pump")
