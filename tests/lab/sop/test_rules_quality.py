"""Limits of signals: what a step aims at must lie inside them, for all parameters."""

from __future__ import annotations

import pytest

from tests.support.sop_files import sop_findings

SAFETY = "  supervision: remote\n"


def limited(limits: str, *changes: tuple[str, str]):
    return sop_findings((SAFETY, f"{SAFETY}  limits:\n    - {{signal: {limits}}}\n"), *changes)


@pytest.mark.parametrize(
    "limits",
    [
        "stirrer.temperature, maximum: 40 degC",
        "stirrer.temperature, minimum: 20 degC, maximum: 60 degC",
        "stirrer.speed, maximum: 300 rpm",
        "probe.conductivity, maximum: 5 mS/cm",
    ],
)
def test_targets_inside_the_limits(limits):
    assert limited(limits) == []


@pytest.mark.parametrize(
    ("limits", "key", "words"),
    [
        (
            "stirrer.temperature, maximum: 39 degC",
            "39",
            '"heat" sets stirrer.temperature to 40 degC, above',
        ),
        ("stirrer.temperature, minimum: 294 K", "294", "below this limit at temperature = 20 degC"),
        ("stirrer.speed, maximum: 200 rpm", "200", '"stir" sets stirrer.speed to 300 rpm, above'),
    ],
)
def test_a_target_beyond_a_limit(limits, key, words):
    (found,) = limited(limits)
    assert (found.code, found.severity) == ("limit", "error")
    assert words in found.message
    assert found.source_line[found.column - 1 :].startswith(key)


def test_each_value_of_a_loop_counts():
    step = "  - id: stir\n    title: Stir\n    equipment: stirrer\n    action: stir\n    with:\n      speed: 300 rpm\n    duration: 8 s\n    timeout: 60 s\n"
    inside = "".join(f"      {line}\n" for line in step.replace("300 rpm", "${v}").splitlines())
    loop = f"  - id: levels\n    for_each:\n      name: v\n      in: [100 rpm, 900 rpm]\n      steps:\n{inside}"
    assert limited("stirrer.speed, maximum: 900 rpm", (step, loop)) == []
    (found,) = limited("stirrer.speed, maximum: 800 rpm", (step, loop))
    assert "to 900 rpm" in found.message


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ("stirer.temperature, maximum: 60 degC", "reference"),
        ("stirrer.heat, maximum: 60 degC", "reference"),
        ("stirrer.temperature", "shape"),
        ("stirrer.temperature, maximum: 60 rpm", "dimension"),
        ("stirrer.temperature, minimum: 60 degC, maximum: 50 degC", "range"),
    ],
)
def test_a_limit_that_says_nothing(limits, code):
    (found,) = limited(limits)
    assert found.code == code
