"""A factor that nobody chooses, told to a running engine with real parts: nothing is proposed before, all is made with it after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.engine import messages as msg
from lab.engine.virtual_loop import run_virtual
from tests.lab.engine.kit import campaign_started
from tests.lab.engine.shell_bench import ShellBench

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.state import LabState
    from lab.engine.shell import Suggest

ROOM = ev.FactorSpec(name="room", unit="degC", minimum=15, maximum=30, context=ev.ContextSpec())
SPEC = campaign_started(trials=2)
SPEC = SPEC.model_copy(update={"factors": (*SPEC.factors, ROOM)})


def as_it_is(state: LabState, campaign: str, count: int) -> tuple[msg.Proposal, ...]:
    """Half a millilitre, whatever the room is."""
    held = state.campaigns[campaign].held
    return tuple(msg.Proposal({"x": 0.5, **held}, "sobol") for _ in range(count))


def as_it_likes(_state: LabState, _campaign: str, _count: int) -> tuple[msg.Proposal, ...]:
    """A fault: it makes the room a little warmer."""
    return (msg.Proposal({"x": 0.5, "room": 25.0}, "model"),)


def _told(folder: Path, suggest: Suggest) -> tuple[LabState, list[ev.Event]]:
    """What came of a campaign to which Ada tells the temperature when it is waited for."""
    found: list[LabState] = []
    bench: list[ShellBench] = []

    async def main() -> None:
        bench.append(ShellBench(folder, start=SPEC))
        async with bench[0].hosts(), bench[0].running(suggest=suggest) as (engine, work):
            campaign = SPEC.campaign
            await bench[0].until(
                lambda: (
                    bool(engine.state.campaigns)
                    and engine.state.campaigns[campaign].awaited is not None
                )
            )
            assert engine.state.campaigns[campaign].trials == {}
            args = {"do": "context", "factors": {"room": "22 degC"}}
            assert (await engine.request("c", "trial", "Ada", "by the window", args)).accepted
            found.append(await asyncio.wait_for(work, 36_000))

    run_virtual(main())
    return found[0], [record.event for record in bench[0].records()]


def test_nothing_is_proposed_before_it_is_told_and_all_is_made_with_it(tmp_path: Path) -> None:
    state, events = _told(tmp_path, as_it_is)
    campaign = state.campaigns[SPEC.campaign]
    assert campaign.status == "completed"
    assert [trial.factors for trial in campaign.trials.values()] == [{"x": 0.5, "room": 22.0}] * 2
    assert {trial.context["room"].actor for trial in campaign.trials.values()} == {"Ada"}
    kinds = [event.kind for event in events]
    order = [kinds.index(k) for k in ("context_awaited", "context_told", "trial_proposed")]
    assert order == sorted(order)
    assert kinds.count("context_awaited") == 1


def test_an_optimiser_that_chooses_it_ends_the_campaign_with_the_reason(tmp_path: Path) -> None:
    state, _ = _told(tmp_path, as_it_likes)
    campaign = state.campaigns[SPEC.campaign]
    assert (campaign.status, dict(campaign.trials)) == ("failed", {})
    assert "it proposed other values than room = 22, which nobody chooses" in campaign.reason
