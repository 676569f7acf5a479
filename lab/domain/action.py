"""What a device can do, as data: actions with typed arguments, units, effect and settlement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

__all__ = [
    "ActionSpec",
    "ArgSpec",
    "CapabilitySpec",
    "Durations",
    "Effect",
    "Limits",
    "OutputSpec",
    "Settle",
]

Effect = Literal["none", "absolute", "once"]
"""none: reads only. absolute: sets a state, safe to repeat. once: acts physically, must not be repeated."""

Settle = Literal["query", "ask"]
"""How an unknown outcome is settled: by querying the device, or by asking a person."""

Limits = Callable[[Mapping[str, JsonValue]], Mapping[str, tuple[float, float]]]
"""A device's settings -> argument of its actions -> least and greatest value, in the contract's unit.

It needs no device, so that a plan beyond them is refused before anything moves. InputError where the settings are wrong.
"""

Durations = Callable[[str, Mapping[str, JsonValue], Mapping[str, JsonValue]], float | None]
"""(action, its arguments in the contract's units, the device's settings) -> process seconds that it takes.

None where the driver can't tell, be it that an argument is known only when the step begins. It needs no device.
InputError where the settings are wrong.
"""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ArgSpec(_Frozen):
    """One argument. On the wire a quantity is a plain number in `unit`."""

    kind: Literal["quantity", "integer", "text", "choice", "volumes"]
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    default: float | int | str | None = None
    required: bool = True
    description: str = ""


class OutputSpec(_Frozen):
    """One value that an action returns, a plain number in `unit`. `<name>_sd` may accompany it."""

    unit: str = ""
    description: str = ""


class ActionSpec(_Frozen):
    """One action of a capability."""

    description: str
    effect: Effect
    settle: Settle = "query"
    args: dict[str, ArgSpec] = Field(default_factory=dict)
    outputs: dict[str, OutputSpec] = Field(default_factory=dict)
    duration_s: float = 5.0
    """Typical duration in process seconds, used for planning where the SOP says nothing."""
    doses: Literal["", "volume", "volumes"] = ""
    """Which argument adds liquid to the step's container (for the volume bookkeeping)."""
    heats: str = ""
    """Which argument is a temperature that the contents of the step's container are brought to; none if empty."""
    stirs: str = ""
    """Which argument is a speed that the contents of the step's container are stirred at; none if empty."""


class CapabilitySpec(_Frozen):
    """A contract that several devices can fulfil: `weighing`, `liquid_dosing`, ..."""

    name: str
    description: str
    actions: dict[str, ActionSpec]
