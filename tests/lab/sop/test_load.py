"""Campaigns: what the three files must agree on, and which files may be read at all."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from lab.devices.capability import CAPABILITIES
from lab.domain.errors import InputError, LabError, RefusedError
from lab.domain.ids import sha256_text
from lab.sop.check import check_campaign, check_lab
from lab.sop.check_together import campaign_box
from lab.sop.load import CampaignBundle, load_campaign
from tests.support.sop_files import DRIVERS, ROOT, changed, example, in_place

PARALLEL = re.findall(r"parallel: \d+", example("campaign"))[0]
Changes = tuple[tuple[str, str], ...]


def written(folder: Path, sop: Changes = (), lab: Changes = (), campaign: Changes = ()) -> Path:
    """The example in a folder, with changes; returns the campaign file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, changes in (("sop", sop), ("lab", lab), ("campaign", campaign)):
        (folder / f"{name}.yaml").write_text(changed(name, *changes), encoding="utf-8")
    return folder / "campaign.yaml"


def loaded(path: Path) -> CampaignBundle:
    return load_campaign(path, CAPABILITIES, DRIVERS)


def refused(path: Path, kind: type[LabError] = InputError) -> LabError:
    with pytest.raises(kind) as caught:
        loaded(path)
    assert caught.value.diagnostics
    for item in caught.value.diagnostics:
        if (path.parent / Path(item.file).name).is_file():
            in_place(item, (path.parent / Path(item.file).name).read_text(encoding="utf-8"))
    return caught.value


@pytest.mark.parametrize(
    "folder",
    sorted(path.parent for path in ROOT.glob("sops/*/sop.yaml")),
    ids=lambda path: path.name,
)
def test_every_example_is_clean(folder):
    if (folder / "campaign.yaml").is_file():
        drivers = {**DRIVERS, "clslab_light": ("light_mixing",), "atlas_ezo_ph": ("ph",)}
        found = load_campaign(folder / "campaign.yaml", CAPABILITIES, drivers).diagnostics
        # what meets on purpose, and who answers for it, is noted
        assert [item.text() for item in found if item.severity != "note"] == []


def test_a_bundle_holds_all_that_was_read(tmp_path):
    bundle = loaded(written(tmp_path / "a"))
    assert bundle.campaign.id == "electrolyte"
    assert bundle.procedure.version == "1.1.0"
    assert list(bundle.lab.stock) == ["concentrate", "dilute", "solvent"]
    assert bundle.paths["sop"] == (tmp_path / "a" / "sop.yaml").resolve()
    assert bundle.hashes["lab"] == sha256_text(example("lab"))
    assert bundle.hashes["procedure"] == bundle.procedure.sha256
    assert bundle.diagnostics == ()


def test_the_box_is_narrowed_and_fixed(tmp_path):
    path = written(
        tmp_path / "a",
        campaign=(("concentrate_volume: {}", "concentrate_volume: {maximum: 4000 uL}"),),
    )
    bundle = loaded(path)
    box = campaign_box(bundle.campaign, bundle.procedure)
    assert {name: (str(low), str(high)) for name, (low, high) in box.items()} == {
        "concentrate_volume": ("0.5 mL", "4 mL"),
        "dilute_volume": ("0 mL", "3 mL"),
        "total_volume": ("10 mL", "10 mL"),
        "temperature": ("25 degC", "25 degC"),
    }


