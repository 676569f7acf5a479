"""What a run has measured that did not end well, as far as it can be believed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.course import Course

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lab.domain import event as ev
    from lab.domain.plan import Binding, Formula
    from lab.domain.state import RunState
    from lab.engine.context import CampaignContext

__all__ = ["results_so_far"]


def results_so_far(context: CampaignContext, run: RunState) -> Mapping[str, ev.Value]:
    """The results of which every step is done or skipped: the mean of the readings that there would have been is none.

    None at all where the procedure itself says that the sample's data are worth nothing: its quality was not shown, it
    stood too long, or a loop did not come to its end.
    """
    if not _believable(run):
        return {}
    try:
        results = context.results(run.plan, Course(run).outputs)
    except (ArithmeticError, KeyError, ValueError, TypeError):
        return {}
    whole = {
        spec.name
        for spec in run.plan.results
        if all(run.steps[path].passed for path in _steps_of(spec.formula))
    }
    return {name: value for name, value in results.items() if name in whole}


def _believable(run: RunState) -> bool:
    plan = run.plan
    shown = all(
        check.on_failure != "fail"
        or (check.name in run.quality and run.quality[check.name].accepted)
        for check in plan.quality
    ) and not any(flag.kind == "quality" and flag.reason == run.reason for flag in run.flags)
    in_time = all(
        window.on_violation == "flag"
        or window.name not in run.timing
        or run.timing[window.name].kept
        for window in plan.timing
    )
    endless = any(item.failure and run.decisions.get(item.path) is False for item in plan.decisions)
    return shown and in_time and not endless


def _steps_of(formula: Formula) -> Iterator[str]:
    """The steps whose outputs a formula names."""
    for names in (formula.names, *(formula.rows or ())):
        for binding in names.values():
            yield from _bound(binding)


def _bound(binding: Binding) -> Iterator[str]:
    for output in binding.outputs:
        yield output.rpartition(".")[0]
    if binding.formula is not None:
        yield from _steps_of(binding.formula)
