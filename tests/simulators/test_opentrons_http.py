"""Routes, codes, error ids and the order of statuses of the simulated robot, as recorded from robot-server 8.1."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from drivers.opentrons_robot.deck import parse_deck
from drivers.opentrons_robot.protocol import compile_protocol
from drivers.opentrons_robot.volumes import Levels, Transfer
from lab.engine.virtual_loop import run_virtual
from tests.drivers.opentrons_kit import Bench, bench, ot2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

V3 = {"Opentrons-Version": "3"}


def document(**changes: Any) -> dict[str, Any]:
    deck = parse_deck(ot2(), "robot")
    transfers = [Transfer("red", "A1", 50.0), Transfer("blue", "A1", 10.0)]
    made = compile_protocol(
        deck, transfers, Levels.full(deck), label="c0ffee", step="dose.1", title="a dose"
    ).document
    return {**copy.deepcopy(made), **changes}


class Client:
    """Speaks to the simulator with the header, and remembers nothing."""

    def __init__(self, stand: Bench) -> None:
        self.stand = stand
        self.http = httpx.AsyncClient(
            transport=stand.line, base_url="http://robot.simulated", headers=V3
        )

    async def upload(self, content: dict[str, Any] | bytes | None = None) -> httpx.Response:
        data = content if isinstance(content, bytes) else json.dumps(content or document()).encode()
        return await self.http.post("/protocols", files={"files": ("protocol.json", data)})

    async def new_run(self) -> str:
        protocol = (await self.upload()).json()["data"]["id"]
        response = await self.http.post("/runs", json={"data": {"protocolId": protocol}})
        assert response.status_code == 201
        return response.json()["data"]["id"]

    async def act(self, run: str, action: str) -> httpx.Response:
        body = {"data": {"actionType": action}}
        return await self.http.post(f"/runs/{run}/actions", json=body)

    async def status(self, run: str) -> str:
        return (await self.http.get(f"/runs/{run}")).json()["data"]["status"]

    async def until(self, run: str, *statuses: str) -> str:
        while (status := await self.status(run)) not in statuses:
            await self.stand.clock.sleep(0.25)
        return status


def virtual(work: Callable[[Client], Awaitable[None]], **simulate: Any) -> None:
    async def main() -> None:
        stand = bench(simulate=simulate)
        await work(Client(stand))
        await stand.simulator.close()

    run_virtual(main())


def error_id(response: httpx.Response) -> str:
    return response.json()["errors"][0]["id"]


# -- the header -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "code", "served", "identifier"),
    [
        (None, 422, "4", "InvalidRequest"),
        ("three", 422, "4", "InvalidRequest"),
        ("1", 400, "4", "OutdatedAPIVersion"),
        ("2", 200, "2", ""),
        ("3", 200, "3", ""),
        ("99", 200, "4", ""),
        ("*", 200, "4", ""),
    ],
)
def test_version_header(header: str | None, code: int, served: str, identifier: str) -> None:
    async def work(client: Client) -> None:
        plain = httpx.AsyncClient(transport=client.stand.line, base_url="http://robot.simulated")
        headers = {} if header is None else {"Opentrons-Version": header}
        response = await plain.get("/health", headers=headers)
        assert response.status_code == code
        assert response.headers["opentrons-version"] == served
        assert response.headers["opentrons-min-version"] == "2"
        if identifier:
            assert error_id(response) == identifier

    virtual(work)


def test_health_and_instruments() -> None:
    async def work(client: Client) -> None:
        health = (await client.http.get("/health")).json()
        assert health["robot_model"] == "OT-2 Standard"
        assert health["maximum_protocol_api_version"] == [2, 20]
        instruments = (await client.http.get("/instruments")).json()
        assert instruments["meta"]["totalLength"] == 2
        assert {item["mount"]: item["instrumentName"] for item in instruments["data"]} == {
            "left": "p20_single_gen2",
            "right": "p300_single_gen2",
        }
        assert (await client.http.get("/modules")).json()["data"] == []
        assert (await client.http.get("/robot/door/status")).json()["data"]["status"] == "closed"
        assert (await client.http.get("/nothing")).status_code == 404
        assert (await client.http.put("/health")).status_code == 405

    virtual(work)


# -- protocols --------------------------------------------------------------------------------------


def test_upload_is_created_once_and_recognised_again() -> None:
    async def work(client: Client) -> None:
        first = await client.upload()
        assert first.status_code == 201
        data = first.json()["data"]
        assert data["analysisSummaries"][-1]["status"] == "pending"
        assert data["metadata"]["labwright"]["command"] == "c0ffee"
        second = await client.upload()
        assert second.status_code == 200
        assert second.json()["data"]["id"] == data["id"]
        other = await client.upload(document(metadata={"protocolName": "other"}))
        assert other.status_code == 201
        assert other.json()["data"]["id"] != data["id"]

    virtual(work)


def test_analysis_goes_from_pending_to_completed() -> None:
    async def work(client: Client) -> None:
        data = (await client.upload()).json()["data"]
        path = f"/protocols/{data['id']}/analyses/{data['analysisSummaries'][-1]['id']}"
        assert (await client.http.get(path)).json()["data"]["status"] == "pending"
        await client.stand.clock.sleep(0.5)
        analysis = (await client.http.get(path)).json()["data"]
        assert (analysis["status"], analysis["result"]) == ("completed", "ok")
        assert len(analysis["commands"]) == len(document()["commands"]) + 1
        assert analysis["commands"][0]["commandType"] == "home"
        protocol = (await client.http.get(f"/protocols/{data['id']}")).json()["data"]
        assert protocol["analysisSummaries"][-1]["status"] == "completed"
        listed = (await client.http.get(f"/protocols/{data['id']}/analyses")).json()["data"]
        assert listed == [analysis]

    virtual(work)


@pytest.mark.parametrize(
    ("content", "identifier"),
    [
        (b"not json", "ProtocolFilesInvalid"),
        (b"[]", "ProtocolFilesInvalid"),
        (b"{}", "ProtocolFilesInvalid"),
        (json.dumps(document(schemaVersion=7)).encode(), "ProtocolFilesInvalid"),
        (
            json.dumps(document(robot={"model": "OT-3 Standard", "deckId": "ot3_standard"})).encode(),
            "ProtocolRobotTypeMismatch",
        ),
    ],
)
def test_bad_files_are_unprocessable(content: bytes, identifier: str) -> None:
    async def work(client: Client) -> None:
        response = await client.upload(content)
        assert response.status_code == 422
        assert error_id(response) == identifier
        assert (await client.http.get("/protocols")).json()["data"] == []

    virtual(work)


def test_a_form_without_the_file_is_invalid() -> None:
    async def work(client: Client) -> None:
        for response in (
            await client.http.post("/protocols", files={"other": ("a.json", b"{}")}),
            await client.http.post("/protocols", content=b"{}"),
        ):
            assert response.status_code == 422
            assert error_id(response) == "InvalidRequest"

    virtual(work)


def _without_tips(protocol: dict[str, Any]) -> None:
    protocol["commands"] = [c for c in protocol["commands"] if c["commandType"] != "pickUpTip"]


def _too_much(protocol: dict[str, Any]) -> None:
    next(c for c in protocol["commands"] if c["commandType"] == "aspirate")["params"]["volume"] = 350


def _too_far(protocol: dict[str, Any]) -> None:
    next(c for c in protocol["commands"] if c["commandType"] == "dispense")["params"]["volume"] = 200


def _two_in_a_slot(protocol: dict[str, Any]) -> None:
    for command in protocol["commands"]:
        if command["commandType"] == "loadLabware":
            command["params"]["location"]["slotName"] = "1"


def _unknown_labware(protocol: dict[str, Any]) -> None:
    first = next(c for c in protocol["commands"] if c["commandType"] == "loadLabware")
    first["params"]["loadName"] = "acme_plate"


def _unknown_command(protocol: dict[str, Any]) -> None:
    protocol["commands"].append({"commandType": "somersault", "key": "x", "params": {}})


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (_without_tips, "TipNotAttachedError"),
        (_too_much, "InvalidAspirateVolumeError"),
        (_too_far, "InvalidDispenseVolumeError"),
        (_two_in_a_slot, "LocationIsOccupiedError"),
        (_unknown_labware, "PythonException"),
        (_unknown_command, "InvalidCommand"),
    ],
)
def test_light_analysis_finds_what_the_real_one_finds(spoil: Any, error: str) -> None:
    async def work(client: Client) -> None:
        protocol = document()
        spoil(protocol)
        response = await client.upload(protocol)
        assert response.status_code == 201
        data = response.json()["data"]
        await client.stand.clock.sleep(0.5)
        path = f"/protocols/{data['id']}/analyses/{data['analysisSummaries'][-1]['id']}"
        analysis = (await client.http.get(path)).json()["data"]
        assert analysis["result"] == "not-ok"
        assert analysis["errors"][0]["errorType"] == error
        # and, as on the robot, a run may be started all the same: the client must check
        body = {"data": {"protocolId": data["id"]}}
        run = (await client.http.post("/runs", json=body)).json()["data"]["id"]
        await client.act(run, "play")
        assert await client.until(run, "succeeded", "failed") == "failed"
        assert (await client.http.get(f"/runs/{run}")).json()["data"]["errors"][0][
            "errorType"
        ] == error
        errors = (await client.http.get(f"/runs/{run}/commandErrors")).json()
        assert errors["meta"]["totalLength"] == 1

    virtual(work)


@pytest.mark.slow
def test_the_real_analysis_as_an_oracle_inside_the_simulator() -> None:
    async def work(client: Client) -> None:
        good = (await client.upload()).json()["data"]
        protocol = document()
        _too_much(protocol)
        bad = (await client.upload(protocol)).json()["data"]
        await client.stand.clock.sleep(0.5)
        results = []
        for data in (good, bad):
            path = f"/protocols/{data['id']}/analyses/{data['analysisSummaries'][-1]['id']}"
            results.append((await client.http.get(path)).json()["data"]["result"])
        assert results == ["ok", "not-ok"]

    virtual(work, analysis="real")


def test_a_protocol_in_use_is_not_deleted() -> None:
    async def work(client: Client) -> None:
        run = await client.new_run()
        protocol = (await client.http.get(f"/runs/{run}")).json()["data"]["protocolId"]
        response = await client.http.delete(f"/protocols/{protocol}")
        assert (response.status_code, error_id(response)) == (409, "ProtocolUsedByRun")
        assert (await client.http.delete(f"/runs/{run}")).status_code == 200
        assert (await client.http.delete(f"/protocols/{protocol}")).status_code == 200
        assert (await client.http.get(f"/protocols/{protocol}")).status_code == 404

    virtual(work)


# -- runs -------------------------------------------------------------------------------------------


def test_statuses_of_a_run_that_succeeds() -> None:
    async def work(client: Client) -> None:
        run = await client.new_run()
        assert await client.status(run) == "idle"
        assert "startedAt" not in (await client.http.get(f"/runs/{run}")).json()["data"]
        assert (await client.act(run, "play")).status_code == 201
        seen = [await client.status(run)]
        while seen[-1] not in ("succeeded", "failed"):
            await client.stand.clock.sleep(0.25)
            status = await client.status(run)
            if status != seen[-1]:
                seen.append(status)
        assert seen == ["running", "finishing", "succeeded"]
        data = (await client.http.get(f"/runs/{run}")).json()["data"]
        assert data["startedAt"] < data["completedAt"]
        assert [action["actionType"] for action in data["actions"]] == ["play"]
        response = await client.act(run, "play")
        assert (response.status_code, error_id(response)) == (409, "RunActionNotAllowed")

    virtual(work)


def test_pause_and_stop() -> None:
    async def work(client: Client) -> None:
        run = await client.new_run()
        response = await client.act(run, "pause")
        assert (response.status_code, error_id(response)) == (409, "RunActionNotAllowed")
        await client.act(run, "play")
        await client.stand.clock.sleep(10.0)
        assert (await client.act(run, "pause")).status_code == 201
        await client.stand.clock.sleep(30.0)  # the command under way is carried out
        moved = len(client.stand.world.acts)
        await client.stand.clock.sleep(60.0)
        assert len(client.stand.world.acts) == moved
        assert await client.status(run) == "paused"
        await client.act(run, "play")
        await client.stand.clock.sleep(10.0)
        assert (await client.act(run, "stop")).status_code == 201
        assert await client.status(run) == "stop-requested"
        assert await client.until(run, "stopped", "failed", "succeeded") == "stopped"
        response = await client.act(run, "stop")
        assert (response.status_code, error_id(response)) == (409, "RunActionNotAllowed")

    virtual(work)


def test_conflicts_while_a_run_is_active() -> None:
    async def work(client: Client) -> None:
        run = await client.new_run()
        await client.act(run, "play")
        home = {"data": {"commandType": "home", "params": {}}}
        for response, identifier in (
            (await client.http.post("/runs", json={"data": {}}), "RunAlreadyActive"),
            (
                await client.http.patch(f"/runs/{run}", json={"data": {"current": False}}),
                "RunNotIdle",
            ),
            (await client.http.delete(f"/runs/{run}"), "RunNotIdle"),
            (await client.http.post("/commands", json=home), "RunActive"),
            (
                await client.http.post(f"/runs/{run}/commands", json=home),
                "SetupCommandNotAllowed",
            ),
        ):
            assert (response.status_code, error_id(response)) == (409, identifier)
        await client.until(run, "succeeded")
        patched = await client.http.patch(f"/runs/{run}", json={"data": {"current": False}})
        assert patched.json()["data"]["current"] is False
        again = await client.http.patch(f"/runs/{run}", json={"data": {"current": False}})
        assert (again.status_code, error_id(again)) == (409, "RunStopped")

    virtual(work)


def test_a_run_that_is_not_current_can_never_be_played() -> None:
    async def work(client: Client) -> None:
        run = await client.new_run()
        response = await client.http.patch(f"/runs/{run}", json={"data": {"current": False}})
        assert response.json()["data"]["status"] == "stopped"
        response = await client.act(run, "play")
        assert (response.status_code, error_id(response)) == (409, "RunStopped")
        other = await client.new_run()
        third = await client.new_run()  # takes the place of the idle one
        assert (await client.act(other, "play")).status_code == 409
        assert (await client.http.get("/runs")).json()["links"]["current"]["href"] == (
            f"/runs/{third}"
        )

    virtual(work)


@pytest.mark.parametrize(
    ("method", "path", "identifier"),
    [
        ("GET", "/runs/x", "RunNotFound"),
        ("PATCH", "/runs/x", "RunNotFound"),
        ("DELETE", "/runs/x", "RunNotFound"),
        ("POST", "/runs/x/actions", "RunNotFound"),
        ("GET", "/runs/x/commands", "RunNotFound"),
        ("GET", "/protocols/x", "ProtocolNotFound"),
        ("GET", "/protocols/x/analyses/y", "ProtocolNotFound"),
    ],
)
def test_what_does_not_exist(method: str, path: str, identifier: str) -> None:
    async def work(client: Client) -> None:
        response = await client.http.request(method, path)
        assert (response.status_code, error_id(response)) == (404, identifier)

    virtual(work)


def test_bodies_that_make_no_sense() -> None:
    async def work(client: Client) -> None:
        run = await client.new_run()
        for response in (
            await client.http.post("/runs", content=b"nonsense"),
            await client.http.post("/runs", json={"data": 5}),
            await client.act(run, "dance"),
            await client.http.post(f"/runs/{run}/commands", json={"data": {}}),
            await client.http.get(f"/runs/{run}/commands?pageLength=many"),
        ):
            assert (response.status_code, error_id(response)) == (422, "InvalidRequest")
        response = await client.http.post("/runs", json={"data": {"protocolId": "x"}})
        assert (response.status_code, error_id(response)) == (404, "ProtocolNotFound")

    virtual(work)


def test_pages_of_commands() -> None:
    async def work(client: Client) -> None:
        run = await client.new_run()
        await client.act(run, "play")
        await client.until(run, "succeeded")
        total = len(document()["commands"]) + 1
        first = (await client.http.get(f"/runs/{run}/commands?cursor=0&pageLength=3")).json()
        assert first["meta"] == {"cursor": 0, "totalLength": total}
        assert [item["commandType"] for item in first["data"]] == [
            "home",
            "loadPipette",
            "loadPipette",
        ]
        newest = (await client.http.get(f"/runs/{run}/commands")).json()
        assert newest["meta"]["cursor"] == total - 20
        assert len(newest["data"]) == 20
        assert newest["links"]["current"]["meta"]["key"] == newest["data"][-1]["key"]
        one = newest["data"][-1]
        path = f"/runs/{run}/commands/{one['id']}"
        assert (await client.http.get(path)).json()["data"] == one
        missing = await client.http.get(f"/runs/{run}/commands/x")
        assert (missing.status_code, error_id(missing)) == (404, "CommandNotFound")

    virtual(work)


def test_step_mode_answers_201_even_to_a_command_that_failed() -> None:
    async def work(client: Client) -> None:
        run = (await client.http.post("/runs", json={"data": {}})).json()["data"]["id"]

        async def do(kind: str, **params: Any) -> dict[str, Any]:
            body = {"data": {"commandType": kind, "params": params, "intent": "setup"}}
            response = await client.http.post(
                f"/runs/{run}/commands?waitUntilComplete=true", json=body
            )
            assert response.status_code == 201
            return response.json()["data"]

        assert (await do("home"))["status"] == "succeeded"
        await do("loadPipette", pipetteName="p300_single_gen2", mount="right", pipetteId="p")
        await do(
            "loadLabware",
            location={"slotName": "4"},
            loadName="nest_12_reservoir_15ml",
            namespace="opentrons",
            version=1,
            labwareId="rack",
        )
        failed = await do(
            "aspirate", pipetteId="p", labwareId="rack", wellName="A1", volume=50, flowRate=90
        )
        assert failed["status"] == "failed"
        assert failed["error"]["errorType"] == "TipNotAttachedError"
        assert (await do("aspirate"))["error"]["errorType"] == "PipetteNotLoadedError"

    virtual(work)


def test_old_runs_and_protocols_are_forgotten() -> None:
    async def work(client: Client) -> None:
        first = await client.new_run()
        for number in range(25):
            protocol = document(metadata={"protocolName": f"p{number}"})
            await client.upload(protocol)
        for _ in range(20):
            await client.http.post("/runs", json={"data": {}})
        runs = (await client.http.get("/runs")).json()
        assert runs["meta"]["totalLength"] == 20
        assert first not in [run["id"] for run in runs["data"]]
        page = (await client.http.get("/runs?pageLength=3")).json()["data"]
        assert page == runs["data"][-3:]
        await client.upload(document(metadata={"protocolName": "last"}))
        assert len((await client.http.get("/protocols")).json()["data"]) <= 6

    virtual(work)


def test_an_empty_stock_draws_air_and_an_overfull_well_spills() -> None:
    async def work(client: Client) -> None:
        world = client.stand.world
        world.vessel("red").volume_ml = 0.02
        world.vessel("plate:A1", 0.36).volume_ml = 0.355
        run = await client.new_run()
        await client.act(run, "play")
        assert await client.until(run, "succeeded", "failed") == "succeeded", "it notices nothing"
        kinds = [act.kind for act in world.acts]
        assert "air_drawn" in kinds
        assert "spill" in kinds
        assert kinds.count("dispense") == 2
        assert kinds.count("mix") == 2

    virtual(work)


def test_power_off_ends_everything() -> None:
    async def work(client: Client) -> None:
        run = await client.new_run()
        await client.act(run, "play")
        await client.stand.clock.sleep(20.0)
        await client.stand.simulator.close()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    virtual(work)
