"""What a well-formed SOP must also fulfil: units, references, order, contracts, ranges."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity, QuantityError
from lab.domain.units import DIMENSIONLESS
from lab.sop.arguments import BadArgumentError, resolve
from lab.sop.diagnostics import did_you_mean
from lab.sop.expression import ExpressionError
from lab.sop.procedure import WELL, full_box, planned_names, resolved_needs, topological_order
from lab.sop.value import CalculationError, Value
from lab.sop.volumes import Witness, find_beyond

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.domain.action import ActionSpec, ArgSpec, CapabilitySpec
    from lab.domain.diagnostic import Diagnostic, Severity
    from lab.sop.arguments import Resolved
    from lab.sop.document import Document, Path
    from lab.sop.model import Argument, Equipment, SafeStep, Sop
    from lab.sop.procedure import Box

__all__ = ["SopRules", "at_words"]

_RESERVED = ("abs", "and", "max", "min", "not", "or", "parameters", "sqrt", WELL)


def at_words(witness: Witness) -> str:
    """` at a = 7 mL, b = 3 mL`, and whether it is certain."""
    point = ", ".join(f"{name} = {value}" for name, value in witness.parameters.items())
    certain = "" if witness.proven else "; it could not be shown that it stays within"
    return (f" at {point}" if point else "") + certain


class SopRules:
    """Collects findings about one SOP. The rules for expressions and volumes use what it resolves."""

    def __init__(
        self, sop: Sop, document: Document, capabilities: Mapping[str, CapabilitySpec]
    ) -> None:
        self.sop = sop
        self.document = document
        self.capabilities = capabilities
        self.findings: list[Diagnostic] = []
        self.needs = resolved_needs(sop)
        self.box: Box = full_box(sop)

    def report(
        self,
        path: Path,
        code: str,
        message: str,
        *,
        why: str = "",
        hint: str = "",
        severity: Severity = "error",
        at_key: bool = False,
    ) -> None:
        self.findings.append(
            self.document.finding(
                path, code, message, why=why, hint=hint, severity=severity, at_key=at_key
            )
        )

    @property
    def clean(self) -> bool:
        return not any(finding.blocking for finding in self.findings)

    def check_names(self) -> None:
        """Each name means one thing."""
        groups = ("parameters", "materials", "containers", "derived")
        owner: dict[str, str] = {}
        for group in groups:
            for name in getattr(self.sop, group):
                path = (group, name)
                if name in _RESERVED:
                    self.report(
                        path,
                        "name",
                        f'"{name}" is a reserved word',
                        hint="choose another name",
                        at_key=True,
                    )
                elif name in owner:
                    self.report(
                        path,
                        "name",
                        f'"{name}" is already the name of something in {owner[name]}',
                        hint="rename one of the two",
                        at_key=True,
                    )
                owner.setdefault(name, group)
        seen: dict[str, int] = {}
        safe_count = len(self.sop.safety.safe_state)
        places: list[Path] = [("safety", "safe_state", i, "id") for i in range(safe_count)]
        places += [("procedure", i, "id") for i in range(len(self.sop.procedure))]
        steps: list[SafeStep] = [*self.sop.safety.safe_state, *self.sop.procedure]
        for step, place in zip(steps, places, strict=True):
            line = self.document.position(place).line
            if step.id in seen:
                self.report(
                    place,
                    "duplicate-id",
                    f'there are two steps "{step.id}" (the other on line {seen[step.id]})',
                    hint="give each step an id of its own",
                )
            seen.setdefault(step.id, line)

    def check_parameters(self) -> None:
        """Limits and default measure what the unit says, and are in order."""
        for name, item in self.sop.parameters.items():
            path: Path = ("parameters", name)
            fine = True
            for key in ("minimum", "maximum", "default"):
                quantity = getattr(item, key)
                if quantity.unit == DIMENSIONLESS and not quantity.is_like(item.unit):
                    fine = False
                    self.report(
                        (*path, key),
                        "unit-missing",
                        f"{quantity} has no unit",
                        why="a number alone can be read in any unit",
                        hint=f'write "{quantity} {item.unit}"',
                    )
                elif not quantity.is_like(item.unit):
                    fine = False
                    self.report(
                        (*path, key),
                        "dimension",
                        f'{quantity} is {quantity.words}, but "{name}" is measured in {item.unit}',
                        hint=f"give it in {item.unit}",
                    )
            if not fine:
                continue
            if item.minimum.base > item.maximum.base:
                self.report(
                    (*path, "maximum"),
                    "range",
                    f"the maximum {item.maximum} is below the minimum {item.minimum}",
                    hint="swap them",
                )
            elif not item.minimum.base <= item.default.base <= item.maximum.base:
                self.report(
                    (*path, "default"),
                    "range",
                    f"the default {item.default} is outside {item.minimum} to {item.maximum}",
                    hint="choose a default within the limits",
                )

    def check_equipment(self) -> None:
        """Capabilities exist; places and liquids are declared."""
        declared = [*self.sop.containers, *self.sop.materials]
        for name, role in self.sop.equipment.items():
            path: Path = ("equipment", name)
            if role.capability not in self.capabilities:
                self.report(
                    (*path, "capability"),
                    "capability",
                    f'there is no capability "{role.capability}"',
                    hint=did_you_mean(role.capability, self.capabilities),
                )
            self._place((*path, "at"), role.at, list(self.sop.containers), shared=False)
            self._place((*path, "into"), role.into, list(self.sop.containers), shared=True)
            for index, source in enumerate(role.draws):
                listed = (*path, "draws", index)
                spot = listed if listed in self.document.values else (*path, "draws")
                self._place(spot, source, declared, shared=False)

    def _place(self, path: Path, name: str, known: Sequence[str], *, shared: bool) -> None:
        if not name or name in known:
            return
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
        if shared and not close:
            # `waste` and the like belong to the lab; whether it is there is seen with the lab file
            return
        self.report(
            path,
            "reference",
            f'there is no container or material "{name}"',
            hint=did_you_mean(name, known),
        )

    def check_order(self) -> None:
        """`needs` names steps, and no step waits for itself."""
        known = list(self.needs)
        for index, step in enumerate(self.sop.procedure):
            for position, name in enumerate(step.needs or ()):
                if name not in self.needs:
                    self.report(
                        ("procedure", index, "needs", position),
                        "reference",
                        f'step "{step.id}" needs "{name}", which is not a step',
                        hint=did_you_mean(name, known),
                    )
        if len(self.needs) < len(self.sop.procedure):
            return  # doubled ids: who waits for whom can't be told
        _, stuck = topological_order(
            {
                name: [need for need in before if need in self.needs]
                for name, before in self.needs.items()
            }
        )
        if stuck:
            self._report_cycle(stuck)

    def _report_cycle(self, stuck: Sequence[str]) -> None:
        chain = [stuck[0]]
        while True:
            following = next(need for need in self.needs[chain[-1]] if need in stuck)
            if following in chain:
                cycle = [*chain[chain.index(following) :], following]
                break
            chain.append(following)
        first = [step.id for step in self.sop.procedure].index(cycle[0])
        self.report(
            ("procedure", first, "needs"),
            "cycle",
            "these steps wait for each other: " + " needs ".join(cycle),
            why="none of them could ever start",
            hint="remove one of these needs",
        )

    def check_steps(self) -> None:
        """Roles, actions and arguments fit their contracts over the whole range of the parameters."""
        try:
            names = planned_names(self.sop, self.box)
        except (ExpressionError, CalculationError, QuantityError):
            return  # the parameters are at fault, and have been reported
        safe = [("safety", "safe_state", i) for i in range(len(self.sop.safety.safe_state))]
        main = [("procedure", i) for i in range(len(self.sop.procedure))]
        steps: list[SafeStep] = [*self.sop.safety.safe_state, *self.sop.procedure]
        for path, step in zip([*safe, *main], steps, strict=True):
            self._check_step(path, step, names)

    def _check_step(self, path: Path, step: SafeStep, names: Mapping[str, Value | str]) -> None:
        if step.duration.base < 0 or step.timeout.base <= 0:
            self.report(
                (*path, "duration"),
                "range",
                "a duration can't be negative",
                hint="give how long the step usually takes",
            )
        if step.timeout.base < step.duration.base:
            self.report(
                (*path, "timeout"),
                "range",
                f"the timeout {step.timeout} is shorter than the duration {step.duration}",
                hint="a step that takes as long as usual would be taken for lost",
            )
        role = self.sop.equipment.get(step.equipment)
        if role is None:
            self.report(
                (*path, "equipment"),
                "reference",
                f'there is no equipment "{step.equipment}"',
                hint=did_you_mean(step.equipment, self.sop.equipment),
            )
            return
        capability = self.capabilities.get(role.capability)
        if capability is None:
            return
        action = capability.actions.get(step.action)
        if action is None:
            self.report(
                (*path, "action"),
                "action",
                f'{role.capability} can\'t "{step.action}"',
                hint=did_you_mean(step.action, capability.actions),
            )
            return
        arguments = self._check_arguments(path, step, action, names)
        self._check_pours(path, role, action, arguments)

    def _check_arguments(
        self, path: Path, step: SafeStep, action: ActionSpec, names: Mapping[str, Value | str]
    ) -> dict[str, Resolved]:
        found: dict[str, Resolved] = {}
        meant: set[str] = set()
        for name, raw in step.arguments.items():
            place: Path = (*path, "with", name)
            spec = action.args.get(name)
            if spec is None:
                meant.update(difflib.get_close_matches(name, action.args, n=1, cutoff=0.6))
                self.report(
                    place,
                    "argument-unknown",
                    f'"{step.action}" takes no argument "{name}"',
                    hint=did_you_mean(name, action.args),
                    at_key=True,
                )
                continue
            try:
                found[name] = resolve(raw, spec, names)
            except BadArgumentError as problem:
                where = (*place, problem.key) if problem.key else place
                self.report(
                    where, problem.code, problem.message, why=problem.why, hint=problem.hint
                )
                continue
            self._check_range(place, name, raw, spec, found[name])
        for name, spec in action.args.items():
            if spec.required and name not in step.arguments and name not in meant:
                unit = f" (in {spec.unit})" if spec.unit else ""
                self.report(
                    path,
                    "argument-missing",
                    f'step "{step.id}" lacks the argument "{name}"',
                    hint=f'add "{name}: ..."{unit} under `with`',
                    at_key=True,
                )
        return found

    def _check_pours(
        self, path: Path, role: Equipment, action: ActionSpec, arguments: Mapping[str, Resolved]
    ) -> None:
        stocks = arguments.get(action.doses) if action.doses else None
        if not isinstance(stocks, dict):
            return
        for name in stocks:
            known = role.draws or list(self.sop.materials)
            if name not in known:
                self.report(
                    (*path, "with", action.doses, name),
                    "reference",
                    f'"{name}" is not a material that this role draws',
                    hint=did_you_mean(name, known),
                    at_key=True,
                )

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
                self._check_limit(place, name, raw, spec, limit, above=above)

    def _check_limit(
        self, place: Path, name: str, raw: Argument, spec: ArgSpec, limit: float, *, above: bool
    ) -> None:
        unit_name = spec.unit or DIMENSIONLESS
        bound = Quantity(limit, unit_name)
        quantity_spec = spec.model_copy(update={"kind": "quantity", "unit": unit_name})

        def compute(box: Box) -> Value:
            result = resolve(raw, quantity_spec, planned_names(self.sop, box))
            if not isinstance(result, Value):
                raise CalculationError("value", "is not a number")
            return result

        try:
            witness = find_beyond(compute, self.box, bound.base, above=above)
        except (BadArgumentError, CalculationError):
            return  # reported where the argument itself was resolved
        if witness is None:
            return
        shown = Quantity(Value(witness.value, bound.definition.dimension, bound.definition.scale)
                         .number(unit_name), unit_name)  # fmt: skip
        negative = not above and limit == 0.0
        verb = "becomes negative" if negative else f"goes {'above' if above else 'below'} {bound}"
        self.report(
            place,
            "negative" if negative else "range",
            f"{name} {verb}: {shown}{at_words(witness)}",
            why="an optimiser will try every corner of the range",
            hint="narrow the parameters, or change the expression",
        )
