"""Small hand-made plans with their scripts: one for each thing that a procedure can do beside one step after another."""

from __future__ import annotations

from lab.domain.plan import (
    Decision,
    LateArgument,
    Limit,
    ManualField,
    ManualTask,
    Plan,
    QualityCheck,
    TimeWindow,
)
from tests.lab.engine.kit import MASS, check, formula, plan_of, step, when
from tests.lab.engine.stage import Says, Script

__all__ = ["PLAYS", "branch", "compensated", "held", "loop", "manual", "timed"]


def loop(iterations: int = 3) -> Plan:
    """Dose and measure until the mass is above 4 g."""
    steps, decisions = [], []
    for n in range(1, iterations + 1):
        guards = when(**{f"more[{k}]": False for k in range(1, n)})
        before = (f"more[{n - 1}].measure",) if n > 1 else ()
        steps += [
            step(f"more[{n}].dose", "pump", before, when=guards, claims=("pot",)),
            step(
                f"more[{n}].measure",
                "balance",
                (f"more[{n}].dose",),
                when=guards,
                claims=("pot",),
                output_units={"mass": "g"},
            ),
        ]
        decisions.append(
            Decision(
                path=f"more[{n}]",
                title="until enough",
                kind="loop",
                formula=formula("mass > 4", f"more[{n}].measure.mass"),
                needs=(f"more[{n}].measure",),
                when=guards,
                failure="" if n < iterations else f"not enough after {iterations} doses",
            )
        )
    measured = tuple(f"more[{n}].measure.mass" for n in range(1, iterations + 1))
    return plan_of(
        *steps,
        step("stir", "pump", (f"more[{iterations}].measure",), claims=("pot",)),
        step("empty", "pump", claims=("pot",), draws_from=("pot",), safe_state=True),
        decisions=tuple(decisions),
        results=(MASS.model_copy(update={"formula": formula("mass", *measured)}),),
    )


def branch() -> Plan:
    """A light sample gets a second dose, whose volume is half of what was weighed; a heavy one is stirred."""
    light = Decision(
        path="light",
        title="Is it light?",
        kind="branch",
        formula=formula("mass < 2", "weigh.mass"),
        needs=("weigh",),
    )
    volume = LateArgument(formula=formula("mass / 2", "weigh.mass"), unit="mL", maximum=0.9)
    return plan_of(
        step("weigh", "balance"),
        step(
            "top_up",
            "pump",
            ("weigh",),
            when=when(light=True),
            args={"rate": 5.0},
            late_args={"volume": volume},
        ),
        step("stir", "pump", ("weigh",), when=when(light=False)),
        step("look", "balance", ("top_up", "stir")),
        decisions=(light,),
        stations=(),
    )


def manual(sign: str = "witness") -> Plan:
    """A person reads a pH and says whether it is clear; a second one confirms."""
    task = ManualTask.model_validate(
        {
            "prompt": "Read the pH meter",
            "fields": {
                "ph": ManualField(kind="quantity", minimum=0, maximum=14),
                "clear": ManualField(kind="yes_no"),
                "note": ManualField(kind="text", required=False),
            },
            "sign": sign,
        }
    )
    return plan_of(
        step("weigh", "balance"),
        step(
            "read",
            "operator",
            ("weigh",),
            manual=task,
            timeout_s=300.0,
            retry={"max_retries": 1},
            checks=(check("ph < 9", "too basic", "read.ph", severity="warn"),),
        ),
        step("dose", "pump", ("read",)),
        stations=(),
    )


def held(on_failure: str = "hold") -> Plan:
    """Stirring may fail; the sample is weighed all the same."""
    return plan_of(
        step("dose", "pump"),
        step("stir", "balance", ("dose",), on_failure=on_failure, retry={"max_retries": 1}),
        step("weigh", "balance", ("stir",)),
        stations=(),
    )


def compensated() -> Plan:
    """A dose that ends in part is made good before the pot is emptied."""
    return plan_of(
        step("dose", "pump", claims=("pot",)),
        step("weigh", "balance", ("dose",), claims=("pot",)),
        step("empty", "pump", claims=("pot",), draws_from=("pot",), safe_state=True),
        step("neutralise", "pump", claims=("pot",), safe_state=True, compensates="dose"),
        step("cool", "balance", claims=("pot",), safe_state=True, compensates="weigh"),
    )


