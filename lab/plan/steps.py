"""One step of a procedure as the plan has it: arguments as numbers, or as formulas where outcomes decide."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.domain.errors import InputError, RefusedError
from lab.domain.plan import (
    Binding,
    Check,
    Formula,
    LateArgument,
    ManualField,
    ManualTask,
    PlannedStep,
    RetryPolicy,
)
from lab.domain.quantity import Quantity, QuantityError, parse_quantity
from lab.domain.units import DIMENSIONLESS
from lab.plan.parameters import ROUNDING
from lab.sop.arguments import BadArgumentError, resolve
from lab.sop.expression import ExpressionError, parse_expression, unwrap
from lab.sop.model_steps import ManualStep, SafeStep, Step
from lab.sop.value import CalculationError, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import JsonValue

    from lab.domain.action import ActionSpec, ArgSpec, CapabilitySpec
    from lab.plan.decide import Pruned
    from lab.sop.arguments import Resolved
    from lab.sop.formulas import Formulas
    from lab.sop.model_steps import Answer, Argument
    from lab.sop.procedure import Names, Procedure
    from lab.sop.unfold import FlatStep, Scope

__all__ = ["MANUAL", "OPERATOR", "ExpandedStep", "StepPlanner"]

MANUAL = "manual"
"""Capability and action of a step that a person does."""
OPERATOR = "operator"
"""The device of such a step."""

_ON_FAILURE = {"abort": "fail", "skip": "skip", "hold": "hold"}
_RESUME = {"continue": "continue", "restart_step": "restart", "scrap_sample": "scrap"}


@dataclass(frozen=True, slots=True)
class ExpandedStep:
    """A step with numbers for arguments; device and claims are still open, stocks are named by material."""

    flat: FlatStep
    planned: PlannedStep
    doses: str = ""
    """The argument that adds liquid, if any."""


@dataclass(slots=True)
class StepPlanner:
    """Makes the steps of one run."""

    procedure: Procedure
    capabilities: Mapping[str, CapabilitySpec]
    formulas: Formulas
    pruned: Pruned
    _args: dict[tuple[int, int], dict[str, JsonValue]] = field(
        default_factory=dict[tuple[int, int], dict[str, "JsonValue"]], init=False
    )

    def plan(self, flat: FlatStep) -> ExpandedStep:
        """InputError or RefusedError, at the place in the file, where an argument can't be had."""
        step = flat.step
        if isinstance(step, ManualStep):
            return ExpandedStep(flat, self._manual(flat, step))
        capability = self.procedure.sop.equipment[flat.role].capability
        action = self.capabilities[capability].actions[step.action]
        args, late = self._arguments(flat, step, action)
        planned = PlannedStep(
            path=flat.path,
            title=step.title,
            instruction=step.instruction if isinstance(step, Step) else "",
            capability=capability,
            action=step.action,
            device="",
            args=args,
            late_args=late,
            needs=self.pruned.needs(flat.needs),
            when=self.pruned.when(flat.when),
            duration_s=step.duration.to("s").magnitude,
            timeout_s=step.timeout.to("s").magnitude,
            effect=action.effect,
            settle=action.settle,
            output_units={name: spec.unit for name, spec in action.outputs.items()},
            safe_state=flat.safe_state,
            compensates=flat.compensates,
        )
        if isinstance(step, Step):
            extra = {**self._work(flat, step), "resume": _RESUME[step.resume]}
            planned = planned.model_copy(update=extra)
        return ExpandedStep(flat, planned, action.doses)

    def _work(self, flat: FlatStep, step: Step | ManualStep) -> dict[str, object]:
        delay = step.on_error.delay
        return {
            "retry": RetryPolicy(
                max_retries=step.on_error.retry, delay_s=delay.to("s").magnitude if delay else 0.0
            ),
            "on_failure": _ON_FAILURE[step.on_error.then],
            "checks": tuple(self._checks(flat, step)),
        }

    def _checks(self, flat: FlatStep, step: Step | ManualStep) -> Iterator[Check]:
        """Those of the model, then the limits of outputs (a person's answers are judged when they are given)."""
        for index, item in enumerate(step.checks):
            try:
                formula = self.formulas.formula(item.expect, flat.scope, flat)
            except ExpressionError as error:
                place = (*flat.place, "checks", index, "expect")
                raise _refusal(flat, place, error.code, error.message, error.hint) from error
            yield Check(formula=formula, message=item.message, severity=item.severity)
        if isinstance(step, ManualStep):
            return
        known = self.formulas.references.outputs(flat)
        for name, output in step.outputs.items():
            for limit, sign, words in (
                (output.minimum, ">=", "is below its least value"),
                (output.maximum, "<=", "is above its greatest value"),
            ):
                if limit is None or name not in known:
                    continue
                # a dot keeps the limit's name apart from that of any output
                names = {
                    name: Binding(unit=known[name].unit, outputs=(f"{flat.path}.{name}",)),
                    "declared.limit": Binding(unit=limit.unit, value=limit.magnitude),
                }
                formula = Formula(expression=f"{name} {sign} declared.limit", names=names)
                yield Check(formula=formula, message=f"{name} {words} {limit}")

    def _arguments(
        self, flat: FlatStep, step: Step | SafeStep, action: ActionSpec
    ) -> tuple[dict[str, JsonValue], dict[str, LateArgument]]:
        names = self.formulas.planned.names(flat.scope)
        given = _given(step, action)
        late: dict[str, LateArgument] = {}
        early: dict[str, Argument] = {}
        for name, raw in given.items():
            spec = action.args.get(name)
            if spec is None:
                continue  # an argument that the contract does not know is reported by the checks
            if isinstance(raw, dict):
                rest: dict[str, str | int | float] = {}
                for key, item in raw.items():
                    if self._is_late(item, names, flat.scope):
                        target = _poured(key, flat.scope)
                        bounded = spec.model_copy(update={"minimum": 0.0, "kind": "quantity"})
                        place = f"{name}.{target}"
                        late[place] = self._late(flat, str(item), bounded, name, target)
                    else:
                        rest[key] = item
                if rest:
                    early[name] = rest
            elif self._is_late(raw, names, flat.scope):
                late[name] = self._late(flat, str(raw), spec, name, "")
            else:
                early[name] = raw
        key = (id(step), id(names))
        if key not in self._args:
            self._args[key] = _numbers(flat, early, late, action, names)
        return dict(self._args[key]), late

    def _is_late(self, raw: object, names: Names, scope: Scope) -> bool:
        """Does it depend on what steps yield? A name that means nothing is reported where it is resolved."""
        inner = unwrap(raw) if isinstance(raw, str) else None
        if inner is None:
            return False
        try:
            expression = parse_expression(inner)
        except ExpressionError:
            return False
        used = [name for name, _ in expression.names if name not in names]
        references = self.formulas.references
        return expression.uses_series or any(
            references.find(name, scope) or references.find_result(name, scope) for name in used
        )

    def _late(
        self, flat: FlatStep, raw: str, spec: ArgSpec, argument: str, key: str
    ) -> LateArgument:
        place = (*flat.place, "with", argument)
        if spec.kind not in ("quantity", "integer"):
            raise _refusal(
                flat, place, "value", f"{argument} can't depend on what is measured",
                "only quantities and whole numbers can",
            )  # fmt: skip
        try:
            formula = self.formulas.formula(raw, flat.scope)
        except ExpressionError as error:
            raise _refusal(flat, place, error.code, error.message, error.hint) from error
        return LateArgument(
            formula=formula,
            unit=spec.unit,
            minimum=spec.minimum,
            maximum=spec.maximum,
            integer=spec.kind == "integer",
            key=key,
        )

    def _manual(self, flat: FlatStep, step: ManualStep) -> PlannedStep:
        manual = step.manual
        fields = {name: _field(step, name, answer) for name, answer in manual.expects.items()}
        task = ManualTask(
            prompt=manual.prompt,
            fields=fields,
            sign=manual.sign,
            simulated_answers={
                name: _answer(value, fields[name])
                for name, value in manual.simulate.items()
                if name in fields
            },
        )
        planned = PlannedStep(
            path=flat.path,
            title=step.title,
            instruction=step.instruction,
            capability=MANUAL,
            action=MANUAL,
            device=OPERATOR,
            manual=task,
            needs=self.pruned.needs(flat.needs),
            when=self.pruned.when(flat.when),
            duration_s=step.duration.to("s").magnitude,
            timeout_s=step.timeout.to("s").magnitude,
            effect="once",
            settle="ask",
            output_units={
                name: field.unit
                for name, field in fields.items()
                if field.kind in ("quantity", "integer")
            },
        )
        return planned.model_copy(update=self._work(flat, step))


