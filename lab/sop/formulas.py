"""From an expression as written to a formula whose every name is bound.

A name means, in this order: an output of the step itself (in its checks), something that is known before the run
(a parameter, a material, a derived value, the value of a `for_each` loop, the well), an output of a step
(`measure.ph`), a result of a called SOP (`rinse.volume`). Where the step stands in loops that the expression does
not, the name means the latest round.

Functions over a loop (`mean`, `slope`) look at rows: the rounds of the loops that all steps inside the function have
in common. Written inside the loop itself they look at its rounds up to the present one. Those of one expression may
look at different loops (`mean(sample.x) - mean(blank.x)`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import TYPE_CHECKING

from lab.domain.plan import Binding, Formula
from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean
from lab.sop.expression import ExpressionError, parse_expression, unwrap
from lab.sop.grammar_walk import series_apart, series_calls
from lab.sop.planned import difference_in
from lab.sop.procedure import loop_value
from lab.sop.value import Value

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from lab.sop.grammar import Expression
    from lab.sop.model import Result
    from lab.sop.model_steps import LoopValue
    from lab.sop.planned import Planned
    from lab.sop.references import OutputKind, Reference, References
    from lab.sop.unfold import FlatStep, Scope

__all__ = ["Formulas"]

Rounds = tuple[tuple[str, int], ...]
_TableKey = tuple[tuple[str, ...], str, Rounds, str]
"""Names, prefix and rounds of the scope, the step whose outputs are named without it."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """One place where a name gets a value: a step in certain rounds, or a call."""

    rounds: Rounds
    values: Mapping[str, LoopValue]
    outputs: tuple[str, ...] = ()
    formula: Formula | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """All places where a name gets its value, in order of execution."""

    name: str
    unit: str
    pieces: tuple[_Piece, ...]
    uncertainty: float | None = None
    relative_uncertainty: float | None = None

    def binding(self, pieces: Sequence[_Piece]) -> Binding:
        """The latest of these."""
        formulas = [piece.formula for piece in pieces if piece.formula is not None]
        if len(formulas) > 1:
            rows = tuple({"each": Binding(unit=self.unit, formula=item)} for item in formulas)
            return Binding(unit=self.unit, formula=Formula(expression="last(each)", rows=rows))
        return Binding(
            unit=self.unit,
            outputs=tuple(path for piece in pieces for path in piece.outputs),
            uncertainty=self.uncertainty,
            relative_uncertainty=self.relative_uncertainty,
            formula=formulas[0] if formulas else None,
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """The rounds of a loop with what is bound in each."""

    rows: list[tuple[Rounds, dict[str, Binding]]]
    varying: frozenset[str]
    """Names that differ from round to round."""


@dataclass(slots=True)
class Formulas:
    """Binds the names of one procedure that is written out flat.

    `kept`: paths of the steps that are in the plan; the outputs of others are left out of what is bound.
    """

    references: References
    planned: Planned
    kept: Collection[str] | None = None
    _results: dict[tuple[str, str], Formula] = field(
        default_factory=dict[tuple[str, str], Formula], init=False
    )
    _tables: dict[_TableKey, _Table] = field(
        default_factory=dict["_TableKey", "_Table"], init=False
    )

    def formula(
        self, text: str, scope: Scope, own: FlatStep | None = None, *, series: bool = False
    ) -> Formula:
        """The expression (with or without `${}`) with its names bound.

        `own`: the step whose outputs may be named without it. `series`: the whole expression is wanted for each
        round, as if inside a function over the loop. ExpressionError where a name means nothing.
        """
        inner = unwrap(text)
        expression = parse_expression(text.strip() if inner is None else inner)
        if not series and self._over_several_loops(expression, scope, own):
            return self._in_parts(expression, scope, own)
        common = [name for name, _ in expression.names]
        inside = [name for name, _ in expression.series_names]
        if series:
            common, inside = [], [*common, *inside]
        names = {name: self._bind(name, scope, own) for name in dict.fromkeys(common)}
        if not inside:
            uses = series or expression.uses_series
            return Formula(expression=expression.text, names=names, rows=() if uses else None)
        shared, rows = self._rows(list(dict.fromkeys(inside)), scope, own)
        return Formula(expression=expression.text, names={**shared, **names}, rows=rows)

    def _over_several_loops(
        self, expression: Expression, scope: Scope, own: FlatStep | None
    ) -> bool:
        """Do its functions over a loop look at different ones?"""
        seen: set[tuple[str, ...]] = set()
        for call in series_calls(expression.node):
            sources = self._sources(call.names, scope, own).values()
            seen.add(max((_loops(source, scope) for source in sources), key=len, default=()))
        return len(seen) > 1

    def _in_parts(self, expression: Expression, scope: Scope, own: FlatStep | None) -> Formula:
        """Each function over a loop as a formula of its own; their uncertainties count as independent."""
        text, parts = series_apart(expression)
        names = {name: self._bind(name, scope, own) for name, _ in expression.names}
        names |= {
            name: Binding(formula=self.formula(part, scope, own)) for name, part in parts.items()
        }
        return Formula(expression=text, names=names)

    def is_known(self, formula: Formula) -> bool:
        """True where nothing in it depends on what steps yield."""
        rows = formula.rows or ()
        bindings = [*formula.names.values(), *(item for row in rows for item in row.values())]
        return formula.rows is None and all(
            binding.value is not None
            or (binding.formula is not None and self.is_known(binding.formula))
            for binding in bindings
        )

    def unit_of(self, text: str, scope: Scope) -> str:
        """The unit in which the only name of an expression is given; empty for any other expression."""
        inner = unwrap(text)
        name = text.strip() if inner is None else inner
        source = self._source(name, scope, None)
        return source.unit if source is not None else ""

    def _bind(self, name: str, scope: Scope, own: FlatStep | None) -> Binding:
        if own is not None and name in (outputs := self.references.outputs(own)):
            source = self._own(name, outputs[name], own)
            return source.binding(source.pieces)
        known = self.planned.binding(name, scope)
        if known is not None:
            return known
        source = self._source(name, scope, own)
        if source is None:
            visible = [
                item for item in self.planned.names(scope) if not item.startswith("parameters.")
            ]
            raise ExpressionError(
                "reference",
                f'there is nothing called "{name}" here',
                hint=did_you_mean(name, [*visible, *self.references.visible(scope)]),
            )
        return source.binding(source.pieces)

    def _source(self, name: str, scope: Scope, own: FlatStep | None) -> _Source | None:
        if own is not None and name in (outputs := self.references.outputs(own)):
            return self._own(name, outputs[name], own)
        reference = self.references.find(name, scope)
        if reference is not None:
            return self._outputs(reference)
        found = self.references.find_result(name, scope)
        return None if found is None else self._result(name, *found)

    def _own(self, name: str, kind: OutputKind, own: FlatStep) -> _Source:
        piece = _Piece(own.scope.rounds, own.scope.values, (f"{own.path}.{name}",))
        return _Source(name, kind.unit, (piece,), *_uncertainty(kind))

    def _outputs(self, reference: Reference) -> _Source:
        pieces = tuple(
            _Piece(step.scope.rounds, step.scope.values, (f"{step.path}.{reference.output}",))
            for step in reference.steps
            if self.kept is None or step.path in self.kept
        )
        return _Source(reference.name, reference.kind.unit, pieces, *_uncertainty(reference.kind))

    def _result(self, name: str, result: Result, scopes: Sequence[Scope]) -> _Source:
        """A result of a called SOP: read where it is computed by its own formula in each call."""
        pieces: list[_Piece] = []
        uncertainty: tuple[float | None, float | None] = (None, None)
        unit = result.unit
        for inner in scopes:
            outer = inner.outer or inner
            direct = self._source(result.source, inner, None) if result.source else None
            if direct is not None and all(piece.formula is None for piece in direct.pieces):
                outputs = tuple(path for piece in direct.pieces for path in piece.outputs)
                pieces.append(_Piece(outer.rounds, outer.values, outputs))
                unit = direct.unit
                uncertainty = (direct.uncertainty, direct.relative_uncertainty)
            else:
                key = (inner.prefix, name)
                if key not in self._results:
                    self._results[key] = self.formula(result.source or result.value, inner)
                pieces.append(_Piece(outer.rounds, outer.values, formula=self._results[key]))
        return _Source(name, unit, tuple(pieces), *uncertainty)

    def _rows(
        self, names: Sequence[str], scope: Scope, own: FlatStep | None
    ) -> tuple[dict[str, Binding], tuple[dict[str, Binding], ...]]:
        """(names that are the same in each row, the rows)."""
        view = scope
        if scope.rounds and not any(
            _loops(source, scope) for source in self._sources(names, scope, own).values()
        ):
            # written inside the loop: its own rounds up to this one
            view = replace(scope, rounds=scope.rounds[:-1])
        own_id = own.step.id if own is not None else ""
        key = (tuple(names), view.prefix, view.rounds, own_id if view is not scope else "")
        if key not in self._tables:
            self._tables[key] = self._table(names, view, own if view is not scope else None)
        table = self._tables[key]
        now = dict(scope.rounds)
        rows = tuple(
            row
            for rounds, row in table.rows
            if all(number <= now.get(loop, number) for loop, number in rounds)
        )
        shared = {name: self._bind(name, view, None) for name in names if name not in table.varying}
        return shared, rows

    def _table(self, names: Sequence[str], view: Scope, own: FlatStep | None) -> _Table:
        sources = self._sources(names, view, None)
        if own is not None:
            sources |= self._in_all_rounds(names, view, own)
        looped = {name: source for name, source in sources.items() if _loops(source, view)}
        if not looped:
            raise ExpressionError(
                "series",
                "a function over a loop needs an output of a step in a loop",
                hint="use it in a result or condition over the steps of a `repeat` or `for_each`",
            )
        depth = _common_depth(list(looped.values()), view)
        if not depth:
            raise ExpressionError(
                "series",
                f"{' and '.join(looped)} are not yielded in one loop",
                hint="use one function for each loop",
            )
        rows = _row_bindings(names, looped, view, depth)
        varying = {name for _, row in rows for name in row}
        return _Table(rows, frozenset(varying | set(looped)))

    def _sources(
        self, names: Sequence[str], scope: Scope, own: FlatStep | None
    ) -> dict[str, _Source]:
        known = self.planned.names(scope)
        found: dict[str, _Source] = {}
        for name in names:
            if name in known and not (own and name in self.references.outputs(own)):
                continue
            source = self._source(name, scope, own)
            if source is not None:
                found[name] = source
        return found

    def _in_all_rounds(
        self, names: Sequence[str], scope: Scope, own: FlatStep
    ) -> dict[str, _Source]:
        """A step's own outputs, named without it, in all rounds of its loop."""
        found: dict[str, _Source] = {}
        for name in names:
            if name in self.references.outputs(own):
                source = self._source(f"{own.step.id}.{name}", scope, None)
                if source is not None:
                    found[name] = source
        return found


