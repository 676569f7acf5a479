"""Procedures that can't be done: order, blocks, loops, calls, outputs, people, times."""

from __future__ import annotations

from tests.corpus.cases import edit

__all__ = ["CASES"]

_CALL = "sop: rinse.yaml"
_UNTIL = "until: ${after.conductivity >= target}"
_DOSE = "volume: ${total_volume}"

_ORDER = (
    edit("a need that does not exist", "plain", "reference", "needs: [tare]", "needs: [tara]"),
    edit("a cycle of two", "plain", "cycle", "needs: [tare]", "needs: [weigh]"),
    edit("a step that needs itself", "plain", "cycle", "needs: [tare]", "needs: [dose_dilute]"),
    edit("a need in another block", "rich", "reference", "  - id: final\n", "  - id: final\n    needs: [dilute]\n"),
    edit("a need outside the loop", "rich", "reference", "        - id: after\n", "        - id: after\n          needs: [weigh]\n"),
    edit("two steps of one id", "plain", "duplicate-id", "id: weigh", "id: tare"),
    edit("two steps of one id in two blocks", "rich", "duplicate-id", "id: dilute\n", "id: top_up\n"),
    edit("a safe-state step with the id of a step", "rich", "duplicate-id", "id: all_off", "id: stop_all"),
    edit("a parameter called like a function", "plain", "name", "  dilute_volume:\n", "  mean:\n"),
    edit("a parameter called well", "plain", "name", "  dilute_volume:\n", "  well:\n"),
    edit("a derived value called like a parameter", "plain", "name", "  salt_concentration:", "  total_volume:"),
    edit("a loop value called like a parameter", "rich", "name", "name: speed", "name: target"),
    edit("unknown equipment", "plain", "reference", "equipment: balance\n", "equipment: balanc\n"),
    edit("unknown capability", "plain", "capability", "capability: weighing", "capability: weighting"),
    edit("unknown action", "plain", "action", "action: tare", "action: tar"),
    edit("unknown argument", "plain", "argument-unknown", "speed: 300 rpm", "sped: 300 rpm"),
    edit("missing argument", "plain", "argument-missing", "      temperature: ${temperature}\n", ""),
    edit("unknown place", "plain", "reference", "    at: pot", "    at: pott"),
    edit("unknown liquid", "plain", "reference", "draws: concentrate", "draws: concentrat"),
    edit("ramp where there is none", "rich", "argument-unknown", "    tolerance: 0.5 delta_degC", "    ramp: 5 K/min"),
    edit("an argument given twice", "rich", "argument-twice", "with: {temperature: 25 degC}", "with: {temperature: 25 degC, tolerance: 1 delta_degC}"),
    edit("a mapping for a number", "plain", "value", _DOSE, "volume: {a: 5 mL}"),
    edit("unused parameter", "plain", "unused", "${concentrate_volume}\n", "4 mL\n", "${total_volume - concentrate_volume - dilute_volume}", "5 mL", "${concentrate_volume * concentrate.density", "${4 mL * concentrate.density", "(total_volume - concentrate_volume - dilute_volume)", "5 mL", "(concentrate_volume * 2.0", "(4 mL * 2.0"),
    edit("unused material", "plain", "unused", "materials:\n", "materials:\n  ether: {name: Ether, role: solvent}\n"),
    edit("unused container", "plain", "unused", "containers:\n", "containers:\n  jar: {capacity: 5 mL}\n"),
    edit("approved by nobody", "rich", "approval", "approved_by: A. Weber\n", ""),
    edit("it replaces itself", "rich", "version", 'supersedes: "2.0.0"', 'supersedes: "2.1.0"'),
    edit("a change log without this version", "rich", "version", '{version: "2.1.0", date', '{version: "2.0.9", date'),
)  # fmt: skip

