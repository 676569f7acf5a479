"""A campaign from the JSON state that BayBE writes (`Campaign.to_json` of BayBE 0.15), where it maps.

What has no counterpart here is named, never dropped without a word; what would change the meaning of the space or of the
objective is refused. The format is BayBE's own: this reads what version 0.15.0 writes. Its tables are pickled, and read by
`lab.optimize.pickled_frame`, which builds tables and nothing else.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.domain.aim import Aim, Goal
from lab.domain.errors import InputError
from lab.optimize.campaign import Campaign
from lab.optimize.history import Direction, TrialRecord
from lab.optimize.pickled_frame import read_pickled_frame
from lab.optimize.saved import SavedCampaign
from lab.optimize.space import AnyFactor, AtMost, Category, Factor, Levels, Space

if TYPE_CHECKING:
    from lab.optimize.pickled_frame import Table
    from lab.optimize.space import Setting

__all__ = ["FromBaybe", "campaign_from_baybe"]


@dataclass(frozen=True)
class FromBaybe:
    """The campaign, and in words what of the state has no counterpart in it."""

    campaign: Campaign
    left_out: tuple[str, ...]


def campaign_from_baybe(text: str, *, seed: int = 0) -> FromBaybe:
    """Parameters, constraints, objective and measurements of a BayBE campaign, measured rows numbered from 1.

    Numbers on a list become levels, continuous ones factors, names categories (with their descriptors, or those of their
    SMILES). A discrete space that is less than all combinations becomes a list of candidates, so its constraints hold
    exactly. Numbers have no unit, as in BayBE. `seed` is that of the campaign: BayBE's own suggestions can't be
    continued to the bit. InputError for what is no such state, and for what has no counterpart and can't be left out.
    """
    try:
        document = json.loads(text)
        if document["type"] != "Campaign":
            raise KeyError("type")
        return _Reader(document).read(seed)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(
            f"not a state of BayBE: {type(error).__name__} at {error}",
            hint="read what Campaign.to_json of BayBE 0.15 wrote",
        ) from error


class _Reader:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.discrete: dict[str, Any] = document["searchspace"]["discrete"]
        self.continuous: dict[str, Any] = document["searchspace"]["continuous"]
        self.left_out = ["the recommender: this optimiser chooses in its own way"]

    def read(self, seed: int) -> FromBaybe:
        listed = [self._listed(item) for item in self.discrete["parameters"]]
        ranges = [_range(item) for item in self.continuous["parameters"]]
        factors: tuple[AnyFactor, ...] = (*listed, *ranges)
        space = Space(factors, tuple(self._linear()), at_most=tuple(self._at_most()))
        sought = self._sought()
        saved = SavedCampaign(
            space=space,
            direction=sought if isinstance(sought, str) else None,
            aim=None if isinstance(sought, str) else sought,
            candidates=self._candidates(listed, bool(ranges)) if listed else None,
            seed=seed,
            initial=max(4, 2 * len(space.factors)),
            method="bayesian",
            history=tuple(self._measured(space, sought)),
        )
        if self.document.get("cached_recommendation") is not None:
            self.left_out.append("the recommendation that was not yet measured")
        return FromBaybe(Campaign.from_json(saved.model_dump_json()), tuple(self.left_out))

    def _listed(self, item: dict[str, Any]) -> Levels | Category:
        """A parameter of the discrete part."""
        name, kind = str(item["name"]), str(item["type"])
        if kind == "NumericalDiscreteParameter":
            return Levels(name, "dimensionless", tuple(sorted(float(v) for v in item["values"])))
        if kind == "CategoricalParameter":
            if item.get("encoding") == "INT":
                self.left_out.append(f"the order of the choices of {name}")
            return Category(name, tuple(str(value) for value in item["values"]))
        if kind == "CustomDiscreteParameter":
            names, table = read_pickled_frame(item["data"], f"the descriptors of {name}")
            rows = zip(*table.values(), strict=True)
            told = {choice: tuple(row) for choice, row in zip(names, rows, strict=True)}
            return Category(name, tuple(names), told)
        if kind == "SubstanceParameter":
            self.left_out.append(f"the encoding {item['encoding']} of {name}: it has RDKit's")
            return Category.from_smiles(name, item["data"])
        raise _unmatched(
            f"{name} is a {kind} of BayBE's",
            "leave it out in BayBE; trials of other tasks go into Options(earlier=...)",
        )

    def _candidates(self, listed: list[Levels | Category], hybrid: bool) -> Table | None:
        """The rows of the discrete part; None where it is all combinations."""
        _, rows = read_pickled_frame(self.discrete["exp_rep"], "the discrete search space")
        _, marks = read_pickled_frame(self.document["searchspace_metadata"], "its marks")
        kept = [not excluded for excluded in marks["excluded"]]
        found: Table = {
            one.name: [value for value, keep in zip(rows[one.name], kept, strict=True) if keep]
            for one in listed
        }
        whole = math.prod(
            len(one.levels if isinstance(one, Levels) else one.choices) for one in listed
        )
        if sum(kept) == whole:
            return None
        if hybrid:
            raise _unmatched(
                f"{sum(kept)} of {whole} combinations of the discrete parameters beside continuous ones",
                "build the campaign by hand, with the rules of the discrete part as constraints of the space",
            )
        return found

    def _linear(self) -> list[str]:
        """Linear constraints of the continuous part as formulas."""
        found: list[str] = []
        for key, sign in (("constraints_lin_eq", "=="), ("constraints_lin_ineq", "")):
            for item in self.continuous.get(key) or ():
                if item.get("interpoint"):
                    raise _unmatched(
                        "a constraint between the points of a batch",
                        "`alike` of a Space keeps factors equal within a batch; sums over a batch have no counterpart",
                    )
                pairs = zip(item["coefficients"], item["parameters"], strict=True)
                terms = " + ".join(f"{float(factor)!r} * {name}" for factor, name in pairs)
                found.append(f"{terms} {sign or item['operator']} {float(item['rhs'])!r}")
        return found

    def _at_most(self) -> list[AtMost]:
        found: list[AtMost] = []
        for item in self.continuous.get("constraints_nonlin") or ():
            if item["type"] != "ContinuousCardinalityConstraint" or item["min_cardinality"]:
                raise _unmatched(
                    f"a {item['type']} of BayBE's", "at most so many above zero have a counterpart"
                )
            found.append(AtMost(tuple(item["parameters"]), int(item["max_cardinality"])))
        return found

    def _sought(self) -> Direction | Aim:
        objective: dict[str, Any] | None = self.document["objective"]
        if objective is None:
            raise _unmatched("a campaign without an objective", "give it one in BayBE first")
        kind = str(objective["type"])
        if kind == "SingleTargetObjective":
            goal = _goal(objective["target"], 1.0)
            if goal.direction != "target" and goal.ideal is None:
                return goal.direction
            return Aim((goal,), weigh="desirability")
        targets: list[dict[str, Any]] = objective["targets"]
        if kind == "ParetoObjective":
            return Aim(tuple(_goal(target, 1.0) for target in targets))
        if kind == "DesirabilityObjective" and objective["scalarizer"] == "GEOM_MEAN":
            pairs = zip(targets, objective["weights"], strict=True)
            goals = tuple(_goal(target, float(weight)) for target, weight in pairs)
            return Aim(goals, weigh="desirability")
        raise _unmatched(
            f"a {kind} of BayBE's ({objective.get('scalarizer', 'no scalarizer')})",
            "one target, a Pareto objective and a desirability by geometric mean have a counterpart",
        )

    def _measured(self, space: Space, sought: Direction | Aim) -> list[TrialRecord]:
        _, table = read_pickled_frame(self.document["measurements_exp"], "the measurements")
        names = (self.document["objective"]["target"]["name"],) if isinstance(sought, str) else sought.outcomes  # fmt: skip
        count = len(next(iter(table.values()))) if table else 0
        found: list[TrialRecord] = []
        for row in range(count):
            factors: dict[str, Setting] = {name: table[name][row] for name in space.names}
            told = {name: float(table[name][row]) for name in names}
            told = {name: value for name, value in told.items() if math.isfinite(value)}
            if not told:
                self.left_out.append(f"measurement {row + 1}, which has no value")
                continue
            found.append(
                TrialRecord(number=row + 1, factors=factors, status="done", value=told[names[0]])
                if isinstance(sought, str)
                else TrialRecord(
                    number=row + 1,
                    factors=factors,
                    status="done" if len(told) == len(names) else "pending",
                    outcomes=told,
                )
            )
        return found


def _range(item: dict[str, Any]) -> Factor:
    bounds = item["bounds"]
    return Factor(
        str(item["name"]), "dimensionless", float(bounds["lower"]), float(bounds["upper"])
    )


def _goal(target: dict[str, Any], weight: float) -> Goal:
    """A target as a goal: plain, a ramp between two values, or a symmetrical peak."""
    name, shape = str(target["name"]), target["transformation"]
    made: dict[str, Any] = target.get("constructor_info") or {}
    if shape["type"] == "IdentityTransformation":
        return Goal(name, "minimize" if target["minimize"] else "maximize", weight=weight)
    if made.get("constructor") == "normalized_ramp" and not target["minimize"]:
        low, high = (float(value) for value in made["cutoffs"])
        if made["descending"]:
            return Goal(name, "minimize", worst=high, ideal=low, weight=weight)
        return Goal(name, "maximize", worst=low, ideal=high, weight=weight)
    if shape["type"] == "TriangularTransformation" and not target["minimize"]:
        low, high, peak = (*(float(shape["cutoffs"][k]) for k in ("lower", "upper")), float(shape["peak"]))  # fmt: skip
        if math.isclose(peak - low, high - peak):
            return Goal(name, "target", target=peak, worst=peak - low, weight=weight)
    raise _unmatched(
        f"the target {name} with a {shape['type']} of BayBE's",
        "plain targets, ramps and symmetrical triangles have a counterpart",
    )


def _unmatched(what: str, hint: str) -> InputError:
    return InputError(f"{what} has no counterpart here", hint=hint)
