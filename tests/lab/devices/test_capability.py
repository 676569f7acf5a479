"""The contracts agree with themselves: what is named as an argument is one, of the right kind and dimension."""

from __future__ import annotations

import pytest

from lab.devices.arguments import checked_args
from lab.devices.capability import CAPABILITIES, action_spec
from lab.domain.units import unit

ACTIONS = [
    (capability, action) for capability, spec in CAPABILITIES.items() for action in spec.actions
]


@pytest.mark.parametrize(("capability", "action"), ACTIONS)
def test_units_are_ones_that_a_person_may_write(capability, action):
    spec = action_spec(capability, action)
    for value in (*spec.args.values(), *spec.outputs.values()):
        assert not value.unit or unit(value.unit)


@pytest.mark.parametrize(("capability", "action"), ACTIONS)
def test_defaults_lie_within_their_limits(capability, action):
    spec = action_spec(capability, action)
    given = {
        name: arg.minimum if arg.kind != "choice" else arg.choices[0]
        for name, arg in spec.args.items()
        if arg.required and arg.kind in ("quantity", "integer", "choice")
    }
    needed = {name for name, arg in spec.args.items() if arg.required} - set(given)
    _, findings = checked_args(spec, given)
    assert {finding.partition(":")[0] for finding in findings} == needed


@pytest.mark.parametrize(("capability", "action"), ACTIONS)
def test_what_doses_heats_or_stirs_is_an_argument_of_that_dimension(capability, action):
    spec = action_spec(capability, action)
    for named, written in (("doses", "mL"), ("heats", "degC"), ("stirs", "rpm")):
        argument = getattr(spec, named)
        if argument:
            assert unit(spec.args[argument].unit).dimension == unit(written).dimension


def test_heating_and_stirring_are_what_the_hotplate_does():
    named = {
        (capability, action): (spec.heats, spec.stirs)
        for capability, action in ACTIONS
        if any(((spec := action_spec(capability, action)).heats, spec.stirs))
    }
    assert named == {
        ("heating_stirring", "stir"): ("", "speed"),
        ("heating_stirring", "heat"): ("temperature", ""),
    }


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"point": "middle", "value": 7.0}, "point: must be one of low, mid, high"),
        ({"point": "mid", "value": 14.5}, "value: 14.5 dimensionless is above"),
        ({"point": "mid", "value": -1.0}, "value: -1 dimensionless is below"),
        ({"point": "mid"}, "value: is missing"),
        ({"point": "mid", "value": 7.0, "temperature": 200.0}, "temperature: 200 degC is above"),
    ],
)
def test_a_calibration_that_can_not_be_is_refused(args, says):
    _, findings = checked_args(action_spec("ph", "calibrate"), args)
    assert [finding for finding in findings if finding.startswith(says)] == findings != []


def test_a_calibration_is_at_25_degrees_unless_told():
    args, findings = checked_args(action_spec("ph", "calibrate"), {"point": "low", "value": 4.005})
    assert (args, findings) == ({"point": "low", "value": 4.005, "temperature": 25.0}, [])