def timed(on_violation: str = "flag") -> Plan:
    """Weighed between 60 s and 90 s after the dose."""
    window = TimeWindow.model_validate(
        {
            "name": "reaction",
            "from_steps": ("dose",),
            "from_mark": "end",
            "to_steps": ("weigh",),
            "to_mark": "end",
            "less_than_s": 90.0,
            "on_violation": on_violation,
        }
    )
    rest = TimeWindow(
        name="rest",
        from_steps=("dose",),
        from_mark="end",
        to_steps=("weigh",),
        to_mark="start",
        more_than_s=60.0,
    )
    return plan_of(
        step("dose", "pump"),
        step("weigh", "balance", ("dose",)),
        step("empty", "pump", safe_state=True),
        timing=(window, rest),
        stations=(),
    )


def watched(on_violation: str) -> Plan:
    limit = Limit.model_validate(
        {
            "signal": "load",
            "device": "balance",
            "output": "mass",
            "unit": "g",
            "maximum": 5,
            "on_violation": on_violation,
        }
    )
    return plan_of(
        step("weigh", "balance"), step("dose", "pump", ("weigh",)), limits=(limit,), stations=()
    )


def judged(on_failure: str) -> Plan:
    blank = QualityCheck.model_validate(
        {
            "name": "water",
            "kind": "blank",
            "formula": formula("mass", "blank.mass"),
            "unit": "g",
            "maximum": 0.5,
            "on_failure": on_failure,
        }
    )
    return plan_of(
        step("blank", "balance"),
        step("weigh", "balance", ("blank",)),
        quality=(blank,),
        stations=(),
    )


_GOOD = ({"mass": 1.0},)
_ADA = Says("Ada", answers={"ph": "6.8", "clear": "yes"})

PLAYS: dict[str, tuple[Plan, Script]] = {
    "loop_ends_early": (
        loop(),
        Script({"more[1].measure": ({"mass": 3.0},), "more[2].measure": ({"mass": 5.0},)}),
    ),
    "loop_exhausted": (
        loop(),
        Script({f"more[{n}].measure": ({"mass": float(n)},) for n in (1, 2, 3)}),
    ),
    "branch_taken": (branch(), Script({"weigh": ({"mass": 1.5},)})),
    "branch_not_taken": (branch(), Script({"weigh": ({"mass": 2.5},)})),
    "late_argument_beyond_its_limit": (branch(), Script({"weigh": ({"mass": 1.9},)})),
    "decision_without_its_measurement": (branch(), Script()),
    "manual_with_witness": (
        manual(),
        Script(
            {"weigh": _GOOD},
            says={"read": (_ADA, Says(" ada", verb="witness"), Says("Bob", verb="witness"))},
        ),
    ),
    "manual_unanswered_then_flagged": (
        manual("performer"),
        Script(
            {"weigh": _GOOD},
            takes={},
            says={
                "read": (
                    Says("Ada", failed=True, reason="the meter is not calibrated"),
                    Says("Ada", answers={"ph": 9.5, "clear": False, "note": "turbid"}),
                )
            },
        ),
    ),
    "manual_nobody_there": (manual(), Script({"weigh": _GOOD})),
    "skip": (held("skip"), Script({"stir": ("failed_no_effect",), "weigh": _GOOD})),
    "hold_retry": (
        held(),
        Script(
            {"stir": ("failed_no_effect", "failed_no_effect", {}), "weigh": _GOOD},
            says={"stir": (Says("Ada", "retry"),)},
        ),
    ),
    "hold_skip": (
        held(),
        Script(
            {"stir": ("failed_partial",), "weigh": _GOOD},
            says={"stir": (Says("Ada", "skip", reason="stirred by hand"),)},
        ),
    ),
    "hold_abort": (
        held(), Script({"stir": ("failed_partial",)}, says={"stir": (Says("Ada", "abort"),)})
    ),
    "compensate": (compensated(), Script({"dose": ("failed_partial",)})),
    "compensate_nothing": (compensated(), Script({"weigh": ({},)})),
    "timing_kept": (timed(), Script({"weigh": _GOOD})),
    "timing_broken": (timed(), Script({"weigh": _GOOD}, takes={"weigh": 55.0})),
    "timing_broken_scrap": (timed("scrap"), Script({"weigh": _GOOD}, takes={"weigh": 55.0})),
    "limit_abort": (watched("abort"), Script({"weigh": ({"mass": 7.0},)})),
    "limit_hold": (
        watched("hold"),
        Script({"weigh": ({"mass": 7.0},)}, says={"weigh": (Says("Ada", "continue"),)}),
    ),
    "quality_flag": (judged("flag"), Script({"blank": ({"mass": 0.7},), "weigh": _GOOD})),
    "quality_fail": (judged("fail"), Script({"blank": ({"mass": 0.7},), "weigh": _GOOD})),
}  # fmt: skip
"""Name -> plan and script."""