_NUMBERS = (
    edit("maximum below minimum", "plain", "range", "maximum: 7 mL", "maximum: 0.1 mL"),
    edit("default outside the limits", "plain", "range", "default: 4 mL", "default: 8 mL"),
    edit("a parameter without unit", "plain", "unit-missing", "minimum: 0.5 mL", "minimum: 0.5"),
    edit("a parameter of the wrong kind", "plain", "dimension", "minimum: 0.5 mL", "minimum: 0.5 g"),
    edit("timeout below the duration", "plain", "range", "timeout: 60 s", "timeout: 2 s"),
    edit("negative duration", "plain", "range", "duration: 5 s", "duration: -5 s"),
    edit("timeout of nothing", "plain", "range", "duration: 5 s\n    timeout: 60 s", "duration: 0 s\n    timeout: 0 s"),
    edit("negative delay", "rich", "range", "delay: 5 s", "delay: -5 s"),
    edit("negative rest", "rich", "range", "settle: 2 s", "settle: -2 s"),
    edit("above the limit of the action", "plain", "range", "speed: 300 rpm", "speed: 3000 rpm"),
    edit("above the limit at a corner", "plain", "range", "maximum: 40 degC", "maximum: 400 degC"),
    edit("a dose that becomes negative", "plain", "negative", "maximum: 7 mL", "maximum: 9 mL"),
    edit("a late argument that becomes negative", "rich", "negative", "clamp(0.1 mL * weigh.mass / 10 g, 0.05 mL, 0.5 mL)", "0.1 mL * (weigh.mass - 1 g) / 10 g"),
    edit("a late argument without limits", "rich", "unbounded", "clamp(0.1 mL * weigh.mass / 10 g", "clamp(0.1 mL * weigh.mass_sd / 10 g"),
    edit("division by zero", "plain", "division", _DOSE, "volume: ${1 mL / dilute_volume * 1 mL}"),
    edit("too many readings", "rich", "range", "readings: 3", "readings: 300"),
    edit("limits of an output in the wrong order", "rich", "range", "minimum: 0 g, maximum: 30 g, uncertainty", "minimum: 30 g, maximum: 0 g, uncertainty"),
    edit("limits of an output of the wrong kind", "rich", "dimension", "minimum: 0 g, maximum: 30 g, uncertainty", "minimum: 0 mL, maximum: 30 g, uncertainty"),
    edit("an output that the action does not yield", "rich", "reference", "mass: {description", "mas: {description"),
)  # fmt: skip

