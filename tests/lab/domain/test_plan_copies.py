"""A changed copy of a plan is asked for its own steps."""

from __future__ import annotations

from tests.support.made_up_labs import plan_of, step


def test_a_copy_with_other_steps_knows_them_even_if_the_original_was_asked_before():
    plan = plan_of(step("a", "d", 10, claims=["x"]))
    assert (plan.step("a").duration_s, plan.places, plan.guarded) == (10, ("d", "x"), {})
    longer = plan.model_copy(update={"steps": (step("a", "e", 20),)})
    assert (longer.step("a").duration_s, longer.places) == (20, ("e",))
    assert plan.step("a").duration_s == 10
    same = plan.model_copy()
    assert same == plan
    assert same.step("a") is plan.step("a")
