"""The engine's hands: takes messages, asks the core, makes events durable, then acts.

One loop, one writer. While a commit is under way further messages gather, and the next commit holds them all: so
many steps share one durable write without anyone arranging it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from lab.domain import event as ev
from lab.domain.errors import UnavailableError
from lab.domain.reduce import reduce, reduce_all
from lab.domain.state import LabState
from lab.engine import messages as msg
from lab.engine.core import CampaignContext, Inflight, decide
from lab.engine.gateway import DeviceGateway
from lab.engine.handover import given_up, outranked
from lab.engine.herald import Herald
from lab.engine.planner_frames import PlanAnswer
from lab.engine.proposals import refused
from lab.engine.simulated_people import due_people, simulated_requests
from lab.engine.surroundings import context_signals
from lab.engine.translate import answers_of, are_reports, can_wait, translate
from lab.engine.writer import Writer

if TYPE_CHECKING:
    from lab.bus.transport import Transport
    from lab.engine.clock import EngineClock
    from lab.engine.improver import Improver
    from lab.engine.writer import JournalWriter, Trouble

__all__ = ["Engine", "Suggest"]

_LOG = logging.getLogger(__name__)

_MAX_ROUNDS = 10_000
_GATHER_S = 0.02
"""Real seconds that an acceptance waits for what comes next, mostly the command's end, to share its disk write."""
_VIRTUAL_THINKING_S = 2.0
"""Process seconds that a suggestion takes under the virtual clock, where computing costs no time."""


Suggest = Callable[[LabState, str, int], tuple[msg.Proposal, ...]]
"""The optimiser: (state, campaign, count) to proposals. Heavy; runs beside the loop where there is a real clock."""


@dataclass(slots=True)
class _Turn:
    """What one batch of messages comes to: the state after it, what is to be made durable, and what is done then."""

    state: LabState
    staged: list[tuple[ev.Event, datetime]]
    effects: list[msg.Effect]


