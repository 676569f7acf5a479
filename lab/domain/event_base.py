"""What events are made of; everybody else takes these names from `lab.domain.event`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

__all__ = ["AtMostSpec", "EventBase", "FactorSpec", "ObjectiveSpec", "Value"]


class EventBase(BaseModel):
    """Frozen and closed, as whatever a journal holds must be."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Value(EventBase):
    """A measured or derived number with its unit and, where known, its standard deviation."""

    value: float
    unit: str
    standard_deviation: float | None = None


class FactorSpec(EventBase):
    """A factor's range, plain numbers in `unit`. With a `step` it's only tried at whole multiples from `minimum`."""

    name: str
    unit: str
    minimum: float
    maximum: float
    step: float | None = None


class AtMostSpec(EventBase):
    """At most `most` of these factors are above zero."""

    factors: tuple[str, ...]
    most: int


class ObjectiveSpec(EventBase):
    """Which result is optimised, and what is known of it beforehand."""

    result: str
    unit: str
    direction: Literal["maximize", "minimize"]
    reference: float | None = None
    reference_note: str = ""
    report: str = ""
    """A derived value or parameter that people want to see beside the result."""
    report_unit: str = ""
