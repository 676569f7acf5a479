"""The lab of `lab bench overhead`: balances that do nothing when they are tared, and samples that ask for that alone.

Run as a module it serves the devices in a process of its own, until its standard input ends.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lab.devices.driver import Identity
from lab.devices.host import DeviceHost, HostTiming
from lab.devices.ledger import CommandLedger
from lab.devices.manifest import Manifest
from lab.domain.command import Settlement
from lab.domain.ids import run_id
from lab.domain.plan import Plan, PlannedStep, Slot
from lab.engine.clock import ScaledClock
from lab.engine.context import PlannedTimeline

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from lab.bus.transport import Transport
    from lab.devices.driver import Act, DriverContext
    from lab.domain import event as ev
    from lab.domain.command import Command
    from lab.domain.interlock import Interlock
    from lab.domain.plan import Check, Formula, LateArgument
    from lab.domain.state import CampaignState, LabState
    from lab.engine.context import Outputs, QualityOutcome, WeighedPlan
    from lab.engine.messages import PlanFound
    from lab.plan.services import ServiceRules

__all__ = ["LAB", "NoOpContext", "device_names", "serve_devices"]

LAB = "overhead"

_MANIFEST = Manifest(
    driver="no_op",
    version="1.0.0",
    title="A balance that does nothing",
    manufacturer="Labwright",
    models=("none",),
    capabilities=("weighing",),
    entry="lab.app.overhead_lab:NoOpDriver",
    connection="stream",
    safe_state="nothing to make safe",
    safe_action=False,
)


def device_names(samples: int) -> tuple[str, ...]:
    """One device for each sample, so that none waits for another."""
    return tuple(f"d{number}" for number in range(1, samples + 1))


class NoOpDriver:
    """Takes no time at all."""

    def __init__(self, context: DriverContext | None = None) -> None:
        del context

    async def connect(self) -> Identity:
        return Identity("Labwright", "none", simulated=True)

    async def disconnect(self) -> None:
        pass

    async def make_safe(self) -> None:
        pass

    async def settle(self, command: Command) -> Settlement:
        del command
        return Settlement(verdict="unknown", detail="it keeps nothing in mind")

    async def read_telemetry(self) -> Mapping[str, float]:
        return {}

    async def tare(self, act: Act) -> dict[str, float]:
        await act.begin()
        return {}


@asynccontextmanager
async def serve_devices(
    samples: int, transport: Transport, ledger: Path, *, boot: str
) -> AsyncGenerator[None, None]:
    """Device hosts on one ledger, in a file as ever."""
    book = CommandLedger(ledger, identity=boot)
    clock = ScaledClock(1.0)
    try:
        async with AsyncExitStack() as stack:
            for name in device_names(samples):
                host = DeviceHost(
                    *(LAB, name, NoOpDriver(), _MANIFEST, transport, book, clock),
                    boot=boot,
                    real_time=clock.wall,
                    timing=HostTiming(),
                    simulated=True,
                )
                await stack.enter_async_context(host)
            yield
    finally:
        book.close()


class NoOpContext:
    """One plan for each sample: as many steps, one after another, on a device of its own."""

    interlocks: Sequence[Interlock] = ()
    services: ServiceRules | None = None

    def __init__(self, samples: int, steps: int) -> None:
        self._plans = {n: self._plan(f"d{n}", steps) for n in range(1, samples + 1)}

    @staticmethod
    def _plan(device: str, steps: int) -> Plan:
        names = [f"step{number}" for number in range(1, steps + 1)]
        return Plan(
            sop_id="no_op",
            sop_version="1.0.0",
            sop_sha256="0" * 64,
            bindings={"balance": device},
            parameters={},
            steps=tuple(
                PlannedStep(
                    path=name,
                    title="Nothing",
                    capability="weighing",
                    action="tare",
                    device=device,
                    needs=(before,) if before else (),
                    duration_s=0.01,
                    timeout_s=600.0,
                    effect="absolute",
                )
                for before, name in zip(("", *names), names, strict=False)
            ),
        )

    def candidates(self, trial: int, settings: Mapping[str, ev.SettingValue]) -> tuple[Plan, ...]:
        """The sample's own device."""
        del settings
        return (self._plans[trial],)

    def timeline(self, state: LabState, campaign: CampaignState, now_s: float) -> PlannedTimeline:
        """All samples side by side."""
        at = now_s - campaign.origin_s
        slots: list[Slot] = []
        for trial in campaign.open_trials:
            name = run_id(campaign.spec.campaign, trial.number)
            run = state.runs.get(name)
            left = [
                planned
                for planned in self._plans[trial.number].steps
                if run is None or not run.steps[planned.path].passed
            ]
            slots += [
                Slot(
                    run=name,
                    step=planned.path,
                    device=planned.device,
                    start_s=at + number * planned.duration_s,
                    end_s=at + (number + 1) * planned.duration_s,
                )
                for number, planned in enumerate(left)
            ]
        return PlannedTimeline(tuple(slots), {})

    # What no step of these asks for.

    def improvable(self, state: LabState, campaign: CampaignState, now_s: float) -> None:
        """Nothing to choose."""

    def weighed(
        self, state: LabState, campaign: CampaignState, now_s: float, found: PlanFound
    ) -> WeighedPlan:
        """Nothing is looked for."""
        raise AssertionError((state, campaign, now_s, found))

    def condition(self, plan: Plan, formula: Formula, outputs: Outputs) -> None:
        """Nothing to decide."""

    def argument(self, plan: Plan, late: LateArgument, outputs: Outputs) -> float:
        """Nothing that is known late."""
        raise AssertionError((plan, late, outputs))

    def check(self, plan: Plan, check: Check, step: str, outputs: Outputs) -> bool:
        """Nothing to hold."""
        raise AssertionError((plan, check, step, outputs))

    def results(self, plan: Plan, outputs: Outputs) -> Mapping[str, ev.Value]:
        """None."""
        del plan, outputs
        return {}

    def quality(self, plan: Plan, outputs: Outputs) -> Sequence[QualityOutcome]:
        """None."""
        del plan, outputs
        return ()


async def _serve(samples: int, broker: str, ledger: Path, boot: str) -> None:
    from lab.bus.mqtt import MqttTransport

    async with (
        MqttTransport(broker) as transport,
        serve_devices(samples, transport, ledger, boot=boot),
    ):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
