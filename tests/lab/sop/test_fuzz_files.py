"""Damaged files never raise anything but diagnostics, and a file that passes can be bound and planned."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import LabError
from lab.plan.bind import bind
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, schedule
from lab.sop.check import check_campaign, check_lab, check_sop
from lab.sop.check_together import check_together
from lab.sop.document import read_document
from tests.support.sop_files import DRIVERS, device_capabilities, example, in_place, lab

_SPLINTERS = (
    "", " ", "\t", ":", "- ", "{", "}", "[", "]", "#", "&a ", "*a ", "!!int ", "|", ">-", '"', "'",
    "0", "-1", "1e9", "1e-9", "1,5", "±", "°C", " mL", " g", " degC", "null", "true", "~",
    "${", "}", "${x}", "${well}", "${total_volume}", "abs(", "**", "/ 0", "\x00", "\ufeff", "\u2028",
    "needs: []\n", "  ", "\n", "é", "\U0001d6fc", "9" * 60, "kind: cell", "tare", "pot", "cell", "waste",
)  # fmt: skip


def mutated(text: str, seed: int) -> str:
    """Between one and four small damages: cut, double, swap or replace characters, words or lines."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 4)):
        kind = chance.randrange(6)
        lines = text.split("\n")
        row = chance.randrange(len(lines))
        spot = chance.randrange(len(text) + 1)
        if kind == 0:
            text = text[:spot] + chance.choice(_SPLINTERS) + text[spot:]
        elif kind == 1:
            text = text[:spot] + text[spot + chance.randint(1, 12) :]
        elif kind == 2:
            text = "\n".join(lines[:row] + lines[row + 1 :])
        elif kind == 3:
            text = "\n".join([*lines[:row], lines[row], *lines[row:]])
        elif kind == 4:
            other = chance.randrange(len(lines))
            lines[row], lines[other] = lines[other], lines[row]
            text = "\n".join(lines)
        else:
            words = lines[row].split(" ")
            words[chance.randrange(len(words))] = chance.choice(_SPLINTERS)
            lines[row] = " ".join(words)
            text = "\n".join(lines)
    return text


def judged(findings, text):
    for item in findings:
        assert item.message
        assert item.code
        assert 1 <= item.line <= text.count("\n") + 1
        assert item.column >= 1
        assert item.text()


_FUZZ = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@_FUZZ
@given(st.integers(0, 2**32))
def test_damaged_sops(seed):
    text = mutated(example("sop"), seed)
    procedure, findings = check_sop(text, "sop.yaml", CAPABILITIES)
    judged(findings, text)
    assert (procedure is None) == any(item.blocking for item in findings)
    if procedure is None:
        return
    try:
        plans = bind(procedure, {}, {}, lab(), CAPABILITIES, 1, device_capabilities(lab()))
    except LabError:
        return
    planned = schedule(PlanningSnapshot(0.0, (RunSnapshot("r", plans),)))
    assert not planned.blocked


@_FUZZ
@given(st.integers(0, 2**32))
def test_damaged_labs(seed):
    text = mutated(example("lab"), seed)
    found, findings = check_lab(text, "lab.yaml", DRIVERS)
    judged(findings, text)
    assert (found is None) == any(item.blocking for item in findings)
    if found is None:
        return
    procedure, _ = check_sop(example("sop"), "sop.yaml", CAPABILITIES)
    assert procedure is not None
    try:
        plans = bind(procedure, {}, {}, found, CAPABILITIES, 1, device_capabilities(found))
    except LabError:
        return
    assert plans


@_FUZZ
@given(st.integers(0, 2**32))
def test_damaged_campaigns(seed):
    text = mutated(example("campaign"), seed)
    campaign, findings = check_campaign(text, "campaign.yaml")
    judged(findings, text)
    if campaign is None:
        assert any(item.blocking for item in findings)
        return
    procedure, _ = check_sop(example("sop"), "sop.yaml", CAPABILITIES)
    assert procedure is not None
    document = read_document(text, "campaign.yaml")
    judged(check_together(campaign, document, procedure, lab(), CAPABILITIES), text)


@pytest.mark.parametrize("seed", range(40))
def test_the_caret_stands_under_something(seed):
    text = mutated(example("sop"), seed)
    _, findings = check_sop(text, "sop.yaml", CAPABILITIES)
    for item in findings:
        if item.source_line.isprintable() and item.source_line[item.column - 1 :].strip():
            in_place(item, text)


def test_the_fuzzer_does_damage():
    """A fuzzer whose every text is refused (or accepted) would prove nothing."""
    outcomes = {
        check_sop(mutated(example("sop"), seed), "s", CAPABILITIES)[0] is None for seed in range(60)
    }
    assert outcomes == {True, False}
