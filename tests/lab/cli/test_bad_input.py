"""Each wrong input: one clear message, the place, the cure, and the promised exit code. Never a traceback."""

from __future__ import annotations

import re
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.support.command_line import lab_here
from tests.system.lab_process import ELECTROLYTE, lab

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the electrolyte example, to be broken."""
    folder = tmp_path / "electrolyte"
    shutil.copytree(ELECTROLYTE, folder, ignore=shutil.ignore_patterns(".lab"))
    return folder


def spoil(file: Path, old: str, new: str) -> int:
    """Replace the first occurrence; returns its line number."""
    text = file.read_text()
    assert old in text
    line = text[: text.index(old)].count("\n") + 1
    file.write_text(text.replace(old, new, 1))
    return line


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("minimum: 0.5 mL", "minimum: 0.5", 1, ["unit", "mL"]),
        ("maximum: 7 mL", "maximum: 7,0 mL", 1, ["decimal", "7.0 mL"]),
        ("rate: 20 mL/min", "rate: 20 g", 1, ["mass", "mL/min"]),
        ("    timeout: 60 s", "    timeuot: 60 s", 1, ["timeuot", "timeout"]),
        ("speed: 300 rpm", "speed: 3000 rpm", 1, ["1500"]),
        ("    capacity: 20 mL", "    capacity: 9 mL", 4, ["9 mL"]),
        ("needs: [tare]", "needs: [taer]", 1, ["taer", "tare"]),
        ("capability: conductivity", "capability: conductivty", 1, ["conductivity"]),
    ],
    ids=[
        "missing-unit",
        "decimal-comma",
        "wrong-dimension",
        "unknown-key",
        "above-the-device-limit",
        "dose-above-the-container",
        "unknown-step",
        "unknown-capability",
    ],
)
def test_a_wrong_sop_is_refused_at_its_place(
    example: Path, old: str, new: str, code: int, words: list[str]
) -> None:
    file = example / "sop.yaml"
    line = spoil(file, old, new)
    checked = lab_here("check", str(file))
    assert "Traceback" not in checked.stderr
    assert checked.returncode == 1, checked.stderr
    # A vessel runs over at the dose that is one too many, not where its capacity is written.
    place = re.search(r"sop\.yaml:(\d+):(\d+):", checked.stderr)
    assert place is not None, checked.stderr
    assert int(place[1]) == line or code == 4
    assert "^" in checked.stderr
    for word in words:
        assert word in checked.stderr
    # What doesn't pass the check doesn't run either.
    ran = lab_here("run", str(example / "campaign.yaml"), "--virtual", "--trials", "1")
    assert ran.returncode == code
    assert "Traceback" not in ran.stderr


def test_a_capability_that_no_device_has_is_refused(example: Path) -> None:
    lab_file = example / "lab.yaml"
    text = lab_file.read_text()
    start = text.index("  probe_1:")
    end = text.index("  hotplate_2:")
    text = text[:start] + text[end:]
    start, end = text.index("  probe_2:"), text.index("\nbroker:")
    lab_file.write_text(text[:start] + text[end:])
    ran = lab_here("run", str(example / "campaign.yaml"), "--virtual")
    assert ran.returncode == 1, ran.stderr
    assert "conductivity" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_broker_that_is_not_there_is_named(example: Path) -> None:
    ran = lab_here(
        "run", str(example / "campaign.yaml"), "--broker", "mqtt://127.0.0.1:9", "--trials", "1"
    )
    assert ran.returncode == 3, ran.stderr
    assert "127.0.0.1:9" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_records_of_a_newer_version_are_left_alone(example: Path, tmp_path: Path) -> None:
    database = tmp_path / "records.db"
    campaign = str(example / "campaign.yaml")
    assert (
        lab_here("run", campaign, "--virtual", "--trials", "1", "--db", str(database)).returncode
        == 0
    )
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    connection.close()
    before = database.read_bytes()
    for words in (
        ("run", campaign, "--virtual", "--trials", "1", "--db", str(database)),
        ("records", "list", "--db", str(database)),
        ("export", "--to", str(tmp_path / "out"), "--db", str(database)),
    ):
        refused = lab_here(*words)
        assert refused.returncode == 4, refused.stderr
        assert "newer version" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert database.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("nonsense",), 2, "nonsense"),
        (("run",), 2, "campaign"),
        (("run", "/nowhere/campaign.yaml"), 2, "/nowhere/campaign.yaml"),
        (("run", "x.yaml", "--speed", "fast"), 2, "number"),
        (("check", "/nowhere/sop.yaml"), 2, "/nowhere/sop.yaml"),
        (("status", "--db", "/nowhere/records.db"), 3, "no engine is running"),
        (("records", "list", "--db", "/nowhere/records.db"), 3, "/nowhere/records.db"),
        (("records", "list"), 2, "--db"),
        (("rearm", "--db", "x.db"), 2, "--who"),
        (("schema", "recipe"), 2, "sop, lab, campaign"),
        (("new", "recipe", "x"), 2, "recipe"),
        (("devices", "list", "/nowhere/lab.yaml"), 2, "/nowhere/lab.yaml"),
    ],
)
def test_wrong_usage_has_its_exit_code(words: tuple[str, ...], code: int, says: str) -> None:
    done = lab_here(*words)
    assert done.returncode == code, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_are_one_document_with_json(example: Path) -> None:
    import json

    spoil(example / "sop.yaml", "minimum: 0.5 mL", "minimum: 0.5")
    ran = lab_here("run", str(example / "campaign.yaml"), "--virtual", "--json")
    document = json.loads(ran.stdout)
    assert document["exit_code"] == ran.returncode == 1
    [finding] = document["diagnostics"]
    assert finding["line"] > 1
    assert finding["hint"]


def test_a_real_instrument_is_not_hurried(example: Path) -> None:
    lab_file = example / "lab.yaml"
    lab_file.write_text(
        lab_file.read_text().replace('url: "sim:"', 'url: "serial:///dev/ttyUSB7"', 1)
    )
    ran = lab_here("run", str(example / "campaign.yaml"), "--speed", "60", "--trials", "1")
    assert ran.returncode == 4, ran.stderr
    assert "concentrate_pump" in ran.stderr
    assert not (example / ".lab").exists()


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("check", ()),
        ("run", ("--virtual", "--json")),
        ("nonsense", ()),
    ],
)
def test_a_process_says_the_same_and_ends_with_the_same_code(
    example: Path, verb: str, words: tuple[str, ...]
) -> None:
    spoil(example / "sop.yaml", "minimum: 0.5 mL", "minimum: 0.5")
    file = "sop.yaml" if verb == "check" else "campaign.yaml"
    done, here = (call(verb, str(example / file), *words) for call in (lab, lab_here))
    assert done.returncode == here.returncode != 0
    assert (done.stdout, done.stderr) == (here.stdout, here.stderr)