_EXPRESSIONS = (
    edit("an unknown name", "plain", "reference", "${concentrate_volume}", "${concentrat_volume}"),
    edit("an unknown property of a material", "plain", "reference", "concentrate.density", "concentrate.densty"),
    edit("an unfinished expression", "plain", "expression", _DOSE, "volume: ${total_volume +}"),
    edit("an expression that is not closed", "plain", "expression", _DOSE, "volume: ${total_volume"),
    edit("text around an expression", "plain", "expression", _DOSE, "volume: ${total_volume} mL"),
    edit("an empty expression", "plain", "expression", _DOSE, "volume: ${}"),
    edit("an expression of the wrong kind", "plain", "dimension", _DOSE, "volume: ${temperature}"),
    edit("a sum of two kinds", "plain", "dimension", _DOSE, "volume: ${total_volume + temperature}"),
    edit("a condition for a number", "plain", "value", _DOSE, "volume: ${total_volume > 1 mL}"),
    edit("unknown function", "plain", "expression", _DOSE, "volume: ${sin(1) * total_volume}"),
    edit("import", "plain", "expression", _DOSE, "volume: \"${__import__('os').system('ls')}\""),
    edit("an attribute", "plain", "reference", _DOSE, "volume: ${total_volume.__class__}"),
    edit("open a file", "plain", "expression", _DOSE, "volume: '${open(\"/etc/passwd\")}'"),
    edit("a lambda", "plain", "expression", _DOSE, "volume: '${(lambda: 1)()}'"),
    edit("a huge power", "plain", "expression", _DOSE, "volume: ${9 ^ 9 ^ 9 ^ 9}"),
    edit("a power with stars", "plain", "expression", _DOSE, "volume: ${9 ** 9 ** 9 ** 9}"),
    edit("a huge product", "plain", "range", _DOSE, "volume: ${1e300 * 1e300 * total_volume}"),
    edit("200 brackets", "plain", "expression", _DOSE, "volume: ${" + "(" * 200 + "1 mL" + ")" * 200 + "}"),
    edit("an expression of 2000 characters", "plain", "expression", _DOSE, "volume: ${1 mL" + " + 1 mL" * 300 + "}"),
    edit("an index", "plain", "expression", _DOSE, "volume: '${total_volume[0]}'"),
    edit("a comma for a point", "plain", "expression", _DOSE, "volume: ${total_volume * 1,1}"),
    edit("a check of two kinds", "plain", "dimension", "< 0.25 g", "< 0.25 mL"),
    edit("a check that is no condition", "plain", "expression", "abs(mass - expected_mass) < 0.25 g", "mass - 1 g"),
    edit("a check with an unknown name", "plain", "reference", "mass - expected_mass", "mas - expected_mass"),
    edit("a check with =", "plain", "expression", "abs(mass - expected_mass) < 0.25 g", "mass = 1 g"),
    edit("a text compared with a volume", "rich", "expression", 'mode == "careful"', "mode == 5 mL"),
    edit("a text that is not one of the choices", "rich", "value", 'mode == "careful"', 'mode == "carefull"'),
    edit("a derived value without ${}", "rich", "expression", "value: ${salt_volume * salt.density + water_volume * water.density}", "value: salt_volume * salt.density"),
    edit("a derived value of the wrong kind", "plain", "dimension", "  expected_mass:\n    unit: g", "  expected_mass:\n    unit: mL"),
    edit("a result of the wrong kind", "plain", "dimension", "    from: weigh.mass\n    unit: g", "    from: weigh.mass\n    unit: mL"),
    edit("a result of an unknown step", "plain", "reference", "from: measure.conductivity", "from: mesure.conductivity"),
    edit("a result of an unknown output", "plain", "reference", "from: heat.temperature", "from: heat.temp"),
    edit("a result with from and value", "plain", "shape", "from: weigh.mass", "from: weigh.mass\n    value: ${weigh.mass}"),
    edit("a result from nowhere", "plain", "shape", "    from: weigh.mass\n", ""),
    edit("a series function outside loops", "plain", "series", "    from: weigh.mass\n", "    value: ${mean(weigh.mass)}\n"),
    edit("a series function in an argument", "rich", "series", "speed: \"${speed}\"", "speed: \"${mean(speed)}\""),
    edit("a slope over another loop", "rich", "series", "slope(speed, read.conductivity)", "slope(add.volume, read.conductivity)"),
    edit("a result of the wrong kind of a slope", "rich", "dimension", "unit: mS/cm/rpm", "unit: mS/cm"),
    edit("a result of a call that is not there", "rich", "reference", "${rinse.rinsed}", "${rinse.filled}"),
    edit("a yes/no as a result", "rich", "reference", "from: final.conductivity", "from: look.clean"),
)  # fmt: skip

