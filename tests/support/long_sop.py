"""A long procedure, written by a loop: what the speed of the checker is measured with."""

from __future__ import annotations

__all__ = ["long_sop"]

_HEAD = """\
sop_format: 1
id: long_procedure
title: A long procedure
version: "1.0.0"
status: draft
authors: [{name: The Labwright authors}]
parameters:
  base: {unit: mL, minimum: 0.1 mL, maximum: 0.2 mL, default: 0.1 mL, role: factor}
  factor: {unit: mL, minimum: 0.1 mL, maximum: 0.3 mL, default: 0.2 mL, role: factor}
  warmth: {unit: degC, minimum: 20 degC, maximum: 40 degC, default: 25 degC, role: fixed}
materials:
  stock: {name: Stock, role: solvent, density: 1.0 g/mL}
containers:
  cell: {capacity: 5 L}
equipment:
  pump: {capability: liquid_dosing, draws: stock, into: cell}
  balance: {capability: weighing, at: cell}
  stirrer: {capability: heating_stirring, at: cell}
  probe: {capability: conductivity, at: cell}
safety:
  supervision: present
  safe_state:
    - {id: all_off, title: Off, equipment: stirrer, action: stop, duration: 2 s, timeout: 30 s}
derived:
"""


def _step(id_: str, equipment: str, action: str, indent: int, more: str = "") -> str:
    blanks = " " * indent
    lines = [f"- id: {id_}", f"  title: {id_}", f"  equipment: {equipment}", f"  action: {action}"]
    lines += [f"  {line}" for line in more.split("\n") if line]
    lines += ["  duration: 10 s", "  timeout: 5 min"]
    return "".join(f"{blanks}{line}\n" for line in lines)


def _group(number: int) -> str:
    """Six steps as written: a dose, a weighing, a loop of two, a branch of two."""
    weighed = f"weigh_{number}"
    mass = "outputs: {mass: {minimum: 0 g, maximum: 50 g, uncertainty: 2 mg}}\nchecks:\n"
    mass += f"  - {{expect: mass > expected_{number} * 0.1, message: too light, severity: warn}}"
    late = f'with: {{volume: "${{clamp({weighed}.mass / 1000 g * base, 0.01 mL, 1 mL)}}", rate: 1 mL/min}}'
    return (
        _step(f"dose_{number}", "pump", "dispense", 2, 'with: {volume: "${base + factor / 2}"}')
        + _step(weighed, "balance", "weigh", 2, mass)
        + f"  - id: loop_{number}\n    repeat:\n      max_iterations: 2\n"
        + f'      until: "${{read_{number}.conductivity > 5 mS/cm}}"\n      on_exhausted: continue\n      steps:\n'
        + _step(f"add_{number}", "pump", "dispense", 8, late)
        + _step(f"read_{number}", "probe", "measure", 8)
        + f'  - id: branch_{number}\n    branch:\n      when: "${{{weighed}.mass > 20 g}}"\n      then:\n'
        + _step(f"heat_{number}", "stirrer", "heat", 8, 'with: {temperature: "${warmth}"}')
        + "      else:\n"
        + _step(f"stir_{number}", "stirrer", "stir", 8, "with: {speed: 200 rpm}")
    )


def long_sop(steps: int = 300) -> str:
    """About that many steps as written, a third more when written out, with a derived value for each six."""
    groups = max(1, steps // 6)
    derived = "".join(
        f'  expected_{n}: {{unit: g, value: "${{(base + factor / 2) * stock.density * {n}}}"}}\n'
        for n in range(1, groups + 1)
    )
    results = f"results:\n  mass: {{from: weigh_{groups}.mass, unit: g}}\n"
    results += f'  mean: {{value: "${{mean(read_{groups}.conductivity)}}", unit: mS/cm}}\n'
    stir = _step("stir_first", "stirrer", "stir", 2, "with: {speed: 200 rpm}")
    procedure = stir + "".join(_group(n) for n in range(1, groups + 1))
    return f"{_HEAD}{derived}procedure:\n{procedure}{results}"
