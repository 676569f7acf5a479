"""Results from outside that people add to a running campaign: judged before the optimiser sees them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain import event as ev
from lab.domain.quantity import QuantityError, parse_quantity
from lab.engine.proposals import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import JsonValue

    from lab.domain.state import CampaignState
    from lab.engine import messages as msg
    from lab.engine.people import Judgement

    Factors = Callable[[CampaignState, JsonValue], dict[str, ev.FactorValue]]

__all__ = ["RefusedRow", "fidelity_of", "judge_results"]

_MOST = 10_000


class RefusedRow(Exception):  # noqa: N818 - it never leaves the judgement
    """Why a row can't be taken, in words."""


def fidelity_of(campaign: CampaignState, message: msg.Requested) -> str:
    """The fidelity that a request names, or the one that counts; empty where there are none."""
    given = str(message.args.get("fidelity", "") or "")
    known = [way.name for way in campaign.spec.fidelities]
    if given and given not in known:
        raise RefusedRow(
            f"{given} is no fidelity; there are {', '.join(known)}"
            if known
            else f"fidelity {given}: this campaign has one way to measure"
        )
    return given or campaign.target


def judge_results(campaign: CampaignState, message: msg.Requested, factors: Factors) -> Judgement:
    """All rows are taken, or none. `factors` reads the settings of a row, and raises RefusedRow.

    A row keeps ranges, constraints and choices as a trial does, unless the person says that values `beyond` them are
    meant; steps, levels, lists of candidates and vetoes are rules for what is tried here, not for what was found elsewhere.
    """
    given = message.args.get("results")
    if not isinstance(given, list) or not 0 < len(given) <= _MOST:
        raise RefusedRow(f"give results, a list of 1 to {_MOST}")
    beyond = message.args.get("beyond") is True
    fidelity = fidelity_of(campaign, message)
    results: list[ev.OutsideResult] = []
    known = [_key(i.factors, i.value, i.reason, i.fidelity) for i in campaign.outside]
    for place, row in enumerate(given):
        name = _name(row, place)
        try:
            result = _result(campaign, row, factors).model_copy(update={"fidelity": fidelity})
        except RefusedRow as refused:
            raise RefusedRow(f"{name}: {refused}") from refused
        problem = "" if beyond else _broken(campaign, result.factors)
        if problem:
            raise RefusedRow(
                f"{name}: {problem}. Correct it, or say that it is meant (--beyond): then it teaches all the same"
            )
        key = _key(result.factors, result.value, result.failure, result.fidelity)
        if key in known:
            at = known.index(key)
            where = f"result {-1 - at}" if at < len(campaign.outside) else "an earlier row"
            raise RefusedRow(f"{name}: the same as {where}: a result teaches once")
        known.append(key)
        results.append(result)
    event = ev.ResultsAdded(
        campaign=campaign.spec.campaign,
        results=tuple(results),
        source=str(message.args.get("source", "")),
        actor=message.actor,
        reason=message.reason,
    )
    many = f"{len(results)} results are" if len(results) > 1 else "the result is"
    return True, f"{many} added; the optimiser learns from them when it is asked next", [event]


def _name(row: JsonValue, place: int) -> str:
    line = row.get("line") if isinstance(row, dict) else None
    return f"line {line}" if isinstance(line, int) else f"result {place + 1} of this request"


def _key(
    factors: Mapping[str, ev.FactorValue], value: float | None, failure: str, fidelity: str
) -> tuple[object, ...]:
    return (*sorted(factors.items()), value, failure, fidelity)


def _result(campaign: CampaignState, row: JsonValue, factors: Factors) -> ev.OutsideResult:
    if not isinstance(row, dict) or set(row) - {"factors", "values", "cells", "failed", "line"}:
        raise RefusedRow("an object with `factors`, and `values` or `failed`")
    cells = row.get("cells")
    if isinstance(cells, dict):
        row = {**row, **_sorted(campaign, cells)}
    settings = factors(campaign, row.get("factors"))
    missing = [item.name for item in campaign.spec.factors if item.name not in settings]
    if missing:
        raise RefusedRow(f"no value for {', '.join(missing)}")
    ordered = {item.name: settings[item.name] for item in campaign.spec.factors}
    failed, values = row.get("failed"), row.get("values")
    if bool(failed) == bool(values):
        raise RefusedRow(
            "it failed, and it has a value" if failed else "neither a value nor a reason of failure"
        )
    if failed:
        return ev.OutsideResult(factors=ordered, failure=str(failed))
    found, beyond = _values(campaign, values)
    first = campaign.spec.objective.result
    return ev.OutsideResult(
        factors=ordered,
        value=found[first],
        outcomes=found if campaign.aim is not None else {},
        beyond=beyond,
    )


def _sorted(
    campaign: CampaignState, cells: Mapping[str, JsonValue]
) -> dict[str, dict[str, JsonValue]]:
    """The cells of a table's row, each where it belongs."""
    names = [item.name for item in campaign.spec.factors]
    results = [item.result for item in (*campaign.objectives, *campaign.spec.limits)]
    for name in cells:
        if name not in names and name not in results:
            raise RefusedRow(
                f"{name} is neither a factor ({', '.join(names)}) nor a result that is sought ({', '.join(results)})"
            )
    return {
        "factors": {name: value for name, value in cells.items() if name in names},
        "values": {name: value for name, value in cells.items() if name not in names},
    }


def _values(
    campaign: CampaignState, given: JsonValue
) -> tuple[dict[str, float], dict[str, ev.Side]]:
    """Each result that is sought or limited, in its unit; and which of them lie beyond what could be measured."""
    units = {o.result: o.unit for o in (*campaign.objectives, *campaign.spec.limits)}
    if not isinstance(given, dict):
        raise RefusedRow(f"values by name: {', '.join(units)}")
    for name in given:
        if name not in units:
            raise RefusedRow(f"{name} is no result that this campaign seeks ({', '.join(units)})")
    missing = [name for name in units if name not in given]
    if missing:
        raise RefusedRow(f"no value for {', '.join(missing)}")
    found: dict[str, float] = {}
    beyond: dict[str, ev.Side] = {}
    for name, unit in units.items():
        text = str(given[name]).strip()
        if text[:1] in (">", "<"):
            beyond[name] = "above" if text[0] == ">" else "below"
            text = text[1:].strip()
        try:
            value = parse_quantity(text, unit)
        except QuantityError as error:
            raise RefusedRow(f"{name}: {error}. {error.hint}".strip()) from error
        found[name] = value.to(unit).magnitude
    return found, beyond


def _broken(campaign: CampaignState, factors: Mapping[str, ev.FactorValue]) -> str:
    """What leaves the campaign's ranges, choices or constraints."""
    loose = tuple(
        item if isinstance(item, ev.ChoiceSpec) else item.model_copy(update={"step": None, "levels": ()})
        for item in campaign.spec.factors
    )  # fmt: skip
    return broken(campaign.spec.model_copy(update={"factors": loose, "candidates": ()}), factors)
