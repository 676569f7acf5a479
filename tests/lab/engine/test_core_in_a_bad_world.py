"""The core among hosts that fail, fall silent and reboot, and a network that loses, doubles and reorders.

The laws are in `fake_world`; here the world does what hypothesis thinks of, then everything is repaired, and the
campaign must come to an end in bounded time, with what waits for a person answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.domain import event as ev
from lab.domain.reduce import reduce_all
from lab.domain.state import LabState
from tests.lab.engine.fake_world import World
from tests.lab.engine.kit import DEVICES, KitContext, plan_of, step, usual_plan
from tests.lab.engine.rich_plan import READINGS, rich_plan

if TYPE_CHECKING:
    from lab.domain.plan import Plan

_FREE = plan_of(
    step("dose", "pump", retry={"max_retries": 2}),
    step("heat", "pump", ("dose",), effect="absolute"),
    step("rinse", "pump", ("heat",), retry={"max_retries": 2, "delay_s": 30.0}),
    step("weigh", "balance", ("dose",), retry={"max_retries": 1}),
    stations=(),
)

_TWO_PLACES = plan_of(
    step("dose", "pump", claims=("pot",)),
    step("transfer", "pump", ("dose",), claims=("pot", "cell"), draws_from=("pot",)),
    step("weigh", "balance", ("transfer",), claims=("cell",), retry={"max_retries": 1}),
    step("empty_pot", "pump", safe_state=True, claims=("pot",), draws_from=("pot",)),
    step("empty_cell", "pump", safe_state=True, claims=("cell",), draws_from=("cell",)),
    stations=("pot", "cell"),
)

_device = st.sampled_from(DEVICES)
_index = st.integers(0, 5)
_copies = st.sampled_from((1, 1, 1, 2, 0))
_ending = st.sampled_from(
    ("succeeded", "succeeded", "succeeded", "failed_no_effect", "failed_partial", "unknown")
)
_verb = st.sampled_from(("pause", "resume", "stop", "abort", "safe", "rearm", "rearm", "explode"))

_happening = st.one_of(
    st.tuples(st.just("advance"), _ending, _ending),
    st.tuples(st.just("advance"), st.just("succeeded"), _ending),
    st.tuples(st.just("send_down"), _index, _copies),
    st.tuples(st.just("send_up"), _device, _index, _copies),
    st.tuples(st.just("send_up"), _device, _index, _copies),
    st.tuples(st.just("end"), _device, _ending),
    st.tuples(st.just("act"), _device),
    st.tuples(st.just("beat"), _device),
    st.tuples(st.just("wait"), st.sampled_from((1.0, 6.0, 21.0, 130.0))),
    st.tuples(st.just("reboot"), _device, st.booleans()),
    st.tuples(st.just("silence"), _device),
    st.tuples(st.just("abandon"), _device),
    st.tuples(st.just("recover"), _device),
    st.tuples(st.just("break_down"), _device),
    st.tuples(st.just("request"), _verb),
    st.tuples(st.just("abort"), _index),
    st.tuples(st.just("answer"), st.booleans()),
    st.tuples(st.just("propose"), st.sampled_from((False, False, False, False, True))),
    st.tuples(st.just("restart")),
)


def do(world: World, happening: tuple) -> None:
    verb, *arguments = happening
    if verb in ("propose", "answer"):
        [flag] = arguments
        getattr(world, verb)(**{"fail" if verb == "propose" else "discard": flag})
    else:
        getattr(world, verb)(*arguments)


def repair(world: World) -> None:
    """All hosts are well, messages arrive, people answer. Ends with the campaign, or fails the test."""
    for name in DEVICES:
        world.recover(name)
    for _ in range(300):
        if world.finished():
            return
        for name in DEVICES:
            world.beat(name)
        world.advance("succeeded", "succeeded")
        world.answer(discard=False)
        state = world.mind.state
        if state.mode == "safe":
            world.request("rearm")  # once: a device that misses it is told again
        if state.mode == "paused":
            world.request("resume")
        world.wait(21.0)
    raise AssertionError(f"waits for nothing that has a name: {waits(world)}")


def waits(world: World) -> dict[str, object]:
    state = world.mind.state
    return {
        "mode": state.mode,
        "wake": world.mind.wake_s,
        "runs": {
            run.id: {s.path: s.status for s in run.steps.values()} for run in state.open_runs()
        },
        "commands": {entry.command.step: entry.status for entry in state.open_commands()},
        "devices": {name: device.state for name, device in state.devices.items()},
        "questions": list(state.questions),
    }


def ended_well(world: World) -> None:
    state = world.mind.state
    stored = [
        record.model_copy(update={"event": ev.event_from_json(record.event.model_dump_json())})
        for record in world.mind.records
    ]
    assert reduce_all(LabState(), stored) == state
    assert not state.open_commands()
    assert not state.questions
    assert not state.tasks
    for campaign in state.campaigns.values():
        assert len(campaign.trials) <= campaign.spec.trials
        assert not campaign.open_trials
        for trial in campaign.trials.values():
            run = state.runs.get(trial.run)
            assert (trial.status == "done") == (run is not None and run.status == "succeeded")
    for run in state.runs.values():
        if run.status == "succeeded":
            acts = {path for host in world.hosts.values() for r, path in host.acts if r == run.id}
            due = {
                s.path
                for s in run.plan.steps
                if not (s.safe_state or s.manual or run.steps[s.path].status == "skipped")
            }
            assert acts >= due, "success without act"
            excluded = {f"more[{n}].dose" for n in (1, 2, 3) if run.decisions.get(f"more[{n - 1}]")}
            assert not acts & excluded, "what a decision excludes has happened"


_SETTINGS = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def live(
    plan: Plan,
    parallel: int,
    batch: int,
    happenings: list[tuple],
    readings: dict[str, float] | None = None,
) -> None:
    world = World(KitContext(plan), trials=3, parallel=parallel, batch=batch, readings=readings)
    for happening in happenings:
        do(world, happening)
    repair(world)
    ended_well(world)


@_SETTINGS
@given(st.integers(1, 3), st.integers(1, 3), st.lists(_happening, max_size=60))
def test_runs_through_a_station_survive_a_bad_world(
    parallel: int, batch: int, happenings: list[tuple]
) -> None:
    live(usual_plan(), parallel, batch, happenings)


@_SETTINGS
@given(st.integers(1, 3), st.integers(1, 3), st.lists(_happening, max_size=60))
def test_runs_side_by_side_survive_a_bad_world(
    parallel: int, batch: int, happenings: list[tuple]
) -> None:
    live(_FREE, parallel, batch, happenings)


@_SETTINGS
@given(st.integers(2, 3), st.integers(1, 3), st.lists(_happening, max_size=60))
def test_runs_one_behind_the_other_survive_a_bad_world(
    parallel: int, batch: int, happenings: list[tuple]
) -> None:
    live(_TWO_PLACES, parallel, batch, happenings)


@_SETTINGS
@given(st.sampled_from(("well", "badly")), st.integers(1, 3), st.lists(_happening, max_size=80))
def test_loops_branches_people_and_holds_survive_a_bad_world(
    ends: str, parallel: int, happenings: list[tuple]
) -> None:
    live(rich_plan({}, {}, ends=ends), parallel, parallel, happenings, READINGS)


def test_what_the_rich_plan_is_for_does_happen_in_it() -> None:
    for ends in ("well", "badly"):
        world = World(KitContext(rich_plan({}, {}, ends=ends)), 1, 1, 1, READINGS)
        repair(world)
        ended_well(world)
        kinds = set(world.mind.kinds())
        assert kinds >= {
            "decision_made",
            "steps_skipped",
            "task_witnessed",
            "question_answered",
            "timing_recorded",
            "sample_flagged",
        }
        assert ("mop" in {path for _, path in world.hosts["pump"].acts}) == (ends == "badly")
