"""What a campaign, its SOP and its lab must agree on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean, sorted_diagnostics
from lab.sop.procedure import full_box, planned_names
from lab.sop.volumes import procedure_movements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.action import CapabilitySpec
    from lab.domain.diagnostic import Diagnostic
    from lab.sop.campaign_model import Campaign
    from lab.sop.document import Document, Path
    from lab.sop.lab_model import Lab
    from lab.sop.model import Parameter
    from lab.sop.procedure import Box, Procedure
    from lab.sop.value import Value

__all__ = ["campaign_box", "check_together"]


def campaign_box(campaign: Campaign, procedure: Procedure) -> Box:
    """The ranges that this campaign explores: factors narrowed, the rest fixed."""
    box = full_box(procedure.sop)
    for name, item in procedure.sop.parameters.items():
        value = campaign.fixed.get(name, item.default)
        box[name] = (value, value)
        if name in campaign.factors:
            chosen = campaign.factors[name]
            low = item.minimum if chosen.minimum is None else chosen.minimum
            high = item.maximum if chosen.maximum is None else chosen.maximum
            box[name] = (low.to(item.unit), high.to(item.unit))
    return box


def check_together(
    campaign: Campaign,
    document: Document,
    procedure: Procedure,
    lab: Lab | None,
    capabilities: Mapping[str, CapabilitySpec],
) -> list[Diagnostic]:
    """Findings in the campaign file, and those places of the SOP that the lab can't serve."""
    rules = _Rules(campaign, document, procedure)
    rules.version()
    rules.factors()
    rules.fixed()
    rules.objective()
    if lab is not None:
        rules.places(lab)
        if not rules.findings:
            rules.supplies(lab, capabilities)
    return sorted_diagnostics(rules.findings)


