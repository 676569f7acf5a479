"""A simulated Opentrons OT-2 or Flex: the HTTP API of robot-server 8.1, API versions 2 to 4.

Routes, codes, error ids and the order of statuses were recorded from the real server with its virtual robot. Runs
take process time and move liquid in the `World`. All endpoints are coroutines, so the app also works in one loop
under a virtual clock (httpx.ASGITransport) and behind uvicorn.

Settings (`simulate:` in lab.yaml): `pipetting_cv` (0.015), `analysis` light or real, `analysis_s` (0.3), `fail`
{run, command, occurrence}: make one command of the n-th run fail. What stands on the deck and what is mounted
follows from the driver's settings, unless `deck` {slot: plate name, or {well: vessel}} or `mounted` {left, right}
say otherwise (to simulate a deck that was loaded wrongly).
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from drivers.opentrons_robot.deck import Deck, parse_deck
from drivers.opentrons_robot.preflight import analyse as vendor_analysis
from lab.domain.errors import InputError
from simulators.opentrons_engine import CommandError, Hands, Machine
from simulators.opentrons_http import (
    EXCEPTION_HANDLERS,
    VersionCheck,
    api_error,
    data_of,
    listed,
    uploaded_file,
    whole_number,
)
from simulators.opentrons_runs import RunStore, SimCommand, SimRun, occurrence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from simulators.contract import SimulatorContext
    from simulators.opentrons_runs import SimProtocol

__all__ = ["OpentronsSimulator"]

Json = dict[str, Any]

_PIPETTES = {
    "OT-2": {"left": "p20_single_gen2", "right": "p300_single_gen2"},
    "Flex": {"left": "p50_single_flex", "right": "p1000_single_flex"},
}
_MODELS = {"OT-2": "OT-2 Standard", "Flex": "OT-3 Standard"}
_REQUIRED = (
    "$otSharedSchema",
    "schemaVersion",
    "metadata",
    "robot",
    "labwareDefinitions",
    "labwareDefinitionSchemaId",
    "commands",
    "commandSchemaId",
    "commandAnnotations",
    "commandAnnotationSchemaId",
    "liquids",
    "liquidSchemaId",
)


class _Fail(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    run: int = 1
    command: str = "aspirate"
    occurrence: Annotated[int, Field(ge=1)] = 1


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    robot: Literal["OT-2", "Flex"] = "OT-2"
    mounted: dict[str, str] = Field(default_factory=dict[str, str])
    deck: dict[str, str | dict[str, str]] = Field(default_factory=dict[str, str | dict[str, str]])
    pipetting_cv: Annotated[float, Field(ge=0.0, le=1.0)] = 0.015
    analysis: Literal["light", "real"] = "light"
    analysis_s: Annotated[float, Field(ge=0.0)] = 0.3
    fail: _Fail | None = None


def _parse_settings(context: SimulatorContext) -> _Settings:
    """Own settings; what they leave out follows from the driver's, which come in the same mapping."""
    given = dict(context.settings)
    known = {*_Settings.model_fields, *Deck.model_fields, "at", "into", "draws"}
    unknown = sorted(set(given) - known)
    if unknown:
        raise InputError(f"{context.device}: simulate.{unknown[0]}: no such setting")
    try:
        settings = _Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{context.device}: simulate.{where}: {first['msg']}") from error
    mounted, deck = dict(settings.mounted), dict(settings.deck)
    if "pipettes" in given:
        described = parse_deck(
            {key: value for key, value in given.items() if key in Deck.model_fields}, context.device
        )
        plate = str(given.get("into") or given.get("at") or "plate")
        stocks = {stock.well: name for name, stock in described.stocks.items()}
        mounted = mounted or {mount.mount: mount.name for mount in described.pipettes}
        deck = deck or {described.plate.slot: plate, described.stock_rack.slot: stocks}
    return settings.model_copy(
        update={"mounted": mounted or _PIPETTES[settings.robot], "deck": deck}
    )


