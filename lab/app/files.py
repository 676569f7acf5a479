"""A campaign's three files, checked together with the installed drivers, and what the engine needs of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.app.drivers import LabDrivers, simulated_chemistries
from lab.devices.capability import CAPABILITIES
from lab.devices.registry import Registry
from lab.domain.errors import InputError
from lab.domain.event import (
    AtMostSpec,
    ChoiceSpec,
    ContextSpec,
    CostSpec,
    FactorSpec,
    FactorValue,
    FidelitySpec,
    LimitSpec,
    ObjectiveSpec,
    SettingValue,
    StopSpec,
)
from lab.domain.quantity import Quantity
from lab.records.database import database_url
from lab.sop.check import check_lab
from lab.sop.check_aim import distance_of, unit_of_stop
from lab.sop.check_context import own_box
from lab.sop.check_cost import cost_text
from lab.sop.check_factors import chosen_choices
from lab.sop.check_lab_safety import DriverTraits
from lab.sop.check_space import constraint_texts, step_of
from lab.sop.check_together import campaign_box
from lab.sop.document import read_document
from lab.sop.load import CampaignBundle, load_campaign, read_text, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from lab.devices.manifest import Manifest
    from lab.domain.action import Limits
    from lab.domain.diagnostic import Diagnostic
    from lab.sop.campaign_model import FactorContext, FixedValue, Objective
    from lab.sop.lab_model import Lab

__all__ = ["CampaignFiles", "check_lab_file", "driver_capabilities", "open_campaign", "open_lab"]


@dataclass(frozen=True, slots=True)
class CampaignFiles:
    """A bundle with its drivers; numbers are in the parameters' declared units."""

    bundle: CampaignBundle
    drivers: LabDrivers

    @property
    def lab(self) -> Lab:
        return self.bundle.lab

    @property
    def lab_file(self) -> Path:
        return Path(self.bundle.paths["lab"])

    @property
    def database(self) -> str:
        """The records' URL; a relative path of `lab.yaml` lies beside that file."""
        return lab_database(self.lab, self.lab_file)

    @property
    def factors(self) -> tuple[FactorSpec | ChoiceSpec, ...]:
        """The space that the optimiser may explore."""
        campaign, sop = self.bundle.campaign, self.bundle.procedure.sop
        box = {**campaign_box(campaign, self.bundle.procedure), **own_box(campaign, sop)}
        choices = chosen_choices(campaign, sop)
        found: list[FactorSpec | ChoiceSpec] = []
        for name, chosen in campaign.factors.items():
            if name in choices:
                told = dict(self.bundle.descriptors.get(name, {}))
                found.append(
                    ChoiceSpec(
                        name=name,
                        choices=choices[name],
                        descriptors=told,
                        context=self._context(chosen.context, ""),
                    )
                )
                continue
            unit = box[name][0].unit
            found.append(
                FactorSpec(
                    name=name,
                    unit=unit,
                    minimum=box[name][0].to(unit).magnitude,
                    maximum=box[name][1].to(unit).magnitude,
                    step=None if chosen.step is None else step_of(chosen.step, unit),
                    levels=tuple(level.to(unit).magnitude for level in chosen.levels),
                    context=self._context(chosen.context, unit),
                )
            )
        return tuple(found)

    def _context(self, context: FactorContext | None, unit: str) -> ContextSpec | None:
        """Where the value of a factor comes from that nobody chooses; `unit`: the factor's, empty for a choice."""
        if context is None:
            return None
        told, device = context.value, context.device or ""
        signal = context.signal or ""
        if isinstance(told, Quantity) and unit:
            value: FactorValue | None = told.to(unit).magnitude
        else:
            value = None if told is None else str(told)
        return ContextSpec(
            device=device,
            signal=signal,
            unit=self.drivers.manifests[device].telemetry[signal] if device else "",
            max_age_s=None if context.max_age is None else context.max_age.to("s").magnitude,
            value=value,
        )

    @property
    def constraints(self) -> tuple[str, ...]:
        """What every trial keeps, in terms of the factors alone."""
        return constraint_texts(self.bundle.campaign, self.bundle.procedure)

    @property
    def at_most(self) -> tuple[AtMostSpec, ...]:
        """Mixtures of few out of many components."""
        return tuple(
            AtMostSpec(factors=tuple(rule.factors), most=rule.most)
            for rule in self.bundle.campaign.at_most
        )

    @property
    def fixed(self) -> dict[str, JsonValue]:
        """Parameters that this campaign holds at a value."""
        return {**self._plain(self.bundle.campaign.fixed)}

    def _plain(self, values: Mapping[str, FixedValue]) -> dict[str, SettingValue]:
        """Quantities as numbers in the parameters' units; a text may read like a quantity."""
        parameters = self.bundle.procedure.sop.quantities
        return {
            name: value
            if not isinstance(value, Quantity)
            else value.to(parameters[name].unit).magnitude
            if name in parameters
            else str(value)
            for name, value in values.items()
        }

    @property
    def fidelities(self) -> tuple[FidelitySpec, ...]:
        """The ways to measure what is sought."""
        return tuple(
            FidelitySpec(name=way.name, cost=way.cost, settings=self._plain(way.set))
            for way in self.bundle.campaign.fidelities
        )

    @property
    def objectives(self) -> tuple[ObjectiveSpec, ...]:
        """What is sought, each in the unit of the SOP's result."""
        return tuple(self._objective(item) for item in self.bundle.campaign.sought)

    def _objective(self, objective: Objective) -> ObjectiveSpec:
        unit = self.bundle.procedure.sop.results[objective.result].unit
        worst = objective.worst
        if worst is not None:
            aimed = objective.direction == "target"
            worst_value = distance_of(worst, unit) if aimed else worst.to(unit).magnitude
        else:
            worst_value = None
        return ObjectiveSpec(
            result=objective.result,
            unit=unit,
            direction=objective.direction,
            reference=_in(unit, objective.reference),
            reference_note=objective.reference_note,
            report=objective.report,
            report_unit=self._unit_of(objective.report),
            target=_in(unit, objective.target),
            worst=worst_value,
            ideal=_in(unit, objective.ideal),
            weight=objective.weight,
            zeros=objective.zeros,
        )

    @property
    def limits(self) -> tuple[LimitSpec, ...]:
        """What results must keep to, each in the result's unit."""
        results = self.bundle.procedure.sop.results
        return tuple(
            LimitSpec(
                result=limit.result,
                unit=results[limit.result].unit,
                minimum=_in(results[limit.result].unit, limit.minimum),
                maximum=_in(results[limit.result].unit, limit.maximum),
            )
            for limit in self.bundle.campaign.limits
        )

    @property
    def stop(self) -> StopSpec | None:
        """When the campaign ends before its budget is used up."""
        stop = self.bundle.campaign.stop
        if stop is None:
            return None
        unit = unit_of_stop(self.bundle.campaign)
        return StopSpec(
            within=distance_of(stop.within, unit or self.objectives[0].unit),
            unit=unit or "",
            probability=stop.probability,
            trials=stop.trials,
            decides=stop.decides,
        )

    @property
    def accuracy(self) -> dict[str, float]:
        """Standard deviations of set points, each in its factor's unit."""
        quantities = self.bundle.procedure.sop.quantities
        return {
            name: distance_of(chosen.accuracy, quantities[name].unit)
            for name, chosen in self.bundle.campaign.factors.items()
            if chosen.accuracy is not None
        }

    @property
    def cost(self) -> CostSpec | None:
        """What a trial costs, in terms of the factors alone."""
        cost = self.bundle.campaign.strategy.cost
        text = cost_text(self.bundle.campaign, self.bundle.procedure)
        return None if cost is None or text is None else CostSpec(formula=text, unit=cost.unit)

    def _unit_of(self, name: str) -> str:
        sop = self.bundle.procedure.sop
        for group in (sop.derived, sop.quantities, sop.results):
            if name in group:
                return group[name].unit
        return ""

    @property
    def middle(self) -> dict[str, FactorValue]:
        """A trial that any lab that fits must be able to make: each factor in the middle of its range, or, where
        constraints forbid that, one that keeps them.

        InputError where no trial keeps them all.
        """
        middle = {factor.name: _middle_of(factor) for factor in self.factors}
        campaign = self.bundle.campaign
        if not (campaign.constraints or campaign.at_most):
            return middle
        from lab.app.optimiser import lawful_trial
        from lab.optimize.recorded import make_space

        space = make_space(self.factors, self.constraints, self.at_most, campaign.alike)
        return middle if not space.broken(middle) else lawful_trial(space)

    @property
    def samples(self) -> tuple[dict[str, SettingValue], ...]:
        """Trials that the lab must be able to make before anything starts: the middle, and the middle with each other
        choice, because another choice may mean other devices; of several fidelities by each, first the one that counts.
        """
        middle = self.middle
        trials: list[dict[str, FactorValue]] = [
            middle,
            *(
                {**middle, factor.name: choice}
                for factor in self.factors
                if isinstance(factor, ChoiceSpec)
                for choice in factor.choices
                if choice != middle[factor.name]
            ),
        ]
        ways = [way.settings for way in reversed(self.fidelities)] or [{}]
        return tuple({**trial, **way} for way in ways for trial in trials)


