"""What a campaign says that it seeks: objectives, limits on results, and when it stops. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.units import UnitError, unit
from lab.sop.check_space import step_of
from lab.sop.diagnostics import did_you_mean
from lab.sop.reporting import FileRules

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic
    from lab.domain.quantity import Quantity
    from lab.sop.campaign_model import Campaign, Objective, OutcomeLimit
    from lab.sop.document import Document, Path
    from lab.sop.model import Sop

__all__ = ["aim_findings", "distance_of", "shape_of_aim", "unit_of_stop"]


def distance_of(value: Quantity, unit_name: str) -> float:
    """A distance as a plain number in the result's unit; of a temperature it's a difference. UnitError where it
    measures something else."""
    return step_of(value, unit_name)


def unit_of_stop(campaign: Campaign) -> str | None:
    """The unit in which a stopping rule says how near is near enough; None for that of the one result that is sought."""
    several = len(campaign.sought) > 1 or campaign.weigh == "desirability"
    return "percent" if several else None


def shape_of_aim(campaign: Campaign, document: Document) -> list[Diagnostic]:
    """Findings that need no SOP: is anything sought, and is it said once?"""
    if campaign.objective is not None and campaign.objectives:
        return [
            document.finding(
                ("objectives",), "objective", "both `objective` and `objectives`", at_key=True,
                hint="list all of them under `objectives`",
            )
        ]  # fmt: skip
    if not campaign.sought:
        return [
            document.finding(
                (), "key-missing", '"objective" is missing', at_key=True,
                hint='add "objective: ..." with a result and a direction, or "objectives: ..." with several',
            )
        ]  # fmt: skip
    return []


def aim_findings(campaign: Campaign, document: Document, sop: Sop) -> list[Diagnostic]:
    """Results exist, quantities measure the same, and what is sought can be had."""
    rules = _Rules(campaign, document, sop)
    several = bool(campaign.objectives)
    for index, objective in enumerate(campaign.sought):
        path: Path = ("objectives", index) if several else ("objective",)
        rules.objective(path, objective)
    rules.twice("objectives", [objective.result for objective in campaign.objectives])
    for index, limit in enumerate(campaign.limits):
        rules.limit(("limits", index), limit)
    rules.twice("limits", [limit.result for limit in campaign.limits])
    if not rules.findings:
        rules.conflicts(several)
        rules.measurable(several)
    rules.stop()
    rules.options()
    return rules.findings


class _Rules(FileRules):
    def __init__(self, campaign: Campaign, document: Document, sop: Sop) -> None:
        super().__init__(document)
        self.campaign, self.sop = campaign, sop

    def objective(self, path: Path, objective: Objective) -> None:
        unit_name = self._unit(path, objective.result)
        known = [*self.sop.derived, *self.sop.parameters, *self.sop.results]
        if objective.report and objective.report not in known:
            self._report(
                (*path, "report"), "reference", f'the SOP has no "{objective.report}"',
                did_you_mean(objective.report, known),
            )  # fmt: skip
        if unit_name is None:
            return
        for key, value in (
            ("reference", objective.reference),
            ("target", objective.target),
            ("ideal", objective.ideal),
        ):
            self._like((*path, key), objective.result, unit_name, value)
        aimed = objective.direction == "target"
        if aimed:
            self._distance((*path, "worst"), objective.result, unit_name, objective.worst)
        else:
            self._like((*path, "worst"), objective.result, unit_name, objective.worst)
        if aimed != (objective.target is not None):
            self._report(
                (*path, "direction"), "objective",
                "a target without its value" if aimed else f"a target value, and the direction is {objective.direction}",
                "add `target:` with the value that is sought" if aimed else "write `direction: target`, or leave the value out",
            )  # fmt: skip
        if aimed and objective.ideal is not None:
            self._report(
                (*path, "ideal"), "objective", "an ideal beside a target: the target is the ideal",
                "leave it out",
            )  # fmt: skip

    def limit(self, path: Path, limit: OutcomeLimit) -> None:
        unit_name = self._unit(path, limit.result)
        if limit.minimum is None and limit.maximum is None:
            self._report(
                path, "objective", "this limits nothing", "give a minimum, a maximum, or both",
                at_key=True,
            )  # fmt: skip
        if unit_name is None:
            return
        fine = [
            self._like((*path, key), limit.result, unit_name, value)
            for key, value in (("minimum", limit.minimum), ("maximum", limit.maximum))
        ]
        if (
            all(fine)
            and limit.minimum
            and limit.maximum
            and limit.minimum.base >= limit.maximum.base
        ):
            self._report(
                (*path, "maximum"), "range", f"nothing lies between {limit.minimum} and {limit.maximum}",
                "give a minimum below the maximum",
            )  # fmt: skip

    def twice(self, key: str, names: list[str]) -> None:
        for index, name in enumerate(names):
            if name in names[:index]:
                self._report(
                    (key, index, "result"), "objective", f'"{name}" is listed twice',
                    "say once what is sought of it",
                )  # fmt: skip

    def conflicts(self, several: bool) -> None:
        """Numbers that are well formed and can't hold together."""
        limits = {limit.result: limit for limit in self.campaign.limits}
        for index, objective in enumerate(self.campaign.sought):
            path: Path = ("objectives", index) if several else ("objective",)
            if objective.direction != "target":
                self._ends(path, objective)
            ideal = objective.target or objective.ideal
            if self.campaign.weigh == "desirability" and (objective.worst is None or ideal is None):
                self._report(
                    path, "objective", f'"{objective.result}" has no desirability without both of its ends',
                    "add `worst:` and `ideal:` (of a target, `worst:` is the distance from it that is of no use)",
                )  # fmt: skip
            limit = limits.get(objective.result)
            for end, sign in ((limit and limit.minimum, 1.0), (limit and limit.maximum, -1.0)):
                if ideal is not None and end is not None and sign * (ideal.base - end.base) < 0:
                    self._report(
                        (*path, "target" if objective.target else "ideal"), "objective",
                        f"{ideal} is sought, and a limit of this campaign forbids it",
                        "move one of the two",
                    )  # fmt: skip

    def measurable(self, several: bool) -> None:
        """What is sought and limited lies where it can be measured: beyond an end nobody could tell."""
        for index, objective in enumerate(self.campaign.sought):
            path: Path = ("objectives", index) if several else ("objective",)
            span = self.sop.results[objective.result].range
            if objective.target is not None:
                self._inside((*path, "target"), objective.result, objective.target)
            if objective.zeros and span is not None and span.minimum is not None:
                self._report(
                    (*path, "zeros"), "objective", f'many zeros, and "{objective.result}" is measured from {span.minimum} on',
                    "leave one of the two out: a zero would only be below the range",
                )  # fmt: skip
        for index, limit in enumerate(self.campaign.limits):
            for key, value in (("minimum", limit.minimum), ("maximum", limit.maximum)):
                if value is not None:
                    self._inside(("limits", index, key), limit.result, value)

    def _inside(self, path: Path, name: str, value: Quantity) -> None:
        span = self.sop.results[name].range
        for end, sign, word in (
            (span and span.minimum, 1.0, "from"), (span and span.maximum, -1.0, "up to"),
        ):  # fmt: skip
            if end is not None and end.is_like(value.unit) and sign * (value.base - end.base) <= 0:
                self._report(
                    path, "range", f'"{name}" is measured {word} {end}, so nobody could tell what lies at {value}',
                    "give a value inside the range of the result, or correct that in the SOP",
                )  # fmt: skip

    def _ends(self, path: Path, objective: Objective) -> None:
        if objective.worst is None or objective.ideal is None:
            return
        sign = 1.0 if objective.direction == "maximize" else -1.0
        if sign * (objective.ideal.base - objective.worst.base) <= 0:
            self._report(
                (*path, "ideal"), "range", f"the ideal {objective.ideal} is not better than the worst {objective.worst}",
                f"to {objective.direction}, the ideal lies {'above' if sign > 0 else 'below'} the worst",
            )  # fmt: skip

    def stop(self) -> None:
        stop = self.campaign.stop
        if stop is None:
            return
        sought = self.campaign.sought
        if unit_of_stop(self.campaign) == "percent":
            if not stop.within.is_like("percent") or not 0 < stop.within.base < 1:
                self._report(
                    ("stop", "within"), "dimension", f"{stop.within} is no share of what several objectives come to",
                    "give a part of the front's volume, or of the desirability, such as 2 percent",
                )  # fmt: skip
            return
        if any(chosen.accuracy is not None for chosen in self.campaign.factors.values()):
            self._report(
                ("stop",), "objective", "a stopping rule beside an accuracy of factors",
                "leave it out: how near the optimum is, is known of exact set points alone",
                at_key=True,
            )  # fmt: skip
        result = self.sop.results.get(sought[0].result)
        if result is not None:
            self._distance(("stop", "within"), sought[0].result, result.unit, stop.within)

    def options(self) -> None:
        """What is known of one result in a space alone (`lab.optimize.options`)."""
        campaign = self.campaign
        exact = {
            name: chosen.accuracy
            for name, chosen in campaign.factors.items()
            if chosen.accuracy is not None
        }
        sought = campaign.sought
        one = len(sought) == 1 and not campaign.limits and sought[0].direction != "target"
        places: list[tuple[Path, str]] = [
            (("factors", name, "accuracy"), "an accuracy of a factor") for name in exact
        ]
        if campaign.candidates is not None and one:
            for path, what in places:
                self._report(
                    path, "objective", f"{what} beside a list of candidates",
                    "leave one of the two out: a candidate is made as it is listed",
                )  # fmt: skip
        if campaign.strategy.outliers:
            places.append((("strategy", "outliers"), "a search for outliers"))
        for path, what in places:
            if not one:
                self._report(
                    path, "objective", f"{what} beside several objectives, limits or a target",
                    "leave one of the two out: it is known of one result alone",
                )  # fmt: skip
        for index, objective in enumerate(sought):
            if objective.zeros:
                path = ("objectives", index) if campaign.objectives else ("objective",)
                self._zeros(path, objective, [what for _, what in places if one])
        if campaign.strategy.quantile is not None and not exact:
            self._report(
                ("strategy", "quantile"), "objective", "a quantile, and no factor has an accuracy",
                "say under a factor how well it is set, or leave the quantile out",
            )  # fmt: skip
        for name, accuracy in exact.items():
            parameter = self.sop.quantities.get(name)
            if parameter is not None:
                self._distance(("factors", name, "accuracy"), name, parameter.unit, accuracy)

    def _zeros(self, path: Path, objective: Objective, others: list[str]) -> None:
        """A zero must be worth nothing: what a point promises is multiplied by its chance to be above."""
        where = (*path, "zeros")
        if objective.direction != "maximize":
            why = "less is better" if objective.direction == "minimize" else "a target is sought"
            self._report(
                where, "objective", f"many zeros, and {why}",
                "leave zeros out: only where the most is sought are they of no use",
            )  # fmt: skip
        worst = objective.worst
        if worst is not None and worst.magnitude < 0:
            self._report(
                (*path, "worst"), "objective", f"many zeros, and {worst} as the worst that is of use",
                "give 0 or more: a zero is of no use, and nothing is below it",
            )  # fmt: skip
        for other in others:
            self._report(
                where, "objective", f"many zeros beside {other}",
                "leave one of the two out: what they mean together is not known",
            )  # fmt: skip

    def _unit(self, path: Path, name: str) -> str | None:
        result = self.sop.results.get(name)
        if result is None:
            self._report(
                (*path, "result"), "reference", f'the SOP has no result "{name}"',
                did_you_mean(name, self.sop.results),
            )  # fmt: skip
            return None
        return result.unit

    def _like(self, path: Path, name: str, unit_name: str, value: Quantity | None) -> bool:
        if value is None or value.is_like(unit_name):
            return True
        self._report(
            path, "dimension", f'{value} is {value.words}, but "{name}" is measured in {unit_name}',
            f"give it in {unit_name}",
        )  # fmt: skip
        return False

    def _distance(self, path: Path, name: str, unit_name: str, value: Quantity | None) -> None:
        if value is None:
            return
        try:
            size = distance_of(value, unit_name)
        except UnitError:
            due = "delta_degC" if unit(unit_name).scale == "point" else unit_name
            self._report(
                path, "dimension", f'{value} is no distance between values of "{name}"',
                f"give it in {due}",
            )  # fmt: skip
            return
        if size <= 0:
            self._report(path, "range", f"a distance of {value}", "give one above 0")
