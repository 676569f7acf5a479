"""Where a campaign's files and records lie, how devices are reached, and what the doctor finds."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.app import doctor
from lab.app.drivers import DeviceConnector, build_simulation
from lab.app.files import open_campaign, open_lab
from lab.bus.memory import MemoryBus, MemoryTransport
from lab.domain.errors import FindingsError, InputError
from lab.engine.clock import ScaledClock
from lab.sop.molecules import molecule_problem
from simulators.lab import SimulatedLab
from tests.lab.app.electrolyte import CAMPAIGN, copied
from tests.support.factors import numbers, ranges

if TYPE_CHECKING:
    from simulators.world import World


def lab_with_database(folder: Path, database: str) -> Path:
    campaign = copied(folder)
    lab = campaign.parent / "lab.yaml"
    text = lab.read_text(encoding="utf-8")
    assert "database: .lab/electrolyte.db" in text
    lab.write_text(
        text.replace("database: .lab/electrolyte.db", f"database: {database}"), encoding="utf-8"
    )
    return campaign


def test_records_lie_beside_the_lab_file_whose_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = copied(tmp_path)
    beside = campaign.parent / ".lab" / "electrolyte.db"
    assert open_campaign(campaign).database == f"sqlite:///{beside}"
    monkeypatch.chdir(campaign.parent)
    assert open_campaign(Path("campaign.yaml")).database == "sqlite:///.lab/electrolyte.db"
    monkeypatch.chdir(tmp_path)
    short = open_campaign(Path("example/campaign.yaml")).database
    assert short == "sqlite:///example/.lab/electrolyte.db"


def test_an_absolute_path_and_a_server_stay_as_they_are(tmp_path: Path) -> None:
    absolute = tmp_path / "records" / "x.db"
    assert open_campaign(lab_with_database(tmp_path / "a", str(absolute))).database == (
        f"sqlite:///{absolute}"
    )
    server = open_campaign(lab_with_database(tmp_path / "b", "postgresql://ada@bench/lab"))
    assert server.database == "postgresql+psycopg://ada@bench/lab"


def test_factors_come_in_the_declared_units_and_the_middle_lies_between() -> None:
    files = open_campaign(CAMPAIGN)
    middle = numbers(files.middle)
    for factor in ranges(files.factors):
        assert factor.unit == "mL"
        assert factor.minimum < middle[factor.name] < factor.maximum
    assert files.fixed == {"temperature": 25.0, "total_volume": 10.0}
    assert files.objectives[0].unit == "mS/cm"
    assert files.lab_file.name == "lab.yaml"


def test_a_lab_file_alone_opens_and_a_broken_one_is_refused(tmp_path: Path) -> None:
    assert "balance" in open_lab(CAMPAIGN.with_name("lab.yaml")).lab.devices
    broken = copied(tmp_path).with_name("lab.yaml")
    broken.write_text(
        broken.read_text(encoding="utf-8").replace("mettler_toledo_sics", "metler"),
        encoding="utf-8",
    )
    with pytest.raises(InputError) as refusal:
        open_lab(broken)
    assert any("metler" in finding.message for finding in refusal.value.diagnostics)


# -- connections ------------------------------------------------------------------------------------


async def test_a_simulated_device_without_simulators_is_refused_with_the_way_out() -> None:
    def connect(_: str) -> MemoryTransport:
        return MemoryTransport(MemoryBus())

    connector = DeviceConnector("balance", "sim:", None, connect)
    with pytest.raises(InputError, match=r"'balance' is reached at 'sim:'") as refusal:
        await connector.stream("sim:")
    assert "lab devices simulate" in refusal.value.hint
    with pytest.raises(InputError, match="no simulators run here"):
        connector.http("sim:")
    with pytest.raises(InputError, match="no simulators run here"):
        await connector.messages("sim:")
    real = await connector.messages("mqtt://bench")
    await real.__aexit__(None, None, None)
    client = connector.http("http://127.0.0.1:9")
    assert str(client.base_url) == "http://127.0.0.1:9"
    await client.aclose()


def test_a_given_endpoint_goes_before_the_lab_file_and_serial_settings_come_from_the_manifest() -> (
    None
):
    drivers = open_lab(CAMPAIGN.with_name("lab.yaml"))

    def connect(_: str) -> MemoryTransport:
        raise AssertionError("not asked for")

    def url(**endpoints: str) -> str:
        return drivers.connector("balance", world=None, endpoints=endpoints, messages=connect).url

    assert url() == "sim:"
    assert url(balance="socket://127.0.0.1:5000") == "socket://127.0.0.1:5000"
    serial = drivers.manifests["balance"].serial
    assert serial
    assert url(balance="serial:///dev/ttyUSB0") == f"serial:///dev/ttyUSB0?{serial}"
    assert url(balance="serial:///dev/ttyUSB0?baud=300") == "serial:///dev/ttyUSB0?baud=300"
    assert set(drivers.simulated) == set(drivers.lab.devices)


# -- simulation -------------------------------------------------------------------------------------


def simulated(folder: Path, simulation: str) -> object:
    lab = copied(folder).with_name("lab.yaml")
    text = lab.read_text(encoding="utf-8")
    lab.write_text(text.replace("  chemistry: electrolyte\n", simulation), encoding="utf-8")
    return build_simulation(open_lab(lab), seed=1, clock=ScaledClock(1.0))


def test_the_chemistry_of_the_lab_file_is_the_one_that_goes_on(tmp_path: Path) -> None:
    world = simulated(
        tmp_path / "a", "  chemistry: saponification\n  settings: {rate_constant: 0.2}\n"
    )
    assert len(world.world.advance_hooks) == 1  # type: ignore[attr-defined]
    world = simulated(tmp_path / "b", "  chemistry: electrolyte\n")
    assert world.world.advance_hooks == []  # type: ignore[attr-defined]


def test_a_chemistry_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FindingsError) as refusal:
        simulated(tmp_path, "  chemistry: electrolite\n")
    (finding,) = refusal.value.diagnostics
    assert finding.message == 'there is no chemistry "electrolite"'
    assert '"electrolyte"' in finding.hint


def changed_world(folder: Path, old: str, new: str) -> World:
    lab = copied(folder).with_name("lab.yaml")
    text = lab.read_text(encoding="utf-8")
    assert old in text
    lab.write_text(text.replace(old, new, 1), encoding="utf-8")
    made = build_simulation(open_lab(lab), seed=1, clock=ScaledClock(1.0))
    assert isinstance(made, SimulatedLab)
    return made.world


def test_what_a_line_can_not_draw_stays_in_the_station(tmp_path: Path) -> None:
    world = changed_world(
        tmp_path, "pot: {capacity: 20 mL}", "pot: {capacity: 20 mL, dead_volume: 500 uL}"
    )
    assert world.vessel("pot").dead_volume_ml == pytest.approx(0.5)
    assert world.vessel("cell_1").dead_volume_ml == 0.0, "nothing is said of the others"
    pot, cell = world.fill("pot", 4.0, 1.0, {}), world.vessel("cell_1")
    assert world.pour(pot, cell, 20.0) == pytest.approx(3.5)
    assert world.pour(pot, cell, 20.0) == 0.0


def test_each_well_of_a_plate_keeps_it_back(tmp_path: Path) -> None:
    world = changed_world(
        tmp_path, "stations:\n", "stations:\n  plate: {capacity: 360 uL, wells: 6, dead_volume: 20 uL}\n"
    )  # fmt: skip
    wells = {f"plate:{row}{column}" for row in "AB" for column in (1, 2, 3)}
    assert {name for name in world.vessels if name.startswith("plate")} == wells
    assert all(world.vessel(name).dead_volume_ml == pytest.approx(0.02) for name in wells)


def test_a_dead_volume_that_is_all_of_the_vessel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="20 mL"):
        changed_world(
            tmp_path, "pot: {capacity: 20 mL}", "pot: {capacity: 20 mL, dead_volume: 20 mL}"
        )


# -- doctor -----------------------------------------------------------------------------------------


def finding(findings: list[doctor.Finding], begin: str) -> doctor.Finding:
    [found] = [f for f in findings if f.check.startswith(begin)]
    return found


@pytest.fixture
def light_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real ones take seconds to import."""
    monkeypatch.setattr(
        doctor, "_PACKAGES", (("json", "reading", "none"), ("broken_binary", "plots", "pip it"))
    )


