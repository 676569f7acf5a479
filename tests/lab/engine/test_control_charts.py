"""A standard that is within its tolerance each time, and yet says that something drifts: flagged, or the run fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.domain import event as ev
from lab.domain.plan import Binding, Formula, QualityCheck
from lab.domain.state import RunState
from tests.lab.engine.kit import plan_of, step
from tests.lab.engine.stage import Script, Stage

STANDARD = QualityCheck(
    name="weight",
    kind="standard",
    formula=Formula(expression="mass", names={"mass": Binding(outputs=("weigh.mass",), unit="g")}),
    unit="g",
    certified_value=10.0,
    minimum=-0.3,
    maximum=0.3,
    control_rules=("1_2s", "2_2s"),
)


def found(run: str, mass: float) -> ev.QualityRecorded:
    return ev.QualityRecorded(
        run=run, name="weight", check="standard", value=mass, unit="g", expected=10.0, accepted=True
    )


def flags_of(masses: list[float], on_failure: str = "flag", balance: str = "balance") -> Stage:
    """The last run of a row; the earlier ones are in the records, the last but one on another balance if told so."""
    check = STANDARD.model_copy(update={"on_failure": on_failure})
    plan = plan_of(step("weigh", "balance")).model_copy(update={"quality": (check,)})
    stage = Stage(plan, Script(gives={"weigh": tuple({"mass": mass} for mass in masses[-1:])}))
    before = plan_of(step("weigh", balance)).model_copy(update={"quality": (check,)})
    earlier = [
        RunState(
            id=f"earlier-1/r{number:03d}",
            campaign="earlier-1",
            trial=number,
            plan=before,
            status="succeeded",
            steps={},
            started_s=float(number),
            ended_s=float(number + 1),
            quality={"weight": found(f"earlier-1/r{number:03d}", mass)},
        )
        for number, mass in enumerate(masses[:-1])
    ]
    runs = {**{run.id: run for run in earlier}, **stage.mind.state.runs}
    stage.mind.state = replace(stage.mind.state, runs=runs)
    return stage.play()


def reasons(stage: Stage) -> list[str]:
    return [flag.reason for flag in stage.run.flags]


def test_one_result_beyond_two_only_warns() -> None:
    stage = flags_of([10.0, 10.25], on_failure="fail")
    assert reasons(stage) == ["standard weight: control rule 1_2s, one result beyond 2 s"]
    assert stage.run.status == "succeeded"


@pytest.mark.parametrize(("on_failure", "status"), [("flag", "succeeded"), ("fail", "failed")])
def test_two_in_a_row_are_more_than_a_warning(on_failure: str, status: str) -> None:
    stage = flags_of([10.25, 10.25], on_failure)
    assert [reason.split(",")[0][-4:] for reason in reasons(stage)] == ["1_2s", "2_2s"]
    assert stage.run.status == status
    assert ("2_2s" in stage.run.reason) == (on_failure == "fail")


def test_what_another_balance_found_is_another_chart() -> None:
    stage = flags_of([10.25, 10.25], balance="pump")
    assert len(reasons(stage)) == 1


def test_a_result_in_the_middle_breaks_the_row() -> None:
    assert reasons(flags_of([10.25, 10.0, 10.1])) == []
    assert reasons(flags_of([10.25, 10.1])) == []
