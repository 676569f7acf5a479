"""What a run hands over that did not end well: what was measured, unless the procedure itself does not believe it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lab.domain import event as ev
from lab.domain.plan import Binding, Decision, Formula, QualityCheck, ResultSpec, TimeWindow
from lab.domain.replacing import replace
from lab.domain.state import Flag
from lab.engine.partial import results_so_far
from lab.optimize.recorded import first_outcome, history_of
from tests.lab.engine.kit import KitContext, check, command_of, formula, plan_of, step, when
from tests.lab.engine.test_campaigning import Seeker

if TYPE_CHECKING:
    from lab.domain.plan import Plan

READS: dict[str, Any] = {"output_units": {"mass": "g"}}
DENSITY = ResultSpec(name="density", unit="g/mL", formula=formula("rho", "spin.mass"))
MASS = ResultSpec(name="mass", unit="g", formula=formula("mass", "weigh.mass"))
STEPS = (
    step("weigh", "balance", **READS),
    step("spin", "balance", ("weigh",), **READS),
    step("clean", "pump", ("spin",)),
)


def _plan(*results: ResultSpec, **more: Any) -> Plan:
    return plan_of(*STEPS, results=results or (MASS, DENSITY), **more)


def _several(plan: Plan, **changes: Any) -> Seeker:
    further = ev.ObjectiveSpec(result="density", unit="g/mL", direction="minimize")
    return Seeker(KitContext(plan), further=(further,), **changes)


def _weighed(mind: Seeker, mass: float = 2.0):
    effects = mind.propose()
    return mind.end(command_of(effects), device="balance", mass=mass)


def test_a_failed_run_hands_over_what_it_had_measured():
    mind = _several(_plan())
    mind.end(command_of(_weighed(mind)), "failed_partial", device="balance")
    trial = mind.campaign.trials[1]
    assert (trial.status, trial.value, trial.outcomes) == ("failed", None, {"mass": 2.0})
    [record] = history_of(mind.campaign, mind.state)
    assert (record.status, record.outcomes) == ("failed", {"mass": 2.0})
    assert first_outcome(mind.campaign, mind.state)[1][0].value == 2.0
    run = mind.state.runs["kit-2/r001"]
    assert run.results == {}
    assert mind.campaign.front() == ()


def test_a_stopped_run_does_so_too_and_is_no_failure():
    mind = _several(_plan())
    effects = _weighed(mind)
    mind.record(ev.LabStopping(actor="Ada", reason="fire drill"))
    mind.end(command_of(effects), "failed_no_effect", device="balance")
    trial = mind.campaign.trials[1]
    assert (trial.status, trial.outcomes) == ("failed", {"mass": 2.0})
    assert mind.state.runs[trial.run].status in ("aborted", "failed")
    [record] = history_of(mind.campaign, mind.state)
    assert record.outcomes == {"mass": 2.0}


def test_what_fails_after_all_was_measured_is_no_failed_trial():
    mind = _several(_plan())
    effects = mind.end(command_of(_weighed(mind)), device="balance", mass=0.9)
    mind.end(command_of(effects), "failed_partial")
    trial = mind.campaign.trials[1]
    assert mind.state.runs[trial.run].status == "failed"
    assert (trial.status, trial.value) == ("done", 2.0)
    assert trial.outcomes == {"mass": 2.0, "density": 0.9}
    one = Seeker(KitContext(_plan()))
    one.end(command_of(_weighed(one)), "failed_partial", device="balance")
    assert (one.campaign.trials[1].status, one.campaign.trials[1].value) == ("done", 2.0)
    assert [r.status for r in history_of(one.campaign, one.state)] == ["done"]


def test_before_anything_was_measured_there_is_nothing():
    mind = _several(_plan())
    mind.end(command_of(mind.propose()), "failed_partial", device="balance")
    failed = next(event for event in mind.events if isinstance(event, ev.TrialFailed))
    assert failed.outcomes == {}
    assert "outcomes" not in failed.model_dump(mode="json")
    [record] = history_of(mind.campaign, mind.state)
    assert (record.status, record.outcomes) == ("failed", {})


def test_a_value_of_readings_that_are_still_to_come_is_none():
    both = Formula(expression="mass", names={"mass": Binding(outputs=("weigh.mass", "spin.mass"))})
    nested = Formula(expression="mean", names={"mean": Binding(formula=both)})
    inner = [ResultSpec(name="mass", unit="g", formula=made) for made in (both,)]
    mind = _several(_plan(*inner, DENSITY))
    mind.end(command_of(_weighed(mind)), "failed_partial", device="balance")
    assert mind.campaign.trials[1].outcomes == {}  # the last reading would have counted
    run = mind.state.runs["kit-2/r001"]

    class All(KitContext):
        def results(self, plan: Plan, outputs: Any) -> dict[str, ev.Value]:
            return {spec.name: ev.Value(value=1.0, unit="g") for spec in specs}

    first, last = (formula("mass", f"{name}.mass").names for name in ("weigh", "spin"))
    rows, more = (Formula(expression="mean(mass)", rows=r) for r in ((first,), (first, last)))
    specs = (
        ResultSpec(name="deep", unit="g", formula=nested),
        ResultSpec(name="row", unit="g", formula=rows),
        ResultSpec(name="rows", unit="g", formula=more),
    )
    other = replace(run, plan=_plan(*specs))
    assert set(results_so_far(All(), other)) == {"row"}


STANDARD = QualityCheck(
    name="weight", kind="standard", formula=formula("mass", "weigh.mass"), unit="g",
    certified_value=2.0, maximum=0.1, on_failure="fail",
)  # fmt: skip


@pytest.mark.parametrize(("mass", "on_failure"), [(2.0, "fail"), (2.0, "flag")])
def test_where_quality_was_not_shown_nothing_is_believed(mass: float, on_failure: str):
    """A run that broke off has not shown it; where it only flags, that is no reason."""
    quality = STANDARD.model_copy(update={"on_failure": on_failure})
    mind = _several(_plan(quality=(quality,)))
    mind.end(command_of(_weighed(mind, mass)), "failed_partial", device="balance")
    believed = {} if on_failure == "fail" else {"mass": mass}
    assert mind.campaign.trials[1].outcomes == believed


def test_a_standard_that_is_not_met_makes_all_of_it_worthless():
    quick = plan_of(STEPS[0], results=(MASS,), quality=(STANDARD,))
    mind = Seeker(KitContext(quick))
    _weighed(mind, 3.0)
    assert mind.campaign.trials[1].status == "failed"
    mind = Seeker(KitContext(quick))
    _weighed(mind, 2.05)
    assert mind.campaign.trials[1].value == 2.05


def test_a_control_chart_that_fails_the_run_makes_it_worthless_and_a_warning_does_not():
    mind = _several(_plan(quality=(STANDARD,)))
    mind.end(command_of(_weighed(mind)), "failed_partial", device="balance")
    run = mind.state.runs["kit-2/r001"]
    shown = ev.QualityRecorded(
        run=run.id,
        name="weight",
        check="standard",
        value=2.0,
        unit="g",
        expected=2.0,
        accepted=True,
    )
    reason = "standard weight: control rule 2_2s, two in a row"
    flagged = replace(run, quality={"weight": shown}, flags=(Flag("quality", "", reason),))
    assert set(results_so_far(mind.context, flagged)) == {"mass"}
    assert results_so_far(mind.context, replace(flagged, reason=reason)) == {}


def test_a_result_that_is_missing_takes_no_other_along():
    optional = step("spin", "balance", ("weigh",), on_failure="skip", **READS)
    plan = plan_of(STEPS[0], optional, results=(MASS, DENSITY))
    mind = _several(plan)
    mind.end(command_of(_weighed(mind)), "failed_partial", device="balance")
    trial = mind.campaign.trials[1]
    assert trial.reason.startswith("the results can't be computed: density")
    assert trial.outcomes == {"mass": 2.0}


def _window(on_violation: str) -> TimeWindow:
    return TimeWindow.model_validate(
        {
            "name": "rest", "from_steps": ("weigh",), "from_mark": "end", "to_steps": ("spin",),
            "to_mark": "end", "less_than_s": 1.0, "on_violation": on_violation,
        }
    )  # fmt: skip


@pytest.mark.parametrize(("on_violation", "kept"), [("scrap", False), ("abort", False), ("flag", True)])  # fmt: skip
def test_a_sample_that_is_given_up_hands_over_nothing(on_violation: str, kept: bool):
    mind = _several(_plan(timing=(_window(on_violation),)))
    effects = _weighed(mind)
    mind.pass_time(50.0)
    effects = mind.end(command_of(effects), device="balance", mass=0.9)
    if kept:
        mind.end(command_of(effects), "failed_partial")
    trial = mind.campaign.trials[1]
    assert (trial.status == "done") is kept
    assert bool(trial.outcomes) is kept


def test_a_loop_that_did_not_come_to_its_end_has_no_last_value():
    enough = Decision(
        path="even", title="until even", kind="loop", formula=formula("mass > 4", "weigh.mass"),
        needs=("weigh",), failure="it never became even",
    )  # fmt: skip
    more = step("more", "pump", ("weigh",), when=when(even=False))
    mind = _several(plan_of(STEPS[0], more, *STEPS[1:], decisions=(enough,), results=(MASS, DENSITY)))  # fmt: skip
    _weighed(mind)
    trial = mind.campaign.trials[1]
    assert (trial.reason, trial.outcomes) == ("it never became even", {})


def test_a_step_whose_check_fails_has_measured_nothing():
    wrong = step("weigh", "balance", checks=(check("mass < 1", "spilt"),), **READS)
    mind = _several(plan_of(wrong, *STEPS[1:], results=(MASS, DENSITY)))
    _weighed(mind)
    assert mind.campaign.trials[1].outcomes == {}


def test_formulas_that_can_not_be_computed_give_nothing():
    class Broken(KitContext):
        def results(self, plan: Plan, outputs: Any) -> dict[str, ev.Value]:
            raise ValueError("no such unit")

    mind = _several(_plan())
    mind.end(command_of(_weighed(mind)), "failed_partial", device="balance")
    assert results_so_far(Broken(), mind.state.runs["kit-2/r001"]) == {}


def test_records_of_before_tell_of_no_outcomes():
    told = '{"kind": "trial_failed", "campaign": "c", "trial": 1, "reason": "spilt"}'
    event = ev.event_from_json(told)
    assert isinstance(event, ev.TrialFailed)
    assert (event.outcomes, event.beyond) == ({}, {})
    value = '{"kind": "trial_completed", "campaign": "c", "trial": 1, "value": 2.0}'
    done = ev.event_from_json(value)
    assert isinstance(done, ev.TrialCompleted)
    assert done.beyond == {}
    assert "beyond" not in done.model_dump(mode="json")
    assert "beyond" not in ev.Value(value=1.0, unit="g").model_dump(mode="json")