class Engine:
    """Runs one campaign of one lab. Made once, run once, in one loop.

    The virtual clock knows no threads: there the journal and the optimiser are called in line, so the same seed gives
    the same order of events. With `simulate_people` nobody is waited for: tasks are answered as the procedure says.
    """

    def __init__(
        self,
        *,
        lab: str,
        devices: tuple[str, ...],
        journal: JournalWriter,
        identity: str,
        transport: Transport,
        clock: EngineClock,
        context: CampaignContext,
        suggest: Suggest,
        version: str,
        improver: Improver | None = None,
        heartbeat_s: float = 1.0,
        beat_s: float | None = 2.0,
        simulate_people: bool = False,
        take_over: bool = False,
    ) -> None:
        self._lab = lab
        self._writer = Writer(journal, clock)
        self._identity = identity
        self._transport = transport
        self._clock = clock
        self._context = context
        self._suggest = suggest
        self._improver = improver
        self._version = version
        self._state = LabState()
        self._inflight = Inflight()
        self._inbox: asyncio.Queue[msg.Message] = asyncio.Queue()
        self._answers: dict[str, asyncio.Future[msg.Answered]] = {}
        self._listeners: list[asyncio.Queue[ev.Recorded | None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._herald = Herald(transport, lab)
        self._improving: asyncio.Task[None] | None = None
        self._wake: asyncio.Task[None] | None = None
        self._wake_s: float | None = None
        self._last_at: datetime | None = None
        self._simulate_people = simulate_people
        self._played: set[str] = set()
        self._ended = False
        self._gateway = DeviceGateway(
            transport,
            lab,
            devices,
            self._inbox.put_nowait,
            clock.wall,
            heartbeat_s=heartbeat_s,
            beat_s=beat_s,
            take_over=take_over,
            signals=tuple({(lock.device, lock.signal) for lock in context.interlocks}),
            speed=1.0 if clock.kind == "virtual" else clock.speed,
        )

    @property
    def state(self) -> LabState:
        """What is true by the journal; never ahead of it."""
        return self._state

    @property
    def trouble(self) -> Trouble | None:
        """Why the lab is held: the records can't be written."""
        return self._writer.trouble

    @property
    def epoch(self) -> int:
        """Rises by one with each start of an engine on the same records."""
        return self._writer.epoch

    async def run(self, start: ev.CampaignStarted | None, *, samples_lost: str = "") -> LabState:
        """Begin the given campaign, or go on with the one that the journal holds open; returns at its end.

        `samples_lost` says why the samples of open runs no longer exist, if so: their runs are aborted, and what is
        unknown of them stays so.
        """
        self._state = await self._writer.load()
        self._last_at = datetime.fromtimestamp(self._state.at_s, UTC) if self._state.seq else None
        first: list[ev.Event] = [
            ev.EngineStarted(
                epoch=self._writer.epoch,
                journal=self._state.journal or self._identity,
                version=self._version,
                clock=self._clock.kind,
            )
        ]
        # A new process knows nothing of its devices until they speak.
        first += [
            ev.DeviceStateChanged(device=name, state="lost", detail="the engine was restarted")
            for name, device in sorted(self._state.devices.items())
            if device.state != "lost"
        ]
        if samples_lost:
            first += [
                ev.RunStopping(run=run.id, outcome="aborted", reason=samples_lost)
                for run in self._state.open_runs()
                if run.status == "running"
            ]
            first += given_up(self._state, samples_lost)
        if start is not None:
            first.append(start)
        await self._commit(first)
        # Looks once before anything is heard: what is open from before may wait for a moment, not for a message.
        self._inbox.put_nowait(msg.Tick())
        try:
            signals = context_signals(self._state)
            await self._gateway.start(self._writer.epoch, self._state.journal, signals)
            while not self._finished():
                await self._turn()
                self._writer.keep_now_and_then(self._state)
            await self._gateway.leave()
            await self._writer.keep_at_the_end(self._state)
            return self._state
        finally:
            await self._close()

    def _finished(self) -> bool:
        return self._state.active_campaign is None and not self._state.open_runs()

    async def request(
        self,
        request: str,
        verb: str,
        actor: str,
        reason: str = "",
        args: dict[str, Any] | None = None,
    ) -> msg.Answered:
        """Ask the engine for something; returns its recorded answer. A repeated id gets the first answer again."""
        known = self._state.requests.get(request)
        if known is not None:
            return msg.Answered(request, known.accepted, known.detail)
        if self._ended:
            return msg.Answered(request, False, "the engine has ended")
        if self.trouble is not None:
            if verb != "safe":
                return msg.Answered(request, False, f"{self.trouble.text}; ask again when they can")
            # It needs no record to be obeyed. What keeps the devices safe then is lifted by re-arming, as ever.
            await self._gateway.safe(actor, f"safe-{request}")
        future = self._answers.setdefault(request, asyncio.get_running_loop().create_future())
        self._inbox.put_nowait(msg.Requested(request, verb, actor, reason, args or {}))
        return await asyncio.shield(future)

    async def events(self, after: int) -> AsyncIterator[ev.Recorded]:
        """Records after a sequence number, then live ones, until the engine ends."""
        queue: asyncio.Queue[ev.Recorded | None] = asyncio.Queue()
        self._listeners.append(queue)
        try:
            last = after
            for record in await self._writer.read(after):
                last = record.seq
                yield record
            while not self._ended or not queue.empty():
                record = await queue.get()
                if record is None:
                    return
                if record.seq > last:
                    last = record.seq
                    yield record
        finally:
            self._listeners.remove(queue)

    # -- the loop -------------------------------------------------------------------------------

    async def _turn(self) -> None:
        batch = [await self._inbox.get()]
        self._gather(batch)
        if self._writer.beside and can_wait(batch):
            with suppress(TimeoutError):
                async with asyncio.timeout(_GATHER_S):
                    while can_wait(batch):
                        batch.append(await self._inbox.get())
                        self._gather(batch)
        for message in batch:
            if isinstance(message, msg.Outranked):
                raise outranked(message, self._state)
        effects = await self._recorded(batch)
        still_open = self._open_by_device(effects)
        for effect in effects:
            about = msg.command_of(effect)
            # A run that ended later in the same turn has taken its commands along: nobody asks about them any more.
            if about is None or about in self._state.commands:
                await self._act(effect, still_open)
        if self._simulate_people:
            self._play_people()

    async def _recorded(self, batch: list[msg.Message]) -> list[msg.Effect]:
        """Decide and make durable; what may be done now. While the records can't be written the lab is held: no beat is
        sent, so that devices become safe by themselves, and all is decided anew at each try, because time passes."""
        while True:
            before = self._inflight.copy()
            turn = self._decided(batch, again=self.trouble is not None)
            try:
                await self._durable(turn.staged)
            except UnavailableError as error:
                self._inflight = before
                self._gateway.hushed = True
                late = await self._writer.hold(error)
                batch = [message for message in batch if not isinstance(message, msg.Signal)]
                if late:
                    return self._adopted(batch, late)
            else:
                if self._gateway.hushed and self.trouble is None:
                    self._gateway.hushed = False
                    self._forget_signals()
                self._state = turn.state
                return turn.effects

    def _decided(self, batch: list[msg.Message], *, again: bool) -> _Turn:
        turn = _Turn(self._state, [], [])

        def stage(events: list[ev.Event] | tuple[ev.Event, ...]) -> None:
            for event in events:
                at = self._stamp()
                turn.staged.append((event, at))
                record = ev.Recorded(
                    seq=turn.state.seq + 1, epoch=self._writer.epoch, at=at, event=event
                )
                turn.state = reduce(turn.state, record)

        def decide_all() -> None:
            # One moment for all rounds: what becomes due while they work (the next part of a plan) is for the next turn,
            # so that no turn holds the loop for longer than its own work takes.
            now_s = self._clock.now().timestamp()
            for _ in range(_MAX_ROUNDS):
                decision = decide(turn.state, self._inflight, self._context, now_s)
                for effect in decision.effects:
                    self._inflight.begin(effect, turn.state, now_s)
                    turn.effects.append(effect)
                if not decision.events:
                    self._wake_at(decision.wake_s)
                    return
                stage(decision.events)
            raise RuntimeError("the core finds no rest: a rule repeats itself")

        for message in batch:
            self._inflight.hear(message, self._clock.now().timestamp())
            facts = translate(turn.state, message)
            stage(facts)
            turn.effects += answers_of(facts)
            if isinstance(message, msg.Requested):
                # What a person asks is acted upon by itself: `safe` and `rearm` in one batch are two acts.
                decide_all()
        if again or turn.staged or not self._is_idle_talk(batch):
            decide_all()
        return turn

    def _adopted(self, batch: list[msg.Message], late: list[ev.Recorded]) -> list[msg.Effect]:
        """Records that were made durable after all, by a try whose answer was lost. They are true; but what was to follow
        from them is too old to be done now, so the commands among them count as unknown until their devices are asked."""
        self._tell(late)
        self._state = reduce_all(self._state, late)
        for message in batch:
            self._inflight.hear(message, self._clock.now().timestamp())
        self._inflight.unsent |= {
            record.event.command.id
            for record in late
            if isinstance(record.event, ev.CommandIntended)
        }
        self._inbox.put_nowait(msg.Tick())
        return answers_of([record.event for record in late])

    def _forget_signals(self) -> None:
        """Live values that came while the lab was held are old by now, whatever their time of arrival says."""
        waiting: list[msg.Message] = []
        self._gather(waiting)
        for message in waiting:
            if not isinstance(message, msg.Signal):
                self._inbox.put_nowait(message)

    def _is_idle_talk(self, batch: list[msg.Message]) -> bool:
        """Do these reports, which have added no fact, leave the last decision as it is? It follows from what is true and
        from the time; when time changes it, it has said so itself."""
        if not are_reports(batch):
            return False
        return self._wake_s is None or self._clock.now().timestamp() < self._wake_s

    def _gather(self, batch: list[msg.Message]) -> None:
        while not self._inbox.empty():
            batch.append(self._inbox.get_nowait())

    def _play_people(self) -> None:
        for name, due_s in due_people(self._state, self._context.services).items():
            if name not in self._played:
                self._played.add(name)
                self._spawn(self._play(name, due_s - self._clock.now().timestamp()))

    async def _play(self, task: str, seconds: float) -> None:
        await self._clock.sleep(max(0.0, seconds))
        for request in simulated_requests(self._state, task):
            self._inbox.put_nowait(request)

    def _stamp(self) -> datetime:
        at = self._clock.now()
        if self._last_at is not None and at < self._last_at:
            at = self._last_at
        self._last_at = at
        return at

    def _open_by_device(self, effects: list[msg.Effect]) -> dict[str, list[str]]:
        """Device -> its open commands; looked for only where a command is to be sent."""
        found: dict[str, list[str]] = {}
        if any(isinstance(effect, msg.SendCommand) for effect in effects):
            for entry in self._state.open_commands():
                found.setdefault(entry.command.device, []).append(entry.command.id)
        return found

    async def _act(self, effect: msg.Effect, still_open: dict[str, list[str]]) -> None:
        match effect:
            case msg.SendCommand():
                command = effect.command
                ledger = self._state.commands[command.id].ledger
                of_device = still_open.get(command.device, [])
                self._spawn(self._gateway.command(command, ledger, of_device))
            case msg.QueryCommand():
                ledger = self._state.commands[effect.command].ledger
                self._spawn(self._gateway.query(effect.command, effect.device, ledger))
            case msg.CancelCommand():
                ledger = self._state.commands[effect.command].ledger
                self._spawn(
                    self._gateway.cancel(effect.command, effect.device, ledger, effect.actor)
                )
            case msg.AskOptimiser():
                self._spawn(self._ask(effect))
            case msg.ImprovePlan():
                self._improving = self._spawn(self._improve(effect))
            case msg.MakeSafe():
                self._spawn(self._gateway.safe(effect.actor, effect.id))
            case msg.Rearm():
                self._spawn(self._gateway.lift(effect.device, effect.lifts))
            case msg.Answered():
                future = self._answers.pop(effect.request, None)
                if future is not None and not future.done():
                    future.set_result(effect)

    async def _ask(self, effect: msg.AskOptimiser) -> None:
        asked = effect.campaign, effect.count
        try:
            if not self._writer.beside:
                await self._clock.sleep(_VIRTUAL_THINKING_S)
            state = self._state
            if self._writer.beside:
                proposals = await asyncio.to_thread(self._suggest, state, *asked)
            else:
                proposals = self._suggest(state, *asked)
        except Exception as error:
            # Whatever the optimiser's libraries raise ends the campaign with its reason, not the engine.
            _LOG.exception("the optimiser failed")
            self._inbox.put_nowait(msg.Proposed.none(error))
            return
        error = refused(state.campaigns[effect.campaign], proposals)
        self._inbox.put_nowait(msg.Proposed(() if error else proposals, error))

    async def _improve(self, effect: msg.ImprovePlan) -> None:
        found = PlanAnswer()
        try:
            if self._improver is not None:
                found = await self._improver.improve(effect.job)
        except Exception:
            # Whatever a search raises costs its improvement and nothing else.
            _LOG.exception("the search for a better plan failed")
        self._inbox.put_nowait(msg.PlanFound(effect.plan, found.slots, found.source))

    def _wake_at(self, wake_s: float | None) -> None:
        if self._wake is not None and not self._wake.done():
            if wake_s == self._wake_s:
                return
            self._wake.cancel()
        self._wake = None
        self._wake_s = wake_s
        if wake_s is None:
            return
        delay = wake_s - self._clock.now().timestamp()
        self._wake = asyncio.create_task(self._tick_after(delay), name="engine-wake")

    async def _tick_after(self, seconds: float) -> None:
        await self._clock.sleep(max(0.001, seconds))
        self._inbox.put_nowait(msg.Tick())

    # -- records ----------------------------------------------------------------------------------

    async def _commit(self, events: list[ev.Event]) -> None:
        staged = [(event, self._stamp()) for event in events]
        records = await self._durable(staged)
        self._state = reduce_all(self._state, records)

    async def _durable(self, staged: list[tuple[ev.Event, datetime]]) -> list[ev.Recorded]:
        records = await self._writer.append(staged)
        self._tell(records)
        return records

    def _tell(self, records: list[ev.Recorded]) -> None:
        for record in records:
            for queue in self._listeners:
                queue.put_nowait(record)
        if self._herald.take(records):
            self._spawn(self._herald.tell())

    # -- tasks ------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("an effect failed: %s", error)

    async def _close(self) -> None:
        self._ended = True
        self._writer.end()
        if self._wake is not None:
            self._wake.cancel()
        for queue in self._listeners:
            queue.put_nowait(None)
        for request, future in self._answers.items():
            if not future.done():
                future.set_result(msg.Answered(request, False, "the engine has ended"))
        if self._improving is not None:
            # Nobody needs its answer any more.
            self._improving.cancel()
        if self._tasks:
            _, waiting = await asyncio.wait(self._tasks, timeout=2.0)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if self._improver is not None:
            await self._improver.close()
        await self._gateway.close()
        await self._writer.close()
