"""Each shipped example, run from its files to its end in virtual time, against its optimum by brute force.

The truth is the simulators' noise-free equation. How good a recipe is, is told as its share of the way from the
median recipe of the whole space (0) to the best one (1).
"""

from __future__ import annotations

import statistics
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.app.files import open_campaign
from lab.app.options import RunOptions
from lab.app.run import run_campaign
from lab.records.reader import open_records
from simulators.chemistry.dyes import well_absorbance
from simulators.chemistry.electrolyte import conductivity_ms_cm
from simulators.chemistry.light import counts, distance
from tests.support.factors import numbers, ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.app.files import CampaignFiles

SOPS = Path(__file__).parents[2] / "sops"
Recipe = dict[str, float]


def electrolyte_truth(_files: CampaignFiles) -> Callable[[Recipe], float]:
    def truth(recipe: Recipe) -> float:
        salt = 2.0 * recipe["concentrate_volume"] + 0.5 * recipe["dilute_volume"]
        return conductivity_ms_cm(salt / 10.0, 298.15)

    return truth


def light_truth(files: CampaignFiles) -> Callable[[Recipe], float]:
    parameters = files.bundle.procedure.sop.quantities
    target = {
        f"ch{name.removeprefix('target_')}": parameter.default.magnitude
        for name, parameter in parameters.items()
        if name.startswith("target_")
    }

    def truth(recipe: Recipe) -> float:
        return distance(counts(recipe["red"], recipe["green"], recipe["blue"]), target)

    return truth


def dye_truth(files: CampaignFiles) -> Callable[[Recipe], float]:
    simulation = files.lab.simulation
    assert simulation is not None
    stocks = {
        name: {species: amount.to("mol/L").magnitude for species, amount in stock.contents.items()}
        for name, stock in simulation.stock.items()
    }
    targets = {wave: files.fixed[f"target_{wave}"] for wave in (450, 520, 630)}

    def truth(recipe: Recipe) -> float:
        volumes = {name.removesuffix("_volume"): volume for name, volume in recipe.items()}
        volumes["water"] = 200.0 - sum(volumes.values())
        return sum(
            abs(well_absorbance(volumes, stocks, float(wave), 6.86) - float(str(target)))
            for wave, target in targets.items()
        )

    return truth


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("example", "truth_of", "known"),
    [
        ("electrolyte_conductivity", electrolyte_truth, None),
        ("light_matching", light_truth, {"red": 72.0, "green": 150.0, "blue": 40.0}),
        (
            "dye_matching",
            dye_truth,
            {"red_volume": 18.0, "yellow_volume": 42.0, "blue_volume": 27.0},
        ),
    ],
)
def test_an_example_ends_at_its_known_optimum(
    tmp_path: Path,
    example: str,
    truth_of: Callable[[CampaignFiles], Callable[[Recipe], float]],
    known: Recipe | None,
) -> None:
    campaign = SOPS / example / "campaign.yaml"
    files = open_campaign(campaign)
    truth = truth_of(files)
    sign = 1.0 if files.objectives[0].direction == "maximize" else -1.0
    steps = 61 if len(files.factors) == 2 else 18
    axes = [
        [f.minimum + (f.maximum - f.minimum) * i / (steps - 1) for i in range(steps)]
        for f in ranges(files.factors)
    ]
    names = [factor.name for factor in files.factors]
    grid = [truth(dict(zip(names, point, strict=True))) for point in product(*axes)]
    if known is not None:
        grid.append(truth(known))
    optimum, middle = max(sign * value for value in grid) * sign, statistics.median(grid)
    if known is not None:
        assert truth(known) == optimum, "the recipe that the README names is not the best one"

    report = run_campaign(
        RunOptions(campaign=campaign, virtual=True, seed=7, database=str(tmp_path / "records.db"))
    )
    assert report.state == "completed"
    runs = report.document["runs"]
    assert runs == {"succeeded": files.bundle.campaign.budget.trials, "failed": 0, "aborted": 0}
    with open_records(report.database) as records:
        state = records.state()
    [entry] = state.campaigns.values()
    # Nobody may take these data for real ones.
    assert all(
        d.description is not None and d.description.simulated for d in state.devices.values()
    )
    best = entry.best()
    assert best is not None
    reached = (truth(numbers(best.factors)) - middle) / (optimum - middle)
    assert reached > 0.97
    assert entry.spec.objective.reference is not None


def test_the_electrolyte_optimum_is_the_one_of_the_literature() -> None:
    best, salt = max((conductivity_ms_cm(c / 1000, 298.15), c / 1000) for c in range(1, 2000))
    files = open_campaign(SOPS / "electrolyte_conductivity" / "campaign.yaml")
    assert best == pytest.approx(9.130, abs=0.001)
    assert salt == pytest.approx(1.006, abs=0.001)
    assert files.objectives[0].reference == pytest.approx(best, abs=0.001)
