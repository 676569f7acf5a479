"""Runs of the simulated robot: the order of statuses, conflicts, commands, and what happens in the world."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.simulators.opentrons_client import Client, document, error_id, virtual


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
