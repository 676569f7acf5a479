"""An SOP as a CWL workflow: what is linked with what, and that the reference implementation takes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lab.devices.capability import CAPABILITIES
from lab.sop.cwl import cwl_text, workflow
from tests.support.cwltool import validate, validate_all
from tests.support.procedures import FULL, changed_full, read_sop_text
from tests.support.sop_files import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from lab.sop.model import Sop


def written(sop: Sop | None = None) -> dict[str, Any]:
    return workflow(sop or changed_full(), CAPABILITIES)


def test_parameters_results_and_steps_are_there():
    document = written()
    assert (document["cwlVersion"], document["class"]) == ("v1.2", "Workflow")
    assert document["inputs"]["total_volume"]["default"] == 10.0
    assert "in mL; 5 mL to 12 mL" in document["inputs"]["total_volume"]["doc"]
    assert document["inputs"]["solvent"] == {
        "type": "string", "default": "ethanol", "doc": "ethanol, methanol",
    }  # fmt: skip
    assert document["outputs"]["conductivity"]["outputSource"] == "last_reading/conductivity"
    assert document["outputs"]["ratio"]["outputSource"] == "result_ratio/value"
    assert {"look", "dose", "titrate", "dilute", "rinse", "derived_expected_mass"} <= set(
        document["steps"]
    )
    assert all(step["run"]["class"] == "Operation" for step in document["steps"].values())


def test_links_are_what_expressions_use_and_what_comes_first():
    steps = written()["steps"]
    assert steps["dose"]["in"]["with_volume"] == {"source": "total_volume"}
    assert steps["dose"]["in"]["with_rate"] == {"default": "20 mL/min"}
    assert steps["dose"]["in"]["after"] == {"source": "look/done"}
    assert steps["titrate"]["in"]["until"] == {"source": "measure/conductivity"}
    assert steps["dilute"]["in"]["after"]["source"] == ["stop_heat/done", "last_reading/done"]
    assert steps["result_ratio"]["in"]["of"]["source"] == [
        "last_reading/conductivity",
        "measure/conductivity",
    ]


def test_steps_of_a_branch_depend_on_its_answer():
    steps = written()["steps"]
    assert steps["add_solvent"]["when"] == "$(inputs.when)"
    assert steps["add_solvent"]["in"]["when"] == {"source": "dilute/yes"}
    assert steps["rest"]["in"]["when"] == {"source": "dilute/no"}
    assert "when" not in steps["rinse"]


def test_what_comes_from_the_round_before_is_said_and_not_linked():
    sop = changed_full(
        ("with: {volume: 0.5 mL,", 'with: {volume: "${measure.conductivity * 1 mL}",')
    )
    add = written(sop)["steps"]["add"]
    assert add["in"]["with_volume"] == {}
    assert "measure.conductivity is that of the round before." in add["run"]["doc"]


def test_names_that_are_taken_are_not_used_twice():
    sop = changed_full(
        ("  - id: warm\n", "  - id: derived_expected_mass\n"), ("warm.start", "dose.start")
    )
    steps = written(sop)["steps"]
    assert {"derived_expected_mass", "derived_expected_mass_"} <= set(steps)


def put(folder: Path, text: str, name: str = "workflow") -> Path:
    path = folder / f"{name}.cwl"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.slow
@pytest.mark.system
def test_the_reference_implementation_takes_every_example_and_refuses_what_means_nothing(tmp_path):
    sops = {path.parent.name: path for path in sorted(ROOT.glob("sops/*/sop.yaml"))}
    texts = {"full": FULL} | {name: path.read_text("utf-8") for name, path in sops.items()}
    right = [
        put(tmp_path, cwl_text(read_sop_text(text), CAPABILITIES), name)
        for name, text in texts.items()
    ]
    wrong = {
        name: put(tmp_path, cwl_text(changed_full((old, new)), CAPABILITIES), f"wrong {number}")
        for number, (old, new, name) in enumerate(
            (
                ("from: last_reading.conductivity", "from: nowhere.conductivity", "nowhere"),
                ("from: last_reading.conductivity", "from: last_reading.nonsense", "nonsense"),
            )
        )
    }
    # the wrong ones in between: what is said of one says nothing of the next
    told = validate_all([*right[:2], *wrong.values(), *right[2:]])
    assert len(told) == len(texts) + 2 > 6
    for name, (code, said) in zip(wrong, told[2:4], strict=True):
        assert code != 0
        assert name in said
    for code, said in told[:2] + told[4:]:
        assert code == 0, said
        assert "WARNING" not in said
        assert "is valid CWL" in said


@pytest.mark.slow
@pytest.mark.system
def test_a_condition_on_what_nothing_gives_is_refused(tmp_path):
    wrong = "${last_reading.conductivity > 10 mS/cm}", "${last_reading.nonsense > 10 mS/cm}"
    code, said = validate(put(tmp_path, cwl_text(changed_full(wrong), CAPABILITIES)))
    assert code != 0
    assert "nonsense" in said


@pytest.mark.slow
@pytest.mark.system
def test_it_refuses_a_circle(tmp_path):
    document = written()
    document["steps"]["look"]["in"]["after"] = {"source": "dose/done"}
    document["steps"]["look"]["run"]["inputs"]["after"] = "Any?"
    assert validate(put(tmp_path, json.dumps(document)))[0] != 0