_BLOCKS = (
    edit("a loop without max_iterations", "rich", "key-missing", "      max_iterations: 4\n", ""),
    edit("a loop of 2000 rounds", "rich", "value", "max_iterations: 4", "max_iterations: 2000"),
    edit("a loop of no round", "rich", "value", "max_iterations: 4", "max_iterations: 0"),
    edit("a loop of one round", "rich", "loop", "max_iterations: 4", "max_iterations: 1"),
    edit("a loop that can't end", "rich", "loop", _UNTIL, "until: ${weigh.mass > 20 g}"),
    edit("a loop that ends by a parameter", "rich", "loop", _UNTIL, "until: ${target > 1 mS/cm}"),
    edit("a loop that never ends", "rich", "loop", _UNTIL, "until: ${after.conductivity > 300 mS/cm}"),
    edit("a loop that ends at once", "rich", "loop", _UNTIL, "until: ${after.conductivity >= 0 mS/cm}"),
    edit("an end that is no condition", "rich", "expression", _UNTIL, "until: ${after.conductivity}"),
    edit("an end that compares two kinds", "rich", "dimension", _UNTIL, "until: ${after.conductivity > 5 mL}"),
    edit("an end without ${}", "rich", "expression", _UNTIL, "until: after.conductivity >="),
    edit("on_exhausted without until", "rich", "loop", f"      {_UNTIL}\n", ""),
    edit("a loop over nothing", "rich", "value", "in: [100 rpm, 200 rpm, 300 rpm]", "in: []"),
    edit("a loop over two kinds", "rich", "dimension", "in: [100 rpm, 200 rpm, 300 rpm]", "in: [100 rpm, 2 mL]"),
    edit("a loop over a decimal comma", "rich", "decimal-comma", "in: [100 rpm, 200 rpm, 300 rpm]", 'in: ["100,5 rpm"]'),
    edit("a loop value above the limit", "rich", "range", "in: [100 rpm, 200 rpm, 300 rpm]", "in: [100 rpm, 9000 rpm]"),
    edit("a loop value of the wrong kind", "rich", "dimension", "in: [100 rpm, 200 rpm, 300 rpm]", "in: [1 mL, 2 mL]"),
    edit("one parallel branch", "rich", "value", "      - - id: dose_water\n          title", "        - id: dose_water\n          title"),
    edit("an empty stage", "rich", "value", "  - id: doses\n", "  - id: nothing\n    title: Nothing\n    stage: []\n  - id: doses\n"),
    edit("a branch on a parameter alone", "rich", "unreachable", "${weigh.mass > 8 g and mode == \"careful\"}", "${salt_volume > 10 mL}"),
    edit("a branch that always holds", "rich", "unreachable", "${weigh.mass > 8 g and mode == \"careful\"}", "${salt_volume < 10 mL}"),
    edit("a branch on what can't be", "rich", "unreachable", "weigh.mass > 8 g and", "weigh.mass > 80 g and"),
    edit("a branch that is no condition", "rich", "expression", "${weigh.mass > 8 g and mode == \"careful\"}", "${weigh.mass}"),
    edit("a branch without then", "rich", "key-unknown", "      then:\n        - id: dilute\n", "      than:\n        - id: dilute\n"),
    edit("two kinds of item in one", "rich", "key-unknown", "    branch:\n", "    stage: []\n    branch:\n"),
    edit("too many steps", "rich", "too-many-steps", "max_iterations: 4\n      until: ${after.conductivity >= target}", "max_iterations: 1000", "on_exhausted: continue\n      steps:\n", "steps:\n        - {id: more_1, title: More, equipment: probe, action: measure, duration: 1 s, timeout: 5 s}\n        - {id: more_2, title: More, equipment: probe, action: measure, duration: 1 s, timeout: 5 s}\n"),
    edit("an output used before it is there", "plain", "not-there-yet", "volume: ${dilute_volume}", "volume: ${measure.conductivity / 1 mS/cm * 1 mL}"),
    edit("an output of its own step", "rich", "not-there-yet", "with: {readings: 3}", "with: {readings: '${after.conductivity / 1 mS/cm}'}"),
    edit("an output of a branch used after it", "rich", "not-there-yet", "from: final.conductivity\n    unit: mS/cm\n    description", "from: dilute.volume\n    unit: mL\n    description"),
    edit("an output of a parallel branch", "rich", "not-there-yet", '"${water_volume}"', '"${dose_salt.volume}"'),
    edit("a decision on a later output", "rich", "not-there-yet", "weigh.mass > 8 g and", "final.conductivity > 8 mS/cm and"),
    edit("a check on a later output", "rich", "not-there-yet", "expect: mass_sd < 0.05 g", "expect: final.conductivity < 5 mS/cm"),
    edit("an output of a step that may be skipped", "rich", "not-there-yet", "from: final.conductivity\n    unit: mS/cm\n    description", "from: dilute.volume\n    unit: mL\n    description"),
    edit("a safe-state step with an output", "rich", "reference", "      action: stop\n      duration: 2 s", "      action: stir\n      with: {speed: '${read.conductivity / 1 mS/cm * 1 rpm}'}\n      duration: 2 s"),
    edit("a skipped step that is critical", "rich", "critical", "    critical: false\n", ""),
    edit("an ending check at a step that may be skipped", "rich", "critical", "    on_error: {then: skip}", "    on_error: {then: skip}\n    checks:\n      - {expect: 1 > 0, message: x, severity: abort}"),
    edit("a compensation with an unknown action", "rich", "action", "                action: dispense", "                action: dispence"),
)  # fmt: skip

