"""A small lab for the engine's core: two devices, one station, hand-made plans; nothing else is real or needed."""

from __future__ import annotations

import dataclasses
import operator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from lab.bus import envelope as env
from lab.domain import event as ev
from lab.domain.command import Outcome
from lab.domain.ids import run_id
from lab.domain.plan import (
    Binding,
    Check,
    Formula,
    Guard,
    Plan,
    PlannedStep,
    ResultSpec,
    RetryPolicy,
    Slot,
)
from lab.domain.reduce import reduce
from lab.domain.state import CampaignState, LabState
from lab.engine import messages as msg
from lab.engine.core import Inflight, PlannedTimeline, decide
from lab.engine.translate import translate

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.domain.interlock import Interlock
    from lab.domain.plan import LateArgument
    from lab.engine.context import Outputs, WeighedPlan
    from lab.plan.services import ServiceRules

START = datetime(2026, 1, 1, tzinfo=UTC)
DEVICES = ("pump", "balance")


def step(path: str, device: str, needs: tuple[str, ...] = (), **more: object) -> PlannedStep:
    fields: dict[str, object] = {
        "path": path,
        "title": path,
        "capability": "any",
        "action": "act",
        "device": device,
        "needs": needs,
        "duration_s": 10.0,
        "timeout_s": 60.0,
        "effect": "once" if device == "pump" else "none",
        **more,
    }
    return PlannedStep.model_validate(fields)


def formula(expression: str, *outputs: str) -> Formula:
    """`name`, or `name operator number` with one name; the name is bound to the last of some outputs."""
    name = expression.split()[0]
    return Formula(expression=expression, names={name: Binding(outputs=outputs)})


def check(expression: str, message: str, output: str = "weigh.mass", **more: object) -> Check:
    fields = {"formula": formula(expression, output), "message": message, **more}
    return Check.model_validate(fields)


def when(**decisions: bool) -> tuple[Guard, ...]:
    return tuple(Guard(decision=name, value=value) for name, value in decisions.items())


MASS = ResultSpec(name="mass", unit="g", formula=formula("mass", "weigh.mass"))


def plan_of(
    *steps: PlannedStep,
    stations: tuple[str, ...] = ("pot",),
    results: tuple[ResultSpec, ...] = (MASS,),
    **more: object,
) -> Plan:
    fields: dict[str, object] = {
        "sop_id": "kit",
        "sop_version": "1",
        "sop_sha256": "0" * 64,
        "bindings": {},
        "parameters": {},
        "stations": stations,
        "steps": steps,
        "results": results,
        **more,
    }
    return Plan.model_validate(fields)


def usual_plan(retries: int = 1, checks: tuple[Check, ...] = ()) -> Plan:
    return plan_of(
        step("dose", "pump", claims=("pot",)),
        step(
            "weigh",
            "balance",
            ("dose",),
            claims=("pot",),
            retry=RetryPolicy(max_retries=retries),
            checks=checks,
            output_units={"mass": "g"},
        ),
        step("empty", "pump", safe_state=True, claims=("pot",), draws_from=("pot",)),
    )


