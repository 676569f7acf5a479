"""When a virtual run gives up waiting: for a person at once, for a signal when nothing else happens any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from lab.app.unattended import SILENCE_S, unattended
from lab.domain import event as ev
from lab.domain.errors import LabError
from lab.domain.reduce import reduce
from lab.domain.state import LabState
from lab.engine.virtual_loop import run_virtual
from tests.lab.engine.kit import START, campaign_started, usual_plan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab.engine.shell import Engine


class Teller:
    """An engine that tells what it is given, each after so many seconds, and then waits or ends."""

    def __init__(self, *told: tuple[float, ev.Event], ends: bool = False) -> None:
        self.state, self.told, self.ends = LabState(), told, ends

    async def events(self, after: int) -> AsyncIterator[ev.Recorded]:
        assert after == 0
        for seconds, event in self.told:
            await asyncio.sleep(seconds)
            record = ev.Recorded(seq=self.state.seq + 1, epoch=1, at=START, event=event)
            self.state = reduce(self.state, record)
            yield record
        if not self.ends:
            await asyncio.Event().wait()


def _waits(problem: str = "missing", device: str = "hotplate") -> ev.ContextAwaited:
    told = {"campaign": "kit-1", "factor": "room", "problem": problem, "detail": "it is mute", "device": device}  # fmt: skip
    return ev.ContextAwaited.model_validate(told)


BEGIN = (0.0, campaign_started())
TOLD = ev.ContextTold(
    campaign="kit-1", factor="room", told=ev.ContextValue(value=22.0, source="hotplate")
)
RUN = ev.RunStarted(campaign="kit-1", run="kit-1/r001", trial=1, plan=usual_plan())
PROPOSED = ev.TrialProposed(campaign="kit-1", trial=1, factors={"x": 0.5}, origin="sobol")
OVER = ev.RunFinished(run="kit-1/r001", outcome="failed", reason="spilt")
ASKED = ev.QuestionAsked(
    question="q", command="", run="kit-1/r001", text="Is it dry?", choices=("yes",)
)


def _ends(teller: Teller, after_s: float) -> tuple[str, float]:
    """Why it gave up (empty where the engine ended by itself after `after_s`), and when."""

    async def main() -> tuple[str, float]:
        async def engine() -> LabState:
            await asyncio.sleep(after_s)
            return teller.state

        running = asyncio.create_task(engine())
        loop = asyncio.get_running_loop()
        try:
            await unattended(cast("Engine", teller), running, 0)
        except LabError as error:
            assert running.cancelled()
            return str(error), loop.time()
        return "", loop.time()

    return run_virtual(main())


@pytest.mark.parametrize("problem", ["missing", "stale"])
def test_a_signal_that_stays_away_ends_it_after_an_hour_without_anything_else(problem: str):
    why, at_s = _ends(Teller(BEGIN, (5.0, _waits(problem))), 1e6)
    assert why == (
        "nothing is proposed before room is known: it is mute, and nothing else has happened for 1 h"
    )
    assert at_s == pytest.approx(5.0 + SILENCE_S)


def test_a_signal_that_comes_in_time_is_waited_for():
    teller = Teller(BEGIN, (5.0, _waits()), (SILENCE_S - 1.0, TOLD), (3 * SILENCE_S, PROPOSED))
    assert _ends(teller, 1e5) == ("", 1e5)


def test_while_a_run_is_under_way_its_end_may_bring_the_engine_to_its_own():
    busy = Teller(BEGIN, (0.0, PROPOSED), (0.0, RUN), (5.0, _waits()))
    assert _ends(busy, 5 * SILENCE_S) == ("", 5 * SILENCE_S)
    over = Teller(BEGIN, (0.0, PROPOSED), (0.0, RUN), (5.0, _waits()), (1.5 * SILENCE_S, OVER))
    why, at_s = _ends(over, 1e6)
    assert "it is mute" in why
    assert at_s == pytest.approx(5.0 + 2.5 * SILENCE_S)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ASKED, "a person is needed, and a virtual run has none: Is it dry?"),
        (_waits("missing", ""), "a person is needed, and a virtual run has none: it is mute"),
        (_waits("outside"), "a person is needed, and a virtual run has none: it is mute"),
    ],
)
def test_what_only_a_person_could_say_ends_it_at_once(event: ev.Event, words: str):
    begin = Teller(BEGIN, (0.0, PROPOSED), (0.0, RUN), (7.0, event))
    assert _ends(begin, 1e6) == (words, 7.0)


def test_a_service_is_done_by_simulated_people():
    refill = ASKED.model_copy(update={"service": "refill water", "run": ""})
    assert _ends(Teller(BEGIN, (1.0, refill)), 1e4) == ("", 1e4)


def test_an_engine_that_ends_is_waited_for():
    assert _ends(Teller(BEGIN, (5.0, TOLD), ends=True), 100.0) == ("", 100.0)
