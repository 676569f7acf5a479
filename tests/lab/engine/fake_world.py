"""A world that goes wrong at will, around the engine's core: hosts with ledgers, and a network that loses and doubles.

`World` moves messages between hosts (`fake_host`) and a `Mind`, wakes the mind only by a message or at the time that it
asked for, and checks the laws at each step.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from lab.bus import envelope as env
from lab.domain import event as ev
from lab.domain.reduce import reduce_all
from lab.domain.state import CommandState, LabState
from lab.domain.stations import held_stations
from lab.engine import messages as msg
from tests.lab.engine.fake_host import Ending, Host
from tests.lab.engine.kit import DEVICES, KitContext, Mind

if TYPE_CHECKING:
    from lab.domain.command import Command

NOT_ACTED = ("refused", "failed_no_effect", "settled_not_done")


class World:
    """A mind among hosts. Each method is one thing that may happen; the laws are checked after it."""

    def __init__(
        self,
        context: KitContext,
        trials: int,
        parallel: int,
        batch: int,
        readings: dict[str, float] | None = None,
    ) -> None:
        self.mind = Mind(context, trials, parallel=parallel, batch=batch)
        self.mind.doubts = True
        self.hosts = {name: Host(name, readings=readings or {}) for name in DEVICES}
        self.down: list[tuple[msg.Effect, int]] = []
        self.asked: list[int] = []
        self.sent: set[str] = set()
        self.requests = 0
        self._beaten: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._seen = 0
        self._folded = LabState()
        self._after(self.mind.settle())

    # -- what may happen ---------------------------------------------------------------------

    def send_down(self, index: int, copies: int) -> None:
        """A message to a host arrives so many times; 0 loses it."""
        if not self.down:
            return
        effect, epoch = self.down.pop(index % len(self.down))
        for _ in range(copies):
            for host in self._up(effect):
                self._arrive(host, effect, epoch)

    def send_up(self, device: str, index: int, copies: int) -> None:
        """A host's message arrives at the engine so many times; 0 loses it."""
        host = self.hosts[device]
        if host.out:
            message = host.out.pop(index % len(host.out))
            if isinstance(message, env.State) and copies:
                self._beaten[device] = (message.state, message.safe_requests)
            for _ in range(copies):
                self._hear(message)

    def beat(self, device: str) -> None:
        host = self.hosts[device]
        if host.up:
            if host.epoch < self.mind.epoch:
                host.hello(self.mind.epoch)
            state = host.state()
            # As the gateway does: a beat that tells nothing new wakes nobody.
            told = (state.state, state.safe_requests)
            if self._beaten.get(device) != told:
                self._beaten[device] = told
                self._hear(state)

    def end(self, device: str, how: Ending) -> None:
        if self.hosts[device].up:
            self.hosts[device].end(how)

    def act(self, device: str) -> None:
        self.hosts[device].act()

    def reboot(self, device: str, can_tell: bool) -> None:
        """The host dies and is back; the gateway sees another boot id in its first beat."""
        host = self.hosts[device]
        host.reboot(can_tell=can_tell)
        host.out.clear()
        host.up = True
        state = host.state()
        self._beaten[device] = (state.state, state.safe_requests)
        self._hear(msg.DeviceLost(device), state)

    def abandon(self, device: str) -> None:
        """Its host hears no more of the engine, which may live all the same."""
        if self.hosts[device].up:
            self.hosts[device].abandon()

    def silence(self, device: str) -> None:
        self.hosts[device].up = False
        self._beaten.pop(device, None)
        self._hear(msg.DeviceLost(device))

    def recover(self, device: str) -> None:
        self.hosts[device].up = True
        self.hosts[device].fault = False
        self.beat(device)

    def break_down(self, device: str) -> None:
        self.hosts[device].fault = True
        self.beat(device)

    def abort(self, index: int) -> None:
        """One of the open runs, or one that does not exist."""
        runs = [run.id for run in self.mind.state.open_runs()]
        self.requests += 1
        name = runs[index % len(runs)] if runs else "kit-1/r999"
        args = {"run": name}
        self._hear(msg.Requested(f"q{self.requests}", "abort", "Ada", "because", args=dict(args)))

    def request(self, verb: str) -> None:
        self.requests += 1
        self._hear(msg.Requested(f"q{self.requests}", verb, "Ada", "because"))

    def answer(self, *, discard: bool) -> None:
        """A person looks at the bench and tells the truth, or gives the sample up."""
        self._do_tasks(discard=discard)
        for question in list(self.mind.state.questions.values())[:1]:
            if question.step:
                good = "emptied" if "emptied" in question.choices else question.choices[-2]
                again = "try_again" in question.choices and self.requests % 2
                bad = "abort" if "abort" in question.choices else "try_again" if again else good
                self._say(question.id, bad if discard else good)
                continue
            entry = self.mind.state.commands.get(question.command)
            acted = False
            if entry is not None:
                known = self.hosts[entry.command.device].ledger.get(question.command)
                acted = known is not None and known.acted
            word = "discarded" if discard else "partial" if acted else "not_done"
            self._say(question.id, word)

    def _say(self, question: str, word: str) -> None:
        self.requests += 1
        args = {"question": question, "answer": word}
        self._hear(msg.Requested(f"q{self.requests}", "answer", "Ada", args=dict(args)))

    def _do_tasks(self, *, discard: bool) -> None:
        """Everybody does what is asked of them, and somebody else looks on."""
        for task in list(self.mind.state.tasks):
            answers = {"failed": True} if discard else {"clear": True}
            for verb, actor in (("answer", "Ada"), ("witness", "Ada"), ("witness", "Bob")):
                self.requests += 1
                args = {"question": task, "answers": answers}
                request = f"q{self.requests}"
                self._hear(msg.Requested(request, verb, actor, "because", args=dict(args)))
                accepted = self.mind.state.requests[request].accepted
                assert not (accepted and verb == "witness" and actor == "Ada"), "witnessed oneself"

    def propose(self, *, fail: bool) -> None:
        if self.asked:
            count = self.asked.pop(0)
            proposals = tuple(msg.Proposal({"x": 0.5}, "sobol") for _ in range(count))
            self._hear(msg.Proposed((), "singular") if fail else msg.Proposed(proposals))

    def wait(self, seconds: float) -> None:
        """Time passes; the mind looks up only at the moment that it asked for."""
        target = self.mind.now.timestamp() + seconds
        looks = 0
        while (wake := self.mind.wake_s) is not None and wake <= target:
            looks += 1
            assert looks < 1000, "the core wakes itself for nothing"
            self._after(self.mind.pass_time(max(0.0, wake - self.mind.now.timestamp()) + 0.001))
        self.mind.now += timedelta(seconds=max(0.0, target - self.mind.now.timestamp()))

    def advance(self, *hows: Ending) -> None:
        """Everything that is under way arrives, once, and what the devices have in hand ends so."""
        while self.down:
            self.send_down(0, 1)
        for (name, host), how in zip(self.hosts.items(), hows, strict=True):
            self.end(name, how)
            while host.out:
                self.send_up(name, 0, 1)
        self.propose(fail=False)

    def restart(self) -> None:
        self.asked.clear()
        self._beaten.clear()
        self.mind.restart()
        self._after(self.mind.settle())

    # -- inside ------------------------------------------------------------------------------

    def _up(self, effect: msg.Effect) -> list[Host]:
        match effect:
            case msg.SendCommand():
                names = [effect.command.device]
            case msg.QueryCommand() | msg.CancelCommand():
                names = [effect.device]
            case msg.Rearm():
                names = [effect.device]
            case _:
                names = list(DEVICES)
        return [self.hosts[name] for name in names if self.hosts[name].up]

    def _arrive(self, host: Host, effect: msg.Effect, epoch: int) -> None:
        match effect:
            case msg.SendCommand():
                host.take_command(effect.command, epoch)
            case msg.QueryCommand():
                host.query(effect.command, epoch)
            case msg.CancelCommand():
                host.cancel(effect.command, epoch)
            case msg.MakeSafe():
                host.make_safe(effect.id, epoch)
            case msg.Rearm():
                host.hello(epoch, effect.lifts)
            case _:
                raise AssertionError(effect)

    def _hear(self, *messages: msg.Message) -> None:
        for message in messages:
            self.mind.tell(message)
        self._after(self.mind.settle())

    def _after(self, effects: list[msg.Effect]) -> None:
        self._check_events()
        for effect in effects:
            match effect:
                case msg.AskOptimiser():
                    self.asked.append(effect.count)
                case msg.SendCommand():
                    self._check_sending(effect.command)
                    self.down.append((effect, self.mind.epoch))
                case _:
                    self.down.append((effect, self.mind.epoch))
        self._check_state()

    # -- the laws ----------------------------------------------------------------------------

    def _check_sending(self, command: Command) -> None:
        assert command.id not in self.sent, "a command is sent once, whatever dies"
        self.sent.add(command.id)
        assert self.mind.state.commands[command.id].open, "sent after it was closed"
        assert self.mind.state.mode != "safe", "sent while the lab is safe"

    def _check_events(self) -> None:
        """Each intent, judged by the state that the records before it give."""
        fresh = self.mind.records[self._seen :]
        for record in fresh:
            if isinstance(record.event, ev.CommandIntended):
                self._check_intent(self._folded, record.event.command)
            elif isinstance(record.event, ev.TaskAsked):
                self._check_turn(self._folded, record.event.run, record.event.step)
            self._folded = reduce_all(self._folded, [record])
        if any(isinstance(record.event, ev.CommandIntended | ev.TaskAsked) for record in fresh):
            assert self._folded == self.mind.state, "the journal folds to another state"
        self._seen = len(self.mind.records)

    def _check_turn(self, state: LabState, name: str, path: str) -> None:
        assert state.mode != "safe"
        run = state.runs[name]
        planned = run.plan.step(path)
        assert planned.safe_state or state.mode == "running", (
            f"a main step starts while {state.mode}"
        )
        assert run.status == ("stopping" if planned.safe_state else "running")
        assert run.steps[path].status == "waiting", f"{path} is {run.steps[path].status}"
        for need in planned.needs:
            assert run.steps[need].passed, f"{path} before {need}"
        for guard in planned.when:
            assert run.decisions.get(guard.decision) is guard.value, f"{path} against its guard"

    def _check_intent(self, state: LabState, command: Command) -> None:
        self._check_turn(state, command.run, command.step)
        step = state.runs[command.run].steps[command.step]
        assert command.attempt == step.attempt + 1
        if step.command and command.effect == "once":
            assert state.commands[step.command].status in NOT_ACTED, "once means once"
        assert state.devices[command.device].state == "ready"
        self._check_empty(state, command)

    def _check_empty(self, state: LabState, command: Command) -> None:
        """No sample enters where one that ended badly was left: by what the hosts did, not by what the records say."""
        for place in state.runs[command.run].plan.step(command.step).claims:
            for run in state.runs.values():
                ended_badly = run.status in ("failed", "aborted") and run.id != command.run
                if not ended_badly or "emptied by" in run.reason:
                    continue
                acted = {
                    path
                    for host in self.hosts.values()
                    for name, path in host.acts
                    if name == run.id
                }
                here = [s for s in run.plan.steps if place in s.claims and s.path in acted]
                brought = any(s.effect == "once" and place not in s.draws_from for s in here)
                drained = any(place in s.draws_from for s in here)
                assert drained or not brought, f"{command.run} enters {place}, full of {run.id}"

    def _check_state(self) -> None:
        state = self.mind.state
        busy = [entry.command.device for entry in state.open_commands()]
        assert len(busy) == len(set(busy)), "two open commands at one device"
        for question in state.questions.values():
            if question.step:
                due = "stopping" if "emptied" in question.choices else "running"
                assert state.runs[question.run].status == due, "a hold of what is over"
                step = state.runs[question.run].steps[question.step]
                assert due == "stopping" or question.holds_run or step.status == "failed"
            else:
                assert state.commands[question.command].open, "a question about what is settled"
        for task in state.tasks.values():
            assert state.runs[task.asked.run].open, "a task of what is over"
            assert state.runs[task.asked.run].steps[task.asked.step].status == "running"
        for entry in state.commands.values():
            if entry.cancel is not None:
                assert state.runs[entry.command.run].status != "running", (
                    "cancelled, and the run goes on"
                )
                assert (entry.cancelled is None) == entry.open, (
                    "a cancellation settles with its command"
                )
                self._check_word(entry)
        held = [station for run in state.open_runs() for station in held_stations(run)]
        assert len(held) == len(set(held)), "two runs in one station"
        for host in self.hosts.values():
            for (run, path), count in host.acts.items():
                once = state.runs[run].plan.step(path).effect == "once"
                assert not once or count <= 1, f"{run} {path} happened {count} times"

    def _check_word(self, entry: CommandState) -> None:
        """What is said of a cancelled command, against what its host did."""
        known = self.hosts[entry.command.device].ledger.get(entry.command.id)
        acted = known is not None and known.acted
        if entry.command.effect == "once" and entry.cancelled == "never_started":
            assert not acted, "it acted, and is said to never have started"
        if entry.cancelled == "ran_to_completion":
            assert acted, "it is said to be complete, and did nothing"

    def finished(self) -> bool:
        return self.mind.state.active_campaign is None and not self.mind.state.open_runs()
