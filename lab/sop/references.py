"""Which steps a name such as `measure.ph` means, from where it is written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.model_steps import ManualStep, Step
from lab.sop.value import CalculationError, Truth, Value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.action import CapabilitySpec
    from lab.sop.model import Result
    from lab.sop.model_steps import SafeStep
    from lab.sop.procedure import Box, Names
    from lab.sop.unfold import FlatCall, FlatStep, Scope, Unfolded

__all__ = ["OutputKind", "Reference", "References", "outputs_of"]


_ByRounds = dict[tuple[int, ...], list["FlatStep"]]
"""Rounds of some loops -> a step in those rounds, in order."""


@dataclass(frozen=True, slots=True)
class OutputKind:
    """What a step yields: a number in `unit`, a text, or yes/no."""

    kind: str
    """`quantity`, `text` or `yes_no`."""
    unit: str = ""
    minimum: Quantity | None = None
    maximum: Quantity | None = None
    uncertainty: Quantity | None = None
    """Standard uncertainty, absolute or (dimensionless for another unit) as a share of the value."""

    def example(self, index: int = 0) -> Value | str | Truth:
        """Some value of that kind, for checks that do not depend on which."""
        if self.kind == "text":
            return "text"
        if self.kind == "yes_no":
            return Truth(may_hold=True, may_fail=True)
        if self.minimum is not None and self.maximum is not None:
            middle = (self.minimum.base + self.maximum.base) / 2
            return Value(middle, self.minimum.definition.dimension, self.minimum.definition.scale)
        return Value.of(Quantity(1.0 + 0.37 * index, self.unit or DIMENSIONLESS))


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that means outputs of steps. `paths` are `path.output` in the order of execution."""

    name: str
    output: str
    steps: tuple[FlatStep, ...]
    kind: OutputKind

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(f"{step.path}.{self.output}" for step in self.steps)


def outputs_of(
    step: Step | ManualStep | SafeStep,
    role: str,
    scope: Scope,
    capabilities: Mapping[str, CapabilitySpec],
) -> dict[str, OutputKind]:
    """Output -> what it is, by the contract of the action or by what a person is asked. `role` is the outermost's."""
    found: dict[str, OutputKind] = {}
    if isinstance(step, ManualStep):
        for name, answer in step.manual.expects.items():
            if answer.type in ("quantity", "integer"):
                unit = answer.unit or DIMENSIONLESS
                found[name] = OutputKind("quantity", unit, answer.minimum, answer.maximum)
            else:
                found[name] = OutputKind("yes_no" if answer.type == "yes_no" else "text")
    else:
        outermost = scope
        while outermost.outer is not None:
            outermost = outermost.outer
        equipment = outermost.sop.equipment.get(role)
        capability = capabilities.get(equipment.capability) if equipment else None
        action = capability.actions.get(step.action) if capability else None
        if action is not None:
            found = {name: OutputKind("quantity", o.unit) for name, o in action.outputs.items()}
    declared = {} if not isinstance(step, Step | ManualStep) else step.outputs
    for name, item in declared.items():
        if name in found and found[name].kind == "quantity":
            known = found[name]
            found[name] = OutputKind(
                "quantity",
                known.unit,
                _usable(item.minimum, known.unit) or known.minimum,
                _usable(item.maximum, known.unit) or known.maximum,
                item.uncertainty,
            )
    return found


def _usable(limit: Quantity | None, unit: str) -> Quantity | None:
    """A limit of another kind is reported where it stands, and not used."""
    return limit if limit is not None and limit.is_like(unit or DIMENSIONLESS) else None


