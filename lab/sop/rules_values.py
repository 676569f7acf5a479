"""Rules for expressions outside arguments: derived values, checks, decisions and results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean
from lab.sop.expression import ExpressionError, evaluate, parse_expression, unwrap
from lab.sop.model_steps import ManualStep, RepeatBlock, Step
from lab.sop.rules_conditions import check_outcome, texts_are_possible
from lab.sop.rules_series import in_one_loop
from lab.sop.rules_steps import Certain, report_not_there
from lab.sop.unfold import Scope
from lab.sop.value import CalculationError, Truth, Value

if TYPE_CHECKING:
    from lab.sop.document import Path
    from lab.sop.model_materials import Range
    from lab.sop.procedure import Names
    from lab.sop.rules import SopRules
    from lab.sop.unfold import FlatStep

__all__ = ["Expressions", "bare", "check_values"]

_REPRESENTATIVE = ("division", "range", "series")
"""Codes of errors that only say that example numbers do not fit together."""

_ROWS = 4
"""Example rounds of a loop: enough for a slope."""


def check_values(rules: SopRules) -> Expressions:
    """All expressions of a SOP whose steps are sound."""
    _check_derived(rules)
    work = Expressions(rules)
    work.checks()
    work.decisions()
    work.results()
    return work


def _check_derived(rules: SopRules) -> None:
    """Derived values over the whole range of the parameters."""
    scope = Scope(rules.sop, rules.document)
    names: Names = dict(rules.planned(scope))
    for name in rules.sop.derived:
        names.pop(name, None)
    for name, item in rules.sop.derived.items():
        path: Path = ("derived", name, "value")
        text = unwrap(item.value)
        if text is None:
            rules.report(
                path, "expression", "an expression is due", hint=f"write ${{{item.value}}}"
            )
        result = None if text is None else _compute(rules, path, text, names, f'"{name}"')
        if isinstance(result, Truth | str):
            rules.report(
                path, "expression", f'"{name}" is a condition or a text, not a number',
                hint=f"give an expression for a value in {item.unit}",
            )  # fmt: skip
        elif result is not None:
            _fits(rules, path, result, item.unit, f'"{name}"')
        # what is wrong here is reported once, not again wherever the name is used
        names[name] = result if isinstance(result, Value) else Value.of(Quantity(1.0, item.unit))


def _compute(
    rules: SopRules,
    path: Path,
    text: str,
    names: Names,
    what: str,
    *,
    rows: list[Names] | None = None,
    representative: bool = False,
) -> Value | Truth | str | None:
    """The value, or None after a report. That `representative` numbers do not fit together is no finding."""
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        rules.report(path, error.code, f"{what}: {error.message}", hint=error.hint)
        return None
    inside = {**names, **(rows[0] if rows else {})}
    for name, _ in (*expression.names, *expression.series_names):
        if name not in inside:
            visible = [item for item in inside if not item.startswith("parameters.")]
            rules.report(
                path, "reference", f'{what}: there is nothing called "{name}" here',
                hint=did_you_mean(name, visible),
            )  # fmt: skip
            return None
    try:
        return evaluate(expression, names, rows)
    except (ExpressionError, CalculationError) as error:
        if not (representative and error.code in _REPRESENTATIVE):
            rules.report(path, error.code, f"{what} {error.message}", hint=error.hint)
        return None


def _fits(rules: SopRules, path: Path, value: Value, unit_name: str, what: str) -> bool:
    try:
        value.bounds(unit_name)
    except CalculationError as error:
        rules.report(path, error.code, f"{what} {error.message}", hint=error.hint)
        return False
    return True


def _middle(value: Value | str | Truth) -> Value | str | Truth:
    return Value(value.centre, value.dimension, value.scale) if isinstance(value, Value) else value


def _shifted(value: Value | str | Truth, number: int, inside: bool) -> Value | str | Truth:
    """Another example of the same kind, for another round."""
    if not inside or not isinstance(value, Value):
        return value
    return Value(
        value.centre + 0.13 * number * (abs(value.centre) or 1.0), value.dimension, value.scale
    )


class Expressions:
    """Dimensions and names of expressions over outputs, tried with example numbers."""

    def __init__(self, rules: SopRules) -> None:
        self.rules = rules
        self.certain = Certain(rules)
        self._points: dict[tuple[object, ...], Names] = {}
        self._examples: dict[str, Names] = {}

    def points(self, scope: Scope) -> Names:
        """One number for each name that is known beforehand."""
        key = (scope.prefix, *scope.values.items())
        if key not in self._points:
            names = self.rules.planned(scope)
            self._points[key] = {name: _middle(value) for name, value in names.items()}
        return dict(self._points[key])

    def names(self, scope: Scope) -> Names:
        """`points`, and every output that could be meant."""
        return {**self.points(scope), **self._outputs(scope)}

    def _outputs(self, scope: Scope) -> Names:
        """Examples of all outputs and results that a SOP's expressions may name; the same in every round of a loop."""
        if scope.prefix in self._examples:
            return self._examples[scope.prefix]
        names: Names = {}
        for index, name in enumerate(self.rules.references.visible(scope)):
            reference = self.rules.references.find(name, scope)
            if reference is not None:
                names[name] = reference.kind.example(index)
                continue
            result = self.rules.references.find_result(name, scope)
            if result is not None:
                names[name] = Value.of(
                    Quantity(1.0 + 0.37 * index, result[0].unit or DIMENSIONLESS)
                )
        self._examples[scope.prefix] = names
        return names

    def there(
        self,
        path: Path,
        text: str,
        scope: Scope,
        over: int,
        when: tuple[object, ...],
        own: str = "",
    ) -> bool:
        """Are all outputs in an expression certainly there by then? Reports the first that is not."""
        try:
            expression = parse_expression(text)
        except ExpressionError:
            return True  # reported where it is computed
        for name, _ in expression.names:
            reference = self.rules.references.find(name, scope)
            if reference is None or any(step.path == own for step in reference.steps):
                continue
            paths = tuple(step.path for step in reference.steps)
            if not self.certain.done(paths, over, when):  # type: ignore[arg-type]
                report_not_there(self.rules, path, name, scope)
                return False
        return True

    def checks(self) -> None:
        seen: set[int] = set()
        for flat in self.rules.flat.steps:
            if id(flat.step) in seen or flat.scope.outer is not None:
                continue
            seen.add(id(flat.step))
            if isinstance(flat.step, Step | ManualStep) and flat.step.checks:
                self._step_checks(flat)

    def _step_checks(self, flat: FlatStep) -> None:
        step = flat.step
        assert isinstance(step, Step | ManualStep)
        names = self.names(flat.scope)
        points = self.points(flat.scope)
        outputs = self.rules.references.outputs(flat)
        doubled = [name for name in outputs if name in points]
        for index, (output, kind) in enumerate(outputs.items()):
            if output not in doubled:
                names[output] = kind.example(index)
        for position, item in enumerate(step.checks):
            path: Path = (*flat.place, "checks", position, "expect")
            text = unwrap(item.expect)
            text = item.expect if text is None else text
            unclear = next((name for name in _names(text) if name in doubled), None)
            if unclear is not None:
                self.rules.report(
                    path, "name", f'"{unclear}" is both a parameter and an output of this step',
                    hint=f"write {step.id}.{unclear} or parameters.{unclear}",
                )  # fmt: skip
                continue
            over = self.certain.mask(flat.needs)
            if not self.there(path, text, flat.scope, over, flat.when, flat.path):
                continue
            if not texts_are_possible(self.rules, path, text, flat.scope, names):
                continue
            result = _compute(self.rules, path, text, names, "the check", representative=True)
            if isinstance(result, Value | str):
                self.rules.report(
                    path, "expression", "the check is not a condition",
                    hint="compare two values, e.g. mass > 1 g",
                )  # fmt: skip

    def decisions(self) -> None:
        seen: set[int] = set()
        for flat in self.rules.flat.decisions:
            if id(flat.block) in seen or flat.scope.outer is not None:
                continue
            seen.add(id(flat.block))
            what = "the end of the loop" if isinstance(flat.block, RepeatBlock) else "the decision"
            text = unwrap(flat.expression)
            text = flat.expression if text is None else text
            over = self.certain.mask(flat.needs)
            if not self.there(flat.place, text, flat.scope, over, flat.when):
                continue
            names = self.names(flat.scope)
            if not texts_are_possible(self.rules, flat.place, text, flat.scope, names):
                continue
            result = _compute(self.rules, flat.place, text, names, what, representative=True)
            if isinstance(result, Value | str):
                self.rules.report(
                    flat.place, "expression", f"{what} is not a condition",
                    hint="compare two values, e.g. measure.ph >= 7",
                )  # fmt: skip
            elif result is not None:
                check_outcome(self.rules, flat.block, flat.place, text, flat.scope)

    def rows(self, scope: Scope) -> list[Names]:
        """Rows for functions over loops: every output and value of a loop of the SOP, a little different in each."""
        row = self.names(scope)
        inside: set[str] = set()
        for flat in self.rules.flat.steps:
            if flat.scope.prefix == scope.prefix and flat.scope.rounds:
                outputs = self.rules.references.outputs(flat)
                inside.update(f"{flat.step.id}.{output}" for output in outputs)
                for name, value in self.points(flat.scope).items():
                    if name in flat.scope.values:
                        row.setdefault(name, value)
                        inside.add(name)
        return (
            [
                {name: _shifted(value, number, name in inside) for name, value in row.items()}
                for number in range(_ROWS)
            ]
            if inside
            else []
        )

    def results(self) -> None:
        scope = Scope(self.rules.sop, self.rules.document)
        names = self.names(scope)
        everything = (1 << len(self.rules.flat.steps)) - 1
        for name, item in self.rules.sop.results.items():
            path: Path = ("results", name)
            if item.range is not None:
                _check_range(self.rules, (*path, "range"), name, item.unit, item.range)
            if bool(item.source) == bool(item.value):
                self.rules.report(
                    path, "shape", f'"{name}" needs either `from` or `value`', at_key=True,
                    hint="from: step.output, or value: ${expression}",
                )  # fmt: skip
                continue
            if item.source:
                self._read_result(path, item.source, item.unit, names)
                text = item.source
            else:
                text = unwrap(item.value)
                if text is None:
                    self.rules.report(
                        (*path, "value"), "expression", "an expression is due",
                        hint=f"write ${{{item.value}}}",
                    )  # fmt: skip
                    continue
                self.number(path, text, item.unit, names, scope, f'"{name}"')
            if item.required:
                self.there((*path, "from" if item.source else "value"), text, scope, everything, ())

    def _read_result(self, path: Path, source: str, unit: str, names: Names) -> None:
        step, _, output = source.partition(".")
        value = names.get(source)
        if isinstance(value, Value):
            _fits(self.rules, (*path, "unit"), value, unit, source)
            return
        known = self.rules.references.visible(Scope(self.rules.sop, self.rules.document))
        steps = list(dict.fromkeys(name.split(".")[0] for name in known))
        ids = [flat.step.id for flat in self.rules.flat.steps]
        if step not in steps and step not in ids:
            self.rules.report(
                (*path, "from"), "reference", f'"{step}" is not a step', hint=did_you_mean(step, dict.fromkeys(ids)),
            )  # fmt: skip
        else:
            there = [name.partition(".")[2] for name in known if name.split(".")[0] == step]
            if value is not None:
                self.rules.report(
                    (*path, "from"), "reference", f'"{source}" is not a number, and a result is one',
                    hint="take another output; what people answer is in the record in any case",
                )  # fmt: skip
                return
            self.rules.report(
                (*path, "from"), "reference", f'step "{step}" yields no "{output}"', hint=did_you_mean(output, there),
            )  # fmt: skip

    def number(
        self,
        path: Path,
        text: str,
        unit: str,
        names: Names,
        scope: Scope,
        what: str,
        key: str = "value",
    ) -> None:
        where = (*path, key)
        if not in_one_loop(self.rules, where, text, scope):
            return
        result = _compute(
            self.rules, where, text, names, what, rows=self.rows(scope), representative=True
        )
        if isinstance(result, Value):
            _fits(self.rules, where, result, unit, what)
        elif result is not None:
            self.rules.report(
                where, "expression", f"{what} is not a number",
                hint=f"give an expression for a value in {unit}",
            )  # fmt: skip


def _check_range(rules: SopRules, path: Path, name: str, unit: str, given: Range) -> None:
    low, high = given.minimum, given.maximum
    if low is None and high is None:
        rules.report(
            path, "shape", "a measuring range without an end", at_key=True,
            hint=f"add `minimum:` or `maximum:` in {unit}, or leave the range out",
        )  # fmt: skip
    wrong = [
        (key, end) for key, end in (("minimum", low), ("maximum", high))
        if end is not None and not end.is_like(unit)
    ]  # fmt: skip
    for key, end in wrong:
        rules.report(
            (*path, key), "dimension", f'{end} is {end.words}, but "{name}" is given in {unit}',
            hint=f"give it in {unit}",
        )  # fmt: skip
    if low is not None and high is not None and not wrong and low.base >= high.base:
        rules.report(
            (*path, "maximum"), "range", f"the maximum {high} is not above the minimum {low}",
            hint="exchange the two, or correct one",
        )  # fmt: skip


def bare(text: str) -> str:
    inner = unwrap(text)
    return text if inner is None else inner


def _names(text: str) -> list[str]:
    """Names in an expression; none where it can't be read (which is reported elsewhere)."""
    try:
        return [name for name, _ in parse_expression(text).names]
    except ExpressionError:
        return []