def _loops(source: _Source, scope: Scope) -> tuple[str, ...]:
    """Ids of the loops around a source that the scope is not in, the outermost first."""
    open_here = {name for name, _ in scope.rounds}
    if not source.pieces:
        return ()
    return tuple(name for name, _ in source.pieces[0].rounds if name not in open_here)


def _common_depth(sources: Sequence[_Source], scope: Scope) -> int:
    levels = zip(*(_loops(source, scope) for source in sources), strict=False)
    return sum(1 for _ in takewhile(lambda level: len(set(level)) == 1, levels))


def _row_bindings(
    names: Sequence[str], looped: Mapping[str, _Source], view: Scope, depth: int
) -> list[tuple[Rounds, dict[str, Binding]]]:
    """One row for each round of the common loops, in order of execution."""
    open_here = {name for name, _ in view.rounds}
    grouped: dict[Rounds, dict[str, list[_Piece]]] = {}
    for name, source in looped.items():
        for piece in source.pieces:
            beyond = tuple(pair for pair in piece.rounds if pair[0] not in open_here)[:depth]
            grouped.setdefault(beyond, {}).setdefault(name, []).append(piece)
    rows: list[tuple[Rounds, dict[str, Binding]]] = []
    for rounds in sorted(grouped, key=lambda item: [number for _, number in item]):
        pieces = grouped[rounds]
        row = {name: looped[name].binding(items) for name, items in pieces.items()}
        values = [piece.values for items in pieces.values() for piece in items]
        for name in names:
            if name not in looped and all(name in item for item in values):
                row[name] = _loop_binding(values[0][name])
        rows.append((rounds, row))
    return rows


def _loop_binding(raw: LoopValue) -> Binding:
    value = loop_value(raw)
    if isinstance(value, Value):
        number, _, unit = raw.strip().partition(" ") if isinstance(raw, str) else (raw, "", "")
        return Binding(value=float(number), unit=unit.strip() or DIMENSIONLESS)
    return Binding(value=value)


def _uncertainty(kind: OutputKind) -> tuple[float | None, float | None]:
    """(absolute in the output's unit, share of the value) as the procedure declares it."""
    given = kind.uncertainty
    if given is None:
        return None, None
    unit = kind.unit or DIMENSIONLESS
    of_ratio = not Quantity(1.0, unit).definition.dimension
    if not given.definition.dimension and (not of_ratio or given.unit == "percent" != unit):
        return None, given.base
    return difference_in(given, unit), None