_CALLS = (
    edit("a call without hash", "rich", "key-missing", "      sha256:", "      # sha256:"),
    edit("a call with half a hash", "rich", "value", "      sha256: ", "      sha256: abc # "),
    edit("a call with the wrong hash", "rich", "hash", "      sha256: ", "      sha256: " + "ab" * 32 + " # "),
    edit("a call of the wrong version", "rich", "version", 'version: "1.2.0"', 'version: "1.1.0"'),
    edit("a call of a missing file", "rich", "file", _CALL, "sop: rinse_cell.yaml"),
    edit("a call of a folder", "rich", "file", _CALL, "sop: ."),
    edit("a call outside the folder", "rich", "path", _CALL, "sop: ../../../../etc/passwd"),
    edit("a call of an absolute path", "rich", "path", _CALL, "sop: /etc/passwd"),
    edit("a call with backslashes", "rich", "path", _CALL, 'sop: ..\\\\rinse.yaml'),
    edit("a call of itself", "rich", "cycle", _CALL, "sop: sop.yaml"),
    edit("a call of a file that is no SOP", "rich", "call", _CALL, "sop: lab.yaml"),
    edit("a call with an unknown parameter", "rich", "reference", 'with: {volume: "${water_volume / 2}"}', "with: {volum: 3 mL}"),
    edit("a call with a parameter of the wrong kind", "rich", "dimension", 'with: {volume: "${water_volume / 2}"}', "with: {volume: 3 g}"),
    edit("a call outside the parameter's limits", "rich", "range", 'with: {volume: "${water_volume / 2}"}', "with: {volume: 9 mL}"),
    edit("a call outside the parameter's limits at a corner", "rich", "range", '"${water_volume / 2}"', '"${water_volume}"'),
    edit("a call with unknown equipment", "rich", "reference", "{fill_pump: water_pump}", "{fill_pump: watr_pump}"),
    edit("a call with unknown equipment of its own", "rich", "reference", "{fill_pump: water_pump}", "{fil_pump: water_pump}"),
    edit("a call with equipment of another kind", "rich", "capability", "{fill_pump: water_pump}", "{fill_pump: balance}"),
    edit("a call without its container", "rich", "reference", "      containers: {beaker: cell}\n", ""),
    edit("a call with a container that is too small", "rich", "range", "    capacity: 25 mL", "    capacity: 24 mL"),
)  # fmt: skip

_PEOPLE = (
    edit("a manual step without prompt", "rich", "key-missing", "      prompt: Take a picture of the cell from the front.\n", ""),
    edit("a manual step with an empty prompt", "rich", "value", "prompt: Take a picture of the cell from the front.", 'prompt: ""'),
    edit("a choice without choices", "rich", "shape", "{type: choice, choices: [clear, turbid]}", "{type: choice}"),
    edit("choices of a number", "rich", "shape", "{type: quantity, unit: degC", "{type: quantity, choices: [a], unit: degC"),
    edit("an option without choices", "rich", "shape", "    choices: [careful, quick]\n", ""),
    edit("a default that is not one of the choices", "rich", "value", "default: careful", "default: carefull"),
    edit("an unknown kind of answer", "rich", "value", "{type: yes_no", "{type: boolean"),
    edit("an answer in an unknown unit", "rich", "unit-unknown", "{type: quantity, unit: degC, minimum: 15 degC, maximum: 30 degC", "{type: quantity, unit: celsius"),
    edit("limits of an answer of the wrong kind", "rich", "dimension", "minimum: 15 degC", "minimum: 15 g"),
    edit("limits of an answer in the wrong order", "rich", "range", "minimum: 15 degC", "minimum: 35 degC"),
    edit("a signature of a supervisor", "rich", "value", "sign: witness", "sign: supervisor"),
    edit("a witness who is signed for nobody", "rich", "value", "sign: none", "sign: false"),
    edit("a simulated answer that is not asked for", "rich", "reference", "clean: true, colour", "cleen: true, colour"),
    edit("a simulated answer that is not a choice", "rich", "value", "colour: clear,", "colour: green,"),
    edit("a simulated answer of the wrong kind", "rich", "value", "simulate: {clean: true", 'simulate: {clean: "yes"'),
    edit("a simulated answer outside the limits", "rich", "range", "room: 22}", "room: 50}"),
    edit("no simulated answer", "rich", "simulate", ", room: 22}", "}"),
    edit("a person at an unknown place", "rich", "reference", "        at: cell\n        duration", "        at: cel\n        duration"),
    edit("a manual step with equipment", "rich", "key-unknown", "    critical: false\n", "    critical: false\n    equipment: probe\n"),
)  # fmt: skip

