"""What a campaign, its SOP and its lab must agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, QuantityError, parse_quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.arguments import BadArgumentError
from lab.sop.check_aim import aim_findings
from lab.sop.check_context import context_findings, own_box
from lab.sop.check_cost import cost_findings
from lab.sop.check_factors import KINDS, chosen_choices, factor_findings, inside_findings
from lab.sop.check_lab_fit import lab_findings
from lab.sop.check_options import measured_variants, option_findings
from lab.sop.check_repeated import gatherings
from lab.sop.check_space import space_findings
from lab.sop.diagnostics import did_you_mean, sorted_diagnostics
from lab.sop.expression import ExpressionError
from lab.sop.model import Option
from lab.sop.procedure import full_box
from lab.sop.reactivity import Incompatibility
from lab.sop.references import References
from lab.sop.reporting import FileRules
from lab.sop.vague import explained
from lab.sop.value import CalculationError
from lab.sop.vessels import lab_rule_findings
from lab.sop.volumes import Amounts, Ledger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.action import CapabilitySpec
    from lab.domain.diagnostic import Diagnostic
    from lab.sop.campaign_model import Campaign, FixedValue
    from lab.sop.check_lab_safety import DriverTraits
    from lab.sop.document import Document, Path
    from lab.sop.lab_model import Lab
    from lab.sop.model import Parameter
    from lab.sop.procedure import Box, Procedure, Setting
    from lab.sop.value import Value

__all__ = ["campaign_box", "campaign_settings", "check_together"]


def campaign_box(campaign: Campaign, procedure: Procedure) -> Box:
    """The ranges that this campaign explores: factors narrowed, the rest fixed."""
    box = full_box(procedure.sop)
    for name, item in procedure.sop.quantities.items():
        value = campaign.fixed.get(name, item.default)
        if not isinstance(value, Quantity):
            value = item.default  # of the wrong kind, which is reported
        box[name] = (value, value)
        if name in campaign.factors:
            chosen = campaign.factors[name]
            ends = [level for level in chosen.levels if level.is_like(item.unit)]
            low = item.minimum if chosen.minimum is None else chosen.minimum
            high = item.maximum if chosen.maximum is None else chosen.maximum
            if ends:
                low, high = ends[0], ends[-1]
            box[name] = (low.to(item.unit), high.to(item.unit))
    return box


def campaign_settings(campaign: Campaign, procedure: Procedure) -> dict[str, Setting]:
    """The choices, texts and yes/no of this campaign; of a factor its first choice, because no choice becomes an
    amount. A text may read like a quantity.
    """
    varied = chosen_choices(campaign, procedure.sop)
    return {
        **{
            name: choices[0]
            for name, choices in varied.items()
            if choices and name in procedure.sop.options
        },
        **{
            name: str(value) if isinstance(value, Quantity) else value
            for name, value in campaign.fixed.items()
            if name in procedure.sop.options
        },
    }


def check_together(
    campaign: Campaign,
    document: Document,
    procedure: Procedure,
    lab: Lab | None,
    capabilities: Mapping[str, CapabilitySpec],
    driver_capabilities: Mapping[str, Sequence[str]] | None = None,
    traits: Mapping[str, DriverTraits] | None = None,
) -> list[Diagnostic]:
    """Findings in the campaign file, and those places of the SOP that the lab can't serve.

    With `driver_capabilities` (driver -> capabilities) limits count only for devices that can play a role; with
    `traits`, what the drivers say that their devices can do is among the limits.
    """
    rules = _Rules(campaign, document, procedure)
    rules.version()
    rules.findings += factor_findings(campaign, document, procedure.sop)
    rules.findings += context_findings(campaign, document, procedure.sop, lab, traits)
    rules.fixed()
    rules.findings += aim_findings(campaign, document, procedure.sop)
    rules.findings += option_findings(campaign, document)
    if not rules.findings:
        box = {**campaign_box(campaign, procedure), **own_box(campaign, procedure.sop)}
        rules.findings += space_findings(campaign, document, procedure, box)
        rules.findings += cost_findings(campaign, document, procedure, box)
    if lab is not None:
        rules.places(lab)
        rules.incompatibilities(lab, capabilities)
        if not rules.findings:
            for variant in measured_variants(campaign):
                one = _Rules(variant, document, procedure)
                one.supplies(lab, capabilities)
                one.repeats(lab, capabilities)
                one.findings += lab_findings(
                    procedure,
                    lab,
                    capabilities,
                    campaign_box(variant, procedure),
                    campaign_settings(variant, procedure),
                    driver_capabilities,
                    traits,
                )
                rules.findings += [item for item in one.findings if item not in rules.findings]
    return sorted_diagnostics(rules.findings)


class _Rules(FileRules):
    def __init__(self, campaign: Campaign, document: Document, procedure: Procedure) -> None:
        super().__init__(document)
        self.campaign, self.procedure = campaign, procedure

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

    def fixed(self) -> None:
        """Fixed values, and what fidelities set, are parameters of the SOP that nothing else sets, inside its limits."""
        parameters = self.procedure.sop.parameters
        places: list[tuple[Path, FixedValue]] = [
            (("fixed", name), value) for name, value in self.campaign.fixed.items()
        ]
        places += [
            (("fidelities", index, "set", name), value)
            for index, way in enumerate(self.campaign.fidelities)
            for name, value in way.set.items()
        ]
        for path, value in places:
            name = str(path[-1])
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
            elif isinstance(item, Option):
                self._option(path, name, value, item)
            elif isinstance(value, Quantity):
                self.findings += inside_findings(self.document, path, name, value, item)
            else:
                self._not_a_quantity(path, name, value, item)

    def _not_a_quantity(self, path: Path, name: str, value: str | bool, item: Parameter) -> None:
        """What is wrong with a text where a quantity is due, in the words of the quantity's grammar."""
        if isinstance(value, str):
            try:
                parse_quantity(value, item.unit)
            except QuantityError as error:
                told = explained(error, value)
                self._report(path, told.code, told.message, told.hint, why=told.why)
                return
        self._report(
            path, "value", f'"{name}" is a quantity in {item.unit}, not true or false',
            f'write e.g. "{item.default}"',
        )  # fmt: skip

    def _option(self, path: Path, name: str, value: Quantity | str | bool, item: Option) -> None:
        """A choice, text or yes/no has a value of its kind."""
        shown = str(value).lower() if isinstance(value, bool) else str(value)
        if item.type == "yes_no":
            if not isinstance(value, bool):
                self._report(
                    path, "value", f'"{shown}" stands where "{name}" takes true or false',
                    "write true or false (yes, no, on and off are texts)",
                )  # fmt: skip
        elif isinstance(value, bool) or (
            isinstance(value, Quantity) and value.unit == DIMENSIONLESS
        ):
            self._report(
                path, "value", f'"{shown}" stands where "{name}" takes {KINDS[item.type]}',
                did_you_mean(shown, item.choices) if item.choices else "give a text",
            )  # fmt: skip
        elif item.type == "choice" and shown not in item.choices:
            self._report(
                path, "value", f'"{shown}" is not one of the choices of "{name}"',
                did_you_mean(shown, item.choices),
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

    def incompatibilities(self, lab: Lab, capabilities: Mapping[str, CapabilitySpec]) -> None:
        """The lab's own rules about what may not meet; those of the SOP have been looked at with the SOP."""
        if not lab.incompatibilities:
            return
        rules = [
            Incompatibility(
                (rule.groups[0], rule.groups[1]), rule.severity, (),
                f"{rule.reason} (a rule of this laboratory)",
            )
            for rule in lab.incompatibilities
        ]  # fmt: skip
        procedure = self.procedure
        found = lab_rule_findings(
            procedure.flat,
            procedure.sop,
            procedure.document,
            capabilities,
            full_box(procedure.sop),
            {},
            References(procedure.flat, capabilities),
            rules,
        )
        self.findings += [finding.diagnostic for finding in found]

    def supplies(self, lab: Lab, capabilities: Mapping[str, CapabilitySpec]) -> None:
        """Warn where all trials together may use up a stock or fill a shared station."""
        procedure = self.procedure
        references = References(procedure.flat, capabilities)
        box = {**references.box, **campaign_box(self.campaign, procedure)}
        amounts = Amounts(box, campaign_settings(self.campaign, procedure), references)
        drawn: dict[str, Value] = {}
        poured: dict[str, Value] = {}
        try:
            moves = Ledger(procedure.flat, procedure.sop, capabilities).movements(amounts)
        except (BadArgumentError, ExpressionError, CalculationError):
            return  # a volume without limits: reported where the SOP is checked
        for move in moves:
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

    def repeats(self, lab: Lab, capabilities: Mapping[str, CapabilitySpec]) -> None:
        """No vessel fills up run after run."""
        box = campaign_box(self.campaign, self.procedure)
        settings = campaign_settings(self.campaign, self.procedure)
        trials = self.campaign.budget.trials
        for item in gatherings(self.procedure, lab, capabilities, box, settings, trials):
            self._report(
                ("budget", "trials"), "overfill",
                f'run {item.run} would overfill "{item.container}" ({item.capacity}): '
                f"each run may leave {item.each} more in it{item.words}",
                "let the procedure end with a step that empties it (`empties: true`), "
                f"or plan at most {item.fitting} trials",
                why="a run finds what the run before it has left, and the vessel runs over onto the device and the bench",
                severity="safety",
            )  # fmt: skip

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