@pytest.mark.parametrize(
    ("old", "new", "code", "caret_at", "words"),
    [
        ("concentrate_volume: {}", "concentrat_volume: {}", "factor", "concentrat_v", '"concentrate_volume"'),
        ("dilute_volume: {}", "dilute_volume: {maximum: 4 mL}", "range", "4 mL", "outside the SOP's limits"),
        ("dilute_volume: {}", "dilute_volume: {minimum: -1 mL}", "range", "-1 mL", "outside"),
        ("dilute_volume: {}", "dilute_volume: {maximum: 3}", "unit-missing", "3", '"3 mL"'),
        ("dilute_volume: {}", "dilute_volume: {maximum: 3 g}", "dimension", "3 g", "a mass"),
        ("dilute_volume: {}", "dilute_volume: {minimum: 2 mL, maximum: 1 mL}", "range", "dilute", "nothing to vary"),
        ("dilute_volume: {}", "dilute_volume:", "empty", "dilute_volume", "{}"),
        ("temperature: 25 degC", "temperatur: 25 degC", "reference", "temperatur", '"temperature"'),
        ("temperature: 25 degC", "temperature: 50 degC", "range", "50", "outside"),
        ("temperature: 25 degC", "temperature: 25", "unit-missing", "25", '"25 degC"'),
        ("temperature: 25 degC", "temperature: 25 delta_degC", "dimension", "25", "difference"),
        ("temperature: 25 degC", "dilute_volume: 1 mL", "reference", "dilute", "fixed at once"),
        ("result: conductivity", "result: conductivty", "reference", "conductivty", '"conductivity"'),
        ("9.130 mS/cm", "9.130 mol/L", "dimension", "9.130", "a concentration"),
        ("9.130 mS/cm", "9,130 mS/cm", "decimal-comma", "9,130", '"9.130 mS/cm"'),
        ("report: salt_concentration", "report: salt", "reference", "salt", "salt_concentration"),
        ('sop_version: "1.1.0"', 'sop_version: "1.0.0"', "version", '"1.0.0"', "version 1.1.0"),
        ('sop_version: "1.1.0"', "sop_version: 1.0", "version", "1.0", '"1.0"'),
        ("direction: maximize", "direction: maximise", "value", "maximise", '"maximize"'),
        ("method: bayesian", "method: bayes", "value", "bayes", '"bayesian"'),
        ("trials: 24", "trials: 0", "value", "0", "at least 1"),
        ("trials: 24", "trials: 24.5", "value", "24.5", "whole number"),
        (PARALLEL, "paralel: 2", "key-unknown", "paralel", '"parallel"'),
        ("sop: sop.yaml", "sop: sopp.yaml", "file", "sopp.yaml", "no file"),
        ("sop: sop.yaml", "sop: .", "file", ".", "not a file"),
    ],
)  # fmt: skip
def test_each_mistake_in_a_campaign(tmp_path, old, new, code, caret_at, words):
    error = refused(written(tmp_path / "a", campaign=((old, new),)))
    assert error.exit_code == 1
    (finding,) = error.diagnostics
    assert finding.code == code, finding.text()
    assert Path(finding.file).name == "campaign.yaml"
    assert words in finding.text(), finding.text()
    assert finding.source_line[finding.column - 1 :].startswith(caret_at), finding.text()
    assert finding.hint


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("driver: ika_hotplate", "driver: ika_hotplat", "driver", '"ika_hotplate"'),
        ("at: cell_1", "at: cell1", "reference", '"cell_1"'),
        ("draws: dilute", "draws: dilut", "reference", '"dilute"'),
        ("into: waste", "into: wast", "reference", '"waste"'),
        ("capacity: 20 mL", "capacity: 20", "unit-missing", '"20 mL"'),
        ("lab_format: 1", "lab_format: one", "value", "one"),
        ("broker: embedded", "broker: mqtt://user:secret@host", "value", "keyring"),
        ("  dilute: {volume", "  pot: {volume", "name", "station too"),
        ("    dilute: {density", "    dilut: {density", "reference", '"dilute"'),
        ("shared: true", "shared: true, wells: 96", "shape", "a well of its own"),
        ("shared: true", "shared: yes", "value", "true or false"),
        ("shared: true", "wells: 97", "value", "96"),
    ],
)
def test_each_mistake_in_a_lab(old, new, code, words):
    text = changed("lab", (old, new))
    found, findings = check_lab(text, "lab.yaml", DRIVERS)
    assert found is None
    codes = [item.code for item in findings]
    assert code in codes
    finding = findings[codes.index(code)]
    in_place(finding, text)
    assert words in finding.text(), finding.text()


