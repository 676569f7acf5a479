"""An engine port without an engine: the real state out of a list of events, and simple answers to requests."""

from __future__ import annotations

import asyncio
import os
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from lab.control.port import Answer, EngineInfo, Request
from lab.control.server import ControlServer
from lab.domain import event as ev
from lab.domain.reduce import reduce
from lab.domain.state import LabState
from lab.engine import messages as msg
from lab.engine.people import judge_answer, judge_witness
from tests.support.sample_journal import START, sample_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from lab.engine.people import Judgement

__all__ = ["EngineThread", "FakeEngine"]

_EFFECTS = {
    "pause": ev.LabPaused,
    "resume": ev.LabResumed,
    "stop": ev.LabStopping,
    "abort": ev.LabStopping,
    "safe": ev.LabMadeSafe,
    "rearm": ev.LabRearmed,
}


class FakeEngine:
    """Obeys `EnginePort`. `tell` adds an event; `asked` holds every request that reached the engine.

    What people say is judged by the engine's own rules; what would follow from it beside the step's end is not played.
    """

    def __init__(
        self, database: str, until_s: float = 1460.0, play: Sequence[ev.Recorded] = ()
    ) -> None:
        self.records: list[ev.Recorded] = []
        self.asked: list[Request] = []
        self.hold = asyncio.Event()
        self.hold.set()
        self.loop = asyncio.get_running_loop()
        self.now = START + timedelta(seconds=until_s)
        self._state = LabState()
        self._database = database
        self._news = asyncio.Event()
        if play:  # what happened in it, in place of the sample
            self.now = play[-1].at
            for record in play:
                self.tell(record.event, (record.at - START).total_seconds())
            return
        for event, at_s in sample_events():
            if at_s <= until_s:
                self.tell(event, at_s)

    def tell(self, event: ev.Event, at_s: float | None = None) -> ev.Recorded:
        at = self.now if at_s is None else START + timedelta(seconds=at_s)
        record = ev.Recorded(seq=len(self.records) + 1, epoch=1, at=at, event=event)
        self.records.append(record)
        self._state = reduce(self._state, record)
        self._news.set()
        self._news = asyncio.Event()
        return record

    async def request(self, request: Request) -> Answer:
        self.asked.append(request)
        await self.hold.wait()
        self.tell(
            ev.RequestReceived(
                request=request.id,
                verb=request.verb,
                actor=request.actor,
                reason=request.reason,
                args=request.args,
            )
        )
        facts: list[ev.Event] = []
        if request.verb in ("answer", "witness"):
            accepted, detail, facts = self._judged(request)
        else:
            accepted, detail = True, f"{request.verb}: done"
            effect = _EFFECTS[request.verb]
            why = {"reason": request.reason} if "reason" in effect.model_fields else {}
            facts = [effect(actor=request.actor, **why)]
        self.tell(ev.RequestAnswered(request=request.id, accepted=accepted, detail=detail))
        for fact in facts:
            self.tell(fact)
            self._end_task(fact)
        return Answer(id=request.id, accepted=accepted, detail=detail)

    def _judged(self, request: Request) -> Judgement:
        """As the engine judges what people say."""
        judge = judge_answer if request.verb == "answer" else judge_witness
        said = msg.Requested(
            request.id, request.verb, request.actor, request.reason, dict(request.args)
        )
        return judge(self._state, said)

    def _end_task(self, fact: ev.Event) -> None:
        """A task that is answered and, where that is due, witnessed ends its step."""
        if not isinstance(fact, ev.TaskAnswered | ev.TaskWitnessed):
            return
        task = self._state.tasks[fact.task]
        if task.ended and task.answer is not None:
            given = task.answer.answers
            self.tell(ev.StepSucceeded(run=fact.run, step=fact.step, outputs=given))

    def state(self) -> LabState:
        return self._state

    async def events(self, after: int) -> AsyncIterator[ev.Recorded]:
        while True:
            news = self._news
            while after < len(self.records):
                yield self.records[after]
                after += 1
            await news.wait()

    def info(self) -> EngineInfo:
        return EngineInfo(
            lab="electrolyte_cell",
            version="0.1.0",
            epoch=1,
            database=self._database,
            clock="scaled",
            speed=60.0,
            now=self.now,
            pid=os.getpid(),
        )


class EngineThread:
    """A fake engine behind a real control server, on a loop in a thread of its own."""

    def __init__(self, database: Path, play: Sequence[ev.Recorded] = ()) -> None:
        self._database = database
        self._play = play
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> FakeEngine:
        self._thread.start()
        assert self._ready.wait(10)
        return self.port

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self.port = FakeEngine(f"sqlite:///{self._database}", play=self._play)
        async with ControlServer(self.port):
            self._ready.set()
            await self._end.wait()
