"""What a run must yield and may not exceed: results, quality checks, limits of measured values."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.domain.plan import Limit, QualityCheck, ResultSpec
from lab.domain.quantity import QuantityError
from lab.domain.units import DIMENSIONLESS
from lab.sop.expression import ExpressionError
from lab.sop.planned import difference_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lab.domain.action import CapabilitySpec
    from lab.domain.quantity import Quantity
    from lab.sop.formulas import Formulas
    from lab.sop.model_quality import Blank, Replicates, Standard
    from lab.sop.unfold import Scope

__all__ = ["limits_of", "quality_of", "results_of"]


def results_of(scope: Scope, formulas: Formulas) -> tuple[ResultSpec, ...]:
    """The results of the outermost SOP."""
    found: list[ResultSpec] = []
    for name, item in scope.sop.results.items():
        try:
            formula = formulas.formula(item.source or item.value, scope)
        except ExpressionError as error:
            raise _refusal(scope, ("results", name), error) from error
        ends = (None, None) if item.range is None else (item.range.minimum, item.range.maximum)
        low, high = (_number(end, item.unit) for end in ends)
        found.append(
            ResultSpec(
                name=name,
                unit=item.unit,
                formula=formula,
                required=item.required,
                minimum=low,
                maximum=high,
            )
        )
    return tuple(found)


def quality_of(scopes: Iterable[Scope], formulas: Formulas) -> tuple[QualityCheck, ...]:
    """Standards, blanks and replicates of each SOP, named with the path of its call."""
    found: list[QualityCheck] = []
    for scope in scopes:
        quality = scope.sop.quality
        makers: list[tuple[str, str, Callable[[], QualityCheck]]] = [
            *(("standards", name, partial(_standard, name, item, scope, formulas)) for name, item in quality.standards.items()),
            *(("blanks", name, partial(_blank, name, item, scope, formulas)) for name, item in quality.blanks.items()),
            *(("replicates", name, partial(_replicates, name, item, scope, formulas)) for name, item in quality.replicates.items()),
        ]  # fmt: skip
        for group, name, make in makers:
            try:
                found.append(make())
            except (ExpressionError, QuantityError) as error:
                raise _refusal(scope, ("quality", group, name), error) from error
    return tuple(found)


def limits_of(
    scopes: Iterable[Scope], capabilities: Mapping[str, CapabilitySpec], top: Scope
) -> tuple[Limit, ...]:
    """Limits of measured values; the device is still the outermost SOP's role."""
    found: dict[Limit, None] = {}
    for scope in scopes:
        for item in scope.sop.safety.limits:
            own, _, output = item.signal.partition(".")
            role = scope.role(own)
            capability = capabilities[top.sop.equipment[role].capability]
            units = [
                action.outputs[output].unit
                for action in capability.actions.values()
                if output in action.outputs
            ]
            unit = (units[0] if units else "") or DIMENSIONLESS
            limit = Limit(
                signal=f"{role}.{output}",
                device=role,
                output=output,
                unit=unit,
                minimum=_number(item.minimum, unit),
                maximum=_number(item.maximum, unit),
                on_violation=item.on_violation,
            )
            found[limit] = None
    return tuple(found)


def _refusal(
    scope: Scope, path: tuple[str | int, ...], error: ExpressionError | QuantityError
) -> InputError:
    finding = scope.document.finding(path, error.code, error.message, hint=error.hint)
    return InputError(f"{path[-1]}: {error.message}", hint=error.hint, diagnostics=[finding])


def _number(quantity: Quantity | None, unit: str) -> float | None:
    return None if quantity is None else quantity.to(unit).magnitude


def _standard(name: str, item: Standard, scope: Scope, formulas: Formulas) -> QualityCheck:
    unit = item.certified_value.unit
    tolerance = difference_in(item.tolerance, unit)
    return QualityCheck(
        name=scope.prefix + name,
        kind="standard",
        formula=formulas.formula(item.measured, scope),
        unit=unit,
        certified_value=item.certified_value.magnitude,
        expanded_uncertainty=difference_in(item.expanded_uncertainty, unit),
        coverage_factor=item.k,
        certificate=item.certificate,
        minimum=-tolerance,
        maximum=tolerance,
        control_rules=tuple(scope.sop.quality.control_rules),
        on_failure=item.on_failure,
    )


def _blank(name: str, item: Blank, scope: Scope, formulas: Formulas) -> QualityCheck:
    limit = item.maximum if item.maximum is not None else item.minimum
    unit = limit.unit if limit is not None else formulas.unit_of(item.measured, scope)
    return QualityCheck(
        name=scope.prefix + name,
        kind="blank",
        formula=formulas.formula(item.measured, scope),
        unit=unit,
        minimum=_number(item.minimum, unit),
        maximum=_number(item.maximum, unit),
        on_failure=item.on_failure,
    )


def _replicates(name: str, item: Replicates, scope: Scope, formulas: Formulas) -> QualityCheck:
    return QualityCheck(
        name=scope.prefix + name,
        kind="replicates",
        formula=formulas.formula(item.measured, scope, series=True),
        unit=formulas.unit_of(item.measured, scope),
        maximum=item.max_relative_sd.to("percent").magnitude,
        least=item.least,
        on_failure=item.on_failure,
    )
