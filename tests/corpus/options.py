"""Campaigns that say something wrong of earlier campaigns, or of several ways to measure."""

from __future__ import annotations

from tests.corpus.cases import edit

__all__ = ["CASES"]

_WAYS = """fidelities:
  - {name: cool, cost: 1, set: {temperature: 20 degC}}
  - {name: warm, cost: 4, set: {temperature: 25 degC}}
fixed:
"""
_FREE = "fixed:\n  temperature: 25 degC\n"


def _ways(name: str, raises: str, old: str, new: str, *more: str):
    """Two fidelities that are right, and what is changed in them."""
    assert old in _WAYS, name
    return edit(name, "campaign", raises, _FREE, _WAYS.replace(old, new), *more)


CASES = (
    edit("an earlier campaign from nowhere", "campaign", "earlier", "fixed:\n", "earlier:\n  - {name: spring}\nfixed:\n"),
    edit("an earlier campaign from two places", "campaign", "earlier", "fixed:\n", "earlier:\n  - {name: spring, file: spring.csv, campaign: spring-1}\nfixed:\n"),
    edit("two earlier campaigns of one name", "campaign", "earlier", "fixed:\n", "earlier:\n  - {name: spring, file: a.csv}\n  - {name: spring, file: b.csv}\nfixed:\n"),
    edit("an earlier campaign that nobody looks at", "campaign", "earlier", "method: bayesian", "method: sobol", "fixed:\n", "earlier:\n  - {name: spring, file: a.csv}\nfixed:\n"),
    edit("an earlier campaign with a fault of spelling", "campaign", "key-unknown", "fixed:\n", "earlier:\n  - {name: spring, fil: a.csv}\nfixed:\n"),
    _ways("one way to measure", "fidelity", "  - {name: cool, cost: 1, set: {temperature: 20 degC}}\n", ""),
    _ways("two ways to measure of one name", "fidelity", "name: cool", "name: warm"),
    _ways("a quick way that costs as much as the real one", "fidelity", "cost: 1,", "cost: 4,"),
    _ways("two ways to measure that are the same", "fidelity", "20 degC", "25 degC"),
    _ways("a way to measure for nothing", "value", "cost: 1,", "cost: 0,"),
    _ways("a way to measure without a cost", "key-missing", "cost: 1, ", ""),
    _ways("a way to measure that sets an unknown parameter", "reference", "{temperature: 20", "{temprature: 20"),
    _ways("a way to measure that sets a factor", "reference", "{temperature: 20 degC}", "{dilute_volume: 1 mL}"),
    _ways("a way to measure in grams", "dimension", "20 degC", "20 g"),
    _ways("a way to measure beyond the SOP", "range", "20 degC", "10 degC"),
    _ways("a way to measure that sets what is fixed", "fidelity", "{temperature: 20 degC}", "{total_volume: 10 mL}"),
    _ways("ways to measure beside a limit", "fidelity", "fidelities:\n", "limits: [{result: conductivity, minimum: 1 mS/cm}]\nfidelities:\n"),
    _ways("ways to measure beside an accuracy", "fidelity", "cost: 1,", "cost: 2,", "dilute_volume: {}", "dilute_volume: {accuracy: 1 uL}"),
    _ways("ways to measure that nobody compares", "fidelity", "cost: 1,", "cost: 2,", "method: bayesian", "method: sobol"),
    _ways("ways to measure beside gain per time", "fidelity", "cost: 1,", "cost: 2,", "method: bayesian", "method: bayesian\n  per: time"),
    _ways("a constraint that depends on the way to measure", "fidelity", "fidelities:\n", "constraints: [concentrate_volume <= 3 mL or temperature <= 22 degC]\nfidelities:\n"),
    edit("a budget of cost without costs", "campaign", "fidelity", "budget:\n", "budget:\n  cost: 10\n"),
    _ways("a budget that pays for no trial that counts", "fidelity", "cost: 1,", "cost: 2,", "budget:\n", "budget:\n  cost: 3\n"),
)  # fmt: skip
