"""What a campaign says of each factor: a part of a range, numbers on a list, or some of a parameter's choices. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.units import DIMENSIONLESS
from lab.sop.diagnostics import did_you_mean
from lab.sop.model import Option
from lab.sop.reporting import FileRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.diagnostic import Diagnostic
    from lab.domain.quantity import Quantity
    from lab.sop.campaign_model import Campaign, FactorRange
    from lab.sop.document import Document, Path
    from lab.sop.model import Parameter, Sop

__all__ = ["KINDS", "chosen_choices", "factor_findings", "inside_findings", "is_own"]

KINDS = {"choice": "a choice", "text": "a text", "yes_no": "a yes/no"}
"""What an option is, in words."""
_FEWEST = 2


def is_own(name: str, campaign: Campaign, sop: Sop) -> bool:
    """Is that a context of the campaign alone, of which the SOP knows nothing?"""
    chosen = campaign.factors.get(name)
    return chosen is not None and chosen.context is not None and name not in sop.parameters


def chosen_choices(campaign: Campaign, sop: Sop) -> dict[str, tuple[str, ...]]:
    """Factor that is a choice -> the choices that this campaign tries, in its order."""
    return {
        name: tuple(chosen.choices or sop.options[name].choices)
        for name, chosen in campaign.factors.items()
        if name in sop.options or (chosen.choices and is_own(name, campaign, sop))
    }


def factor_findings(campaign: Campaign, document: Document, sop: Sop) -> list[Diagnostic]:
    """Factors are parameters with role factor, explored inside the SOP's limits and among its choices."""
    rules = _Rules(document, sop)
    for name, chosen in campaign.factors.items():
        if not is_own(name, campaign, sop):
            rules.factor(name, chosen)
    return rules.findings


def inside_findings(
    document: Document, path: Path, name: str, value: Quantity, item: Parameter
) -> list[Diagnostic]:
    """Whether a value measures what the parameter does, within the SOP's limits."""
    if not value.is_like(item.unit):
        if value.unit == DIMENSIONLESS:
            return [
                document.finding(
                    path, "unit-missing", f"{value} has no unit",
                    hint=f'write "{value} {item.unit}"', why="a number alone can be read in any unit",
                )
            ]  # fmt: skip
        return [
            document.finding(
                path, "dimension", f'{value} is {value.words}, but "{name}" is measured in {item.unit}',
                hint=f"give it in {item.unit}",
            )
        ]  # fmt: skip
    slack = 1e-9 * max(abs(item.minimum.base), abs(item.maximum.base))
    if item.minimum.base - slack <= value.base <= item.maximum.base + slack:
        return []
    return [
        document.finding(
            path, "range", f"{value} is outside the SOP's limits {item.minimum} to {item.maximum}",
            hint="stay within them, or have the SOP changed and approved",
        )
    ]  # fmt: skip


class _Rules(FileRules):
    def __init__(self, document: Document, sop: Sop) -> None:
        super().__init__(document)
        self.sop = sop

    @property
    def _possible(self) -> list[str]:
        return [name for name, item in self.sop.parameters.items() if item.role == "factor"]

    def factor(self, name: str, chosen: FactorRange) -> None:
        path: Path = ("factors", name)
        item = self.sop.parameters.get(name)
        if item is None:
            self._report(
                path, "factor", f'the SOP has no parameter "{name}"',
                did_you_mean(name, self._possible), at_key=True,
            )  # fmt: skip
        elif isinstance(item, Option) and item.type != "choice":
            self._report(
                path, "factor", f'"{name}" is {KINDS[item.type]}, and only quantities and choices can be varied',
                "set it under `fixed`, or choose another factor", at_key=True,
            )  # fmt: skip
        elif item.role != "factor":
            self._report(
                path, "factor", f'"{name}" has the role {item.role} in the SOP, not factor',
                did_you_mean(name, self._possible), at_key=True,
                why="only factors have been judged safe to vary without a person",
            )  # fmt: skip
        elif isinstance(item, Option):
            self._choice(path, name, chosen, item)
        else:
            self._quantity(path, name, chosen, item)

    def _choice(self, path: Path, name: str, chosen: FactorRange, item: Option) -> None:
        for key in ("minimum", "maximum", "step", "levels", "accuracy"):
            if getattr(chosen, key):
                self._report(
                    (*path, key), "factor", f'"{name}" is a choice, and has no {key}',
                    f"list some of its choices: {', '.join(item.choices)}", at_key=True,
                )  # fmt: skip
        known: Mapping[str, int] = {}
        for place, choice in enumerate(chosen.choices):
            where: Path = (*path, "choices", place)
            if choice not in item.choices:
                self._report(
                    where, "value", f'"{choice}" is not one of the choices of "{name}"',
                    did_you_mean(choice, item.choices),
                    why="the SOP says what may be used; nothing else has been judged safe",
                )  # fmt: skip
            elif choice in known:
                self._report(where, "value", f'"{choice}" is listed twice', "remove one of the two")
            known = {**known, choice: place}
        if len(chosen.choices or item.choices) < _FEWEST:
            self._report(
                path, "range", f'one choice of "{name}" leaves nothing to vary',
                "list two or more, or move it to `fixed`", at_key=True,
            )  # fmt: skip

    def _quantity(self, path: Path, name: str, chosen: FactorRange, item: Parameter) -> None:
        for key, due in (("choices", "`levels` with units"), ("descriptors", "choices alone")):
            if getattr(chosen, key):
                self._report(
                    (*path, key), "factor", f'"{name}" is a quantity in {item.unit}, and has no {key}',
                    f"{key} are for choices; numbers on a list are `levels`"
                    if key == "choices" else f"remove it: descriptors are for {due}", at_key=True,
                )  # fmt: skip
        if chosen.levels:
            self._levels(path, name, chosen, item)
            return
        fine = True
        for key, value in (("minimum", chosen.minimum), ("maximum", chosen.maximum)):
            if value is not None:
                fine = self._inside((*path, key), name, value, item) and fine
        low, high = chosen.minimum or item.minimum, chosen.maximum or item.maximum
        if fine and low.base >= high.base:
            self._report(
                path, "range", f"there is nothing to vary between {low} and {high}",
                "give a minimum below the maximum, or move it to `fixed`", at_key=True,
            )  # fmt: skip

    def _levels(self, path: Path, name: str, chosen: FactorRange, item: Parameter) -> None:
        for key in ("minimum", "maximum", "step"):
            if getattr(chosen, key) is not None:
                self._report(
                    (*path, key), "factor", f"both `levels` and `{key}`",
                    "keep one of the two: the levels are all that is tried", at_key=True,
                )  # fmt: skip
        fine = [
            self._inside((*path, "levels", place), name, level, item)
            for place, level in enumerate(chosen.levels)
        ]
        if len(chosen.levels) < _FEWEST:
            self._report(
                path, "range", f'one level of "{name}" leaves nothing to vary',
                "list two or more, or move it to `fixed`", at_key=True,
            )  # fmt: skip
        if not all(fine):
            return
        for place in range(1, len(chosen.levels)):
            before, level = chosen.levels[place - 1 : place + 1]
            if level.base <= before.base:
                self._report(
                    (*path, "levels", place), "range", f"{level} comes after {before}",
                    "list each level once, the least first",
                )  # fmt: skip

    def _inside(self, path: Path, name: str, value: Quantity, item: Parameter) -> bool:
        found = inside_findings(self.document, path, name, value, item)
        self.findings += found
        return not found