_TIMES = (
    edit("a limit from an unknown step", "rich", "reference", "from: weigh.end", "from: wiegh.end"),
    edit("a limit from an unknown mark", "rich", "value", "from: weigh.end", "from: weigh.finish"),
    edit("a limit without limits", "rich", "shape", "    less_than: 10 min\n    ideal: 1 min\n", ""),
    edit("at least more than at most", "rich", "timing", "more_than: 0 s, less_than: 5 min", "more_than: 6 min, less_than: 5 min"),
    edit("a negative limit", "rich", "range", "less_than: 10 min", "less_than: -10 min"),
    edit("an ideal outside the limits", "rich", "range", "ideal: 1 min", "ideal: 11 min"),
    edit("a negative cycle", "rich", "timing", "to: warm.start\n    less_than: 10 min\n    ideal: 1 min", "to: final.start\n    less_than: 2 min"),
    edit("a limit backwards in time", "rich", "timing", "from: weigh.end\n    to: warm.start", "from: warm.start\n    to: weigh.end"),
    edit("two limits of one name", "rich", "name", "  - {from: add.end", "  - {id: fresh, from: add.end"),
)  # fmt: skip

_QUALITY = (
    edit("a standard of an unknown material", "rich", "reference", "      material: salt", "      material: slat"),
    edit("a standard of the wrong kind", "rich", "dimension", "certified_value: 1.413 mS/cm\n      expanded_uncertainty: 0.007 mS/cm", "certified_value: 1.413 g\n      expanded_uncertainty: 0.007 g"),
    edit("an uncertainty of the wrong kind", "rich", "dimension", "expanded_uncertainty: 0.007 mS/cm", "expanded_uncertainty: 0.007 mol/L"),
    edit("a tolerance below the uncertainty", "rich", "range", "tolerance: 0.02 mS/cm", "tolerance: 0.001 mS/cm"),
    edit("a negative tolerance", "rich", "range", "tolerance: 0.02 mS/cm", "tolerance: -0.02 mS/cm"),
    edit("a blank without limit", "rich", "shape", ", maximum: 0.1 mS/cm, on_failure: flag}", ", on_failure: flag}"),
    edit("too few replicates", "rich", "range", "least: 3", "least: 5"),
    edit("a relative deviation with a unit", "rich", "dimension", "max_relative_sd: 1 percent", "max_relative_sd: 1 mS/cm"),
    edit("replicates of an unknown output", "rich", "reference", "measured: read.conductivity", "measured: red.conductivity"),
    edit("a limit of unknown equipment", "rich", "reference", "signal: stirrer.temperature", "signal: strirer.temperature"),
    edit("a limit of an unknown signal", "rich", "reference", "signal: stirrer.temperature", "signal: stirrer.temprature"),
    edit("a limit without bounds", "rich", "shape", ", maximum: 60 degC, on_violation", ", on_violation"),
    edit("a limit of the wrong kind", "rich", "dimension", "maximum: 60 degC, on_violation", "maximum: 60 rpm, on_violation"),
    edit("a limit in the wrong order", "rich", "range", "maximum: 60 degC, on_violation", "minimum: 90 degC, maximum: 60 degC, on_violation"),
)  # fmt: skip

_LOOP_DOSE = edit(
    "a loop that fills the vessel beyond its brim", "rich", "overfill", "max_iterations: 4", "max_iterations: 60"
)  # fmt: skip
_DOSE_CAPACITY = edit("a dose above the capacity", "plain", "overfill", "capacity: 20 mL", "capacity: 11 mL")  # fmt: skip

CASES = (*_ORDER, *_NUMBERS, *_EXPRESSIONS, *_BLOCKS, *_CALLS, *_PEOPLE, *_TIMES, *_QUALITY)  # fmt: skip

_LIMIT = edit("a limit below the target", "rich", "limit", "maximum: 60 degC, on_violation", "maximum: 20 degC, on_violation")  # fmt: skip

PENDING = (_LOOP_DOSE, _DOSE_CAPACITY, _LIMIT)
"""Cases whose rule is not there yet."""
