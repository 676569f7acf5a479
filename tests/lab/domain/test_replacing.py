"""Another field in a frozen value, as the standard library's `replace` does it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain.replacing import replace
from lab.domain.state import LabState, StepState


@dataclass(frozen=True, slots=True)
class One:
    only: int = 0


@given(
    st.fixed_dictionaries(
        {}, optional={"attempt": st.integers(), "error": st.text(), "started_s": st.floats(0, 1e9)}
    )
)
def test_it_does_what_the_standard_library_does(changes):
    step = StepState("tare", command="c", outputs={"mass": 1.0})
    found = replace(step, **changes)
    assert found == dataclasses.replace(step, **changes)
    assert found.outputs is step.outputs
    assert step == StepState("tare", command="c", outputs={"mass": 1.0})


def test_a_value_with_one_field_and_one_with_many():
    assert replace(One(1), only=2) == One(2)
    assert replace(One(1)) == One(1)
    state = LabState()
    assert replace(state, seq=3) == dataclasses.replace(state, seq=3)


def test_a_field_that_there_is_not_is_refused():
    with pytest.raises(TypeError, match="StepState has no field 'colour'"):
        replace(StepState("tare"), colour="red")
