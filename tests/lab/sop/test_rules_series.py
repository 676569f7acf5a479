"""Functions over loops: one value of each name in each round, or a finding."""

from __future__ import annotations

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.check import check_sop
from tests.support.flat_sops import EQUIPMENT, HEAD, dose, weigh

LOOPS = f"""
procedure:
  - {weigh("tare")}
  - id: levels
    for_each:
      name: level
      in: [1 mL, 2 mL, 4 mL]
      steps:
        - {dose("fill", "${level}")}
        - id: readings
          repeat: {{max_iterations: 2, steps: [{weigh("read")}]}}
  - id: again
    for_each: {{name: size, in: [1 mL, 2 mL], steps: [{dose("more", "${size}")}, {weigh("other")}]}}
results:
  found: {{value: "${{RESULT}}", unit: UNIT}}
"""


def findings(result: str, unit: str) -> list[str]:
    text = HEAD + EQUIPMENT + LOOPS.replace("RESULT", result).replace("UNIT", unit)
    _, found = check_sop(text, "sop.yaml", CAPABILITIES)
    return [item.message for item in found if item.code == "series"]


@pytest.mark.parametrize(
    ("result", "unit"),
    [
        ("slope(level, read.mass)", "g/mL"),
        ("mean(read.mass / level)", "g/mL"),
        ("slope(size, other.mass)", "g/mL"),
        ("mean(fill.volume)", "mL"),
        ("mean(read.mass) - mean(other.mass)", "g"),
        ("slope(level, read.mass) * mean(more.volume)", "g"),
    ],
)
def test_a_value_of_an_outer_loop_is_there_in_all_rounds_of_an_inner_one(result, unit):
    assert findings(result, unit) == []


@pytest.mark.parametrize(
    ("result", "unit", "words"),
    [
        ("slope(level, other.mass)", "g/mL", '"level" of "levels" and "other.mass" of "again"'),
        ("slope(size, read.mass)", "g/mL", '"size" of "again" and "read.mass" of "readings"'),
        ("mean(read.mass - other.mass)", "g", '"read.mass" of "readings" and "other.mass"'),
        # what an outer round yielded is not measured again in the inner ones
        ("slope(fill.volume, read.mass)", "g/mL", '"fill.volume" of "levels" and "read.mass"'),
        ("mean(tare.mass)", "g", '"tare.mass" is in none'),
    ],
)
def test_what_is_not_in_one_loop_is_found(result, unit, words):
    [message] = findings(result, unit)
    assert words in message