def _middle_of(factor: FactorSpec | ChoiceSpec) -> FactorValue:
    if isinstance(factor, ChoiceSpec):
        return factor.choices[0]
    if factor.levels:
        return factor.levels[len(factor.levels) // 2]
    return (factor.minimum + factor.maximum) / 2


def _demand_candidates(files: CampaignFiles) -> None:
    """InputError where fewer candidates keep the constraints than trials are planned."""
    campaign, rows = files.bundle.campaign, files.bundle.candidates
    if rows is None or not (campaign.constraints or campaign.at_most):
        return
    from lab.optimize.pool import Pool
    from lab.optimize.recorded import make_space

    space = make_space(files.factors, files.constraints, files.at_most, campaign.alike)
    columns = dict(zip(space.names, zip(*rows, strict=True), strict=True))
    lawful = len(Pool.in_space(space, columns).lawful())
    if lawful < campaign.budget.trials:
        raise InputError(
            f"{lawful} of {len(rows)} candidates keep the constraints, and {campaign.budget.trials} trials are planned",
            hint="loosen a constraint, add candidates, or plan fewer trials",
        )


def _in(unit: str, value: Quantity | None) -> float | None:
    return None if value is None else value.to(unit).magnitude


def lab_database(lab: Lab, lab_file: Path) -> str:
    """The URL of the records that a lab file names."""
    text = lab.database
    if "://" in text or text == ":memory:" or Path(text).is_absolute():
        return database_url(text)
    folder = lab_file.parent
    here = Path.cwd().resolve()
    resolved = (folder / text).resolve()
    shown = resolved.relative_to(here) if resolved.is_relative_to(here) else resolved
    return database_url(str(shown))


def driver_capabilities(registry: Registry | None = None) -> dict[str, tuple[str, ...]]:
    """Driver -> capabilities, of all installed drivers. A broken one concerns only labs that use it."""
    return {name: manifest.capabilities for name, manifest in _manifests(registry).items()}


def driver_traits(registry: Registry | None = None) -> dict[str, DriverTraits]:
    """Driver -> what its manifest says about safety and limits, of all installed drivers that are not broken."""
    registry = registry or Registry.installed()
    return {
        name: DriverTraits(
            safe_action=manifest.safe_action,
            telemetry=manifest.telemetry,
            actions=frozenset(
                action for key in manifest.capabilities for action in CAPABILITIES[key].actions
            ),
            limits=_limits(registry, name),
        )
        for name, manifest in _manifests(registry).items()
    }


def _limits(registry: Registry, driver: str) -> Limits | None:
    with suppress(InputError):
        return registry.limits(driver)
    return None


def _manifests(registry: Registry | None) -> dict[str, Manifest]:
    registry = registry or Registry.installed()
    found: dict[str, Manifest] = {}
    for name in registry.names():
        with suppress(InputError):
            found[name] = registry.manifest(name)
    return found


def open_campaign(
    path: Path, registry: Registry | None = None, *, earlier: bool = True
) -> CampaignFiles:
    """Read and check a campaign with its SOP and lab, and (`earlier`) the tables of earlier campaigns.

    Raises InputError or RefusedError with diagnostics, as `lab.sop.load.load_campaign` does.
    """
    if not path.is_file():
        raise InputError(
            f"there is no campaign file at {path}",
            hint="name a campaign.yaml; `lab new campaign` writes one",
        )
    registry = registry or Registry.installed()
    bundle = load_campaign(
        path,
        CAPABILITIES,
        driver_capabilities(registry),
        chemistries=simulated_chemistries(),
        traits=driver_traits(registry),
        earlier=earlier,
    )
    files = CampaignFiles(bundle, LabDrivers(bundle.lab, registry))
    _refuse_an_empty_space(files, str(path))
    return files


def _refuse_an_empty_space(files: CampaignFiles, name: str) -> None:
    """FindingsError, at the constraints, where no trial could keep them all, or too few of a list of candidates."""
    try:
        _ = files.middle
        _demand_candidates(files)
    except InputError as error:
        text = read_text(Path(files.bundle.paths["campaign"]), name)
        key = "constraints" if files.bundle.campaign.constraints else "at_most"
        finding = read_document(text, name).finding(
            (key,), "constraint", error.message, hint=error.hint, at_key=True
        )
        refuse([finding])


def check_lab_file(
    text: str, name: str, registry: Registry | None = None
) -> tuple[Lab | None, list[Diagnostic]]:
    """A lab file against all that is installed: drivers, their capabilities, simulated chemistries."""
    return check_lab(
        text,
        name,
        driver_capabilities(registry),
        capabilities=CAPABILITIES,
        chemistries=simulated_chemistries(),
        traits=driver_traits(registry),
    )


def open_lab(path: Path) -> LabDrivers:
    """Read and check a lab file alone."""
    lab, findings = check_lab_file(read_text(path, str(path)), str(path))
    if lab is None or any(finding.blocking for finding in findings):
        refuse(findings)
    if lab is None:
        raise InputError(f"{path} can't be read")
    return LabDrivers(lab)
