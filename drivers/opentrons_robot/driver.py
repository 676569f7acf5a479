"""Opentrons OT-2 and Flex as `liquid_handling`: one JSON protocol and one run of the robot per dose.

A dose goes: own volume check, the vendor's analysis (`preflight`), upload, the robot's own analysis, a run that is
created but idle, `act.begin()`, play, poll. Nothing moves before play, and a run that is made not current can never
be played, so after any break in between it can be told (and enforced) whether the dose began. Where the robot does
not answer, a LinkError (a ConnectionError) goes up: the host knows that it means no effect before `begin()` and an
unknown one after it, connects again and asks `settle`.

The protocol's metadata carries the command id and the levels before it. The robot keeps its last 20 runs, so after
a crash both the fate of a command and the levels of stocks and wells are read back from the robot.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drivers.opentrons_robot.client import LinkError, RobotClient, RobotRefusedError
from drivers.opentrons_robot.deck import parse_deck
from drivers.opentrons_robot.history import find_runs, latest_levels
from drivers.opentrons_robot.preflight import PreflightError, analyse_async
from drivers.opentrons_robot.protocol import Compiled, compile_protocol
from drivers.opentrons_robot.volumes import (
    Levels,
    Transfer,
    check_transfers,
    sample_transfers,
)
from drivers.opentrons_robot.wire import ENDED, WAITING, Run
from lab.devices.driver import DeviceError, Identity
from lab.domain.command import Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.devices.driver import Act, DriverContext, Outputs
    from lab.domain.command import Command

__all__ = ["OpentronsRobot"]

_LOST_POLLS = 10
_SAFE_POLLS = 240
_REMEMBERED_RUNS = 20
_MIN_REAL_POLL_S = 0.02
_ROBOT_MODELS = {"OT-2": "OT-2 Standard", "Flex": "OT-3 Standard"}

_analysed_decks: set[str] = set()
"""Decks that passed the vendor's analysis in this process (setting `preflight: first`)."""


