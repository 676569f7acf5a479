"""The lab's state as one document that people and programs read: `lab status --json`, GET /v1/status. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.control.evidence import (
    awaited_document,
    context_documents,
    failed_documents,
    outside_document,
    proposed_documents,
)
from lab.control.moments import elapsed, iso
from lab.control.services import service_documents, supply_documents
from lab.control.tasks import task_documents
from lab.control.waits import run_waits, station_holders, step_title
from lab.control.windows import hold_documents, window_documents

if TYPE_CHECKING:
    from datetime import datetime

    from lab.control.document import (
        CampaignDocument,
        CurrentDocument,
        DeviceDocument,
        ObjectiveDocument,
        RunDocument,
        StatusDocument,
        WaitDocument,
    )
    from lab.control.waits import Wait
    from lab.domain.event import ObjectiveSpec
    from lab.domain.state import CampaignState, DeviceStatus, LabState, RunState

__all__ = ["status_document"]


def status_document(state: LabState, now: datetime) -> StatusDocument:
    """Mode, campaigns, open runs with present steps and what they wait for, devices, questions, tasks, services.

    `now` is process time. Times are ISO 8601 UTC; `for_s` are process seconds until `now`.
    """
    now_s = now.timestamp()
    waits = run_waits(state, now_s)
    queued = [run for run in waits if run not in state.runs]
    return {
        "now": iso(now_s),
        "seq": state.seq,
        "epoch": state.epoch,
        "last_event": iso(state.at_s) if state.seq else None,
        "mode": state.mode,
        "mode_text": _mode_text(state),
        "mode_actor": state.mode_actor,
        "mode_reason": state.mode_reason,
        "mode_since": iso(state.mode_since_s) if state.mode_since_s else None,
        "questions": [
            {
                "id": question.id,
                "run": question.run,
                "command": question.command,
                "step": question.step,
                "text": question.text,
                "choices": list(question.choices),
                "service": question.service,
                "since": iso(question.since_s),
                "for_s": elapsed(question.since_s, now_s),
            }
            for question in state.questions.values()
        ],
        "tasks": task_documents(state, now_s),
        "campaigns": [_campaign(name, entry, now_s) for name, entry in state.campaigns.items()],
        "runs": [_run(state, run, waits.get(run.id, ()), now_s) for run in state.open_runs()],
        "queued": [
            {"run": run, "waits": [_wait(state, wait, now_s) for wait in waits[run]]}
            for run in queued
        ],
        "holds": hold_documents(state),
        "services": service_documents(state),
        "supplies": supply_documents(state),
        "devices": [_device(state, device, now_s) for device in state.devices.values()],
        "interlocks": [
            {
                "interlock": name,
                "state": status.changed.state,
                "detail": status.changed.detail,
                "blocks": list(status.changed.blocks),
                "actions": list(status.changed.actions),
                "reason": status.changed.reason,
                "since": iso(status.since_s),
                "for_s": elapsed(status.since_s, now_s),
            }
            for name, status in state.interlocks.items()
        ],
        "stations": [
            {
                "station": station,
                "run": run,
                "since": iso(since_s),
                "for_s": elapsed(since_s, now_s),
            }
            for station, (run, since_s) in station_holders(state).items()
        ],
    }


def _mode_text(state: LabState) -> str:
    if not state.seq:
        return "nothing has run yet"
    by = f" by {state.mode_actor}" if state.mode_actor else ""
    why = f": {state.mode_reason}" if state.mode_reason else ""
    match state.mode:
        case "paused":
            return f"paused{by}{why}; running steps end, no new one starts"
        case "stopping":
            return f"being stopped{by}{why}; running steps end, then safe-state steps run"
        case "safe":
            return f"made safe{by}{why}; nothing starts until a named person re-arms"
        case "running":
            return "running" if state.active_campaign is not None else "idle: no campaign is open"


def _campaign(name: str, campaign: CampaignState, now_s: float) -> CampaignDocument:
    spec, best = campaign.spec, campaign.best()
    trials = list(campaign.trials.values())
    return {
        "campaign": name,
        "title": spec.title,
        "status": campaign.status,
        "reason": campaign.reason,
        "started": iso(campaign.started_s),
        "ended": None if campaign.ended_s is None else iso(campaign.ended_s),
        "trials": {
            "budget": spec.trials,
            "proposed": len(trials),
            "done": sum(trial.status == "done" for trial in trials),
            "failed": sum(trial.status == "failed" for trial in trials),
            "open": sum(trial.status == "pending" for trial in trials),
            "counting": campaign.target,
            "counted": sum(trial.status == "done" for trial in campaign.counting),
            "cost_budget": spec.cost_budget,
            "cost_left": None if spec.cost_budget is None else campaign.cost_left,
        },
        "objective": _objective(spec.objective),
        "further": [_objective(item) for item in spec.further],
        "best": None
        if best is None
        else {
            "trial": best.number,
            "value": best.value,
            "beyond": best.beyond.get(spec.objective.result),
            "standard_deviation": best.standard_deviation,
            "factors": dict(best.factors),
        },
        "front": [trial.number for trial in campaign.front()],
        "nearness": None
        if campaign.nearness is None
        else {
            "trial": campaign.nearness.trial,
            "within": campaign.nearness.within,
            "probability": campaign.nearness.probability,
            "expected_gain": campaign.nearness.expected_gain,
            "unit": campaign.nearness.unit or spec.objective.unit,
        },
        "context": context_documents(campaign),
        "awaited": awaited_document(campaign, now_s),
        "cost_unit": campaign.cost_unit,
        "spent": campaign.spent,
        "proposed": proposed_documents(campaign),
        "failures": failed_documents(campaign),
        "outside": outside_document(campaign),
    }


def _objective(objective: ObjectiveSpec) -> ObjectiveDocument:
    return {
        "result": objective.result,
        "unit": objective.unit,
        "direction": objective.direction,
        "reference": objective.reference,
        "target": objective.target,
    }


def _run(state: LabState, run: RunState, waits: tuple[Wait, ...], now_s: float) -> RunDocument:
    current: list[CurrentDocument] = []
    for planned in run.plan.steps:
        step = run.steps[planned.path]
        command = state.commands.get(step.command)
        if step.status == "running" and command is not None:
            current.append(
                {
                    "step": planned.path,
                    "title": planned.title,
                    "device": planned.device,
                    "attempt": step.attempt,
                    "command": step.command,
                    "command_status": command.status,
                    "cancel_asked_by": "" if command.cancel is None else command.cancel.actor,
                    "planned_s": planned.duration_s,
                    "since": iso(command.intended_s),
                    "for_s": elapsed(command.intended_s, now_s),
                }
            )
    main = [step for step in run.plan.steps if not step.safe_state]
    campaign = state.campaigns.get(run.campaign)
    trial = None if campaign is None else campaign.trials.get(run.trial)
    return {
        "run": run.id,
        "campaign": run.campaign,
        "trial": run.trial,
        "status": run.status,
        "reason": run.reason,
        "factors": {} if trial is None else dict(trial.factors),
        "steps": len(main),
        "steps_succeeded": sum(run.steps[s.path].status == "succeeded" for s in main),
        "steps_skipped": sum(run.steps[s.path].status == "skipped" for s in main),
        "flags": [
            f"{flag.step}: {flag.reason}" if flag.step else flag.reason for flag in run.flags
        ],
        "decisions": [
            f"{decision.title} ({decision.path}): {'yes' if run.decisions[decision.path] else 'no'}"
            for decision in run.plan.decisions
            if decision.path in run.decisions
        ],
        "windows": window_documents(run, now_s),
        "current": current,
        "waits": [_wait(state, wait, now_s) for wait in waits],
        "since": iso(run.started_s),
        "for_s": elapsed(run.started_s, now_s),
    }


def _wait(state: LabState, wait: Wait, now_s: float) -> WaitDocument:
    return {
        "step": wait.step,
        "title": step_title(state, wait.run, wait.step),
        "device": wait.device,
        "kind": wait.kind,
        "waits_for": wait.text,
        "since": iso(wait.since_s),
        "for_s": elapsed(wait.since_s, now_s),
    }


def _device(state: LabState, device: DeviceStatus, now_s: float) -> DeviceDocument:
    busy = next((c.command for c in state.open_commands() if c.command.device == device.name), None)
    told = device.description
    return {
        "device": device.name,
        "state": device.state,
        "detail": device.detail,
        "busy_with": None
        if busy is None
        else {"run": busy.run, "step": busy.step, "action": busy.action, "command": busy.id},
        "manufacturer": "" if told is None else told.manufacturer,
        "model": "" if told is None else told.model,
        "serial_number": "" if told is None else told.serial_number,
        "simulated": None if told is None else told.simulated,
        "since": iso(device.since_s) if device.since_s else None,
        "for_s": elapsed(device.since_s, now_s) if device.since_s else None,
    }
