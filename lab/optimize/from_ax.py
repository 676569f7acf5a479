"""A campaign from the JSON state that Ax writes (`Client.save_to_json_file` of Ax 1.x), where it maps.

What has no counterpart here is named, never dropped without a word; what would change the meaning of the space is refused.
The format is Ax's own and not documented as stable: this reads what version 1.3.1 writes.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from lab.domain.aim import Aim, Goal, Limit
from lab.domain.errors import InputError
from lab.optimize.campaign import Campaign
from lab.optimize.history import Direction, TrialRecord
from lab.optimize.saved import SavedCampaign
from lab.optimize.space import AnyFactor, Category, Factor, Levels, Space

__all__ = ["FromAx", "campaign_from_ax"]

_GOAL = re.compile(r"\s*(-?)\s*([A-Za-z_][A-Za-z0-9_.]*)\s*")
_STATUS: dict[str, Literal["done", "failed", "pending", "aborted"]] = {
    "COMPLETED": "done",
    "FAILED": "failed",
    "ABANDONED": "aborted",
    "CANDIDATE": "pending",
    "STAGED": "pending",
    "RUNNING": "pending",
}


@dataclass(frozen=True)
class FromAx:
    """The campaign, and in words what of the state has no counterpart in it."""

    campaign: Campaign
    left_out: tuple[str, ...]


def campaign_from_ax(text: str, *, seed: int = 0) -> FromAx:
    """Factors, constraints, objectives and trials of an Ax experiment; Ax's trial n is number n + 1 here.

    Whole numbers become factors with the step 1, ordered numeric choices levels, other choices categories, metrics outcomes
    with the standard error as their standard deviation. Numbers have no unit, as in Ax. `seed` is that of the campaign:
    Ax's own suggestions can't be continued to the bit. InputError for what is no such state, for a kind of parameter
    without counterpart and for an objective that is a formula.
    """
    try:
        document = json.loads(text)
        experiment = document.get("experiment", document)
        return _Reader(experiment, document).read(seed)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(
            f"not a state of Ax: {type(error).__name__} at {error}",
            hint="read a file that Client.save_to_json_file of Ax 1.x wrote",
        ) from error


class _Reader:
    def __init__(self, experiment: dict[str, Any], document: dict[str, Any]) -> None:
        self.experiment = experiment
        self.left_out: list[str] = []
        self.fixed: set[str] = set()
        if document.get("generation_strategy") is not None:
            self.left_out.append("the generation strategy: this optimiser chooses in its own way")

    def read(self, seed: int) -> FromAx:
        described = self.experiment["search_space"]
        factors = [made for item in described["parameters"] if (made := self._factor(item))]
        constraints = [
            self._constraint(item) for item in described.get("parameter_constraints", [])
        ]
        space = Space(tuple(factors), tuple(item for item in constraints if item))
        sought = self._sought()
        history = [
            record
            for key in sorted(self.experiment["trials"], key=int)
            if (record := self._trial(self.experiment["trials"][key], space, sought))
        ]
        for metric in self.experiment.get("tracking_metrics") or ():
            if metric["name"] not in self.metrics:
                self._once(f"the metric {metric['name']}, which is no objective")
        for key in ("runner", "status_quo"):
            if self.experiment.get(key):
                self.left_out.append(f"{key.replace('_', ' ')} of the experiment")
        saved = SavedCampaign(
            space=space,
            direction=sought if isinstance(sought, str) else None,
            aim=None if isinstance(sought, str) else sought,
            seed=seed,
            initial=max(4, 2 * len(space.factors)),
            method="bayesian",
            history=tuple(history),
        )
        return FromAx(Campaign.from_json(saved.model_dump_json()), tuple(self.left_out))

    def _factor(self, item: dict[str, Any]) -> AnyFactor | None:
        name, kind = str(item["name"]), str(item["__type"])
        if item.get("is_fidelity") or item.get("is_task"):
            raise InputError(
                f"{name} is a fidelity or a task of Ax's",
                hint="leave its trials out in Ax, or build the campaign with Fidelity by hand",
            )
        if item.get("dependents"):
            self.left_out.append(f"{name} decides over other parameters; here all have a value")
        if kind == "FixedParameter":
            self.fixed.add(name)
            self.left_out.append(f"{name} is fixed at {item['value']}, so it is no factor")
            return None
        if kind == "RangeParameter":
            for key in ("log_scale", "logit_scale"):
                if item.get(key):
                    self.left_out.append(f"{name} has a {key.replace('_', ' ')}; here it is plain")
            if item.get("digits") is not None:
                self.left_out.append(
                    f"{name} is rounded to {item['digits']} digits; here it is not"
                )
            step = 1.0 if item["parameter_type"]["name"] == "INT" else None
            return Factor(name, "dimensionless", float(item["lower"]), float(item["upper"]), step)
        if kind == "ChoiceParameter":
            values = cast("list[Any]", item["values"])
            numeric = item["parameter_type"]["name"] in ("INT", "FLOAT")
            if item.get("is_ordered") and numeric:
                return Levels(name, "dimensionless", tuple(sorted(float(v) for v in values)))
            if item.get("is_ordered") and len(values) > 2:
                self.left_out.append(f"the order of the choices of {name}")
            return Category(name, tuple(str(value) for value in values))
        raise InputError(f"{name} is a {kind} of Ax's", hint="it has no counterpart here")

    def _constraint(self, item: dict[str, Any]) -> str:
        text = str(item.get("inequality") or item.get("equality") or "")
        if text and not any(re.search(rf"\b{re.escape(name)}\b", text) for name in self.fixed):
            return text
        self.left_out.append(f"the constraint {text or item}")
        return ""

    def _sought(self) -> Direction | Aim:
        """One metric or several, each with a minus where less is better."""
        config = self.experiment.get("optimization_config")
        if config is None:
            raise InputError("an experiment without an objective", hint="configure one in Ax first")
        expression = str(config["objective"]["expression"])
        goals: list[Goal] = []
        for part in expression.split(","):
            match = _GOAL.fullmatch(part)
            if match is None:
                raise InputError(
                    f'the objective "{expression}" is a formula',
                    hint="only metrics, each with a minus where less is better, have a counterpart here",
                )
            goals.append(Goal(match[2], "minimize" if match[1] else "maximize"))
        worst = {name: bound for name, _, bound in self._bounds(config, "objective_thresholds")}
        goals = [replace(goal, worst=worst.get(goal.outcome)) for goal in goals]
        limits: dict[str, Limit] = {}
        for name, kind, bound in self._bounds(config, "outcome_constraints"):
            known = limits.get(name)
            least, most = (known.minimum, known.maximum) if known else (None, None)
            limits[name] = Limit(name, least, bound) if kind == "LEQ" else Limit(name, bound, most)
        self.metrics = list(dict.fromkeys([*(goal.outcome for goal in goals), *limits]))
        if len(goals) > 1 or limits:
            return Aim(tuple(goals), tuple(limits.values()))
        return "minimize" if goals[0].direction == "minimize" else "maximize"

    def _bounds(self, config: dict[str, Any], key: str) -> list[tuple[str, str, float]]:
        """(metric, LEQ or GEQ, bound) of constraints in the metric's unit; relative ones are named."""
        found: list[tuple[str, str, float]] = []
        for item in config.get(key) or ():
            name, kind = str(item["metric"]["name"]), str(item["op"]["name"])
            if item.get("relative"):
                self.left_out.append(f"{name} {kind} {item['bound']} relative to the status quo")
            else:
                found.append((name, kind, float(item["bound"])))
        return found

    def _trial(
        self, item: dict[str, Any], space: Space, sought: Direction | Aim
    ) -> TrialRecord | None:
        index, status = int(item["index"]), _STATUS.get(str(item["status"]["name"]))
        if item["__type"] != "Trial" or status is None:
            what = item["status"]["name"] if status is None else item["__type"]
            self.left_out.append(f"trial {index}, which is {what}")
            return None
        (arm,) = item["generator_run"]["arms"]
        factors = {
            factor.name: str(value) if isinstance(factor, Category) else float(value)
            for factor in space.factors
            for value in (arm["parameters"][factor.name],)
        }
        told = self._outcomes(index) if status == "done" else {}
        if status == "done" and any(name not in told for name in self.metrics):
            self.left_out.append(
                f"trial {index}, which is complete without {', '.join(self.metrics)}"
            )
            return None
        one = told.get(self.metrics[0]) if isinstance(sought, str) else None
        return TrialRecord(
            number=index + 1,
            factors=factors,
            status=status,
            value=None if one is None else one[0],
            standard_deviation=None if one is None else one[1],
            outcomes={} if isinstance(sought, str) else {name: told[name][0] for name in told},
            deviations={}
            if isinstance(sought, str)
            else {name: sd for name, (_, sd) in told.items() if sd is not None},
            reason=str(item.get("status_reason") or ""),
        )

    def _outcomes(self, index: int) -> dict[str, tuple[float, float | None]]:
        """Metric -> (mean, standard error or None); the latest report counts."""
        found: dict[str, tuple[float, float | None]] = {}
        for _, report in self.experiment["data_by_trial"].get(str(index), {"value": []})["value"]:
            table = json.loads(report["df"]["value"])
            for row, metric in table["metric_name"].items():
                mean, sem = table["mean"][row], table["sem"][row]
                if metric not in self.metrics:
                    self._once(f"the metric {metric}, which is no objective")
                elif mean is not None and math.isfinite(mean):
                    found[metric] = (float(mean), None if sem is None else float(sem))
        return found

    def _once(self, words: str) -> None:
        if words not in self.left_out:
            self.left_out.append(words)
