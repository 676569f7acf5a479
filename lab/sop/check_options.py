"""What a campaign says of earlier campaigns and of several ways to measure. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.sop.expression import ExpressionError, parse_expression
from lab.sop.reporting import FileRules

if TYPE_CHECKING:
    from lab.domain.diagnostic import Diagnostic
    from lab.sop.campaign_model import Campaign
    from lab.sop.document import Document, Path

__all__ = ["measured_variants", "option_findings"]

_FEWEST = 2


def measured_variants(campaign: Campaign) -> list[Campaign]:
    """The campaign as each of its fidelities makes trials: what it sets is fixed. Itself alone where it has none."""
    return [
        campaign.model_copy(update={"fixed": {**campaign.fixed, **way.set}})
        for way in campaign.fidelities
    ] or [campaign]


def option_findings(campaign: Campaign, document: Document) -> list[Diagnostic]:
    """Each is said once and can be had together with the rest of the campaign."""
    rules = _Rules(campaign, document)
    rules.earlier()
    rules.fidelities()
    rules.budget()
    return rules.findings


class _Rules(FileRules):
    def __init__(self, campaign: Campaign, document: Document) -> None:
        super().__init__(document)
        self.campaign = campaign

    def _twice(self, key: str, code: str, names: list[str]) -> None:
        for index, name in enumerate(names):
            if name in names[:index]:
                self._report(
                    (key, index, "name"), code, f'"{name}" is listed twice', "name each differently"
                )

    def earlier(self) -> None:
        campaign = self.campaign
        self._twice("earlier", "earlier", [item.name for item in campaign.earlier])
        for index, item in enumerate(campaign.earlier):
            if (item.file is None) == (item.campaign is None):
                self._report(
                    ("earlier", index), "earlier",
                    "neither a file nor a campaign" if item.file is None else "both a file and a campaign",
                    "name a CSV table under `file`, or a campaign of the same records under `campaign`",
                    at_key=True,
                )  # fmt: skip
        if campaign.earlier and campaign.strategy.method == "sobol":
            self._report(
                ("earlier",), "earlier", "earlier campaigns beside the method sobol",
                "take the method bayesian, or leave them out", at_key=True,
                why="an even spread learns from no trial",
            )  # fmt: skip

    def fidelities(self) -> None:
        ways = self.campaign.fidelities
        if not ways:
            return
        if len(ways) < _FEWEST:
            self._report(
                ("fidelities",), "fidelity", "one way to measure leaves nothing to choose",
                "list two or more, the real one last, or leave it out", at_key=True,
            )  # fmt: skip
        self._twice("fidelities", "fidelity", [way.name for way in ways])
        for index, way in enumerate(ways):
            place: Path = ("fidelities", index)
            if index < len(ways) - 1 and way.cost >= ways[-1].cost:
                self._report(
                    (*place, "cost"), "fidelity", f'"{way.name}" costs as much as "{ways[-1].name}", which counts',
                    "leave it out: the last way says more for less; or list the real one last",
                )  # fmt: skip
            same = next((other.name for other in ways[:index] if other.set == way.set), None)
            if same is not None:
                self._report(
                    place, "fidelity", f'"{way.name}" measures just as "{same}" does',
                    "let each set parameters of the SOP (`set:`) that make it what it is", at_key=True,
                )  # fmt: skip
            for name in way.set:
                if name in self.campaign.fixed:
                    self._report(
                        (*place, "set", name), "fidelity", f'"{name}" is under `fixed` as well',
                        "remove one of the two", at_key=True,
                    )  # fmt: skip
        self._together()

    def _together(self) -> None:
        """What is known of one result in a space alone, and of exact set points."""
        campaign = self.campaign
        sought = campaign.sought
        several = len(sought) > 1 or campaign.limits or sought[0].direction == "target"
        accuracy = any(chosen.accuracy is not None for chosen in campaign.factors.values())
        for given, other in (
            (several, "several objectives, limits or a target"),
            (campaign.candidates is not None, "a list of candidates"),
            (accuracy, "an accuracy of factors"),
            (any(objective.zeros for objective in sought), "many zeros"),
            (
                campaign.strategy.per is not None,
                "gain per cost or time: each fidelity has its cost",
            ),
            (campaign.strategy.method == "sobol", "the method sobol, which learns from no trial"),
        ):
            if given:
                self._report(
                    ("fidelities",), "fidelity", f"fidelities beside {other}",
                    "leave one of the two out", at_key=True,
                )  # fmt: skip
        varied = {name for way in campaign.fidelities for name in way.set}
        for index, text in enumerate(campaign.constraints):
            try:
                used = [name for name, _ in parse_expression(text).names if name in varied]
            except ExpressionError:
                continue  # reported where constraints are read
            if used:
                self._report(
                    ("constraints", index), "fidelity", f'"{used[0]}" differs from fidelity to fidelity',
                    "write a constraint of factors and of what is the same for all trials",
                )  # fmt: skip

    def budget(self) -> None:
        cost, ways = self.campaign.budget.cost, self.campaign.fidelities
        if cost is None:
            return
        if not ways:
            self._report(
                ("budget", "cost"), "fidelity", "a budget of cost, and no fidelity that says what a trial costs",
                "leave it out: `trials` limits the campaign", at_key=True,
            )  # fmt: skip
        elif cost < ways[-1].cost:
            self._report(
                ("budget", "cost"), "fidelity",
                f'{cost:g} pays for no trial by "{ways[-1].name}", which costs {ways[-1].cost:g}',
                "allow one at least: it alone counts",
            )  # fmt: skip
