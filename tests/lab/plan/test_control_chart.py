"""Control charts: each rule at its limit, on both sides, and only when the last result takes part."""

from __future__ import annotations

import pytest

from lab.domain.plan import Binding, Formula, Plan, PlannedStep, QualityCheck
from lab.plan.control_chart import broken_rules, deviation, instruments, meaning

RULES = ("1_2s", "1_3s", "2_2s", "R_4s", "4_1s", "10_x")


@pytest.mark.parametrize(
    ("row", "broken"),
    [
        ([], []),
        ([1.9], []),
        ([2.1], ["1_2s"]),
        ([-2.1], ["1_2s"]),
        ([3.1], ["1_2s", "1_3s"]),
        ([2.1, 2.1], ["1_2s", "2_2s"]),
        ([2.1, -2.1], ["1_2s", "R_4s"]),
        ([-2.1, 2.1], ["1_2s", "R_4s"]),
        ([2.1, 1.9], []),
        ([2.1, 2.1, 0.5], []),
        ([1.1, 1.1, 1.1, 1.1], ["4_1s"]),
        ([-1.1, -1.1, -1.1, -1.1], ["4_1s"]),
        ([1.1, 1.1, 1.1], []),
        ([1.1, -1.1, 1.1, 1.1], []),
        ([0.1] * 10, ["10_x"]),
        ([-0.1] * 10, ["10_x"]),
        ([0.1] * 9, []),
        ([0.1] * 9 + [0.0], []),
        ([-5.0] + [0.1] * 10, ["10_x"]),
    ],
)
def test_rules(row: list[float], broken: list[str]) -> None:
    assert broken_rules(row, RULES) == broken


def test_only_the_rules_that_were_asked_for() -> None:
    assert broken_rules([3.1, 3.1], ("2_2s",)) == ["2_2s"]
    assert broken_rules([3.1], ()) == []
    with pytest.raises(KeyError):
        broken_rules([3.1], ("7_T",))


def test_every_rule_of_the_file_format_is_known_and_has_words() -> None:
    from typing import get_args

    from lab.sop.model_quality import ControlRule

    for rule in get_args(ControlRule):
        broken_rules([0.0], (rule,))
        assert " " in meaning(rule)


def standard(*outputs: str, **more: object) -> QualityCheck:
    formula = Formula(expression="x", names={"x": Binding(outputs=outputs)})
    fields = {"name": "s", "kind": "standard", "formula": formula, "unit": "g", **more}
    return QualityCheck.model_validate(fields)


def test_the_tolerance_is_three_control_standard_deviations() -> None:
    check = standard(certified_value=10.0, minimum=-0.3, maximum=0.3)
    assert deviation(check, 10.3) == pytest.approx(3.0)
    assert deviation(check, 9.9) == pytest.approx(-1.0)
    with pytest.raises(ValueError, match="no certified value"):
        deviation(standard(), 1.0)


def test_a_chart_belongs_to_the_instruments_that_measured() -> None:
    def step(path: str, device: str) -> PlannedStep:
        return PlannedStep(
            path=path, title=path, capability="weighing", action="weigh", device=device,
            duration_s=1.0, timeout_s=2.0,
        )  # fmt: skip

    plan = Plan(
        sop_id="a", sop_version="1", sop_sha256="", bindings={}, parameters={},
        steps=(step("weigh", "balance_1"), step("read[1]", "balance_2"), step("dose", "pump")),
    )  # fmt: skip
    assert instruments(plan, standard("weigh.mass", "read[1].mass")) == {"balance_1", "balance_2"}
    rows = Formula(expression="mean(x)", rows=({"x": Binding(outputs=("read[1].mass",))},))
    series = standard().model_copy(update={"formula": rows})
    assert instruments(plan, series) == {"balance_2"}
