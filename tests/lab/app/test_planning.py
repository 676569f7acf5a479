"""`lab plan`'s document, from the example files."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lab.app.gantt import write_gantt_page, write_gantt_picture
from lab.app.planning import plan_samples
from lab.domain.errors import InputError
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, Schedule
from tests.support.made_up_labs import CELLS, electrolyte
from tests.support.schedule_checker import violations
from tests.support.sop_files import EXAMPLE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

CAMPAIGN = EXAMPLE / "campaign.yaml"


def test_four_samples_are_planned_with_all_that_is_said_about_them():
    found = plan_samples([CAMPAIGN], 4, 0.0)
    assert found["samples"] == 4
    assert found["lower_bound_s"] <= found["makespan_s"] < found["sequential_s"]
    assert found["status"] == "feasible"
    assert found["broken_holds"] == 0
    assert found["not_planned"] == {}
    assert found["bottleneck"] in ("cell_1", "cell_2")
    assert len(found["timeline"]) == 4 * 11
    assert set(found["timeline"][0]) == {
        "sample", "step", "device", "start_s", "end_s", "stations",
    }  # fmt: skip
    assert max(slot["end_s"] for slot in found["timeline"]) == found["makespan_s"]
    assert found["one_more"][0]["change"] < -0.05
    assert found["critical_path"][-1]["end_s"] == found["makespan_s"]


@pytest.mark.parametrize("samples", [2, 5])
def test_with_time_the_plan_is_valid_and_never_longer(samples):
    quick, found = (plan_samples([CAMPAIGN], samples, time) for time in (0.0, 0.4))
    assert found["makespan_s"] <= quick["makespan_s"]
    slots = [
        {**slot, "run": slot["sample"], "claims": slot["stations"]} for slot in found["timeline"]
    ]
    by_run: dict[str, str] = {}
    for slot in slots:
        if "cell_1" in slot["claims"] or "cell_2" in slot["claims"]:
            by_run[slot["run"]] = "cell_1" if "cell_1" in slot["claims"] else "cell_2"
    of_cell = {plan.bindings["cell"]: plan for plan in CELLS}
    runs = tuple(RunSnapshot(run, (of_cell[cell],)) for run, cell in sorted(by_run.items()))
    snapshot = PlanningSnapshot(0.0, runs)
    timeline = electrolyte_timeline(slots)
    assert violations(snapshot, Schedule(timeline, {run.run: run.plans[0] for run in runs})) == []


def electrolyte_timeline(slots):
    from lab.domain.plan import Slot, Timeline

    kept = ("run", "step", "device", "claims", "start_s", "end_s")
    return Timeline(slots=tuple(Slot(**{key: slot[key] for key in kept}) for slot in slots))


def test_one_sample_is_proved_best():
    found = plan_samples([CAMPAIGN], 1, 0.0)
    assert found["status"] == "optimal"
    assert found["makespan_s"] == found["lower_bound_s"] == found["sequential_s"]


def test_an_sop_is_planned_with_its_defaults_in_the_lab_beside_it():
    found = plan_samples([EXAMPLE / "sop.yaml"], 2, 0.0)
    assert found["sample_names"] == [f"electrolyte_conductivity/r00{n}" for n in (1, 2)]
    named = plan_samples([EXAMPLE / "sop.yaml"], 2, 0.0, EXAMPLE / "lab.yaml")
    assert named == found


def test_files_of_one_lab_are_planned_together_in_turn():
    found = plan_samples([CAMPAIGN, EXAMPLE / "sop.yaml"], 2, 0.0)
    assert found["samples"] == 4
    assert [name.split("/")[0] for name in found["sample_names"]] == [
        "electrolyte", "electrolyte_conductivity", "electrolyte", "electrolyte_conductivity",
    ]  # fmt: skip
    alone = plan_samples([CAMPAIGN], 2, 0.0)
    assert found["makespan_s"] > alone["makespan_s"]


def test_limits_on_time_are_shown_with_their_slack():
    found = plan_samples([ROOT / "sops" / "ester_hydrolysis" / "campaign.yaml"], 2, 0.0)
    [tight, *_] = found["holds"]
    assert (tight["window"], tight["at_most_s"], tight["took_s"], tight["slack_s"]) == (
        "reaction_time", 122.0, 120.0, 2.0,
    )  # fmt: skip
    assert found["status"] == "optimal", "the reactor is never empty"
    [reactor] = [item for item in found["one_more"] if item["name"] == "reactor"]
    assert reactor["change"] < -0.3
    assert "operator" not in reactor["together"]


def refused(*paths: Path, **more) -> str:
    with pytest.raises(InputError) as caught:
        plan_samples(list(paths), 2, 0.0, **more)
    assert caught.value.hint
    return caught.value.message


def test_what_cannot_be_planned_together_is_refused(tmp_path):
    other = ROOT / "sops" / "ph_calibration" / "campaign.yaml"
    assert "different laboratories" in refused(CAMPAIGN, other)
    assert "named twice" in refused(CAMPAIGN, CAMPAIGN)
    assert "is a lab file" in refused(EXAMPLE / "lab.yaml")
    shutil.copy(EXAMPLE / "sop.yaml", tmp_path / "sop.yaml")
    assert "no lab file" in refused(tmp_path / "sop.yaml")
    assert "no lab file" in refused(EXAMPLE / "sop.yaml", lab_file=tmp_path / "none.yaml")


def test_the_chart_is_written_as_page_and_picture(tmp_path):
    found = plan_samples([CAMPAIGN], 3, 0.0)
    page, picture = tmp_path / "new" / "plan.html", tmp_path / "new" / "plan.png"
    write_gantt_page(found, page)
    write_gantt_picture(found, picture)
    assert page.read_text(encoding="utf-8").count("<rect") == 3 * 11 + 2 * 3
    assert picture.read_bytes().startswith(b"\x89PNG")
    blocked = tmp_path / "file"
    blocked.write_text("")
    for write in (write_gantt_page, write_gantt_picture):
        with pytest.raises(InputError, match="can't be written"):
            write(found, blocked / "plan.out")


def test_more_samples_than_snapshots_of_the_core_agree():
    """The document's first plan is the engine's."""
    from lab.plan.schedule import schedule

    found = plan_samples([EXAMPLE / "sop.yaml"], 6, 0.0)
    assert found["makespan_s"] == schedule(electrolyte(6)).timeline.makespan_s
