"""The manifests of hotplate, conductivity and pH circuits and light say what their drivers are."""

from __future__ import annotations

import inspect

import pytest

from lab.devices import ezo_line
from lab.devices.capability import CAPABILITIES
from lab.devices.registry import Registry

DRIVERS = ("atlas_ezo_ec", "atlas_ezo_ph", "clslab_light", "ika_hotplate")
REGISTRY = Registry({name: f"drivers.{name}" for name in DRIVERS})


@pytest.mark.parametrize("name", DRIVERS)
def test_every_action_of_the_contract_is_a_method_with_its_arguments(name):
    made = REGISTRY.driver_class(name)
    for capability in REGISTRY.manifest(name).capabilities:
        for action, spec in CAPABILITIES[capability].actions.items():
            parameters = list(inspect.signature(getattr(made, action)).parameters.values())[2:]
            assert [item.name for item in parameters] == list(spec.args)
            assert all(item.kind is item.KEYWORD_ONLY for item in parameters)
            for item in parameters:
                default = spec.args[item.name].default
                assert item.default == (item.empty if default is None else default)


@pytest.mark.parametrize("name", DRIVERS)
def test_every_error_code_that_a_driver_raises_is_explained(name):
    source = inspect.getsource(inspect.getmodule(REGISTRY.driver_class(name)))  # type: ignore[arg-type]
    if "EzoLine" in source:
        source += inspect.getsource(ezo_line)
    errors = REGISTRY.manifest(name).errors
    for code in errors:
        assert f'"{code}"' in source, f"{code} is explained but never raised"
    raised = [
        part.lstrip().split('"')[1]
        for part in source.split("DeviceError(")[1:]
        if part.lstrip().startswith('"')
    ]
    assert raised
    assert set(raised) <= set(errors)


@pytest.mark.parametrize("name", DRIVERS)
def test_it_comes_with_a_simulator(name):
    assert REGISTRY.simulator_class(name)
