"""Operators: they press what they like while all is bad, and look at the bench before they answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from lab.faults.machine_driver import CLOSE_UL

if TYPE_CHECKING:
    from lab.domain.state import Question
    from lab.engine.shell import Engine
    from lab.faults.laboratory import Laboratory

__all__ = ["People"]

_GIVE_UP = "give up"
"""Abort one run; the campaign goes on, and its next sample wants the same place."""
_PRESSED = (
    *("pause", "resume", "pause", "resume", "abort", "safe", "rearm", "stop", "nonsense"),
    *(_GIVE_UP, _GIVE_UP),
)
_PATIENCE_S = 20.0


class People:
    """Ada and Bob; every request has an id of its own, and some are said twice."""

    def __init__(self, lab: Laboratory) -> None:
        self._lab = lab
        self._said = 0

    async def say(self, verb: str, **args: str) -> None:
        """Ask the engine that can be reached, if any; an answer that doesn't come is not waited for."""
        lab = self._lab
        engine = lab.engine
        if engine is None:
            return
        self._said += 1
        actor = lab.rng.choice(("Ada", "Bob"))
        lab.story.tell(actor, f"says {verb} {' '.join(args.values())}".rstrip())
        name = f"p{self._said}"
        times = 2 if lab.rng.random() < 0.2 else 1
        await asyncio.gather(*(self._ask(engine, name, verb, actor, args) for _ in range(times)))

    async def _ask(
        self, engine: Engine, name: str, verb: str, actor: str, args: dict[str, str]
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await engine.request(name, verb, actor, "because", dict(args))

    async def press(self, times: int) -> None:
        """So many buttons at moments of the bad time."""
        lab = self._lab
        for _ in range(times):
            await asyncio.sleep(lab.rng.random() * lab.knobs.bad_s / times)
            verb = lab.rng.choice(_PRESSED)
            if verb == _GIVE_UP:
                await self._give_up()
            else:
                await self.say(verb)

    async def _give_up(self) -> None:
        engine = self._lab.engine
        runs = [] if engine is None else [run.id for run in engine.state.open_runs()]
        if runs:
            await self.say("abort", run=self._lab.rng.choice(runs))

    async def attend(self) -> None:
        """Answer what is asked, for ever; once all is calm, bring the lab back to work."""
        lab = self._lab
        while True:
            await asyncio.sleep(lab.knobs.scale.look_s * (0.5 + lab.rng.random()))
            engine = lab.engine
            if engine is None:
                continue
            for question in list(engine.state.questions.values()):
                await self._answer(question)
            if lab.calm and engine.state.mode == "paused":
                await self.say("resume")
            elif lab.calm and (
                engine.state.mode == "safe"
                or any(device.state == "safe" for device in engine.state.devices.values())
            ):
                await self.say("rearm")

    async def _answer(self, question: Question) -> None:
        lab = self._lab
        if "emptied" in question.choices:
            lab.room.pot_ul = 0.0
            await self.say("answer", question=question.id, answer="emptied")
        elif question.command:
            word = self._seen(question)
            if word:
                await self.say("answer", question=question.id, answer=word)
        else:
            word = lab.rng.choice(question.choices)
            await self.say("answer", question=question.id, answer=word)

    def _seen(self, question: Question) -> str:
        """What the bench shows of a dose; nothing is said while the machine moves or hangs."""
        lab = self._lab
        engine = lab.engine
        entry = None if engine is None else engine.state.commands.get(question.command)
        volume = None if entry is None else entry.command.args.get("volume")
        if entry is None or not isinstance(volume, float):
            return "not_done"
        machine = lab.room.machines[entry.command.device]
        if machine.moving or machine.hung_until > lab.loop.time():
            return ""
        machine.finish()
        acts = lab.room.acts_of(round(volume * 1000))
        if not acts:
            return "not_done"
        whole = acts[-1].delivered >= volume * 1000 - CLOSE_UL
        return "done" if whole else "partial"
