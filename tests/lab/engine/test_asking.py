"""When the optimiser is asked: for a whole batch when it has room, and for fewer before what limits the lab falls idle."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from lab.domain import event as ev
from lab.engine import asking
from lab.engine import messages as msg
from tests.lab.engine.kit import KitContext, Mind, plan_of, step
from tests.support.closed_loop import ClosedLoop
from tests.support.made_up_labs import plan_of as made_up
from tests.support.made_up_labs import step as made_up_step

QUICK_THEN_LONG = made_up(
    made_up_step("mix", "pump", 60), made_up_step("bake", "oven", 600, ["mix"])
)


def exact(_random, step):
    return step.duration_s


def campaign(samples: int = 9, **more) -> ClosedLoop:
    return ClosedLoop((QUICK_THEN_LONG,), samples, takes=exact, **more)


def asked_for(loop: ClosedLoop) -> list[tuple[float, int]]:
    """When trials were proposed (they come a second later), and how many at once."""
    found: dict[float, int] = {}
    first = loop.journal[0][0]
    for at_s, event in loop.journal:
        if isinstance(event, ev.TrialProposed):
            found[at_s - first] = found.get(at_s - first, 0) + 1
    return list(found.items())


def test_a_whole_batch_is_asked_for_when_it_has_room():
    loop = campaign(parallel=6, batch=3)
    loop.run(until_s=10.0)
    assert asked_for(loop) == [(1.0, 3), (2.0, 3)]


def test_what_has_room_is_asked_for_before_the_oven_falls_idle():
    loop = campaign(6, parallel=3, batch=3).run()
    # 3 * 600 s of oven, less the minute that mixing takes and half a minute for choosing
    due = 1 + 60 + 3 * 600 - 60 - asking._THINKING_S
    first, second, *_ = asked_for(loop)
    assert first == (1.0, 3)
    assert second == (pytest.approx(due + 1.0, abs=2.0), 2)
    bakes = [
        (at, event)
        for at, event in loop.journal
        if isinstance(event, ev.CommandIntended) and event.command.step == "bake"
    ]
    gaps = [two[0] - one[0] - 600 for one, two in itertools.pairwise(bakes)]
    assert max(gaps) < 1.0, "the oven never waits"


def test_without_that_the_oven_waits(monkeypatch):
    """The case that shows that it does something."""
    early = campaign(6, parallel=3, batch=3).run()
    monkeypatch.setattr(asking, "_idle_s", lambda *_: None)
    late = campaign(6, parallel=3, batch=3).run()
    assert [count for _, count in asked_for(late)] == [3, 3]
    assert late.makespan_s > early.makespan_s + 55


def test_no_more_run_at_once_than_the_campaign_says():
    loop = campaign(9, parallel=3, batch=3).run()
    open_now = 0
    for event in loop.events:
        if isinstance(event, ev.TrialProposed):
            open_now += 1
        elif isinstance(event, ev.TrialCompleted | ev.TrialFailed):
            open_now -= 1
        assert open_now <= 3
    assert len(loop.state.runs) == 9


def test_factors_that_are_alike_in_a_batch_keep_it_together():
    loop = campaign(6, parallel=3, batch=3)
    entry = loop.state.campaigns["kit-1"]
    spec = entry.spec.model_copy(update={"alike": ("x",)})
    loop.state = replace(loop.state, campaigns={"kit-1": replace(entry, spec=spec)})
    loop.run()
    assert [count for _, count in asked_for(loop)] == [3, 3]


def test_nothing_is_asked_while_an_answer_is_awaited_or_after_it_failed_or_in_a_paused_lab():
    plan = plan_of(step("dose", "pump", duration_s=10.0), results=())
    mind = Mind(KitContext(plan), trials=9, parallel=3, batch=3)
    effects = mind.settle()
    assert [e.count for e in effects if isinstance(e, msg.AskOptimiser)] == [3]
    assert not any(isinstance(e, msg.AskOptimiser) for e in mind.pass_time(100.0)), "still awaited"
    mind.tell(msg.Proposed((msg.Proposal({"x": 0.5}, "sobol"),)))
    effects = mind.settle()
    assert [e.count for e in effects if isinstance(e, msg.AskOptimiser)] == [2], (
        "the pump is idle soon"
    )
    mind.tell(msg.Proposed((), "it broke"))
    assert not any(isinstance(e, msg.AskOptimiser) for e in mind.settle())
    mind.inflight.ask_failed = False
    mind.record(ev.LabPaused(actor="Ada", reason="lunch"))
    assert not any(isinstance(e, msg.AskOptimiser) for e in mind.settle())


def test_the_budget_is_never_passed():
    loop = campaign(4, parallel=3, batch=3).run()
    assert sum(count for _, count in asked_for(loop)) == 4