def test_only_factors_may_be_varied(tmp_path):
    changes = (("dilute_volume: {}", "temperature: {}"), ("  temperature: 25 degC\n", ""))
    (finding,) = refused(written(tmp_path / "a", campaign=changes)).diagnostics
    assert finding.code == "factor"
    assert "has the role fixed" in finding.message
    assert "judged safe" in finding.why


def test_brokers_and_databases_that_are_fine():
    for broker in ("in-process", "embedded", "mqtt://127.0.0.1:1883", "mqtts://broker.lab"):
        found, findings = check_lab(changed("lab", ("broker: embedded", f"broker: {broker}")), "l")
        assert (findings, found is not None) == ([], True)


def test_a_capability_that_no_device_has(tmp_path):
    lab = example("lab")
    start, end = lab.index("  balance:"), lab.index("  hotplate_1:")
    path = written(tmp_path / "a", lab=((lab[start:end], ""),))
    error = refused(path)
    (finding,) = error.diagnostics
    assert error.exit_code == 1
    assert finding.code == "capability"
    assert 'no device of the lab can do "weighing"' in finding.message
    assert finding.source_line.strip() == "capability: weighing"
    assert "driver offers weighing" in finding.hint


def test_a_device_that_stands_at_the_wrong_place(tmp_path):
    path = written(tmp_path / "a", lab=(("    at: pot\n", "    at: cell_1\n"),))
    (finding,) = refused(path).diagnostics
    assert finding.code == "capability"
    assert "at pot" in finding.message
    assert "balance: at cell_1" in finding.hint


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("pot: {capacity: 20 mL}", "pot: {capacity: 15 mL}", "no station of at least 20 mL"),
        ("cell_1: {kind: cell", "cell_1: {kind: tank", ""),
        ("pot: {capacity: 20 mL}", "pot: {capacity: 20 mL, kind: jar}", 'for the container "pot"'),
        ("  solvent: {volume: 800 mL}\n", "  solvent: {volume: 800 mL, material: water}\n", 'stock of "solvent"'),
    ],
)  # fmt: skip
def test_stations_and_stocks_must_fit(tmp_path, old, new, words):
    path = written(tmp_path / "a", lab=((old, new),))
    if not words:  # the other cell is enough
        loaded(path)
        return
    (finding,) = refused(path).diagnostics
    assert words in finding.message
    assert Path(finding.file).name == "sop.yaml"


def test_a_shared_station_that_the_lab_lacks(tmp_path):
    lab = example("lab").replace("waste", "bin")
    path = written(tmp_path / "a")
    (tmp_path / "a" / "lab.yaml").write_text(lab, encoding="utf-8")
    (finding,) = refused(path).diagnostics
    assert finding.code == "reference"
    assert '"waste" is neither a container here nor a station of the lab' in finding.message


def test_only_safety_findings_mean_exit_code_4(tmp_path):
    path = written(tmp_path / "a", sop=(("capacity: 20 mL", "capacity: 11 mL"),))
    error = refused(path, RefusedError)
    assert error.exit_code == 4
    assert [item.severity for item in error.diagnostics] == ["safety"]


def test_safety_and_errors_together_mean_exit_code_2(tmp_path):
    path = written(
        tmp_path / "a",
        sop=(("capacity: 20 mL", "capacity: 11 mL"),),
        lab=(("at: cell_1", "at: cell1"),),
    )
    error = refused(path)
    assert [item.severity for item in error.diagnostics] == ["error", "safety"]
    assert [Path(item.file).name for item in error.diagnostics] == ["lab.yaml", "sop.yaml"]


