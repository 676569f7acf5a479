"""The engine's mind: given what is true, what is to be recorded and done now. Pure.

`decide` looks at the whole state each time and not at the last message, so the same rules serve in the flow of work
and after a crash: a restart is nothing but a fold of the journal followed by a decision.

The rules, in the order in which they apply:
  commands   an intent of an earlier engine, an overdue or orphaned command becomes unknown; unknown ones are queried
  steps      a closed command ends its step: checks, observations, retry or failure
  runs       a failed step stops its run; safe-state steps run; a run with all steps done yields its results
  trials     a finished run completes or fails its trial
  campaign   the budget is used up, or the lab was told to stop
  optimiser  asked in time, while earlier trials still run
  timeline   planned anew when it no longer tells the truth
  gate       starts each step whose turn it is (`lab.engine.gate`)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from lab.domain import event as ev
from lab.engine import messages as msg
from lab.engine.gate import next_starts, ready_safe_steps
from lab.engine.steps import end_steps

if TYPE_CHECKING:
    from pydantic import JsonValue

    from lab.domain.plan import Check, Plan, Slot
    from lab.domain.state import CampaignState, CommandState, LabState, RunState

__all__ = ["CampaignContext", "Decision", "Inflight", "PlannedTimeline", "decide"]

_GRACE_S = 30.0
"""Process seconds beyond a command's own time-out before the engine gives up waiting for its outcome."""

_QUERY_AGAIN_S = 20.0
"""Process seconds after which an unanswered query is repeated."""

_SAFE_AGAIN_S = 20.0
"""Process seconds after which a device that is still ready is told once more that the lab is safe."""

_ALIVE = ("ready", "safe", "fault", "manual", "unknown")


@dataclass(frozen=True, slots=True)
class PlannedTimeline:
    """A planner's answer: slots from the campaign's origin, and which candidate plan each run got."""

    slots: tuple[Slot, ...]
    choices: Mapping[str, int]


class CampaignContext(Protocol):
    """What the core needs of the campaign's files; every answer is a pure function of its arguments."""

    def candidates(self, trial: int, factors: Mapping[str, float]) -> tuple[Plan, ...]:
        """The plans that bind this trial to the lab, one for each lawful choice of devices."""
        ...

    def timeline(self, state: LabState, campaign: CampaignState, now_s: float) -> PlannedTimeline:
        """A plan for all open trials."""
        ...

    def check(self, check: Check, outputs: Mapping[str, JsonValue], plan: Plan) -> bool:
        """Does a step's condition hold?"""
        ...

    def results(
        self, plan: Plan, outputs: Mapping[str, Mapping[str, JsonValue]]
    ) -> dict[str, ev.Value]:
        """The results of a finished run."""
        ...


@dataclass(slots=True)
class Inflight:
    """What this engine process has begun and not yet heard of. Not state: a new process begins with nothing."""

    queried: dict[str, float] = field(default_factory=dict[str, float])
    asking: bool = False
    ask_failed: bool = False
    safe_seq: int = 0
    safe_s: float = 0.0
    rearmed_seq: int = 0
    """Which `LabState.mode_seq` and `rearmed_seq` the devices have been told of."""

    def begin(self, effect: msg.Effect, state: LabState, now_s: float) -> None:
        """Note that an effect is under way, so that the next round does not ask for it again."""
        match effect:
            case msg.QueryCommand():
                self.queried[effect.command] = now_s
            case msg.AskOptimiser():
                self.asking = True
            case msg.MakeSafe():
                self.safe_seq, self.safe_s = state.mode_seq, now_s
            case msg.Rearm():
                self.rearmed_seq = state.rearmed_seq
            case msg.SendCommand() | msg.Answered():
                pass

    def hear(self, message: msg.Message) -> None:
        """Note that the optimiser has answered."""
        if isinstance(message, msg.Proposed):
            self.asking, self.ask_failed = False, bool(message.error)


@dataclass(frozen=True, slots=True)
class Decision:
    """Events to make durable, then effects to carry out; `wake_s` is when to look again at the latest."""

    events: tuple[ev.Event, ...] = ()
    effects: tuple[msg.Effect, ...] = ()
    wake_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Look:
    """All that a rule may see."""

    state: LabState
    inflight: Inflight
    context: CampaignContext
    now_s: float


_Rule = Callable[[_Look], Decision]


