"""A plan with everything that a run may have beside one step after another, for the harsh tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.domain.plan import Decision, ManualField, ManualTask, TimeWindow
from tests.lab.engine.kit import MASS, check, formula, plan_of, step, when

if TYPE_CHECKING:
    from lab.domain.plan import Plan

__all__ = ["READINGS", "rich_plan"]

READINGS = {"more[2].measure": 5.0, "stir": 9.0}
"""Step -> mass that its device reads; 1.25 g elsewhere. So the loop ends with its second turn of three, the branch
is taken, and stirring fails its check for ever."""


def rich_plan(pump: dict[str, Any], balance: dict[str, Any], *, ends: str = "well") -> Plan:
    """A loop, a branch, a manual step with a witness, a step that is held and skipped, a time window; and with
    `ends="badly"` a last step that fails and is made good. The two mappings are the devices' actions.
    """
    first, second, third = (when(**{f"more[{k}]": False for k in range(1, n)}) for n in (1, 2, 3))
    turns, decisions = [], []
    for n, guards in enumerate((first, second, third), start=1):
        before = (f"more[{n - 1}].measure",) if n > 1 else ()
        measured = f"more[{n}].measure"
        turns += [
            step(f"more[{n}].dose", "pump", before, when=guards, claims=("pot",), **pump),
            step(
                measured, "balance", (f"more[{n}].dose",), when=guards, claims=("pot",), **balance
            ),
        ]
        decisions.append(
            Decision(
                path=f"more[{n}]",
                title="until enough",
                kind="loop",
                formula=formula("mass > 4", f"{measured}.mass"),
                needs=(measured,),
                when=guards,
                failure="not enough" if n == 3 else "",
            )
        )
    full = Decision(
        path="full",
        title="Is it full?",
        kind="branch",
        formula=formula("mass > 4", *(f"more[{n}].measure.mass" for n in (1, 2, 3))),
        needs=("more[3].measure",),
    )
    task = ManualTask(
        prompt="Look at it",
        fields={"clear": ManualField(kind="yes_no")},
        sign="witness",
        simulated_answers={"clear": True},
    )
    wrong = check("mass < 5", "stuck", "stir.mass")
    last = check("mass > 5", "spilt", "weigh.mass")
    window = TimeWindow(
        name="rest",
        from_steps=tuple(f"more[{n}].dose" for n in (1, 2, 3)),
        from_mark="end",
        to_steps=("weigh",),
        to_mark="start",
        more_than_s=5.0,
        less_than_s=90_000.0,
    )
    return plan_of(
        *turns,
        step("pour", "pump", ("more[3].measure",), when=when(full=True), claims=("pot",), **pump),
        step("wait", "pump", ("more[3].measure",), when=when(full=False), claims=("pot",), **pump),
        step("look", "operator", ("pour", "wait"), manual=task, timeout_s=3000.0, claims=("pot",)),
        step(
            "stir",
            "balance",
            ("look",),
            claims=("pot",),
            checks=(wrong,),
            on_failure="hold",
            resume="restart",
            **balance,
        ),
        step(
            "weigh",
            "balance",
            ("stir",),
            claims=("pot",),
            checks=(last,) if ends == "badly" else (),
            **balance,
        ),
        step("empty", "pump", safe_state=True, claims=("pot",), draws_from=("pot",), **pump),
        step("mop", "pump", safe_state=True, compensates="weigh", claims=("pot",), **pump),
        decisions=(*decisions, full),
        timing=(window,),
        results=(MASS,),
    )
