"""A plain HTTP client of the simulated robot, for tests that speak to it without the driver."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import httpx

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