@dataclass(slots=True)
class _Rules:
    campaign: Campaign
    document: Document
    procedure: Procedure
    findings: list[Diagnostic]

    def __init__(self, campaign: Campaign, document: Document, procedure: Procedure) -> None:
        self.campaign, self.document, self.procedure = campaign, document, procedure
        self.findings = []

    def _report(
        self, path: Path, code: str, message: str, hint: str, *, why: str = "", at_key: bool = False
    ) -> None:
        self.findings.append(
            self.document.finding(path, code, message, hint=hint, why=why, at_key=at_key)
        )

    def version(self) -> None:
        """The campaign was written for this very version."""
        found, wanted = self.procedure.sop.version, self.campaign.sop_version
        if found != wanted:
            self._report(
                ("sop_version",),
                "version",
                f"the SOP has version {found}, but this campaign was written for {wanted}",
                f'see what changed, then write "{found}" here',
                why="another version may mean other limits or other steps",
            )
        if self.procedure.sop.status == "superseded":
            self._report(
                ("sop",),
                "version",
                "the SOP has been superseded",
                "use the version that replaces it",
            )

    def factors(self) -> None:
        """Factors are parameters with role factor, explored inside the SOP's limits."""
        parameters = self.procedure.sop.parameters
        possible = [name for name, item in parameters.items() if item.role == "factor"]
        for name, chosen in self.campaign.factors.items():
            path: Path = ("factors", name)
            item = parameters.get(name)
            if item is None:
                self._report(
                    path, "factor", f'the SOP has no parameter "{name}"',
                    did_you_mean(name, possible), at_key=True,
                )  # fmt: skip
                continue
            if item.role != "factor":
                self._report(
                    path, "factor", f'"{name}" has the role {item.role} in the SOP, not factor',
                    did_you_mean(name, possible), at_key=True,
                    why="only factors have been judged safe to vary without a person",
                )  # fmt: skip
                continue
            fine = True
            for key, value in (("minimum", chosen.minimum), ("maximum", chosen.maximum)):
                if value is not None:
                    fine = self._inside((*path, key), name, value, item) and fine
            low, high = chosen.minimum or item.minimum, chosen.maximum or item.maximum
            if fine and low.base >= high.base:
                self._report(
                    path, "range", f"there is nothing to vary between {low} and {high}",
                    "give a minimum below the maximum, or move it to `fixed`", at_key=True,
                )  # fmt: skip

    def _inside(self, path: Path, name: str, value: Quantity, item: Parameter) -> bool:
        if not value.is_like(item.unit):
            if value.unit == DIMENSIONLESS:
                self._report(
                    path, "unit-missing", f"{value} has no unit", f'write "{value} {item.unit}"',
                    why="a number alone can be read in any unit",
                )  # fmt: skip
            else:
                self._report(
                    path, "dimension",
                    f'{value} is {value.words}, but "{name}" is measured in {item.unit}',
                    f"give it in {item.unit}",
                )  # fmt: skip
            return False
        slack = 1e-9 * max(abs(item.minimum.base), abs(item.maximum.base))
        if not item.minimum.base - slack <= value.base <= item.maximum.base + slack:
            self._report(
                path, "range", f"{value} is outside the SOP's limits {item.minimum} to {item.maximum}",
                "stay within them, or have the SOP changed and approved",
            )  # fmt: skip
            return False
        return True

    def fixed(self) -> None:
        """Fixed values are parameters of the SOP that nothing else sets, inside its limits."""
        parameters = self.procedure.sop.parameters
        for name, value in self.campaign.fixed.items():
            path: Path = ("fixed", name)
            item = parameters.get(name)
            if item is None:
                self._report(
                    path, "reference", f'the SOP has no parameter "{name}"',
                    did_you_mean(name, parameters), at_key=True,
                )  # fmt: skip
            elif name in self.campaign.factors:
                self._report(
                    path, "reference", f'"{name}" is a factor and fixed at once',
                    "remove one of the two", at_key=True,
                )  # fmt: skip
            elif item.role == "reported":
                self._report(
                    path, "reference", f'"{name}" has the role reported: its value stays as it is',
                    "remove it here", at_key=True,
                )  # fmt: skip
            else:
                self._inside(path, name, value, item)

    def objective(self) -> None:
        """The result exists; the reference measures the same; what is reported exists."""
        sop, objective = self.procedure.sop, self.campaign.objective
        result = sop.results.get(objective.result)
        if result is None:
            self._report(
                ("objective", "result"), "reference",
                f'the SOP has no result "{objective.result}"',
                did_you_mean(objective.result, sop.results),
            )  # fmt: skip
        elif objective.reference is not None and not objective.reference.is_like(result.unit):
            self._report(
                ("objective", "reference"), "dimension",
                f"{objective.reference} is {objective.reference.words}, "
                f'but "{objective.result}" is measured in {result.unit}',
                f"give it in {result.unit}",
            )  # fmt: skip
        known = [*sop.derived, *sop.parameters, *sop.results]
        if objective.report and objective.report not in known:
            self._report(
                ("objective", "report"), "reference", f'the SOP has no "{objective.report}"',
                did_you_mean(objective.report, known),
            )  # fmt: skip

    def places(self, lab: Lab) -> None:
        """Shared stations that roles fill exist in the lab; a plate has a well for each trial."""
        sop = self.procedure.sop
        for name, role in sop.equipment.items():
            if role.into and role.into not in sop.containers and role.into not in lab.stations:
                self.findings.append(
                    self.procedure.document.finding(
                        ("equipment", name, "into"), "reference",
                        f'"{role.into}" is neither a container here nor a station of the lab',
                        hint=did_you_mean(role.into, [*sop.containers, *lab.stations]),
                    )
                )  # fmt: skip
        for name, container in sop.containers.items():
            kind = container.kind or name
            wells = [n for key, n in lab.plates.items() if (lab.stations[key].kind or key) == kind]
            if wells and self.campaign.budget.trials > max(wells):
                self._report(
                    ("budget", "trials"), "range",
                    f"{self.campaign.budget.trials} trials need as many wells; the plate has {max(wells)}",
                    "plan fewer trials, or use a larger plate",
                )  # fmt: skip

    def supplies(self, lab: Lab, capabilities: Mapping[str, CapabilitySpec]) -> None:
        """Warn where all trials together may use up a stock or fill a shared station."""
        names = planned_names(self.procedure.sop, campaign_box(self.campaign, self.procedure))
        drawn: dict[str, Value] = {}
        poured: dict[str, Value] = {}
        for move in procedure_movements(self.procedure.sop, capabilities, names):
            for total, name in ((drawn, move.source), (poured, move.target)):
                total[name] = total[name] + move.volume if name in total else move.volume
        for name, use in drawn.items():
            held = [
                item.volume for key, item in lab.stock.items() if (item.material or key) == name
            ]
            if held:
                self._warn_of(name, use, held, "may use {} of {}, and the lab has {}", "refill")
        for name, flow in poured.items():
            station = lab.stations.get(name)
            if station is not None and station.shared:
                text = "may pour {} into {}, which holds {}"
                self._warn_of(name, flow, [station.capacity], text, "empty it")

    def _warn_of(self, name: str, one: Value, held: list[Quantity], text: str, remedy: str) -> None:
        trials = self.campaign.budget.trials
        unit_name = held[0].unit
        there = Quantity(sum(item.to(unit_name).magnitude for item in held), unit_name)
        most = Quantity(one.bounds(unit_name)[1] * trials, unit_name)
        if most.magnitude > there.magnitude:
            self.findings.append(
                self.document.finding(
                    ("budget", "trials"),
                    "supply",
                    f"{trials} trials " + text.format(most, name, there),
                    why="a line that draws air doses nothing, and a full bottle runs over",
                    hint=f"plan to {remedy} in time, or plan fewer trials",
                    severity="warning",
                )
            )
