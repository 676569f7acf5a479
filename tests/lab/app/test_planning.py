"""`lab plan`'s document, from the example files."""

from __future__ import annotations

import shutil
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from lab.app.context import FilesContext
from lab.app.drivers import LabDrivers
from lab.app.files import open_campaign
from lab.app.gantt import write_gantt_page, write_gantt_picture
from lab.app.planning import plan_samples
from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError, RefusedError, UnavailableError
from lab.plan.bind import bind
from lab.plan.schedule import PlanningSnapshot, RunSnapshot, Schedule
from lab.records.reader import open_records
from tests.lab.app.electrolyte import run_virtual_campaign
from tests.support.schedule_checker import violations
from tests.support.sop_files import EXAMPLE, ROOT, device_capabilities, lab, procedure

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
        "sample", "step", "device", "start_s", "end_s", "stations", "duration_from", "duration_runs",
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
    files = open_campaign(CAMPAIGN)
    cells = FilesContext(files).candidates(1, files.middle)
    of_cell = {plan.bindings["cell"]: plan for plan in cells}
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
    plans = bind(
        procedure(), {}, {}, lab(), CAPABILITIES, 1, device_capabilities(lab()),
        durations=LabDrivers(lab()).durations,
    )  # fmt: skip
    runs = tuple(RunSnapshot(f"r{number:03d}", plans) for number in range(6))
    assert found["makespan_s"] == schedule(PlanningSnapshot(0.0, runs)).timeline.makespan_s


def test_each_step_says_who_told_how_long_it_takes():
    found = plan_samples([CAMPAIGN], 2, 0.0)
    by_step = {(item["step"], item["device"]): item for item in found["durations"]}
    dose = by_step["dose_solvent", "solvent_pump"]
    assert (dose["source"], dose["runs"]) == ("driver", 0)
    assert dose["least_s"] == dose["most_s"] == pytest.approx(28.5)
    assert by_step["weigh", "balance"]["source"] == "sop"
    slots = {slot["step"]: slot for slot in found["timeline"] if slot["sample"].endswith("1")}
    assert slots["dose_solvent"]["duration_from"] == "driver"
    assert slots["weigh"]["duration_from"] == "sop"


def test_the_records_of_earlier_runs_tell_it_better(tmp_path):
    records = tmp_path / "lab.db"
    run_virtual_campaign(records, trials=10)
    found = plan_samples([CAMPAIGN], 2, 0.0, db=str(records))
    learned = [item for item in found["durations"] if item["source"] == "journal"]
    assert learned
    with open_records(records) as found_there:
        times = found_there.step_times()
    for item in learned:
        took = [
            time.state.ended_s - time.state.started_s
            for time in times
            if (time.planned.path, time.planned.device) == (item["step"], item["device"])
            and time.state.ended_s is not None
            and time.state.started_s is not None
        ]
        assert min(took) * 0.94 <= item["least_s"] <= item["most_s"] <= max(took) * 1.06
    assert all(8 <= item["runs"] <= 100 for item in learned)
    with pytest.raises(UnavailableError):
        plan_samples([CAMPAIGN], 2, 0.0, db=str(tmp_path / "none.db"))


def served(folder: Path, lab_changes: tuple[tuple[str, str], ...]) -> Path:
    target = folder / "lab"
    shutil.copytree(EXAMPLE, target, ignore=shutil.ignore_patterns(".lab"))
    text = (target / "lab.yaml").read_text(encoding="utf-8")
    for old, new in lab_changes:
        assert old in text
        text = text.replace(old, new)
    (target / "lab.yaml").write_text(text, encoding="utf-8")
    return target / "campaign.yaml"


BOTTLE = "concentrate: {volume: 400 mL}", "concentrate: {volume: 10 mL, refill: 3 min}"
HOURS = "broker: embedded", 'broker: embedded\nattended: ["Tue 08:00-08:02", "Tue 10:00-17:00"]'


def test_a_bottle_that_runs_out_is_refilled_when_somebody_is_there(tmp_path):
    campaign = served(tmp_path, (BOTTLE, HOURS))
    start = datetime(2026, 12, 1, 8, 0)
    found = plan_samples([campaign], 6, 0.2, start=start)
    doses = sorted(
        (slot["start_s"], -1) for slot in found["timeline"] if slot["step"] == "dose_concentrate"
    )
    refills = [(item["end_s"], 2) for item in found["services"]]
    assert len(refills) == 2
    left = 2  # doses of 3.75 mL in 10 mL
    for _, change in sorted([*doses, *refills], key=lambda item: (item[0], -item[1])):
        left += change
        assert 0 <= left <= 2
    assert all(item["start_s"] >= 2 * 3600.0 for item in found["services"]), "they come at ten"
    assert {item["person"] for item in found["services"]} == {"operator"}
    assert any("2026-12-01 at 08:00" in note for note in found["notes"])
    assert any("asks people" in note for note in found["notes"])
    assert found["status"] in ("feasible", "optimal")
    waited = [item for item in found["critical_path"] if "refill concentrate" in item["because"]]
    assert waited
    write_gantt_page(found, tmp_path / "plan.html")
    assert "refill concentrate" in (tmp_path / "plan.html").read_text(encoding="utf-8")


def test_a_plan_of_no_time_has_its_refills_too(tmp_path):
    found = plan_samples([served(tmp_path, (BOTTLE,))], 4, 0.0)
    assert [item["task"] for item in found["services"]] == ["refill concentrate"]
    assert found["notes"] == ["a running campaign asks people for what they do in between"]


def test_manual_steps_wait_for_peoples_hours(tmp_path):
    folder = tmp_path / "ph"
    shutil.copytree(ROOT / "sops" / "ph_calibration", folder, ignore=shutil.ignore_patterns(".lab"))
    lab_file = folder / "lab.yaml"
    text = lab_file.read_text(encoding="utf-8")
    lab_file.write_text(text + '\nattended: ["Tue 10:00-17:00"]\n', encoding="utf-8")
    found = plan_samples([folder / "campaign.yaml"], 1, 0.0, start=datetime(2026, 12, 1, 9, 0))
    by_hand = [slot for slot in found["timeline"] if slot["device"] == "operator"]
    assert by_hand
    assert min(slot["start_s"] for slot in by_hand) == 3600.0
    lab_file.write_text(text + '\nattended: ["Tue 10:00-10:01"]\n', encoding="utf-8")
    with pytest.raises(RefusedError, match="nobody is there for longer than 60 s") as caught:
        plan_samples([folder / "campaign.yaml"], 1, 0.0, start=datetime(2026, 12, 1, 9, 0))
    assert "attended" in caught.value.hint


def test_a_plan_that_needs_people_for_longer_than_their_hours_are_known_is_refused(tmp_path):
    hours = "broker: embedded", 'broker: embedded\nattended: ["Tue 10:00-10:03"]'
    campaign = served(tmp_path, (BOTTLE, hours))
    with pytest.raises(RefusedError, match="60 days"):
        plan_samples([campaign], 26, 0.0, start=datetime(2026, 12, 1, 9, 0))
