"""Trial records: what may be told, what is refused, which one is best."""

from __future__ import annotations

import math

import pytest

from lab.domain.errors import InputError
from lab.optimize import Factor, Space, Suggestion, TrialRecord, best
from lab.optimize.history import check_history, nearest_trial

SPACE = Space(factors=(Factor(name="a", unit="mL", minimum=0, maximum=10),))


def _done(number: int, a: float, value: float) -> TrialRecord:
    return TrialRecord(number=number, factors={"a": a}, status="done", value=value)


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_a_done_trial_needs_a_finite_value(value: float | None):
    with pytest.raises(InputError, match="trial 4 is done") as caught:
        TrialRecord(number=4, factors={"a": 1}, status="done", value=value)
    assert "failed" in caught.value.hint


@pytest.mark.parametrize("status", ["failed", "pending"])
def test_only_a_done_trial_has_a_value(status: str):
    record = {"number": 1, "factors": {"a": 1.0}, "status": status}
    assert TrialRecord.model_validate(record).value is None
    with pytest.raises(InputError, match=f"trial 1 is {status}, but has a value"):
        TrialRecord.model_validate({**record, "value": 2.0})
    with pytest.raises(InputError, match="has a value"):
        TrialRecord.model_validate({**record, "standard_deviation": 0.1})


@pytest.mark.parametrize("status", ["failed", "aborted", "pending"])
def test_what_broke_off_may_have_measured_some_outcomes_and_never_a_value_as_well(status: str):
    told = {"number": 1, "factors": {"a": 1.0}, "status": status, "outcomes": {"y": 2.0}}
    record = TrialRecord.model_validate({**told, "sides": {"y": "above"}})
    assert record.outcomes == {"y": 2.0}
    with pytest.raises(InputError, match="a value, and outcomes as well"):
        TrialRecord.model_validate({**told, "status": "done", "value": 1.0})
    with pytest.raises(InputError, match="without the range's end"):
        TrialRecord.model_validate({**told, "sides": {"z": "above"}})


@pytest.mark.parametrize("sd", [-0.1, math.nan, math.inf])
def test_a_standard_deviation_is_a_finite_number_of_at_least_zero(sd: float):
    with pytest.raises(InputError, match="standard deviation"):
        TrialRecord(number=1, factors={"a": 1}, status="done", value=1.0, standard_deviation=sd)


def test_records_and_suggestions_survive_json_to_the_last_bit():
    record = TrialRecord(
        number=3, factors={"a": 0.1 + 0.2}, status="done", value=1 / 3, standard_deviation=1e-17
    )
    assert TrialRecord.model_validate_json(record.model_dump_json()) == record
    suggestion = Suggestion(number=1, factors={"a": math.pi}, origin="sobol", note="even spread")
    assert Suggestion.model_validate_json(suggestion.model_dump_json()) == suggestion


def test_a_history_is_ordered_by_number():
    records = [_done(3, 1, 1), _done(1, 2, 2), _done(2, 3, 3)]
    assert [record.number for record in check_history(SPACE, records)] == [1, 2, 3]


def test_a_trial_twice_in_the_history_is_refused():
    with pytest.raises(InputError, match="trial 2 is in the history twice"):
        check_history(SPACE, [_done(2, 1, 1), _done(2, 3, 3)])


def test_a_trial_of_another_space_is_refused_by_number():
    with pytest.raises(InputError, match="trial 7: no value for factor a"):
        check_history(SPACE, [TrialRecord(number=7, factors={"b": 1}, status="pending")])


def test_best_turns_with_the_direction_and_knows_only_measured_values():
    records = [
        _done(1, 1, 5.0),
        _done(2, 2, -1.0),
        TrialRecord(number=3, factors={"a": 3}, status="failed"),
        TrialRecord(number=4, factors={"a": 4}, status="pending"),
    ]
    highest, lowest = best("maximize", records), best("minimize", records)
    assert highest is not None
    assert lowest is not None
    assert (highest.number, lowest.number) == (1, 2)
    assert best("maximize", records[2:]) is None
    assert best("maximize", []) is None


def test_the_first_of_equals_is_best_in_any_order():
    records = [_done(2, 2, 1.0), _done(1, 1, 1.0)]
    for direction in ("maximize", "minimize"):
        winner = best(direction, records)
        assert winner is not None
        assert winner.number == 1


def test_the_nearest_trial_is_a_finished_one_and_near_in_the_cube():
    space = Space(
        factors=(
            Factor(name="a", unit="mL", minimum=0, maximum=10),
            Factor(name="t", unit="K", minimum=0, maximum=1000),
        )
    )
    records = [
        TrialRecord(number=1, factors={"a": 0, "t": 500}, status="done", value=1),
        TrialRecord(number=2, factors={"a": 5, "t": 400}, status="failed"),
        TrialRecord(number=3, factors={"a": 5, "t": 500}, status="pending"),
    ]
    # In plain numbers trial 1 is nearer (5 against 100); in the cube trial 2 is (0.1 against 0.5).
    assert nearest_trial(space, records, {"a": 5, "t": 500}) == 2
    assert nearest_trial(space, records[2:], {"a": 5, "t": 500}) is None
