"""Arguments and outputs against the contract: nothing is clipped, nothing nonsensical passes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.devices.arguments import checked_args, finding_in_outputs
from lab.devices.capability import CAPABILITIES, action_spec
from lab.domain.action import ActionSpec, ArgSpec

SPEC = ActionSpec(
    description="x",
    effect="none",
    args={
        "speed": ArgSpec(kind="quantity", unit="rpm", minimum=0.0, maximum=100.0),
        "count": ArgSpec(kind="integer", minimum=1, maximum=5, default=2, required=False),
        "well": ArgSpec(kind="text", required=False),
        "mode": ArgSpec(kind="choice", choices=("slow", "fast"), default="slow", required=False),
        "volumes": ArgSpec(kind="volumes", unit="uL", maximum=50.0, required=False),
    },
)


def test_defaults_are_filled_in_and_values_kept():
    args, findings = checked_args(SPEC, {"speed": 5, "well": "B3", "volumes": {"a": 1, "b": 0.0}})
    assert findings == []
    assert args == {
        "speed": 5,
        "count": 2,
        "well": "B3",
        "mode": "slow",
        "volumes": {"a": 1, "b": 0.0},
    }


def test_a_whole_number_may_come_as_a_float():
    args, findings = checked_args(SPEC, {"speed": 1.0, "count": 3.0})
    assert (args["count"], findings) == (3, [])
    assert isinstance(args["count"], int)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({}, "speed: is missing"),
        ({"speed": 1, "sped": 1}, "sped: no such argument"),
        ({"speed": None}, "must be a number in rpm"),
        ({"speed": "5"}, "must be a number"),
        ({"speed": True}, "must be a number"),
        ({"speed": [5]}, "must be a number"),
        ({"speed": math.nan}, "must be finite"),
        ({"speed": math.inf}, "must be finite"),
        ({"speed": -0.1}, "below the minimum 0 rpm"),
        ({"speed": 100.1}, "above the maximum 100 rpm"),
        ({"speed": 1, "count": 2.5}, "whole number"),
        ({"speed": 1, "count": True}, "whole number"),
        ({"speed": 1, "count": 0}, "below the minimum"),
        ({"speed": 1, "count": 6}, "above the maximum"),
        ({"speed": 1, "count": math.inf}, "whole number"),
        ({"speed": 1, "well": ""}, "printable text"),
        ({"speed": 1, "well": " "}, "printable text"),
        ({"speed": 1, "well": "B3\r\nSTOP"}, "printable text"),
        ({"speed": 1, "well": 3}, "printable text"),
        ({"speed": 1, "mode": "medium"}, "one of slow, fast"),
        ({"speed": 1, "volumes": {}}, "must map stock names to volumes"),
        ({"speed": 1, "volumes": 5}, "must map stock names to volumes"),
        ({"speed": 1, "volumes": {"a": -1}}, "a: a volume can't be negative"),
        ({"speed": 1, "volumes": {"a": "1"}}, "a: must be a number"),
        ({"speed": 1, "volumes": {"a": 51}}, "a: 51 uL is above the maximum"),
    ],
)
def test_what_is_wrong_is_said_with_name_and_unit(args, says):
    _, findings = checked_args(SPEC, args)
    assert len(findings) == 1
    assert says in findings[0]


@given(value=st.floats())
def test_a_quantity_is_never_changed(value):
    args, findings = checked_args(SPEC, {"speed": value})
    assert (findings == []) is (0.0 <= value <= 100.0)
    if not findings:
        assert args["speed"] == value


def test_every_default_of_every_contract_passes_its_own_check():
    for capability in CAPABILITIES.values():
        for spec in capability.actions.values():
            given = {n: a.default for n, a in spec.args.items() if a.default is not None}
            _, findings = checked_args(spec, given)
            assert [f for f in findings if "is missing" not in f] == []


@pytest.mark.parametrize(
    ("outputs", "says"),
    [
        ({"mass": 1.0, "mass_sd": 0.0}, ""),
        ({"mass": 1, "mass_sd": 0.0, "note": "calm"}, ""),
        ({"mass": 1.0}, "mass_sd: the driver returned no value"),
        ({"mass": None, "mass_sd": 0.0}, "mass: the driver returned no value"),
        ({"mass": math.nan, "mass_sd": 0.0}, "nan is not a measurement"),
        ({"mass": 1.0, "mass_sd": math.inf}, "inf is not a measurement"),
        ({"mass": "1.0", "mass_sd": 0.0}, "must be a number in g"),
        ({"mass": True, "mass_sd": 0.0}, "must be a number in g"),
        ({"mass": 1.0, "mass_sd": 0.0, "extra": math.nan}, "extra: nan"),
    ],
)
def test_outputs(outputs, says):
    finding = finding_in_outputs(action_spec("weighing", "weigh"), outputs)
    assert finding == "" if not says else says in finding