class OpentronsRobot:
    """One robot. Settings: see `drivers.opentrons_robot.deck.Deck`; url: `http://host:31950` or `sim:`."""

    def __init__(self, context: DriverContext) -> None:
        self._context = context
        self._deck = parse_deck(context.settings, context.name)
        self._levels = Levels.full(self._deck)
        self._client: RobotClient | None = None

    async def connect(self) -> Identity:
        """Check robot, pipettes and deck against the settings; read the levels back from the robot."""
        await self.disconnect()
        client = RobotClient(self._context.connector.http(self._context.url))
        self._client = client
        try:
            health = await client.health()
            instruments = await client.instruments()
            await self._reload_levels()
        except LinkError:
            await self.disconnect()
            raise
        except RobotRefusedError as error:
            await self.disconnect()
            raise DeviceError("refused", str(error)) from error
        wanted = _ROBOT_MODELS[self._deck.robot]
        if health.robot_model != wanted:
            await self.disconnect()
            raise DeviceError(
                "wrong_robot", f"settings say {wanted}, the robot says {health.robot_model!r}"
            )
        mounted = {item.mount: item.instrument_name for item in instruments if item.ok}
        for mount in self._deck.pipettes:
            if mounted.get(mount.mount) != mount.name:
                await self.disconnect()
                raise DeviceError(
                    "wrong_pipette",
                    f"{mount.mount} mount: settings say {mount.name}, "
                    f"the robot has {mounted.get(mount.mount) or 'nothing'}",
                )
        try:
            await self._preflight_deck()
        except DeviceError:
            await self.disconnect()
            raise
        return Identity(
            manufacturer="Opentrons",
            model=health.robot_model,
            serial_number=health.robot_serial or health.name,
            firmware=health.api_version,
            simulated="virtual" in health.fw_version.lower(),
        )

    async def disconnect(self) -> None:
        """Close the HTTP connections; a run in progress goes on at the robot."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def dose_well(self, act: Act, *, well: str, volumes: Mapping[str, float]) -> Outputs:
        """Transfer a volume (uL) of each stock into one well, in the order given, and mix if the deck says so."""
        client = self._connected()
        transfers = [Transfer(stock, well, float(volume)) for stock, volume in volumes.items()]
        problems = check_transfers(self._deck, transfers, self._levels)
        if problems:
            text = "; ".join(problem.message for problem in problems)
            raise DeviceError(problems[0].code, text, effect="none")
        total = math.fsum(item.volume_ul for item in transfers)
        if total == 0.0:
            return {"volume": 0.0}
        command = act.command
        compiled = compile_protocol(
            self._deck,
            transfers,
            self._levels,
            label=command.id,
            step=f"{command.step}.{command.attempt}",
            title=f"{command.run} {command.step} {well}",
        )
        if self._deck.preflight == "always":
            await self._preflight(compiled)
        try:
            run = await self._prepare(client, compiled)
        except RobotRefusedError as error:
            code = "robot_busy" if error.error_id == "RunAlreadyActive" else "refused"
            raise DeviceError(code, str(error), effect="none") from error
        await act.begin()
        before, self._levels = self._levels, self._levels.copy()
        self._levels.charge(compiled.transfers)
        try:
            await self._play(client, run.id)
            await self._follow(client, run.id, act)
        except DeviceError as error:
            if error.effect == "none":
                self._levels = before
            raise
        return {"volume": total}

    async def make_safe(self) -> None:
        """Stop the current run, if there is one, and see that it has ended (the robot then homes)."""
        client = self._connected()
        try:
            for run in [run for run in await client.runs() if run.current]:
                await self._end(client, run)
        except RobotRefusedError as error:
            raise DeviceError(
                "not_safe", f"can't confirm that it stands still: {error}", effect="unknown"
            ) from error

    async def settle(self, command: Command) -> Settlement:
        """Find the command's run at the robot; what was never played is fenced off, so it can't be later."""
        try:
            settlement = await self._settle(self._connected(), command)
            await self._reload_levels()
        except RobotRefusedError as error:
            raise DeviceError("refused", f"the robot did not tell: {error}") from error
        return settlement

    async def read_telemetry(self) -> Mapping[str, float]:
        """What is left for a dose, by the level of the lowest stock, as far as commands tell (no I/O)."""
        return {"lowest_stock": min(self._levels.stocks.values())}

    # -- the parts of a dose ----------------------------------------------------------------------

    def _connected(self) -> RobotClient:
        if self._client is None:
            raise LinkError("not connected")
        return self._client

    async def _preflight_deck(self) -> None:
        """The vendor's analysis of a sample of doses, once for each deck in a process."""
        samples = sample_transfers(self._deck)
        deck = self._deck.model_dump_json()
        if self._deck.preflight != "first" or deck in _analysed_decks or not samples:
            return
        await self._preflight(
            compile_protocol(
                self._deck,
                samples,
                Levels.full(self._deck),
                label="sample",
                step="sample",
                title=f"{self._context.name} sample",
            )
        )
        _analysed_decks.add(deck)

    async def _preflight(self, compiled: Compiled) -> None:
        try:
            report = await analyse_async(compiled.to_bytes(), clock_speed=self._context.clock.speed)
        except PreflightError as error:
            raise DeviceError("preflight", f"{error} (or set preflight: never)") from error
        if not report.ok:
            raise DeviceError("preflight", "; ".join(report.errors), effect="none")
        _require_all(compiled, report.keys, "the local analysis")

    async def _prepare(self, client: RobotClient, compiled: Compiled) -> Run:
        protocol = await client.upload("protocol.json", compiled.to_bytes())
        if not protocol.analysis_summaries:
            raise DeviceError("analysis", "the robot started no analysis", effect="none")
        summary = protocol.analysis_summaries[-1]
        while True:
            analysis = await client.analysis(protocol.id, summary.id)
            if analysis.status == "completed":
                break
            await self._pause()
        if analysis.result != "ok":
            causes = "; ".join(text for error in analysis.errors for text in error.causes())
            raise DeviceError("analysis", f"the robot refuses the protocol: {causes}")
        _require_all(compiled, tuple(item.key for item in analysis.commands), "the robot")
        return await client.create_run(protocol.id)

    async def _play(self, client: RobotClient, run_id: str) -> None:
        try:
            await client.act(run_id, "play")
        except RobotRefusedError as error:
            raise DeviceError("refused", f"play: {error}", effect="none") from error
        except LinkError as error:
            # the request may have arrived; make sure of one or the other
            run = await self._fence(client, run_id)
            if run.started_at is None:
                raise DeviceError("not_played", f"play: {error}", effect="none") from error

    async def _follow(self, client: RobotClient, run_id: str, act: Act) -> None:
        """Poll until the run has succeeded; raises for any other end."""
        lost = 0
        status = ""
        while True:
            await self._pause()
            try:
                run = await client.run(run_id)
                if run.status.startswith("awaiting-recovery"):
                    await client.act(run_id, "stop")
            except LinkError:
                lost += 1
                if lost >= _LOST_POLLS:
                    raise
                continue
            except RobotRefusedError as error:
                if error.status == 409:  # it ended between our two requests
                    continue
                raise DeviceError(
                    "run_lost", f"during the dose: {error}", effect="unknown"
                ) from error
            lost = 0
            if run.status == "succeeded":
                await self._free(client, run.id)
                return
            if run.status in ENDED:
                raise await self._failure(client, run)
            if run.status != status:
                status = run.status
                await act.progress({"status": status})

    async def _failure(self, client: RobotClient, run: Run) -> DeviceError:
        """What to raise for a run that ended badly: no effect only where no liquid command was started."""
        causes = "; ".join(text for error in run.errors for text in error.causes())
        try:
            moved, culprit = await _liquid_moved(client, run.id)
            await client.retire(run.id)
        except (LinkError, RobotRefusedError):
            moved, culprit = True, ""
        at = f" at {culprit}" if culprit else ""
        return DeviceError(
            f"run_{run.status}",
            f"the run {run.status}{at}: {causes or 'no reason given'}",
            effect="partial" if moved else "none",
        )

    async def _free(self, client: RobotClient, run_id: str) -> None:
        try:
            await client.retire(run_id)
        except (LinkError, RobotRefusedError):
            # the dose is done; an ended run that stays current blocks nobody
            return

    # -- after a crash ----------------------------------------------------------------------------

    async def _settle(self, client: RobotClient, command: Command) -> Settlement:
        remembered = await client.runs()
        found = find_runs(await client.protocols(), remembered, command.id)
        if not found:
            if len(remembered) >= _REMEMBERED_RUNS:
                return Settlement(
                    verdict="unknown", detail="no trace, but the robot forgets runs older than 20"
                )
            return Settlement(verdict="not_done", detail="the robot knows no run for this command")
        fenced = [await self._fence(client, run.id) for run in found]
        started = [run for run in fenced if run.started_at is not None]
        if not started:
            return Settlement(
                verdict="not_done", detail="the run was never played, and can't be now"
            )
        run = await self._wait_ended(client, started[-1], command.timeout_s)
        if run.status == "succeeded":
            await self._free(client, run.id)
            return Settlement(verdict="done", outputs={"volume": _total(command)})
        if run.status not in ENDED:
            return Settlement(
                verdict="unknown",
                detail=f"the run is {run.status} at the robot; resume or stop it there",
            )
        moved, culprit = await _liquid_moved(client, run.id)
        at = f" at {culprit}" if culprit else ""
        return Settlement(
            verdict="partial" if moved else "not_done", detail=f"the run {run.status}{at}"
        )

    async def _wait_ended(self, client: RobotClient, run: Run, limit_s: float) -> Run:
        start = self._context.clock.monotonic()
        while run.status not in ENDED:
            if run.status in WAITING or self._context.clock.monotonic() - start > limit_s:
                break
            if run.status.startswith("awaiting-recovery"):
                await client.act(run.id, "stop")
            await self._pause()
            run = await client.run(run.id)
        return run

    async def _fence(self, client: RobotClient, run_id: str) -> Run:
        """The run, after it was made unplayable if it had not been played."""
        run = await client.run(run_id)
        if run.started_at is None:
            try:
                await client.retire(run_id)
            except RobotRefusedError as error:
                if error.status != 409:  # 409: no longer current, or it has started meanwhile
                    raise
            run = await client.run(run_id)
        return run

    async def _end(self, client: RobotClient, run: Run) -> None:
        if run.started_at is None and run.status not in ENDED:
            run = await self._fence(client, run.id)
        for _ in range(_SAFE_POLLS):
            if run.status in ENDED:
                return
            if run.status not in ("stop-requested", "finishing"):
                try:
                    await client.act(run.id, "stop")
                except RobotRefusedError as error:
                    if error.status != 409:  # 409: it ended between our two requests
                        raise
            await self._pause()
            run = await client.run(run.id)
        raise DeviceError("not_safe", f"the run is still {run.status}", effect="unknown")

    async def _reload_levels(self) -> None:
        client = self._connected()
        self._levels = latest_levels(self._deck, await client.protocols(), await client.runs())

    async def _pause(self) -> None:
        speed = self._context.clock.speed
        least = 0.0 if math.isinf(speed) else _MIN_REAL_POLL_S * speed
        await self._context.clock.sleep(max(self._deck.poll_s, least))


def _total(command: Command) -> float:
    volumes = command.args.get("volumes")
    values = volumes.values() if isinstance(volumes, dict) else ()
    return math.fsum(float(value) for value in values if isinstance(value, int | float))


async def _liquid_moved(client: RobotClient, run_id: str) -> tuple[bool, str]:
    """Whether a liquid command was started, and the key of the command that failed.

    When a run fails, the engine marks the queued commands failed as well, but without an error.
    """
    moved = False
    culprit = ""
    for item in await client.commands(run_id):
        began = item.status in ("running", "succeeded") or item.error is not None
        if began and item.command_type in ("aspirate", "dispense", "blowout"):
            moved = True
        if item.status == "failed" and item.error is not None and not culprit:
            culprit = item.key
    return moved, culprit


def _require_all(compiled: Compiled, keys: tuple[str, ...], who: str) -> None:
    """Every command of ours must have been analysed, in our order (a home command comes before them)."""
    ours = set(compiled.keys)
    seen = tuple(key for key in keys if key in ours)
    if seen != compiled.keys:
        raise DeviceError(
            "analysis",
            f"{who} analysed {len(seen)} of {len(compiled.keys)} commands",
            effect="none",
        )
