"""Wrong lab files, and campaigns that do not fit their SOP."""

from __future__ import annotations

from tests.corpus.cases import edit

__all__ = ["CASES"]

_MODE = (("plain", "parameters:\n", "parameters:\n  mode: {type: choice, choices: [careful, quick], default: quick, role: fixed}\n"),)  # fmt: skip
_SPAN = (("plain", "    unit: mS/cm\n", "    unit: mS/cm\n    range: {minimum: 10 uS/cm, maximum: 20 mS/cm}\n"),)  # fmt: skip
_DRY = (
    ("plain", "parameters:\n", "parameters:\n  dry: {type: yes_no, default: true, role: fixed}\n"),
)

_LAB = (
    edit("a device at an unknown station", "lab", "reference", "    at: pot", "    at: pott"),
    edit("a pump into an unknown station", "lab", "reference", "into: cell_1", "into: cell_3"),
    edit("a pump from an unknown stock", "lab", "reference", "draws: dilute", "draws: dillute"),
    edit("an unknown driver", "lab", "driver", "driver: ika_hotplate", "driver: ika_hotplat"),
    edit("a stock called like a station", "lab", "name", "stock:\n", "stock:\n  pot: {volume: 1 L}\n"),
    edit("a shared plate", "lab", "shape", "pot: {capacity: 20 mL}", "pot: {capacity: 20 mL, wells: 96, shared: true}"),
    edit("a plate of 97 wells", "lab", "value", "pot: {capacity: 20 mL}", "pot: {capacity: 20 mL, wells: 97}"),
    edit("a broker with a password", "lab", "value", "broker: embedded", "broker: mqtt://me:secret@host"),
    edit("an unknown broker", "lab", "value", "broker: embedded", "broker: embeded"),
    edit("a simulated stock that is not there", "lab", "reference", "    dilute: {density", "    dillute: {density"),
    edit("a stock without volume", "lab", "key-missing", "{volume: 800 mL}", "{lot: A1}"),
    edit("a stock in grams", "lab", "dimension", "{volume: 800 mL}", "{volume: 800 g}"),
    edit("a stock with a decimal comma", "lab", "decimal-comma", "{volume: 800 mL}", "{volume: 800,5 mL}"),
    edit("no devices", "lab", "key-missing", "devices:", "# devices:\nbroken:"),
    edit("an id with a slash", "lab", "value", "id: electrolyte_cell", "id: lab/one"),
    edit("a limit of what the device does not do", "lab", "reference", 'driver: ika_hotplate\n', 'driver: ika_hotplate\n    limits: {temprature: {maximum: 60 degC}}\n'),
    edit("a limit of a device of the wrong kind", "lab", "dimension", 'driver: ika_hotplate\n', 'driver: ika_hotplate\n    limits: {temperature: {maximum: 60 rpm}}\n'),
    edit("a limit of a device in the wrong order", "lab", "range", 'driver: ika_hotplate\n', 'driver: ika_hotplate\n    limits: {temperature: {minimum: 60 degC, maximum: 20 degC}}\n'),
    edit("a resolution of what the device does not measure", "lab", "reference", "driver: mettler_toledo_sics\n", "driver: mettler_toledo_sics\n    resolution: {temperature: 1 K}\n"),
    edit("a limit of a device below what the SOP asks", "lab", "device-limit", 'driver: ika_hotplate\n', 'driver: ika_hotplate\n    limits: {temperature: {maximum: 24 degC}}\n'),
    edit("a syringe too narrow for the rate", "lab", "device-limit", "syringe_diameter_mm: 26.7", "syringe_diameter_mm: 8.66"),
    edit("a syringe too small for a dose", "lab", "device-limit", "syringe_volume_ml: 50}\n    simulate: {dose_cv: 0.004}\n  transfer_pump_1", "syringe_volume_ml: 5}\n    simulate: {dose_cv: 0.004}\n  transfer_pump_1"),
    edit("a syringe without its diameter", "lab", "settings", "{syringe_diameter_mm: 26.7, syringe_volume_ml: 50}", "{syringe_volume_ml: 50}"),
    edit("a syringe as wide as a bucket", "lab", "settings", "syringe_diameter_mm: 26.7", "syringe_diameter_mm: 267"),
    edit("a rule about an unknown reactive group", "lab", "reference", "broker: embedded", "incompatibilities:\n  - {groups: [ester, oxydiser], reason: they ignite}\nbroker: embedded"),
    edit("a rule of the lab that a SOP breaks", "lab", "incompatible", "broker: embedded", "incompatibilities:\n  - {groups: [combustible, combustible], reason: two flammable liquids go through one line here}\nbroker: embedded"),
    edit("a chemistry that does not exist", "lab", "reference", "chemistry: electrolyte", "chemistry: electrolite"),
    edit("a setting that the chemistry does not have", "lab", "reference", "chemistry: electrolyte", "chemistry: saponification\n  settings: {rate_konstant: 0.1}"),
    edit("a setting of a chemistry without settings", "lab", "reference", "chemistry: electrolyte", "chemistry: electrolyte\n  settings: {noise: 0.1}"),
    edit("a stock that is used up", "lab", "supply", "solvent: {volume: 800 mL}", "solvent: {volume: 100 mL}"),
    edit("a waste bottle that runs over", "lab", "supply", "waste: {capacity: 5 L", "waste: {capacity: 100 mL"),
    edit("a waste that is not there", "lab", "reference", "waste: {capacity: 5 L", "wast: {capacity: 5 L", "    into: waste", "    into: wast", "    into: waste", "    into: wast"),
    edit("fewer wells than trials", "lab", "range", "pot: {capacity: 20 mL}", "pot: {capacity: 20 mL, wells: 12}"),
    edit("a dead-man time of what only measures", "lab", "dead_man", "driver: mettler_toledo_sics\n", "driver: mettler_toledo_sics\n    dead_man: 10 s\n"),
    edit("a dead-man time that is too short", "lab", "range", "driver: ika_hotplate\n", "driver: ika_hotplate\n    dead_man: 10 ms\n"),
    edit("a key given twice in a lab", "lab", "duplicate-key", "  dilute: {volume", "  solvent: {volume"),
)  # fmt: skip

