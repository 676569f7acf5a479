"""Timelines as changes of the one before: exact to a millionth of a second, in the same order, and short."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.domain import event as ev
from lab.domain.plan import Slot
from lab.domain.plan_changes import kept_choices, plan_change, rounded, with_change
from lab.domain.reduce import reduce, reduce_all
from lab.domain.state import LabState
from lab.records.facts import Facts
from tests.lab.engine.kit import START, campaign_started
from tests.support.closed_loop import ClosedLoop
from tests.support.workload_plans import workload_plans


def slot(
    run: str, step: str, start: float, long: float = 10.0, device: str = "d", *claims: str
) -> Slot:
    return Slot(run=run, step=step, device=device, claims=claims, start_s=start, end_s=start + long)


def timeline(*slots: Slot) -> tuple[Slot, ...]:
    return tuple(sorted(slots, key=lambda s: (s.start_s, s.end_s, s.run, s.step)))


OLD = timeline(*(slot(run, f"s{n}", 20.0 * n + k) for k, run in enumerate("ab") for n in range(4)))


def told(old, new):
    change = plan_change(old, new)
    assert change is not None
    assert with_change(old, *change) == tuple(rounded(s) for s in new)
    return change


def test_nothing_new_says_nothing():
    assert told(OLD, OLD) == ((), {}, {})


def test_what_moves_together_is_one_shift():
    new = timeline(*(s.model_copy(update={"start_s": s.start_s + 5, "end_s": s.end_s + 5})
                     if s.run == "b" and s.step != "s0" else s for s in OLD))  # fmt: skip
    assert told(OLD, new) == ((), {}, {"b": ((1, 0.0, 0.0), (3, 5.0, 5.0))})


def test_a_longer_step_moves_its_end_only():
    new = timeline(*(s.model_copy(update={"end_s": s.end_s + 2.5}) if (s.run, s.step) == ("a", "s3") else s
                     for s in OLD))  # fmt: skip
    assert told(OLD, new) == ((), {}, {"a": ((3, 0.0, 0.0), (1, 0.0, 2.5))})


def test_what_is_over_is_named_and_a_run_that_is_over_needs_no_list():
    new = timeline(*(s for s in OLD if s.run == "b" and s.step != "s0"))
    assert told(OLD, new) == ((), {"a": (), "b": ("s0",)}, {})


def test_a_new_run_is_written_out():
    new = timeline(*OLD, slot("c", "s0", 30.0))
    written, gone, moved = told(OLD, new)
    assert [(s.run, s.step) for s in written] == [("c", "s0")]
    assert (gone, moved) == ({}, {})


@pytest.mark.parametrize("change", [{"device": "e"}, {"claims": ("pot",)}])
def test_a_step_with_another_place_is_written_out(change):
    new = timeline(
        *(s.model_copy(update=change) if s.step == "s2" and s.run == "a" else s for s in OLD)
    )
    written, gone, moved = told(OLD, new)
    assert [(s.run, s.step) for s in written] == [("a", "s2")]
    assert (gone, moved) == ({}, {})


def test_where_most_is_new_the_whole_is_told():
    new = timeline(*(slot("c", f"s{n}", 20.0 * n) for n in range(9)), *OLD[:2])
    assert plan_change(OLD, new) is None


def test_an_order_of_its_own_is_told_whole():
    """Slots of one moment in another order than by name: no change could tell it."""
    old = timeline(slot("a", "x", 0.0), slot("b", "x", 0.0))
    assert plan_change(old, old) is not None
    assert plan_change(old, old[::-1]) is None


def test_a_change_of_another_timeline_is_refused():
    with pytest.raises(ValueError, match="steps of b that are not in the one before it"):
        with_change(OLD[:3], (), {}, {"b": ((4, 1.0, 1.0),)})


def test_bindings_stand_until_another_is_told_and_go_with_their_run():
    assert kept_choices({"a": 2, "b": 1, "z": 0}, OLD) == {"a": 2, "b": 1}


names = st.sampled_from(["a", "b", "c", "d"])
times = st.floats(0.0, 1e6, allow_nan=False)
slots = st.builds(
    lambda run, step, start, long, device, claims: Slot(
        run=run, step=f"s{step}", device=device, claims=claims, start_s=start, end_s=start + long
    ),
    names, st.integers(0, 5), times, st.floats(0.0, 1e4), names,
    st.sampled_from([(), ("pot",), ("pot", "cell")]),
)  # fmt: skip
timelines = st.lists(slots, max_size=20, unique_by=lambda s: (s.run, s.step)).map(
    lambda found: timeline(*(rounded(s) for s in found))
)


@settings(max_examples=300)
@given(timelines, timelines)
def test_any_timeline_follows_from_any_other_or_is_told_whole(old, new):
    change = plan_change(old, new)
    if change is None:
        return
    result = with_change(old, *change)
    assert [(s.run, s.step, s.device, s.claims) for s in result] == [
        (s.run, s.step, s.device, s.claims) for s in new
    ]
    for one, other in zip(result, new, strict=True):
        assert one.start_s == pytest.approx(other.start_s, abs=2e-6)
        assert one.end_s == pytest.approx(other.end_s, abs=2e-6)


@settings(max_examples=60)
@given(st.lists(timelines, min_size=2, max_size=6))
def test_a_row_of_changes_folds_to_the_last_timeline_in_state_and_facts(row):
    """As the journal tells it: through JSON, each event on the state that the one before it left."""
    state = reduce_all(LabState(), [recorded(1, campaign_started(4))])
    facts = Facts()
    before: tuple[Slot, ...] = ()
    for number, new in enumerate(row):
        change = plan_change(before, new) if before else None
        event = ev.TimelinePlanned(
            campaign="kit-1", origin=START, reason="replanned",
            slots=new if change is None else change[0], whole=change is None,
            gone={} if change is None else change[1], moved={} if change is None else change[2],
        )  # fmt: skip
        entry = recorded(2 + number, ev.event_from_json(event.model_dump_json()))
        state = reduce(state, entry)
        facts.apply(entry)
        before = state.campaigns["kit-1"].slots
        assert [(s.run, s.step) for s in before] == [(s.run, s.step) for s in new]
        assert facts.timelines["kit-1"] == before


def recorded(seq: int, event: ev.Event) -> ev.Recorded:
    return ev.Recorded(seq=seq, epoch=1, at=datetime(2026, 1, 1, tzinfo=UTC), event=event)


def test_a_record_of_an_earlier_version_is_a_whole_timeline():
    old = {
        "kind": "timeline_planned", "campaign": "kit-1", "origin": "2026-01-01T00:00:00Z", "reason": "replanned",
        "slots": [json.loads(s.model_dump_json()) for s in OLD], "choices": {"a": 1}, "source": "order", "broken": [],
    }  # fmt: skip
    event = ev.event_from_json(json.dumps(old))
    assert isinstance(event, ev.TimelinePlanned)
    assert event.whole
    state = reduce_all(LabState(), [recorded(1, campaign_started(4)), recorded(2, event)])
    assert state.campaigns["kit-1"].slots == OLD
    assert state.campaigns["kit-1"].choices == {"a": 1}


def test_the_plans_of_a_campaign_take_a_tenth_of_what_whole_ones_would():
    loop = ClosedLoop(workload_plans(), 24, seed=0)
    whole = compact = 0
    seen = 0
    while loop.state.active_campaign is not None and seen < 40:
        loop.run(until_s=loop.makespan_s + 120.0)
        for event in loop.planned[seen:]:
            compact += len(event.model_dump_json())
            slots = loop.state.campaigns["kit-1"].slots
            whole += len(event.model_copy(update={"slots": slots, "moved": {}}).model_dump_json())
        seen = len(loop.planned)
        if loop._due:
            loop.run(until_s=loop._due[0][0] - START.timestamp() + 1.0)
    assert seen >= 20
    assert 10 * compact < whole


def test_who_told_a_duration_is_kept_while_a_step_moves_and_told_when_it_changes():
    by_driver = {"duration_from": "driver"}
    old = timeline(*(s.model_copy(update=by_driver) for s in OLD))
    later = timeline(
        *(s.model_copy(update={"start_s": s.start_s + 5, "end_s": s.end_s + 5}) for s in old)
    )
    written, _, _ = told(old, later)
    assert written == ()
    change = {"duration_from": "journal", "duration_runs": 8}
    learned = timeline(*(s.model_copy(update=change) if s.step == "s3" else s for s in old))
    written, _, _ = told(old, learned)
    assert {s.step for s in written} == {"s3"}
    more = timeline(
        *(s.model_copy(update={"duration_runs": 9}) if s.step == "s3" else s for s in learned)
    )
    change = plan_change(learned, more)
    assert change == ((), {}, {}), "one run more is no news"
