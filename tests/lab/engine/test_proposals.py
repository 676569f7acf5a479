"""Proposals that leave the campaign's space are refused with the reason, and never clipped."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest

from lab.domain import event as ev
from lab.engine.messages import Proposal
from lab.engine.proposals import unlawful
from lab.engine.virtual_loop import run_virtual
from tests.lab.engine.kit import campaign_started
from tests.lab.engine.shell_bench import ShellBench

if TYPE_CHECKING:
    from pathlib import Path

    from lab.domain.state import LabState

SPEC = campaign_started().model_copy(
    update={
        "factors": (
            ev.FactorSpec(name="x", unit="mL", minimum=0, maximum=1),
            ev.FactorSpec(name="n", unit="", minimum=2, maximum=8, step=2),
            ev.FactorSpec(name="y", unit="mL", minimum=0, maximum=1),
        ),
        "at_most": (ev.AtMostSpec(factors=("x", "y"), most=1),),
    }
)


def proposal(**changes: float) -> Proposal:
    return Proposal({"x": 0.5, "n": 4.0, "y": 0.0, **changes}, "sobol")


@pytest.mark.parametrize(
    "changes", [{}, {"x": 0.0}, {"x": 1.0}, {"x": 1.0 + 1e-12}, {"n": 8.0}, {"x": 0.0, "y": 1.0}]
)
def test_what_keeps_the_space_is_lawful(changes: dict[str, float]) -> None:
    assert unlawful(SPEC, (proposal(), proposal(**changes))) == ""


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"x": 1.01}, "x = 1.01; its range is 0 to 1 mL"),
        ({"x": -0.01}, "its range is 0 to 1 mL"),
        ({"x": math.nan}, "x = nan"),
        ({"x": math.inf}, "x = inf"),
        ({"n": 5.0}, "between its steps of 2"),
        ({"n": 10.0}, "its range is 2 to 8"),
        ({"z": 1.0}, "values for n, x, y, z; the campaign's factors are n, x, y"),
        ({"y": 0.1}, "x, y together; at most 1 of them"),
    ],
)
def test_what_leaves_it_is_told_with_its_limit(changes: dict[str, float], word: str) -> None:
    assert word in unlawful(SPEC, (proposal(), proposal(**changes)))


def test_a_factor_that_is_missing_is_told() -> None:
    assert "the campaign's factors are" in unlawful(SPEC, (Proposal({"x": 0.5}, "sobol"),))


def test_a_campaign_whose_optimiser_leaves_the_space_ends_without_an_act(tmp_path: Path) -> None:
    def wild(state: LabState, campaign: str, count: int) -> tuple[Proposal, ...]:
        return (Proposal({"x": 7.0}, "sobol"),)

    async def main() -> None:
        bench = ShellBench(tmp_path)
        async with bench.hosts(), bench.running(suggest=wild) as (_, work):
            state = await asyncio.wait_for(work, 600)
        campaign = state.campaigns["kit-1"]
        assert campaign.status == "failed"
        assert "x = 7; its range is 0 to 1 mL" in campaign.reason
        assert campaign.trials == {}
        assert bench.devices["pump"].acts == []

    run_virtual(main())


def test_constraints_are_judged_by_the_language_of_sops() -> None:
    spec = SPEC.model_copy(
        update={"at_most": (), "constraints": ("x + y == 1000 uL", "not (n > 6 or x < 0.1 mL)")}
    )
    assert unlawful(spec, (proposal(x=1 / 3, y=2 / 3),)) == ""
    assert "which breaks x + y == 1000 uL" in unlawful(spec, (proposal(x=0.5, y=0.4),))
    assert "which breaks not" in unlawful(spec, (proposal(x=0.5, y=0.5, n=8),))
    assert "which breaks not" in unlawful(spec, (proposal(x=0.05, y=0.95),))
