"""The calibrations of the library find what their simulated instruments are off, and refuse what they should."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import pytest

from simulators.chemistry.acid_base import ph
from simulators.chemistry.dyes import DYES
from tests.sops.virtual import SOPS, changed_example, run_example, run_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sops.virtual import VirtualRun

pytestmark = pytest.mark.timeout(120)

# -- pump -------------------------------------------------------------------------------------------


def test_the_pump_is_found_to_give_two_percent_too_much() -> None:
    done = run_example("pump_calibration", 1)
    [run] = done.runs
    error, _ = done.result("systematic_error")
    assert done.files.lab.devices["pump"].simulate == {"dose_cv": 0.004, "dose_bias": 0.02}
    assert error == pytest.approx(2.0, abs=3.0 * 0.4 / 6**0.5), "the mean of six doses"
    scatter, _ = done.result("coefficient_of_variation")
    assert 0.1 < scatter < 0.9, "the pump scatters by 0.4 %"
    delivered = [
        float(act.detail["volume_ml"])
        for act in done.world.acts
        if act.device == "pump" and act.kind == "dispense"
    ][1:]
    assert len(delivered) == 6
    truth = statistics.fmean(delivered)
    volume, deviation = done.result("delivered_volume")
    assert volume == pytest.approx(truth, rel=0.001)
    assert abs(volume - truth) < 3.0 * deviation
    assert run.quality["doses"].accepted


def test_a_pump_without_an_error_is_found_to_have_none(tmp_path: Path) -> None:
    campaign = changed_example(
        "pump_calibration", tmp_path, ("lab.yaml", "dose_bias: 0.02", "dose_bias: 0")
    )
    error, _ = run_files(campaign, 1).result("systematic_error")
    assert abs(error) < 0.5


def test_air_in_the_line_ends_the_calibration(tmp_path: Path) -> None:
    campaign = changed_example(
        "pump_calibration", tmp_path, ("lab.yaml", "dose_bias: 0.02", "dose_bias: -0.25")
    )
    [run] = run_files(campaign, 1).runs
    assert run.status == "failed"
    assert "air in the line" in run.reason


# -- electrode --------------------------------------------------------------------------------------


def test_the_electrode_is_off_before_and_right_after() -> None:
    done = run_example("ph_calibration", 1)
    [run] = done.runs
    electrode = done.files.lab.devices["electrode"].simulate
    assert (electrode["offset_mv"], electrode["slope_percent"]) == (12, 96.5)
    before, _ = done.result("error_as_found")
    after, deviation = done.result("error_as_left")
    true = ph({"borax": 0.01})
    expected = (0.965 - 1.0) * (true - 7.0) - 12.0 / 59.16 + (true - 9.180)
    assert before == pytest.approx(expected, abs=0.01)
    assert before < -0.25
    assert abs(after) < 0.01
    assert 0.0 < deviation < 0.002
    # what is taken out is what was put in
    offset, _ = done.result("offset")
    assert offset == pytest.approx(12.0, abs=1.5), "the rest is the slope over 0.13 pH"
    for slope in ("acid_slope", "base_slope"):
        assert done.result(slope)[0] == pytest.approx(96.5, abs=0.9), "buffers to 0.01 of their pH"
    assert run.quality["borax_check"].accepted
    assert run.quality["portions"].accepted


def test_the_cell_keeps_its_dead_volume_and_no_more() -> None:
    done = run_example("ph_calibration", 1)
    assert done.world.vessel("cell").volume_ml == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("KHP: 0.05 mol/L", "citric_acid: 0.02 mol/L", "another buffer than the phthalate"),
        ("borax: 0.01 mol/L", "borax: 0.01 mol/L, NaOH: 0.008 mol/L", "borax_check"),
        ("offset_mv: 12", "offset_mv: 60", "more than 30 mV"),
    ],
)
def test_a_wrong_buffer_or_a_worn_electrode_is_not_calibrated_away(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    campaign = changed_example("ph_calibration", tmp_path, ("lab.yaml", old, new))
    done = run_files(campaign, 1)
    [run] = done.runs
    assert run.status == "failed"
    assert says in run.reason
    assert done.world.vessel("cell").volume_ml == pytest.approx(0.3, abs=1e-6), "it was emptied"


# -- calibration line -------------------------------------------------------------------------------


def line_of_the_dye() -> VirtualRun:
    return run_example("dye_calibration_line", 1)


def test_the_molar_absorptivity_is_recovered_within_its_uncertainty() -> None:
    done = line_of_the_dye()
    [run] = done.runs
    true = DYES["allura_red"].at(504.0)
    value, deviation = done.result("molar_absorptivity")
    assert abs(value - true) < 2.0 * deviation
    assert 0.005 * true < deviation < 0.02 * true, "an uncertainty that says something"
    blank, _ = done.result("blank")
    assert blank == pytest.approx(0.04, abs=0.001)
    intercept, deviation = done.result("intercept")
    assert abs(intercept - blank) < 3.0 * deviation
    assert done.result("r_squared")[0] > 0.999
    assert all(item.accepted for item in run.quality.values())


def test_the_detection_limit_follows_from_the_noise_of_the_reader() -> None:
    done = line_of_the_dye()
    slope, _ = done.result("slope")
    limit, _ = done.result("detection_limit")
    noise = 5e-4 / (2.302585 * 10**-0.04)  # of the transmission, as absorbance at the blank
    # the standard deviation of ten readings is known to a quarter of itself
    assert limit == pytest.approx(3.3 * noise / slope, rel=0.6)
    concentration, _ = done.result("detection_limit_concentration")
    assert concentration == pytest.approx(limit / 150e-6, rel=1e-6)


def test_a_plate_that_absorbs_too_much_fails(tmp_path: Path) -> None:
    campaign = changed_example(
        "dye_calibration_line",
        tmp_path,
        ("lab.yaml", "blank_absorbance: 0.04", "blank_absorbance: 0.1"),
    )
    [run] = run_files(campaign, 1).runs
    assert run.status == "failed"
    assert "plate" in run.reason


def test_all_calibrations_are_tried_here() -> None:
    assert {path.name for path in SOPS.glob("*calibration*")} == {
        "pump_calibration",
        "ph_calibration",
        "dye_calibration_line",
    }