class OpentronsSimulator:
    """One robot. It lives on between connections; `close()` cuts its power."""

    def __init__(self, context: SimulatorContext) -> None:
        self._settings = _parse_settings(context)
        self._clock = context.clock
        self._name = context.device
        hands = Hands(
            world=context.world,
            device=context.device,
            random=context.random,
            deck=self._settings.deck,
            cv=self._settings.pipetting_cv,
        )
        self.store = RunStore(context.device, context.clock, hands)
        self._faults: list[_Fail] = [self._settings.fail] if self._settings.fail else []
        self._seen: dict[tuple[int, str], int] = {}
        self.store.fault = self._fault
        self._app = VersionCheck(
            Starlette(routes=self._routes(), exception_handlers=EXCEPTION_HANDLERS)
        )

    @property
    def app(self) -> Callable[[Any, Any, Any], Awaitable[None]]:
        """The ASGI application."""
        return self._app

    def fail_next_run(self, command: str, number: int = 1) -> None:
        """Make the `number`-th command of this type in the next run to be created fail."""
        made = max((run.number for run in self.store.runs.values()), default=0)
        self._faults.append(_Fail(run=made + 1, command=command, occurrence=number))

    async def close(self) -> None:
        """End running tasks."""
        await self.store.close()

    def _fault(self, run: SimRun, command: SimCommand) -> CommandError | None:
        kind = str(command.body["commandType"])
        count = self._seen[run.number, kind] = self._seen.get((run.number, kind), 0) + 1
        for fault in self._faults:
            if (fault.run, fault.command, fault.occurrence) == (run.number, kind, count):
                return CommandError(
                    "PipetteOverpressureError", f"simulated fault in {kind}", "3006"
                )
        return None

    def _routes(self) -> list[Route]:
        return [
            Route("/health", self._health),
            Route("/instruments", self._instruments),
            Route("/modules", _empty_list),
            Route("/robot/door/status", _door),
            Route("/protocols", self._post_protocol, methods=["POST"]),
            Route("/protocols", self._get_protocols),
            Route("/protocols/{protocol}", self._get_protocol),
            Route("/protocols/{protocol}", self._delete_protocol, methods=["DELETE"]),
            Route("/protocols/{protocol}/analyses", self._get_analyses),
            Route("/protocols/{protocol}/analyses/{analysis}", self._get_analysis),
            Route("/runs", self._post_run, methods=["POST"]),
            Route("/runs", self._get_runs),
            Route("/runs/{run}", self._get_run),
            Route("/runs/{run}", self._patch_run, methods=["PATCH"]),
            Route("/runs/{run}", self._delete_run, methods=["DELETE"]),
            Route("/runs/{run}/actions", self._post_action, methods=["POST"]),
            Route("/runs/{run}/commands", self._post_command, methods=["POST"]),
            Route("/runs/{run}/commands", self._get_commands),
            Route("/runs/{run}/commands/{command}", self._get_command),
            Route("/runs/{run}/commandErrors", self._get_command_errors),
            Route("/commands", self._post_stateless, methods=["POST"]),
        ]

    # -- the robot --------------------------------------------------------------------------------

    async def _health(self, _: Request) -> JSONResponse:
        return JSONResponse(
            {
                "name": self._name,
                "robot_model": _MODELS[self._settings.robot],
                "api_version": "8.1.0",
                "fw_version": "Virtual Smoothie",
                "board_revision": "2.1",
                "system_version": "0.0.0",
                "robot_serial": f"SIM-{self._name}",
                "maximum_protocol_api_version": [2, 20],
                "minimum_protocol_api_version": [2, 0],
                "logs": [],
                "links": {},
            }
        )

    async def _instruments(self, _: Request) -> JSONResponse:
        data = [
            {
                "mount": mount,
                "instrumentType": "pipette",
                "instrumentName": name,
                "instrumentModel": name,
                "serialNumber": f"SIM-{mount}",
                "ok": True,
            }
            for mount, name in self._settings.mounted.items()
        ]
        return listed(data)

    # -- protocols --------------------------------------------------------------------------------

    async def _post_protocol(self, request: Request) -> JSONResponse:
        content = uploaded_file(request.headers.get("content-type", ""), await request.body())
        digest = hashlib.sha256(content).hexdigest()
        for known in self.store.protocols.values():
            if known.digest == digest:
                return JSONResponse({"data": self.store.protocol_json(known)})
        document = self._read_protocol(content)
        protocol = self.store.add_protocol(
            digest, document, self._settings.analysis_s, self._analyse(content, document)
        )
        return JSONResponse({"data": self.store.protocol_json(protocol)}, 201)

    def _read_protocol(self, content: bytes) -> Json:
        title = "Protocol File(s) Invalid"
        try:
            document: object = json.loads(content)
        except ValueError as error:
            raise api_error(422, "ProtocolFilesInvalid", title, f"not JSON: {error}") from error
        if not isinstance(document, dict):
            raise api_error(422, "ProtocolFilesInvalid", title, "not a JSON object")
        document = cast("Json", document)
        missing = [name for name in _REQUIRED if name not in document]
        if missing or document["schemaVersion"] != 8:
            raise api_error(422, "ProtocolFilesInvalid", title, f"not schema 8: lacks {missing}")
        model = document["robot"].get("model")
        if model != _MODELS[self._settings.robot]:
            raise api_error(
                422,
                "ProtocolRobotTypeMismatch",
                "Protocol For Different Robot Type",
                f"This protocol is for {model}, this robot is {_MODELS[self._settings.robot]}.",
            )
        return document

    def _analyse(self, content: bytes, document: Json) -> Json:
        bodies: list[Json] = [{"commandType": "home", "params": {}}, *document["commands"]]
        records: list[Json] = []
        errors: list[Json] = []
        if self._settings.analysis == "real":
            report = vendor_analysis(content)
            errors = [
                occurrence(CommandError("AnalysisError", text), self.store.now(), "analysis")
                for text in report.errors
            ]
            bodies = bodies[: report.command_count]
        machine = Machine()
        for number, body in enumerate(bodies):
            record = SimCommand(f"analysis-{number}", str(body.get("key") or number), body, "")
            records.append({**record.json(), "status": "succeeded"})
            if errors:
                continue
            try:
                machine.apply(body)
            except CommandError as error:
                records[-1]["status"] = "failed"
                errors = [occurrence(error, self.store.now(), "analysis")]
                break
        return {
            "status": "completed",
            "result": "not-ok" if errors else "ok",
            "robotType": document["robot"]["model"],
            "commands": records,
            "errors": errors,
            "labware": [],
            "pipettes": [],
            "modules": [],
            "liquids": [],
            "runTimeParameters": [],
        }

    async def _get_protocols(self, _: Request) -> JSONResponse:
        return listed([self.store.protocol_json(item) for item in self.store.protocols.values()])

    async def _get_protocol(self, request: Request) -> JSONResponse:
        return JSONResponse({"data": self.store.protocol_json(self._protocol(request))})

    async def _delete_protocol(self, request: Request) -> JSONResponse:
        protocol = self._protocol(request)
        if any(run.protocol_id == protocol.id for run in self.store.runs.values()):
            raise api_error(409, "ProtocolUsedByRun", "Protocol Used by Run", protocol.id)
        del self.store.protocols[protocol.id]
        return JSONResponse({})

    def _analysis_json(self, protocol: SimProtocol) -> Json:
        if not self.store.analysed(protocol):
            return {"id": protocol.analysis_id, "status": "pending", "runTimeParameters": []}
        return {"id": protocol.analysis_id, **protocol.analysis}

    async def _get_analyses(self, request: Request) -> JSONResponse:
        return listed([self._analysis_json(self._protocol(request))])

    async def _get_analysis(self, request: Request) -> JSONResponse:
        protocol = self._protocol(request)
        if request.path_params["analysis"] != protocol.analysis_id:
            raise api_error(
                404, "AnalysisNotFound", "Protocol Analysis Not Found", "no such analysis"
            )
        return JSONResponse({"data": self._analysis_json(protocol)})

    def _protocol(self, request: Request, key: str | None = None) -> SimProtocol:
        wanted = key if key is not None else str(request.path_params["protocol"])
        protocol = self.store.protocols.get(wanted)
        if protocol is None:
            raise api_error(
                404, "ProtocolNotFound", "Protocol Not Found", f"{wanted} was not found"
            )
        return protocol

    # -- runs -------------------------------------------------------------------------------------

    async def _post_run(self, request: Request) -> JSONResponse:
        data = await data_of(request)
        wanted = data.get("protocolId")
        protocol = self._protocol(request, str(wanted)) if wanted is not None else None
        return JSONResponse({"data": self.store.run_json(self.store.create(protocol))}, 201)

    async def _get_runs(self, request: Request) -> JSONResponse:
        length = whole_number(request, "pageLength", len(self.store.runs))
        runs = list(self.store.runs.values())
        links: Json = {}
        if self.store.current_id is not None:
            links["current"] = {"href": f"/runs/{self.store.current_id}"}
        data = [self.store.run_json(run) for run in runs[max(0, len(runs) - length) :]]
        return listed(data, total=len(runs), links=links)

    async def _get_run(self, request: Request) -> JSONResponse:
        return JSONResponse({"data": self.store.run_json(self._run(request))})

    async def _patch_run(self, request: Request) -> JSONResponse:
        run = self._run(request)
        data = await data_of(request)
        if run.id != self.store.current_id:
            raise api_error(
                409, "RunStopped", "Run Stopped", f"Run {run.id} is not the current run"
            )
        if data.get("current") is False:
            self.store.clear(run.id)
        return JSONResponse({"data": self.store.run_json(run)})

    async def _delete_run(self, request: Request) -> JSONResponse:
        run = self._run(request)
        if run.id == self.store.current_id:
            self.store.clear(run.id)
        del self.store.runs[run.id]
        return JSONResponse({})

    async def _post_action(self, request: Request) -> JSONResponse:
        run = self._run(request)
        action = (await data_of(request)).get("actionType")
        if action not in ("play", "pause", "stop"):
            raise api_error(
                422, "InvalidRequest", "Invalid Request", "actionType: play, pause or stop"
            )
        return JSONResponse({"data": self.store.act(run, action)}, 201)

    async def _post_command(self, request: Request) -> JSONResponse:
        run = self._run(request)
        body = await data_of(request)
        if not isinstance(body.get("commandType"), str):
            raise api_error(422, "InvalidRequest", "Invalid Request", "commandType: Field required")
        command = self.store.add_setup_command(run, body)
        await self.store.perform(run, command)
        return JSONResponse({"data": command.json()}, 201)

    async def _get_commands(self, request: Request) -> JSONResponse:
        run = self._run(request)
        length = whole_number(request, "pageLength", 20)
        done = sum(command.status != "queued" for command in run.commands)
        cursor = whole_number(request, "cursor", max(0, min(done, len(run.commands)) - length))
        links: Json = {}
        if run.commands and run.id == self.store.current_id:
            index = max(0, done - 1)
            current = run.commands[index]
            links["current"] = {
                "href": f"/runs/{run.id}/commands/{current.id}",
                "meta": {
                    "runId": run.id,
                    "commandId": current.id,
                    "index": index,
                    "key": current.key,
                    "createdAt": current.created_at,
                },
            }
        data = [command.json() for command in run.commands[cursor : cursor + length]]
        return listed(data, total=len(run.commands), cursor=cursor, links=links)

    async def _get_command(self, request: Request) -> JSONResponse:
        for command in self._run(request).commands:
            if command.id == request.path_params["command"]:
                return JSONResponse({"data": command.json()})
        raise api_error(404, "CommandNotFound", "Run Command Not Found", "no such command")

    async def _get_command_errors(self, request: Request) -> JSONResponse:
        commands = self._run(request).commands
        return listed([command.error for command in commands if command.error is not None])

    async def _post_stateless(self, request: Request) -> JSONResponse:
        body = await data_of(request)
        current = self.store.runs.get(self.store.current_id or "")
        if current is not None and not current.clearable:
            raise api_error(409, "RunActive", "Run Active", "There is an active run.")
        command = SimCommand(self.store.new_id(), self.store.new_id(), body, self.store.now())
        run = SimRun("", 0, "", None, Machine(), [])
        await self.store.perform(run, command)
        return JSONResponse({"data": command.json()}, 201)

    def _run(self, request: Request) -> SimRun:
        run = self.store.runs.get(str(request.path_params["run"]))
        if run is None:
            raise api_error(404, "RunNotFound", "Run Not Found", "no run with that id")
        return run


async def _empty_list(_: Request) -> JSONResponse:
    return listed([])


async def _door(_: Request) -> JSONResponse:
    return JSONResponse({"data": {"status": "closed", "doorRequiredClosedForProtocol": False}})
