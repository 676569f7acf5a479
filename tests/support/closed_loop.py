"""The engine's core in a lab whose durations are not as planned: virtual time, no I/O, one seed.

The devices do what they are told and take a time drawn from the seed, so what comes out tells how well plans survive.
"""

from __future__ import annotations

import heapq
import math
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from lab.bus import envelope as env
from lab.domain import event as ev
from lab.domain.command import Outcome
from lab.domain.reduce import reduce
from lab.domain.state import LabState
from lab.engine import messages as msg
from lab.engine.core import Inflight, PlannedTimeline, decide
from lab.engine.timeline import TimelinePlanner
from lab.engine.translate import translate
from lab.plan.tiers import improved
from tests.lab.engine.kit import START, KitContext, campaign_started

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.domain.plan import Plan, PlannedStep
    from lab.domain.state import CampaignState


THINKING_S = 5.0


class PlannedContext(KitContext):
    """Candidates as given; plans with the engine's own planner, and counts how long that takes."""

    def __init__(self, *kinds: Sequence[Plan]) -> None:
        super().__init__(kinds[0][0])
        self.kinds = tuple(tuple(plans) for plans in kinds)
        self.planner = TimelinePlanner(lambda trial: self.candidates(trial.number, {}))
        self.cpu_s: list[float] = []
        """CPU seconds of each plan."""

    def candidates(self, trial, settings):
        return self.kinds[(trial - 1) % len(self.kinds)]

    def timeline(self, state: LabState, campaign: CampaignState, now_s: float) -> PlannedTimeline:
        began = time.process_time()
        planned = self.planner.plan(state, campaign, now_s)
        self.cpu_s.append(time.process_time() - began)
        return planned

    def improvable(self, state, campaign, now_s):
        return self.planner.improvable(state, campaign, now_s)

    def weighed(self, state, campaign, now_s, found):
        return self.planner.weighed(state, campaign, now_s, found)


def ten_percent(random: random.Random, step: PlannedStep) -> float:
    """Lognormal with a standard deviation of 10 %; what a furnace or a cool place does takes its time within 1 %."""
    exact = step.device.startswith(("furnace", "cool"))
    return step.duration_s * math.exp(random.gauss(0.0, 0.01 if exact else 0.1))


@dataclass
class ClosedLoop:
    """A campaign of so many samples, all known from the start or arriving in batches."""

    plans: Sequence[Plan]
    samples: int
    others: Sequence[Sequence[Plan]] = ()
    """Candidates of other SOPs, which samples follow in turn."""
    takes: Callable[[random.Random, PlannedStep], float] = ten_percent
    seed: int = 0
    batch: int = 0
    """Samples that are proposed together; 0: all."""
    parallel: int = 0
    evaluations: int = 0
    """Orders that each search beside the engine tries; 0: there is no search."""
    state: LabState = field(default_factory=LabState)
    events: list[ev.Event] = field(default_factory=list)
    journal: list[tuple[float, ev.Event]] = field(default_factory=list)
    """With the process seconds of each event."""
    now_s: float = START.timestamp()

    def __post_init__(self) -> None:
        self.context = PlannedContext(self.plans, *self.others)
        self.inflight = Inflight()
        self._random = random.Random(self.seed)
        self._due: list[tuple[float, int, msg.Message]] = []
        self._number = 0
        self._record(ev.EngineStarted(epoch=1, version="0", clock="virtual"))
        many = self.parallel or self.samples
        started = campaign_started(self.samples, parallel=many, batch=self.batch or many)
        self._record(started)
        devices = dict.fromkeys(
            step.device for kind in self.context.kinds for plan in kind for step in plan.steps
        )
        for device in devices:
            self._record(ev.DeviceStateChanged(device=device, state="ready"))

    def _record(self, event: ev.Event) -> None:
        at = datetime.fromtimestamp(self.now_s, UTC)
        entry = ev.Recorded(seq=self.state.seq + 1, epoch=1, at=at, event=event)
        self.state = reduce(self.state, entry)
        self.events.append(event)
        self.journal.append((self.now_s, event))

    def later(self, seconds: float, message: msg.Message) -> None:
        self._number += 1
        heapq.heappush(self._due, (self.now_s + seconds, self._number, message))

    def run(self, until_s: float = math.inf) -> Self:
        """Until the campaign ends, or until so many seconds of it have passed."""
        wake = self._settle()
        while self.state.active_campaign is not None:
            due = self._due[0][0] if self._due else math.inf
            at = min(due, math.inf if wake is None else wake)
            assert at < math.inf, "nothing is under way any more"
            if at - START.timestamp() > until_s:
                return self
            self.now_s = max(self.now_s, at)
            while self._due and self._due[0][0] <= self.now_s:
                message = heapq.heappop(self._due)[2]
                self.inflight.hear(message, self.now_s)
                for fact in translate(self.state, message):
                    self._record(fact)
            wake = self._settle()
        return self

    def _settle(self) -> float | None:
        while True:
            decision = decide(self.state, self.inflight, self.context, self.now_s)
            for effect in decision.effects:
                self.inflight.begin(effect, self.state, self.now_s)
                self._act(effect)
            if not decision.events:
                return decision.wake_s
            for event in decision.events:
                self._record(event)

    def _act(self, effect: msg.Effect) -> None:
        match effect:
            case msg.SendCommand(command=command):
                step = (
                    self.state.runs[command.run].plan.step(command.step)
                    if (command.run in self.state.runs)
                    else self.plans[0].step(command.step)
                )
                done = Outcome(result="succeeded", outputs={})
                message = env.OutcomeMessage(device=command.device, id=command.id, outcome=done)
                self.later(self.takes(self._random, step), message)
            case msg.AskOptimiser(count=count):
                self.later(
                    1.0,
                    msg.Proposed(tuple(msg.Proposal({"x": 0.5}, "sobol") for _ in range(count))),
                )
            case msg.ImprovePlan(plan=plan, job=job):
                found = improved(job, self.evaluations) if self.evaluations else None
                slots = () if found is None else found.timeline.slots
                self.later(THINKING_S, msg.PlanFound(plan, slots))
            case _:
                raise AssertionError(effect)

    # -- what came out -----------------------------------------------------------------------------

    @property
    def makespan_s(self) -> float:
        return self.now_s - START.timestamp()

    @property
    def broken(self) -> set[str]:
        """Samples of which a limit on time was broken."""
        return {e.run for e in self.events if isinstance(e, ev.TimingRecorded) and not e.kept}

    @property
    def judged(self) -> list[ev.PlanJudged]:
        return [e for e in self.events if isinstance(e, ev.PlanJudged)]

    @property
    def planned(self) -> list[ev.TimelinePlanned]:
        return [e for e in self.events if isinstance(e, ev.TimelinePlanned)]
