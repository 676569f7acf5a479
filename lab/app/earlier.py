"""What earlier campaigns say, as it goes into the journal of a new one: from tables, and from the same records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lab.domain.event import ChoiceSpec, EarlierSpec, OutsideResult
from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean
from lab.sop.document import read_document
from lab.sop.load import read_text, refuse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.app.files import CampaignFiles
    from lab.domain.event import FactorSpec, FactorValue
    from lab.domain.state import CampaignState, LabState, TrialState
    from lab.sop.earlier import EarlierTable

__all__ = ["earlier_of"]


class _Unlike(Exception):  # noqa: N818 - it never leaves this module
    """Why a campaign can't teach another one, and what would be right."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def earlier_of(files: CampaignFiles, path: Path, records: LabState) -> tuple[EarlierSpec, ...]:
    """All that is named under `earlier`, with its values. `records`: what they hold before this campaign.

    FindingsError, where the campaign is named, for one that is not in the records or has other factors or results.
    """
    found: list[EarlierSpec] = []
    for index, item in enumerate(files.bundle.campaign.earlier):
        if item.campaign is None:
            found.append(_of_table(item.name, files, files.bundle.earlier[item.name]))
            continue
        try:
            found.append(_of_campaign(item.name, item.campaign, files, records))
        except _Unlike as unlike:
            document = read_document(
                read_text(Path(files.bundle.paths["campaign"]), str(path)), str(path)
            )
            place = ("earlier", index, "campaign")
            refuse([document.finding(place, "earlier", unlike.message, hint=unlike.hint)])
    return tuple(found)


def _of_table(name: str, files: CampaignFiles, table: EarlierTable) -> EarlierSpec:
    return EarlierSpec(
        name=name,
        source=table.file,
        sha256=table.sha256,
        results=tuple(
            _result(files, row.settings, row.results, row.failure).model_copy(
                update={"beyond": dict(row.beyond)}
            )
            for row in table.rows
        ),
    )


def _result(
    files: CampaignFiles,
    settings: Mapping[str, FactorValue],
    results: Mapping[str, float],
    failure: str,
) -> OutsideResult:
    """In the order of this campaign's factors; outcomes by name where several are sought or limited."""
    factors = {factor.name: settings[factor.name] for factor in files.factors}
    if failure:
        return OutsideResult(factors=factors, failure=failure)
    first = files.objectives[0]
    several = len(results) > 1 or bool(files.limits) or first.direction == "target"
    return OutsideResult(
        factors=factors, value=results[first.result], outcomes=dict(results) if several else {}
    )


def _of_campaign(name: str, wanted: str, files: CampaignFiles, records: LabState) -> EarlierSpec:
    entry = records.campaigns.get(wanted)
    if entry is None:
        known = list(records.campaigns)
        raise _Unlike(
            f'these records hold no campaign "{wanted}"',
            did_you_mean(wanted, known)
            if known
            else "they hold none yet: name the records with --db, or a table with `file`",
        )
    rows = [
        row
        for trial in (*entry.outside, *entry.trials.values())
        if trial.fidelity == entry.target
        and (row := _row(files, entry, trial, wanted, records)) is not None
    ]
    if not any(row.value is not None for row in rows):
        raise _Unlike(f'no trial of "{wanted}" has given a value', "leave it out")
    return EarlierSpec(name=name, source=wanted, results=tuple(rows))


def _row(
    files: CampaignFiles, entry: CampaignState, trial: TrialState, wanted: str, records: LabState
) -> OutsideResult | None:
    """A finished trial; None of one that says nothing."""
    run = records.runs.get(trial.run)
    if trial.status not in ("done", "failed"):
        return None
    if trial.status == "failed" and run is not None and run.status == "aborted":
        return None
    theirs = {factor.name: factor for factor in entry.spec.factors}
    settings: dict[str, FactorValue] = {}
    for factor in files.factors:
        if factor.name not in theirs:
            raise _Unlike(
                f'"{wanted}" did not vary {factor.name}',
                f"only campaigns with the same factors teach this one; its factors are {', '.join(theirs)}",
            )
        settings[factor.name] = _setting(factor, theirs[factor.name], trial, wanted)
    if trial.status == "failed":
        return _result(files, settings, {}, trial.reason or "it gave no value")
    units = {item.result: item.unit for item in (*entry.objectives, *entry.spec.limits)}
    given = trial.outcomes or {entry.spec.objective.result: trial.value or 0.0}
    results: dict[str, float] = {}
    for item in (*files.objectives, *files.limits):
        if item.result not in given:
            raise _Unlike(
                f'"{wanted}" did not seek {item.result}',
                f"it measured {', '.join(given)}; only campaigns that seek the same teach this one",
            )
        results[item.result] = _number(
            given[item.result], units[item.result], item.unit, item.result, wanted
        )
    beyond = {name: side for name, side in trial.beyond.items() if name in results}
    return _result(files, settings, results, "").model_copy(update={"beyond": beyond})


def _setting(
    factor: FactorSpec | ChoiceSpec,
    theirs: FactorSpec | ChoiceSpec,
    trial: TrialState,
    wanted: str,
) -> FactorValue:
    value = trial.factors[factor.name]
    if isinstance(factor, ChoiceSpec) or isinstance(value, str):
        if not (isinstance(factor, ChoiceSpec) and value in factor.choices):
            due = (
                f"one of {', '.join(factor.choices)}"
                if isinstance(factor, ChoiceSpec)
                else "a number"
            )
            raise _Unlike(
                f'trial {trial.number} of "{wanted}" had {factor.name} = {value}',
                f"this campaign has {due}: list that choice, too, or leave the campaign out",
            )
        return value
    return _number(value, theirs.unit, factor.unit, factor.name, wanted)


def _number(value: float, unit: str, due: str, name: str, wanted: str) -> float:
    if unit == due:
        return value
    quantity = Quantity(value, unit or DIMENSIONLESS)
    if not quantity.is_like(due or DIMENSIONLESS):
        raise _Unlike(
            f'"{wanted}" has {name} in {unit}, and this campaign in {due}',
            "only campaigns that measure the same teach this one",
        )
    return quantity.to(due or DIMENSIONLESS).magnitude