def decide(state: LabState, inflight: Inflight, context: CampaignContext, now_s: float) -> Decision:
    """One round: the first rules that have something to record win, so that the next round sees it."""
    look = _Look(state, inflight, context, now_s)
    effects: list[msg.Effect] = []
    wake: float | None = None
    for rule in _RULES:
        decision = rule(look)
        effects += decision.effects
        if decision.wake_s is not None:
            wake = decision.wake_s if wake is None else min(wake, decision.wake_s)
        if decision.events:
            return Decision(decision.events, tuple(effects), wake)
    return Decision((), tuple(effects), wake)


def _commands(look: _Look) -> Decision:
    events: list[ev.Event] = []
    effects: list[msg.Effect] = []
    wakes: list[float] = []
    asked = {question.command for question in look.state.questions.values()}
    for entry in look.state.open_commands():
        command = entry.command
        device = look.state.devices.get(command.device)
        alive = device is not None and device.state in _ALIVE
        if entry.status in ("intent", "accepted"):
            reason = _doubt(entry, look.state.epoch, alive, look.now_s)
            if reason:
                events.append(
                    ev.CommandUnknown(command=command.id, device=command.device, reason=reason)
                )
            else:
                wakes.append(entry.intended_s + command.timeout_s + _GRACE_S)
        elif command.id not in asked:
            last = look.inflight.queried.get(command.id)
            if last is None or look.now_s - last >= _QUERY_AGAIN_S:
                if alive:
                    effects.append(msg.QueryCommand(command.id, command.device))
                    wakes.append(look.now_s + _QUERY_AGAIN_S)
            else:
                wakes.append(last + _QUERY_AGAIN_S)
    return Decision(tuple(events), tuple(effects), min(wakes, default=None))


def _doubt(entry: CommandState, epoch: int, alive: bool, now_s: float) -> str:
    if entry.epoch < epoch:
        return "the engine was restarted while the command was open"
    if not alive:
        return "the device was lost while the command was open"
    if now_s >= entry.intended_s + entry.command.timeout_s + _GRACE_S:
        return "no outcome in time"
    return ""


def _steps(look: _Look) -> Decision:
    return Decision(tuple(end_steps(look.state, look.context.check)))


def _runs(look: _Look) -> Decision:
    events: list[ev.Event] = []
    effects: list[msg.Effect] = []
    wakes: list[float] = []
    for run in look.state.open_runs():
        busy = any(step.status == "running" for step in run.steps.values())
        if run.status == "running":
            events += _stop_or_finish(look.state, run, busy, look.context)
        elif look.state.mode == "safe" and not busy:
            events.append(ev.RunFinished(run=run.id, outcome="aborted", reason=run.reason))
        elif not busy:
            starts = ready_safe_steps(look.state, run, look.now_s)
            events += starts.events
            effects += starts.effects
            if starts.wake_s is not None:
                wakes.append(starts.wake_s)
            if starts.finished:
                events.append(
                    ev.RunFinished(run=run.id, outcome=run.ending or "failed", reason=run.reason)
                )
            if starts.events:
                # What it takes (a device, a place) is taken for the next run, which must see it.
                break
    return Decision(tuple(events), tuple(effects), min(wakes, default=None))


def _stop_or_finish(
    state: LabState, run: RunState, busy: bool, context: CampaignContext
) -> list[ev.Event]:
    failed = [step for step in run.steps.values() if step.status == "failed"]
    if failed:
        reason = f"step {failed[0].path}: {failed[0].error}"
        return [ev.RunStopping(run=run.id, outcome="failed", reason=reason)]
    main = [step for step in run.plan.steps if not step.safe_state]
    if all(run.steps[step.path].status == "succeeded" for step in main):
        outputs = {path: step.outputs for path, step in run.steps.items()}
        try:
            results = context.results(run.plan, outputs)
        except (ArithmeticError, KeyError, ValueError) as error:
            reason = f"the results can't be computed: {error}"
            return [ev.RunStopping(run=run.id, outcome="failed", reason=reason)]
        return [ev.RunFinished(run=run.id, outcome="succeeded", results=results)]
    if state.mode in ("stopping", "safe") and not busy:
        verb = "made safe" if state.mode == "safe" else "stopped"
        reason = f"{verb} by {state.mode_actor}" + (
            f": {state.mode_reason}" if state.mode_reason else ""
        )
        return [ev.RunStopping(run=run.id, outcome="aborted", reason=reason)]
    return []


