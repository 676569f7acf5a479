"""`lab check`: each kind of file by its own rules; findings come back, only what can't be read is an error."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lab.app.check import check_files, checked, files_in
from lab.domain.errors import FindingsError, InputError
from lab.sop.load import refuse
from tests.corpus.cases import BASES, base

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The rich procedure, the one that it calls, and a lab."""
    inside = tmp_path / "labs" / "one"
    shutil.copytree(BASES["rich"][0], inside)
    shutil.copy(BASES["lab"][0] / "lab.yaml", inside)
    return inside


def test_a_called_procedure_is_read_too(folder: Path) -> None:
    assert check_files((folder / "sop.yaml", folder / "rinse.yaml", folder / "lab.yaml")) == []
    inner = folder / "rinse.yaml"
    inner.write_text(inner.read_text(encoding="utf-8").replace("title: Rinse", "title: Rince"))
    (finding,) = check_files((folder / "sop.yaml",))
    assert finding.code == "hash"


def test_each_file_is_judged_by_its_kind(folder: Path) -> None:
    lab = folder / "lab.yaml"
    lab.write_text(base("lab").replace("broker: embedded", "broker: embeded"))
    (finding,) = check_files((lab,))
    assert finding.file == str(lab)
    # a comment that names another kind does not change what it is
    sop = folder / "sop.yaml"
    sop.write_text("# see campaign_format: in the other file\n" + base("rich"))
    assert check_files((sop,)) == []
    # neither does damage
    lab.write_text(base("lab") + "\tbroken")
    (finding,) = check_files((lab,))
    assert finding.code == "syntax"


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"x" * 1_000_001])
def test_what_can_not_be_read_is_an_input_error(folder: Path, content: bytes | None) -> None:
    path = folder / "other.yaml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        check_files((path,))
    assert caught.value.exit_code == 2
    assert caught.value.diagnostics


def test_findings_mean_1_and_unreadable_means_2(folder: Path) -> None:
    sop = folder / "sop.yaml"
    sop.write_text(base("rich").replace("timeout: 60 s", "timeout: 60", 1))
    with pytest.raises(FindingsError) as caught:
        refuse(check_files((sop,)))
    assert caught.value.exit_code == 1
    with pytest.raises(InputError) as missing:
        check_files((folder / "nowhere.yaml",))
    assert missing.value.exit_code == 2


def test_a_folder_stands_for_our_files_in_it(folder: Path, tmp_path: Path) -> None:
    (folder / "notes.yaml").write_text("title: not one of ours\n")
    (folder / "sub").mkdir()
    damaged = folder / "sub" / "sop.yaml"
    damaged.write_text("sop_format: 1\n\tbroken\n")
    names = [path.relative_to(folder).as_posix() for path in files_in((tmp_path,))]
    ours = [path.name for path in folder.glob("*.yaml") if path.name != "notes.yaml"]
    assert names == [*sorted(ours), "sub/sop.yaml"]
    assert files_in((folder / "sop.yaml", damaged, folder / "sop.yaml")) == (
        folder / "sop.yaml",
        damaged,
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no SOP, lab or campaign"):
        files_in((empty,))


def test_a_finding_that_two_files_bring_is_said_once(tmp_path: Path) -> None:
    for name in ("sop.yaml", "lab.yaml", "campaign.yaml"):
        shutil.copy(BASES["lab"][0] / name, tmp_path)
    sop = tmp_path / "sop.yaml"
    sop.write_text(base("plain").replace("timeout: 60 s", "timeout: 60", 1))
    found = check_files(files_in((tmp_path,)))
    assert [(item.code, item.line) for item in found].count(("unit-missing", found[0].line)) == 1


def test_the_hash_that_a_call_must_name_is_told(folder: Path) -> None:
    paths = (folder / "sop.yaml", folder / "rinse.yaml", folder / "lab.yaml")
    hashes = checked(paths).hashes
    assert list(hashes) == [str(folder / "sop.yaml"), str(folder / "rinse.yaml")], "no SOP, no hash"
    rinse = folder / "rinse.yaml"
    named = hashes[str(rinse)]
    assert f"sha256: {named}" in (folder / "sop.yaml").read_text(encoding="utf-8")
    text = rinse.read_text(encoding="utf-8")
    rinse.write_text("# a remark changes nothing\n" + text)
    assert checked((rinse,)).hashes == {str(rinse): named}
    rinse.write_text(text.replace("title: Rinse", "title: Rince"))
    assert checked((rinse,)).hashes[str(rinse)] != named
    rinse.write_text("sop_format: 1\n")
    assert checked((rinse,)).hashes == {}, "what can't be run can't be called"


def test_a_campaign_tells_the_hash_of_its_procedure(tmp_path: Path) -> None:
    for name in ("sop.yaml", "lab.yaml", "campaign.yaml"):
        shutil.copy(BASES["lab"][0] / name, tmp_path)
    sop, campaign = tmp_path / "sop.yaml", tmp_path / "campaign.yaml"
    together = checked((campaign, sop)).hashes
    assert list(together) == [str(sop)]
    assert together == checked((sop,)).hashes
