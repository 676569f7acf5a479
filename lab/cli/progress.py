"""Live progress of a campaign, one line a fact, on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.app.report import setting, with_unit
from lab.cli.event_text import course_text, plan_text
from lab.cli.output import say
from lab.control.evidence import failed_words
from lab.domain import event as ev

if TYPE_CHECKING:
    from lab.domain.state import LabState

__all__ = ["ProgressLines"]


class ProgressLines:
    """Prints what a person by the bench would want to hear, and nothing else."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet

    def watch(self, state: LabState, record: ev.Recorded) -> None:
        """One record and the state around it."""
        line = None if self._quiet else self._line(state, record.event)
        if line:
            say(f"{record.at:%H:%M:%S}  {line}")

    def _line(self, state: LabState, event: ev.Event) -> str | None:
        match event:
            case ev.CampaignStarted():
                return f"campaign {event.campaign}: {event.title} ({event.trials} trials)"
            case ev.TrialProposed():
                factors = ", ".join(
                    f"{name} {setting(value, 3)}" for name, value in event.factors.items()
                )
                believed = (
                    f", expects {event.predicted_mean:.4g} ± {event.predicted_sd or 0:.2g}"
                    if event.predicted_mean is not None
                    else ""
                )
                by = f", measured by {event.fidelity}" if event.fidelity else ""
                return f"trial {event.trial:>3} proposed by {event.origin}: {factors}{by}{believed}"
            case ev.RunStarted():
                bound = ", ".join(sorted(set(event.plan.stations)))
                return f"trial {event.trial:>3} begins ({bound or 'no station'})"
            case ev.TrialCompleted():
                return _completed(state, event)
            case ev.TrialFailed():
                return f"trial {event.trial:>3} {failed_words(event.outcomes)}: {event.reason}"
            case ev.TrialWithdrawn():
                return f"trial {event.trial:>3} withdrawn by {event.actor}: {event.reason}"
            case ev.StepFailed():
                again = "; tried again" if event.retry else ""
                return f"        {event.run} step {event.step}: {event.error}{again}"
            case ev.CommandUnknown():
                return (
                    f"        {event.device}: outcome unknown ({event.reason}); asking the device"
                )
            case ev.CommandSettled():
                return f"        {event.device}: settled as {event.settlement.verdict} by the {event.by}"
            case (
                ev.QuestionAsked()
                | ev.TaskAsked()
                | ev.TaskAnswered()
                | ev.TaskWitnessed()
                | ev.DecisionMade()
                | ev.SampleFlagged()
                | ev.HoldJudged()
            ):
                return f"        {course_text(event)}"
            case ev.PlanJudged(adopted=True):
                return f"        {plan_text(event)}"
            case ev.DeviceStateChanged() if event.state in ("fault", "lost", "disconnected"):
                return f"        {event.device} is {event.state} {event.detail}"
            case ev.LabPaused() | ev.LabStopping() | ev.LabMadeSafe():
                return f"        {event.kind.removeprefix('lab_')} by {event.actor} {event.reason}"
            case ev.CampaignFinished():
                return f"campaign {event.campaign} {event.state}: {event.reason}"
            case _:
                return None


def _completed(state: LabState, event: ev.TrialCompleted) -> str:
    campaign = state.campaigns[event.campaign]
    objective = campaign.spec.objective
    best = campaign.best()
    done = sum(1 for trial in campaign.trials.values() if trial.status != "pending")
    trial = campaign.trials[event.trial]
    shown = f"{trial.mark(objective.result)}{with_unit(event.value, objective.unit)}"
    text = f"trial {event.trial:>3} gave {shown}"
    if campaign.aim is not None and not campaign.aim.keeps(event.outcomes):
        text += " (beyond a limit)"
    front = campaign.front()
    if campaign.aim is not None and not campaign.aim.single:
        units = {o.result: o.unit for o in campaign.objectives}
        others = [n for n in event.outcomes if n != objective.result and n in units]
        text += "".join(
            f", {name} {trial.mark(name)}{with_unit(event.outcomes[name], units[name])}"
            for name in others
        )
        text += f"   [{done}/{campaign.spec.trials}] {len(front)} on the front"
    elif best is not None and best.value is not None:
        text += f"   [{done}/{campaign.spec.trials}] best {best.mark(objective.result)}{best.value:.4g} (trial {best.number})"
    return text
