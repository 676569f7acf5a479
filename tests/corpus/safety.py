"""Procedures that would harm somebody or something: vessels, heat, materials that meet, nobody watching, vague words."""

from __future__ import annotations

from tests.corpus.cases import Case, edit

__all__ = ["CASES"]

_SALT, _ACID, _WATER = (
    "    role: reagent\n    identifiers:",
    "    hazards: [H290]",
    "    density: 0.998 g/mL",
)
_WARM = "with: {temperature: 25 degC}"
_SAFE = "safety:\n"
_MIX = """\
  - id: mix
    title: Stir before heating
    equipment: stirrer
    action: stir
    with: {speed: 200 rpm}
    duration: 8 s
    timeout: 60 s
"""


def _meeting(name: str, raises: str, first: str, second: str, *more: str) -> Case:
    """The salt is of one reactive group, the acid of another."""
    salt = f"    reactive_groups: [{first}]\n{_SALT}"
    return edit(name, "rich", raises, _SALT, salt, _ACID, f"    reactive_groups: [{second}]", *more)


def _override(
    kind: str, between: str = "", who: str = "A. Weber", why: str = "tested behind a shield"
) -> tuple[str, str]:
    about = f", between: [{between}]" if between else ""
    return (
        _SAFE,
        f"{_SAFE}  overrides:\n    - {{finding: {kind}{about}, name: {who}, reason: {why}}}\n",
    )


_VESSELS = (
    edit("a loop that fills the vessel beyond its brim", "rich", "overfill", "max_iterations: 4", "max_iterations: 60"),
    edit("a dose above the capacity", "plain", "overfill", "capacity: 20 mL", "capacity: 11 mL"),
    edit("doses above the capacity at a corner", "rich", "overfill", "    maximum: 4 mL\n", "    maximum: 24 mL\n"),
    edit("doses that fit only into a vessel that no run has used before", "rich", "overfill", "max_iterations: 4", "max_iterations: 43"),
    edit("a person who empties no vessel in particular", "rich", "shape", "        at: cell\n        duration: 1 min", "        empties: true\n        duration: 1 min"),
    edit("drawing more than there is", "plain", "overdraw", "volume: ${total_volume}\n      rate: 20 mL/min\n    duration: 70 s", "volume: ${total_volume * 2}\n      rate: 20 mL/min\n    duration: 70 s"),
    edit("drawing from an empty vessel", "plain", "overdraw", "procedure:\n", "procedure:\n  - {id: early, title: Drain, equipment: drain_pump, action: dispense, with: {volume: 2 mL}, duration: 5 s, timeout: 1 min}\n"),
    edit("drawing what the dead volume holds back", "rich", "overdraw", "    with: {volume: 20 mL, rate: 20 mL/min}\n    empties: true\n    duration: 70 s\n    timeout: 5 min\n  - id: rinse", "    with: {volume: 5 mL, rate: 20 mL/min}\n    duration: 70 s\n    timeout: 5 min\n  - id: rinse", "dead_volume: 0.2 mL", "dead_volume: 4 mL"),
    edit("an emptying that leaves some", "rich", "empties", "    with: {volume: 20 mL, rate: 20 mL/min}\n    empties: true\n    duration: 70 s\n    timeout: 5 min\n  - id: rinse", "    with: {volume: 6 mL, rate: 20 mL/min}\n    empties: true\n    duration: 70 s\n    timeout: 5 min\n  - id: rinse"),
    edit("a safe state that pours into a full vessel", "rich", "overfill", "    - id: all_off\n", "    - {id: quench, title: Quench, equipment: water_pump, action: dispense, with: {volume: 24 mL}, duration: 5 s, timeout: 1 min}\n    - id: all_off\n"),
    edit("a safe state that pours more than the vessel holds", "rich", "overfill", "    - id: all_off\n", "    - {id: quench, title: Quench, equipment: water_pump, action: dispense, with: {volume: 50 mL}, duration: 5 s, timeout: 1 min}\n    - id: all_off\n"),
    edit("a dead volume of the whole vessel", "rich", "range", "dead_volume: 0.2 mL", "dead_volume: 25 mL"),
    edit("a negative dead volume", "rich", "range", "dead_volume: 0.2 mL", "dead_volume: -1 mL"),
    edit("a shelf life of nothing", "rich", "range", "shelf_life: 90 day", "shelf_life: 0 day"),
    edit("a dose of a measured value without limits", "rich", "unbounded", "clamp(0.1 mL * weigh.mass / 10 g, 0.05 mL, 0.5 mL)", "weigh.mass_sd / salt.density"),
)  # fmt: skip

