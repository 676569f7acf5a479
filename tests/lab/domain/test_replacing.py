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


@dataclass(frozen=True, slots=True)
class Named:
    """As the copier's own words might be."""

    value: int = 0
    kind: str = ""
    new: float = 0.0
    copied: int = 0


def test_fields_may_have_any_name():
    assert replace(Named(1), value=2, copied=3) == Named(2, copied=3)
    assert replace(Named(1, "a"), kind="b", new=1.0) == Named(1, "b", 1.0)
    assert replace(Named(1, "a"), new=1.0) == Named(1, "a", 1.0)


def test_kinds_that_it_can_not_copy_slot_by_slot_are_refused():
    @dataclass(frozen=True)
    class Loose:
        only: int = 0

    @dataclass(frozen=True, slots=True)
    class Checked:
        only: int = 0

        def __post_init__(self) -> None:
            assert self.only >= 0

    for value in (Loose(), Checked()):
        with pytest.raises(TypeError, match="no dataclass of slots alone"):
            replace(value, only=1)