def _refusal(
    flat: FlatStep, place: tuple[str | int, ...], code: str, message: str, hint: str
) -> InputError | RefusedError:
    failure = RefusedError if code in ("negative", "range") else InputError
    finding = flat.scope.document.finding(place, code, message, hint=hint)
    return failure(f'step "{flat.path}", {place[-1]}: {message}', hint=hint, diagnostics=[finding])


def _given(step: Step | SafeStep, action: ActionSpec) -> dict[str, Argument]:
    """Arguments as written; `ramp` and `tolerance` are arguments where the action has them."""
    given = dict(step.arguments)
    if isinstance(step, Step):
        for name, quantity in (("ramp", step.ramp), ("tolerance", step.tolerance)):
            if quantity is not None and name in action.args:
                given[name] = f"{quantity.magnitude!r} {quantity.unit}"
    return given


def _numbers(
    flat: FlatStep,
    given: Mapping[str, Argument],
    late: Mapping[str, LateArgument],
    action: ActionSpec,
    names: Names,
) -> dict[str, JsonValue]:
    args: dict[str, JsonValue] = {}
    for name, spec in action.args.items():
        if name not in given:
            if spec.default is not None and name not in late:
                args[name] = spec.default
            elif any(key.startswith(f"{name}.") for key in late):
                args[name] = {}
            continue
        try:
            args[name] = _plain(resolve(given[name], spec, names), spec, flat.scope)
        except (BadArgumentError, CalculationError) as problem:
            place = (*flat.place, "with", name)
            raise _refusal(flat, place, problem.code, problem.message, problem.hint) from problem
    return args


