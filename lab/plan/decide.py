"""Decisions that are known when a run is planned: what they exclude is left out of the plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from lab.domain.plan import Decision
from lab.plan.formula import evaluate_formula
from lab.sop.model_steps import RepeatBlock
from lab.sop.unfold import Unfolded
from lab.sop.value import CalculationError, Truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lab.domain.plan import Formula, Guard
    from lab.sop.formulas import Formulas
    from lab.sop.unfold import FlatDecision, FlatStep

__all__ = ["Pruned", "planned_decision", "prune"]


@dataclass(slots=True)
class Pruned:
    """What is left of a procedure when its early decisions are taken."""

    steps: list[FlatStep] = field(default_factory=list["FlatStep"])
    """Main steps that may be taken."""
    open: list[FlatDecision] = field(default_factory=list["FlatDecision"])
    """Decisions that are taken during the run."""
    known: dict[str, bool] = field(default_factory=dict[str, bool])
    """Decisions that are taken already."""
    hopeless: list[FlatDecision] = field(default_factory=list["FlatDecision"])
    """Ends of loops that are certainly not reached, of loops that must reach theirs."""
    _left_out: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def when(self, guards: Sequence[Guard]) -> tuple[Guard, ...]:
        """The guards that are still open."""
        return tuple(guard for guard in guards if guard.decision not in self.known)

    def needs(self, needs: Sequence[str]) -> tuple[str, ...]:
        """Steps that must be done first: in place of one that is left out, those that it needed."""
        found: dict[str, None] = {}
        for need in needs:
            for path in self._left_out.get(need, (need,)):
                found[path] = None
        return tuple(found)

    def flat(self, whole: Unfolded) -> Unfolded:
        """The same procedure without what is left out."""
        kept = {step.path for step in self.steps}
        return Unfolded(
            steps=[
                replace(step, needs=self.needs(step.needs), when=self.when(step.when))
                for step in self.steps
            ],
            safe=[step for step in whole.safe if not step.compensates or step.compensates in kept],
            decisions=[
                replace(item, needs=self.needs(item.needs), when=self.when(item.when))
                for item in self.open
            ],
            calls=whole.calls,
        )

    def excluded(self, guards: Iterable[Guard], gone: set[str]) -> bool:
        return any(
            guard.decision in gone or self.known.get(guard.decision, guard.value) != guard.value
            for guard in guards
        )

    def leave_out(self, step: FlatStep) -> None:
        self._left_out[step.path] = self.needs(step.needs)


def prune(flat: Unfolded, formulas: Formulas) -> Pruned:
    """Take all decisions that need no outcome. ExpressionError, CalculationError where one can't be computed."""
    found = Pruned()
    gone: set[str] = set()
    for decision in flat.decisions:
        if found.excluded(decision.when, gone):
            gone.add(decision.path)
            continue
        formula = formulas.formula(decision.expression, decision.scope)
        answer = _answer(formula) if formulas.is_known(formula) else None
        if answer is None:
            found.open.append(decision)
            continue
        found.known[decision.path] = answer
        if decision.last and not answer and _must_end(decision):
            found.hopeless.append(decision)
    for step in flat.steps:
        if found.excluded(step.when, gone):
            found.leave_out(step)
        else:
            found.steps.append(step)
    return found


def _must_end(decision: FlatDecision) -> bool:
    block = decision.block
    return isinstance(block, RepeatBlock) and block.repeat.on_exhausted == "fail"


def _answer(formula: Formula) -> bool:
    value = evaluate_formula(formula, {})
    if not isinstance(value, Truth):
        raise CalculationError("expression", "is not a condition", "compare two values")
    return value.surely


def planned_decision(item: FlatDecision, pruned: Pruned, formulas: Formulas) -> Decision:
    """A decision that the run takes. ExpressionError where a name means nothing."""
    block = item.block
    title = block.title or block.id
    failure = ""
    if isinstance(block, RepeatBlock) and item.last and _must_end(item):
        failure = f'"{title}" did not reach its end within {block.repeat.max_iterations} rounds'
    return Decision(
        path=item.path,
        title=title,
        kind="loop" if isinstance(block, RepeatBlock) else "branch",
        formula=formulas.formula(item.expression, item.scope),
        needs=pruned.needs(item.needs),
        when=pruned.when(item.when),
        failure=failure,
    )
