"""Whatever is answered, the SOP that is written passes its check."""

from __future__ import annotations

import itertools

import pytest

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError
from lab.sop.check import check_sop
from lab.sop.template_sop import Answers, measurements, sop_files

KNOWN = measurements(CAPABILITIES)
CASES = [
    (measured, doses, heats, repeats)
    for measured, doses, heats, repeats in itertools.product(KNOWN, *[(False, True)] * 3)
    if doses or not heats
]


def test_readings_that_need_no_argument_are_offered():
    assert {"weighing", "conductivity", "ph"} <= set(KNOWN)
    assert KNOWN["weighing"].action == "weigh"
    assert "liquid_dosing" not in KNOWN
    assert "absorbance" not in KNOWN


@pytest.mark.parametrize(("measured", "doses", "heats", "repeats"), CASES)
def test_it_passes_the_check(measured, doses, heats, repeats):
    answers = Answers("Something new", measured, doses, heats, repeats)
    ((path, text),) = sop_files("mine", answers, CAPABILITIES, schemas="../s").items()
    assert path == "mine/sop.yaml"
    assert text.startswith("# yaml-language-server: $schema=../s/sop.schema.json\n")
    procedure, findings = check_sop(text, path, CAPABILITIES)
    assert [item.text() for item in findings] == []
    assert procedure is not None
    roles = set(procedure.sop.equipment)
    assert roles == {"meter"} | ({"pump", "drain_pump"} if doses else set()) | (
        {"heater"} if heats else set()
    )
    assert sum(step.step.id == "measure" for step in procedure.steps) == (3 if repeats else 1)


@pytest.mark.parametrize("title", ['Say "pH" \\ again', "a: b # c", "${x}", "- 1", "多"])
def test_any_title_is_taken_as_it_is(title):
    ((_, text),) = sop_files("mine", Answers(title, "ph"), CAPABILITIES).items()
    procedure, _ = check_sop(text, "sop.yaml", CAPABILITIES)
    assert procedure is not None
    assert procedure.sop.title == title


def test_wrong_answers_are_refused():
    with pytest.raises(InputError) as caught:
        sop_files("mine", Answers("x", "weihing"), CAPABILITIES)
    assert '"weighing"' in caught.value.hint
    with pytest.raises(InputError, match="empty vessel"):
        sop_files("mine", Answers("x", "ph", doses=False, heats=True), CAPABILITIES)
    with pytest.raises(InputError, match="can't be a name"):
        sop_files("My SOP", Answers("x", "ph"), CAPABILITIES)