class KitContext:
    """One candidate a trial; the timeline runs the trials one after another."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan = plan or usual_plan()
        self.interlocks: tuple[Interlock, ...] = ()
        self.services: ServiceRules | None = None

    def candidates(self, trial: int, settings: Mapping[str, ev.SettingValue]) -> tuple[Plan, ...]:
        return (self.plan,)

    def timeline(self, state: LabState, campaign: CampaignState, now_s: float) -> PlannedTimeline:
        at = now_s - campaign.origin_s
        slots: list[Slot] = []
        for trial in campaign.ready_trials:
            run = run_id(campaign.spec.campaign, trial.number)
            known = state.runs.get(run)
            for planned in self.plan.steps:
                if planned.safe_state or (known and known.steps[planned.path].passed):
                    continue
                slots.append(
                    Slot(
                        run=run,
                        step=planned.path,
                        device=planned.device,
                        claims=planned.claims,
                        start_s=at,
                        end_s=at + planned.duration_s,
                    )
                )
                at += planned.duration_s
        return PlannedTimeline(tuple(slots), {})

    def improvable(self, state: LabState, campaign: CampaignState, now_s: float) -> None:
        """One sample after another leaves nothing to choose."""

    def weighed(
        self, state: LabState, campaign: CampaignState, now_s: float, found: msg.PlanFound
    ) -> WeighedPlan:
        """Nothing is ever found, as nothing is asked."""
        raise AssertionError(found)

    def condition(self, plan: Plan, formula: Formula, outputs: Outputs) -> bool | None:
        value = calculate(formula, outputs)
        return None if value is None else bool(value)

    def argument(self, plan: Plan, late: LateArgument, outputs: Outputs) -> float | int:
        value = calculate(late.formula, outputs)
        if value is None:
            raise ValueError("what it needs was not measured")
        if late.maximum is not None and value > late.maximum:
            raise ValueError(f"{value:g} is more than {late.maximum:g}")
        return value

    def check(self, plan: Plan, check: Check, step: str, outputs: Outputs) -> bool:
        value = calculate(check.formula, outputs)
        if value is None:
            raise KeyError(check.formula.expression)
        return bool(value)

    def results(self, plan: Plan, outputs: Outputs) -> dict[str, ev.Value]:
        values = [(spec, calculate(spec.formula, outputs)) for spec in plan.results]
        return {
            spec.name: ev.Value(value=value, unit=spec.unit, beyond=spec.beyond(value))
            for spec, value in values
            if value is not None
        }

    def quality(self, plan: Plan, outputs: Outputs) -> list[Judged]:
        judged: list[Judged] = []
        for spec in plan.quality:
            value = calculate(spec.formula, outputs)
            off = None if value is None else abs(value - (spec.certified_value or 0.0))
            good = off is not None and spec.maximum is not None and off <= spec.maximum
            judged.append(Judged(spec.name, value, spec.unit, good))
        return judged


@dataclass(frozen=True)
class Judged:
    name: str
    value: float | None
    unit: str
    accepted: bool
    expected: float | None = None
    detail: str = ""


_OPERATORS = {
    "<": operator.lt,
    ">": operator.gt,
    "*": operator.mul,
    "/": operator.truediv,
    "+": operator.add,
}


def calculate(formula: Formula, outputs: Outputs) -> float | int | None:
    """None where no output that the name is bound to is there."""
    [(name, binding)] = formula.names.items()
    number: JsonValue = None
    for source in binding.outputs:
        step, _, output = source.rpartition(".")
        number = outputs.get(step, {}).get(output, number)
    if number is None:
        return None
    assert isinstance(number, int | float)
    words = formula.expression.split()
    assert words[0] == name
    return number if len(words) == 1 else _OPERATORS[words[1]](number, float(words[2]))


def campaign_started(trials: int = 2, parallel: int = 2, batch: int = 1) -> ev.CampaignStarted:
    return ev.CampaignStarted(
        campaign="kit-1",
        title="A kit",
        file="campaign.yaml",
        sop_id="kit",
        sop_version="1",
        sop_sha256="0" * 64,
        lab_id="bench",
        factors=(ev.FactorSpec(name="x", unit="mL", minimum=0, maximum=1),),
        fixed={},
        objective=ev.ObjectiveSpec(result="mass", unit="g", direction="maximize"),
        method="sobol",
        initial=1,
        batch=batch,
        trials=trials,
        parallel=parallel,
        seed=0,
    )


class Mind:
    """The core with a notebook: what it recorded, what it asked for, and time in the test's hand."""

    doubts = False
    """Decide each time once more with nothing in mind from the look before."""

    def __init__(self, context: KitContext | None = None, trials: int = 1, **campaign: int) -> None:
        self.context = context or KitContext()
        self.state = LabState()
        self.inflight = Inflight()
        self.events: list[ev.Event] = []
        self.records: list[ev.Recorded] = []
        self.effects: list[msg.Effect] = []
        self.now = START
        self.epoch = 1
        self.wake_s: float | None = None
        self.record(ev.EngineStarted(journal="j1", epoch=1, version="0", clock="virtual"))
        self.record(campaign_started(trials, **campaign))
        for device in DEVICES:
            self.record(ev.DeviceStateChanged(device=device, state="ready", ledger="l1"))

    def record(self, event: ev.Event) -> None:
        entry = ev.Recorded(seq=self.state.seq + 1, epoch=self.epoch, at=self.now, event=event)
        self.state = reduce(self.state, entry)
        self.events.append(event)
        self.records.append(entry)

    def tell(self, message: msg.Message) -> list[ev.Event]:
        self.inflight.hear(message, self.now.timestamp())
        facts = translate(self.state, message)
        for fact in facts:
            self.record(fact)
        return facts

    def settle(self) -> list[msg.Effect]:
        """Decide until nothing more follows; returns the effects, marked as the shell marks them."""
        fresh: list[msg.Effect] = []
        for _ in range(200):
            decision = decide(self.state, self.inflight, self.context, self.now.timestamp())
            if self.doubts:
                bare = dataclasses.replace(self.inflight, courses={}, ahead=((), []))
                anew = decide(self.state, bare, self.context, self.now.timestamp())
                assert decision == anew, "what is kept from the last look changes nothing"
            for effect in decision.effects:
                self.inflight.begin(effect, self.state, self.now.timestamp())
                fresh.append(effect)
            if not decision.events:
                self.wake_s = decision.wake_s
                self.effects += fresh
                return fresh
            for event in decision.events:
                self.record(event)
        raise AssertionError("the core finds no rest")

    def pass_time(self, seconds: float) -> list[msg.Effect]:
        self.now += timedelta(seconds=seconds)
        return self.settle()

    def propose(self, count: int = 1) -> list[msg.Effect]:
        self.tell(msg.Proposed(tuple(msg.Proposal({"x": 0.5}, "sobol") for _ in range(count))))
        return self.settle()

    def end(
        self, command: str, result: str = "succeeded", device: str = "pump", **outputs: JsonValue
    ) -> list[msg.Effect]:
        outcome = Outcome.model_validate({"result": result, "outputs": outputs, "error": result})
        self.tell(env.OutcomeMessage(device=device, id=command, outcome=outcome))
        return self.settle()

    def restart(self) -> None:
        """A new process: the same records, a new epoch, nothing in memory, devices not heard of yet."""
        self.epoch += 1
        self.inflight = Inflight()
        self.record(ev.EngineStarted(journal="j1", epoch=self.epoch, version="0", clock="virtual"))
        for device in DEVICES:
            self.record(ev.DeviceStateChanged(device=device, state="lost"))

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def sent(effects: list[msg.Effect]) -> list[str]:
    """Steps of the commands among some effects."""
    return [effect.command.step for effect in effects if isinstance(effect, msg.SendCommand)]


def command_of(effects: list[msg.Effect]) -> str:
    """The id of the only command among some effects."""
    [command] = [effect.command for effect in effects if isinstance(effect, msg.SendCommand)]
    return command.id
