"""What a campaign says of factors that nobody chooses: where their values come from, and what can't be asked of them. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from lab.domain.quantity import Quantity
from lab.sop.check_factors import chosen_choices, is_own
from lab.sop.diagnostics import did_you_mean
from lab.sop.expression import ExpressionError, parse_expression
from lab.sop.reporting import FileRules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.diagnostic import Diagnostic
    from lab.sop.campaign_model import Campaign, FactorContext, FactorRange
    from lab.sop.check_lab_safety import DriverTraits
    from lab.sop.document import Document, Path
    from lab.sop.lab_model import Lab
    from lab.sop.model import Sop
    from lab.sop.procedure import Box

__all__ = ["context_findings", "own_box"]

_SHORTEST_S, _LONGEST_S = 1.0, 3600.0


def own_box(campaign: Campaign, sop: Sop) -> Box:
    """The ranges of the contexts that the SOP knows nothing of, where they are quantities."""
    return {
        name: (chosen.minimum, chosen.maximum.to(chosen.minimum.unit))
        for name, chosen in campaign.factors.items()
        if is_own(name, campaign, sop)
        and chosen.minimum is not None
        and chosen.maximum is not None
        and chosen.maximum.is_like(chosen.minimum.unit)
    }


def context_findings(
    campaign: Campaign,
    document: Document,
    sop: Sop,
    lab: Lab | None,
    traits: Mapping[str, DriverTraits] | None,
) -> list[Diagnostic]:
    """Findings about factors with a `context`. `traits` by driver; a driver that is not among them is not judged."""
    contexts = {name: chosen for name, chosen in campaign.factors.items() if chosen.context}
    if not contexts:
        return []
    rules = _Rules(campaign, document, sop)
    for name, chosen in contexts.items():
        rules.factor(name, chosen)
        if chosen.context is not None:
            rules.source(name, chosen.context, lab, traits or {})
    rules.campaign_with(contexts)
    return rules.findings


class _Rules(FileRules):
    def __init__(self, campaign: Campaign, document: Document, sop: Sop) -> None:
        super().__init__(document)
        self.campaign, self.sop = campaign, sop

    def factor(self, name: str, chosen: FactorRange) -> None:
        """It is as it is: nothing can be said of the steps in which it is set, or how well."""
        path: Path = ("factors", name)
        for key in ("step", "levels", "accuracy"):
            if getattr(chosen, key):
                self._report(
                    (*path, key), "context", f'"{name}" is not chosen, so it has no {key}',
                    "leave it out: what was measured lies on no list", at_key=True,
                )  # fmt: skip
        if is_own(name, self.campaign, self.sop):
            self._own(path, name, chosen)

    def _own(self, path: Path, name: str, chosen: FactorRange) -> None:
        """The SOP has no such parameter: what it may be stands here alone."""
        close = difflib.get_close_matches(name, self.sop.parameters, n=1, cutoff=0.85)
        if close:
            self._report(
                path, "context", f'the SOP has no parameter "{name}", so this reaches no step',
                f'did you mean "{close[0]}"?', at_key=True, severity="warning",
            )  # fmt: skip
        for kind, known in (
            ("derived value", self.sop.derived), ("result", self.sop.results),
            ("material", self.sop.materials),
        ):  # fmt: skip
            if name in known:
                self._report(
                    path, "context", f'the SOP calls a {kind} "{name}"',
                    "give the context a name of its own", at_key=True,
                )  # fmt: skip
        low, high = chosen.minimum, chosen.maximum
        if chosen.choices:
            if len(set(chosen.choices)) < max(2, len(chosen.choices)):
                self._report(
                    (*path, "choices"), "range", f'"{name}" is one of two choices at least, each listed once',
                    "list what it may be", at_key=True,
                )  # fmt: skip
            if low is not None or high is not None:
                self._report(
                    path, "context", f'"{name}" is a choice and has a range',
                    "keep `choices`, or `minimum` and `maximum`", at_key=True,
                )  # fmt: skip
        elif low is None or high is None:
            self._report(
                path, "context", f'the SOP has no parameter "{name}", and its range is not given',
                "give `minimum` and `maximum`, or `choices`", at_key=True,
            )  # fmt: skip
        elif not high.is_like(low.unit):
            self._report(
                (*path, "maximum"), "dimension", f"{high} is {high.words}, and the minimum is {low.words}",
                f"give it in {low.unit}",
            )  # fmt: skip
        elif low.base >= high.base:
            self._report(
                path, "range", f"there is nothing between {low} and {high}",
                "give a minimum below the maximum", at_key=True,
            )  # fmt: skip

    def source(
        self, name: str, context: FactorContext, lab: Lab | None, traits: Mapping[str, DriverTraits]
    ) -> None:
        """A live signal with a greatest age, or people."""
        path: Path = ("factors", name, "context")
        signal = context.device is not None or context.signal is not None
        if signal and (context.device is None or context.signal is None):
            self._report(
                path, "key-missing", "a live value has a `device` and a `signal`",
                "give both; give neither where people tell it", at_key=True,
            )  # fmt: skip
            return
        if context.value is not None:
            if signal:
                self._report(
                    (*path, "value"), "context", f'"{name}" is measured by {context.device}, and a value is written here',
                    "leave the value out: no signal is no value", at_key=True,
                )  # fmt: skip
            else:
                self._value((*path, "value"), name, context.value)
        if signal:
            self._signal(path, name, context, lab, traits)
        elif context.max_age is not None and context.max_age.base <= 0:
            self._report(
                (*path, "max_age"), "range", f"a greatest age of {context.max_age}: every value would be too old",
                "give the time for which it can be trusted, e.g. 8 h, or leave it out",
            )  # fmt: skip

    def _signal(
        self,
        path: Path,
        name: str,
        context: FactorContext,
        lab: Lab | None,
        traits: Mapping[str, DriverTraits],
    ) -> None:
        if context.max_age is None:
            self._report(
                path, "key-missing", "a live value without a greatest age", at_key=True,
                hint="add `max_age: 30 s`, about three times the pause between two values",
            )  # fmt: skip
        elif not _SHORTEST_S <= context.max_age.to("s").magnitude <= _LONGEST_S:
            self._report(
                (*path, "max_age"), "range", f"an age of {context.max_age} is not between 1 s and 1 h",
                "give about three times the pause between two values, e.g. 30 s",
            )  # fmt: skip
        if name in chosen_choices(self.campaign, self.sop):
            self._report(
                (*path, "signal"), "context", f'"{name}" is a choice, and a signal is a number',
                "let people tell it", at_key=True,
            )  # fmt: skip
            return
        if lab is None:
            return
        if context.device not in lab.devices:
            self._report(
                (*path, "device"), "reference", f'the lab has no device "{context.device}"',
                did_you_mean(context.device or "", lab.devices),
            )  # fmt: skip
            return
        driver = lab.devices[context.device].driver
        known = traits.get(driver)
        if known is None:
            return
        unit = known.telemetry.get(context.signal or "")
        if unit is None:
            self._report(
                (*path, "signal"), "reference", f'{driver} tells no live signal "{context.signal}"',
                did_you_mean(context.signal or "", known.telemetry)
                if known.telemetry
                else "it tells none at all; let people tell the value",
            )  # fmt: skip
            return
        own = self._unit(name)
        if own and not Quantity(1.0, unit).is_like(own):
            self._report(
                (*path, "signal"), "dimension", f'"{context.signal}" is given in {unit}, and "{name}" in {own}',
                "take the signal that measures it",
            )  # fmt: skip

    def _unit(self, name: str) -> str:
        """In which a quantity is told; empty where that is wrong or it is a choice."""
        if name in self.sop.quantities:
            return self.sop.quantities[name].unit
        low = self.campaign.factors[name].minimum
        return "" if low is None else low.unit

    def _value(self, path: Path, name: str, value: Quantity | str | bool) -> None:
        choices = chosen_choices(self.campaign, self.sop).get(name)
        if choices is not None:
            if str(value) not in choices:
                self._report(
                    path, "value", f'"{value}" is not one of the choices of "{name}"',
                    did_you_mean(str(value), choices),
                )  # fmt: skip
            return
        own = self._unit(name)
        if not own:
            return
        if not isinstance(value, Quantity) or not value.is_like(own):
            self._report(
                path, "dimension", f'{value} stands where "{name}" takes a value in {own}',
                f"give it in {own}",
            )  # fmt: skip
            return
        chosen, item = self.campaign.factors[name], self.sop.quantities.get(name)
        low = chosen.minimum or (None if item is None else item.minimum)
        high = chosen.maximum or (None if item is None else item.maximum)
        for end, sign in ((low, 1.0), (high, -1.0)):
            if end is not None and end.is_like(own) and sign * (value.base - end.base) < 0:
                self._report(
                    path, "range", f'{value} is outside the range of "{name}", {low} to {high}',
                    "give what it is, or a range that holds it",
                )  # fmt: skip
                return

    def campaign_with(self, contexts: Mapping[str, FactorRange]) -> None:
        """What a campaign can't want of values that nobody chooses."""
        campaign = self.campaign
        if len(contexts) == len(campaign.factors):
            self._report(
                ("factors",), "context", "nobody chooses any factor, so there is nothing to propose",
                "give one that can be chosen", at_key=True,
            )  # fmt: skip
        for key, what in (
            ("candidates", "a list of candidates"), ("stop", "a stopping rule"),
        ):  # fmt: skip
            if getattr(campaign, key) is not None:
                self._report(
                    (key,), "context", f"{what} beside a factor that nobody chooses",
                    f"leave one of the two out: {_WHY[key]}", at_key=True,
                )  # fmt: skip
        for index, name in enumerate(campaign.alike):
            if name in contexts:
                self._report(
                    ("alike", index), "context", f'"{name}" is not chosen: trials that are proposed together share it anyway',
                    "take it off this list",
                )  # fmt: skip
        for index, rule in enumerate(campaign.at_most):
            for place, name in enumerate(rule.factors):
                if name in contexts:
                    self._report(
                        ("at_most", index, "factors", place), "context", f'"{name}" is not chosen, so it can\'t be left out',
                        "take it off this list",
                    )  # fmt: skip
        for index, text in enumerate(campaign.constraints):
            try:
                named = {name for name, _ in parse_expression(text).names}
            except ExpressionError:
                continue  # reported where constraints are checked
            if named & set(contexts) and not named & (set(campaign.factors) - set(contexts)):
                self._report(
                    ("constraints", index), "context", "this names no factor that can be chosen, so no trial can be made to keep it",
                    "narrow the range of the context instead: nothing is proposed beyond it",
                )  # fmt: skip


_WHY = {
    "candidates": "no row has the value of the day",
    "stop": "how near the optimum is, is known where all factors can be chosen",
}
