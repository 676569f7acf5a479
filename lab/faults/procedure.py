"""The procedure of the simulated lab and the questions that the engine's core asks about it. Pure.

Each step that acts once asks for a volume of its own, by which the room's records name it: 1000 uL and the number of
trial and step.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.ids import run_id
from lab.domain.interlock import Interlock
from lab.domain.plan import (
    Formula,
    Plan,
    PlannedStep,
    ResultSpec,
    RetryPolicy,
    Slot,
    TimeWindow,
)
from lab.engine import messages as msg
from lab.engine.context import PlannedTimeline, QualityOutcome, WeighedPlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from lab.domain.plan import Check, LateArgument
    from lab.domain.state import CampaignState, LabState
    from lab.engine.context import Outputs
    from lab.faults.knobs import Knobs, Scale
    from lab.plan.services import ServiceRules

__all__ = ["LAB", "FaultContext", "campaign_of", "capabilities", "suggest", "volume_of"]

LAB = "room"
CAMPAIGN = "faults-1"

_LID = Interlock(
    name="lid", device="pump", signal="lid", unit="1", minimum=0.5, max_age_s=12.0, blocks=("pump",)
)


def capabilities(knobs: Knobs) -> dict[str, str]:
    """Device -> its capability."""
    names = {"pump": "liquid_dosing", "balance": "weighing", "drain": "liquid_dosing"}
    return {**names, "heater": "heating_stirring"} if knobs.warms else names


def volume_of(trial: int, number: int, version: int = 1, base_ul: int = 1000) -> int:
    """The uL that name a step."""
    return base_ul + 100 * (version - 1) + 10 * trial + number


class FaultContext:
    """Answers `lab.engine.context.CampaignContext`. `version` 2 is the procedure after a change."""

    def __init__(self, knobs: Knobs, version: int = 1) -> None:
        self._knobs = knobs
        self._version = version
        self.interlocks: Sequence[Interlock] = (_LID,) if knobs.interlock else ()
        self.services: ServiceRules | None = None

    def candidates(self, trial: int, settings: Mapping[str, ev.SettingValue]) -> tuple[Plan, ...]:
        del settings
        return (_plan(self._knobs.warms, trial, self._version, self._knobs.scale),)

    def timeline(self, state: LabState, campaign: CampaignState, now_s: float) -> PlannedTimeline:
        """One sample after another."""
        at = now_s - campaign.origin_s
        slots: list[Slot] = []
        for trial in campaign.open_trials:
            name = run_id(campaign.spec.campaign, trial.number)
            run = state.runs.get(name)
            plan = run.plan if run else self.candidates(trial.number, trial.factors)[0]
            for planned in plan.steps:
                if planned.safe_state or (run and run.steps[planned.path].passed):
                    continue
                end = at + planned.duration_s
                slots.append(
                    Slot(
                        run=name,
                        step=planned.path,
                        device=planned.device,
                        claims=planned.claims,
                        start_s=at,
                        end_s=end,
                    )
                )
                at = end
        return PlannedTimeline(tuple(slots), {})

    def improvable(self, state: LabState, campaign: CampaignState, now_s: float) -> None:
        """One sample after another leaves nothing to choose."""

    def weighed(
        self, state: LabState, campaign: CampaignState, now_s: float, found: msg.PlanFound
    ) -> WeighedPlan:
        """Nothing is ever found, as nothing is asked."""
        del state, campaign, now_s
        raise AssertionError(found)

    def condition(self, plan: Plan, formula: Formula, outputs: Outputs) -> bool | None:
        del plan, formula, outputs
        return None

    def argument(self, plan: Plan, late: LateArgument, outputs: Outputs) -> float | int:
        raise ValueError(f"{plan.sop_id} has no late argument {late} {outputs}")

    def check(self, plan: Plan, check: Check, step: str, outputs: Outputs) -> bool:
        raise ValueError(f"{plan.sop_id} has no {check} {step} {outputs}")

    def results(self, plan: Plan, outputs: Outputs) -> Mapping[str, ev.Value]:
        del plan
        mass = outputs.get("weigh", {}).get("mass")
        return {"mass": ev.Value(value=mass, unit="g")} if isinstance(mass, float) else {}

    def quality(self, plan: Plan, outputs: Outputs) -> Sequence[QualityOutcome]:
        del plan, outputs
        return ()


@cache
def _plan(warms: bool, trial: int, version: int, scale: Scale) -> Plan:
    def dose(number: int, more_ul: float = 0.0) -> dict[str, JsonValue]:
        volume = volume_of(trial, number, version, scale.base_ul)
        return {"volume": (more_ul + volume) / 1000, "rate": 10.0}

    # More than the pot holds: whatever is in it.
    all_of_it = dose(5, 2 * scale.pot_ul)
    warm = [_step("warm", "heater", args={"temperature": 60.0, "tolerance": 1.0})]
    cool = [_step("cool", "heater", args={"temperature": 20.0, "tolerance": 1.0}, safe_state=True)]
    steps = [
        *(warm if warms else []),
        _step("dose", "pump", args=dose(1), needs=("warm",) if warms else ()),
        _step("top-up", "pump", args=dose(2), needs=("dose",)),
        _step("weigh", "balance", needs=("top-up",)),
        _step("drain", "drain", args=dose(3), needs=("weigh",), draws_from=("pot",)),
        _step("rinse", "drain", args=dose(4), needs=("drain",), draws_from=("pot",)),
        *(cool if warms else []),
        _step(
            "empty", "drain", args=all_of_it, timeout_s=30.0, safe_state=True, draws_from=("pot",)
        ),
    ]
    return Plan(
        sop_id="faults",
        sop_version=str(version),
        sop_sha256="0" * 64,
        bindings={},
        parameters={},
        stations=("pot",),
        steps=tuple(steps),
        timing=_soak(scale.soak_s) if scale.soak_s else (),
        results=(ResultSpec(name="mass", unit="g", formula=Formula(expression="mass")),),
    )


def _soak(seconds: float) -> tuple[TimeWindow, ...]:
    window = TimeWindow(
        name="soak",
        from_steps=("top-up",),
        from_mark="end",
        to_steps=("weigh",),
        to_mark="start",
        more_than_s=seconds,
    )
    return (window,)


_ACTS = {"pump": ("dispense", "once"), "drain": ("dispense", "once"), "balance": ("weigh", "none")}


def _step(path: str, device: str, **more: object) -> PlannedStep:
    action, effect = _ACTS.get(device, ("heat", "absolute"))
    return PlannedStep.model_validate(
        {
            "path": path,
            "title": path,
            "capability": "bench",
            "action": action,
            "device": device,
            "effect": effect,
            "duration_s": 4.0,
            "timeout_s": 8.0,
            "claims": ("pot",),
            "retry": RetryPolicy(max_retries=3, delay_s=1.0),
            "output_units": {"mass": "g"} if action == "weigh" else {},
            **more,
        }
    )


def campaign_of(knobs: Knobs, seed: int) -> ev.CampaignStarted:
    """The campaign of one seed."""
    return ev.CampaignStarted(
        campaign=CAMPAIGN,
        title="Faults",
        file="",
        sop_id="faults",
        sop_version="1",
        sop_sha256="0" * 64,
        lab_id=LAB,
        factors=(ev.FactorSpec(name="x", unit="mL", minimum=0, maximum=1),),
        fixed={},
        objective=ev.ObjectiveSpec(result="mass", unit="g", direction="maximize"),
        method="sobol",
        initial=1,
        batch=1,
        trials=knobs.trials,
        parallel=knobs.parallel,
        seed=seed,
    )


def suggest(state: LabState, campaign: str, count: int) -> tuple[msg.Proposal, ...]:
    """A sequence that fills the unit interval evenly (van der Corput's)."""
    first = len(state.campaigns[campaign].trials)
    return tuple(msg.Proposal({"x": _even(first + n + 1)}, "sobol") for n in range(count))


def _even(number: int) -> float:
    value, base = 0.0, 0.5
    while number:
        value += base * (number & 1)
        number, base = number >> 1, base / 2
    return value
