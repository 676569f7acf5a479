"""Better plans beside the engine: asked one at a time, judged against what stands by then, the same in each replay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.domain import event as ev
from lab.domain.reduce import reduce_all
from lab.domain.state import CampaignState, LabState
from lab.engine import messages as msg
from tests.support.closed_loop import ClosedLoop
from tests.support.workload_plans import workload_plans


def campaign_of(loop: ClosedLoop) -> CampaignState:
    """The campaign that is under way."""
    campaign = loop.state.active_campaign
    assert campaign is not None
    return campaign


def mixed(samples: int = 24, seed: int = 2, **more) -> ClosedLoop:
    kinds = [workload_plans("s3", number) for number in range(3)]
    return ClosedLoop(kinds[0], samples, others=kinds[1:], seed=seed, **more)


@pytest.fixture(scope="module")
def without() -> ClosedLoop:
    return mixed().run()


@pytest.fixture(scope="module")
def searched() -> ClosedLoop:
    return mixed(evaluations=20).run()


def test_a_search_beside_the_engine_makes_a_mixed_campaign_shorter(without, searched):
    assert without.judged == []
    assert any(judged.adopted for judged in searched.judged)
    assert searched.makespan_s < without.makespan_s
    assert len(searched.broken) <= len(without.broken)
    assert all(run.status == "succeeded" for run in searched.state.runs.values())
    # One campaign is luck: of the seeds 0 to 3 each ended after 0.88 to 0.99 of the time.
    others = mixed(seed=0).run().makespan_s, mixed(seed=0, evaluations=20).run().makespan_s
    assert searched.makespan_s + others[1] < 0.95 * (without.makespan_s + others[0])


def test_each_answer_is_judged_once_and_an_adopted_one_is_the_plan_at_once(searched):
    events = searched.events
    plans = [event.plan for event in searched.judged]
    assert plans == sorted(set(plans))
    for number, event in enumerate(events):
        if isinstance(event, ev.PlanJudged):
            follows = events[number + 1]
            adopted = isinstance(follows, ev.TimelinePlanned) and follows.source == "search"
            assert adopted == event.adopted
            assert bool(event.reason) != event.adopted
            assert event.gain_s > 0 or event.makespan_gain_s > 0 or not event.adopted


def test_the_same_seed_gives_the_same_events(searched):
    again = mixed(evaluations=20).run(until_s=3600.0).events
    assert len(again) > 100
    assert again == searched.events[: len(again)]


def test_a_replay_of_the_records_gives_the_same_state(searched):
    from datetime import UTC, datetime

    records = [
        ev.Recorded(seq=n, epoch=1, at=datetime.fromtimestamp(at_s, UTC), event=event)
        for n, (at_s, event) in enumerate(searched.journal, 1)
    ]
    assert reduce_all(LabState(), records) == searched.state


class Asked(ClosedLoop):
    """Keeps what is asked of the search, and answers only when the test does."""

    def __post_init__(self) -> None:
        self.jobs: list[msg.ImprovePlan] = []
        super().__post_init__()

    def _act(self, effect: msg.Effect) -> None:
        if isinstance(effect, msg.ImprovePlan):
            self.jobs.append(effect)
        else:
            super()._act(effect)


def asked(until_s: float = 3600.0, **more) -> Asked:
    kinds = [workload_plans("s3", number) for number in range(3)]
    loop = Asked(kinds[0], 24, others=kinds[1:], seed=0, **more)
    loop.run(until_s=until_s)
    return loop


def test_there_is_one_search_at_a_time():
    loop = asked()
    assert len(loop.planned) > 5
    assert len(loop.jobs) == 1
    loop.later(0.0, msg.PlanFound(loop.jobs[0].plan))
    loop.run(until_s=7200.0)
    assert len(loop.jobs) == 2, "the next one begins when the first has answered"
    assert loop.judged == [], "nothing was found, so there is nothing to judge"


def test_a_search_is_not_begun_again_for_each_deviation():
    loop = asked(until_s=1.5)
    assert len(loop.jobs) == 1
    loop.later(1.0, msg.PlanFound(loop.jobs[0].plan))
    loop.run(until_s=590.0)
    assert len(loop.jobs) == 1
    loop.run(until_s=1800.0)
    assert len(loop.jobs) == 2


def test_new_trials_are_reason_enough():
    loop = asked(until_s=1.5, parallel=24, batch=8)
    assert [len(job.job.snapshot.runs) for job in loop.jobs] == [8]
    loop.later(0.0, msg.PlanFound(loop.jobs[0].plan))
    loop.run(until_s=60.0)
    assert [len(job.job.snapshot.runs) for job in loop.jobs][:2] == [8, 16]


def test_an_answer_from_before_a_change_of_turn_is_dropped_with_its_reason():
    """Found at the beginning and told three hours later: other samples have begun by then than it meant."""
    loop = asked(until_s=3 * 3600.0)
    [job] = loop.jobs
    slots = job.job.slots
    first = {slot.run: slot.start_s for slot in reversed(slots)}
    backwards = sorted(slots, key=lambda slot: (-first[slot.run], slot.start_s))
    loop.later(0.0, msg.PlanFound(job.plan, tuple(backwards)))
    plan = campaign_of(loop).slots
    loop.run(until_s=3 * 3600.0 + 1.0)
    [judged] = loop.judged
    assert not judged.adopted
    assert judged.reason
    assert judged.plan == job.plan
    assert {s.run for s in campaign_of(loop).slots} <= {s.run for s in plan}


def test_a_plan_is_not_judged_twice_and_not_in_a_paused_lab():
    loop = asked(until_s=1.5)
    [job] = loop.jobs
    loop._record(ev.LabPaused(actor="Ada", reason="lunch"))
    loop.later(0.0, msg.PlanFound(job.plan, job.job.slots))
    loop.run(until_s=30.0)
    assert loop.judged == []
    loop._record(ev.LabResumed(actor="Ada"))
    loop.later(0.0, msg.Tick())
    loop.run(until_s=60.0)
    [judged] = loop.judged
    assert judged.reason == "it is no better by now"
    loop.later(0.0, msg.Tick())
    loop.run(until_s=90.0)
    assert len(loop.judged) == 1


def test_no_search_while_a_device_is_out_of_use():
    loop = asked(until_s=1.5)
    context, campaign = loop.context, campaign_of(loop)
    assert context.improvable(loop.state, campaign, loop.now_s) is not None
    down = replace(loop.state.devices["arm"], state="fault")
    state = replace(loop.state, devices={**loop.state.devices, "arm": down})
    assert context.improvable(state, campaign, loop.now_s) is None
    late = loop.now_s + max(slot.start_s for slot in campaign.slots)
    assert context.improvable(loop.state, campaign, late) is None


def test_margins_and_noise_do_not_spoil_it():
    """The case in which durations are exactly as planned: nothing is dropped, nothing breaks."""
    loop = mixed(15, evaluations=20, takes=lambda _random, step: step.duration_s).run()
    assert any(judged.adopted for judged in loop.judged)
    assert loop.broken == set()