_HEAT = (
    edit("heating above the boiling point", "rich", "boiling_point", _WATER, f"{_WATER}\n    boiling_point: 100 degC", _WARM, "with: {temperature: 98 degC}", "maximum: 60 degC, on_violation", "maximum: 99 degC, on_violation", "    maximum_temperature: 80 degC\n", ""),
    edit("heating to the flash point", "plain", "flash_point", "    density: 1.05 g/mL", "    density: 1.05 g/mL\n    flash_point: 27 degC"),
    edit("heating a vessel above what it stands", "rich", "rating", "maximum_temperature: 80 degC", "maximum_temperature: 22 degC"),
    edit("a sealed vessel that is heated", "rich", "sealed", "    capacity: 25 mL", "    sealed: true\n    capacity: 25 mL"),
    edit("a sealed vessel that nothing sees to", "rich", "safe-state", "    capacity: 25 mL", "    sealed: true\n    maximum_pressure: 6 bar\n    capacity: 25 mL", "    - id: all_off\n      title: Heater and motor off\n      equipment: stirrer\n      action: stop\n      duration: 2 s\n      timeout: 30 s", "    - {id: tare_off, title: Tare, equipment: balance, action: tare, duration: 2 s, timeout: 30 s}", "    at: cell\n    range", "    range"),
    edit("a heater that nothing stops", "rich", "safe-state", "      equipment: stirrer\n      action: stop\n      duration: 2 s", "      equipment: stirrer\n      action: stir\n      with: {speed: 100 rpm}\n      duration: 2 s"),
    edit("heat before stirring", "rich", "stir-before-heat", _MIX, ""),
    edit("heat after the stirrer was stopped", "rich", "stir-before-heat", _MIX, f"{_MIX}  - {{id: halt, title: Motor off, equipment: stirrer, action: stop, duration: 2 s, timeout: 30 s}}\n"),
    edit("an empty vessel that is heated", "plain", "heated-empty", "procedure:\n", "procedure:\n  - {id: preheat, title: Preheat, equipment: stirrer, action: heat, with: {temperature: 40 degC}, duration: 1 min, timeout: 9 min}\n"),
    edit("a limit below the target", "rich", "limit", "maximum: 60 degC, on_violation", "maximum: 20 degC, on_violation"),
    edit("a lower limit above the target", "rich", "limit", "maximum: 60 degC, on_violation", "minimum: 26 degC, on_violation"),
)  # fmt: skip

_MEETINGS = (
    _meeting("cyanide and acid", "incompatible", "cyanide", "acid_nonoxidising"),
    _meeting("bleach and acid", "incompatible", "hypochlorite", "acid_nonoxidising"),
    _meeting("acid and base", "incompatible", "base", "acid_nonoxidising"),
    _meeting("what reacts with water, and water", "incompatible", "water_reactive", "acid_nonoxidising", _WATER, f"{_WATER}\n    reactive_groups: [water]"),
    _meeting("a reactive group misspelt", "reference", "cyanid", "acid_nonoxidising"),
    edit("an oxidiser by its hazard statement", "rich", "incompatible", _ACID, "    hazards: [H271]", _SALT, f"    reactive_groups: [hydrocarbon]\n{_SALT}"),
    edit("what the SOP itself says must not meet", "rich", "incompatible", _SAFE, f"{_SAFE}  incompatible_materials:\n    - {{materials: [acid, salt], reason: the standard is spoilt}}\n"),
    edit("an incompatibility of an unknown material", "rich", "reference", _SAFE, f"{_SAFE}  incompatible_materials:\n    - {{materials: [acid, slat], reason: the standard is spoilt}}\n"),
    edit("an incompatibility of one material", "rich", "value", _SAFE, f"{_SAFE}  incompatible_materials:\n    - {{materials: [acid], reason: the standard is spoilt}}\n"),
    _meeting("an override without a name", "key-missing", "base", "acid_nonoxidising", _SAFE, f"{_SAFE}  overrides:\n    - {{finding: incompatible, between: [salt, acid], reason: dilute}}\n"),
    _meeting("an override without a reason", "key-missing", "base", "acid_nonoxidising", _SAFE, f"{_SAFE}  overrides:\n    - {{finding: incompatible, between: [salt, acid], name: A. Weber}}\n"),
    _meeting("an override with an empty reason", "value", "base", "acid_nonoxidising", *_override("incompatible", "salt, acid", why='""')),
    _meeting("an override of another pair", "incompatible", "cyanide", "acid_nonoxidising", *_override("incompatible", "salt, water")),
    _meeting("an override that stands", "incompatible", "base", "acid_nonoxidising", *_override("incompatible", "salt, acid")),
    edit("an override that nothing needs", "rich", "override-unused", *_override("flash_point")),
    edit("an override of an unknown material", "rich", "reference", *_override("flash_point", "sallt")),
    edit("an override of what can't be overridden", "rich", "value", *_override("overfill")),
)  # fmt: skip

_PEOPLE = (
    edit("nobody for too long", "rich", "unattended", "max_unattended: 4 h", "max_unattended: 5 min"),
    edit("nobody watches a heater", "plain", "unattended", "supervision: remote", "supervision: none"),
    edit("an unknown kind of supervision", "plain", "value", "supervision: remote", "supervision: camera"),
    edit("a negative time without anybody", "rich", "range", "max_unattended: 4 h", "max_unattended: -4 h"),
)  # fmt: skip

_WORDS = (
    edit("overnight in an instruction", "rich", "vague", "Hold the cell against the light and look for residue.", "Leave it in the cell overnight."),
    edit("room temperature in an instruction", "rich", "vague", "Hold the cell against the light and look for residue.", "Let it come to room temperature."),
    edit("slowly in an instruction", "rich", "vague", "Hold the cell against the light and look for residue.", "Fill the cell slowly."),
    edit("slowly in a title", "plain", "vague", "title: Stir\n", "title: Stir gently\n"),
    edit("some in a prompt", "rich", "vague", "Take a picture of the cell from the front.", "Add some water and take a picture."),
    edit("if necessary in a prompt", "rich", "vague", "Is the cell clean, and which colour has the stock?", "Clean the cell if necessary."),
    edit("a cold store", "rich", "vague", "storage: 15 to 25 degC", "storage: keep cold"),
    edit("a wait until it is done", "rich", "vague", "Hold the cell against the light and look for residue.", "Wait until it is dissolved."),
)  # fmt: skip

CASES = (*_VESSELS, *_HEAT, *_MEETINGS, *_PEOPLE, *_WORDS)
