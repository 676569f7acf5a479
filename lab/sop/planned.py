"""What is known of each name before a run, with its unit and its uncertainty; computed once for each scope."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.plan import Binding
from lab.domain.quantity import Quantity, QuantityError, parse_quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.expression import ExpressionError, parse_expression, propagate, unwrap
from lab.sop.model import Parameter
from lab.sop.procedure import WELL, loop_value, planned_names
from lab.sop.value import CalculationError, Truth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.sop.model_materials import Material
    from lab.sop.procedure import Names, Setting
    from lab.sop.unfold import Scope

__all__ = ["Planned", "difference_in"]


def difference_in(quantity: Quantity, unit_name: str) -> float:
    """A difference (a tolerance, an uncertainty) in a unit: between degC and K the offset does not count."""
    target = Quantity(0.0, unit_name or DIMENSIONLESS).definition
    if quantity.definition.dimension != target.dimension:
        raise QuantityError(
            "dimension",
            f"{quantity} is {quantity.words}, not {target.words}",
            hint=f"give it in {unit_name}",
        )
    return quantity.magnitude * quantity.definition.factor / target.factor


class Planned:
    """Names of a procedure whose parameters are set (or ranges, where `box` holds ranges).

    `well` is that of the run; empty where no container is a plate.
    """

    def __init__(
        self,
        box: Mapping[str, tuple[Quantity, Quantity]],
        settings: Mapping[str, Setting] | None = None,
        well: str = "A1",
    ) -> None:
        self._box, self._settings, self._well = box, settings or {}, well
        self._bases: dict[str, Names] = {}
        self._names: dict[tuple[str, tuple[tuple[str, object], ...]], Names] = {}
        self._units: dict[str, dict[str, str]] = {}
        self._uncertainties: dict[str, dict[str, float]] = {}

    def names(self, scope: Scope) -> Names:
        """What an expression written in this scope may use before the run. ExpressionError, CalculationError."""
        key = (scope.prefix, tuple(scope.values.items()))
        if key not in self._names:
            base = self._base(scope)
            own: Names = {name: loop_value(raw) for name, raw in scope.values.items()}
            self._names[key] = {**base, **own} if own else base
        return self._names[key]

    def binding(self, name: str, scope: Scope) -> Binding | None:
        """The name's value (of a range the middle) with unit and uncertainty; None where it is not known before."""
        found = self.names(scope).get(name)
        if found is None:
            return None
        if isinstance(found, str):
            return Binding(value=found)
        if isinstance(found, Truth):
            return Binding(value=found.may_hold)
        unit = self.unit(name, scope)
        return Binding(
            unit=unit, value=found.number(unit), uncertainty=self._uncertainty(name, scope)
        )

    def unit(self, name: str, scope: Scope) -> str:
        """The unit in which a number is declared."""
        if name in scope.values:
            raw = scope.values[name]
            return parse_quantity(raw).unit if isinstance(raw, str) else DIMENSIONLESS
        if scope.prefix not in self._units:
            self._units[scope.prefix] = _units(scope)
        return self._units[scope.prefix][name]

    def _base(self, scope: Scope) -> Names:
        """Without the values of this SOP's loops: nothing else of it depends on them."""
        if scope.prefix not in self._bases:
            names = planned_names(replace(scope, values={}), self._box, self._settings)
            if self._well:
                names[WELL] = self._well
            else:
                del names[WELL]  # a SOP that uses the well needs a plate
            self._bases[scope.prefix] = names
        return self._bases[scope.prefix]

    def _uncertainty(self, name: str, scope: Scope) -> float | None:
        """Standard uncertainty in the name's unit."""
        if scope.prefix not in self._uncertainties:
            self._uncertainties[scope.prefix] = _uncertainties(scope, self._base(scope))
        base = self._uncertainties[scope.prefix].get(name)
        if base is None or name in scope.values:
            return None
        return base / Quantity(0.0, self.unit(name, scope)).definition.factor


def _materials(scope: Scope) -> dict[str, Material]:
    """Material of this SOP -> what the outermost SOP says of it."""
    outermost = scope
    while outermost.outer is not None:
        outermost = outermost.outer
    return {
        name: outermost.sop.materials.get(scope.material(name), own)
        for name, own in scope.sop.materials.items()
    }


def _units(scope: Scope) -> dict[str, str]:
    units: dict[str, str] = {}
    for name, item in scope.sop.parameters.items():
        if isinstance(item, Parameter):
            units[name] = units[f"parameters.{name}"] = item.unit
    units.update({name: item.unit for name, item in scope.sop.derived.items()})
    for name, material in _materials(scope).items():
        for key, quantity in (
            ("density", material.density),
            ("concentration", material.concentration),
        ):
            if quantity is not None:
                units[f"{name}.{key}"] = quantity.unit
    return units


def _uncertainties(scope: Scope, names: Names) -> dict[str, float]:
    """Name -> standard uncertainty in SI base units: of materials as declared, of derived values as it follows."""
    found: dict[str, float] = {}
    for name, material in _materials(scope).items():
        for key, nominal, given in (
            ("density", material.density, material.density_uncertainty),
            ("concentration", material.concentration, material.concentration_uncertainty),
        ):
            if nominal is not None and given is not None:
                factor = nominal.definition.factor
                found[f"{name}.{key}"] = difference_in(given, nominal.unit) * factor
    for name, item in scope.sop.derived.items() if found else ():
        text = unwrap(item.value)
        if text is None or name not in names:
            continue
        try:
            expression = parse_expression(text)
            used = {each: found[each] for each, _ in expression.names if each in found}
            _, uncertainty = propagate(expression, names, used)
        except (ExpressionError, CalculationError):
            continue
        if uncertainty > 0:
            found[name] = uncertainty
    return found