_DRAIN = """      volume: ${total_volume * 1.1}
      rate: 20 mL/min
    empties: true
    duration: 70 s
    timeout: 5 min

derived"""
"""The last step of the procedure."""

_OBJECTIVE = """objective:
  result: conductivity
  direction: maximize
  reference: 9.130 mS/cm
  reference_note: >-
    Landesfeind and Gasteiger 2019: 9.130 mS/cm at 1.006 mol/L LiPF6 in EC:EMC 3:7 at 25 degC
  report: salt_concentration
"""

_CAMPAIGN = (
    edit("a factor that is no parameter", "campaign", "factor", "concentrate_volume: {}", "concentrat_volume: {}"),
    edit("a factor that the SOP holds fixed", "campaign", "factor", "  dilute_volume: {}\nfixed:\n  temperature: 25 degC", "  temperature: {}\nfixed:"),
    edit("a factor above its range", "campaign", "range", "dilute_volume: {}", "dilute_volume: {maximum: 4 mL}"),
    edit("a factor below its range", "campaign", "range", "dilute_volume: {}", "dilute_volume: {minimum: -1 mL}"),
    edit("a factor with nothing to vary", "campaign", "range", "dilute_volume: {}", "dilute_volume: {minimum: 2 mL, maximum: 1 mL}"),
    edit("a factor without unit", "campaign", "unit-missing", "dilute_volume: {}", "dilute_volume: {maximum: 3}"),
    edit("a factor of the wrong kind", "campaign", "dimension", "dilute_volume: {}", "dilute_volume: {maximum: 3 g}"),
    edit("a factor without braces", "campaign", "empty", "dilute_volume: {}", "dilute_volume:"),
    edit("a fixed value that is no parameter", "campaign", "reference", "temperature: 25 degC", "temperatur: 25 degC"),
    edit("a fixed value outside the limits", "campaign", "range", "temperature: 25 degC", "temperature: 50 degC"),
    edit("a fixed value without unit", "campaign", "unit-missing", "temperature: 25 degC", "temperature: 25"),
    edit("room temperature in a campaign", "campaign", "vague", "temperature: 25 degC", "temperature: room temperature"),
    edit("a factor that is fixed too", "campaign", "reference", "temperature: 25 degC", "dilute_volume: 1 mL"),
    edit("an unknown objective", "campaign", "reference", "result: conductivity", "result: conductivty"),
    edit("a reference of the wrong kind", "campaign", "dimension", "9.130 mS/cm\n", "9.130 mol/L\n"),
    edit("an unknown value to report", "campaign", "reference", "report: salt_concentration", "report: salt"),
    edit("another version of the SOP", "campaign", "version", 'sop_version: "1.1.0"', 'sop_version: "1.0.0"'),
    edit("maximise", "campaign", "value", "direction: maximize", "direction: maximise"),
    edit("no trials", "campaign", "value", "trials: 24", "trials: 0"),
    edit("more runs at once than trials", "campaign", "range", "trials: 24", "trials: 2"),
    edit("a negative seed", "campaign", "value", "id: electrolyte", "seed: -1\nid: electrolyte"),
    edit("a SOP that has been superseded", "campaign", "version", others=(("plain", "status: approved", "status: superseded"),)),
    edit("a factor that is a choice", "campaign", "factor", "  dilute_volume: {}", "  dilute_volume: {}\n  mode: {}", others=_MODE),
    edit("a fixed choice that is none", "campaign", "value", "temperature: 25 degC", "temperature: 25 degC\n  mode: quik", others=_MODE),
    edit("a fixed choice that is a number", "campaign", "value", "temperature: 25 degC", "temperature: 25 degC\n  mode: 5", others=_MODE),
    edit("a fixed yes/no that is a text", "campaign", "value", "temperature: 25 degC", "temperature: 25 degC\n  dry: yes", others=_DRY),
    edit("a fixed value that is reported", "campaign", "reference", "temperature: 25 degC", "temperature: 25 degC\n  dry: true", others=((*_DRY[0][:2], _DRY[0][2].replace("fixed", "reported")),)),
    edit("true for a temperature", "campaign", "value", "temperature: 25 degC", "temperature: true"),
    edit("a list for a fixed value", "campaign", "quantity", "temperature: 25 degC", "temperature: [25 degC]"),
    edit("a vessel that fills up run after run", "campaign", "overfill", others=(("plain", _DRAIN, _DRAIN.replace(" * 1.1", " * 0.5").replace("    empties: true\n", "")),)),
    edit("a constraint that is a value", "campaign", "constraint", "fixed:\n", "constraints: [concentrate_volume + dilute_volume]\nfixed:\n"),
    edit("a constraint about no factor", "campaign", "constraint", "fixed:\n", "constraints: [2 mL <= 3 mL]\nfixed:\n"),
    edit("a constraint that nothing keeps", "campaign", "constraint", "fixed:\n", "constraints: [concentrate_volume >= 1 L]\nfixed:\n"),
    edit("a constraint that everything keeps", "campaign", "constraint", "fixed:\n", "constraints: [concentrate_volume <= 1 L]\nfixed:\n"),
    edit("a constraint of two kinds", "campaign", "dimension", "fixed:\n", "constraints: [concentrate_volume <= 3 g]\nfixed:\n"),
    edit("a constraint about an unknown factor", "campaign", "reference", "fixed:\n", "constraints: [concentrat_volume <= 3 mL]\nfixed:\n"),
    edit("a component that can't be left out", "campaign", "range", "fixed:\n", "at_most: [{most: 1, factors: [concentrate_volume, dilute_volume]}]\nfixed:\n"),
    edit("at most all of two", "campaign", "range", "fixed:\n", "at_most: [{most: 2, factors: [concentrate_volume, dilute_volume]}]\nfixed:\n"),
    edit("alike in what is no factor", "campaign", "reference", "fixed:\n", "alike: [temperature]\nfixed:\n"),
    edit("a step that does not fit", "campaign", "range", "dilute_volume: {}", "dilute_volume: {step: 1 L}"),
    edit("a step of another kind", "campaign", "dimension", "dilute_volume: {}", "dilute_volume: {step: 1 g}"),
    edit("weights in a campaign", "campaign", "key-unknown", "  direction: maximize", "  direction: maximize\n  importance: 2"),
    edit("no objective at all", "campaign", "key-missing", _OBJECTIVE, ""),
    edit("an objective beside a list of them", "campaign", "objective", "fixed:\n", "objectives: [{result: conductivity, direction: maximize}]\nfixed:\n"),
    edit("a target without its value", "campaign", "objective", "direction: maximize", "direction: target"),
    edit("an ideal worse than the worst", "campaign", "range", "direction: maximize", "direction: maximize\n  worst: 9 mS/cm\n  ideal: 5 mS/cm"),
    edit("a target in another dimension", "campaign", "dimension", "direction: maximize", "direction: target\n  target: 3 g"),
    edit("desirability without ends", "campaign", "objective", "fixed:\n", "weigh: desirability\nfixed:\n"),
    edit("a limit that limits nothing", "campaign", "objective", "fixed:\n", "limits: [{result: conductivity}]\nfixed:\n"),
    edit("a limit on what is not measured", "campaign", "reference", "fixed:\n", "limits: [{result: purity, minimum: 1 g}]\nfixed:\n"),
    edit("a limit between which nothing lies", "campaign", "range", "fixed:\n", "limits: [{result: conductivity, minimum: 9 mS/cm, maximum: 5 mS/cm}]\nfixed:\n"),
    edit("a target that a limit forbids", "campaign", "objective", "  direction: maximize", "  direction: target\n  target: 9 mS/cm", "fixed:\n", "limits: [{result: conductivity, maximum: 5 mS/cm}]\nfixed:\n"),
    edit("a stopping distance where a share is due", "campaign", "dimension", _OBJECTIVE, "objectives: [{result: conductivity, direction: maximize}, {result: temperature, direction: minimize}]\nstop: {within: 0.1 mS/cm}\n"),
    edit("outliers beside a limit", "campaign", "objective", "strategy:\n", "limits: [{result: conductivity, minimum: 1 mS/cm}]\nstrategy:\n  outliers: true\n"),
    edit("zeros where the least is sought", "campaign", "objective", "direction: maximize", "direction: minimize\n  zeros: true"),
    edit("zeros beside a search for outliers", "campaign", "objective", "direction: maximize", "direction: maximize\n  zeros: true", "strategy:\n", "strategy:\n  outliers: true\n"),
    edit("zeros where nothing can be told from none", "campaign", "objective", "direction: maximize", "direction: maximize\n  zeros: true", others=_SPAN),
    edit("a limit where nothing is measured", "campaign", "range", "strategy:\n", "limits: [{result: conductivity, maximum: 20 mS/cm}]\nstrategy:\n", others=_SPAN),
    edit("a target where nothing is measured", "campaign", "range", "direction: maximize", "direction: target\n  target: 5 uS/cm", others=_SPAN),
    edit("zeros of a target", "campaign", "objective", "direction: maximize", "direction: target\n  target: 5 mS/cm\n  zeros: true"),
    edit("zeros above the worst that is of use", "campaign", "objective", "direction: maximize", "direction: maximize\n  worst: -1 mS/cm\n  zeros: true"),
    edit("a quantile of exact set points", "campaign", "objective", "strategy:\n", "strategy:\n  quantile: 0.1\n"),
    edit("an accuracy in grams", "campaign", "dimension", "dilute_volume: {}", "dilute_volume: {accuracy: 1 g}"),
    edit("a stopping rule beside an accuracy", "campaign", "objective", "dilute_volume: {}", "dilute_volume: {accuracy: 1 uL}", "fixed:\n", "stop: {within: 0.1 mS/cm}\nfixed:\n"),
    edit("gain per cost without a cost", "campaign", "cost", "strategy:\n", "strategy:\n  per: cost\n"),
    edit("a cost that nothing is weighed by", "campaign", "cost", "strategy:\n", "strategy:\n  cost: {value: 1 mL + dilute_volume, unit: mL}\n"),
    edit("gain per time where no gain is foreseen", "campaign", "cost", "method: bayesian", "method: sobol\n  per: time"),
    edit("a cost that may be nothing", "campaign", "range", "strategy:\n", "strategy:\n  per: cost\n  cost: {value: 2 * dilute_volume, unit: mL}\n"),
    edit("a cost of what is no factor", "campaign", "reference", "strategy:\n", "strategy:\n  per: cost\n  cost: {value: 1 mL + dilut_volume, unit: mL}\n"),
    edit("a cost of volumes in grams", "campaign", "dimension", "strategy:\n", "strategy:\n  per: cost\n  cost: {value: 1 mL + dilute_volume, unit: g}\n"),
    edit("the same cost for all", "campaign", "cost", "strategy:\n", "strategy:\n  per: cost\n  cost: {value: 2 * total_volume, unit: mL}\n"),
    edit("a context in steps", "campaign", "context", "dilute_volume: {}", "dilute_volume: {step: 0.5 mL, context: {}}"),
    edit("a context without a range", "campaign", "context", "dilute_volume: {}", "dilute_volume: {}\n  humidity: {context: {}}"),
    edit("a context called like a parameter, almost", "campaign", "context", "dilute_volume: {}", "dilute_volume: {}\n  temperatur: {minimum: 15 degC, maximum: 30 degC, context: {}}"),
    edit("a live context that may be as old as can be", "campaign", "key-missing", "dilute_volume: {}", "dilute_volume: {}\n  block: {minimum: 15 degC, maximum: 60 degC, context: {device: hotplate, signal: temperature}}"),
    edit("a context from a device that is not there", "campaign", "reference", "dilute_volume: {}", "dilute_volume: {}\n  block: {minimum: 15 degC, maximum: 60 degC, context: {device: hotplait, signal: temperature, max_age: 30 s}}"),
    edit("a context beyond its range", "campaign", "range", "dilute_volume: {}", "dilute_volume: {}\n  humidity: {minimum: 10 percent, maximum: 60 percent, context: {value: 70 percent}}"),
    edit("a context with a stopping rule", "campaign", "context", "dilute_volume: {}", "dilute_volume: {context: {}}", "fixed:\n", "stop: {within: 0.1 mS/cm}\nfixed:\n"),
    edit("a constraint on a context alone", "campaign", "context", "dilute_volume: {}", "dilute_volume: {context: {}}", "fixed:\n", "constraints: [dilute_volume <= 2 mL]\nfixed:\n"),
    edit("nothing but contexts", "campaign", "context", "concentrate_volume: {}\n  dilute_volume: {}", "concentrate_volume: {context: {}}\n  dilute_volume: {context: {}}"),
    edit("a stopping distance in grams", "campaign", "dimension", "fixed:\n", "stop: {within: 0.1 g}\nfixed:\n"),
)  # fmt: skip

CASES = (*_LAB, *_CAMPAIGN)
