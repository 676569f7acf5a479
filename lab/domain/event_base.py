"""What events are made of; everybody else takes these names from `lab.domain.event`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AtMostSpec",
    "ChoiceSpec",
    "ContextSpec",
    "ContextValue",
    "CostSpec",
    "EventBase",
    "FactorSpec",
    "FactorValue",
    "LimitSpec",
    "ObjectiveSpec",
    "SettingValue",
    "Side",
    "StopSpec",
    "Value",
    "is_empty",
    "range_mark",
]


def is_empty(value: object) -> bool:
    """For fields that are left out of the journal where they say nothing. A number says something, nought too."""
    return not value and (isinstance(value, bool) or not isinstance(value, int | float))


class EventBase(BaseModel):
    """Frozen and closed, as whatever a journal holds must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Side = Literal["above", "below"]
"""On which side of the measuring range a result lies."""


def range_mark(side: Side | None) -> str:
    """What stands before a value for people: `> ` or `< ` where the result lies beyond it."""
    return "" if side is None else {"above": "> ", "below": "< "}[side]


class Value(EventBase):
    """A measured or derived number with its unit and, where known, its standard deviation."""

    value: float
    unit: str
    standard_deviation: float | None = None
    beyond: Side | None = Field(default=None, exclude_if=is_empty)
    """Set where it is at an end of the measuring range or beyond: then nobody knows the number exactly."""


FactorValue = float | str
"""What a factor is set to: a number in its unit, or one of its choices."""

SettingValue = FactorValue | bool
"""What a parameter is set to: yes or no, too, and any text."""


class ContextSpec(EventBase):
    """How the value of a factor that nobody chooses becomes known. Without a device people tell it."""

    device: str = ""
    signal: str = ""
    """Telemetry channel of that device."""
    unit: str = ""
    """Of the signal."""
    max_age_s: float | None = None
    """Process seconds after which a value is none any more; None for never."""
    value: FactorValue | None = None
    """What people said of it before the campaign began, in the factor's unit."""


class ContextValue(EventBase):
    """What such a factor is, in its unit, and who says so."""

    value: FactorValue
    source: str
    """Signal and device, the campaign's file, or a person."""
    at: datetime | None = None
    """When it was true, in process time; None where that is the time of the record."""
    actor: str = ""
    """Who told it; empty for a signal and a file."""
    reason: str = ""


class FactorSpec(EventBase):
    """A factor's range, plain numbers in `unit`. With a `step` it's only tried at whole multiples from `minimum`; with
    `levels` (ascending, from `minimum` to `maximum`) only at those."""

    name: str
    unit: str
    minimum: float
    maximum: float
    step: float | None = None
    levels: tuple[float, ...] = ()
    context: ContextSpec | None = Field(default=None, exclude_if=is_empty)
    """Set where nobody chooses it."""


class ChoiceSpec(EventBase):
    """A factor that is one of some names."""

    name: str
    choices: tuple[str, ...]
    descriptors: dict[str, tuple[float, ...]] = Field(default_factory=dict[str, tuple[float, ...]])
    """Choice -> numbers that say how alike the choices are; empty where none are known."""
    context: ContextSpec | None = Field(default=None, exclude_if=is_empty)

    @property
    def unit(self) -> str:
        """None: a choice is a name."""
        return ""


class AtMostSpec(EventBase):
    """At most `most` of these factors are above zero."""

    factors: tuple[str, ...]
    most: int


class ObjectiveSpec(EventBase):
    """Which result is optimised, and what is known of it beforehand."""

    result: str
    unit: str
    direction: Literal["maximize", "minimize", "target"]
    reference: float | None = None
    reference_note: str = ""
    report: str = ""
    """A derived value or parameter that people want to see beside the result."""
    report_unit: str = ""
    target: float | None = None
    worst: float | None = None
    """Of no use any more; of a target the distance from it."""
    ideal: float | None = None
    weight: float = 1.0
    zeros: bool = Field(default=False, exclude_if=is_empty)
    """Many results are exactly zero for reasons of their own."""


class LimitSpec(EventBase):
    """What a measured result must keep to."""

    result: str
    unit: str
    minimum: float | None = None
    maximum: float | None = None


class CostSpec(EventBase):
    """What a trial costs: a formula of the factors, above 0 for all that may be tried, in `unit`."""

    formula: str
    unit: str


class StopSpec(EventBase):
    """A campaign ends once its best trial is `within` this distance of the optimum (in the objective's unit) with this
    probability, but not before so many trials have given a value."""

    within: float
    probability: float
    trials: int
    decides: bool = True
    """False: how near it is, is only shown."""
    unit: str = ""
    """Of `within` where it is not the objective's: percent of a front's volume, or of a desirability."""
