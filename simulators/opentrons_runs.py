"""Protocols and runs of the simulated robot, and their execution in process time.

Statuses go as on the robot: idle, running (paused), finishing, succeeded or failed; stop-requested, stopped. The
robot keeps 20 runs and, beside those that runs refer to, 5 protocols; older ones are deleted.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from simulators.opentrons_engine import CommandError, Machine

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.domain.clock import Clock
    from simulators.opentrons_engine import Hands

__all__ = ["ConflictError", "RunStore", "SimCommand", "SimProtocol", "SimRun", "occurrence"]

Json = dict[str, Any]

_KEPT_RUNS = 20
_KEPT_PROTOCOLS = 5
_FINISH_S = 3.0
_OVER = ("succeeded", "failed", "stopped")


class ConflictError(Exception):
    """HTTP 409 with this error id."""

    def __init__(self, error_id: str, title: str, detail: str) -> None:
        super().__init__(detail)
        self.error_id = error_id
        self.title = title
        self.detail = detail


def occurrence(error: CommandError, at: str, identifier: str) -> Json:
    """An error as the robot writes it."""
    return {
        "id": identifier,
        "createdAt": at,
        "isDefined": False,
        "errorType": error.error_type,
        "errorCode": error.code,
        "detail": error.detail,
        "errorInfo": {},
        "wrappedErrors": [],
    }


@dataclass
class SimProtocol:
    """An uploaded protocol; its analysis is complete at `ready_at` (process seconds)."""

    id: str
    created_at: str
    digest: str
    document: Json
    analysis_id: str
    ready_at: float
    analysis: Json


@dataclass
class SimCommand:
    """One command of a run."""

    id: str
    key: str
    body: Json
    created_at: str
    intent: str = "protocol"
    status: Literal["queued", "running", "succeeded", "failed"] = "queued"
    started_at: str | None = None
    completed_at: str | None = None
    error: Json | None = None

    def json(self) -> Json:
        """As in `GET /runs/{id}/commands`; absent values are left out."""
        data: Json = {
            "id": self.id,
            "key": self.key,
            "commandType": self.body["commandType"],
            "params": self.body.get("params", {}),
            "createdAt": self.created_at,
            "startedAt": self.started_at,
            "completedAt": self.completed_at,
            "status": self.status,
            "error": self.error,
            "intent": self.intent,
            "notes": [],
        }
        return {name: value for name, value in data.items() if value is not None}


@dataclass
class SimRun:
    """A run with its own machine."""

    id: str
    number: int
    created_at: str
    protocol_id: str | None
    machine: Machine
    commands: list[SimCommand]
    status: str = "idle"
    started_at: str | None = None
    completed_at: str | None = None
    actions: list[Json] = field(default_factory=list[Json])
    errors: list[Json] = field(default_factory=list[Json])
    go: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        return self.status in _OVER

    @property
    def clearable(self) -> bool:
        """Idle and never played, or ended."""
        return self.over or self.status == "idle"


class RunStore:
    """Everything the robot remembers. One run is current at most."""

    def __init__(self, device: str, clock: Clock, hands: Hands) -> None:
        self._device = device
        self._clock = clock
        self._hands = hands
        self._made = 0
        self._runs_made = 0
        self.protocols: dict[str, SimProtocol] = {}
        self.runs: dict[str, SimRun] = {}
        self.current_id: str | None = None
        self.fault: Callable[[SimRun, SimCommand], CommandError | None] = lambda _run, _command: (
            None
        )
        """Asked before each command of a run; an error makes the command fail."""

    def now(self) -> str:
        return self._clock.now().isoformat()

    def new_id(self) -> str:
        """A UUID that is the same in every repetition of a simulation."""
        self._made += 1
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._device}/{self._made}"))

    async def close(self) -> None:
        """End what is running (the power is cut)."""
        for run in self.runs.values():
            if run.task is not None and not run.task.done():
                run.task.cancel()
                await asyncio.gather(run.task, return_exceptions=True)

    # -- protocols --------------------------------------------------------------------------------

    def add_protocol(
        self, digest: str, document: Json, seconds: float, analysis: Json
    ) -> SimProtocol:
        used = {run.protocol_id for run in self.runs.values()}
        unused = [key for key in self.protocols if key not in used]
        for key in unused[: max(0, len(unused) - _KEPT_PROTOCOLS + 1)]:
            del self.protocols[key]
        protocol = SimProtocol(
            id=self.new_id(),
            created_at=self.now(),
            digest=digest,
            document=document,
            analysis_id=self.new_id(),
            ready_at=self._clock.monotonic() + seconds,
            analysis=analysis,
        )
        self.protocols[protocol.id] = protocol
        return protocol

    def analysed(self, protocol: SimProtocol) -> bool:
        return self._clock.monotonic() >= protocol.ready_at

    # -- runs -------------------------------------------------------------------------------------

    def create(self, protocol: SimProtocol | None) -> SimRun:
        if self.current_id is not None:
            if not self.runs[self.current_id].clearable:
                raise ConflictError("RunAlreadyActive", "Run Already Active", "a run is active")
            self.clear(self.current_id)
        for key in list(self.runs)[: max(0, len(self.runs) - _KEPT_RUNS + 1)]:
            del self.runs[key]
        self._runs_made += 1
        bodies: list[Json] = []
        if protocol is not None:
            bodies = [{"commandType": "home", "params": {}}, *protocol.document["commands"]]
        commands = [self._command(body, "protocol") for body in bodies]
        run = SimRun(
            self.new_id(),
            self._runs_made,
            self.now(),
            protocol.id if protocol else None,
            Machine(self._hands),
            commands,
        )
        self.runs[run.id] = run
        self.current_id = run.id
        return run

    def _command(self, body: Json, intent: str) -> SimCommand:
        made = self.new_id()
        return SimCommand(made, str(body.get("key") or made), body, self.now(), intent)

    def clear(self, run_id: str) -> None:
        """Make the current run no longer current."""
        run = self.runs[run_id]
        if not run.clearable:
            raise ConflictError("RunNotIdle", "Run is not idle.", "stop the run first")
        if run.status == "idle":
            run.status = "stopped"
            run.completed_at = self.now()
        self.current_id = None

    def act(self, run: SimRun, action: str) -> Json:
        """play, pause or stop."""
        if run.id != self.current_id:
            raise ConflictError("RunStopped", "Run Stopped", f"Run {run.id} is not the current run")
        if run.over or run.status in ("finishing", "stop-requested"):
            raise _not_allowed("The run has already stopped.")
        if action == "pause" and run.status != "running":
            raise _not_allowed("Cannot pause a run that is not running.")
        if action == "play":
            self._play(run)
        elif action == "pause":
            run.status = "paused"
            run.go.clear()
        else:
            self._stop(run)
        record = {"id": self.new_id(), "createdAt": self.now(), "actionType": action}
        run.actions.append(record)
        return record

    def _play(self, run: SimRun) -> None:
        run.started_at = run.started_at or self.now()
        run.status = "running"
        run.go.set()
        if run.task is None:
            run.task = asyncio.create_task(self._execute(run), name=f"{self._device} run")

    def _stop(self, run: SimRun) -> None:
        if run.task is not None:
            run.task.cancel()
        for command in run.commands:
            if command.status == "running":
                self._fail(command, CommandError("RunStoppedError", "Run was cancelled"))
        run.status = "stop-requested"
        run.task = asyncio.create_task(self._finish(run, "stopped"), name=f"{self._device} stop")

    async def _execute(self, run: SimRun) -> None:
        for command in run.commands:
            if command.status != "queued":
                continue
            await run.go.wait()
            error = await self.perform(run, command)
            if error is not None:
                run.errors = [occurrence(error, self.now(), self.new_id())]
                for queued in run.commands:
                    if queued.status == "queued":
                        queued.status = "failed"
                        queued.completed_at = self.now()
                break
        run.status = "finishing"
        await self._finish(run, "failed" if run.errors else "succeeded")

    async def perform(self, run: SimRun, command: SimCommand) -> CommandError | None:
        """Carry one command out; the error, if it failed."""
        command.status = "running"
        command.started_at = self.now()
        error = self.fault(run, command)
        try:
            await self._clock.sleep(run.machine.seconds(command.body))
            if error is None:
                run.machine.apply(command.body)
        except CommandError as found:
            error = found
        if error is not None:
            self._fail(command, error)
            return error
        command.status = "succeeded"
        command.completed_at = self.now()
        return None

    def add_setup_command(self, run: SimRun, body: Json) -> SimCommand:
        """A command of its own, outside the protocol; not while the run is being played."""
        if run.id != self.current_id or run.over:
            raise ConflictError("RunStopped", "Run Stopped", f"Run {run.id} is not the current run")
        if run.status != "idle":
            raise ConflictError(
                "SetupCommandNotAllowed", "Setup Command Not Allowed", "the run has been started"
            )
        command = self._command(body, "setup")
        run.commands.append(command)
        return command

    def _fail(self, command: SimCommand, error: CommandError) -> None:
        command.status = "failed"
        command.completed_at = self.now()
        command.error = occurrence(error, self.now(), self.new_id())

    async def _finish(self, run: SimRun, status: str) -> None:
        await self._clock.sleep(_FINISH_S)
        run.status = status
        run.completed_at = self.now()

    # -- resources --------------------------------------------------------------------------------

    def protocol_json(self, protocol: SimProtocol) -> Json:
        status = "completed" if self.analysed(protocol) else "pending"
        return {
            "id": protocol.id,
            "createdAt": protocol.created_at,
            "files": [{"name": "protocol.json", "role": "main"}],
            "protocolType": "json",
            "robotType": protocol.document["robot"]["model"],
            "metadata": json.loads(json.dumps(protocol.document["metadata"])),
            "analyses": [],
            "analysisSummaries": [
                {"id": protocol.analysis_id, "status": status, "runTimeParameters": []}
            ],
            "protocolKind": "standard",
        }

    def run_json(self, run: SimRun) -> Json:
        data: Json = {
            "ok": True,
            "id": run.id,
            "createdAt": run.created_at,
            "status": run.status,
            "current": run.id == self.current_id,
            "actions": run.actions,
            "errors": run.errors,
            "hasEverEnteredErrorRecovery": False,
            "pipettes": [],
            "modules": [],
            "labware": [],
            "liquids": [],
            "labwareOffsets": [],
            "runTimeParameters": [],
            "outputFileIds": [],
            "protocolId": run.protocol_id,
            "startedAt": run.started_at,
            "completedAt": run.completed_at,
        }
        return {name: value for name, value in data.items() if value is not None}


def _not_allowed(detail: str) -> ConflictError:
    return ConflictError("RunActionNotAllowed", "Run Action Not Allowed", detail)
