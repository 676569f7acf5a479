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


MIXED = campaign_started().model_copy(
    update={
        "factors": (
            ev.ChoiceSpec(name="s", choices=("water", "oil")),
            ev.FactorSpec(name="x", unit="mL", minimum=1, maximum=4, levels=(1, 2, 4)),
        ),
        "constraints": ("s != 'oil' or x <= 2 mL",),
    }
)


@pytest.mark.parametrize(
    ("factors", "word"),
    [
        ({"s": "water", "x": 4.0}, ""),
        ({"s": "oil", "x": 2.0}, ""),
        ({"s": "oil", "x": 4.0}, "s = oil, x = 4, which breaks s != 'oil' or x <= 2 mL"),
        ({"s": "wine", "x": 2.0}, "s = wine; its choices are water, oil"),
        ({"s": 1.0, "x": 2.0}, "s = 1.0; its choices are water, oil"),
        ({"s": "oil", "x": 3.0}, "none of its levels 1, 2, 4 mL"),
        ({"s": "oil", "x": "2"}, "which is no number"),
        ({"s": "oil", "x": 5.0}, "its range is 1 to 4 mL"),
    ],
)
def test_choices_and_levels_are_checked(factors: dict[str, float | str], word: str) -> None:
    found = unlawful(MIXED, (Proposal(factors, "model"),))
    assert word in found
    assert bool(found) == bool(word)


def test_candidates_may_hold_choices() -> None:
    listed = MIXED.model_copy(update={"candidates": (("water", 1.0), ("oil", 2.0))})
    assert unlawful(listed, (Proposal({"s": "oil", "x": 2.0}, "model"),)) == ""
    other = unlawful(listed, (Proposal({"s": "water", "x": 2.0}, "model"),))
    assert "none of the 2 candidates" in other


def test_a_veto_of_a_choice_holds() -> None:
    veto = ev.SpaceVetoed(campaign="kit-1", condition="s == 'oil'", actor="Ada", reason="smells")
    oil = Proposal({"s": "oil", "x": 1.0}, "model")
    assert "which Ada has vetoed" in unlawful(MIXED, (oil,), (veto,))
    assert unlawful(MIXED, (Proposal({"s": "water", "x": 1.0}, "model"),), (veto,)) == ""
