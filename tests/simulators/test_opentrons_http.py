"""Routes, codes, error ids and the order of statuses of the simulated robot, as recorded from robot-server 8.1."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.simulators.opentrons_client import Client, document, error_id, virtual

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
            json.dumps(
                document(robot={"model": "OT-3 Standard", "deckId": "ot3_standard"})
            ).encode(),
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
    next(c for c in protocol["commands"] if c["commandType"] == "aspirate")["params"]["volume"] = (
        350
    )


def _too_far(protocol: dict[str, Any]) -> None:
    next(c for c in protocol["commands"] if c["commandType"] == "dispense")["params"]["volume"] = (
        200
    )


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