@pytest.mark.usefixtures("light_packages")
def test_a_package_that_breaks_at_import_is_a_finding_with_a_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_binary.py").write_text("raise SystemError('wrong ABI')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    findings = doctor.examine(broker=None, database=None)
    assert finding(findings, "json").ok
    broken = finding(findings, "broken_binary")
    assert not broken.ok
    assert broken.optional
    assert "wrong ABI" in broken.detail
    assert broken.cure == "pip it"
    assert finding(findings, "drivers").ok
    assert finding(findings, "database").ok
    assert finding(findings, "Python").ok == (sys.version_info[:2] == (3, 11))
    assert set(broken.document()) == {"check", "ok", "detail", "cure", "optional"}


def test_rdkit_is_looked_for_where_molecules_are_described(monkeypatch: pytest.MonkeyPatch) -> None:
    [entry] = [entry for entry in doctor._PACKAGES if entry[0].startswith("rdkit")]  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(doctor, "_PACKAGES", (entry,))
    there = finding(doctor.examine(broker=None, database=None), "rdkit")
    assert (there.ok, there.optional, there.cure) == (True, True, "")
    for name in [name for name in sys.modules if name.split(".")[0] == "rdkit"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rdkit", None)
    missing = finding(doctor.examine(broker=None, database=None), "rdkit")
    assert (missing.ok, missing.optional) == (False, True)
    assert "rdkit" in missing.detail
    assert missing.check == "rdkit.Chem.Descriptors (molecules by their SMILES)"
    with pytest.raises(InputError) as refusal:
        molecule_problem("CCO")
    assert refusal.value.hint == missing.cure == "pip install -c constraints.txt 'labwright[chem]'"


@pytest.mark.usefixtures("light_packages")
def test_a_broker_and_records_that_are_not_there_are_findings(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: nobody answers there
        url = f"mqtt://127.0.0.1:{taken.getsockname()[1]}"
        findings = doctor.examine(broker=url, database=str(tmp_path / "none.db"))
    broker = finding(findings, "broker")
    assert not broker.ok
    assert not broker.optional
    assert broker.cure
    records = finding(findings, f"database {tmp_path}")
    assert not records.ok
    assert "no records" in records.detail
    assert not (tmp_path / "none.db").exists()