class References:
    """Looks names up. Made once for a procedure that is written out flat."""

    def __init__(self, flat: Unfolded, capabilities: Mapping[str, CapabilitySpec]) -> None:
        self._flat = flat
        self._capabilities = capabilities
        self._steps: dict[tuple[str, str], list[FlatStep]] = {}
        for step in flat.steps:
            self._steps.setdefault((step.scope.prefix, step.step.id), []).append(step)
        self._calls: dict[tuple[str, str], list[FlatCall]] = {}
        for call in flat.calls:
            self._calls.setdefault((call.scope.prefix, call.block.id), []).append(call)
        self._outputs: dict[int, dict[str, OutputKind]] = {}
        self._by_rounds: dict[tuple[str, str, tuple[str, ...]], _ByRounds] = {}

    def outputs(self, step: FlatStep) -> Mapping[str, OutputKind]:
        """What a step yields."""
        key = id(step.step)
        if key not in self._outputs:
            self._outputs[key] = outputs_of(step.step, step.role, step.scope, self._capabilities)
        return self._outputs[key]

    def find(self, name: str, scope: Scope) -> Reference | None:
        """The outputs that `step.output` means where it is written in `scope`; None where it means none."""
        step_id, _, output = name.rpartition(".")
        steps = self._seen(step_id, scope)
        if not steps:
            return None
        kind = self.outputs(steps[0]).get(output)
        return None if kind is None else Reference(name, output, steps, kind)

    def _seen(self, step_id: str, scope: Scope) -> tuple[FlatStep, ...]:
        """The step in all rounds that the scope sees; grouped once, as loops may have a thousand rounds."""
        steps = self._steps.get((scope.prefix, step_id))
        if not steps:
            return ()
        mine = dict(scope.rounds)
        common = tuple(name for name, _ in steps[0].scope.rounds if name in mine)
        key = (scope.prefix, step_id, common)
        if key not in self._by_rounds:
            groups: _ByRounds = {}
            for step in steps:
                rounds = dict(step.scope.rounds)
                groups.setdefault(tuple(rounds[name] for name in common), []).append(step)
            self._by_rounds[key] = groups
        return tuple(self._by_rounds[key].get(tuple(mine[name] for name in common), ()))

    def find_result(self, name: str, scope: Scope) -> tuple[Result, tuple[Scope, ...]] | None:
        """The result of a called SOP that `call.result` means, and the scopes of its calls; None where it means none."""
        call_id, _, result = name.rpartition(".")
        calls = [c for c in self._calls.get((scope.prefix, call_id), ()) if scope.sees(c.scope)]
        if not calls or result not in calls[0].inner.sop.results:
            return None
        return calls[0].inner.sop.results[result], tuple(call.inner for call in calls)

    def visible(self, scope: Scope) -> list[str]:
        """All names of outputs and results that could be meant in a scope."""
        names: dict[str, None] = {}
        for (prefix, step_id), steps in self._steps.items():
            if prefix == scope.prefix:
                for output in self.outputs(steps[0]):
                    names[f"{step_id}.{output}"] = None
        for (prefix, call_id), calls in self._calls.items():
            if prefix == scope.prefix:
                for result in calls[0].inner.sop.results:
                    names[f"{call_id}.{result}"] = None
        return list(names)

    @cached_property
    def box(self) -> Box:
        """`path.output` -> its limits, for each output that has both."""
        found: Box = {}
        for step in self._flat.steps:
            for name, kind in self.outputs(step).items():
                if kind.minimum is not None and kind.maximum is not None:
                    found[f"{step.path}.{name}"] = (kind.minimum, kind.maximum)
        return found

    def with_outputs(
        self, names: Names, wanted: Sequence[str], scope: Scope, box: Box, *, bounded: bool
    ) -> Names:
        """`names` and those of `wanted` that mean outputs.

        With `bounded` each must have limits, and stands for all values between them; CalculationError where it has
        none. Without, it is some value of its kind.
        """
        found = dict(names)
        for name in wanted:
            if name in found:
                continue
            reference = self.find(name, scope)
            if reference is None:
                continue
            if not bounded or reference.kind.kind != "quantity":
                found[name] = reference.kind.example()
                continue
            key = reference.paths[-1]
            if key not in box:
                raise CalculationError(
                    "unbounded",
                    f'depends on "{name}", whose limits are not known',
                    f"give `minimum` and `maximum` of it under `outputs` of {reference.steps[0].step.id}",
                )
            found[name] = Value.between(key, *box[key])
        return found
