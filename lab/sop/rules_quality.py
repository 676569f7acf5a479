"""Rules about quality, and about the limits of measured values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.domain.units import DIMENSIONLESS
from lab.sop.arguments import resolve
from lab.sop.diagnostics import did_you_mean
from lab.sop.model_steps import ManualStep
from lab.sop.procedure import planned_names
from lab.sop.rules import at_words
from lab.sop.rules_steps import given_arguments
from lab.sop.rules_structure import names_in
from lab.sop.rules_values import Expressions, bare
from lab.sop.search import find_beyond
from lab.sop.unfold import Scope
from lab.sop.value import Value

if TYPE_CHECKING:
    from lab.domain.action import ArgSpec
    from lab.sop.document import Path
    from lab.sop.model_quality import SignalLimit
    from lab.sop.model_steps import Argument
    from lab.sop.procedure import Box
    from lab.sop.rules import SopRules
    from lab.sop.unfold import FlatStep

__all__ = ["check_quality", "check_signals"]


def check_quality(rules: SopRules, work: Expressions) -> None:
    """Standards, blanks and replicates."""
    _check_standards(rules, work)
    _check_blanks(rules, work)
    _check_replicates(rules)


def _check_standards(rules: SopRules, work: Expressions) -> None:
    quality = rules.sop.quality
    scope = Scope(rules.sop, rules.document)
    names = work.names(scope)
    for name, item in quality.standards.items():
        path: Path = ("quality", "standards", name)
        if item.material not in rules.sop.materials:
            rules.report(
                (*path, "material"), "reference", f'there is no material "{item.material}"',
                hint=did_you_mean(item.material, rules.sop.materials),
            )  # fmt: skip
        unit = item.certified_value.unit
        work.number(path, bare(item.measured), unit, names, scope, f'"{name}"', "measured")
        for key in ("expanded_uncertainty", "tolerance"):
            given = getattr(item, key)
            if given.definition.dimension != item.certified_value.definition.dimension:
                rules.report(
                    (*path, key), "dimension", f"{given} is {given.words}, but the certified value is {item.certified_value.words}",
                    hint=f"give it in {unit}",
                )  # fmt: skip
        like = item.tolerance.definition.dimension == item.expanded_uncertainty.definition.dimension
        if item.tolerance.base < 0:
            rules.report(
                (*path, "tolerance"), "range", f"a tolerance of {item.tolerance} can't be", hint="leave the sign out",
            )  # fmt: skip
        elif like and item.tolerance.base < item.expanded_uncertainty.base:
            rules.report(
                (*path, "tolerance"), "range",
                f"the tolerance {item.tolerance} is below the uncertainty {item.expanded_uncertainty} of the certificate",
                why="a perfect measurement could be refused", hint="allow at least the expanded uncertainty",
                severity="warning",
            )  # fmt: skip


def _check_blanks(rules: SopRules, work: Expressions) -> None:
    quality = rules.sop.quality
    scope = Scope(rules.sop, rules.document)
    names = work.names(scope)
    for name, item in quality.blanks.items():
        limit = item.maximum or item.minimum
        if limit is None:
            rules.report(
                ("quality", "blanks", name), "shape", f'the blank "{name}" has no limit', at_key=True,
                hint="add `maximum: ...`",
            )  # fmt: skip
            continue
        path = ("quality", "blanks", name)
        work.number(path, bare(item.measured), limit.unit, names, scope, f'"{name}"', "measured")


def _check_replicates(rules: SopRules) -> None:
    quality = rules.sop.quality
    scope = Scope(rules.sop, rules.document)
    for name, item in quality.replicates.items():
        path = ("quality", "replicates", name)
        reference = rules.references.find(bare(item.measured), scope)
        if reference is None:
            rules.report(
                (*path, "measured"), "reference", f'"{item.measured}" is not an output of a step',
                hint=did_you_mean(item.measured, rules.references.visible(scope)),
            )  # fmt: skip
        elif len(reference.steps) < item.least:
            rules.report(
                (*path, "least"), "range",
                f'{item.least} replicates are asked for, but "{item.measured}" is measured {len(reference.steps)} time(s)',
                hint="repeat the step in a loop",
            )  # fmt: skip
        if not item.max_relative_sd.is_like(DIMENSIONLESS):
            rules.report(
                (*path, "max_relative_sd"), "dimension", f"{item.max_relative_sd} is not a share of the value",
                hint='give it in percent, e.g. "1 percent"',
            )  # fmt: skip


def check_signals(rules: SopRules) -> None:
    """Limits of measured values name outputs of roles, and no target lies outside them."""
    for index, limit in enumerate(rules.sop.safety.limits):
        path: Path = ("safety", "limits", index)
        name, _, output = limit.signal.partition(".")
        role = rules.sop.equipment.get(name)
        if role is None:
            rules.report(
                (*path, "signal"), "reference", f'there is no equipment "{name}"',
                hint=did_you_mean(name, rules.sop.equipment),
            )  # fmt: skip
            continue
        capability = rules.capabilities.get(role.capability)
        actions = capability.actions.values() if capability else ()
        units = {key: spec.unit for action in actions for key, spec in action.outputs.items()}
        if output not in units:
            rules.report(
                (*path, "signal"), "reference", f'{role.capability} measures no "{output}"',
                hint=did_you_mean(output, units),
            )  # fmt: skip
            continue
        if limit.minimum is None and limit.maximum is None:
            rules.report(
                path, "shape", f'the limit of "{limit.signal}" has neither minimum nor maximum', at_key=True,
                hint="add `maximum: ...`",
            )  # fmt: skip
        low, high = limit.minimum, limit.maximum
        if low is not None and high is not None and low.base > high.base:
            rules.report(
                (*path, "maximum"), "range", f"the maximum {high} is below the minimum {low}", hint="swap them",
            )  # fmt: skip
        for key in ("minimum", "maximum"):
            value = getattr(limit, key)
            if value is not None and not value.is_like(units[output] or DIMENSIONLESS):
                rules.report(
                    (*path, key), "dimension", f"{value} is {value.words}, but {limit.signal} is measured in {units[output]}",
                    hint=f"give it in {units[output]}",
                )  # fmt: skip
        if rules.clean:
            _check_targets(rules, path, limit, name, output)


def _check_targets(
    rules: SopRules, path: Path, limit: SignalLimit, equipment: str, output: str
) -> None:
    """No step of the role sets the signal to a value beyond the limit: each run would end there."""
    seen: set[tuple[object, ...]] = set()
    for flat in rules.flat.steps:
        step = flat.step
        key = (id(step), flat.scope.prefix, *flat.scope.values.values())
        if flat.role != equipment or isinstance(step, ManualStep) or key in seen:
            continue
        seen.add(key)
        role = rules.sop.equipment[equipment]
        spec = rules.capabilities[role.capability].actions[step.action].args.get(output)
        raw = given_arguments(step).get(output)
        if spec is None or spec.kind != "quantity" or raw is None:
            continue

        def target(
            box: Box, flat: FlatStep = flat, raw: Argument = raw, spec: ArgSpec = spec
        ) -> Value:
            names = planned_names(flat.scope, box)
            wanted = names_in(raw) if isinstance(raw, str) and "${" in raw else []
            names = rules.references.with_outputs(names, wanted, flat.scope, box, bounded=True)
            found = resolve(raw, spec, names)
            assert isinstance(found, Value)
            return found

        for side, bound, above in (
            ("maximum", limit.maximum, True),
            ("minimum", limit.minimum, False),
        ):
            witness = bound and find_beyond(target, rules.box, bound.base, above=above)
            if not bound or not witness:
                continue
            own = Value(witness.value, bound.definition.dimension, bound.definition.scale)
            shown = Quantity(own.number(bound.unit), bound.unit)
            rules.report(
                (*path, side), "limit",
                f'"{step.id}" sets {limit.signal} to {shown}, {"above" if above else "below"} this limit{at_words(witness)}',
                why="what guards the run would end it each time",
                hint="widen the limit, or narrow what the step asks for",
            )  # fmt: skip
            return