def _poured(name: str, scope: Scope) -> str:
    """The outermost SOP's name of what a mapping argument names."""
    return scope.container(name) if name in scope.sop.containers else scope.material(name)


def _plain(value: Resolved, spec: ArgSpec, scope: Scope) -> JsonValue:
    """The number in the contract's unit, within the contract's limits."""
    if isinstance(value, dict):
        bounded = spec.model_copy(update={"minimum": 0.0})
        return {_poured(name, scope): _number(item, bounded) for name, item in value.items()}
    if isinstance(value, Value):
        return _number(value, spec)
    if isinstance(value, int):
        return int(_within(float(value), spec))
    return value


def _number(value: Value, spec: ArgSpec) -> float:
    return _within(value.number(spec.unit or DIMENSIONLESS), spec)


def _within(number: float, spec: ArgSpec) -> float:
    """The number, put on a limit that it misses by rounding alone."""
    for limit, sign in ((spec.minimum, -1.0), (spec.maximum, 1.0)):
        if limit is None or sign * (number - limit) <= 0.0:
            continue
        if abs(number - limit) > ROUNDING * max(1.0, abs(limit)):
            code = "negative" if sign < 0 and limit == 0 else "range"
            side = "above" if sign > 0 else "below"
            raise BadArgumentError(
                code,
                f"{number:.6g} {spec.unit} is {side} {limit:g} {spec.unit}",
                hint="choose other parameters",
            )
        number = limit
    return number


def _field(step: ManualStep, name: str, answer: Answer) -> ManualField:
    """Limits in the field's unit; those under `outputs` come before those of the answer."""
    unit = answer.unit or (DIMENSIONLESS if answer.type in ("quantity", "integer") else "")
    declared = step.outputs.get(name)
    low, high = answer.minimum, answer.maximum
    if declared is not None:
        low = declared.minimum if declared.minimum is not None else low
        high = declared.maximum if declared.maximum is not None else high
    return ManualField(
        kind=answer.type,
        prompt=answer.prompt,
        unit=unit,
        minimum=None if low is None else low.to(unit or DIMENSIONLESS).magnitude,
        maximum=None if high is None else high.to(unit or DIMENSIONLESS).magnitude,
        choices=tuple(answer.choices),
        required=answer.required,
    )


def _answer(value: str | float | bool, field: ManualField) -> JsonValue:
    """A simulated answer as the journal has answers: a quantity as a number in the field's unit."""
    if field.kind != "quantity" or isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return parse_quantity(value, field.unit).to(field.unit).magnitude
        except QuantityError as error:
            raise InputError(f"simulated answer: {error.message}", hint=error.hint) from error
    return Quantity(float(value), field.unit).magnitude
