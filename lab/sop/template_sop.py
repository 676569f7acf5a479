"""A first SOP made of a few answers: what is measured, whether liquids are dosed, something is heated or repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.errors import InputError
from lab.sop.diagnostics import did_you_mean
from lab.sop.templates import new_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.domain.action import CapabilitySpec

__all__ = ["Answers", "Measurement", "measurements", "sop_files"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A reading that needs no arguments: its action, first output and unit."""

    capability: str
    action: str
    output: str
    unit: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person said of the procedure. `measured` is a name of `measurements`; only what was dosed is heated."""

    title: str
    measured: str
    doses: bool = True
    heats: bool = False
    repeats: bool = False


def measurements(capabilities: Mapping[str, CapabilitySpec]) -> dict[str, Measurement]:
    """Capability -> the reading that a first SOP can take with it."""
    found: dict[str, Measurement] = {}
    for name, capability in capabilities.items():
        for action, spec in capability.actions.items():
            ready = not any(argument.required for argument in spec.args.values())
            if ready and spec.effect == "none" and spec.outputs:
                output, kind = next(iter(spec.outputs.items()))
                found.setdefault(name, Measurement(name, action, output, kind.unit))
    return found


def sop_files(
    name: str,
    answers: Answers,
    capabilities: Mapping[str, CapabilitySpec],
    *,
    schemas: str = "../../schemas",
) -> dict[str, str]:
    """Relative path -> text, as `lab.sop.templates.new_files` gives it. InputError for an unknown reading or a bad name."""
    known = measurements(capabilities)
    if answers.measured not in known:
        raise InputError(
            f'nothing is measured with "{answers.measured}" here',
            hint=did_you_mean(answers.measured, known),
        )
    if answers.heats and not answers.doses:
        raise InputError("an empty vessel can't be heated", hint="let liquid be dosed into it")
    (path,) = new_files("sop", name)  # also judges the name
    measured = known[answers.measured]
    head = _HEAD.format(schemas=schemas, name=name, title=_quoted(answers.title))
    parts = [
        head,
        _parameters(answers),
        _WATER if answers.doses else "",
        _CONTAINER,
        _equipment(answers, measured),
        _SAFETY + _HEATER_OFF if answers.heats else _SAFETY,
        _procedure(answers, measured),
        _RESULT.format(output=measured.output, unit=measured.unit or "dimensionless"),
    ]
    return {path: "\n".join(part for part in parts if part)}


def _quoted(text: str) -> str:
    """In double quotes, as YAML reads them back."""
    line = " ".join(text.split())
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _parameters(answers: Answers) -> str:
    parts = (_VOLUME if answers.doses else "") + (_TEMPERATURE if answers.heats else "")
    return f"parameters:\n{parts}" if parts else ""


def _equipment(answers: Answers, measured: Measurement) -> str:
    text = f"equipment:\n  meter:\n    capability: {measured.capability}\n    at: vessel\n"
    return text + (_PUMPS if answers.doses else "") + (_HEATER if answers.heats else "")


def _procedure(answers: Answers, measured: Measurement) -> str:
    reading = _READING.format(action=measured.action)
    if answers.repeats:
        inside = "".join(f"      {line}\n" for line in reading.splitlines())
        reading = _LOOP + inside
    steps = (
        _DOSE if answers.doses else "",
        _HEAT if answers.heats else "",
        reading,
        _COOL if answers.heats else "",
        _DRAIN if answers.doses else "",
    )
    return "procedure:\n" + "".join(steps)


_HEAD = """\
# yaml-language-server: $schema={schemas}/sop.schema.json
sop_format: 1
id: {name}
title: {title}
version: "0.1.0"
status: draft
authors:
  - name: Your Name
license: CC-BY-4.0
"""

_VOLUME = """\
  volume:
    description: Volume that is dosed
    unit: mL
    minimum: 1 mL
    maximum: 8 mL
    default: 5 mL
    role: factor
"""

_TEMPERATURE = """\
  temperature:
    description: Temperature of the reading
    unit: degC
    minimum: 25 degC
    maximum: 40 degC
    default: 30 degC
    role: factor
"""

_WATER = """\
materials:
  water:
    name: Water
    role: solvent
    density: 0.998 g/mL
    boiling_point: 100 degC
    identifiers: {cas: 7732-18-5}
"""

_CONTAINER = """\
containers:
  vessel:
    description: Vessel in which it is measured
    capacity: 20 mL
"""

_PUMPS = """\
  pump:
    capability: liquid_dosing
    draws: water
    into: vessel
  drain_pump:
    capability: liquid_dosing
    draws: vessel
    into: waste
"""

_HEATER = """\
  heater:
    capability: heating_stirring
    at: vessel
"""

_SAFETY = """\
safety:
  supervision: present
"""

_HEATER_OFF = """\
  safe_state:
    - id: heater_off
      title: Switch the heater off
      equipment: heater
      action: stop
      duration: 2 s
      timeout: 30 s
"""

_DOSE = """\
  - id: dose
    title: Dose the water
    equipment: pump
    action: dispense
    with:
      volume: ${volume}
      rate: 10 mL/min
    duration: 40 s
    timeout: 5 min
"""

_HEAT = """\
  - id: stir
    title: Stir
    equipment: heater
    action: stir
    with:
      speed: 300 rpm
    duration: 8 s
    timeout: 60 s
  - id: heat
    title: Bring it to temperature
    equipment: heater
    action: heat
    with:
      temperature: ${temperature}
    settle: 30 s
    duration: 10 min
    timeout: 1 h
"""

_READING = """\
  - id: measure
    title: Take a reading
    equipment: meter
    action: {action}
    duration: 10 s
    timeout: 2 min
    on_error:
      retry: 2
"""

_LOOP = """\
  - id: readings
    title: Take three readings
    repeat:
      max_iterations: 3
      steps:
"""

_COOL = """\
  - id: stop_heater
    title: Switch the heater off
    equipment: heater
    action: stop
    duration: 2 s
    timeout: 30 s
"""

_DRAIN = """\
  - id: drain
    title: Empty the vessel
    equipment: drain_pump
    action: dispense
    empties: true
    with:
      volume: ${volume * 1.1}
      rate: 20 mL/min
    duration: 30 s
    timeout: 5 min
"""

_RESULT = """\
results:
  {output}:
    from: measure.{output}
    unit: {unit}
"""
