"""A state that is told one event after the other, beginning with a campaign whose first run has just started."""

from __future__ import annotations

from datetime import timedelta

from lab.domain import event as ev
from lab.domain.command import Command
from lab.domain.ids import command_id, run_id
from lab.domain.reduce import reduce
from lab.domain.state import LabState
from tests.support.sample_journal import CAMPAIGN, START, make_plan, sample_records

RUN = run_id(CAMPAIGN, 1)
SAMPLE = sample_records()


class Story:
    """A state that is told one event after the other."""

    def __init__(self) -> None:
        self.state = LabState()

    def tell(self, event: ev.Event, at_s: float = 0.0) -> LabState:
        at = START + timedelta(seconds=at_s)
        record = ev.Recorded(seq=self.state.seq + 1, epoch=3, at=at, event=event)
        self.state = reduce(self.state, record)
        return self.state

    def intend(self, step: str = "tare", attempt: int = 1, at_s: float = 0.0) -> Command:
        planned = make_plan((4.0, 1.0), 1).step(step)
        command = Command(
            id=command_id("j1", RUN, step, attempt),
            run=RUN,
            step=step,
            attempt=attempt,
            device=planned.device,
            action=planned.action,
            effect=planned.effect,
            settle=planned.settle,
            timeout_s=60,
        )
        self.tell(ev.CommandIntended(command=command), at_s)
        return command
