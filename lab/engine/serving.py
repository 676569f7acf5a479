"""What people are asked for so that the laboratory can go on: refills, emptying, upkeep, calibrations. Pure.

A question is open from the moment at which somebody is asked until he has said that it is done, or that he could not do it;
meanwhile nothing begins at the devices that it concerns, as a person has his hands there. Nothing at all begins that would
take more than there is, or measure with a calibration that is too old, whatever the timeline says.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.ids import run_id, service_id
from lab.domain.reduce_service import SERVICE_CHOICES
from lab.domain.state import ServiceState
from lab.engine.start import Starts, arguments
from lab.plan.services import ServicesNow

if TYPE_CHECKING:
    from lab.domain.plan import PlannedStep
    from lab.domain.state import CampaignState, LabState, RunState
    from lab.engine.look import Look
    from lab.plan.services import ServiceRules
    from lab.plan.upkeep import Need

__all__ = ["ask", "needed_first", "served_devices", "services_now", "still_due", "there_from"]

_LATE_S = 5.0
_LATE_SHARE = 0.1
"""Who has not answered when it should be done is planned to after this share of the time that it has taken."""


def served_devices(look: Look) -> set[str]:
    """Devices that somebody was asked to see to and has not answered for."""
    rules = look.context.services
    if rules is None:
        return set()
    open_ones = (name for name, entry in look.state.services.items() if entry.question)
    return {
        device for name in open_ones if name in rules.needs for device in rules.needs[name].devices
    }


def needed_first(look: Look, run: RunState, planned: PlannedStep) -> Need | None:
    """What must be done before a step may begin. A run's end is not kept up by upkeep or calibrations."""
    rules = look.context.services
    if rules is None or not rules.any or planned.manual is not None:
        return None
    try:
        args = arguments(look, run, planned)
    except (ArithmeticError, KeyError, ValueError, TypeError):
        return None  # the step fails of that when it begins
    for name, amount in rules.uses(planned, args).items():
        need, taken = rules.needs[name], look.state.services.get(name, ServiceState()).taken
        if planned.safe_state and name.startswith("upkeep "):
            continue
        if taken > 0 and taken + amount > need.room:
            return need
    if planned.safe_state:
        return None
    entry = look.state.services.get(f"calibration {planned.device}", ServiceState())
    found = rules.calibration(run.plan, planned.device, entry.done_s)
    return None if found is None or look.now_s + planned.duration_s <= found[1] else found[0]


def still_due(state: LabState, campaign: CampaignState, slot: ev.ServiceSlot) -> bool:
    """Does what a service was planned for still wait?"""
    entry = state.services.get(slot.service, ServiceState())
    if entry.question or not (entry.taken or slot.service.startswith("calibration ")):
        return False
    run = state.runs.get(slot.run)
    if run is not None:
        return run.status == "running" and run.steps[slot.step].status == "waiting"
    name = campaign.spec.campaign
    return any(run_id(name, trial.number) == slot.run for trial in campaign.ready_trials)


def there_from(look: Look, takes_s: float, not_before_s: float = 0.0) -> float:
    """The first moment at which somebody is there for so long."""
    rules = look.context.services
    at = max(look.now_s, not_before_s)
    return at if rules is None else rules.there_from(at, takes_s)


def ask(look: Look, need: Need, run: str, step: str) -> Starts:
    """Ask for it, if somebody is there now; nothing while somebody is at it."""
    entry = look.state.services.get(need.name, ServiceState())
    if entry.question:
        return Starts()
    at = there_from(look, need.takes_s, entry.not_before_s)
    if at > look.now_s:
        return Starts(wake_s=at)
    waiting = f" {run} can't go on with {step} before." if run else ""
    names = " and ".join(need.devices)
    asked = ev.QuestionAsked(
        question=service_id(need.name, entry.asked + 1),
        command="",
        run="",
        text=(
            f"Please {_please(need)}: {_why(look, need, entry)}.{waiting} Until the answer nothing begins at {names}. "
            "Is it done?"
        ),
        choices=SERVICE_CHOICES,
        service=need.name,
    )
    return Starts([asked])


def _please(need: Need) -> str:
    return f"see to {need.task}" if need.name.startswith("upkeep ") else need.task


def _why(look: Look, need: Need, entry: ServiceState) -> str:
    match need.name.partition(" ")[0]:
        case "stock":
            left = max(0, need.room - entry.taken)
            return f"{_ml(left)} of {_ml(need.room)} are left"
        case "station":
            return f"{_ml(entry.taken)} of {_ml(need.room)} are in it"
        case "upkeep":
            return f"{entry.taken} of {need.room} actions are done"
        case _:
            moment = datetime.fromtimestamp(look.now_s, UTC)
            return f"on {moment:%Y-%m-%d} its calibration is, or will soon be, too old for what comes next"


def _ml(nanolitres: int) -> str:
    return f"{nanolitres / 1e6:.4g} mL"


def services_now(
    state: LabState, rules: ServiceRules, origin_s: float, now_s: float
) -> ServicesNow:
    """What a planner is told; times from the origin except where it says otherwise."""
    taken: dict[str, int] = {}
    asked: dict[str, tuple[float, float]] = {}
    not_before: dict[str, float] = {}
    done: dict[str, float] = {}
    for name, entry in state.services.items():
        need = rules.needs.get(name)
        if need is None:
            continue
        taken[name] = entry.taken - (entry.taken_before if entry.question else 0)
        if entry.question:
            end_s = entry.since_s + need.takes_s
            if end_s <= now_s:
                end_s = now_s + max(_LATE_S, _LATE_SHARE * (now_s - entry.since_s))
            asked[name] = entry.since_s - origin_s, end_s - origin_s
        if entry.not_before_s > now_s:
            not_before[name] = entry.not_before_s - origin_s
        if entry.done_s is not None:
            done[name] = entry.done_s
    return ServicesNow(rules, origin_s, taken, asked, not_before, done)
