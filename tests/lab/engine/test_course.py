"""What a run decides for itself: guards, decisions, windows, interruptions; and that long plans stay quick to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.bus import envelope as env
from lab.domain import event as ev
from lab.domain.course import Course
from lab.domain.plan import Decision, Plan, TimeWindow
from lab.domain.run import OPERATOR
from lab.domain.state import RunState, StepState
from lab.domain.stations import held_stations, safe_steps
from tests.golden.plays import compensated, loop, manual
from tests.lab.engine.kit import KitContext, Mind, check, formula, plan_of, sent, step, when
from tests.lab.engine.stage import Script, Stage

if TYPE_CHECKING:
    from lab.engine import messages as msg

RUN = "kit-1/r001"


def begun(plan: Plan, **statuses: str) -> RunState:
    """A run with some steps in a status; the others wait."""
    steps = {s.path: StepState(s.path) for s in plan.steps}
    for path, status in statuses.items():
        steps[path] = StepState(path, status, attempt=1, started_s=0.0, ended_s=1.0)  # pyright: ignore[reportArgumentType]
    return RunState(RUN, "kit-1", 1, plan, "running", steps, 0.0)


def decision(path: str, *guards: tuple[str, bool]) -> Decision:
    return Decision(
        path=path,
        title=path,
        kind="branch",
        formula=formula("mass", "weigh.mass"),
        when=when(**dict(guards)),
    )


# -- guards -----------------------------------------------------------------------------------------


def decided(decisions: tuple[Decision, ...], taken: dict[str, bool]) -> Course:
    run = begun(plan_of(step("weigh", "balance"), decisions=decisions))
    return Course(RunState(**{**_fields(run), "decisions": taken}))


def _fields(run: RunState) -> dict[str, Any]:
    return {name: getattr(run, name) for name in RunState.__dataclass_fields__}


def test_a_guard_holds_fails_or_is_open() -> None:
    course = decided((decision("a"), decision("b")), {"a": True})
    assert course.verdict(when(a=True)) == "holds"
    assert course.verdict(when(a=False)) == "fails"
    assert course.verdict(when(b=True)) == "open"
    assert course.verdict(when(b=True, a=False)) == "fails", "one that fails settles it"
    assert course.verdict(()) == "holds"


def test_what_is_behind_a_void_decision_is_void_in_any_order() -> None:
    chain = (decision("c", ("b", True)), decision("b", ("a", True)), decision("a"))
    course = decided(chain, {"a": False})
    assert course.void == {"b", "c"}
    assert course.verdict(when(c=False)) == "fails"
    assert decided(chain, {"a": True}).void == set()


@given(st.permutations(["d0", "d1", "d2", "d3"]), st.lists(st.booleans(), min_size=4, max_size=4))
def test_every_decision_is_taken_void_or_open(order: list[str], values: list[bool]) -> None:
    chain = {"d0": decision("d0")} | {
        f"d{n}": decision(f"d{n}", (f"d{n - 1}", True)) for n in (1, 2, 3)
    }
    length = next((n + 1 for n, value in enumerate(values) if not value), 4)
    taken = {f"d{n}": values[n] for n in range(length)}
    course = decided(tuple(chain[name] for name in order), taken)
    assert course.void == {f"d{n}" for n in range(length, 4)}


def test_a_run_is_complete_only_when_nothing_is_left_to_decide() -> None:
    plan = plan_of(step("weigh", "balance"), decisions=(decision("a"),))
    assert not Course(begun(plan, weigh="succeeded")).complete
    assert Course(begun(plan_of(step("weigh", "balance")), weigh="skipped")).complete


def test_a_branch_whose_device_serves_the_decision_does_not_block_it() -> None:
    """The timeline has the guarded step first on the balance; what decides over it comes after it there."""
    plan = plan_of(
        step("top_up", "balance", when=when(light=True)),
        step("weigh", "balance"),
        decisions=(decision("light").model_copy(update={"needs": ("weigh",)}),),
        stations=(),
    )
    lines = Stage(plan, Script({"weigh": ({"mass": 1.0},)})).play().lines
    assert "the run has ended: succeeded" in lines[-1]


# -- the safe state ---------------------------------------------------------------------------------


def test_only_what_failed_is_made_good_and_that_first() -> None:
    plan = compensated()
    run = begun(plan, dose="failed")
    assert [s.path for s in safe_steps(run)] == ["neutralise", "empty"]
    run = begun(plan, dose="succeeded", weigh="skipped")
    assert held_stations(run) == frozenset(), "both passed: the pot is free"
    run = begun(plan, dose="skipped", weigh="failed")
    assert [s.path for s in safe_steps(run)] == ["neutralise", "cool", "empty"]


def test_a_safe_state_step_never_depends_on_a_measurement() -> None:
    late = {"volume": {"formula": formula("mass", "weigh.mass").model_dump()}}
    plan = plan_of(
        step("weigh", "balance", claims=("pot",)),
        step(
            "empty", "pump", claims=("pot",), draws_from=("pot",), safe_state=True, late_args=late
        ),
    )
    stage = Stage(plan, Script({"weigh": ("failed_partial",)})).play()
    assert "can't depend on what was measured" in stage.run.steps["empty"].error
    assert stage.run.status == "failed"


# -- arguments --------------------------------------------------------------------------------------


def test_a_late_entry_joins_the_others_of_its_argument_and_is_recorded_as_a_number() -> None:
    late = {
        "volumes.water": {
            "formula": formula("mass * 2", "weigh.mass").model_dump(),
            "key": "water",
        }
    }
    plan = plan_of(
        step("weigh", "balance"),
        step("mix", "pump", ("weigh",), args={"volumes": {"acid": 1.0}}, late_args=late),
        stations=(),
    )
    stage = Stage(plan, Script({"weigh": ({"mass": 3.0},)})).play()
    [mix] = [
        event.command
        for event in stage.mind.events
        if isinstance(event, ev.CommandIntended) and event.command.step == "mix"
    ]
    assert mix.args == {"volumes": {"acid": 1.0, "water": 6.0}}


# -- after an interruption --------------------------------------------------------------------------


def interrupted(resume: str, effect: str) -> tuple[Mind, list[msg.Effect]]:
    """A step whose outcome was unknown for a while; then its device says that it was done."""
    plan = plan_of(
        step("heat", "pump", resume=resume, effect=effect),
        step("weigh", "balance", ("heat",)),
        stations=(),
    )
    mind = Mind(KitContext(plan))
    mind.settle()
    mind.propose()
    [heat] = mind.state.open_commands()
    mind.restart()
    mind.settle()
    for device in ("pump", "balance"):
        mind.tell(env.State(ledger="l1", device=device, state="ready"))
    mind.settle()
    return mind, mind.end(heat.command.id)


@pytest.mark.parametrize(
    ("resume", "effect", "next_step"),
    [
        ("continue", "absolute", "weigh"),
        ("continue", "once", "weigh"),
        ("restart", "absolute", "heat"),
        ("restart", "none", "heat"),
        ("restart", "once", "weigh"),
    ],
)
def test_after_a_doubt_the_procedure_says_whether_a_step_is_done_again(
    resume: str, effect: str, next_step: str
) -> None:
    mind, effects = interrupted(resume, effect)
    assert sent(effects) == [next_step]
    assert mind.state.runs[RUN].steps["heat"].retries == 0
    if next_step == "heat":
        [again] = mind.state.open_commands()
        assert sent(mind.end(again.command.id)) == ["weigh"], "and that only once"


def test_a_sample_that_must_not_be_interrupted_is_given_up() -> None:
    mind, effects = interrupted("scrap", "absolute")
    run = mind.state.runs[RUN]
    assert sent(effects) == []
    assert (run.status, run.reason) == (
        "aborted",
        "given up after an interruption, as the procedure says",
    )
    assert run.steps["heat"].status == "succeeded", "what the device said is kept"


# -- checks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "status", "flags"),
    [("warn", "succeeded", 1), ("fail", "failed", 0), ("abort", "aborted", 0)],
)
def test_a_broken_check_warns_fails_or_aborts(severity: str, status: str, flags: int) -> None:
    heavy = check("mass < 5", "too heavy", severity=severity)
    plan = plan_of(
        step("weigh", "balance", checks=(heavy,), on_failure="fail"), stations=(), limits=()
    )
    run = Stage(plan, Script({"weigh": ({"mass": 9.0},)})).play().run
    assert run.status == status
    assert len(run.flags) == flags
    assert status == "succeeded" or "too heavy" in run.reason


def test_an_abort_leaves_no_try_and_no_hold() -> None:
    heavy = check("mass < 5", "too heavy", severity="abort")
    weigh = step("weigh", "balance", checks=(heavy,), on_failure="hold", retry={"max_retries": 3})
    stage = Stage(plan_of(weigh, stations=()), Script({"weigh": ({"mass": 9.0},)})).play()
    assert stage.run.status == "aborted"
    assert "question_asked" not in stage.mind.kinds()
    assert stage.run.steps["weigh"].attempt == 1


def test_a_given_up_sample_ends_the_run_whatever_its_steps_may_skip() -> None:
    plan = plan_of(step("dose", "pump", on_failure="skip"), step("weigh", "balance"), stations=())
    mind = Mind(KitContext(plan))
    mind.settle()
    mind.propose()
    dose = next(c.command.id for c in mind.state.open_commands() if c.command.device == "pump")
    mind.record(ev.CommandUnknown(command=dose, device="pump", reason="silence"))
    mind.record(
        ev.CommandSettled.model_validate(
            {
                "command": dose,
                "device": "pump",
                "settlement": {"verdict": "unknown"},
                "by": "person",
            }
        )
    )
    mind.settle()
    assert mind.state.runs[RUN].ending == "failed"


# -- results ----------------------------------------------------------------------------------------


def test_only_a_required_result_that_is_missing_fails_the_run() -> None:
    for required, status in ((True, "failed"), (False, "succeeded")):
        plan = plan_of(step("weigh", "balance"), stations=())
        result = plan.results[0].model_copy(update={"required": required})
        plan = plan.model_copy(update={"results": (result,)})
        run = Stage(plan, Script({"weigh": ({},)})).play().run
        assert run.status == status
        assert run.results == {}


# -- windows ----------------------------------------------------------------------------------------


def test_a_window_over_a_loop_counts_from_the_last_turn_that_was_taken() -> None:
    plan = loop()
    window = TimeWindow(
        name="aging",
        from_steps=tuple(f"more[{n}].dose" for n in (1, 2, 3)),
        from_mark="end",
        to_steps=("stir",),
        to_mark="start",
        more_than_s=25.0,
    )
    plan = plan.model_copy(update={"timing": (window,)})
    gives = {"more[1].measure": ({"mass": 3.0},), "more[2].measure": ({"mass": 5.0},)}
    stage = Stage(plan, Script(gives)).play()
    assert [event.lag_s for event in stage.mind.events if isinstance(event, ev.TimingRecorded)] == [
        25.0
    ]


def test_a_step_that_begins_a_hold_waits_for_its_planned_start() -> None:
    window = TimeWindow(
        name="quench",
        from_steps=("dose",),
        from_mark="end",
        to_steps=("weigh",),
        to_mark="start",
        less_than_s=20.0,
    )
    plan = plan_of(
        step("dose", "pump"), step("weigh", "balance", ("dose",)), timing=(window,), stations=()
    )

    class Later(KitContext):
        """The balance is spoken for; so the dose is planned 100 s after now, once."""

        def timeline(self, state, campaign, now_s):
            return super().timeline(state, campaign, 101.0 + campaign.origin_s)

    stage = Stage(plan, Script({"weigh": ({"mass": 1.0},)}))
    stage.mind.context = Later(plan)
    lines = stage.play().lines
    assert lines[1].split() == ["101.0", "s", "pump", "begins", "dose"]
    assert any("quench kept" in line for line in lines)


def test_a_window_whose_steps_were_all_skipped_is_not_recorded() -> None:
    plan = plan_of(
        step("weigh", "balance"),
        step("stir", "pump", ("weigh",), when=when(light=False)),
        decisions=(decision("light").model_copy(update={"needs": ("weigh",)}),),
        timing=(
            TimeWindow(
                name="never",
                from_steps=("weigh",),
                from_mark="end",
                to_steps=("stir",),
                to_mark="start",
                less_than_s=1.0,
            ),
        ),
        stations=(),
    )
    run = Stage(plan, Script({"weigh": ({"mass": 1.0},)})).play().run
    assert run.status == "succeeded"
    assert not run.timing


# -- people and devices -----------------------------------------------------------------------------


def test_several_runs_ask_at_once_and_each_for_one_thing_at_a_time() -> None:
    task = manual().step("read").manual
    plan = plan_of(
        step("read", OPERATOR, manual=task), step("look", OPERATOR, manual=task), stations=()
    )
    mind = Mind(KitContext(plan), trials=2, parallel=2, batch=2)
    mind.settle()
    mind.propose(2)
    asked = [(task.asked.run[-1], task.asked.step) for task in mind.state.tasks.values()]
    assert asked == [("1", "read"), ("2", "read")]


# -- long plans -------------------------------------------------------------------------------------


def test_a_long_loop_is_skipped_in_one_event_and_looked_at_in_few_steps() -> None:
    plan = loop(300)
    looks = 0

    class Counting(KitContext):
        def condition(self, plan, formula, outputs):
            nonlocal looks
            looks += 1
            return super().condition(plan, formula, outputs)

    stage = Stage(
        plan, Script({"more[1].measure": ({"mass": 3.0},), "more[2].measure": ({"mass": 9.0},)})
    )
    stage.mind.context = Counting(plan)
    run = stage.play().run
    assert run.status == "succeeded"
    skipped = [event for event in stage.mind.events if isinstance(event, ev.StepsSkipped)]
    assert [len(event.steps) for event in skipped] == [596]
    assert looks == 2, "a decision is computed once"