def test_supplies_that_may_not_last_are_warned_of(tmp_path):
    bundle = loaded(written(tmp_path / "a", lab=(("dilute: {volume: 400", "dilute: {volume: 70"),)))
    (finding,) = bundle.diagnostics
    assert (finding.severity, finding.code) == ("warning", "supply")
    assert "may use 72 mL of dilute, and the lab has 70 mL" in finding.message
    assert finding.source_line.strip() == "trials: 24"
    bundle = loaded(
        written(tmp_path / "b", lab=(("waste: {capacity: 5 L", "waste: {capacity: 0.2 L"),))
    )
    assert [item.code for item in bundle.diagnostics] == ["supply"]
    assert "into waste" in bundle.diagnostics[0].message


def test_a_plate_needs_a_well_for_each_trial(tmp_path):
    folder = ROOT / "sops" / "dye_matching"
    if not folder.is_dir():
        pytest.skip("the dye example is not there")
    target = tmp_path / "dye"
    target.mkdir()
    for name in ("sop", "lab", "campaign"):
        (target / f"{name}.yaml").write_text((folder / f"{name}.yaml").read_text("utf-8"), "utf-8")
    path = target / "campaign.yaml"
    loaded(path)
    lab = (target / "lab.yaml").read_text("utf-8")
    (target / "lab.yaml").write_text(lab.replace("wells: 96", "wells: 6"), "utf-8")
    (finding,) = refused(path).diagnostics
    assert "the plate has 6" in finding.message


@pytest.mark.parametrize("named", ["../../x.yaml", "/etc/hostname", "../../../etc/passwd", "..\\x"])
def test_no_path_leads_out(tmp_path, named):
    (tmp_path / "x.yaml").write_text(example("sop"), encoding="utf-8")
    path = written(tmp_path / "deep" / "a", campaign=(("sop: sop.yaml", f"sop: '{named}'"),))
    (finding,) = refused(path).diagnostics
    assert finding.code == "path"


def test_no_link_leads_out(tmp_path):
    path = written(tmp_path / "deep" / "a")
    outside = tmp_path / "sop.yaml"
    outside.write_text(example("sop"), encoding="utf-8")
    (tmp_path / "deep" / "a" / "sop.yaml").unlink()
    (tmp_path / "deep" / "a" / "sop.yaml").symlink_to(outside)
    (finding,) = refused(path).diagnostics
    assert finding.code == "path"


def test_a_sibling_folder_and_a_folder_below_are_fine(tmp_path):
    path = written(
        tmp_path / "a",
        campaign=(("sop: sop.yaml", "sop: ../b/sop.yaml"), ("lab: lab.yaml", "lab: sub/lab.yaml")),
    )
    for name, folder in (("sop", tmp_path / "b"), ("lab", tmp_path / "a" / "sub")):
        folder.mkdir()
        (tmp_path / "a" / f"{name}.yaml").rename(folder / f"{name}.yaml")
    assert loaded(path).paths["lab"] == (tmp_path / "a" / "sub" / "lab.yaml").resolve()


def test_files_that_can_not_be_read(tmp_path):
    path = written(tmp_path / "a")
    sop = tmp_path / "a" / "sop.yaml"
    sop.write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in refused(path).message
    sop.write_bytes(b"# " + b"x" * 1_000_001)
    assert "larger than 1 MB" in refused(path).message
    sop.unlink()
    os.mkfifo(sop)  # would block for ever if it were opened
    assert "not a file" in refused(path).message
    with pytest.raises(InputError, match="no file"):
        loaded(tmp_path / "nothing.yaml")


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = written(tmp_path / "a")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert loaded(path).campaign.id == "electrolyte"


def test_without_manifests_devices_are_not_judged(tmp_path):
    path = written(tmp_path / "a", lab=(("driver: ika_hotplate", "driver: unheard_of"),))
    assert load_campaign(path, CAPABILITIES).diagnostics == ()


def test_more_at_once_than_in_all_is_only_a_warning():
    found, findings = check_campaign(changed("campaign", (PARALLEL, "parallel: 30")), "c")
    assert found is not None
    assert [item.severity for item in findings] == ["warning"]