def _trials(look: _Look) -> Decision:
    campaign = look.state.active_campaign
    if campaign is None:
        return Decision()
    name, result = campaign.spec.campaign, campaign.spec.objective.result
    events: list[ev.Event] = []
    for trial in campaign.open_trials:
        run = look.state.runs.get(trial.run)
        if run is None:
            if look.state.mode == "stopping":
                reason = "never started: the campaign was stopped"
                events.append(ev.TrialFailed(campaign=name, trial=trial.number, reason=reason))
            continue
        if run.open:
            continue
        value = run.results.get(result)
        if run.status == "succeeded" and value is not None:
            events.append(
                ev.TrialCompleted(
                    campaign=name,
                    trial=trial.number,
                    value=value.value,
                    standard_deviation=value.standard_deviation,
                )
            )
        else:
            reason = run.reason or f"the run has no result '{result}'"
            events.append(ev.TrialFailed(campaign=name, trial=trial.number, reason=reason))
    return Decision(tuple(events))


def _campaign(look: _Look) -> Decision:
    campaign = look.state.active_campaign
    if campaign is None or campaign.open_trials:
        return Decision()
    best = campaign.best()
    if look.state.mode == "stopping":
        ending, reason = "stopped", f"stopped by {look.state.mode_actor}"
        if look.state.mode_reason:
            reason += f": {look.state.mode_reason}"
    elif len(campaign.trials) >= campaign.spec.trials:
        ending = "completed" if best is not None else "failed"
        reason = "the budget is used up" if best is not None else "every trial failed"
    else:
        return Decision()
    return Decision(
        (
            ev.CampaignFinished(
                campaign=campaign.spec.campaign,
                state=ending,
                reason=reason,
                best_trial=None if best is None else best.number,
            ),
        )
    )


def _optimiser(look: _Look) -> Decision:
    campaign = look.state.active_campaign
    if campaign is None or look.inflight.asking or look.state.mode != "running":
        return Decision()
    left = campaign.spec.trials - len(campaign.trials)
    free = campaign.spec.parallel - len(campaign.open_trials)
    count = min(campaign.spec.batch, campaign.spec.parallel, left)
    if count <= 0 or free < count:
        return Decision()
    if look.inflight.ask_failed and campaign.open_trials:
        # What is on the bench is worth finishing; with its results the optimiser may find its feet again.
        return Decision()
    return Decision((), (msg.AskOptimiser(campaign.spec.campaign, count),))


def _timeline(look: _Look) -> Decision:
    campaign = look.state.active_campaign
    if campaign is None or not campaign.plan_stale or not campaign.open_trials:
        return Decision()
    if look.state.mode not in ("running", "paused"):
        return Decision()
    planned = look.context.timeline(look.state, campaign, look.now_s)
    return Decision(
        (
            ev.TimelinePlanned(
                campaign=campaign.spec.campaign,
                origin=datetime.fromtimestamp(campaign.origin_s, UTC),
                reason="replanned" if campaign.slots else "first plan",
                slots=planned.slots,
                choices=dict(planned.choices),
            ),
        )
    )


def _gate(look: _Look) -> Decision:
    campaign = look.state.active_campaign
    if campaign is None or look.state.mode != "running":
        return Decision()
    starts = next_starts(look.state, campaign, look.context.candidates, look.now_s)
    return Decision(tuple(starts.events), tuple(starts.effects), starts.wake_s)


def _safety(look: _Look) -> Decision:
    state, inflight = look.state, look.inflight
    if state.mode != "safe":
        return Decision((), (msg.Rearm(),) if state.rearmed_seq > inflight.rearmed_seq else ())
    # A device that still calls itself ready has not heard of it: it was away, or the message was lost.
    deaf = any(device.state == "ready" for device in state.devices.values())
    again = inflight.safe_s + _SAFE_AGAIN_S
    if inflight.safe_seq == state.mode_seq and not (deaf and look.now_s >= again):
        return Decision(wake_s=again if deaf else None)
    wake = look.now_s + _SAFE_AGAIN_S if deaf else None
    return Decision((), (msg.MakeSafe(state.mode_actor, f"safe-{state.mode_seq}"),), wake)


_RULES: tuple[_Rule, ...] = (
    _safety,
    _commands,
    _steps,
    _runs,
    _trials,
    _campaign,
    _optimiser,
    _timeline,
    _gate,
)
