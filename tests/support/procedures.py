"""An SOP that uses every part of the format, as text and as model, for tests that need no check of units or volumes."""

from __future__ import annotations

from functools import cache

from lab.sop.diagnostics import validate
from lab.sop.document import read_document
from lab.sop.model import Sop

__all__ = ["FULL", "changed_full", "read_sop_text"]

FULL = """\
sop_format: 1
id: ester_titration
title: Make an ester, then titrate the acid that is left
version: "1.2.0"
status: approved
authors:
  - {name: A. Weber, orcid: 0000-0002-1825-0097, affiliation: University of Example}
approved_by: B. Okafor
effective_date: "2026-11-21"
license: CC-BY-4.0
intended_use: For teaching.
keywords: [ester, titration]
change_log:
  - {version: "1.2.0", date: "2026-11-20", text: Warmer than before}

parameters:
  total_volume:
    display_name: Total volume
    description: Volume of the mixture
    unit: mL
    minimum: 5 mL
    maximum: 12 mL
    default: 10 mL
    role: factor
  solvent:
    type: choice
    choices: [ethanol, methanol]
    default: ethanol
    role: fixed

materials:
  alcohol:
    name: Ethanol <99.8 %>
    role: solvent
    density: 0.789 g/mL
    boiling_point: 78 degC
    flash_point: 14 degC
    hazards: [H225, H319, P210]
    identifiers: {cas: 64-17-5, smiles: CCO}
    lot_required: true
  base:
    name: Sodium hydroxide 0.1 mol/L
    role: reagent
    concentration: 0.1 mol/L
    hazards: [H314]

containers:
  flask: {description: Round flask, capacity: 50 mL, maximum_temperature: 150 degC}

equipment:
  pump: {capability: liquid_dosing, draws: alcohol, into: flask}
  base_pump: {capability: liquid_dosing, draws: base, into: flask}
  stirrer: {capability: heating_stirring, at: flask}
  probe: {capability: conductivity, at: flask, calibration_max_age: 365 day}
  drain_pump: {capability: liquid_dosing, draws: flask, into: waste}

safety:
  supervision: present
  max_unattended: 2 h
  hazards: [hot surfaces]
  ppe: [safety glasses, gloves]
  notes: Work in the fume hood.
  limits:
    - {signal: stirrer.temperature, maximum: 70 degC, on_violation: hold}
  overrides:
    - {finding: flash_point, between: [alcohol, flask], name: A. Weber, reason: closed hood}
  safe_state:
    - id: heater_off
      title: Switch the heater off
      equipment: stirrer
      action: stop
      duration: 2 s
      timeout: 30 s

procedure:
  - id: preparation
    title: Preparation
    stage:
      - id: look
        title: Look at the flask
        duration: 1 min
        timeout: 1 h
        at: flask
        manual:
          prompt: Is the flask clean and dry?
          expects:
            clean: {type: yes_no, prompt: Is it clean?}
            mass: {type: quantity, unit: g, minimum: 10 g, maximum: 90 g, required: false}
          sign: witness
          simulate: {clean: true, mass: 40}
      - id: dose
        title: Dose the alcohol
        instruction: Watch the line; no air may come.
        equipment: pump
        action: dispense
        with: {volume: "${total_volume}", rate: 20 mL/min}
        duration: 40 s
        timeout: 5 min
        on_error:
          retry: 2
          delay: 10 s
          then: hold
          compensate:
            - id: undo_dose
              title: Empty the flask
              equipment: drain_pump
              action: dispense
              with: {volume: "${total_volume}", rate: 20 mL/min}
              duration: 40 s
              timeout: 5 min
  - id: warm
    title: Warm it
    equipment: stirrer
    action: set_temperature
    with: {temperature: 25 degC}
    ramp: 5 K/min
    settle: 30 s
    duration: 10 min
    timeout: 1 h
  - id: titrate
    title: Titrate
    repeat:
      max_iterations: 5
      until: ${measure.conductivity > 2 mS/cm}
      on_exhausted: continue
      steps:
        - id: add
          title: Add base
          equipment: base_pump
          action: dispense
          with: {volume: 0.5 mL, rate: 5 mL/min}
          duration: 10 s
          timeout: 2 min
        - id: measure
          title: Measure
          equipment: probe
          action: measure
          duration: 20 s
          timeout: 2 min
          outputs:
            conductivity: {minimum: 0 mS/cm, maximum: 50 mS/cm, uncertainty: 1 percent}
          checks:
            - expect: conductivity > 0.01 mS/cm
              message: the probe hangs in air
              severity: warn
  - id: levels
    title: Three levels
    for_each:
      name: level
      in: [1 mL, 2 mL]
      steps:
        - id: add_level
          title: Add a level
          equipment: base_pump
          action: dispense
          with: {volume: "${level}", rate: 5 mL/min}
          duration: 10 s
          timeout: 2 min
  - id: finish
    title: Both at once
    parallel:
      - - id: stop_heat
          title: Stop heating
          equipment: stirrer
          action: stop
          duration: 2 s
          timeout: 30 s
      - - id: last_reading
          title: Read a last time
          equipment: probe
          action: measure
          duration: 20 s
          timeout: 2 min
          critical: false
  - id: dilute
    title: Dilute where it is too strong
    branch:
      when: ${last_reading.conductivity > 10 mS/cm}
      then:
        - id: add_solvent
          title: Add solvent
          equipment: pump
          action: dispense
          with: {volume: 5 mL, rate: 20 mL/min}
          duration: 20 s
          timeout: 2 min
      else:
        - id: rest
          title: Let it rest
          duration: 1 min
          timeout: 1 h
          manual: {prompt: Wait until it is clear., sign: none}
  - id: rinse
    title: Rinse
    call:
      sop: rinse.yaml
      version: "1.0.0"
      sha256: 00000000000000000000000000000000000000000000000000000000000000ff
      with: {volume: "${total_volume}"}
      equipment: {pump: drain_pump}

timing:
  - {id: quench, from: dose.end, to: warm.start, less_than: 5 min, on_violation: scrap}

quality:
  standards:
    kcl:
      material: base
      certificate: NIST SRM 3190
      certified_value: 1.413 mS/cm
      expanded_uncertainty: 0.004 mS/cm
      measured: measure.conductivity
      tolerance: 0.02 mS/cm
  replicates:
    levels: {measured: measure.conductivity, least: 2, max_relative_sd: 2 percent}
  qc_every: 10
  control_rules: [1_3s]

derived:
  expected_mass: {unit: g, value: "${total_volume * alcohol.density}"}

results:
  conductivity:
    from: last_reading.conductivity
    unit: mS/cm
    description: Conductivity of the mixture
  ratio:
    value: ${last_reading.conductivity / measure.conductivity}
    unit: dimensionless
    required: false
"""


@cache
def read_sop_text(text: str) -> Sop:
    """The model of a text; what is wrong in it is a mistake of the test."""
    sop, findings = validate(Sop, read_document(text, "sop.yaml"))
    assert sop is not None, [item.text() for item in findings]
    return sop


def changed_full(*changes: tuple[str, str]) -> Sop:
    """`FULL` with the first occurrence of each text replaced."""
    text = FULL
    for old, new in changes:
        assert old in text, f"there is no {old!r}"
        text = text.replace(old, new, 1)
    return read_sop_text(text)
