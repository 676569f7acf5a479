"""Rules about single steps: roles, actions and arguments fit their contracts over the whole range of the parameters."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.arguments import BadArgumentError, resolve
from lab.sop.diagnostics import did_you_mean
from lab.sop.expression import ExpressionError, unwrap
from lab.sop.model_steps import ManualStep, SafeStep, Step
from lab.sop.procedure import implied_guards, planned_names
from lab.sop.rules import at_words
from lab.sop.rules_manual import check_manual
from lab.sop.rules_structure import names_in
from lab.sop.search import find_beyond
from lab.sop.value import CalculationError, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.action import ActionSpec, ArgSpec
    from lab.sop.arguments import Resolved
    from lab.sop.document import Path
    from lab.sop.model_steps import Argument
    from lab.sop.procedure import Box, Names
    from lab.sop.rules import SopRules
    from lab.sop.unfold import FlatStep, Guards, Scope

__all__ = ["Certain", "check_steps", "given_arguments"]


LONGEST_S = 1e8
"""Some three years: what takes longer was meant in another unit."""


def given_arguments(step: Step | SafeStep) -> dict[str, Argument]:
    """`with`, and the keys of the step that stand for arguments."""
    found: dict[str, Argument] = dict(step.arguments)
    if isinstance(step, Step):
        for name in ("ramp", "tolerance"):
            quantity = getattr(step, name)
            if quantity is not None:
                found[name] = f"{quantity.magnitude!r} {quantity.unit}"
    return found


class Certain:
    """Which steps are certainly done before others, whatever is decided on the way."""

    def __init__(self, rules: SopRules) -> None:
        self._number = {step.path: index for index, step in enumerate(rules.flat.steps)}
        self._when = {step.path: step.when for step in rules.flat.steps}
        self._decisions = {decision.path: decision.when for decision in rules.flat.decisions}
        self._before: list[int] = []
        for step in rules.flat.steps:
            self._before.append(self.mask(step.needs))

    def mask(self, needs: tuple[str, ...]) -> int:
        """All steps that are over when these are, as bits."""
        found = 0
        for need in needs:
            index = self._number.get(need)
            if index is not None:
                found |= 1 << index
                if index < len(self._before):
                    found |= self._before[index]
        return found

    def is_before(self, path: str, needs: tuple[str, ...]) -> bool:
        """Is this step over (or left out) when those are?"""
        return bool(self.mask(needs) >> self._number[path] & 1)

    def done(self, paths: tuple[str, ...], over: int, when: Guards) -> bool:
        """Is one of these steps certainly done, where the steps in `over` are over and these guards hold?"""
        known = implied_guards(when, self._decisions)
        for path in paths:
            if not over >> self._number[path] & 1:
                continue
            if all(known.get(guard.decision) == guard.value for guard in self._when[path]):
                return True
        return False


def check_steps(rules: SopRules) -> None:
    """Each step as written, once for each different set of values that its names may have."""
    certain = Certain(rules)
    seen: set[tuple[object, ...]] = set()
    for flat in (*rules.flat.steps, *rules.flat.safe):
        key = (id(flat.step), flat.scope.prefix, *flat.scope.values.values())
        if key in seen:
            continue
        seen.add(key)
        _check_step(rules, flat, certain)


def _check_step(rules: SopRules, flat: FlatStep, certain: Certain) -> None:
    step, inside = flat.step, flat.scope.outer is not None
    if not inside:
        _check_times(rules, flat.place, step)
    if isinstance(step, ManualStep):
        if not inside:
            check_manual(rules, flat.place, step)
        return
    role = rules.sop.equipment.get(flat.role)
    if role is None:
        rules.report(
            (*rules.place(flat.scope, flat.place), "equipment"), "reference",
            f'there is no equipment "{step.equipment}"', hint=did_you_mean(step.equipment, rules.sop.equipment),
        )  # fmt: skip
        return
    capability = rules.capabilities.get(role.capability)
    if capability is None:
        return
    action = capability.actions.get(step.action)
    if action is None:
        rules.report(
            (*rules.place(flat.scope, flat.place), "action"), "action",
            f'{role.capability} can\'t "{step.action}"', hint=did_you_mean(step.action, capability.actions),
        )  # fmt: skip
        return
    try:
        names = rules.planned(flat.scope)
    except (ExpressionError, CalculationError) as error:
        rules.report(
            rules.place(flat.scope, flat.place), error.code, error.message, hint=error.hint
        )
        return
    work = _StepArguments(rules, flat, action, names, certain)
    work.check()
    if not inside and isinstance(step, Step):
        _check_outputs(rules, flat)


def _check_times(rules: SopRules, path: Path, step: Step | ManualStep | SafeStep) -> None:
    if step.duration.base < 0:
        rules.report(
            (*path, "duration"), "range", "a duration can't be negative",
            hint="give how long the step usually takes",
        )  # fmt: skip
    elif max(step.duration.base, step.timeout.base) > LONGEST_S:
        key = "duration" if step.duration.base > LONGEST_S else "timeout"
        rules.report(
            (*path, key), "range", f"no step takes {getattr(step, key)}",
            hint="check the unit: give at most three years",
        )  # fmt: skip
    elif step.timeout.base <= 0:
        rules.report(
            (*path, "timeout"), "range", "a timeout of nothing leaves no time for the step",
            hint="give at least the duration",
        )  # fmt: skip
    elif step.timeout.base < step.duration.base:
        rules.report(
            (*path, "timeout"), "range",
            f"the timeout {step.timeout} is shorter than the duration {step.duration}",
            why="a step that takes as long as usual would be taken for lost",
            hint="give at least the duration",
        )  # fmt: skip
    if isinstance(step, Step | ManualStep):
        delay, settle = step.on_error.delay, step.settle if isinstance(step, Step) else None
        for key, value in ((("on_error", "delay"), delay), (("settle",), settle)):
            if value is not None and value.base < 0:
                rules.report(
                    (*path, *key), "range", f"a wait of {value} can't be", hint="give 0 s or more"
                )


def _check_outputs(rules: SopRules, flat: FlatStep) -> None:
    step = flat.step
    assert isinstance(step, Step | ManualStep)
    kinds = rules.references.outputs(flat)
    for name, item in step.outputs.items():
        here = (*flat.place, "outputs", name)
        kind = kinds.get(name)
        if kind is None:
            rules.report(
                here, "reference", f'step "{step.id}" yields no "{name}"',
                hint=did_you_mean(name, kinds), at_key=True,
            )  # fmt: skip
            continue
        unit = kind.unit or DIMENSIONLESS
        for key in ("minimum", "maximum", "uncertainty"):
            quantity = getattr(item, key)
            relative = (
                key == "uncertainty" and quantity is not None and quantity.is_like(DIMENSIONLESS)
            )
            if (
                quantity is not None
                and not relative
                and not quantity.is_like(_difference(unit, key))
            ):
                rules.report(
                    (*here, key), "dimension", f'{quantity} is {quantity.words}, but "{name}" is measured in {unit}',
                    hint=f"give it in {_difference(unit, key)}",
                )  # fmt: skip
        if (
            item.minimum is not None
            and item.maximum is not None
            and item.minimum.base > item.maximum.base
        ):
            rules.report(
                (*here, "maximum"), "range", f"the maximum {item.maximum} is below the minimum {item.minimum}",
                hint="swap them",
            )  # fmt: skip


def _difference(unit: str, key: str) -> str:
    """An uncertainty of a temperature is a difference."""
    return f"delta_{unit}" if key == "uncertainty" and unit in ("degC", "degF") else unit


class _StepArguments:
    def __init__(
        self, rules: SopRules, flat: FlatStep, action: ActionSpec, names: Names, certain: Certain
    ) -> None:
        self.rules, self.flat, self.action, self.names, self.certain = (
            rules,
            flat,
            action,
            names,
            certain,
        )
        assert isinstance(flat.step, Step | SafeStep)
        self.step = flat.step
        self.given = given_arguments(flat.step)

    def place(self, name: str) -> Path:
        path = self.rules.place(self.flat.scope, self.flat.place)
        if path != self.flat.place:
            return path
        return (*path, "with", name) if name in self.step.arguments else (*path, name)

    def check(self) -> None:
        found: dict[str, Resolved] = {}
        for name in ("ramp", "tolerance"):
            if getattr(self.step, name, None) is not None and name in self.step.arguments:
                self.rules.report(
                    self.place(name), "argument-twice", f'"{name}" is given under `with` and beside it',
                    why="only one of the two would count", hint="remove one of them", at_key=True,
                )  # fmt: skip
        meant: set[str] = set()
        for name, raw in self.given.items():
            spec = self.action.args.get(name)
            if spec is None:
                meant.update(difflib.get_close_matches(name, self.action.args, n=1, cutoff=0.6))
                self.rules.report(
                    self.place(name), "argument-unknown", f'"{self.step.action}" takes no argument "{name}"',
                    hint=did_you_mean(name, self.action.args), at_key=True,
                )  # fmt: skip
                continue
            value = self._resolve(name, raw, spec)
            if value is not None:
                found[name] = value
        for name, spec in self.action.args.items():
            if spec.required and name not in self.given and name not in meant:
                unit = f" (in {spec.unit})" if spec.unit else ""
                self.rules.report(
                    self.flat.place, "argument-missing", f'step "{self.step.id}" lacks the argument "{name}"',
                    hint=f'add "{name}: ..."{unit} under `with`', at_key=True,
                )  # fmt: skip
        self._check_pours(found)

    def _resolve(self, name: str, raw: Argument, spec: ArgSpec) -> Resolved | None:
        place = self.place(name)
        if not self._late_names_are_there(place, raw):
            return None
        try:
            value = resolve(raw, spec, self._names_for(raw, self.rules.box))
        except BadArgumentError as problem:
            where = (*place, problem.key) if problem.key else place
            self.rules.report(
                where, problem.code, problem.message, why=problem.why, hint=problem.hint
            )
            return None
        except CalculationError as problem:
            self.rules.report(place, problem.code, f"{name} {problem.message}", hint=problem.hint)
            return None
        self._check_range(place, name, raw, spec, value)
        if spec.kind == "choice":
            self._check_choices(place, raw, spec)
        return value

    def _check_choices(self, place: Path, raw: Argument, spec: ArgSpec) -> None:
        """Whatever a campaign chooses for a parameter, the action must take it; the default has been looked at."""
        name = (unwrap(raw) or "") if isinstance(raw, str) else ""
        scope = self.flat.scope
        option = scope.sop.options.get(name.removeprefix("parameters."))
        if option is None or option.role == "reported" or scope.outer is not None:
            return
        for choice in option.choices:
            if choice not in spec.choices:
                self.rules.report(
                    place, "value", f'"{name}" may be "{choice}", which "{self.step.action}" does not take',
                    why="a campaign may set any of the choices", hint=did_you_mean(choice, spec.choices),
                )  # fmt: skip

    def _names_for(self, raw: Argument, box: Box) -> Names:
        names = planned_names(self.flat.scope, box) if box is not self.rules.box else self.names
        wanted = [name for text in _texts(raw) for name in names_in(text)]
        return self.rules.references.with_outputs(names, wanted, self.flat.scope, box, bounded=True)

    def _late_names_are_there(self, place: Path, raw: Argument) -> bool:
        for text in _texts(raw):
            for name in names_in(text):
                if name in self.names:
                    continue
                reference = self.rules.references.find(name, self.flat.scope)
                if reference is None:
                    continue
                if self.flat.safe_state:
                    self.rules.report(
                        place, "reference", f'a safe-state step can\'t use "{name}"',
                        why="when it runs, nobody knows which other steps have been done",
                        hint="use parameters, or a fixed value",
                    )  # fmt: skip
                    return False
                over = self.certain.mask(self.flat.needs)
                if not self.certain.done(
                    tuple(s.path for s in reference.steps), over, self.flat.when
                ):
                    report_not_there(self.rules, place, name, self.flat.scope)
                    return False
        return True

    def _check_pours(self, arguments: Mapping[str, Resolved]) -> None:
        role = self.rules.sop.equipment[self.flat.role]
        stocks = arguments.get(self.action.doses) if self.action.doses else None
        if not isinstance(stocks, dict):
            return
        for name in stocks:
            known = role.draws or list(self.rules.sop.materials)
            if self.flat.scope.material(name) not in known:
                self.rules.report(
                    (*self.place(self.action.doses), name), "reference",
                    f'"{name}" is not a material that this role draws', hint=did_you_mean(name, known), at_key=True,
                )  # fmt: skip

    def _check_range(
        self, place: Path, name: str, raw: Argument, spec: ArgSpec, value: Resolved
    ) -> None:
        if isinstance(value, dict):
            entries = raw if isinstance(raw, dict) else {}
            for key, item in value.items():
                if key in entries:
                    bounded = spec.model_copy(update={"kind": "quantity", "minimum": 0.0})
                    self._check_range((*place, key), key, entries[key], bounded, item)
            return
        if isinstance(value, int):
            value = Value(float(value))
        if not isinstance(value, Value):
            return
        for limit, above in ((spec.minimum, False), (spec.maximum, True)):
            if limit is not None:
                self._check_limit(place, name, raw, spec, limit, value, above=above)

    def _check_limit(
        self,
        place: Path,
        name: str,
        raw: Argument,
        spec: ArgSpec,
        limit: float,
        value: Value,
        *,
        above: bool,
    ) -> None:
        unit_name = spec.unit or DIMENSIONLESS
        bound = Quantity(limit, unit_name)
        if value.high <= bound.base if above else value.low >= bound.base:
            return
        quantity_spec = spec.model_copy(update={"kind": "quantity", "unit": unit_name})

        def compute(box: Box) -> Value:
            result = resolve(raw, quantity_spec, self._names_for(raw, box))
            if not isinstance(result, Value):
                raise CalculationError("value", "is not a number")
            return result

        try:
            witness = find_beyond(compute, self.rules.box, bound.base, above=above)
        except (BadArgumentError, CalculationError):
            return  # reported where the argument itself was resolved
        if witness is None:
            return
        shown = Quantity(Value(witness.value, bound.definition.dimension, bound.definition.scale)
                         .number(unit_name), unit_name)  # fmt: skip
        negative = not above and limit == 0.0
        verb = "becomes negative" if negative else f"goes {'above' if above else 'below'} {bound}"
        self.rules.report(
            place,
            "negative" if negative else "range",
            f"{name} {verb}: {shown}{at_words(witness)}",
            why="an optimiser will try every corner of the range" if witness.parameters else "",
            hint="narrow the parameters, or change the expression"
            if witness.parameters
            else f"give a value {'up to' if above else 'from'} {bound}",
        )


def report_not_there(rules: SopRules, place: Path, name: str, scope: Scope) -> None:
    """`name` is an output that may not be there yet when it is used."""
    rules.report(
        rules.place(scope, place), "not-there-yet", f'"{name}" may not be there when it is used here',
        why="its step is this one, comes later, runs beside it, or is skipped in some cases",
        hint="use an output of a step that is certainly done before, or add it to `needs`",
    )  # fmt: skip


def _texts(raw: Argument) -> list[str]:
    if isinstance(raw, dict):
        return [text for item in raw.values() for text in _texts(item)]
    return [raw] if isinstance(raw, str) and "${" in raw else []
