"""What is changed is as `dataclasses.replace` would make it; what is shared is shared, and nothing else is taken."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.domain import state as states
from lab.domain.evolve import evolve
from lab.domain.state import DeviceStatus, LabState


@dataclass(frozen=True)
class Vessel:
    name: str
    volume_ml: float = 0.0
    content: dict[str, float] = field(default_factory=dict[str, float])


CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=3),
        "volume_ml": st.floats(allow_nan=False),
        "content": st.dictionaries(st.text(max_size=2), st.floats(allow_nan=False), max_size=2),
    },
)


@given(first=CHANGES, then=CHANGES)
def test_it_is_as_replace_makes_it(first: dict[str, object], then: dict[str, object]) -> None:
    old = Vessel(**{"name": "a", **first})  # pyright: ignore[reportArgumentType]
    before = replace(old)
    new = evolve(old, **then)
    assert new == replace(old, **then)  # pyright: ignore[reportArgumentType]
    assert old == before
    assert type(new) is Vessel
    for name in vars(old).keys() - then.keys():
        assert getattr(new, name) is getattr(old, name)


def test_the_result_is_as_frozen_as_what_it_came_from() -> None:
    new = evolve(Vessel("a"), volume_ml=2.0)
    with pytest.raises(AttributeError):
        new.name = "b"  # pyright: ignore[reportAttributeAccessIssue]
    assert evolve(new, name="b") == Vessel("b", 2.0)


def test_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(TypeError, match="LabState has no field epok, sequence"):
        evolve(LabState(), sequence=3, epok=1, at_s=2.0)
    assert evolve(LabState(), seq=3) == LabState(seq=3)


def test_a_value_with_slots_is_refused_and_not_half_copied() -> None:
    slotted = dataclass(frozen=True, slots=True)(
        type("Slotted", (), {"__annotations__": {"n": int}})
    )
    with pytest.raises(AttributeError):
        evolve(slotted(1), n=2)  # pyright: ignore[reportArgumentType]


def test_every_value_of_the_state_that_changes_can_be_evolved() -> None:
    assert evolve(DeviceStatus("pump", "ready"), state="lost") == DeviceStatus("pump", "lost")
    for name in ("CommandState", "StepState", "RunState", "TrialState", "CampaignState", "Task"):
        kind = getattr(states, name)
        assert not hasattr(kind, "__slots__"), name
        assert not hasattr(kind, "__post_init__"), name
        assert all(each.init for each in fields(kind)), name
